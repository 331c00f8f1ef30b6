//! The kernel: which of 64 nodes have room for a pod, and a bound of their resource scores that is
//! hardly ever above the score itself.
//!
//! Everything is 32-bit arithmetic without fused operations, so that the same body compiled for
//! any instruction set gives the same bits. It bounds the scores of NodeResourcesFit
//! (`least_allocated.go`, `most_allocated.go`) and NodeResourcesBalancedAllocation
//! (`balanced_allocation.go`, Kubernetes 1.34) over CPU and memory.

use super::layout::{Block, LANES};

/// Half of the width, in points of score, of the band around a whole number in which 32 bits do
/// not tell on which side of it a value is. The error of a value is below 2^-14.
const BAND: f32 = 1.0 / 4096.0;
/// Adding and taking away this number rounds a value below 2^22 to a whole number.
const ROUNDER: f32 = 12_582_912.0;

/// What a pod asks for and how nodes are scored for it, in the units of the lanes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query {
    /// Requested CPU, thousandths of a core.
    pub(super) cpu: i32,
    /// Requested memory, units, rounded down.
    pub(super) memory: i32,
    /// The same, not rounded.
    pub(super) exact_memory: f32,
    /// CPU that the pod adds in scores, thousandths of a core.
    pub(super) scoring_cpu: f32,
    /// Memory that the pod adds in scores, units.
    pub(super) scoring_memory: f32,
    /// A resource scores `base + slope * spare part`: 0 and 100, or 100 and -100.
    pub(super) base: f32,
    pub(super) slope: f32,
    /// Weights of CPU and memory, and one by their sum.
    pub(super) cpu_weight: f32,
    pub(super) memory_weight: f32,
    pub(super) by_weights: f32,
    /// Weights of the two plugins, 0 for one that does not score.
    pub(super) fit_weight: f32,
    pub(super) balance_weight: f32,
}

/// What the kernel finds out about a block; each mask has a bit per lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Lanes that have room, and perhaps those of `border` that do not.
    pub(super) feasible: u64,
    /// Feasible lanes where memory is so scarce that the rounded numbers do not tell.
    pub(super) border: u64,
    /// Feasible lanes with the highest bound.
    pub(super) top: u64,
    /// Those of `top` whose score may be less than the bound.
    pub(super) open: u64,
    /// The highest bound, negative if no lane is feasible.
    pub(super) bound: i32,
}

/// Bits of a chunk of lanes.
const CHUNK: usize = 16;
const BIT: [i32; CHUNK] = {
    let mut bits = [0; CHUNK];
    let mut at = 0;
    while at < CHUNK {
        bits[at] = 1 << at;
        at += 1;
    }
    bits
};

/// The largest whole number not above a value in 0 to 2^22, or the next one if the value is less
/// than [`BAND`] below it.
#[inline(always)]
fn floor(value: f32) -> f32 {
    ((value + (BAND - 0.5)) + ROUNDER) - ROUNDER
}

/// Scans the lanes of `gate`. `addends` are whole numbers to be added to the scores; `mask` makes
/// one bit of each byte, which is 0 or 255.
#[inline(always)]
pub(super) fn scan<const ADD: bool>(
    block: &Block,
    query: &Query,
    (gate, addends): (u64, &[f32; LANES]),
    mask: impl Fn(&[u8; LANES]) -> u64,
) -> Scan {
    let mut bounds = [0i32; LANES];
    let (mut feasible, mut border, mut unsure) = ([0u8; LANES], [0u8; LANES], [0u8; LANES]);
    let mut best = [-1i32; CHUNK];
    for chunk in 0..LANES / CHUNK {
        let open = (gate >> (chunk * CHUNK)) as i32;
        for at in 0..CHUNK {
            let lane = chunk * CHUNK + at;
            let (free_cpu, free_memory) = (block.free_cpu[lane], block.free_memory[lane]);
            let (per_cpu, per_memory) = (block.per_cpu[lane], block.per_memory[lane]);
            let fits =
                (free_cpu >= query.cpu) & (free_memory >= query.memory) & (open & BIT[at] != 0);
            let spare_cpu = block.spare_cpu[lane] - query.scoring_cpu * per_cpu;
            let spare_memory = block.spare_memory[lane] - query.scoring_memory * per_memory;
            let cpu = clamped(query.base + query.slope * spare_cpu);
            let memory = clamped(query.base + query.slope * spare_memory);
            let (whole_cpu, whole_memory) = (floor(cpu), floor(memory));
            let sum = whole_cpu * query.cpu_weight + whole_memory * query.memory_weight;
            let fit = ((sum + 0.5) * query.by_weights - 0.5 + ROUNDER) - ROUNDER;
            let left_cpu = (free_cpu as f32 - query.cpu as f32) * per_cpu;
            let left_memory = (free_memory as f32 - query.exact_memory) * per_memory;
            let balance = 100.0 - 50.0 * (left_cpu - left_memory).abs();
            let whole_balance = floor(balance);
            let bound = fit * query.fit_weight + whole_balance * query.balance_weight;
            let bound = if ADD { bound + addends[lane] } else { bound };
            let rest =
                least(least(cpu - whole_cpu, memory - whole_memory), balance - whole_balance);
            // Floats that are not negative have the order of their bits.
            let bits = if fits { bound.to_bits() as i32 } else { -1 };
            bounds[lane] = bits;
            best[at] = best[at].max(bits);
            feasible[lane] = byte(fits);
            border[lane] = byte(free_memory == query.memory);
            unsure[lane] = byte(rest < BAND);
        }
    }
    let highest = best.into_iter().fold(-1, i32::max);
    let mut top = [0u8; LANES];
    for lane in 0..LANES {
        top[lane] = byte(bounds[lane] == highest);
    }
    let feasible = mask(&feasible);
    let top = mask(&top) & feasible;
    Scan {
        feasible,
        border: mask(&border) & feasible,
        top,
        open: mask(&unsure) & top,
        bound: if feasible == 0 { -1 } else { f32::from_bits(highest as u32) as i32 },
    }
}

#[inline(always)]
fn clamped(value: f32) -> f32 {
    let value = if value > 0.0 { value } else { 0.0 };
    if value < 100.0 { value } else { 100.0 }
}

#[inline(always)]
fn least(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn byte(bit: bool) -> u8 {
    0u8.wrapping_sub(u8::from(bit))
}

/// One bit per byte; a byte is 0 or 255. For machines without an instruction for it.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline(always)]
pub(super) fn portable_mask(bytes: &[u8; LANES]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().enumerate().fold(0, |bits, (at, word)| {
        let ones = u64::from_le_bytes(*word) & 0x0101_0101_0101_0101;
        bits | (ones.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * at)
    })
}
