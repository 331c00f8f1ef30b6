//! The calibration figures of a machine, in nanoseconds. A time bar is stated together with them,
//! measured in the same hour, so that a bar means the same on a slower or busier machine.
//!
//! - `std-heap-hold`: one step of the hold model on the standard library's heap, by pending events.
//! - `touch-independent`, `touch-dependent`: reading and writing one random record of 64 bytes,
//!   when the next record is known beforehand, and when it is not.
//! - `queue-hold`: one step of the hold model on the engine's queue.
//! - `floor`: `queue-hold` and `touch-independent` at the same size, each the best of all rounds,
//!   measured apart and added. What a step of the hold model that also touches the record of its
//!   event cannot beat, except where the two overlap.
#![expect(clippy::disallowed_methods, reason = "a bench reads the host clock")]
#![expect(clippy::print_stdout, reason = "the figures are the product of a bench")]

mod hold;

use hold::{
    Hold, Increments, Noise, Payload, Pending, SIZES_TOUCHED, StdHeap, best, median,
    nanos_per_step, records, touches,
};
use wavetank::engine::Queue;

const ROUNDS: usize = 9;
const STEPS: usize = 300_000;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return; // built as a test: nothing to check, and too slow unoptimised
    }
    println!("{:<34} {:>9} {:>9}", "calibration, ns", "median", "best");
    for increments in Increments::ALL {
        for size in [1_000, 100_000, 1_000_000] {
            hold_alone::<StdHeap>(increments, size);
        }
    }
    for size in SIZES_TOUCHED {
        let touched = [false, true].map(|dependent| {
            let (mut records, mut noise) = (records(size), Noise::new(11));
            let steps = if dependent { STEPS } else { 4 * STEPS };
            rounds(steps, || touches(&mut records, &mut noise, steps, dependent))
        });
        print(&format!("touch-independent-{size}"), &touched[0]);
        print(&format!("touch-dependent-{size}"), &touched[1]);
        let held = hold_alone::<Queue<Payload>>(Increments::Exp, size);
        let floor = best(&held) + best(&touched[0]);
        println!("{:<34} {:>9} {floor:>9.1}", format!("floor-{size}"), "");
    }
}

fn hold_alone<P: Pending>(increments: Increments, size: usize) -> Vec<f64> {
    let mut hold = Hold::<P>::new(increments, size);
    let figures = rounds(STEPS, || hold.steps(STEPS, |_| ()));
    print(&format!("{}-hold-{}-{size}", P::NAME, increments.name()), &figures);
    figures
}

fn rounds(steps: usize, mut work: impl FnMut()) -> Vec<f64> {
    (0..ROUNDS).map(|_| nanos_per_step(steps, &mut work)).collect()
}

fn print(name: &str, figures: &[f64]) {
    println!("{name:<34} {:>9.1} {:>9.1}", median(figures), best(figures));
}
