//! The kernel: which of 64 nodes have room for a pod, and a bound of their resource scores that is
//! hardly ever above the score itself.
//!
//! Everything is 32-bit arithmetic, whose errors are far below the band in which a bound counts as
//! open; so it does not matter for any decision that instruction sets round differently. It bounds
//! the scores of NodeResourcesFit
//! (`least_allocated.go`, `most_allocated.go`) and NodeResourcesBalancedAllocation
//! (`balanced_allocation.go`, Kubernetes 1.34) over CPU and memory.

use super::layout::{Block, LANES};

/// Half of the width, in points of score, of the band around a whole number in which 32 bits do
/// not tell on which side of it a value is. The error of a value is below 2^-14.
const BAND: f32 = 1.0 / 4096.0;
/// What is added to a value before it is rounded to the nearest whole number, so that this is the
/// largest one not above it, or the next one if the value is less than a band below that.
pub(super) const OFFSET: f32 = BAND - 0.5;
/// Adding and taking away this number rounds a value below 2^22 to the nearest whole number.
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
    /// What the pod adds in scores is what it requests, both resources weigh alike, and both
    /// plugins weigh one.
    pub(super) usual: bool,
    /// A resource scores its used part, not its spare part.
    pub(super) most_allocated: bool,
    /// Parts of CPU and memory in the score of NodeResourcesFit; their sum is one.
    pub(super) cpu_part: f32,
    pub(super) memory_part: f32,
    /// Half of what the smallest step of that score is before it is cut to a whole number.
    pub(super) half_step: f32,
    /// Weights of the two plugins, 0 for one that does not score.
    pub(super) fit_weight: f32,
    pub(super) balance_weight: f32,
}

/// What the kernel finds out about a block; each mask has a bit per lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Lanes that have room. Where the request is not a whole number of units, some that have as
    /// many units left as the rounded request may be without.
    pub(super) feasible: u64,
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

/// How the kernel is compiled.
pub(super) trait Form {
    /// There are instructions that multiply and add.
    const FUSED: bool;
    /// There are addends.
    const ADD: bool;
    /// The query's `most_allocated`.
    const MOST: bool;
    /// The query is usual, and what counts in scores on every node of the block is what is
    /// requested.
    const USUAL: bool;
    /// Which lanes have the highest bound is asked for. Without it, all feasible ones are said to
    /// be open.
    const TOP: bool;
}

/// The nearest whole number.
#[inline(always)]
fn round(value: f32) -> f32 {
    (value + ROUNDER) - ROUNDER
}

/// `a * b + c`.
#[inline(always)]
fn fused<F: Form>(a: f32, b: f32, c: f32) -> f32 {
    // Without the instruction, the method calls a library.
    if F::FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Scans the lanes of `gate`. `addends` are whole numbers to be added to the scores; `mask` makes
/// one bit of each byte, which is 0 or 255.
#[inline(always)]
pub(super) fn scan<F: Form>(
    block: &Block,
    query: &Query,
    (gate, addends): (u64, &[f32; LANES]),
    mask: impl Fn(&[u8; LANES]) -> u64,
) -> Scan {
    let mut bounds = [0.0f32; LANES];
    let (mut feasible, mut unsure) = ([0u8; LANES], [0u8; LANES]);
    let mut best = [0.0f32; CHUNK];
    let cut = query.half_step - 0.5;
    for chunk in 0..LANES / CHUNK {
        let open = (gate >> (chunk * CHUNK)) as i32;
        for at in 0..CHUNK {
            let lane = chunk * CHUNK + at;
            let (free_cpu, free_memory) = (block.free_cpu[lane], block.free_memory[lane]);
            let (per_cpu, per_memory) = (block.per_cpu[lane], block.per_memory[lane]);
            let fits =
                (free_cpu >= query.cpu) & (free_memory >= query.memory) & (open & BIT[at] != 0);
            let cpu = part::<F>(query.scoring_cpu, per_cpu, block.spare_cpu[lane]);
            let memory = part::<F>(query.scoring_memory, per_memory, block.spare_memory[lane]);
            let (whole_cpu, whole_memory) = (round(cpu), round(memory));
            let fit = if F::USUAL {
                fused::<F>(whole_cpu + whole_memory, 0.5, cut)
            } else {
                let fit = fused::<F>(whole_cpu, query.cpu_part, cut);
                fused::<F>(whole_memory, query.memory_part, fit)
            };
            let fit = round(fit);
            let apart = if F::USUAL {
                cpu - memory
            } else {
                let left_cpu = (free_cpu as f32 - query.cpu as f32) * per_cpu;
                let left_memory = free_memory as f32 - query.exact_memory;
                fused::<F>(-left_memory, per_memory, left_cpu)
            };
            let balance = fused::<F>(apart.abs(), -0.5, 100.0 + OFFSET);
            let whole_balance = round(balance);
            let bound = if F::USUAL {
                fit + whole_balance
            } else {
                let balance = whole_balance * query.balance_weight;
                fused::<F>(fit, query.fit_weight, balance)
            };
            let bound = if F::ADD { bound + addends[lane] } else { bound };
            let bound = f32::from_bits(bound.to_bits() & u32::from(fits).wrapping_neg());
            best[at] = most(best[at], bound);
            feasible[lane] = byte(fits);
            if F::TOP {
                let rest =
                    least(least(cpu - whole_cpu, memory - whole_memory), balance - whole_balance);
                bounds[lane] = bound;
                unsure[lane] = byte(rest < BAND + OFFSET);
            }
        }
    }
    let highest = highest(best);
    let feasible = mask(&feasible);
    let bound = if feasible == 0 { -1 } else { highest as i32 };
    if !F::TOP {
        return Scan { feasible, top: feasible, open: feasible, bound };
    }
    let mut top = [0u8; LANES];
    for lane in 0..LANES {
        top[lane] = byte(bounds[lane] == highest);
    }
    let top = mask(&top) & feasible;
    Scan { feasible, top, open: mask(&unsure) & top, bound }
}

/// The score of a resource with the pod on the node, 0 to 100, and the offset.
#[inline(always)]
fn part<F: Form>(wanted: f32, per: f32, spare: f32) -> f32 {
    let spare = fused::<F>(-wanted, per, spare);
    let part = if F::MOST { (100.0 + 2.0 * OFFSET) - spare } else { spare };
    if F::USUAL {
        return part; // where there is room, it is in that range
    }
    let part = if part > OFFSET { part } else { OFFSET };
    if F::MOST && part > 100.0 + OFFSET { 100.0 + OFFSET } else { part }
}

/// The highest of a chunk, found by halves, as instructions for several numbers do it.
#[inline(always)]
fn highest(mut chunk: [f32; CHUNK]) -> f32 {
    let mut half = CHUNK / 2;
    while half > 0 {
        for at in 0..half {
            chunk[at] = most(chunk[at], chunk[at + half]);
        }
        half /= 2;
    }
    chunk[0]
}

// `f32::min` and `f32::max` look after numbers that are none, which costs instructions.
#[inline(always)]
fn most(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
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
