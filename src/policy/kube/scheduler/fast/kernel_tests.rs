//! The kernel: the same for every instruction set, and never below the exact score.

use super::dispatch::{self, Width};
use super::kernel::{self, Scan};
use super::lab::{Lab, Variety, sized};
use super::layout::{LANES, Layout};
use super::scoring::Scoring;
use super::shape::lanes;
use crate::model::{Catalog, Change, DeviceMask, NodeId, PodId, PodName, PodSpec, PodUid};
use crate::policy::kube::scheduler::framework::Cycle;
use crate::policy::kube::scheduler::framework::{Reasons, Room};
use crate::policy::kube::scheduler::plugin::node_resources_fit;
use crate::policy::kube::scheduler::test_host::{Host, node_spec};
use crate::policy::kube::scheduler::{KubeSchedulerParams, ScoringType};
use std::cmp::Ordering;

/// A cluster in which nodes are filled by chance; in every third all pods request what they count
/// for in scores.
fn filled(seed: u64, kind: ScoringType) -> (Host, Lab) {
    let mut params = KubeSchedulerParams::default();
    params.scoring_strategy.kind = kind;
    let mut host = Host::new(&params);
    let variety = [Variety::All, Variety::Even][seed as usize % 2];
    let mut lab = Lab::new(seed, variety, &mut host);
    for _ in 0..100 {
        let spec = lab.node();
        let status = host.status(&spec, &[], false);
        host.add_node(status);
    }
    for number in 0..300 {
        let mut spec = pod(seed, &mut host, &mut lab);
        spec.devices = None;
        spec.node_name = Some(host.name("somewhere"));
        let pod = host.add_pod(number, &spec);
        let node = NodeId(lab.below(100) as u32);
        host.tell(Change::PodBound { pod, node, devices: DeviceMask::NONE });
    }
    (host, lab)
}

fn pod(seed: u64, host: &mut Host, lab: &mut Lab) -> PodSpec {
    match seed % 3 {
        0 => sized(host, 1 + lab.below(2000) as u64, (1 + lab.below(4 << 20) as u64) << 10),
        _ => lab.pod(),
    }
}

fn with_cycle<T>(host: &mut Host, spec: &PodSpec, run: impl FnOnce(&Cycle<'_>, &Layout) -> T) -> T {
    let spec_id = host.catalog.intern_pod_spec(spec).0;
    let Host { catalog, view, scheduler, .. } = &*host;
    let cycle = Cycle {
        catalog,
        view,
        profile: &scheduler.profiles[0],
        uid: PodUid(9999),
        name: PodName::plain(Catalog::NO_TEXT),
        spec_id,
        spec: catalog.pod_spec(spec_id),
        nominations: &scheduler.nominations,
        reservations: &scheduler.reservations,
        nodes: scheduler.order.len(),
    };
    run(&cycle, &Layout::new(1, &scheduler.order, view, catalog))
}

fn widths() -> Vec<Width> {
    let mut widths = vec![Width::Baseline, Width::of_machine()];
    #[cfg(target_arch = "x86_64")]
    if Width::of_machine() != Width::Baseline {
        widths.push(Width::Bits256);
    }
    widths
}

#[test]
fn bounds_are_never_below_the_score_and_room_is_never_overlooked() {
    let (mut open, mut all, mut feasible, mut usual) = (0, 0, 0, 0);
    for (seed, kind) in (0..24).map(|seed| {
        (seed, [ScoringType::LeastAllocated, ScoringType::MostAllocated][seed as usize / 12])
    }) {
        let (mut host, mut lab) = filled(seed, kind);
        for _ in 0..12 {
            let spec = pod(seed, &mut host, &mut lab);
            with_cycle(&mut host, &spec, |cycle, layout| {
                let scoring = Scoring::new(cycle);
                assert!(scoring.bounded);
                let query = scoring.query(cycle, layout).unwrap();
                let addends: [f32; LANES] = std::array::from_fn(|lane| (lane % 5) as f32);
                for block in 0..layout.blocks.len() {
                    usual += usize::from(query.usual && layout.blocks[block].differ == 0);
                    let there = layout.lanes_of(block) & !layout.odd[block];
                    let unit = 1 << layout.unit_shift;
                    let whole = cycle.spec.requests.memory.0.is_multiple_of(unit);
                    let scan = |width, gate, addends| {
                        dispatch::scan(width, &layout.blocks[block], &query, gate, addends)
                    };
                    for lane in lanes(there) {
                        let node = layout.nodes[block * LANES + lane];
                        let one = scan(widths()[lane % widths().len()], 1 << lane, None);
                        let room = Room::of(cycle.view, node);
                        let mut plain = spec_of_basics(cycle);
                        plain.devices = None;
                        let basics = Cycle { spec: &plain, ..*cycle };
                        let refused =
                            node_resources_fit::filter(&basics, room, &mut Reasons::new(false));
                        let rounded = layout.blocks[block].free_memory[lane] == query.memory;
                        let sure = whole || !rounded;
                        assert!(one.feasible != 0 || refused.is_some(), "room is overlooked");
                        assert!(!sure || (one.feasible != 0) == refused.is_none());
                        if one.feasible != 0 && refused.is_none() {
                            feasible += 1;
                            let exact = scoring.plain(cycle, node);
                            let numbers = &layout.numbers[block * LANES + lane];
                            assert_eq!(scoring.exact(cycle.spec, numbers), exact);
                            assert!(one.bound >= exact, "{} is below {exact}", one.bound);
                            assert!(one.open != 0 || one.bound == exact, "it is not open");
                            (open, all) = (open + one.open.count_ones(), all + 1);
                        }
                    }
                    for gate in [u64::MAX, there, 0x5555_5555_5555_5555] {
                        for addends in [None, Some(&addends)] {
                            let found =
                                widths().into_iter().map(|width| scan(width, gate, addends));
                            let found: Vec<Scan> = found.collect();
                            assert!(found.iter().all(|scan| agree(scan, &found[0])), "{found:?}");
                            let briefly = widths().into_iter().zip(&found);
                            for (width, scan) in briefly.filter(|_| addends.is_none()) {
                                let columns = &layout.blocks[block];
                                let brief = dispatch::survey(width, columns, &query, gate);
                                let Scan { feasible, bound, .. } = *scan;
                                let (top, open) = (feasible, feasible);
                                assert_eq!(brief, Scan { feasible, top, open, bound });
                            }
                        }
                    }
                }
            });
        }
    }
    assert!(feasible > 5000, "{feasible} feasible lanes");
    assert!(usual > 100, "{usual} blocks in which scores count what is requested");
    assert!(open * 2 < all, "{open} of {all} bounds are not certain");
}

/// True if two widths found the same, but for bounds that are open.
fn agree(one: &Scan, other: &Scan) -> bool {
    let certain = |scan: &Scan| scan.top & !scan.open;
    let bounds = match one.bound.cmp(&other.bound) {
        Ordering::Less => certain(other) == 0,
        Ordering::Equal => certain(one) & !other.top == 0 && certain(other) & !one.top == 0,
        Ordering::Greater => certain(one) == 0,
    };
    one.feasible == other.feasible && bounds
}

/// The pod with CPU and memory only.
fn spec_of_basics(cycle: &Cycle<'_>) -> PodSpec {
    let mut spec = cycle.spec.clone();
    spec.requests.ephemeral_storage = Default::default();
    spec.requests.extended = Default::default();
    spec
}

#[test]
fn masks_without_instructions_for_them() {
    for bits in [0, u64::MAX, 0x8000_0000_0000_0001, 0x0123_4567_89ab_cdef] {
        let bytes: [u8; LANES] =
            std::array::from_fn(|lane| if bits >> lane & 1 != 0 { 255 } else { 0 });
        assert_eq!(kernel::portable_mask(&bytes), bits, "{bits:x}");
    }
}

#[test]
fn a_pod_that_fits_to_the_byte() {
    let mut host = Host::plain();
    let mut spec = node_spec(4000);
    spec.allocatable.memory.0 = (1 << 34) + 1;
    let status = host.status(&spec, &[], false);
    host.add_node(status);
    for (memory, fits) in [((1 << 34) + 1, true), ((1 << 34) + 2, false)] {
        let pod = sized(&mut host, 10, memory);
        let number = memory as u32;
        host.add_pod(number, &pod);
        let placed = host.attempt().unwrap().is_ok();
        assert_eq!(placed, fits, "{memory}");
        assert!(host.scheduler.answered_fast() > 0);
        host.tell(Change::PodRemoved { pod: PodId(number) });
    }
}
