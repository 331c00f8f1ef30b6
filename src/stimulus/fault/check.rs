//! What is wrong with the parameters of a fault.

use super::mode::FaultMode;
use super::params::{FaultParams, FaultStart};
use crate::ground::{Problem, Span, SpanDistParams};
use crate::model::FaultAction;
use crate::stimulus::read::load_table;
use std::path::PathBuf;

impl FaultParams {
    /// What is wrong with these parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |path: &str, text: &str, hint: &str| {
            problems.push(Problem::new(path, text.to_owned()).hint(hint.to_owned()));
        };
        let timed = self.at.is_some() || self.every.is_some();
        if timed == self.rate.is_some() {
            let text = "a fault has either a time `at` or a `rate`";
            wrong("", text, "write `at: 10m`, `every: 1h`, or `rate: {time_to_failure: ...}`");
        }
        if self.every == Some(Span::ZERO) {
            wrong("every", "is `0s`: time would stand still", "write for example `1h`");
        }
        if !self.nodes.is_empty() && !self.selector.is_empty() {
            let text = "stands beside `nodes`, which already says which nodes";
            wrong("selector", text, "give one of the two");
        }
        let action = self.action.name();
        if self.action == FaultAction::NodeCrash {
            if self.duration.is_some() {
                wrong("duration", "`node-crash` has no `duration`", "write `repair`");
            }
        } else if self.repair.is_some() {
            let text = format!("`{action}` has no `repair`");
            wrong("repair", &text, "write `duration`");
        }
        if self.action == FaultAction::NodeRestart && self.duration.is_none() {
            let text = "a node that restarts comes back";
            wrong("", text, "write how long it takes, such as `duration: 2m`");
        }
        let strikes_domains =
            matches!(self.action, FaultAction::RackOutage | FaultAction::ZoneOutage);
        if self.domain.is_some() && !strikes_domains {
            let text = format!("`{action}` strikes nodes by themselves");
            wrong("domain", &text, "remove it, or write `rack-outage` or `zone-outage`");
        }
        if self.direction.is_some() && self.action != FaultAction::NetworkPartition {
            let text = format!("`{action}` has no direction");
            wrong("direction", &text, "remove it");
        }
        self.check_mode(&mut wrong);
        problems.extend(self.check_rate());
        problems
    }

    fn check_mode(&self, wrong: &mut impl FnMut(&str, &str, &str)) {
        let (key, ratio) = match self.mode {
            Some(FaultMode::Fixed(0)) => {
                return wrong("mode.fixed", "strikes nothing", "write 1 or more");
            }
            Some(FaultMode::FixedPercent(ratio)) => ("mode.fixed-percent", ratio),
            Some(FaultMode::RandomMaxPercent(ratio)) => ("mode.random-max-percent", ratio),
            _ => return,
        };
        let percent = ratio.value() * 100.0;
        if !(1.0..=100.0).contains(&percent) || (percent - percent.round()).abs() > 1e-9 {
            wrong(key, "a share is whole percent from 1% to 100%", "write for example `10%`");
        }
    }

    fn check_rate(&self) -> Option<Problem> {
        let rate = self.rate.as_ref()?;
        if rate.time_to_failure.file().is_some() {
            return None;
        }
        let text = match rate.time_to_failure.resolve(&mut load_table) {
            Ok(dist) if dist.mean_secs() == Some(0.0) => {
                Some("is always 0s: time would stand still".to_owned())
            }
            Ok(dist) if rate.start == FaultStart::Equilibrium => {
                dist.length_biased().err().map(|error| error.to_string())
            }
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        text.map(|text| Problem::new("rate.time_to_failure", text))
    }

    /// The files that are named, to make their paths absolute.
    pub fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let uptime = self.rate.as_mut().map(|rate| &mut rate.time_to_failure);
        let lengths = [&mut self.duration, &mut self.repair].into_iter().flatten();
        uptime.into_iter().chain(lengths).filter_map(SpanDistParams::file_mut)
    }
}
