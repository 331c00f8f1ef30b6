//! Claims and volumes through the simulator: each of their latencies, how they move from node to
//! node, and what becomes of them.

use super::{Bench, times};
use crate::engine::Limits;
use crate::ground::{Bytes, Span, SpanDist, Time};
use crate::journal::{Fact, Journal, Record, VolumeFact};
use crate::model::{
    AccessMode, BindingMode, ClaimFate, ClaimTemplate, Effect, NodeId, Object, OperatorAction,
    PodVolume, ReclaimPolicy, StatefulSetGoal, Stimulus, StorageClass, Taint, VolumeEnd,
    VolumeWait, WorkloadId,
};
use crate::sim::{Keeper, Run, Setup, VolumeDelays};

const MILLI: Span = Span::from_millis(1);
const PROVISION: Span = Span::from_secs(10);
const ATTACH: Span = Span::from_secs(8);
const DETACH: Span = Span::from_secs(6);
const MOUNT: Span = Span::from_secs(2);
const FORCE: Span = Span::from_secs(360);
/// Two requests, and the watch delay after them.
const ROUND: Span = Span::from_millis(40);
/// The controller looks ten times a second.
const LOOK: Span = Span::from_millis(100);

/// A setup whose service is kept by a StatefulSet, each of whose pods has a volume.
fn setup(bench: &Bench, change: impl FnOnce(&mut StatefulSetGoal)) -> Setup {
    let mut setup = bench.setup();
    let names = &mut setup.catalog.names;
    let class = StorageClass {
        name: names.intern("disks"),
        provisioner: names.intern("disks.example.com"),
        binding: BindingMode::WaitForFirstConsumer,
        topologies: Vec::new(),
        is_default: false,
        reclaim: ReclaimPolicy::Delete,
    };
    let template = ClaimTemplate {
        access_modes: vec![AccessMode::ReadWriteOnce],
        ..ClaimTemplate::new(Bytes(1), Some(class.name))
    };
    let data = names.intern("data");
    setup.objects.push(setup.catalog.intern_object(&Object::StorageClass(class)));
    let (workload, keeper) = setup.services[0];
    let mut pod = setup.catalog.pod_spec(keeper.template()).clone();
    pod.volumes.push(PodVolume::Replica(data, Box::new(template)));
    let (template, _) = setup.catalog.intern_pod_spec(&pod);
    let mut goal = StatefulSetGoal::new(bench.replicas, template);
    change(&mut goal);
    setup.services[0] = (workload, Keeper::StatefulSet(goal));
    setup.volume_delays = VolumeDelays {
        provision: SpanDist::constant(PROVISION),
        attach: SpanDist::constant(ATTACH),
        detach: SpanDist::constant(DETACH),
        mount: SpanDist::constant(MOUNT),
        force_detach: FORCE,
    };
    setup
}

fn run(setup: Setup, bench: &Bench, until: u64) -> Vec<Record> {
    let mut run = Run::new(setup, bench.script.clone(), Journal::keeping()).checking();
    run.run(&Limits::until(Time::from_secs(until)));
    run.sink().records().to_vec()
}

fn facts(bench: &Bench, until: u64) -> Vec<Record> {
    run(setup(bench, |_| {}), bench, until)
}

/// The only time at which something happened.
fn once(facts: &[Record], which: impl Fn(&Fact) -> bool) -> Time {
    let found = times(facts, which);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

fn waits(facts: &[Record]) -> Vec<(Time, VolumeWait)> {
    let wait = |record: &Record| match record.fact {
        Fact::Volume(VolumeFact::Awaited { wait, .. }) => Some((record.at, wait)),
        _ => None,
    };
    facts.iter().filter_map(wait).collect()
}

/// `span` or up to one look of the controller more.
fn assert_within_a_look(span: Span, expected: Span, what: &str) {
    assert!(span >= expected && span < expected + LOOK, "{what}: {span}, not {expected}");
}

#[test]
fn each_latency_of_a_volume_is_seen() {
    let facts = facts(&Bench::new(2, 1), 60);
    let told = waits(&facts);
    use VolumeWait::{Attach, Claim, Mount};
    let [(decided, Claim), (admitted, Attach), (mounts, Mount)] = told[..] else {
        panic!("{told:?}");
    };
    // The claim is written; watch 20 ms, its mark 10 ms, watch 20 ms, the volume 10 ms.
    let made = once(&facts, |fact| matches!(fact, Fact::Volume(VolumeFact::Provisioned { .. })));
    assert_eq!(made.since(decided), MILLI * 60 + PROVISION);
    let claimed = once(&facts, |fact| matches!(fact, Fact::Volume(VolumeFact::ClaimBound { .. })));
    assert_eq!(claimed.since(made), MILLI * 30);
    // The scheduler looks each second, and writes the binding.
    let bound = once(&facts, |fact| matches!(fact, Fact::Bound { .. }));
    assert_eq!(bound.since(decided), Span::from_secs(11) + MILLI * 10);
    // Watch 20 ms and pickup 100 ms.
    assert_eq!(admitted.since(bound), MILLI * 120);
    let attached = once(&facts, |fact| matches!(fact, Fact::Volume(VolumeFact::Attached { .. })));
    assert_within_a_look(attached.since(bound), MILLI * 20 + ROUND + ATTACH, "attach");
    assert_eq!(mounts.since(attached), MILLI * 20);
    let started = once(&facts, |fact| matches!(fact, Fact::ContainerStarted { .. }));
    assert_eq!(started.since(mounts), MOUNT + MILLI * 1500);
}

/// The node of the only pod of this bench at 100 s.
fn home(bench: &Bench) -> u32 {
    let bound = facts(bench, 100).iter().find_map(|record| match record.fact {
        Fact::Bound { node: NodeId(node), .. } => Some(node),
        _ => None,
    });
    bound.unwrap()
}

/// What happened to the volume: when it was detached from the lost node, by force or not, and
/// attached to the other; and when the pod was gone, its successor was bound and started.
struct Move {
    gone: Time,
    detached: (Time, bool),
    attached: Time,
    started: Time,
}

fn moved(facts: &[Record]) -> Move {
    let detached = facts.iter().find_map(|record| match record.fact {
        Fact::Volume(VolumeFact::Detached { forced, .. }) => Some((record.at, forced)),
        _ => None,
    });
    let gone = once(facts, |fact| matches!(fact, Fact::Removed { .. }));
    let created = times(facts, |fact| matches!(fact, Fact::PodCreated { .. }));
    assert!(created.len() == 2 && created[1] >= gone, "one pod of an ordinal at a time");
    Move {
        gone,
        detached: detached.unwrap(),
        attached: times(facts, |fact| matches!(fact, Fact::Volume(VolumeFact::Attached { .. })))[1],
        started: times(facts, |fact| matches!(fact, Fact::ContainerStarted { .. }))[1],
    }
}

/// How long a volume is on its way from node to node after its pod is gone, if it waits so long.
fn assert_moves(way: &Move, patience: Span) {
    let (detached, forced) = way.detached;
    assert!(forced, "the node has said nothing");
    let leaves = MILLI * 20 + patience + ROUND + DETACH;
    assert_within_a_look(detached.since(way.gone), leaves, "detach");
    assert_within_a_look(way.attached.since(detached), ROUND + ATTACH, "attach");
    assert_eq!(way.started.since(way.attached), MILLI * 20 + MOUNT + MILLI * 1500);
}

#[test]
fn a_replica_of_a_crashed_node_stays_where_it_is() {
    let bench = Bench::new(2, 1);
    let node = home(&bench);
    let facts = facts(&bench.at(Time::from_secs(100), Stimulus::crash(node)), 4000);
    let asked = once(&facts, |fact| matches!(fact, Fact::Deleting { .. }));
    // Detection takes 40 to 56 s, the toleration 300 s.
    let after = asked.since(Time::from_secs(100));
    assert!(after > Span::from_secs(340) && after < Span::from_secs(357), "{after}");
    assert_eq!(times(&facts, |fact| matches!(fact, Fact::PodCreated { .. })).len(), 1);
    assert!(
        times(&facts, |fact| matches!(fact, Fact::Volume(VolumeFact::Detached { .. }))).is_empty()
    );
}

#[test]
fn a_volume_is_taken_by_force_from_a_deleted_node_after_six_minutes() {
    let bench = Bench::new(2, 1);
    let node = home(&bench);
    let bench = bench
        .at(Time::from_secs(100), Stimulus::crash(node))
        .at(Time::from_secs(1000), Stimulus::DeleteNode { node });
    let facts = facts(&bench, 2000);
    let way = moved(&facts);
    // The collector removes the pod after 40 s, at a pass of which there is one each 20 s.
    let collected = way.gone.since(Time::from_secs(1000));
    assert!(collected > Span::from_secs(40) && collected < Span::from_secs(61), "{collected}");
    assert_moves(&way, FORCE);
    let told: Vec<VolumeWait> = waits(&facts).into_iter().map(|(_, wait)| wait).collect();
    use VolumeWait::{Attach, Claim, Mount, OtherNode};
    let mut after = told[3..].to_vec();
    after.sort_by_key(|wait| *wait as u8);
    assert_eq!(
        (&told[..3], &after[..]),
        (&[Claim, Attach, Mount][..], &[Attach, OtherNode, Mount][..])
    );
}

#[test]
fn a_volume_leaves_a_node_out_of_service_at_once() {
    let mut bench = Bench::new(2, 1);
    let node = home(&bench);
    let names = &mut bench.script.catalog.names;
    let (key, value) = (names.intern("node.kubernetes.io/out-of-service"), names.intern("down"));
    let taint = Taint { key, value, effect: Effect::NoExecute };
    let bench = bench
        .at(Time::from_secs(100), Stimulus::crash(node))
        .at(Time::from_secs(1000), Stimulus::Taint { node, taint, on: true });
    let way = moved(&facts(&bench, 2000));
    let collected = way.gone.since(Time::from_secs(1000));
    assert!(collected < Span::from_secs(21), "{collected}");
    assert_moves(&way, Span::ZERO);
}

#[test]
fn a_node_that_is_back_gives_its_volume_back() {
    let bench = Bench::new(2, 1);
    let node = home(&bench);
    let bench = bench
        .at(Time::from_secs(100), Stimulus::crash(node))
        .at(Time::from_secs(1000), Stimulus::repair(node))
        .at(Time::from_secs(1000), Stimulus::Cordon { node, on: true });
    let facts = facts(&bench, 2000);
    let way = moved(&facts);
    let (detached, forced) = way.detached;
    assert!(!forced, "it was unmounted");
    assert_within_a_look(detached.since(way.gone), MILLI * 20 + ROUND + DETACH, "detach");
}

fn ends(facts: &[Record]) -> Vec<(Time, VolumeEnd)> {
    let end = |record: &Record| match record.fact {
        Fact::Volume(VolumeFact::Ended { end, .. }) => Some((record.at, end)),
        _ => None,
    };
    facts.iter().filter_map(end).collect()
}

#[test]
fn claims_of_replicas_that_are_not_wanted_go_if_the_set_wants_it_so() {
    let action = OperatorAction::Scale { replicas: 1 };
    let scale = Stimulus::Operate { workload: WorkloadId(0), action };
    let bench = Bench::new(2, 2).at(Time::from_secs(100), scale);
    assert!(ends(&facts(&bench, 200)).is_empty(), "claims are kept by default");
    let setup = setup(&bench, |goal| goal.retention.when_scaled = ClaimFate::Delete);
    let facts = run(setup, &bench, 200);
    let ends = ends(&facts);
    let [(released, VolumeEnd::Released), (deleted, VolumeEnd::Deleted)] = ends[..] else {
        panic!("{ends:?}");
    };
    let gone = once(&facts, |fact| matches!(fact, Fact::Removed { .. }));
    // The object goes 10 ms after the last status; watch 20 ms, and the write 10 ms.
    assert_eq!(released.since(gone), MILLI * 40);
    // The driver deletes what is detached.
    let detached = once(&facts, |fact| matches!(fact, Fact::Volume(VolumeFact::Detached { .. })));
    assert_within_a_look(detached.since(gone), MILLI * 20 + ROUND + DETACH, "detach");
    assert_eq!(deleted.since(detached), MILLI * 10);
}

#[test]
fn volumes_cost_the_same_each_time() {
    let bench = Bench::new(3, 3);
    assert_eq!(facts(&bench, 120), facts(&bench, 120));
}
