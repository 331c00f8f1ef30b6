//! Which containers of a pod may start next: init containers one at a time, sidecars once they have
//! started, then the ordinary ones.
//!
//! Source: `pkg/kubelet/kuberuntime/kuberuntime_manager.go` (`computePodActions`) and
//! `kuberuntime_container.go` (`computeInitContainerActions`), Kubernetes 1.34. Back-off is not
//! looked at here, and one sync starts the containers one after the other: each start waits for the
//! image, the creation and the postStart hook of the one before.

use super::{ContainerState, ContainerStatus, Role, is_initialized, runs_again};
use crate::model::RestartPolicy;

/// What a sync of a pod does about its containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartStep {
    /// Starts these, by their places in the list, in order; perhaps none.
    Start(Vec<usize>),
    /// An init container failed and will not be tried again: the pod has failed.
    Fail,
    /// No ordinary container runs nor will run again: what still runs of the pod is stopped.
    Finish,
}

/// The step for a pod that has its sandbox and is neither deleted nor over. `containers` are in
/// order: init containers and sidecars as listed, then the ordinary ones.
pub fn start_step(containers: &[ContainerStatus], policy: RestartPolicy) -> StartStep {
    let init = containers.iter().take_while(|container| container.role != Role::Main).count();
    let Some((mut starts, initialized)) = init_step(containers, init, policy) else {
        return StartStep::Fail;
    };
    if !initialized {
        return StartStep::Start(starts);
    }
    let main: Vec<usize> =
        (init..containers.len()).filter(|at| may_start(&containers[*at], policy)).collect();
    let runs =
        |container: &ContainerStatus| matches!(container.state, ContainerState::Running { .. });
    if main.is_empty() && !containers[init..].iter().any(runs) {
        return StartStep::Finish;
    }
    starts.extend(main);
    StartStep::Start(starts)
}

/// Init containers and sidecars to start, and whether the ordinary containers may; `None` if the
/// pod failed. The last one that has run tells how far the pod is; sidecars before it are kept
/// running.
fn init_step(
    containers: &[ContainerStatus],
    init: usize,
    policy: RestartPolicy,
) -> Option<(Vec<usize>, bool)> {
    let mut initialized = init == 0 || is_initialized(containers);
    let mut passed = initialized;
    let mut starts = Vec::new();
    let reached = containers[..init].iter().rposition(ContainerStatus::has_run);
    if !initialized && reached.is_none() {
        return Some((vec![0], false));
    }
    for at in (0..init).rev() {
        let container = &containers[at];
        if !container.has_run() {
            if passed && container.role == Role::Sidecar {
                starts.push(at);
            }
            continue;
        }
        let next = match (container.role, container.state, container.exit_code()) {
            (Role::Sidecar, ContainerState::Running { started, .. }, _) => started,
            (Role::Sidecar, ..) => {
                starts.push(at);
                false
            }
            (_, _, Some(0)) => true,
            (_, _, Some(_)) if !passed => {
                if policy == RestartPolicy::Never {
                    return None;
                }
                starts.push(at);
                false
            }
            _ => false,
        };
        if next && !passed {
            if at + 1 == init {
                initialized = true;
            } else {
                starts.push(at + 1);
            }
        }
        passed = true;
    }
    starts.reverse();
    Some((starts, initialized))
}

fn may_start(container: &ContainerStatus, policy: RestartPolicy) -> bool {
    match container.state {
        ContainerState::Running { .. } => false,
        ContainerState::Unknown
        | ContainerState::Waiting { .. }
        | ContainerState::Terminated { .. } => {
            container.exit_code().is_none_or(|exit_code| runs_again(policy, exit_code))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RestartPolicy::{Always, Never, OnFailure};
    use Role::{Init, Main, Sidecar};

    const NEW: ContainerState = ContainerState::Waiting { last_exit: None };
    const UP: ContainerState = ContainerState::Running { started: true, ready: true };
    const STARTING: ContainerState = ContainerState::Running { started: false, ready: false };
    const DONE: ContainerState = ContainerState::Terminated { exit_code: 0 };
    const CRASHED: ContainerState = ContainerState::Terminated { exit_code: 1 };

    type Case<'a> = (&'a [(Role, ContainerState)], RestartPolicy, StartStep);

    #[test]
    fn steps() {
        let start = |places: &[usize]| StartStep::Start(places.to_vec());
        let cases: [Case; 22] = [
            (&[(Main, NEW), (Main, NEW)], Always, start(&[0, 1])),
            (&[(Main, UP), (Main, NEW)], Always, start(&[1])),
            (&[(Main, UP), (Main, CRASHED)], Always, start(&[1])),
            (&[(Main, UP), (Main, CRASHED)], Never, start(&[])),
            (&[(Main, DONE), (Main, CRASHED)], OnFailure, start(&[1])),
            (&[(Main, DONE), (Main, DONE)], OnFailure, StartStep::Finish),
            (&[(Main, DONE)], Always, start(&[0])),
            (&[(Init, NEW), (Init, NEW), (Main, NEW)], Always, start(&[0])),
            (&[(Init, UP), (Init, NEW), (Main, NEW)], Always, start(&[])),
            (&[(Init, DONE), (Init, NEW), (Main, NEW)], Always, start(&[1])),
            (&[(Init, DONE), (Init, DONE), (Main, NEW)], Always, start(&[2])),
            (&[(Init, CRASHED), (Main, NEW)], OnFailure, start(&[0])),
            (&[(Init, CRASHED), (Main, NEW)], Never, StartStep::Fail),
            (&[(Sidecar, NEW), (Init, NEW), (Main, NEW)], Always, start(&[0])),
            (&[(Sidecar, STARTING), (Init, NEW), (Main, NEW)], Always, start(&[])),
            (&[(Sidecar, UP), (Init, NEW), (Main, NEW)], Always, start(&[1])),
            (&[(Sidecar, UP), (Init, DONE), (Main, NEW)], Always, start(&[2])),
            (&[(Sidecar, CRASHED), (Init, UP), (Main, NEW)], Never, start(&[0])),
            (&[(Sidecar, CRASHED), (Init, DONE), (Main, NEW)], Never, start(&[0, 2])),
            (&[(Sidecar, CRASHED), (Main, UP)], Never, start(&[0])),
            (&[(Sidecar, UP), (Main, DONE)], Never, StartStep::Finish),
            (&[(Sidecar, CRASHED), (Main, CRASHED)], Never, StartStep::Finish),
        ];
        for (containers, policy, step) in cases {
            let containers: Vec<ContainerStatus> = containers
                .iter()
                .map(|(role, state)| ContainerStatus { role: *role, state: *state })
                .collect();
            assert_eq!(start_step(&containers, policy), step, "{containers:?} {policy:?}");
        }
    }

    /// Drives a pod of two init containers around a sidecar to its end and writes down the order.
    #[test]
    fn a_pod_from_start_to_end() {
        let mut pod: Vec<ContainerStatus> = [Init, Sidecar, Init, Main, Main]
            .into_iter()
            .map(|role| ContainerStatus { role, state: NEW })
            .collect();
        let mut order: Vec<usize> = Vec::new();
        loop {
            match start_step(&pod, Never) {
                StartStep::Start(places) if places.is_empty() => {
                    let runs = |c: &ContainerStatus| c.role != Sidecar && c.state == UP;
                    let at = pod.iter().position(runs).unwrap();
                    pod[at].state = DONE;
                }
                StartStep::Start(places) => {
                    order.extend(&places);
                    for at in places {
                        pod[at].state = UP;
                    }
                }
                StartStep::Finish => break,
                StartStep::Fail => panic!("nothing fails here"),
            }
        }
        assert_eq!(order, [0, 1, 2, 3, 4]);
    }
}
