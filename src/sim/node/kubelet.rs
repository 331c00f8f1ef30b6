//! What kubelets do with pods: start their containers, report on them, stop them.

use crate::ground::Purpose;
use crate::journal::{DeletionCause, Fact, Sink};
use crate::model::{Change, Lifetime, NodeId, PodId, PodPhase, PodUid, RestartPolicy};
use crate::sim::Event;
use crate::sim::event::Report;
use crate::sim::host::Host;
use crate::sim::machine::Containers;
use crate::sim::world::World;

/// Purpose of the draw of a pod's start delay; its index is the attempt.
pub(in crate::sim) const POD_START: Purpose = Purpose::new("pod-start");

impl World {
    /// A pod was bound: the kubelet of its node sees it after the watch delay, if it has power.
    pub(in crate::sim) fn kubelet_sees_pod<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        node: NodeId,
    ) {
        if self.fleet.machines[node].powered {
            self.start_containers(host, pod, uid);
        }
    }

    fn start_containers<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, uid: PodUid) {
        let program = *self.fleet.expect(pod);
        let workload = self.store.truth.pod(pod).expect("a pod that starts exists").workload;
        let own = self.start_delay(workload, program.key, program.attempt);
        let delay = self.timing.watch + own;
        self.fleet.expect(pod).containers = Containers::Starting;
        host.machine(delay, Event::ContainersStart { pod, uid, attempt: program.attempt });
    }

    pub(in crate::sim) fn containers_start<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        attempt: u32,
    ) {
        let Some(program) = self.fleet.program_if(pod, uid) else { return };
        if program.attempt != attempt {
            return;
        }
        assert_eq!(program.containers, Containers::Starting, "{pod:?} starts once an attempt");
        program.containers = Containers::Running;
        if let Lifetime::For(lifetime) = program.lifetime {
            host.machine(lifetime, Event::ContainersEnd { pod, uid, attempt });
        }
        self.report(host, pod, Report::Ready);
    }

    pub(in crate::sim) fn containers_end<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        attempt: u32,
    ) {
        let Some(program) = self.fleet.program_if(pod, uid) else { return };
        if program.attempt != attempt || program.containers != Containers::Running {
            return;
        }
        program.containers = Containers::Ended;
        self.report(host, pod, Report::Succeeded);
    }

    /// The containers of a pod stop because their node does.
    pub(in crate::sim) fn containers_are_lost<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
    ) {
        let program = self.fleet.expect(pod);
        program.attempt += 1;
        if program.containers == Containers::Running {
            host.fact(Fact::Interrupted { pod: program.uid });
        }
        program.containers = Containers::Absent;
    }

    /// The kubelet of a node that is back sees to a pod that the store has there.
    pub(in crate::sim) fn kubelet_recovers<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let view = *self.store.truth.pod(pod).expect("listed on its node");
        if view.deleting {
            self.report(host, pod, Report::Stopped);
            return;
        }
        let never_ran = view.phase == PodPhase::Pending;
        let policy = self.catalog.pod_spec(view.spec).restart_policy;
        if policy == RestartPolicy::Never && !never_ran {
            self.report(host, pod, Report::Failed);
            return;
        }
        if view.phase == PodPhase::Ready {
            self.report(host, pod, Report::NotReady);
        }
        self.start_containers(host, pod, view.uid);
    }

    /// A pod was asked to stop: its kubelet stops it after the watch delay, if it has power.
    pub(in crate::sim) fn kubelet_sees_deletion<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
    ) {
        let view = *self.store.truth.pod(pod).expect("it was just asked to stop");
        match view.node {
            Some(node) if self.fleet.machines[node].powered => {
                let uid = view.uid;
                host.machine(self.timing.watch, Event::KubeletStops { pod, uid });
            }
            Some(_) => {} // nobody is there; the kubelet will see it when it is back
            None => {
                host.fact(Fact::Removed { pod: view.uid });
                self.remove_pod(host, pod);
            }
        }
    }

    pub(in crate::sim) fn kubelet_stops<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
    ) {
        let Some(node) = self.store.truth.pod_if(pod, uid).and_then(|view| view.node) else {
            return;
        };
        if !self.fleet.machines[node].powered {
            return;
        }
        let program = self.fleet.expect(pod);
        program.attempt += 1;
        program.containers = Containers::Absent;
        self.report(host, pod, Report::Stopped);
    }

    /// Sends a report on the present attempt to the store.
    fn report<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, report: Report) {
        let program = self.fleet.expect(pod);
        let (uid, attempt) = (program.uid, program.attempt);
        host.store(self.timing.request, Event::ReportArrives { pod, uid, attempt, report });
    }

    pub(in crate::sim) fn report_arrives<S: Sink>(&mut self, host: &mut Host<'_, S>, event: Event) {
        let Event::ReportArrives { pod, uid, attempt, report } = event else {
            unreachable!("only reports arrive here");
        };
        let Some(program) = self.fleet.program_if(pod, uid) else { return };
        if program.attempt != attempt {
            return; // the node lost power with the report
        }
        match report {
            Report::Ready => {
                host.fact(Fact::Started { pod: uid });
                host.fact(Fact::Ready { pod: uid });
                self.commit(host, Change::PodPhase { pod, phase: PodPhase::Ready });
            }
            Report::NotReady => self.pod_is_unready(host, pod),
            Report::Succeeded => {
                host.fact(Fact::Finished { pod: uid });
                self.commit(host, Change::PodPhase { pod, phase: PodPhase::Succeeded });
                self.remove_pod(host, pod);
            }
            Report::Failed => {
                let cause = DeletionCause::ContainersLost;
                host.fact(Fact::Deleting { pod: uid, cause });
                self.commit(host, Change::PodPhase { pod, phase: PodPhase::Failed });
                host.fact(Fact::Removed { pod: uid });
                self.remove_pod(host, pod);
            }
            Report::Stopped => {
                host.fact(Fact::Removed { pod: uid });
                self.remove_pod(host, pod);
            }
        }
    }
}
