//! From a checked scenario to what a run starts from.

use super::{NodePlan, OrchestratorParams, Scenario};
use crate::ground::{DistError, Draws, Time};
use crate::model::Catalog;
use crate::policy::{AnyScheduler, FirstFit, KubeScheduler};
use crate::sim::{NodeSetup, Setup};
use crate::stimulus::{SourcePlan, load_table};
use std::path::Path;

/// Everything a run needs.
#[derive(Debug, Clone)]
pub struct Built {
    /// What the world is built from.
    pub setup: Setup,
    /// What arrives from outside.
    pub sources: Vec<SourcePlan>,
    /// Random draws of the stimuli.
    pub draws: Draws,
    /// End of the run; `None` if it goes on until nothing is left.
    pub until: Option<Time>,
}

impl Scenario {
    /// Builds a run with this seed. `scratch` is a folder for traces too large to be sorted in
    /// memory.
    ///
    /// # Errors
    /// If the file of an empirical distribution cannot be used.
    pub fn build(&self, seed: u64, scratch: Option<&Path>) -> Result<Built, DistError> {
        let mut catalog = self.plan.catalog.clone();
        let orchestrator = &self.file.orchestrator;
        for application in &self.plan.applications {
            catalog.describe(application.resolve(&mut load_table)?);
        }
        let scheduler = self.scheduler(&mut catalog);
        let draws = Draws::new(seed);
        let node = |plan: &NodePlan| NodeSetup {
            name: plan.name,
            hostname: Some(plan.hostname),
            spec: plan.spec,
            taints: plan.taints,
            unschedulable: plan.unschedulable,
        };
        let setup = Setup {
            catalog,
            nodes: self.plan.nodes.iter().map(node).collect(),
            objects: self.plan.objects.clone(),
            services: self.plan.services.clone(),
            jobs: self.plan.jobs.clone(),
            rollbacks: self.plan.rollbacks.clone(),
            monitoring: self.plan.monitoring.clone(),
            pods: self.plan.pods.clone(),
            scheduler,
            think_time: orchestrator.think_time(),
            delays: self.plan.kubelet.delays(&mut load_table)?,
            volume_delays: self.plan.volumes.delays(&mut load_table)?,
            params: orchestrator.machinery(),
            detail: self.file.detail,
            draws,
        };
        let until = self.file.until.map(|until| Time::ZERO + until);
        let mut sources = self.plan.sources.clone();
        for source in &mut sources {
            source.set_scratch(scratch);
        }
        Ok(Built { setup, sources, draws, until })
    }

    fn scheduler(&self, catalog: &mut Catalog) -> AnyScheduler {
        match &self.file.orchestrator {
            OrchestratorParams::Kubernetes(kube) => match &self.plan.scheduler {
                Some(configuration) => {
                    let (params, names) = (&kube.scheduler, &mut catalog.names);
                    KubeScheduler::configured(configuration, params, names).into()
                }
                None => KubeScheduler::new(&kube.scheduler, &mut catalog.names).into(),
            },
            OrchestratorParams::Baseline(_) => FirstFit::new().into(),
        }
    }
}
