//! The owners of batch pods: each lost one is created again, and starts from the beginning.

use super::{Client, Memory};
use crate::journal::Sink;
use crate::model::{
    Lifetime, LossPolicy, PodId, PodName, PodPhase, PodSpecId, PodUid, PodView, WorkloadId,
    WorkloadKind,
};
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::world::{NewPod, World};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// A batch pod that was lost and is to be created again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LostPod {
    uid: PodUid,
    spec: PodSpecId,
    workload: WorkloadId,
    name: PodName,
}

impl LostPod {
    pub(super) fn new(view: &PodView) -> LostPod {
        let PodView { uid, spec, workload, name, .. } = *view;
        LostPod { uid, spec, workload, name }
    }
}

/// What the owners remember.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Batch {
    pub(super) client: Client,
    /// Replacements asked for, in order.
    replacing: VecDeque<(LostPod, Lifetime)>,
    /// Lifetimes of lost pods that left the store before their owner saw to them.
    lifetimes: BTreeMap<PodUid, Lifetime>,
}

impl World {
    /// Asks for the replacement of a batch pod.
    pub(super) fn replace<S: Sink>(&mut self, host: &mut Host<'_, S>, pod: PodId, lost: LostPod) {
        let Memory { batch, .. } = &mut self.control.memory;
        let lifetime = match self.fleet.program_if(pod, lost.uid) {
            Some(program) => {
                program.replaced = true;
                program.lifetime
            }
            None => batch.lifetimes.remove(&lost.uid).expect("kept when the pod was removed"),
        };
        batch.replacing.push_back((lost, lifetime));
        let sent = batch.client.send(host.now, 1);
        host.store_at(sent + self.timing.request, Event::ReplacementArrives);
    }

    /// Keeps the lifetime of a pod that is about to be removed and whose owner still has to see
    /// to its replacement.
    pub(in crate::sim) fn remember_lifetime(&mut self, pod: PodId) {
        let view = self.store.truth.pod(pod).expect("only what is there is removed");
        let workload = &self.catalog.workloads[view.workload];
        let program = self.fleet.program(pod).expect("a pod in the store has a program");
        let owed = workload.on_loss == LossPolicy::Replace
            && workload.kind == WorkloadKind::Batch
            && view.phase != PodPhase::Succeeded
            && !program.replaced;
        if owed {
            self.control.memory.batch.lifetimes.insert(program.uid, program.lifetime);
        }
    }

    pub(in crate::sim) fn replacement_arrives<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let next = self.control.memory.batch.replacing.pop_front();
        let (LostPod { uid, spec, workload, name }, lifetime) = next.expect("one for each event");
        let stem = format!("{}-r", name.text(&self.catalog.names));
        let name = PodName::numbered(self.catalog.names.intern(&stem), 1);
        self.create_pod(host, NewPod { spec, workload, name, lifetime, replaces: Some(uid) });
    }
}
