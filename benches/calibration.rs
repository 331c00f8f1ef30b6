//! quick
#![allow(clippy::all, warnings)]
mod hold;
use hold::*;
use wavetank::engine::Queue;
fn main() {
    for inc in [Increments::Exp, Increments::Pareto] {
        for size in [100, 300, 1000] {
            let mut a = Hold::<Queue<Payload>>::new(inc, size);
            let n = 1_000_000;
            let m = (0..30).map(|_| nanos_per_step(n, || a.steps(n, |_| ()))).fold(1e9, f64::min);
            print!("{} {size} {m:.1}   ", inc.name());
        }
    }
    println!();
}
