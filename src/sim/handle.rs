//! From an event to the function that handles it.

use super::Event;
use super::discovery_event::DiscoveryEvent;
use super::host::Host;
use super::world::World;
use crate::journal::Sink;

impl World {
    /// Reads what an event that is among the next will need, so that it is near by then.
    pub(super) fn soon(&self, event: &Event) {
        if let Event::PodSync { pod, .. }
        | Event::ContainerStep { pod, .. }
        | Event::ContainerEnds { pod, .. }
        | Event::PlacedPodEnds { pod, .. }
        | Event::ReportArrives { pod, .. }
        | Event::BindArrives { pod, .. } = event
        {
            std::hint::black_box(self.fleet.program(*pod).map(|program| program.attempt));
        }
    }

    /// Handles one event.
    pub(super) fn handle<S: Sink>(&mut self, host: &mut Host<'_, S>, event: Event) {
        match event {
            Event::SchedulerWakes => self.scheduler_wakes(host),
            Event::CycleEnds => self.cycle_ends(host),
            Event::BindArrives { .. } => self.bind_arrives(host, event),
            Event::NominationArrives { pod, uid, node } => {
                self.nomination_arrives(host, pod, uid, node);
            }
            Event::ControllersWake => self.controllers_wake(host),
            Event::StayEnds { pod, uid } => self.stay_ends(host, pod, uid),
            Event::DeletionArrives { pod, uid, cause } => {
                self.deletion_arrives(host, pod, uid, cause);
            }
            Event::ReplicaArrives { set } => self.replica_arrives(host, set),
            Event::DeletionsAnswered { set, pods } => self.deletions_answered(host, set, pods),
            Event::SetStatusArrives { set, version } => {
                self.set_status_arrives(host, set, version);
            }
            Event::SetEventAnswered => self.set_event_answered(host),
            Event::SetStatusAnswered { set } => self.set_is_done(host, set),
            Event::SetLooks { set } => self.enqueue_sync(host, set),
            Event::DeploymentWriteArrives { workload } => {
                self.deployment_write_arrives(host, workload);
            }
            Event::OperatorActs { workload, action } => self.operate(host, workload, action),
            Event::DeploymentLooks { workload } => self.deployment_looks(host, workload),
            Event::StatefulWriteArrives { workload } => self.stateful_write_arrives(host, workload),
            Event::StatefulPodArrives { workload, ordinal, revision } => {
                self.stateful_pod_arrives(host, workload, (ordinal, revision));
            }
            Event::StatefulPodsAnswered { workload } => self.stateful_pods_answered(host, workload),
            Event::StatefulEventAnswered => self.stateful_event_answered(host),
            Event::StatefulSetLooks { workload } => self.stateful_set_looks(host, workload),
            Event::EvictionArrives { .. }
            | Event::DrainPolls { .. }
            | Event::DrainTimesOut { .. }
            | Event::BudgetStatusArrives
            | Event::BudgetLooks { .. } => self.handle_disruption(host, event),
            Event::ServiceScraped { workload } => self.service_scraped(host, workload),
            Event::ReplacementArrives => self.replacement_arrives(host),
            Event::NodeFoundSilent { node, voice } => self.node_found_silent(host, node, voice),
            Event::NodesLook => self.nodes_look(host),
            Event::LookWrites { worker } => self.look_writes(host, worker),
            Event::ZonesPoll => self.zones_poll(host),
            Event::TaintsArrive { node, write } => self.taints_arrive(host, node, write),
            Event::EvictionProceeds { pod, uid, step } => {
                self.eviction_proceeds(host, pod, uid, step);
            }
            Event::GarbagePass => self.garbage_pass(host),
            Event::GarbageGoes { pod, uid, cause } => self.garbage_goes(host, pod, uid, cause),
            Event::Discovery(event) => self.handle_discovery(host, event),
            Event::Task(event) => self.handle_task(host, event),
            Event::Volume(event) => self.handle_volume(host, event),
            Event::NodeReports { node, voice } => self.node_reports(host, node, voice),
            Event::NodeRenews { node, voice } => self.node_renews(host, node, voice),
            Event::KubeletLists { node, since } => self.kubelet_lists(host, node, since),
            _ => self.handle_on_node(host, event),
        }
    }

    /// Handles an event of service discovery.
    fn handle_discovery<S: Sink>(&mut self, host: &mut Host<'_, S>, event: DiscoveryEvent) {
        match event {
            DiscoveryEvent::ServiceLooks { service } => self.service_looks(host, service),
            DiscoveryEvent::SliceWriteArrives { service } => {
                self.slice_write_arrives(host, service);
            }
            DiscoveryEvent::SliceWriteAnswered { service } => {
                self.slice_write_answered(host, service);
            }
            DiscoveryEvent::ChangeReaches { change, reach } => {
                self.change_reaches(host, change, reach);
            }
            DiscoveryEvent::TermSent { pod, uid, attempt } => {
                self.term_sent(host, (pod, uid), attempt);
            }
        }
    }

    /// Handles an event of a drain or of the disruption controller.
    fn handle_disruption<S: Sink>(&mut self, host: &mut Host<'_, S>, event: Event) {
        match event {
            Event::EvictionArrives { pod, uid, drain } => {
                self.eviction_arrives(host, pod, uid, drain);
            }
            Event::DrainPolls { pod, uid, drain } => self.drain_polls(host, pod, uid, drain),
            Event::DrainTimesOut { drain } => self.drain_times_out(host, drain),
            Event::BudgetStatusArrives => self.budget_status_arrives(host),
            Event::BudgetLooks { budget } => self.budget_looks(host, budget),
            _ => unreachable!("{event:?} is no event of a disruption"),
        }
    }

    /// Handles an event of a kubelet.
    fn handle_on_node<S: Sink>(&mut self, host: &mut Host<'_, S>, event: Event) {
        match event {
            Event::PlacedPodEnds { pod, uid, attempt } => {
                self.placed_pod_ends(host, pod, uid, attempt);
            }
            Event::KubeletAdmits { pod, uid, attempt } => {
                self.kubelet_admits(host, pod, uid, attempt);
            }
            Event::SandboxReady { pod, uid, attempt } => {
                self.sandbox_ready(host, pod, uid, attempt);
            }
            Event::DeadlineEnds { pod, uid, attempt } => {
                self.deadline_ends(host, pod, uid, attempt);
            }
            Event::PodSync { pod, uid, attempt } => self.pod_sync(host, pod, uid, attempt),
            Event::ContainerStep { pod, uid, attempt } => {
                self.container_step(host, pod, uid, attempt);
            }
            Event::ContainerEnds { pod, uid, container, life } => {
                self.container_ends(host, pod, uid, (container, life));
            }
            Event::ProbeDue { pod, uid, container } => self.probe_due(host, pod, uid, container),
            Event::UsageBends { pod, uid } => self.usage_bends(host, pod, uid),
            Event::PullStep { flow, turn } => self.pull_step(host, flow, turn),
            Event::ImageGc { node, epoch } => self.image_gc(host, node, epoch),
            Event::EvictionLook { node, epoch } => self.eviction_look(host, node, epoch),
            Event::MemoryExhausted { node, epoch } => self.memory_exhausted(host, node, epoch),
            Event::NodePressures { node, epoch, pressures } => {
                self.node_pressures(host, node, epoch, pressures);
            }
            Event::ReportArrives { .. } => self.report_arrives(host, event),
            Event::KubeletStops { pod, uid } => self.kubelet_stops(host, pod, uid),
            _ => unreachable!("{event:?} is no event of a kubelet"),
        }
    }
}
