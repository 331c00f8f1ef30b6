//! Service discovery through the simulator: from a pod that is ready to requests that reach it, and
//! from a pod that goes to requests that do not.

use super::{Bench, Script, times};
use crate::engine::Limits;
use crate::ground::{Span, Time};
use crate::journal::{DiscoveryFact, Fact, Journal, Reach, Record};
use crate::model::{
    EndpointConditions, Hook, OperatorAction, PodPhase, ServiceId, Stimulus, WorkloadId,
};
use crate::policy::kube::discovery::{ENDPOINTS_PER_SLICE, endpoint_of};
use crate::sim::{Detail, Run, SavedRun};
use std::collections::BTreeMap;
use std::convert::Infallible;

const RELEASE: Time = Time::from_secs(100);
const WEB: WorkloadId = WorkloadId(0);

/// A service over so many pods whose image changes, with a hook before they are told to stop.
fn released(nodes: u32, replicas: u32, hook: Option<Hook>) -> Bench {
    let mut bench = Bench::new(nodes, replicas);
    (bench.service, bench.hook) = (true, hook);
    let image = bench.script.catalog.names.intern("web:v2");
    let action = OperatorAction::SetImage { container: None, image };
    bench.at(RELEASE, Stimulus::Operate { workload: WEB, action })
}

fn discovered(record: &Record) -> Option<DiscoveryFact> {
    match record.fact {
        Fact::Discovery(fact) => Some(fact),
        _ => None,
    }
}

/// When half of the proxies began or ceased to route to each pod, in order.
fn routed(facts: &[Record], wanted: bool) -> Vec<(Time, u32)> {
    let of = |record: &Record| match discovered(record)? {
        DiscoveryFact::EndpointRouted { pod, reach: Reach::Half, on, .. } if on == wanted => {
            Some((record.at, pod.0))
        }
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}

#[test]
fn a_ready_pod_is_listed_and_routed_to() {
    let mut bench = Bench::new(5, 1);
    bench.service = true;
    let facts = bench.facts(Time::from_secs(60));
    let ready = times(&facts, |fact| matches!(fact, Fact::Ready { .. }))[0];
    let written: Vec<(Time, DiscoveryFact)> =
        facts.iter().filter_map(|record| Some((record.at, discovered(record)?))).collect();
    let listed = |(at, fact): &(Time, DiscoveryFact)| match *fact {
        DiscoveryFact::SliceWritten { endpoints, ready, terminating, .. } => {
            Some((*at, [endpoints, ready, terminating]))
        }
        _ => None,
    };
    let listed: Vec<(Time, [u16; 3])> = written.iter().filter_map(listed).collect();
    // Watch 20 ms, write 10 ms.
    let at = ready + Span::from_millis(30);
    assert_eq!(listed, [(Time::ZERO, [0, 0, 0]), (at, [1, 1, 0])]);
    let reached = |wanted: Reach| {
        let of = |(at, fact): &(Time, DiscoveryFact)| match *fact {
            DiscoveryFact::EndpointRouted { reach, on: true, .. } if reach == wanted => Some(*at),
            _ => None,
        };
        let found: Vec<Time> = written.iter().filter_map(of).collect();
        assert_eq!(found.len(), 1, "{wanted:?}");
        found[0].since(at)
    };
    let lags = [Reach::First, Reach::Half, Reach::All].map(reached);
    assert!(lags[0] >= Span::from_millis(10) && lags[0] < lags[1] && lags[1] < lags[2]);
    assert!(lags[1] <= Span::from_millis(50), "most have been quiet for a second: {lags:?}");
    assert!(lags[2] <= Span::from_millis(1050), "{lags:?}");
}

/// For each pod that stops, how long it is still routed to after TERM; below zero if it is not.
fn races(facts: &[Record]) -> Vec<f64> {
    let off: BTreeMap<u32, Time> =
        routed(facts, false).into_iter().map(|(at, pod)| (pod, at)).collect();
    let term = |record: &Record| match discovered(record)? {
        DiscoveryFact::TermSent { pod } => {
            Some(off[&pod.0].as_secs_f64() - record.at.as_secs_f64())
        }
        _ => None,
    };
    facts.iter().filter_map(term).collect()
}

#[test]
fn a_hook_before_the_stop_wins_the_race_against_removal() {
    let until = Time::from_secs(300);
    let at_once = races(&released(6, 8, None).facts(until));
    assert_eq!(at_once.len(), 8);
    assert!(at_once.iter().all(|race| *race > 0.0 && *race <= 2.1), "{at_once:?}");
    let hook = Some(Hook::Sleep(Span::from_secs(3)));
    let delayed = races(&released(6, 8, hook).facts(until));
    assert_eq!(delayed.len(), 8);
    assert!(delayed.iter().all(|race| *race < 0.0), "{delayed:?}");
}

#[test]
fn slices_list_what_is_there_in_hundreds() {
    let mut bench = Bench::new(40, 250);
    (bench.service, bench.pod_cpu) = (true, 100);
    let action = OperatorAction::Scale { replicas: 130 };
    let mut bench = bench.at(RELEASE, Stimulus::Operate { workload: WEB, action });
    for node in 10..16 {
        bench = bench.at(Time::from_secs(130), Stimulus::crash(node));
    }
    let mut run = bench.start().checking();
    for (at, pods) in [(Time::from_secs(90), 250), (Time::from_secs(125), 130)] {
        run.run(&Limits::until(at));
        listed_as_they_are(&run, pods);
    }
    // Until it is found silent, the pods of nodes without power are routed to.
    run.run(&Limits::until(Time::from_secs(300)));
    let truth = run.world().truth();
    let down = truth.pods().filter(|(_, row)| row.phase != PodPhase::Ready).count();
    assert!(down > 0, "the pods of the lost nodes are there, not ready");
    listed_as_they_are(&run, 130 - down);
}

/// Each pod is in one slice with the conditions that it has, and so many are routed to.
fn listed_as_they_are(run: &Run<Script, Journal>, pods: usize) {
    let truth = run.world().truth();
    let slices = truth.slices().of(ServiceId(0)).unwrap();
    let sizes: Vec<usize> = slices.slices().map(|(_, slice)| slice.endpoints.len()).collect();
    assert!(sizes.iter().all(|size| *size <= ENDPOINTS_PER_SLICE), "{sizes:?}");
    let expected: BTreeMap<u32, EndpointConditions> = truth
        .pods()
        .filter_map(|(_, row)| Some((row.uid.0, endpoint_of(row.phase, row.deleting, false)?)))
        .collect();
    let found: BTreeMap<u32, EndpointConditions> =
        slices.endpoints().map(|(pod, conditions)| (pod.0, conditions)).collect();
    assert_eq!(found, expected);
    let facts = run.sink().records();
    assert_eq!(routed(facts, true).len() - routed(facts, false).len(), pods);
    assert_eq!(slices.ready() as usize, pods);
}

#[test]
fn more_nodes_cost_no_more_events() {
    let events = |nodes: u32| {
        let bench = released(nodes, 20, None);
        let mut run = bench.start();
        run.run(&Limits::until(Time::from_secs(300)));
        let changes = routed(run.sink().records(), true).len();
        assert_eq!(changes, 40);
        run.events()
    };
    let (few, many) = (events(20), events(600));
    assert!(many < few + 100, "{few} and {many} events");
}

#[test]
fn without_a_service_nothing_is_discovered() {
    let nothing = |bench: &Bench| {
        let facts = bench.facts(Time::from_secs(300));
        assert!(facts.iter().all(|record| discovered(record).is_none()));
    };
    let mut bench = released(4, 5, None);
    bench.service = false;
    nothing(&bench);
    let mut placement = released(4, 5, None);
    placement.detail = Detail::Placement;
    nothing(&placement);
}

#[test]
fn clients_of_a_headless_service_ask_for_names() {
    let mut bench = Bench::new(3, 1);
    (bench.service, bench.headless) = (true, true);
    let facts = bench.facts(Time::from_secs(120));
    let reach = |record: &Record| match discovered(record)? {
        DiscoveryFact::EndpointRouted { on: true, .. } => Some(record.at),
        _ => None,
    };
    let at: Vec<Time> = facts.iter().filter_map(reach).collect();
    let after = |place: usize| at[place].since(at[0]);
    assert_eq!([after(1), after(2)], [Span::from_secs(15), Span::from_secs(30)]);
}

#[test]
fn a_saved_run_goes_on_with_its_services() {
    let until = Limits::until(Time::from_secs(400));
    let bench = || {
        released(6, 8, Some(Hook::Sleep(Span::from_secs(2))))
            .at(Time::from_secs(200), Stimulus::crash(2))
            .at(Time::from_secs(290), Stimulus::repair(2))
    };
    let mut straight = bench().start();
    straight.run(&until);
    for millis in [1, 2000, 100_100, 103_500, 200_500, 251_000, 290_400] {
        let mut run = bench().start();
        run.run(&until.pause_at(Time::ZERO + Span::from_millis(millis)));
        let bytes = run.save(run.arrivals().next).to_bytes().unwrap();
        let restored: SavedRun<usize, Journal> = SavedRun::from_bytes(&bytes).unwrap();
        let reopen = |next| Ok::<_, Infallible>(Script { next, ..bench().script });
        let mut resumed = Run::resume(restored, reopen).unwrap();
        resumed.run(&until);
        assert_eq!(resumed.sink().digest(), straight.sink().digest(), "paused at {millis} ms");
    }
}
