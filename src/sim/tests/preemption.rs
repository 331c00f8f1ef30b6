//! Preemption through the simulator: what its requests cost, and what it knows of victims.

use super::lab::{GIB, Lab};
use super::times;
use crate::engine::Limits;
use crate::ground::{Bytes, MilliCpu, Span, Time};
use crate::journal::{DeletionCause, Fact, Journal};
use crate::model::{PodPhase, PodSpec};
use crate::sim::Run;

const SMALL: usize = 60;

/// Pods that fill the node, and one more important that needs all of it.
fn full_node() -> Lab {
    let mut lab = Lab::new();
    lab.node.allocatable.memory = Bytes(64 * GIB);
    lab.node.allocatable.cpu = MilliCpu(100 * SMALL as u64);
    lab.node.pods = 110;
    for _ in 0..SMALL {
        lab = lab.pod(|_, _| {});
    }
    lab.pod_at(Time::from_secs(60), |spec: &mut PodSpec, _| {
        spec.priority = 10;
        spec.containers[0].requests.cpu = MilliCpu(100 * SMALL as u64);
    })
}

#[test]
fn victims_go_as_the_client_of_the_scheduler_lets_them() {
    let facts = full_node().facts(120);
    let gone = times(&facts, |fact| {
        matches!(fact, Fact::Deleting { cause: DeletionCause::Preempted, .. })
    });
    assert_eq!(gone.len(), SMALL);
    // One request says which node the pod has in prospect, two are spent on each victim; of the
    // burst of 100 all are there, and then one comes every 20 ms.
    let first = gone[0];
    assert_eq!(gone.iter().filter(|at| **at == first).count(), 49);
    let late = 1 + 2 * SMALL as u64 - 100;
    assert_eq!(gone[SMALL - 1].since(first), Span::from_millis(20) * late);
}

#[test]
fn pods_have_started_when_their_kubelet_took_them_in() {
    let (setup, script) = full_node().setup();
    let mut run = Run::new(setup, script, Journal::keeping()).checking();
    run.run(&Limits::until(Time::from_secs(50)));
    for (_, pod) in run.world().truth().pods() {
        assert_eq!(pod.phase, PodPhase::Ready);
        let started = pod.started.expect("it runs");
        assert!(started < Time::from_secs(3), "{started:?}");
        assert_eq!(started, started.truncate_to_second());
    }
}
