//! The engine's queue against the standard library's heap, and the engine with the state that its
//! events touch against the floor of the machine.
//!
//! `cargo bench --bench engine` lets criterion measure each case and prints a table of ratios at
//! the end; `-- table` prints the table alone. The two sides of a ratio are measured in turns in
//! the same run, and a ratio is the median over the turns, so load of the machine cancels. Both
//! sides must deliver the same order, which a checksum shows.
//!
//! In the second table `run` goes through the run loop, which tells the model of events that are
//! among the next; `queue` and `heap` take and put by hand. All figures there are best of turns,
//! except that `by turn` is the median over the turns of `run` by the floor of the same turn: the
//! one to trust while others load the machine.
//!
//! The bars: at least 6 times the heap at a million pending events with exponential increments,
//! nowhere slower than the heap, and with touches `run` at most 1.5 times the floor (see the
//! calibration bench).
#![expect(clippy::disallowed_methods, reason = "a bench reads the host clock")]
#![expect(clippy::print_stdout, reason = "the table of ratios is the product of a bench")]

mod hold;

use criterion::{Criterion, Throughput};
use hold::{
    DRAWS, Hold, Increments, Noise, Payload, Pending, Record, SIZES_TOUCHED, StdHeap, best, median,
    nanos_per_step, records, touch, touches,
};
use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;
use wavetank::engine::{Class, Limits, Model, Queue, Stopped, run};
use wavetank::ground::{Span, Time};

const SIZES: [usize; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
const ROUNDS: usize = 11;
const STEPS: usize = 300_000;
/// Steps of one sample of criterion.
const BATCH: usize = 1_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    let sizes = if measuring { &SIZES[..] } else { &SIZES[..2] };
    if !arguments.iter().any(|argument| argument == "table") {
        let mut criterion = Criterion::default()
            .sample_size(20)
            .warm_up_time(Duration::from_millis(200))
            .measurement_time(Duration::from_millis(500))
            .configure_from_args();
        for increments in Increments::ALL {
            for size in sizes {
                measure::<Queue<Payload>>(&mut criterion, increments, *size);
                measure::<StdHeap>(&mut criterion, increments, *size);
            }
        }
        criterion.final_summary();
    }
    if measuring {
        println!("\nhold model, ns per step (median of {ROUNDS} turns of {STEPS} steps)");
        println!("{:<8} {:>8} {:>8} {:>8} {:>7}", "", "pending", "queue", "heap", "ratio");
        for increments in Increments::ALL {
            sizes.iter().for_each(|size| print_hold(increments, *size));
        }
        println!("\nhold model and touch of a record of 64 bytes, exp increments, ns per step");
        println!(
            "{:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>10} {:>11}",
            "entities", "floor", "run", "/ floor", "by turn", "queue", "heap", "run, per s"
        );
        SIZES_TOUCHED.into_iter().for_each(print_touch);
    }
}

fn measure<P: Pending>(criterion: &mut Criterion, increments: Increments, size: usize) {
    let mut group = criterion.benchmark_group(format!("hold/{}/{size}", increments.name()));
    group.throughput(Throughput::Elements(BATCH as u64));
    let mut hold = None;
    group.bench_function(P::NAME, |bencher| {
        let hold = hold.get_or_insert_with(|| Hold::<P>::new(increments, size));
        bencher.iter(|| hold.steps(BATCH, |_| ()));
    });
    group.finish();
}

/// Median over the turns of `right / left`.
fn ratio(left: &[f64], right: &[f64]) -> f64 {
    let ratios: Vec<f64> = left.iter().zip(right).map(|(left, right)| right / left).collect();
    median(&ratios)
}

fn print_hold(increments: Increments, size: usize) {
    let mut queue = Hold::<Queue<Payload>>::new(increments, size);
    let mut heap = Hold::<StdHeap>::new(increments, size);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        left.push(nanos_per_step(STEPS, || queue.steps(STEPS, |_| ())));
        right.push(nanos_per_step(STEPS, || heap.steps(STEPS, |_| ())));
    }
    assert_eq!(queue.checksum, heap.checksum, "both deliver the same order");
    println!(
        "{:<8} {size:>8} {:>8.1} {:>8.1} {:>7.2}",
        increments.name(),
        median(&left),
        median(&right),
        ratio(&left, &right)
    );
}

fn print_touch(size: usize) {
    let exp = Increments::Exp;
    let mut table = records(size);
    let mut alone = Hold::<Queue<Payload>>::new(exp, size);
    let mut noise = Noise::new(11);
    let mut queue = Hold::<Queue<Payload>>::new(exp, size);
    let mut heap = Hold::<StdHeap>::new(exp, size);
    let mut world = World::new(exp, size);
    let mut figures: [Vec<f64>; 5] = Default::default();
    for _ in 0..ROUNDS {
        figures[0].push(nanos_per_step(STEPS, || alone.steps(STEPS, |_| ())));
        figures[1].push(nanos_per_step(STEPS, || touches(&mut table, &mut noise, STEPS, false)));
        figures[2].push(nanos_per_step(STEPS, || queue.steps(STEPS, toucher(&mut table))));
        figures[3].push(nanos_per_step(STEPS, || heap.steps(STEPS, toucher(&mut table))));
        figures[4].push(nanos_per_step(STEPS, || world.go(STEPS)));
    }
    let floor = best(&figures[0]) + best(&figures[1]);
    let floors = figures[0].iter().zip(&figures[1]).map(|(hold, touch)| hold + touch);
    let by_turn = ratio(&floors.collect::<Vec<f64>>(), &figures[4]);
    let [.., queue, heap, run] = figures.map(|figures| best(&figures));
    print!("{size:>8} {floor:>8.1} {run:>8.1} {:>8.2} {by_turn:>8.2} ", run / floor);
    println!("{queue:>8.1} {heap:>10.1} {:>10.1}M", 1e3 / run);
}

fn toucher(table: &mut [Record]) -> impl FnMut(u32) {
    |entity| {
        black_box(touch(table, entity));
    }
}

/// The same work through the run loop.
struct World {
    state: Touching,
    queue: Queue<Payload>,
}

struct Touching {
    draws: Vec<Span>,
    step: usize,
    table: Vec<Record>,
}

impl Model for Touching {
    type Event = Payload;
    type Error = Infallible;

    fn next_arrival(&mut self) -> Result<Option<Time>, Infallible> {
        Ok(None)
    }
    fn arrive(&mut self, _: Time, _: &mut Queue<Payload>) -> Result<(), Infallible> {
        Ok(())
    }
    fn handle(&mut self, now: Time, event: Payload, queue: &mut Queue<Payload>) {
        black_box(touch(&mut self.table, event.entity));
        self.step += 1;
        queue.push(now + self.draws[self.step % DRAWS], Class::Machine, event);
    }
    fn soon(&self, event: &Payload) {
        black_box(self.table[event.entity as usize].0[0]);
    }
}

impl World {
    fn new(increments: Increments, size: usize) -> World {
        let Hold { pending: queue, draws, .. } = Hold::<Queue<Payload>>::new(increments, size);
        World { state: Touching { draws, step: 0, table: records(size) }, queue }
    }

    fn go(&mut self, events: usize) {
        let most = self.queue.delivered() + events as u64;
        let limits = Limits::until(Time::MAX).events(most);
        assert_eq!(run(&mut self.state, &mut self.queue, &limits), Stopped::Events);
    }
}
