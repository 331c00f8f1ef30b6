//! Expectations that name a metric there is.

use super::Planner;
use crate::metrics::catalog::{ENTRIES, Over, entry};
use crate::scenario::diagnostic::{list, nearest};
use crate::scenario::objects::Objects;

impl Planner<'_> {
    /// Refuses expectations on metrics that no run has.
    pub(super) fn expectations(&mut self, objects: &Objects) {
        let file = self.file;
        for (at, expectation) in file.expect.iter().enumerate() {
            let path = format!("expect.{at}");
            let metric = expectation.metric.as_str();
            let Some(entry) = entry(metric) else {
                let text = format!("no metric is called `{metric}`");
                let hint = match nearest(metric, ENTRIES.iter().map(|entry| entry.name)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`metrics` in the summary.json of a run lists all of them".to_owned(),
                };
                self.wrong(path, text, &hint);
                continue;
            };
            if entry.over == Over::Services {
                self.known_service(metric, path, objects);
            }
        }
    }

    /// Refuses a metric of a service that the scenario does not have.
    fn known_service(&mut self, metric: &str, path: String, objects: &Objects) {
        let services = || self.services.iter().map(|service| service.name.as_str());
        let key = metric.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
        if !services().any(|service| service == key) && !objects.has_controller(key) {
            let text = format!("no service is called `{key}`");
            let hint = match services().next() {
                Some(_) => format!("the services are {}", list(services(), "and")),
                None => "the scenario has no services".to_owned(),
            };
            self.wrong(path, text, &hint);
        }
    }
}
