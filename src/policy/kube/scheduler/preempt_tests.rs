//! Preemption through the scheduler's face.

use super::test_host::{Host, node_spec};
use crate::model::{Change, DeviceMask, NodeId, PodId, PodSpec, PodUid};
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

/// Victims of middle, low and negative priority on three nodes; the sum of priorities counts each
/// victim, so that the node with the fewest is taken although their plain sum is not the lowest.
#[test]
fn few_victims_are_better_than_many_of_negative_priority() {
    let mut host = Host::plain();
    let status = host.status(&node_spec(900), &[], false);
    let (middle, low, negative) = (100, 0, -100);
    let mut number = 0;
    for victims in [
        vec![(300, middle), (300, negative), (300, negative)],
        vec![(300, middle), (600, negative)],
        vec![(300, middle), (300, negative), (300, low)],
    ] {
        let node = host.add_node(status);
        for (cpu, priority) in victims {
            number += 1;
            let spec = of(&mut host, cpu, priority);
            let pod = host.add_pod(number, &spec);
            host.tell(Change::PodBound { pod, node, devices: DeviceMask::NONE });
        }
    }
    let high = of(&mut host, 900, 1000);
    let pod = host.add_pod(99, &high);
    assert!(host.attempt().unwrap().is_err());
    let (uid, node) = (PodUid(99), Some(NodeId(1)));
    assert_eq!(host.preemption[0], Action::Nominate { pod, uid, node });
    assert_eq!(host.preemption.len(), 3);
}
