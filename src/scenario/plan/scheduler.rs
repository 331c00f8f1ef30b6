//! The configuration file of the scheduler.

use super::Planner;
use crate::scenario::{Diagnostic, OrchestratorParams, read_scheduler_configuration};

const PATH: &str = "orchestrator.kubernetes.scheduler.configuration";

impl Planner<'_> {
    /// Reads the configuration that the scenario names, if it names one.
    pub(super) fn scheduler(&mut self) {
        let OrchestratorParams::Kubernetes(kube) = &self.file.orchestrator else { return };
        let Some(path) = &kube.scheduler.configuration else { return };
        let Some(path) = self.folder_or_file(PATH, path) else { return };
        let name = path.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let text = format!("the file cannot be read: {error}");
                self.findings.diagnostics.push(Diagnostic::new(text).in_file(name));
                return;
            }
        };
        match read_scheduler_configuration(&name, &text) {
            Ok(configuration) => self.plan.scheduler = Some(configuration),
            Err(diagnostics) => self.findings.diagnostics.extend(diagnostics),
        }
    }

    /// True if some profile of the scheduler is for pods that name this scheduler.
    pub(super) fn has_profile(&self, name: &str) -> bool {
        match &self.plan.scheduler {
            Some(configuration) => configuration.scheduler_names().any(|known| known == name),
            None => name == super::objects::PROFILE,
        }
    }
}
