//! Decisions of the Kubernetes scheduler: the plain path, which asks every plugin about every
//! node, and the fast path, on clusters 70 % full in which a pod comes and another goes at each
//! step. A step is the arrival, the decision, the binding and the departure.
//!
//! `cargo bench --bench decision` lets criterion measure both paths in clusters of 1,000, 5,000
//! and 10,000 nodes with 10 shapes of pods, and prints a table of the whole matrix at the end;
//! `-- table` prints the table alone, and `-- table TEXT` the rows with that text in their names.
//! In the table all paths first make the same number of steps and must choose the same nodes,
//! which a checksum shows; then the fast path goes on while it is measured. Figures are steps per
//! second of CPU time where the host tells it: `plain`, `fast` and their ratio with the tie rule
//! `first`, `random` for the fast path with that rule, `portable` for the fast path with `first`
//! and no instructions but those that every machine has.
#![expect(clippy::disallowed_methods, reason = "a bench reads the host clock")]
#![expect(clippy::print_stdout, reason = "the table is the product of a bench")]

mod cluster;

use cluster::shapes::Wish;
use cluster::{Filled, Lab};
use criterion::{Criterion, Throughput};
use std::time::{Duration, Instant};
use wavetank::policy::{KubeSchedulerParams, SchedulingPath, TieBreak};

const NODES: [usize; 5] = [100, 1_000, 5_000, 10_000, 100_000];
const SHAPES: [usize; 3] = [1, 10, 1_000];
/// Time for the plain path and for the fast path of one row.
const BUDGET: Duration = Duration::from_millis(200);
/// Most steps of the plain path of one row.
const MOST_STEPS: usize = 2_000;

/// How many nodes are scored: all, or as upstream does by default.
#[derive(Debug, Clone, Copy)]
enum Search {
    All,
    Adaptive,
}

const SEARCHES: [(Search, &str); 2] = [(Search::All, "all"), (Search::Adaptive, "adaptive")];

fn params(search: Search, tie_break: TieBreak) -> KubeSchedulerParams {
    let percentage_of_nodes_to_score = match search {
        Search::All => 100,
        Search::Adaptive => 0,
    };
    KubeSchedulerParams { percentage_of_nodes_to_score, tie_break, ..Default::default() }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    let table = arguments.iter().position(|argument| argument == "table");
    if table.is_none() {
        let mut criterion = Criterion::default()
            .sample_size(10)
            .warm_up_time(Duration::from_millis(50))
            .measurement_time(Duration::from_millis(150))
            .configure_from_args();
        let sizes = if measuring { &NODES[1..4] } else { &NODES[..1] };
        for wish in Wish::ALL {
            sizes.iter().for_each(|nodes| measure(&mut criterion, wish, *nodes));
        }
        criterion.final_summary();
    }
    if measuring {
        let text = table.and_then(|at| arguments.get(at + 1)).filter(|text| *text != "--bench");
        print_table(text.map_or("", String::as_str));
    }
}

fn measure(criterion: &mut Criterion, wish: Wish, nodes: usize) {
    let filled = Filled::new(wish, nodes, 10);
    for (search, name) in SEARCHES {
        let mut group = criterion.benchmark_group(format!("{}/{nodes}/{name}", wish.name()));
        group.throughput(Throughput::Elements(1));
        for (path, name) in [(SchedulingPath::Plain, "plain"), (SchedulingPath::Fast, "fast")] {
            let mut lab = None;
            group.bench_function(name, |bencher| {
                let new = || Lab::new(&filled, (&params(search, TieBreak::First), path));
                let lab = lab.get_or_insert_with(new);
                bencher.iter(|| lab.step());
            });
        }
        group.finish();
    }
}

/// CPU time of this thread where the host tells it (Linux), else the time of the clock.
fn cpu_time(start: Instant) -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = stat.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// Steps per second over `BUDGET`, at least two steps; and how many were made.
fn rate(most: usize, mut step: impl FnMut()) -> (f64, usize) {
    let start = Instant::now();
    let before = cpu_time(start);
    let mut steps = 0;
    while steps < most && (steps < 2 || start.elapsed() < BUDGET) {
        let batch = if steps >= 1_000 { 100 } else { 1 };
        (0..batch).for_each(|_| step());
        steps += batch;
    }
    (steps as f64 / (cpu_time(start) - before).as_secs_f64(), steps)
}

/// Steps per second of the plain path and of these, which choose the same nodes.
fn compare<const PATHS: usize>(
    filled: &Filled,
    params: &KubeSchedulerParams,
    paths: [SchedulingPath; PATHS],
    step: fn(&mut Lab),
) -> (f64, [f64; PATHS]) {
    let mut plain = Lab::new(filled, (params, SchedulingPath::Plain));
    let (slow, steps) = rate(MOST_STEPS, || step(&mut plain));
    let quick = paths.map(|path| {
        let mut fast = Lab::new(filled, (params, path));
        (0..steps).for_each(|_| step(&mut fast));
        assert_eq!(plain.checksum, fast.checksum, "all paths choose the same nodes");
        // What is computed once for each shape is no part of the pace.
        (0..filled.shapes() * 5).for_each(|_| step(&mut fast));
        rate(MOST_STEPS, || step(&mut fast));
        rate(usize::MAX, || step(&mut fast)).0
    });
    (slow, quick)
}

fn print_table(text: &str) {
    println!("\nsteps per second of CPU time");
    println!(
        "{:<44} {:>9} {:>10} {:>7} {:>10} {:>10}",
        "pods / nodes / shapes / search", "plain", "fast", "ratio", "random", "portable"
    );
    for wish in Wish::ALL {
        for nodes in NODES {
            for shapes in SHAPES {
                print_rows(text, wish, nodes, shapes);
            }
        }
    }
    let name = "preemption/1000/10";
    if name.contains(text) {
        let filled = Filled::full(1_000);
        for (search, label) in SEARCHES {
            print_row(&format!("{name}/{label}"), &filled, search, Lab::preemption_step);
        }
    }
}

fn print_rows(text: &str, wish: Wish, nodes: usize, shapes: usize) {
    let name = |label: &str| format!("{}/{nodes}/{shapes}/{label}", wish.name());
    if SEARCHES.iter().all(|(_, label)| !name(label).contains(text)) {
        return;
    }
    let filled = Filled::new(wish, nodes, shapes);
    for (search, label) in SEARCHES {
        if name(label).contains(text) {
            print_row(&name(label), &filled, search, Lab::step);
        }
    }
}

fn print_row(name: &str, filled: &Filled, search: Search, step: fn(&mut Lab)) {
    let paths = [SchedulingPath::Fast, SchedulingPath::FastPortable];
    let first = params(search, TieBreak::First);
    let (plain, [fast, portable]) = compare(filled, &first, paths, step);
    let random = params(search, TieBreak::Random);
    let (_, [random]) = compare(filled, &random, [SchedulingPath::Fast], step);
    let ratio = fast / plain;
    println!("{name:<44} {plain:>9.0} {fast:>10.0} {ratio:>7.1} {random:>10.0} {portable:>10.0}");
}
