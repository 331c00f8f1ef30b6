//! From a checked scenario to what a run starts from.

use super::{OrchestratorParams, Scenario};
use crate::ground::{DistError, Draws, Span, SpanDist, Time};
use crate::model::Catalog;
use crate::policy::{AnyScheduler, FirstFit, KubeScheduler};
use crate::sim::{NodeSetup, Setup, SimParams};
use crate::stimulus::{SourcePlan, load_table};

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
    /// Builds a run with this seed.
    ///
    /// # Errors
    /// If the file of an empirical distribution cannot be used.
    pub fn build(&self, seed: u64) -> Result<Built, DistError> {
        let mut catalog = self.plan.catalog.clone();
        let (params, think_time) = self.machinery();
        let scheduler = self.scheduler(&mut catalog);
        let draws = Draws::new(seed);
        let node = |plan: &super::NodePlan| NodeSetup {
            name: plan.name,
            hostname: Some(plan.name),
            spec: plan.spec,
            taints: plan.taints,
            unschedulable: false,
        };
        let setup = Setup {
            catalog,
            nodes: self.plan.nodes.iter().map(node).collect(),
            services: self.plan.services.clone(),
            scheduler,
            think_time,
            start_delay: start_delay(&params)?,
            params,
            detail: self.file.detail,
            draws,
        };
        let until = self.file.until.map(|until| Time::ZERO + until);
        Ok(Built { setup, sources: self.plan.sources.clone(), draws, until })
    }

    /// Timing around the policies, and of one scheduling cycle.
    pub fn machinery(&self) -> (SimParams, Span) {
        match &self.file.orchestrator {
            OrchestratorParams::Kubernetes(kube) => (kube.machinery(), kube.scheduler.think_time),
            OrchestratorParams::Baseline(baseline) => (baseline.machinery(), baseline.think_time),
        }
    }

    fn scheduler(&self, catalog: &mut Catalog) -> AnyScheduler {
        match &self.file.orchestrator {
            OrchestratorParams::Kubernetes(kube) => {
                KubeScheduler::new(&kube.scheduler, &mut catalog.names).into()
            }
            OrchestratorParams::Baseline(_) => FirstFit::new().into(),
        }
    }
}

/// The start delay of these parameters with its table loaded.
///
/// # Errors
/// If the file of an empirical distribution cannot be used.
pub fn start_delay(params: &SimParams) -> Result<SpanDist, DistError> {
    params.kubelet.start_delay.resolve(&mut load_table)
}
