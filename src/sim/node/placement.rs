//! Pods at `placement` detail: no kubelets, no steps; bound is running.

use crate::journal::{Fact, Sink};
use crate::model::{Change, Lifetime, PodId, PodPhase, PodUid};
use crate::sim::Event;
use crate::sim::host::Host;
use crate::sim::machine::Stage;
use crate::sim::world::World;

impl World {
    /// A pod was bound: it runs.
    pub(super) fn place(&mut self, host: &mut Host<'_, impl Sink>, pod: PodId, uid: PodUid) {
        let program = self.fleet.expect(pod);
        program.stage = Stage::Up;
        program.admitted = host.now;
        let (attempt, lifetime) = (program.attempt, program.lifetime);
        self.pod_started(host, pod);
        host.fact(Fact::Started { pod: uid });
        host.fact(Fact::Ready { pod: uid });
        self.commit(host, Change::PodPhase { pod, phase: PodPhase::Ready });
        if let Lifetime::For(lifetime) = lifetime {
            host.machine(lifetime, Event::PlacedPodEnds { pod, uid, attempt });
        }
    }

    /// The lifetime of a pod is over.
    pub(in crate::sim) fn placed_pod_ends<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        pod: PodId,
        uid: PodUid,
        attempt: u32,
    ) {
        let Some(program) = self.fleet.program_if(pod, uid) else { return };
        if program.attempt == attempt && program.stage == Stage::Up {
            program.stage = Stage::Over;
            self.pod_succeeded(host, pod);
        }
    }
}
