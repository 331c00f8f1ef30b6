//! Phase and conditions of a pod, from the states of its containers.
//!
//! Source: `pkg/kubelet/kubelet_pods.go` (`getPhase`) and `pkg/kubelet/status/generate.go`,
//! Kubernetes 1.34.

use crate::model::{PodPhase, RestartPolicy};
use serde::{Deserialize, Serialize};

/// The place of a container in its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// An init container that runs to its end.
    Init,
    /// An init container with restart policy Always.
    Sidecar,
    /// An ordinary container.
    Main,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ContainerState {
    /// Nothing is known of it.
    Unknown,
    /// It is to be started.
    Waiting {
        /// Exit code of its last life, if it had one.
        last_exit: Option<i32>,
    },
    /// It runs.
    Running {
        /// Its postStart hook is done, and its startup probe, if it has one, succeeded.
        started: bool,
        /// It is started, and its readiness probe, if it has one, publishes success.
        ready: bool,
    },
    /// It ended.
    Terminated {
        /// Exit code.
        exit_code: i32,
    },
}

/// A container of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContainerStatus {
    /// Its place.
    pub role: Role,
    /// What it does.
    pub state: ContainerState,
}

impl ContainerStatus {
    /// True if it runs now or did before.
    pub fn has_run(&self) -> bool {
        match self.state {
            ContainerState::Unknown | ContainerState::Waiting { last_exit: None } => false,
            ContainerState::Running { .. }
            | ContainerState::Terminated { .. }
            | ContainerState::Waiting { last_exit: Some(_) } => true,
        }
    }

    /// Exit code of the life that ended last, if it does not run.
    pub fn exit_code(&self) -> Option<i32> {
        match self.state {
            ContainerState::Terminated { exit_code } => Some(exit_code),
            ContainerState::Waiting { last_exit } => last_exit,
            ContainerState::Unknown | ContainerState::Running { .. } => None,
        }
    }

    fn is_ready(&self) -> bool {
        matches!(self.state, ContainerState::Running { ready: true, .. })
    }

    fn is_started(&self) -> bool {
        matches!(self.state, ContainerState::Running { started: true, .. })
    }
}

/// True once any ordinary container has run: the pod's initialisation is over for good.
pub fn is_initialized(containers: &[ContainerStatus]) -> bool {
    containers.iter().any(|container| container.role == Role::Main && container.has_run())
}

/// A pod's phase as the kubelet reports it; [`Phase::with_ready`] adds readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Not all containers have run.
    Pending,
    /// All containers have run and the pod is not over.
    Running,
    /// All ordinary containers ended well, for good.
    Succeeded,
    /// The pod is over and not well.
    Failed,
}

impl Phase {
    /// The phase in the words of the store, which tells ready pods from those that only run.
    pub const fn with_ready(self, ready: bool) -> PodPhase {
        match self {
            Phase::Pending => PodPhase::Pending,
            Phase::Running if ready => PodPhase::Ready,
            Phase::Running => PodPhase::Running,
            Phase::Succeeded => PodPhase::Succeeded,
            Phase::Failed => PodPhase::Failed,
        }
    }

    /// True once the pod will never run again.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Phase::Succeeded | Phase::Failed)
    }
}

#[derive(Default)]
struct Counts {
    pending_init: u32,
    failed_init: u32,
    pending_sidecar: u32,
    unknown: u32,
    running: u32,
    waiting: u32,
    stopped: u32,
    succeeded: u32,
}

impl Counts {
    fn of(containers: &[ContainerStatus]) -> Counts {
        let mut counts = Counts::default();
        for container in containers {
            match container.role {
                Role::Init => counts.add_init(container),
                Role::Sidecar => counts.add_sidecar(container),
                Role::Main => counts.add_main(container),
            }
        }
        counts
    }

    fn add_init(&mut self, container: &ContainerStatus) {
        match container.exit_code() {
            None => self.pending_init += 1,
            Some(0) => {}
            Some(_) => self.failed_init += 1,
        }
    }

    /// A sidecar that ended does not count.
    fn add_sidecar(&mut self, container: &ContainerStatus) {
        match container.state {
            ContainerState::Unknown => {
                self.pending_sidecar += 1;
                self.unknown += 1;
            }
            ContainerState::Running { started, .. } => {
                self.pending_sidecar += u32::from(!started);
                self.running += 1;
            }
            ContainerState::Waiting { last_exit: None } => {
                self.pending_sidecar += 1;
                self.waiting += 1;
            }
            ContainerState::Waiting { .. } | ContainerState::Terminated { .. } => {}
        }
    }

    fn add_main(&mut self, container: &ContainerStatus) {
        match container.state {
            ContainerState::Unknown => self.unknown += 1,
            ContainerState::Running { .. } => self.running += 1,
            ContainerState::Waiting { last_exit: None } => self.waiting += 1,
            ContainerState::Waiting { .. } => self.stopped += 1,
            ContainerState::Terminated { exit_code } => {
                self.stopped += 1;
                self.succeeded += u32::from(exit_code == 0);
            }
        }
    }
}

/// The phase of a pod with these containers. `over` says that the kubelet will not start anything
/// of it again: it was deleted, evicted or is past its deadline.
pub fn phase(containers: &[ContainerStatus], policy: RestartPolicy, over: bool) -> Phase {
    let counts = Counts::of(containers);
    if counts.failed_init > 0 && policy == RestartPolicy::Never {
        return Phase::Failed;
    }
    let starting = counts.pending_sidecar > 0 && !is_initialized(containers);
    if counts.pending_init > 0 || starting || counts.waiting > 0 || counts.unknown > 0 {
        return Phase::Pending;
    }
    if counts.running > 0 {
        return Phase::Running;
    }
    if counts.stopped == 0 {
        return Phase::Pending;
    }
    let all_well = counts.stopped == counts.succeeded;
    match policy {
        _ if over && all_well => Phase::Succeeded,
        _ if over => Phase::Failed,
        RestartPolicy::Always => Phase::Running,
        _ if all_well => Phase::Succeeded,
        RestartPolicy::Never => Phase::Failed,
        RestartPolicy::OnFailure => Phase::Running,
    }
}

/// The phase that is reported: a pod that was over stays as it was, and one that the kubelet
/// evicted has failed.
pub fn reported_phase(before: Phase, computed: Phase, evicted: bool) -> Phase {
    if evicted {
        Phase::Failed
    } else if before.is_terminal() && !computed.is_terminal() {
        before
    } else {
        computed
    }
}

/// The phase once the kubelet has stopped everything of a pod that is over: a container that never
/// ran or of which nothing is known counts as failed (`status_manager.go`, `TerminatePod`).
pub fn final_phase(computed: Phase) -> Phase {
    if computed.is_terminal() { computed } else { Phase::Failed }
}

/// Why a condition is not true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NotReady {
    /// `ContainersNotInitialized`.
    ContainersNotInitialized,
    /// `ContainersNotReady`.
    ContainersNotReady,
    /// `ReadinessGatesNotReady`.
    ReadinessGatesNotReady,
    /// `PodCompleted`.
    PodCompleted,
    /// `PodFailed`.
    PodFailed,
}

/// The conditions of a pod that its kubelet computes; an error is a false condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodConditions {
    /// The sandbox is there and has a network.
    pub ready_to_start_containers: bool,
    /// All init containers ended well and all sidecars started.
    pub initialized: Result<(), NotReady>,
    /// All ordinary containers and sidecars are ready.
    pub containers_ready: Result<(), NotReady>,
    /// That, and all readiness gates are true: the pod gets traffic.
    pub ready: Result<(), NotReady>,
}

/// The conditions of a pod in this phase. `sandbox` says whether its sandbox and network are up,
/// `gates` whether all its readiness gates are true.
pub fn conditions(
    containers: &[ContainerStatus],
    phase: Phase,
    sandbox: bool,
    gates: bool,
) -> PodConditions {
    let containers_ready = containers_ready(containers, phase);
    let gates = if gates { Ok(()) } else { Err(NotReady::ReadinessGatesNotReady) };
    PodConditions {
        ready_to_start_containers: sandbox,
        initialized: initialized(containers, phase),
        containers_ready,
        ready: containers_ready.and(gates),
    }
}

fn initialized(containers: &[ContainerStatus], phase: Phase) -> Result<(), NotReady> {
    let mut init = containers.iter().filter(|container| container.role != Role::Main);
    let done = |container: &ContainerStatus| match container.role {
        Role::Sidecar => container.is_started(),
        Role::Init | Role::Main => container.exit_code() == Some(0),
    };
    if phase == Phase::Succeeded || is_initialized(containers) || init.all(done) {
        Ok(())
    } else {
        Err(NotReady::ContainersNotInitialized)
    }
}

fn containers_ready(containers: &[ContainerStatus], phase: Phase) -> Result<(), NotReady> {
    match phase {
        Phase::Succeeded => return Err(NotReady::PodCompleted),
        Phase::Failed => return Err(NotReady::PodFailed),
        Phase::Pending | Phase::Running => {}
    }
    let lasting = |container: &&ContainerStatus| container.role != Role::Init;
    if containers.iter().filter(lasting).all(ContainerStatus::is_ready) {
        Ok(())
    } else {
        Err(NotReady::ContainersNotReady)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RestartPolicy::{Always, Never, OnFailure};

    const NEW: ContainerState = ContainerState::Waiting { last_exit: None };
    const UP: ContainerState = ContainerState::Running { started: true, ready: true };
    const STARTING: ContainerState = ContainerState::Running { started: false, ready: false };
    const DONE: ContainerState = ContainerState::Terminated { exit_code: 0 };
    const CRASHED: ContainerState = ContainerState::Terminated { exit_code: 1 };
    const CRASH_LOOP: ContainerState = ContainerState::Waiting { last_exit: Some(1) };

    fn pod(
        init: &[ContainerState],
        sidecars: &[ContainerState],
        main: &[ContainerState],
    ) -> Vec<ContainerStatus> {
        let with = |role| move |state: &ContainerState| ContainerStatus { role, state: *state };
        let init = init.iter().map(with(Role::Init));
        let sidecars = sidecars.iter().map(with(Role::Sidecar));
        init.chain(sidecars).chain(main.iter().map(with(Role::Main))).collect()
    }

    #[test]
    fn phases() {
        let unknown = ContainerState::Unknown;
        for (containers, policy, expected) in [
            (pod(&[], &[], &[NEW, NEW]), Always, Phase::Pending),
            (pod(&[], &[], &[UP, NEW]), Always, Phase::Pending),
            (pod(&[], &[], &[UP, UP]), Always, Phase::Running),
            (pod(&[], &[], &[UP, unknown]), Always, Phase::Pending),
            (pod(&[], &[], &[UP, CRASHED]), Never, Phase::Running),
            (pod(&[], &[], &[CRASH_LOOP]), Always, Phase::Running),
            (pod(&[], &[], &[DONE]), Always, Phase::Running),
            (pod(&[], &[], &[DONE, DONE]), OnFailure, Phase::Succeeded),
            (pod(&[], &[], &[DONE, CRASHED]), OnFailure, Phase::Running),
            (pod(&[], &[], &[DONE, CRASHED]), Never, Phase::Failed),
            (pod(&[UP], &[], &[NEW]), Always, Phase::Pending),
            (pod(&[CRASHED], &[], &[NEW]), Never, Phase::Failed),
            (pod(&[CRASH_LOOP], &[], &[NEW]), OnFailure, Phase::Pending),
            (pod(&[DONE], &[STARTING], &[NEW]), Always, Phase::Pending),
            (pod(&[DONE], &[STARTING], &[UP]), Always, Phase::Running),
            (pod(&[], &[UP], &[DONE]), Never, Phase::Running),
            (pod(&[], &[DONE], &[DONE]), Never, Phase::Succeeded),
            (pod(&[], &[CRASHED], &[DONE]), Never, Phase::Succeeded),
            (pod(&[], &[], &[]), Always, Phase::Pending),
        ] {
            assert_eq!(phase(&containers, policy, false), expected, "{containers:?} {policy:?}");
        }
    }

    #[test]
    fn a_pod_that_is_over_ends_whatever_its_policy() {
        assert_eq!(phase(&pod(&[], &[], &[DONE]), Always, true), Phase::Succeeded);
        assert_eq!(phase(&pod(&[], &[], &[DONE, CRASHED]), Always, true), Phase::Failed);
        assert_eq!(phase(&pod(&[], &[], &[UP]), Always, true), Phase::Running);
        for (before, computed, evicted, expected) in [
            (Phase::Failed, Phase::Running, false, Phase::Failed),
            (Phase::Succeeded, Phase::Pending, false, Phase::Succeeded),
            (Phase::Running, Phase::Pending, false, Phase::Pending),
            (Phase::Running, Phase::Running, true, Phase::Failed),
        ] {
            assert_eq!(reported_phase(before, computed, evicted), expected);
        }
        assert_eq!(final_phase(phase(&pod(&[], &[], &[NEW]), Always, true)), Phase::Failed);
        assert_eq!(final_phase(Phase::Succeeded), Phase::Succeeded);
        assert_eq!(Phase::Running.with_ready(true), PodPhase::Ready);
        assert_eq!(Phase::Running.with_ready(false), PodPhase::Running);
    }

    #[test]
    fn conditions_say_why() {
        let not_ready = Err(NotReady::ContainersNotReady);
        let not_initialized = Err(NotReady::ContainersNotInitialized);
        for (containers, phase, gates, initialized, containers_ready, ready) in [
            (pod(&[], &[], &[UP]), Phase::Running, true, Ok(()), Ok(()), Ok(())),
            (
                pod(&[], &[], &[UP]),
                Phase::Running,
                false,
                Ok(()),
                Ok(()),
                Err(NotReady::ReadinessGatesNotReady),
            ),
            (pod(&[UP], &[], &[NEW]), Phase::Pending, true, not_initialized, not_ready, not_ready),
            (
                pod(&[], &[STARTING], &[NEW]),
                Phase::Pending,
                true,
                not_initialized,
                not_ready,
                not_ready,
            ),
            (pod(&[], &[STARTING], &[UP]), Phase::Running, true, Ok(()), not_ready, not_ready),
            (
                pod(&[DONE], &[DONE], &[DONE]),
                Phase::Succeeded,
                true,
                Ok(()),
                Err(NotReady::PodCompleted),
                Err(NotReady::PodCompleted),
            ),
            (
                pod(&[CRASHED], &[], &[NEW]),
                Phase::Failed,
                true,
                not_initialized,
                Err(NotReady::PodFailed),
                Err(NotReady::PodFailed),
            ),
        ] {
            let expected = PodConditions {
                ready_to_start_containers: true,
                initialized,
                containers_ready,
                ready,
            };
            assert_eq!(conditions(&containers, phase, true, gates), expected, "{containers:?}");
        }
    }
}
