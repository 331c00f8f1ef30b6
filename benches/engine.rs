//! quick
#![allow(clippy::all, warnings)]
mod hold;
use hold::*;
use wavetank::engine::Queue;
fn main() {
    for inc in Increments::ALL {
        for size in [100usize, 1000, 10_000] {
            let mut a = Hold::<Queue<Payload>>::new(inc, size);
            let mut b = Hold::<StdHeap>::new(inc, size);
            let n = 400_000;
            let (mut x, mut y) = (vec![], vec![]);
            for _ in 0..25 {
                x.push(nanos_per_step(n, || a.steps(n, |_| ())));
                y.push(nanos_per_step(n, || b.steps(n, |_| ())));
            }
            assert_eq!(a.checksum, b.checksum);
            let (x, y) = ((x.into_iter().fold(1e9, f64::min), y.into_iter().fold(1e9, f64::min)));
            println!("{:7} {:8} {:7.1} {:7.1} {:6.2}", inc.name(), size, x, y, y / x);
        }
    }
}
