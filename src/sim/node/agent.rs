//! What the agent of a node holds beside its pods: the phases of its periods, its images, its
//! pulls, and how it stands with memory and disk.

use super::images::ImageStore;
use super::link::Held;
use super::pressure::NodePressures;
use super::pulls::Ticket;
use crate::ground::{Purpose, Span, Time};
use crate::model::{NodeId, NodeSpec};
use crate::policy::kube::control::TokenBucket;
use crate::policy::kube::kubelet::PullQueue;
use crate::sim::world::World;
use serde::{Deserialize, Serialize};

const RELIST_PHASE: Purpose = Purpose::new("relist-phase");

/// The agent of a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sim) struct Agent {
    /// When within its period it looks at its containers; drawn when first asked for.
    relist: Option<Span>,
    /// Tokens for its requests.
    pub(super) client: Option<TokenBucket>,
    pub(super) images: ImageStore,
    pub(super) pulls: PullQueue<Ticket>,
    /// Pulls under way, by their places.
    pub(super) flows: Vec<u32>,
    /// Pulls that download now.
    pub(super) downloads: u32,
    pub(super) pressures: NodePressures,
    pub(super) held: Held,
}

impl Agent {
    /// The agent of a node of this specification, with the images that are there from the start.
    pub(in crate::sim) fn new(world: &World, spec: &NodeSpec) -> Agent {
        Agent {
            relist: None,
            client: world.timing.kubelets.map(|rate| rate.bucket()),
            images: ImageStore::new(spec, &world.catalog),
            pulls: PullQueue::default(),
            flows: Vec::new(),
            downloads: 0,
            pressures: NodePressures::default(),
            held: Held::new(),
        }
    }

    /// Forgets what does not outlive a loss of power. Images do.
    pub(super) fn loses_power(&mut self) {
        self.pulls = PullQueue::default();
        self.flows.clear();
        self.downloads = 0;
        self.pressures = NodePressures::default();
        self.held.clear();
    }
}

impl World {
    fn relist_phase(&mut self, node: NodeId) -> Span {
        if let Some(phase) = self.fleet.agents[node].relist {
            return phase;
        }
        let key = self.fleet.machines[node].key;
        let phase = self.draw_phase(RELIST_PHASE, key, self.timing.kubelet.relist);
        self.fleet.agents[node].relist = Some(phase);
        phase
    }

    /// The first look of a kubelet at its containers after `now`.
    pub(super) fn next_relist(&mut self, node: NodeId, now: Time) -> Time {
        let phase = self.relist_phase(node);
        (now + Span::from_nanos(1)).next_tick(self.timing.kubelet.relist, phase)
    }

    /// The last look of a kubelet at its containers, not after `now`; the start of time if there
    /// was none.
    pub(super) fn last_relist(&mut self, node: NodeId, now: Time) -> Time {
        let phase = self.relist_phase(node);
        now.last_tick(self.timing.kubelet.relist, phase).unwrap_or(Time::ZERO)
    }
}
