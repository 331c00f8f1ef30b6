//! States, containers, images, use and failures from hand-written facts.

use super::{bound, check, created, fold};
use crate::ground::{Bytes, Span, Time};
use crate::journal::{DeletionCause, Fact, PullOutcome};
use crate::metrics::{CaseOutcome, PodEnd, Results};
use crate::model::{
    Condition, ContainerEnd, ContainerWait, FailedReason, NodeId, PodUid, Pressure,
};

const POD: PodUid = PodUid(0);

fn waiting(container: u8, wait: ContainerWait) -> Fact {
    Fact::ContainerWaiting { pod: POD, container, wait, until: Time::MAX }
}

fn started(container: u8, restarts: u32) -> Fact {
    Fact::ContainerStarted { pod: POD, container, restarts }
}

fn ended(end: ContainerEnd) -> Fact {
    Fact::ContainerEnded { pod: POD, container: 0, end, exit_code: 1 }
}

#[test]
fn a_pod_is_in_one_state_at_a_time() {
    let cause = DeletionCause::TaintEviction;
    let results = fold(
        &[
            (10, created(0, 0)),
            (20, bound(0, 0)),
            (25, waiting(0, ContainerWait::ErrImagePull)),
            (30, started(0, 0)),
            (35, Fact::Started { pod: POD }),
            (45, Fact::Ready { pod: POD }),
            (60, Fact::Unready { pod: POD }),
            (61, Fact::Ready { pod: POD }),
            (70, Fact::Deleting { pod: POD, cause }),
            (75, Fact::Stopping { pod: POD, grace: Span::from_secs(30) }),
            (80, Fact::Removed { pod: POD }),
        ],
        100,
    );
    check(
        &results,
        &[
            ("life.pods.pending.mean", 0.10),
            ("life.pods.starting.mean", 0.10),
            ("life.pods.back_off.mean", 0.05),
            ("life.pods.not_ready.mean", 0.11),
            ("life.pods.ready.mean", 0.24),
            ("life.pods.terminating.mean", 0.10),
            ("life.pods.interrupted.mean", 0.0),
            ("life.pods.ready.peak", 1.0),
            ("life.pods.ready.end", 0.0),
            ("life.time_to_ready.mean", 35.0),
            ("life.running.mean", 0.45),
        ],
    );
    assert_eq!(results.series.values("ready")[..8], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(results.series.values("terminating")[7], 1.0);
}

#[test]
fn restarts_have_causes_and_back_offs_have_lengths() {
    let results = fold(
        &[
            (0, created(0, 0)),
            (0, bound(0, 0)),
            (1, started(0, 0)),
            (1, Fact::Started { pod: POD }),
            (10, ended(ContainerEnd::OomKilled)),
            (10, waiting(0, ContainerWait::CrashLoopBackOff)),
            (20, started(0, 1)),
            (30, ended(ContainerEnd::LivenessProbe)),
            (30, started(0, 2)),
            (40, ended(ContainerEnd::Error)),
            (40, waiting(0, ContainerWait::CrashLoopBackOff)),
        ],
        100,
    );
    check(
        &results,
        &[
            ("containers.started", 3.0),
            ("containers.restarts", 2.0),
            ("containers.restarts(OOMKilled)", 1.0),
            ("containers.restarts(LivenessProbe)", 1.0),
            ("containers.restarts(Error)", 0.0),
            ("containers.waits(CrashLoopBackOff)", 2.0),
            ("containers.waiting(CrashLoopBackOff)", 70.0),
            ("containers.waiting_at_end(CrashLoopBackOff)", 1.0),
            ("containers.waiting(ImagePullBackOff)", 0.0),
            ("life.pods.back_off.mean", 0.7),
        ],
    );
    assert_eq!(results.pods.lines[0].restarts, 2);
}

#[test]
fn pulls_are_measured_one_by_one_and_as_part_of_the_start() {
    let pull = |container| Fact::PullBegan { pod: POD, container, image: crate::ground::Name(0) };
    let done = |container, outcome| Fact::PullEnded { pod: POD, container, outcome };
    let results = fold(
        &[
            (0, created(0, 0)),
            (10, bound(0, 0)),
            (12, pull(0)),
            (14, pull(1)),
            (18, done(0, PullOutcome::Failed)),
            (18, waiting(0, ContainerWait::ErrImagePull)),
            (20, waiting(0, ContainerWait::ImagePullBackOff)),
            (22, done(1, PullOutcome::Pulled)),
            (28, pull(0)),
            (30, done(0, PullOutcome::Pulled)),
            (31, started(0, 0)),
            (31, started(1, 0)),
            (35, Fact::Started { pod: POD }),
            (50, pull(0)),
            (51, done(0, PullOutcome::Confirmed)),
        ],
        100,
    );
    check(
        &results,
        &[
            ("images.pulled", 2.0),
            ("images.confirmed", 1.0),
            ("images.failed_pulls", 1.0),
            ("images.pull_time.count", 2.0),
            ("images.pull_time.mean", 5.0),
            ("images.pulling_share", 12.0 / 25.0),
            ("containers.waiting(ErrImagePull)", 2.0),
            ("containers.waiting(ImagePullBackOff)", 8.0),
            ("life.pods.back_off.mean", 0.1),
        ],
    );
}

#[test]
fn a_failed_pod_frees_its_resources_once() {
    let reason = FailedReason::EvictedMemory;
    let results = fold(
        &[
            (0, created(0, 0)),
            (0, bound(0, 0)),
            (5, Fact::Started { pod: POD }),
            (40, Fact::Failed { pod: POD, reason }),
            (60, Fact::Deleting { pod: POD, cause: DeletionCause::NodeLost }),
            (70, Fact::Removed { pod: POD }),
            (70, created(1, 1)),
            (80, Fact::Failed { pod: PodUid(1), reason: FailedReason::OutOfCpu }),
        ],
        100,
    );
    check(
        &results,
        &[
            ("life.failed", 2.0),
            ("life.failed(EvictedMemory)", 1.0),
            ("life.failed(OutOfCpu)", 1.0),
            ("life.evicted", 1.0),
            ("life.removed", 0.0),
            ("life.lost", 0.0),
            ("life.finished", 0.0),
            ("life.running.end", 0.0),
            ("recovery.affected", 0.0),
            ("wait.pending.end", 0.0),
            ("placement.allocation_ratio.cpu.mean", 40.0 / 800.0),
            ("placement.allocation_ratio.cpu.end", 0.0),
        ],
    );
    let line = results.pods.lines[0];
    assert_eq!((line.end, line.reason), (PodEnd::Failed, Some(reason)));
    assert_eq!(results.pods.lines.len(), 2);
}

#[test]
fn use_is_the_integral_of_what_grows() {
    // Node capacity: 8 cores; memory is not offered, so it is not shown.
    let cpu = |amount, per_hour| Fact::UsageSet { pod: POD, memory: false, amount, per_hour };
    let facts = [
        (0, created(0, 0)),
        (0, created(1, 0)),
        (0, bound(0, 0)),
        (0, bound(1, 0)),
        (10, Fact::Started { pod: POD }),
        (10, Fact::Started { pod: PodUid(1) }),
        // From 1 to 2 cores in 40 s.
        (20, cpu(1000, 90_000)),
        (20, Fact::Throttled { pod: POD, on: true }),
        (60, cpu(500, 0)),
        (80, Fact::Failed { pod: POD, reason: FailedReason::ContainerFailed }),
    ];
    let results = fold(&facts, 100);
    let first = 10.0 + 40.0 * 1.5 + 20.0 * 0.5;
    check(
        &results,
        &[
            ("utilisation.cpu.mean", (first + 90.0) / 800.0),
            ("utilisation.cpu.peak", 3.0 / 8.0),
            ("utilisation.cpu.end", 1.0 / 8.0),
            ("utilisation.changes", 2.0),
            ("cpu.throttled.mean", 0.6),
            ("cpu.throttled_ratio", 60.0 / 160.0),
            ("cpu.throttled.end", 0.0),
        ],
    );
    let series = results.series.values("utilisation.cpu");
    assert_eq!(series[..5], [0.0, 0.25, 0.25, 2.25 / 8.0, 2.5 / 8.0]);
    assert_eq!(results.usage.resources.len(), 1);
}

#[test]
fn what_users_of_a_service_may_expect() {
    let bad = crate::model::PodSpecId(7);
    let quality = Fact::QualityDefined { spec: bad, error_ppm: 400_000, latency_permille: 3000 };
    let Fact::PodCreated { workload, stem, number, digits, .. } = created(1, 0) else {
        unreachable!()
    };
    let results = fold(
        &[
            (0, quality),
            (0, created(0, 0)),
            (0, Fact::PodCreated { pod: PodUid(1), spec: bad, workload, stem, number, digits }),
            (0, bound(0, 0)),
            (0, bound(1, 0)),
            (10, Fact::Ready { pod: POD }),
            (20, Fact::Ready { pod: PodUid(1) }),
            (50, Fact::Unready { pod: POD }),
            (60, Fact::Removed { pod: PodUid(1) }),
        ],
        100,
    );
    // 10 s of one good pod, 30 s of both, 10 s of the bad one.
    check(
        &results,
        &[
            ("quality.error_share(web)", (30.0 * 0.2 + 10.0 * 0.4) / 50.0),
            ("quality.latency_factor(web)", (10.0 + 30.0 * 2.0 + 10.0 * 3.0) / 50.0),
            ("quality.error_share.worst", 0.2),
        ],
    );
}

#[test]
fn a_service_that_answers_as_usual_has_a_factor_of_exactly_one() {
    let mut facts = vec![(0, created(0, 0)), (0, bound(0, 0)), (7, Fact::Ready { pod: POD })];
    for pod in 1..5 {
        let at = 7 + 11 * u64::from(pod);
        let ready = Fact::Ready { pod: PodUid(pod) };
        facts.extend([(at, created(pod, 0)), (at, bound(pod, 0)), (at + 2, ready)]);
    }
    let service = fold(&facts, 97).availability.services.swap_remove(0);
    assert_eq!((service.error_share, service.latency_factor), (Some(0.0), Some(1.0)));
}

#[test]
fn nodes_under_pressure_collect_images() {
    let node = NodeId(1);
    let disk = |on| Fact::NodePressure { node, pressure: Pressure::Disk, on };
    let freed = Bytes(3 << 30);
    let results = fold(
        &[
            (10, disk(true)),
            (12, Fact::ImagesCollected { node, images: 4, freed }),
            (60, disk(false)),
        ],
        100,
    );
    check(
        &results,
        &[
            ("nodes.pressure(disk)", 1.0),
            ("nodes.under_pressure.disk.mean", 0.5),
            ("nodes.under_pressure.disk.peak", 1.0),
            ("nodes.under_pressure.memory.peak", 0.0),
            ("images.collections", 1.0),
            ("images.collected", 4.0),
            ("images.freed", (3u64 << 30) as f64),
        ],
    );
}

/// Both pods of `web` run on node 0, which loses power at 20 s and is detected at 60 s.
fn crash() -> Vec<(u64, Fact)> {
    let other = PodUid(1);
    let mut facts =
        vec![(0, created(0, 0)), (0, created(1, 0)), (0, bound(0, 0)), (0, bound(1, 0))];
    for pod in [POD, other] {
        facts.extend([(5, Fact::Started { pod }), (6, Fact::Ready { pod })]);
    }
    facts.push((20, Fact::NodeCrashed { node: NodeId(0) }));
    facts.extend([POD, other].map(|pod| (20, Fact::Interrupted { pod })));
    facts.push((60, Fact::NodeCondition { node: NodeId(0), ready: Condition::Unknown }));
    facts
}

fn outcomes(results: &Results) -> Vec<CaseOutcome> {
    results.recovery.case_rows.iter().map(|row| row.outcome).collect()
}

#[test]
fn news_from_before_a_crash_do_not_end_a_loss() {
    let mut facts = crash();
    // Under way when the power went, and what the node controller writes later.
    facts.extend([(21, Fact::Ready { pod: POD }), (61, Fact::Unready { pod: PodUid(1) })]);
    let results = fold(&facts, 100);
    assert_eq!(outcomes(&results), [CaseOutcome::Open, CaseOutcome::Open]);
    check(&results, &[("life.pods.interrupted.end", 2.0), ("life.interrupted_at_end", 2.0)]);
}

#[test]
fn a_pod_that_comes_back_or_fails_ends_its_case() {
    let mut facts = crash();
    let reason = FailedReason::ContainersLost;
    facts.extend([
        (70, Fact::NodeRepaired { node: NodeId(0) }),
        (75, started(0, 1)),
        (76, Fact::Ready { pod: POD }),
        (77, Fact::Failed { pod: PodUid(1), reason }),
        (78, created(2, 0)),
        (78, Fact::Replaced { pod: PodUid(2), lost: PodUid(1) }),
        (79, bound(2, 1)),
        (82, Fact::Started { pod: PodUid(2) }),
        (90, Fact::Ready { pod: PodUid(2) }),
        (95, Fact::Removed { pod: PodUid(1) }),
    ]);
    let results = fold(&facts, 200);
    assert_eq!(outcomes(&results), [CaseOutcome::Survived, CaseOutcome::Replaced]);
    check(
        &results,
        &[
            ("recovery.time_to_return.max", 56.0),
            ("recovery.leg.detect.max", 40.0),
            ("recovery.leg.evict.count", 0.0),
            ("recovery.leg.recreate.max", 18.0),
            ("recovery.leg.bind.max", 1.0),
            ("recovery.leg.start.max", 3.0),
            ("recovery.leg.ready.max", 8.0),
            ("recovery.time_to_ready.max", 70.0),
            ("recovery.time_to_restore.max", 70.0),
            ("containers.restarts(NodeLost)", 1.0),
            ("life.running.end", 2.0),
            ("life.failed(ContainersLost)", 1.0),
        ],
    );
}

#[test]
fn a_pod_that_fails_with_its_node_unheard_is_lost_too() {
    let reason = FailedReason::NodeGone;
    let facts = [
        (0, created(0, 0)),
        (0, bound(0, 0)),
        (5, Fact::Ready { pod: POD }),
        (50, Fact::Failed { pod: POD, reason }),
    ];
    let results = fold(&facts, 100);
    assert_eq!(outcomes(&results), [CaseOutcome::Gone]);
    assert_eq!(results.recovery.case_rows[0].fault, 50.0);
}
