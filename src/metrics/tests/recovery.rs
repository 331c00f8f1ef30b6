//! Recovery and availability from hand-written facts.

use super::{SPEC, bound, check, created, fold};
use crate::journal::{DeletionCause, Fact};
use crate::metrics::CaseOutcome;
use crate::model::{Condition, NodeId, PodUid, WorkloadId};

/// Service `web` with both pods ready on node 0 after 10 s, which crashes at 100 s.
fn crash() -> Vec<(u64, Fact)> {
    let mut facts = Vec::new();
    for pod in 0..2 {
        let id = PodUid(pod);
        facts.extend([(0, created(pod, 0)), (0, Fact::Queued { pod: id }), (0, bound(pod, 0))]);
    }
    for pod in [PodUid(0), PodUid(1)] {
        facts.extend([(8, Fact::Started { pod }), (10, Fact::Ready { pod })]);
    }
    facts.push((100, Fact::NodeCrashed { node: NodeId(0) }));
    for pod in [PodUid(0), PodUid(1)] {
        facts.push((100, Fact::Interrupted { pod }));
    }
    facts
}

#[test]
fn every_leg_of_a_recovery() {
    let mut facts = crash();
    let cause = DeletionCause::TaintEviction;
    facts.push((140, Fact::NodeCondition { node: NodeId(0), ready: Condition::Unknown }));
    for (lost, pod, ready) in [(0, 2, 460), (1, 3, 470)] {
        facts.extend([
            (440, Fact::Deleting { pod: PodUid(lost), cause }),
            (441, created(pod, 0)),
            (441, Fact::Replaced { pod: PodUid(pod), lost: PodUid(lost) }),
            (443, bound(pod, 1)),
            (450, Fact::Started { pod: PodUid(pod) }),
            (ready, Fact::Ready { pod: PodUid(pod) }),
        ]);
    }
    facts.sort_by_key(|(at, _)| *at);
    facts.push((480, Fact::NodeRepaired { node: NodeId(0) }));
    let results = fold(&facts, 1000);
    check(
        &results,
        &[
            ("recovery.incidents", 1.0),
            ("recovery.affected", 2.0),
            ("recovery.replaced", 2.0),
            ("recovery.censored", 0.0),
            ("recovery.time_to_detect.mean", 40.0),
            ("recovery.leg.detect.p50", 40.0),
            ("recovery.leg.evict.p50", 300.0),
            ("recovery.leg.recreate.p50", 1.0),
            ("recovery.leg.bind.p50", 2.0),
            ("recovery.leg.start.p50", 7.0),
            ("recovery.leg.ready.p50", 10.0),
            ("recovery.leg.ready.max", 20.0),
            ("recovery.time_to_ready.max", 370.0),
            ("recovery.time_to_restore.count", 1.0),
            ("recovery.time_to_restore.mean", 370.0),
            ("recovery.time_to_repair.mean", 380.0),
            ("availability(web)", (90.0 + 540.0) / 990.0),
            ("availability.outages(web)", 1.0),
        ],
    );
}

#[test]
fn availability_counts_from_the_first_time_up() {
    let results = fold(&crash(), 200);
    check(
        &results,
        &[
            ("availability(web)", 90.0 / 190.0),
            ("availability.weighted(web)", 90.0 / 190.0),
            ("availability.unavailable(web)", 100.0),
            ("availability.time_to_first_available(web)", 10.0),
            ("availability.worst", 90.0 / 190.0),
            ("recovery.censored", 2.0),
            ("recovery.restore_censored", 1.0),
            ("life.interrupted_at_end", 2.0),
            ("life.running.end", 0.0),
        ],
    );
    let never = fold(&[], 200);
    check(&never, &[("availability(web)", 0.0), ("availability.unavailable(web)", 200.0)]);
}

/// Two pods serve from 10 to 100, when the node is lost with them; what is wanted changes twice.
#[test]
fn availability_follows_what_is_wanted() {
    let scale = |replicas| {
        let (workload, spec, paused) = (WorkloadId(0), SPEC, false);
        Fact::DeploymentWritten { workload, spec, replicas, paused }
    };
    let mut facts = crash();
    facts.extend([(30, scale(4)), (70, scale(1)), (150, scale(0))]);
    facts.sort_by_key(|(at, _)| *at);
    // 2 of 2, then 2 of 4, then 1 of 1 until the crash, nothing of it, and nothing of nothing.
    let weighted = (20.0 + 40.0 / 2.0 + 30.0 + 0.0 + 150.0) / 290.0;
    let results = fold(&facts, 300);
    check(&results, &[("availability.weighted(web)", weighted)]);
    // The service is restored when it has what is wanted, and that is nothing.
    check(&results, &[("recovery.restore_censored", 0.0), ("recovery.time_to_restore.max", 50.0)]);
}

#[test]
fn a_pod_that_comes_back_with_its_node() {
    let mut facts = crash();
    facts.push((120, Fact::NodeRepaired { node: NodeId(0) }));
    for pod in [PodUid(0), PodUid(1)] {
        facts.extend([(125, Fact::Started { pod }), (130, Fact::Ready { pod })]);
    }
    facts.sort_by_key(|(at, _)| *at);
    let results = fold(&facts, 150);
    check(
        &results,
        &[
            ("recovery.survived", 2.0),
            ("recovery.time_to_return.max", 30.0),
            ("recovery.leg.start.count", 0.0),
            ("recovery.time_to_restore.mean", 30.0),
            ("life.time_to_running.count", 2.0),
            ("life.running.end", 2.0),
        ],
    );
    assert_eq!(results.recovery.case_rows[0].outcome, CaseOutcome::Survived);
}

#[test]
fn a_replacement_that_is_lost_too() {
    let mut facts = crash();
    let cause = DeletionCause::TaintEviction;
    facts.extend([
        (200, Fact::Deleting { pod: PodUid(0), cause }),
        (200, created(2, 0)),
        (200, Fact::Replaced { pod: PodUid(2), lost: PodUid(0) }),
        (201, bound(2, 1)),
        (202, Fact::NodeCrashed { node: NodeId(1) }),
        (300, Fact::Deleting { pod: PodUid(2), cause }),
        (301, created(3, 0)),
        (301, Fact::Replaced { pod: PodUid(3), lost: PodUid(2) }),
        (302, bound(3, 1)),
        (303, Fact::Started { pod: PodUid(3) }),
        (304, Fact::Ready { pod: PodUid(3) }),
        (310, Fact::Removed { pod: PodUid(1) }),
    ]);
    let results = fold(&facts, 400);
    check(
        &results,
        &[
            ("recovery.affected", 3.0),
            ("recovery.replaced", 2.0),
            ("recovery.gone", 1.0),
            ("recovery.time_to_ready.max", 204.0),
            ("recovery.time_to_ready.p50", 102.0),
        ],
    );
    let rows = &results.recovery.case_rows;
    assert_eq!(rows[0].replacement.as_deref(), Some("pod-03"));
    assert_eq!((rows[2].incident, rows[2].fault), (Some(1), 202.0));
}
