//! What really runs: the power of nodes and the containers of pods.

use crate::ground::{Id, Key, Table, Time};
use crate::model::{Lifetime, NodeId, PodId, PodUid};
use serde::{Deserialize, Serialize};

/// The machine behind a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    /// Key of the draws made for it, a hash of its name.
    pub(super) key: Key,
    pub(super) powered: bool,
    /// Counts changes of power.
    pub(super) epoch: u32,
    /// Since when it has had power.
    pub(super) up_since: Time,
}

/// How far the containers of a pod are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Containers {
    /// Nobody has begun to start them, or what was there is lost.
    Absent,
    /// On their way up.
    Starting,
    /// Running.
    Running,
    /// Ended; not yet known to the store.
    Ended,
}

/// A pod as its machine has it, and what its application will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Program {
    pub(super) uid: PodUid,
    /// Key of the draws made for it, a hash of its name.
    pub(super) key: Key,
    pub(super) lifetime: Lifetime,
    /// Counts attempts to run it.
    pub(super) attempt: u32,
    pub(super) containers: Containers,
    /// Its owner has seen to its replacement.
    pub(super) replaced: bool,
}

/// All machines and what runs on them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Fleet {
    pub(super) machines: Table<NodeId, Machine>,
    programs: Table<PodId, Option<Program>>,
}

impl Fleet {
    /// Brings a new pod's program.
    pub(super) fn install(&mut self, pod: PodId, program: Program) {
        while self.programs.len() <= pod.index() {
            self.programs.push(None);
        }
        self.programs[pod] = Some(program);
    }

    /// Forgets a pod that is gone.
    pub(super) fn uninstall(&mut self, pod: PodId) {
        self.programs[pod] = None;
    }

    /// The program in this row.
    pub(super) fn program(&self, pod: PodId) -> Option<&Program> {
        self.programs.get(pod)?.as_ref()
    }

    /// The program of this pod, if the pod still exists.
    pub(super) fn program_if(&mut self, pod: PodId, uid: PodUid) -> Option<&mut Program> {
        self.programs.get_mut(pod)?.as_mut().filter(|program| program.uid == uid)
    }

    /// The program of a pod that must exist.
    pub(super) fn expect(&mut self, pod: PodId) -> &mut Program {
        self.programs[pod].as_mut().expect("a pod in the store has a program")
    }
}
