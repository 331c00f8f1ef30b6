//! Releases from hand-written facts: who served, and until when a release is followed.

use super::{SPEC, bound, created, fold};
use crate::ground::Name;
use crate::journal::{DeletionCause, DiscoveryFact, Fact, Reach};
use crate::metrics::{Results, ServingPoint};
use crate::model::{PodSpecId, PodUid, ProgressReason, ServiceId, WorkloadId};

const WEB: WorkloadId = WorkloadId(0);
const NEW: PodSpecId = PodSpecId(2);

fn routed(pod: u32, on: bool) -> Fact {
    let (pod, service, reach) = (PodUid(pod), ServiceId(0), Reach::Half);
    Fact::Discovery(DiscoveryFact::EndpointRouted { pod, service, reach, on })
}

fn written(spec: PodSpecId) -> Fact {
    Fact::DeploymentWritten { workload: WEB, spec, replicas: 2, paused: false }
}

/// A pod of the new revision that is ready at once.
fn replacement(at: u64, pod: u32) -> Vec<(u64, Fact)> {
    let Fact::PodCreated { workload, stem, number, digits, .. } = created(pod, 0) else {
        unreachable!("a pod is created")
    };
    let (id, spec) = (PodUid(pod), NEW);
    let new = Fact::PodCreated { pod: id, spec, workload, stem, number, digits };
    let pod = id;
    let steps = [new, bound(id.0, 1), Fact::Started { pod }, Fact::Ready { pod }];
    steps.map(|fact| (at, fact)).to_vec()
}

fn gone(at: u64, pod: u32) -> (u64, Fact) {
    (at, Fact::Deleting { pod: PodUid(pod), cause: DeletionCause::Update })
}

/// Two pods behind a service from 10 s on; a release at 50 s.
fn before() -> Vec<(u64, Fact)> {
    let (service, namespace, name) = (ServiceId(0), Name(0), Name(0));
    let headless = false;
    let defined = DiscoveryFact::ServiceDefined { service, namespace, name, headless };
    let selected = |spec| Fact::Discovery(DiscoveryFact::PodsSelected { service, spec });
    let mut facts = vec![
        (0, Fact::Discovery(defined)),
        (0, selected(SPEC)),
        (0, selected(NEW)),
        (0, written(SPEC)),
    ];
    for pod in 0..2 {
        let id = PodUid(pod);
        facts.extend([(0, created(pod, 0)), (0, bound(pod, 0))]);
        facts.extend([(5, Fact::Started { pod: id }), (9, Fact::Ready { pod: id })]);
        facts.push((10, routed(pod, true)));
    }
    facts.push((50, written(NEW)));
    facts
}

fn points(results: &Results) -> Vec<(f64, u32, u32)> {
    let point = |point: &ServingPoint| (point.after, point.others, point.released);
    results.rollouts.rows[0].serving.iter().map(point).collect()
}

#[test]
fn what_changes_at_one_instant_is_one_change() {
    let mut facts = before();
    facts.extend(replacement(60, 2));
    facts.extend(replacement(60, 3));
    facts.extend([gone(61, 0), gone(61, 1)]);
    // All proxies take in at once that the old pods go and that the new ones are there.
    facts.extend([(62, routed(0, false)), (62, routed(1, false))]);
    facts.extend([(62, routed(2, true)), (62, routed(3, true))]);
    let results = fold(&facts, 100);
    assert_eq!(points(&results), [(0.0, 2, 0), (12.0, 0, 2)]);
    assert_eq!(results.rollouts.rows[0].min_serving, 2);
    let web = &results.availability.services[0];
    assert_eq!((web.outages, web.availability), (0, 1.0));
}

#[test]
fn a_real_gap_counts() {
    let mut facts = before();
    facts.extend(replacement(60, 2));
    facts.extend([gone(61, 0), gone(61, 1)]);
    facts.extend([(62, routed(0, false)), (62, routed(1, false)), (72, routed(2, true))]);
    let results = fold(&facts, 110);
    assert_eq!(points(&results), [(0.0, 2, 0), (12.0, 0, 0), (22.0, 0, 1)]);
    assert_eq!(results.rollouts.rows[0].min_serving, 0);
    let web = &results.availability.services[0];
    assert_eq!((web.outages, web.unavailable_seconds), (1, 10.0));
    assert_eq!(web.availability, 0.9);
}

#[test]
fn a_complete_release_is_followed_until_its_pods_serve() {
    let mut facts = before();
    facts.extend(replacement(60, 2));
    facts.extend(replacement(60, 3));
    facts.extend([gone(61, 0), gone(61, 1)]);
    let reason = ProgressReason::NewReplicaSetAvailable;
    facts.push((61, Fact::RolloutProgress { workload: WEB, reason }));
    facts.extend([(62, routed(0, false)), (63, routed(2, true)), (64, routed(3, true))]);
    // What happens afterwards belongs to no release.
    facts.push((65, routed(1, false)));
    facts.extend([gone(80, 2), (81, routed(2, false))]);
    let results = fold(&facts, 100);
    let expected = [(0.0, 2, 0), (12.0, 1, 0), (13.0, 1, 1), (14.0, 1, 2)];
    assert_eq!(points(&results), expected);
    let row = &results.rollouts.rows[0];
    assert_eq!((row.completed, row.created, row.killed), (Some(61.0), 2, 2));
}
