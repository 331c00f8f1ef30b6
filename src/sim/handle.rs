//! From an event to the function that handles it.

use super::Event;
use super::host::Host;
use super::world::World;
use crate::journal::Sink;

impl World {
    /// Reads what an event that is among the next will need, so that it is near by then.
    pub(super) fn soon(&self, event: &Event) {
        if let Event::ContainersStart { pod, .. }
        | Event::ContainersEnd { pod, .. }
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
            Event::ControllersWake => self.controllers_wake(host),
            Event::StayEnds { pod, uid } => self.stay_ends(host, pod, uid),
            Event::DeletionArrives { pod, uid, cause } => {
                self.deletion_arrives(host, pod, uid, cause);
            }
            Event::ReplicaArrives { workload } => self.replica_arrives(host, workload),
            Event::SyncEnds { workload } => self.sync_ends(host, workload),
            Event::ReplacementArrives => self.replacement_arrives(host),
            Event::ContainersStart { pod, uid, attempt } => {
                self.containers_start(host, pod, uid, attempt);
            }
            Event::ContainersEnd { pod, uid, attempt } => {
                self.containers_end(host, pod, uid, attempt);
            }
            Event::ReportArrives { .. } => self.report_arrives(host, event),
            Event::KubeletStops { pod, uid } => self.kubelet_stops(host, pod, uid),
            Event::NodeFoundSilent { node, epoch } => self.node_found_silent(host, node, epoch),
            Event::NodesLook => self.nodes_look(host),
            Event::LookWrites { worker } => self.look_writes(host, worker),
            Event::ZonesPoll => self.zones_poll(host),
            Event::TaintsArrive { node, write } => self.taints_arrive(host, node, write),
            Event::EvictionProceeds { pod, uid, step } => {
                self.eviction_proceeds(host, pod, uid, step);
            }
            Event::GarbagePass => self.garbage_pass(host),
            Event::GarbageGoes { pod, uid, cause } => self.garbage_goes(host, pod, uid, cause),
            Event::NodeReports { node, epoch } => self.node_reports(host, node, epoch),
        }
    }
}
