//! The hold model and the random touches that both benches measure: N pending events; take the
//! earliest, schedule one at now + increment; perhaps read and write the record it is about.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::Instant;
use wavetank::engine::{Class, Queue};
use wavetank::ground::{Span, Time, math};

/// What an event carries: 16 bytes, so that an entry has 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Payload {
    pub(crate) entity: u32,
    pub(crate) generation: u32,
    pub(crate) what: u64,
}

/// The record of an entity: one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Record(pub(crate) [u64; 8]);

/// A million of them do not fit the caches of most machines; ten thousand do.
pub(crate) const SIZES_TOUCHED: [usize; 2] = [10_000, 1_000_000];

/// Increments are drawn from a table of so many, which stays in the cache.
pub(crate) const DRAWS: usize = 1 << 12;

/// A small generator: benches need no portable draws, only cheap ones.
#[derive(Debug, Clone)]
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Noise {
        Noise(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// In (0, 1].
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}

/// Distribution of the increments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Increments {
    /// Exponential, mean 1 s.
    Exp,
    /// Whole seconds from 1 to 10: a tenth of all events share each instant.
    Burst,
    /// Shape 1.1 from 0.1 s, at most 10^7 s.
    Pareto,
}

impl Increments {
    pub(crate) const ALL: [Increments; 3] =
        [Increments::Exp, Increments::Burst, Increments::Pareto];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Increments::Exp => "exp",
            Increments::Burst => "burst",
            Increments::Pareto => "pareto",
        }
    }

    fn draw(self, noise: &mut Noise) -> Span {
        let unit = noise.unit();
        match self {
            Increments::Exp => Span::from_secs_f64(-math::ln(unit)),
            Increments::Burst => Span::from_secs(1 + noise.next() % 10),
            Increments::Pareto => {
                Span::from_secs_f64((0.1 / math::pow(unit, 1.0 / 1.1)).min(10_000_000.0))
            }
        }
    }
}

/// The two structures under test, with one face.
pub(crate) trait Pending {
    const NAME: &'static str;
    fn empty() -> Self;
    fn put(&mut self, at: Time, payload: Payload);
    fn take(&mut self) -> (Time, Payload);
}

impl Pending for Queue<Payload> {
    const NAME: &'static str = "queue";
    fn empty() -> Self {
        Queue::new()
    }
    fn put(&mut self, at: Time, payload: Payload) {
        self.push(at, Class::Machine, payload);
    }
    fn take(&mut self) -> (Time, Payload) {
        let next = self.pop().expect("the hold model never empties");
        (next.at, next.event)
    }
}

/// The standard library's heap over entries of 32 bytes.
pub(crate) struct StdHeap {
    heap: BinaryHeap<Reverse<(Time, u64, Payload)>>,
    seq: u64,
}

impl Pending for StdHeap {
    const NAME: &'static str = "std-heap";
    fn empty() -> Self {
        StdHeap { heap: BinaryHeap::new(), seq: 0 }
    }
    fn put(&mut self, at: Time, payload: Payload) {
        self.heap.push(Reverse((at, self.seq, payload)));
        self.seq += 1;
    }
    fn take(&mut self) -> (Time, Payload) {
        let Reverse((at, _, payload)) = self.heap.pop().expect("the hold model never empties");
        (at, payload)
    }
}

/// A hold model under way.
pub(crate) struct Hold<P> {
    pub(crate) pending: P,
    pub(crate) draws: Vec<Span>,
    step: usize,
    /// Covers the order of everything delivered.
    pub(crate) checksum: u64,
}

impl<P: Pending> Hold<P> {
    /// `size` pending events, taken round often enough to have forgotten how they were put in.
    pub(crate) fn new(increments: Increments, size: usize) -> Hold<P> {
        let mut noise = Noise::new(7);
        let draws: Vec<Span> = (0..DRAWS).map(|_| increments.draw(&mut noise)).collect();
        let mut pending = P::empty();
        for entity in 0..size {
            let at = Time::ZERO + increments.draw(&mut noise);
            let entity = u32::try_from(entity).expect("fewer than 2^32 entities");
            pending.put(at, Payload { entity, generation: 0, what: noise.next() });
        }
        let mut hold = Hold { pending, draws, step: 0, checksum: 0 };
        hold.steps(3 * size, |_| ());
        hold
    }

    /// So many events, with `touch` told the entity of each.
    pub(crate) fn steps(&mut self, count: usize, mut touch: impl FnMut(u32)) {
        for _ in 0..count {
            let (now, mut payload) = self.pending.take();
            touch(payload.entity);
            self.checksum = self.checksum.rotate_left(5) ^ now.as_nanos() ^ payload.what;
            payload.generation += 1;
            self.step += 1;
            self.pending.put(now + self.draws[self.step % DRAWS], payload);
        }
    }
}

/// So many records.
pub(crate) fn records(count: usize) -> Vec<Record> {
    (0..count).map(|at| Record([at as u64; 8])).collect()
}

/// Reads and writes one record.
pub(crate) fn touch(records: &mut [Record], entity: u32) -> u64 {
    let Record(fields) = &mut records[entity as usize];
    fields[1] = fields[1].wrapping_add(fields[0]);
    fields[7] ^= fields[1];
    fields[7]
}

/// Touches so many random records. If `dependent`, which record is next is known only once the
/// last one has been read.
pub(crate) fn touches(records: &mut [Record], noise: &mut Noise, count: usize, dependent: bool) {
    let mask = if dependent { u64::MAX } else { 0 };
    let mut last = 0;
    for _ in 0..count {
        let random = noise.next().wrapping_add(last & mask) >> 32;
        // Multiplying and shifting is a remainder without the division.
        last = touch(records, ((random * records.len() as u64) >> 32) as u32);
    }
    black_box(last);
}

/// Nanoseconds per step of `work`, which does `steps` of them.
pub(crate) fn nanos_per_step(steps: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e9 / steps as f64
}

/// The middle one.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The least one: what the machine can do when nobody disturbs it.
pub(crate) fn best(figures: &[f64]) -> f64 {
    figures.iter().copied().fold(f64::INFINITY, f64::min)
}
