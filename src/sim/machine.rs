//! What really runs: the power of nodes, what their agents hold, and the containers of pods.

use super::node::Agent;
use crate::ground::{Id, Key, Table, Time};
use crate::model::{
    Container, ContainerEnd, ContainerWait, FailedReason, Lifetime, NodeId, PodId, PodPhase,
    PodSpec, PodUid,
};
use crate::policy::kube::kubelet::{Backoff, ContainerState, ProbeWorker, Role};
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
    pub(super) taken: Taken,
    /// The control plane hears nothing from it, since a fault took its voice, until it has renewed
    /// its lease again.
    pub(super) silent: bool,
    /// Counts changes of `silent`.
    pub(super) voice: u32,
    /// Since when it is heard, if it is.
    pub(super) heard_since: Time,
    /// When its kubelet last ceased to be told anything.
    pub(super) deaf_since: Time,
    /// Its kubelet has begun anew and was not told yet which pods it has.
    pub(super) blank: bool,
}

/// How many faults take what a node needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) power: u32,
    /// The way from the node to the control plane.
    pub(super) way_out: u32,
    /// The way from the control plane to the node.
    pub(super) way_in: u32,
}

impl Machine {
    /// One that has power and is heard.
    pub(super) fn new(key: Key, now: Time) -> Machine {
        Machine {
            key,
            powered: true,
            epoch: 0,
            up_since: now,
            taken: Taken::default(),
            silent: false,
            voice: 0,
            heard_since: now,
            deaf_since: now,
            blank: false,
        }
    }

    /// True if what its kubelet says arrives.
    pub(super) fn can_speak(&self) -> bool {
        self.powered && self.taken.way_out == 0
    }

    /// True if its kubelet is told what happens to its pods.
    pub(super) fn can_hear(&self) -> bool {
        self.powered && self.taken.way_in == 0
    }
}

/// How far a pod is on its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Its kubelet has not begun with it, or what was there is lost.
    Absent,
    /// Volumes, sandbox and network are being made.
    Preparing,
    /// Its sandbox is there: containers start, run and end.
    Up,
    /// Everything of it is being stopped for good.
    Stopping(Ending),
    /// Nothing of it runs, nor ever will.
    Over,
}

/// What is reported once everything of a pod has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ending {
    /// It was asked to stop: it may leave the store.
    Deleted,
    /// All its containers ended well.
    Succeeded,
    /// It has failed.
    Failed(FailedReason),
}

/// The one thing that the kubelet does for a pod at a time, with the place of the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Work {
    /// Nothing.
    Idle,
    /// Waits for an image.
    Pulling(u8),
    /// Creates and starts a container.
    Creating(u8),
    /// Waits for a postStart hook.
    Hooking(u8),
    /// Stops a container whose probe failed.
    Killing(u8),
}

/// The kubelet's worker of one pod. It goes from sync to sync; what comes meanwhile waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Worker {
    pub(super) work: Work,
    /// Containers that the sync under way still has to stop, a bit for each place.
    pub(super) killing: u64,
    /// Containers that it still has to start.
    pub(super) starting: u64,
    /// Something could not be done: it is tried again later.
    pub(super) failed: bool,
    /// Something has changed that the next look at the containers will show.
    pub(super) again: bool,
    /// When the next sync takes place, the end of time for none.
    pub(super) sync_at: Time,
    /// When the last sync ended.
    pub(super) synced: Time,
    /// Retries drawn so far.
    pub(super) retries: u32,
}

/// What a container will do in its present life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Life {
    pub(super) began: Time,
    pub(super) startup_at: Time,
    pub(super) ready_at: Time,
    pub(super) hangs_at: Time,
    /// When and how it ends by itself, the end of time for never.
    pub(super) ends_at: Time,
    pub(super) end: ContainerEnd,
    pub(super) exit_code: u8,
}

/// The workers of a container's probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct ProbeWorkers {
    pub(super) startup: Option<ProbeWorker>,
    pub(super) readiness: Option<ProbeWorker>,
    pub(super) liveness: Option<ProbeWorker>,
    /// Up to when they have done their probes.
    pub(super) done: Time,
    /// When they are looked at next, the end of time for never.
    pub(super) due: Time,
}

/// A container on its machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ContainerRun {
    pub(super) role: Role,
    pub(super) running: bool,
    /// Lives begun so far.
    pub(super) starts: u32,
    /// When `running` last changed.
    pub(super) changed: Time,
    /// Exit code of its last life in this sandbox, or of the one that was lost.
    pub(super) last_exit: Option<u8>,
    /// What the kubelet knows of it.
    pub(super) seen: ContainerState,
    pub(super) life: Life,
    /// When the last life that the kubelet knows of ended, as far as back-off goes.
    pub(super) exited: Option<Time>,
    /// Why it is being stopped.
    pub(super) stopped_by: Option<ContainerEnd>,
    pub(super) crash_backoff: Option<Backoff>,
    pub(super) pull_backoff: Option<Backoff>,
    /// Why it is not started yet, and until when.
    pub(super) waits: Option<(ContainerWait, Time)>,
    pub(super) probes: Option<Box<ProbeWorkers>>,
}

/// Which of the pods of a Job it is, as its environment tells its containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Turn {
    /// Its completion index.
    pub(super) index: Option<u32>,
    /// Pods of the Job, or of the index, that were created before it.
    pub(super) attempt: u32,
}

/// A pod as its machine has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Program {
    pub(super) uid: PodUid,
    /// Key of the draws made for it, a hash of its name.
    pub(super) key: Key,
    pub(super) lifetime: Lifetime,
    /// Which of the pods of a Job it is.
    pub(super) turn: Option<Turn>,
    /// Counts how often what was under way became void: its node was lost, or it is to stop.
    pub(super) attempt: u32,
    pub(super) stage: Stage,
    /// The journal has it that nothing of it is left.
    pub(super) removed: bool,
    /// Somebody outside says that it is not ready.
    pub(super) withheld: bool,
    /// Its owner has seen to its replacement.
    pub(super) replaced: bool,
    /// An ordinary container has started in this sandbox.
    pub(super) initialized: bool,
    /// Some container does not use exactly what it requests.
    pub(super) restless: bool,
    /// It runs and is counted among the restless pods of its node.
    pub(super) counted: bool,
    /// Its CPU limits hold it back.
    pub(super) throttled: bool,
    /// When a kubelet took it in.
    pub(super) admitted: Time,
    /// When its usage goes on otherwise.
    pub(super) bends_at: Time,
    /// The phase that the kubelet reported last.
    pub(super) reported: PodPhase,
    pub(super) worker: Worker,
    /// Init containers and sidecars first, as in the specification.
    pub(super) containers: Vec<ContainerRun>,
}

/// Most containers of a pod, so that a word has a bit for each.
pub(super) const MOST_CONTAINERS: usize = 64;

impl Worker {
    /// Nothing to do.
    pub(super) const IDLE: Worker = Worker {
        work: Work::Idle,
        killing: 0,
        starting: 0,
        failed: false,
        again: false,
        sync_at: Time::MAX,
        synced: Time::ZERO,
        retries: 0,
    };
}

impl Life {
    /// No life yet.
    const NONE: Life = Life {
        began: Time::MAX,
        startup_at: Time::MAX,
        ready_at: Time::MAX,
        hangs_at: Time::MAX,
        ends_at: Time::MAX,
        end: ContainerEnd::Completed,
        exit_code: 0,
    };
}

impl ContainerRun {
    fn new(role: Role) -> ContainerRun {
        ContainerRun {
            role,
            running: false,
            starts: 0,
            changed: Time::ZERO,
            last_exit: None,
            seen: ContainerState::Waiting { last_exit: None },
            life: Life::NONE,
            exited: None,
            stopped_by: None,
            crash_backoff: None,
            pull_backoff: None,
            waits: None,
            probes: None,
        }
    }

    /// The state of the container as it is now, whatever the kubelet knows, started and ready as
    /// given.
    pub(super) fn state(&self, started: bool, ready: bool) -> ContainerState {
        match (self.running, self.last_exit) {
            (true, _) => ContainerState::Running { started, ready },
            (false, Some(code)) => ContainerState::Terminated { exit_code: i32::from(code) },
            (false, None) => ContainerState::Waiting { last_exit: None },
        }
    }
}

impl Program {
    /// A pod that nobody has begun to run.
    pub(super) fn new(uid: PodUid, key: Key, lifetime: Lifetime) -> Program {
        Program {
            uid,
            key,
            lifetime,
            turn: None,
            attempt: 0,
            stage: Stage::Absent,
            removed: false,
            withheld: false,
            replaced: false,
            initialized: false,
            restless: false,
            counted: false,
            throttled: false,
            admitted: Time::ZERO,
            bends_at: Time::MAX,
            reported: PodPhase::Pending,
            worker: Worker::IDLE,
            containers: Vec::new(),
        }
    }

    /// Makes the containers of a new sandbox; what is counted over all lives is kept.
    pub(super) fn renew_containers(&mut self, spec: &PodSpec) {
        self.initialized = false;
        self.worker = Worker { retries: self.worker.retries, ..Worker::IDLE };
        if self.containers.is_empty() {
            let init = spec.init_containers.iter().map(init_role);
            let main = spec.containers.iter().map(|_| Role::Main);
            self.containers = init.chain(main).map(ContainerRun::new).collect();
            assert!(self.containers.len() <= MOST_CONTAINERS, "plans refuse more containers");
            return;
        }
        for run in &mut self.containers {
            let last_exit = run.last_exit.filter(|_| run.role == Role::Main);
            *run = ContainerRun { starts: run.starts, last_exit, ..ContainerRun::new(run.role) };
            let last_exit = last_exit.map(i32::from);
            run.seen = ContainerState::Waiting { last_exit };
        }
    }

    /// Most restarts of one of its containers of this role.
    pub(super) fn restarts(&self, role: Role) -> u32 {
        let of_role = self.containers.iter().filter(|run| run.role == role);
        of_role.map(|run| run.starts.saturating_sub(1)).max().unwrap_or(0)
    }

    /// Restarts of all its containers.
    pub(super) fn restarts_in_all(&self) -> u32 {
        self.containers.iter().map(|run| run.starts.saturating_sub(1)).sum()
    }

    /// True while any container runs.
    pub(super) fn runs(&self) -> bool {
        self.containers.iter().any(|run| run.running)
    }
}

fn init_role(container: &Container) -> Role {
    if container.sidecar { Role::Sidecar } else { Role::Init }
}

/// The container at a place: init containers first, then the ordinary ones.
pub(super) fn container_at(spec: &PodSpec, place: usize) -> &Container {
    match spec.init_containers.get(place) {
        Some(container) => container,
        None => &spec.containers[place - spec.init_containers.len()],
    }
}

/// All machines, their agents, and what runs on them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Fleet {
    pub(super) machines: Table<NodeId, Machine>,
    pub(super) agents: Table<NodeId, Agent>,
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

    /// The program of a pod that must exist.
    pub(super) fn get(&self, pod: PodId) -> &Program {
        self.programs[pod].as_ref().expect("a pod in the store has a program")
    }
}
