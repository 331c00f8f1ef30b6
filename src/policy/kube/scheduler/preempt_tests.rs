//! Preemption through the scheduler's face.

use super::test_host::{Host, node_spec};
use crate::model::{Change, NodeId, PodId, PodSpec, PodUid};
use crate::policy::Action;

fn of(host: &mut Host, cpu: u64, priority: i32) -> PodSpec {
    let mut spec = host.pod_spec(cpu);
    spec.priority = priority;
    spec
}

#[test]
fn a_more_important_preemptor_clears_the_nomination_of_a_less_important() {
    let mut host = Host::plain();
    let status = host.status(&node_spec(1000), &[], false);
    host.add_node(status);
    let low = of(&mut host, 1000, 0);
    host.add_pod(1, &low);
    assert!(host.attempt().unwrap().is_ok());
    let (node, uid) = (Some(NodeId(0)), PodUid(2));
    let middle = of(&mut host, 600, 5);
    host.add_pod(2, &middle);
    assert!(host.attempt().unwrap().is_err());
    let victim = Action::Preempt { pod: PodId(1), uid: PodUid(1), by: uid };
    assert_eq!(host.preemption, [Action::Nominate { pod: PodId(2), uid, node }, victim]);
    // The victim is still there when a more important pod comes.
    let high = of(&mut host, 600, 9);
    host.add_pod(3, &high);
    assert!(host.attempt().unwrap().is_err());
    let (pod, third) = (PodId(3), PodUid(3));
    assert_eq!(
        host.preemption,
        [
            Action::Nominate { pod: PodId(2), uid, node: None },
            Action::Nominate { pod, uid: third, node },
            Action::Preempt { pod: PodId(1), uid: PodUid(1), by: third },
        ]
    );
}

#[test]
fn what_is_kept_for_a_pod_is_no_room_for_the_less_important() {
    let mut host = Host::plain();
    let status = host.status(&node_spec(1000), &[], false);
    host.add_node(status);
    let high = of(&mut host, 600, 9);
    let pod = host.add_pod(1, &high);
    host.tell(Change::PodNominated { pod, node: Some(NodeId(0)) });
    // It is taken from the queue first; a binding that fails leaves the nomination to the store.
    let mut actions = host.clone();
    assert_eq!(actions.attempt(), Some(Ok(NodeId(0))));
    let low = of(&mut host, 600, 0);
    host.scheduler.nominations.set(PodUid(1), pod, NodeId(0));
    host.add_pod(2, &low);
    host.scheduler.queue.remove(PodUid(1));
    assert!(host.attempt().unwrap().is_err(), "the room is kept");
    host.tell(Change::PodRemoved { pod });
    assert_eq!(host.attempt(), Some(Ok(NodeId(0))), "its end wakes the other");
}
