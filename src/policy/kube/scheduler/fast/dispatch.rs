//! The kernel for the instruction set of the machine: the one place where code is called that
//! needs more than every machine has.

use super::kernel::{self, Form, Query, Scan};
use super::layout::{Block, LANES};

/// The widest instructions that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// What every machine of the architecture has.
    Baseline,
    /// 256 bits (AVX2 and FMA).
    #[cfg(target_arch = "x86_64")]
    Bits256,
    /// 512 bits (AVX-512 F, BW, DQ and VL, and FMA).
    #[cfg(target_arch = "x86_64")]
    Bits512,
}

impl Width {
    /// The widest that this machine has. It has no influence on any result.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn of_machine() -> Width {
        let has_512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        let fused = is_x86_feature_detected!("fma");
        if has_512 && fused {
            Width::Bits512
        } else if is_x86_feature_detected!("avx2") && fused {
            Width::Bits256
        } else {
            Width::Baseline
        }
    }

    /// The widest that this machine has. It has no influence on any result.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn of_machine() -> Width {
        Width::Baseline
    }
}

/// One bit per byte; a byte is 0 or 255.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(unsafe_code, reason = "the compiler wants it for instructions that every machine has")]
fn mask(bytes: &[u8; LANES]) -> u64 {
    use std::arch::x86_64::{_mm_movemask_epi8, _mm_set_epi64x};
    let (words, _) = bytes.as_chunks::<8>();
    let word = |at: usize| i64::from_le_bytes(words[at]);
    let mut bits = 0;
    for part in 0..LANES / 16 {
        // SAFETY: SSE2 is part of the architecture.
        let half = unsafe { _mm_movemask_epi8(_mm_set_epi64x(word(2 * part + 1), word(2 * part))) };
        bits |= u64::from(half as u16) << (16 * part);
    }
    bits
}

#[cfg(not(target_arch = "x86_64"))]
use super::kernel::portable_mask as mask;

const NOTHING: [f32; LANES] = [0.0; LANES];

/// The forms of the kernel that differ at compile time.
struct Of<const FUSED: bool, const ADD: bool, const MOST: bool, const USUAL: bool, const TOP: bool>;

impl<const FUSED: bool, const ADD: bool, const MOST: bool, const USUAL: bool, const TOP: bool> Form
    for Of<FUSED, ADD, MOST, USUAL, TOP>
{
    const FUSED: bool = FUSED;
    const ADD: bool = ADD;
    const MOST: bool = MOST;
    const USUAL: bool = USUAL;
    const TOP: bool = TOP;
}

/// Scans the lanes of `gate` with instructions of this width, which the machine must have.
#[inline]
pub(super) fn scan(
    width: Width,
    block: &Block,
    query: &Query,
    gate: u64,
    addends: Option<&[f32; LANES]>,
) -> Scan {
    of_form::<true>(width, block, query, (gate, addends))
}

/// The same, but only room and the highest bound are looked for: all feasible lanes are said to
/// be open.
#[inline]
pub(super) fn survey(width: Width, block: &Block, query: &Query, gate: u64) -> Scan {
    of_form::<false>(width, block, query, (gate, None))
}

/// Surveys all blocks; `gates` has a mask for each, and the answers are put behind what `found`
/// has.
pub(super) fn survey_all(
    width: Width,
    blocks: &[Block],
    query: &Query,
    (gates, found): (&[u64], &mut Vec<Scan>),
) {
    let lists = (gates, found);
    match query.most_allocated {
        false => all_of_width::<false>(width, blocks, query, lists),
        true => all_of_width::<true>(width, blocks, query, lists),
    }
}

#[inline]
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "calls by instruction set"))]
fn all_of_width<const MOST: bool>(
    width: Width,
    blocks: &[Block],
    query: &Query,
    lists: (&[u64], &mut Vec<Scan>),
) {
    match width {
        Width::Baseline => all_of::<false, MOST>(blocks, query, lists),
        // SAFETY: see `of_width`.
        #[cfg(target_arch = "x86_64")]
        Width::Bits256 => unsafe { all_256::<MOST>(blocks, query, lists) },
        // SAFETY: see `of_width`.
        #[cfg(target_arch = "x86_64")]
        Width::Bits512 => unsafe { all_512::<MOST>(blocks, query, lists) },
    }
}

/// One loop for all blocks: a call for each would cost about a third of what it does. It is a plain
/// loop, because closures in iterators are not compiled for the instructions of their caller.
#[inline(always)]
fn all_of<const FUSED: bool, const MOST: bool>(
    blocks: &[Block],
    query: &Query,
    (gates, found): (&[u64], &mut Vec<Scan>),
) {
    for (block, gate) in blocks.iter().zip(gates) {
        let lanes = (*gate, &NOTHING);
        let scan = if query.usual && block.differ == 0 {
            kernel::scan::<Of<FUSED, false, MOST, true, false>>(block, query, lanes, mask)
        } else {
            kernel::scan::<Of<FUSED, false, MOST, false, false>>(block, query, lanes, mask)
        };
        found.push(scan);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn all_256<const MOST: bool>(blocks: &[Block], query: &Query, lists: (&[u64], &mut Vec<Scan>)) {
    all_of::<true, MOST>(blocks, query, lists);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
fn all_512<const MOST: bool>(blocks: &[Block], query: &Query, lists: (&[u64], &mut Vec<Scan>)) {
    all_of::<true, MOST>(blocks, query, lists);
}

#[inline]
fn of_form<const TOP: bool>(
    width: Width,
    block: &Block,
    query: &Query,
    (gate, addends): (u64, Option<&[f32; LANES]>),
) -> Scan {
    let lanes = (gate, addends.unwrap_or(&NOTHING));
    match (query.usual && block.differ == 0, query.most_allocated, addends.is_some()) {
        (false, false, false) => of_width::<false, false, false, TOP>(width, block, query, lanes),
        (false, false, true) => of_width::<true, false, false, TOP>(width, block, query, lanes),
        (false, true, false) => of_width::<false, true, false, TOP>(width, block, query, lanes),
        (false, true, true) => of_width::<true, true, false, TOP>(width, block, query, lanes),
        (true, false, false) => of_width::<false, false, true, TOP>(width, block, query, lanes),
        (true, false, true) => of_width::<true, false, true, TOP>(width, block, query, lanes),
        (true, true, false) => of_width::<false, true, true, TOP>(width, block, query, lanes),
        (true, true, true) => of_width::<true, true, true, TOP>(width, block, query, lanes),
    }
}

#[inline]
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "calls by instruction set"))]
fn of_width<const ADD: bool, const MOST: bool, const USUAL: bool, const TOP: bool>(
    width: Width,
    block: &Block,
    query: &Query,
    lanes: (u64, &[f32; LANES]),
) -> Scan {
    match width {
        Width::Baseline => baseline::<ADD, MOST, USUAL, TOP>(block, query, lanes),
        // SAFETY: a width other than the baseline comes from `Width::of_machine` only, which has
        // seen that the machine has these instructions.
        #[cfg(target_arch = "x86_64")]
        Width::Bits256 => unsafe { bits_256::<ADD, MOST, USUAL, TOP>(block, query, lanes) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Width::Bits512 => unsafe { bits_512::<ADD, MOST, USUAL, TOP>(block, query, lanes) },
    }
}

#[inline(never)]
fn baseline<const ADD: bool, const MOST: bool, const USUAL: bool, const TOP: bool>(
    block: &Block,
    query: &Query,
    lanes: (u64, &[f32; LANES]),
) -> Scan {
    kernel::scan::<Of<false, ADD, MOST, USUAL, TOP>>(block, query, lanes, mask)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn bits_256<const ADD: bool, const MOST: bool, const USUAL: bool, const TOP: bool>(
    block: &Block,
    query: &Query,
    lanes: (u64, &[f32; LANES]),
) -> Scan {
    kernel::scan::<Of<true, ADD, MOST, USUAL, TOP>>(block, query, lanes, mask)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
fn bits_512<const ADD: bool, const MOST: bool, const USUAL: bool, const TOP: bool>(
    block: &Block,
    query: &Query,
    lanes: (u64, &[f32; LANES]),
) -> Scan {
    kernel::scan::<Of<true, ADD, MOST, USUAL, TOP>>(block, query, lanes, mask)
}
