//! What kubelets report of their pods, and what the store makes of it.

use crate::ground::Time;
use crate::journal::{Fact, Sink};
use crate::model::{Change, FailedReason, FinishedPods, PodId, PodPhase, PodUid};
use crate::policy::kube::kubelet::Role;
use crate::sim::Event;
use crate::sim::event::Report;
use crate::sim::host::Host;
use crate::sim::world::World;

impl World {
    /// Sends a report on a pod to the store, as soon as the kubelet's client may.
    pub(super) fn report<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, report: Report) {
        let view = self.store.truth.pod(pod).expect("kubelets report on pods that exist");
        let node = view.node.expect("kubelets report on pods that are bound");
        let machine = self.fleet.machines[node];
        let (uid, epoch) = (view.uid, machine.epoch);
        if machine.silent {
            // The phase of a pod that has not ended is known when it can be told.
            if !matches!(report, Report::Phase(_)) {
                self.fleet.agents[node].held.insert(pod, (uid, report));
            }
            return;
        }
        let client = &mut self.fleet.agents[node].client;
        let mut send = |at: Time| client.as_mut().map_or(at, |client| client.reserve(at));
        let mut sent = send(host.now + self.timing.kubelet.status_report);
        if report == Report::Stopped {
            // The last status goes first; only then is the pod deleted.
            let again = send(sent + self.timing.request);
            if let Some(report) = self.last_status(pod) {
                let after = (sent + self.timing.request).since(host.now);
                host.store(after, Event::ReportArrives { pod, uid, epoch, report });
            }
            sent = again;
        }
        let at = sent + self.timing.request;
        host.store(at.since(host.now), Event::ReportArrives { pod, uid, epoch, report });
    }

    pub(in crate::sim) fn report_arrives<S: Sink>(&mut self, host: &mut Host<'_, S>, event: Event) {
        let Event::ReportArrives { pod, uid, epoch, report } = event else {
            unreachable!("only reports arrive here");
        };
        let Some(view) = self.store.truth.pod_if(pod, uid) else { return };
        let node = view.node.expect("kubelets report on pods that are bound");
        if self.fleet.machines[node].epoch != epoch {
            return; // the node lost power with the report
        }
        let has_claims = !self.catalog.pod_spec(view.spec).volumes.is_empty();
        let ended = view.phase.is_terminal();
        if has_claims && !matches!(report, Report::Phase(_)) {
            self.kubelet_unmounts(host, (uid, node));
        }
        if ended && report != Report::Stopped {
            return; // it stays as it is
        }
        match report {
            Report::Phase(phase) => self.phase_changes(host, pod, phase),
            Report::Succeeded => self.pod_succeeded(host, pod),
            Report::Failed(reason) => self.pod_failed(host, pod, reason),
            Report::Ended { well } => {
                let phase = if well { PodPhase::Succeeded } else { PodPhase::Failed };
                self.tell_removed(host, pod);
                self.commit(host, Change::PodPhase { pod, phase });
            }
            Report::Stopped => {
                self.tell_removed(host, pod);
                self.remove_pod(host, pod);
            }
        }
    }

    /// The last status of a pod that was asked to stop, if it ever ran.
    fn last_status(&self, pod: PodId) -> Option<Report> {
        let program = self.fleet.get(pod);
        let mut mains = program.containers.iter().filter(|run| run.role == Role::Main);
        let ended = self.store.truth.pod(pod).is_none_or(|view| view.phase.is_terminal());
        (program.initialized && !ended)
            .then(|| Report::Ended { well: mains.all(|run| run.last_exit == Some(0)) })
    }

    /// Tells, once, that a pod that was asked to stop holds nothing any more.
    pub(in crate::sim) fn tell_removed<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let program = self.fleet.expect(pod);
        if !program.removed {
            program.removed = true;
            host.fact(Fact::Removed { pod: program.uid });
        }
    }

    fn phase_changes<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, phase: PodPhase) {
        let view = self.store.truth.pod(pod).expect("it was just looked up");
        let (uid, before) = (view.uid, view.phase);
        if before == phase {
            return;
        }
        if before == PodPhase::Ready {
            host.fact(Fact::Unready { pod: uid });
        }
        if before == PodPhase::Pending {
            self.pod_started(host, pod);
            host.fact(Fact::Started { pod: uid });
        }
        if phase == PodPhase::Ready {
            host.fact(Fact::Ready { pod: uid });
        }
        self.commit(host, Change::PodPhase { pod, phase });
    }

    /// The store learns when a pod was taken in by its kubelet, in whole seconds as the API has
    /// times. Later attempts do not change it.
    pub(super) fn pod_started<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        let view = self.store.truth.pod(pod).expect("kubelets report on pods that exist");
        if view.started.is_none() {
            let at = self.fleet.expect(pod).admitted.truncate_to_second();
            self.commit(host, Change::PodStarted { pod, at });
        }
    }

    /// The store learns that a pod ended well.
    pub(super) fn pod_succeeded<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId) {
        self.job_pod_ends(pod, false);
        let uid = self.store.truth.pod(pod).expect("only what is there ends").uid;
        host.fact(Fact::Finished { pod: uid });
        self.commit(host, Change::PodPhase { pod, phase: PodPhase::Succeeded });
        self.finished_pod_leaves(host, pod, uid);
    }

    /// The store learns that a pod ended badly.
    pub(super) fn pod_failed<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        reason: FailedReason,
    ) {
        let uid = self.store.truth.pod(pod).expect("only what is there ends").uid;
        self.job_pod_ends(pod, reason.is_eviction());
        host.fact(Fact::Failed { pod: uid, reason });
        if reason.is_eviction() {
            self.note_eviction(uid);
        }
        self.commit(host, Change::PodPhase { pod, phase: PodPhase::Failed });
        self.finished_pod_leaves(host, pod, uid);
    }

    /// A finished pod leaves the store if its owner does not keep it.
    fn finished_pod_leaves<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, uid: PodUid) {
        let Some(view) = self.store.truth.pod_if(pod, uid) else { return };
        if self.catalog.workloads[view.workload].finished == FinishedPods::Remove {
            self.remove_pod(host, pod);
        }
    }
}
