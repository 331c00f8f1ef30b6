//! The kernel for the instruction set of the machine: the one place where code is called that
//! needs more than every machine has.

use super::kernel::{self, Query, Scan};
use super::layout::{Block, LANES};

/// The widest instructions that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// What every machine of the architecture has.
    Baseline,
    /// 256 bits (AVX2).
    #[cfg(target_arch = "x86_64")]
    Bits256,
    /// 512 bits (AVX-512 F, BW, DQ and VL).
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
        if has_512 {
            Width::Bits512
        } else if is_x86_feature_detected!("avx2") {
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

/// Scans the lanes of `gate` with instructions of this width, which the machine must have.
#[inline]
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "calls by instruction set"))]
pub(super) fn scan(
    width: Width,
    block: &Block,
    query: &Query,
    gate: u64,
    addends: Option<&[f32; LANES]>,
) -> Scan {
    match (width, addends) {
        (Width::Baseline, None) => baseline::<false>(block, query, gate, &NOTHING),
        (Width::Baseline, Some(addends)) => baseline::<true>(block, query, gate, addends),
        // SAFETY: a width other than the baseline comes from `Width::of_machine` only, which has
        // seen that the machine has these instructions.
        #[cfg(target_arch = "x86_64")]
        (Width::Bits256, None) => unsafe { bits_256::<false>(block, query, gate, &NOTHING) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        (Width::Bits256, Some(addends)) => unsafe { bits_256::<true>(block, query, gate, addends) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        (Width::Bits512, None) => unsafe { bits_512::<false>(block, query, gate, &NOTHING) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        (Width::Bits512, Some(addends)) => unsafe { bits_512::<true>(block, query, gate, addends) },
    }
}

#[inline(never)]
fn baseline<const ADD: bool>(
    block: &Block,
    query: &Query,
    gate: u64,
    addends: &[f32; LANES],
) -> Scan {
    kernel::scan::<ADD>(block, query, (gate, addends), mask)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn bits_256<const ADD: bool>(
    block: &Block,
    query: &Query,
    gate: u64,
    addends: &[f32; LANES],
) -> Scan {
    kernel::scan::<ADD>(block, query, (gate, addends), mask)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn bits_512<const ADD: bool>(
    block: &Block,
    query: &Query,
    gate: u64,
    addends: &[f32; LANES],
) -> Scan {
    kernel::scan::<ADD>(block, query, (gate, addends), mask)
}
