//! Pulls of images: turns on the node, and bandwidth shared by the node and by the registry.
//!
//! A pull asks the registry for the manifest, downloads the layers that the node lacks, some at a
//! time, and unpacks them. While it downloads, it runs at the least of three rates: what its
//! connections allow, its share of the node's rate, and its share of what the registry sends.
//! Shares are equal. Bytes are counted exactly, in billionths.

use super::images::{Presence, layers_of};
use crate::ground::{Name, Span, Time};
use crate::journal::{Fact, PullOutcome, Sink};
use crate::model::{ContainerWait, NodeId, PodId, PodUid};
use crate::policy::kube::kubelet::after_failed_pull;
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::machine::{Work, container_at};
use crate::sim::world::World;
use serde::{Deserialize, Serialize};

/// Who waits for a pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sim) struct Ticket {
    pod: PodId,
    uid: PodUid,
    place: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    /// The registry is asked for the manifest.
    Asking,
    /// Layers come in.
    Downloading,
    /// Layers are unpacked.
    Unpacking,
}

/// A pull under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Flow {
    ticket: Ticket,
    node: NodeId,
    image: Name,
    step: Step,
    /// Bytes that are still to come, times 10^9.
    left: u128,
    /// What its connections allow, bytes per second.
    most: u64,
    /// Bytes per second since `since`.
    rate: u64,
    since: Time,
    /// Bytes to unpack.
    unpacked: u64,
    /// Number of the foreseen end of its step; others are void.
    turn: u32,
}

/// All pulls under way.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::sim) struct Pulls {
    flows: Vec<Option<Flow>>,
    free: Vec<u32>,
    /// Those that download now.
    downloads: u32,
    /// Numbers of foreseen ends given so far.
    turns: u32,
}

/// Time for so many billionths of bytes at a rate, rounded up.
fn time_for(left: u128, rate: u64) -> Span {
    let nanos = left.div_ceil(u128::from(rate.max(1)));
    Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 2))
}

const BILLION: u128 = 1_000_000_000;

impl Pulls {
    fn add(&mut self, flow: Flow) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.flows[place as usize] = Some(flow);
                place
            }
            None => {
                self.flows.push(Some(flow));
                u32::try_from(self.flows.len() - 1).expect("fewer than 2^32 pulls at a time")
            }
        }
    }

    fn get_mut(&mut self, place: u32) -> &mut Flow {
        self.flows[place as usize].as_mut().expect("a pull under way has its flow")
    }
}

impl World {
    /// A container waits for its image from now on.
    pub(super) fn request_pull<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, place: u8) {
        let (node, _) = self.place_of(pod);
        let ticket = Ticket { pod, uid: self.fleet.get(pod).uid, place };
        let params = self.timing.kubelet.pulls;
        if self.fleet.agents[node].pulls.request(&params, ticket) {
            self.begin_pull(host, node, ticket);
        }
    }

    /// It is the turn of a pull on its node.
    fn begin_pull<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId, ticket: Ticket) {
        let (_, spec) = self.place_of(ticket.pod);
        let container = container_at(self.catalog.pod_spec(spec), usize::from(ticket.place));
        let image = container.image.expect("only images are pulled");
        let flow = Flow {
            ticket,
            node,
            image,
            step: Step::Asking,
            left: 0,
            most: 0,
            rate: 0,
            since: host.now,
            unpacked: 0,
            turn: 0,
        };
        let place = self.pulls.add(flow);
        self.fleet.agents[node].flows.push(place);
        host.fact(Fact::PullBegan { pod: ticket.uid, container: ticket.place, image });
        self.flow_ends_in(host, place, self.timing.registry.latency);
    }

    /// The step of a pull that is under way ends after this time.
    fn flow_ends_in<S: Sink>(&mut self, host: &mut Host<'_, S>, place: u32, after: Span) {
        self.pulls.turns = self.pulls.turns.wrapping_add(1);
        let turn = self.pulls.turns;
        self.pulls.get_mut(place).turn = turn;
        host.machine(after, Event::PullStep { flow: place, turn });
    }

    pub(in crate::sim) fn pull_step<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        place: u32,
        turn: u32,
    ) {
        let Some(flow) = self.pulls.flows[place as usize].filter(|flow| flow.turn == turn) else {
            return;
        };
        match flow.step {
            Step::Asking => self.manifest_is_there(host, place),
            Step::Downloading => {
                self.pulls.downloads -= 1;
                self.fleet.agents[flow.node].downloads -= 1;
                let rate = self.timing.registry.unpack_rate.0;
                let after = time_for(u128::from(flow.unpacked) * BILLION, rate);
                self.pulls.get_mut(place).step = Step::Unpacking;
                self.flow_ends_in(host, place, after);
                self.share_anew(host, flow.node);
            }
            Step::Unpacking => self.pull_ends(host, place, PullOutcome::Pulled),
        }
    }

    /// The registry has answered.
    fn manifest_is_there<S: Sink>(&mut self, host: &mut Host<'_, S>, place: u32) {
        let Flow { node, image, .. } = *self.pulls.get_mut(place);
        let known = self.catalog.application(image);
        let store = &self.fleet.agents[node].images;
        if store.presence(image) == Presence::There {
            self.pull_ends(host, place, PullOutcome::Confirmed);
            return;
        }
        if known.is_some_and(|known| known.missing) {
            self.pull_ends(host, place, PullOutcome::Failed);
            return;
        }
        let missing = store.missing(&layers_of(&self.catalog, image));
        let compressed: u64 = missing.iter().map(|layer| layer.compressed.0).sum();
        if compressed == 0 {
            self.pull_ends(host, place, PullOutcome::Pulled);
            return;
        }
        let params = self.timing.registry;
        let connections = u64::from(params.layers_at_a_time).min(missing.len() as u64);
        let now = host.now;
        let flow = self.pulls.get_mut(place);
        flow.step = Step::Downloading;
        flow.left = u128::from(compressed) * BILLION;
        flow.unpacked = missing.iter().map(|layer| layer.unpacked.0).sum();
        flow.most = params.layer_rate.0.saturating_mul(connections);
        (flow.rate, flow.since) = (0, now);
        self.pulls.downloads += 1;
        self.fleet.agents[node].downloads += 1;
        self.share_anew(host, node);
    }

    /// Shares bandwidth anew after a download began or ended on a node.
    fn share_anew<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        let params = self.timing.registry;
        if params.egress.is_none() {
            for at in 0..self.fleet.agents[node].flows.len() {
                let place = self.fleet.agents[node].flows[at];
                self.set_rate(host, place);
            }
            return;
        }
        for place in 0..self.pulls.flows.len() {
            self.set_rate(host, place as u32);
        }
    }

    fn set_rate<S: Sink>(&mut self, host: &mut Host<'_, S>, place: u32) {
        let params = self.timing.registry;
        let Some(flow) = self.pulls.flows[place as usize] else { return };
        if flow.step != Step::Downloading {
            return;
        }
        let on_node = u64::from(self.fleet.agents[flow.node].downloads);
        let node_share = params.node_rate.0 / on_node;
        let egress = params.egress.map_or(u64::MAX, |rate| rate.0);
        let rate = flow.most.min(node_share).min(egress / u64::from(self.pulls.downloads)).max(1);
        if rate == flow.rate {
            return;
        }
        let now = host.now;
        let flow = self.pulls.get_mut(place);
        let done = u128::from(flow.rate) * u128::from(now.since(flow.since).as_nanos());
        flow.left = flow.left.saturating_sub(done);
        (flow.rate, flow.since) = (rate, now);
        let after = time_for(flow.left, rate);
        self.flow_ends_in(host, place, after);
    }

    fn pull_ends<S: Sink>(&mut self, host: &mut Host<'_, S>, place: u32, outcome: PullOutcome) {
        let Flow { ticket, node, image, .. } = *self.pulls.get_mut(place);
        let Ticket { pod, uid, place: container } = ticket;
        self.flow_is_over(place);
        host.fact(Fact::PullEnded { pod: uid, container, outcome });
        let next = self.fleet.agents[node].pulls.ended(&self.timing.kubelet.pulls, ticket);
        if outcome == PullOutcome::Pulled {
            self.node_has_image(node, image, host.now);
        }
        debug_assert_eq!(self.fleet.get(pod).worker.work, Work::Pulling(container));
        if outcome == PullOutcome::Failed {
            let params = self.timing.kubelet.image_backoff;
            let program = self.fleet.expect(pod);
            program.worker.work = Work::Idle;
            let run = &mut program.containers[usize::from(container)];
            let backoff = after_failed_pull(&params, run.pull_backoff, host.now);
            run.pull_backoff = Some(backoff);
            let wait = (ContainerWait::ErrImagePull, backoff.advanced + backoff.delay);
            self.container_waits(host, pod, container, wait);
            self.work_on(host, pod);
        } else {
            self.create_container(host, pod, container);
        }
        if let Some(next) = next {
            self.begin_pull(host, node, next);
        }
        if outcome == PullOutcome::Pulled {
            self.consider_image_gc(host, node);
            self.node_usage_changed(host, node);
            self.image_arrived(host, node, image);
        }
    }

    fn flow_is_over(&mut self, place: u32) {
        let flow = self.pulls.flows[place as usize].take().expect("a pull ends once");
        let agent = &mut self.fleet.agents[flow.node];
        agent.flows.retain(|other| *other != place);
        if flow.step == Step::Downloading {
            agent.downloads -= 1;
            self.pulls.downloads -= 1;
        }
        self.pulls.free.push(place);
    }

    /// Containers that may never pull an image have it now.
    fn image_arrived<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId, image: Name) {
        for at in 0..self.store.truth.holds(node).pods.len() {
            let pod = self.store.truth.holds(node).pods[at];
            let spec = self.store.truth.pod_spec(pod, &self.catalog).expect("it is held");
            let program = self.fleet.get(pod);
            let waits = program.containers.iter().enumerate().any(|(place, run)| {
                run.waits == Some((ContainerWait::ErrImageNeverPull, Time::MAX))
                    && container_at(spec, place).image == Some(image)
            });
            if waits {
                self.retry_soon(host, pod);
            }
        }
    }

    /// A pod gives up what it waits for.
    pub(super) fn withdraw_pull<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let program = self.fleet.get(pod);
        let Work::Pulling(place) = program.worker.work else { return };
        let ticket = Ticket { pod, uid: program.uid, place };
        let (node, _) = self.place_of(pod);
        let agent = &mut self.fleet.agents[node];
        if agent.pulls.withdraw(ticket) {
            return; // it had not begun
        }
        let flows = &self.pulls.flows;
        let of = |flow: &u32| flows[*flow as usize].is_some_and(|flow| flow.ticket == ticket);
        let flow = agent.flows.iter().copied().find(of).expect("a pull that began has its flow");
        self.flow_is_over(flow);
        let (container, outcome) = (place, PullOutcome::Failed);
        host.fact(Fact::PullEnded { pod: ticket.uid, container, outcome });
        self.share_anew(host, node);
        let next = self.fleet.agents[node].pulls.ended(&self.timing.kubelet.pulls, ticket);
        if let Some(next) = next {
            self.begin_pull(host, node, next);
        }
    }

    /// All pulls of a node stop because it lost power.
    pub(super) fn pulls_are_lost<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId) {
        for place in std::mem::take(&mut self.fleet.agents[node].flows) {
            let flow = self.pulls.flows[place as usize].expect("a pull of the node is under way");
            let (pod, container) = (flow.ticket.uid, flow.ticket.place);
            let outcome = PullOutcome::Failed;
            host.fact(Fact::PullEnded { pod, container, outcome });
            self.flow_is_over(place);
        }
        self.share_anew(host, node);
    }
}
