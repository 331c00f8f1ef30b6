//! A stable, portable, non-cryptographic hash: for the keys of random draws and for the digest of
//! a run. The same bytes give the same number on every machine and in every version.

use serde::{Deserialize, Serialize};

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd1b5_4a32_d192_ed03;
const K2: u64 = 0x8cb9_2ba7_2f3d_8dd7;

/// Multiplies to 128 bits and folds the halves: every input bit reaches every output bit.
const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128) * (b as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Hashes bytes to 64 bits, in the same way for ever.
pub const fn stable_hash(bytes: &[u8]) -> u64 {
    let mut state = K0 ^ (bytes.len() as u64);
    let mut at = 0;
    while at < bytes.len() {
        let mut word = 0u64;
        let mut shift = 0;
        while shift < 64 && at < bytes.len() {
            word |= (bytes[at] as u64) << shift;
            shift += 8;
            at += 1;
        }
        state = fold(state ^ word ^ K1, K2) ^ state.rotate_left(23);
    }
    fold(state ^ K2, K0)
}

/// A running 128-bit hash over 64-bit words, two at a time.
///
/// Two lanes are chained, each word enters both, so a change of one word, of the order of words or
/// of their number changes the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mixer {
    a: u64,
    b: u64,
    words: u64,
}

impl Default for Mixer {
    fn default() -> Mixer {
        Mixer::new()
    }
}

impl Mixer {
    /// The hash of nothing.
    pub const fn new() -> Mixer {
        Mixer { a: K0, b: K1, words: 0 }
    }

    /// Adds two words.
    pub const fn add(&mut self, first: u64, second: u64) {
        let a = fold(self.a ^ first ^ K1, self.b ^ second ^ K2);
        let b = fold(self.b ^ first.rotate_left(32) ^ K2, second ^ K0 ^ self.a.rotate_left(17));
        self.a = a ^ self.b.rotate_left(7);
        self.b = b ^ first.wrapping_add(second);
        self.words += 2;
    }

    /// The hash of everything added so far.
    pub const fn finish(&self) -> u128 {
        let high = fold(self.a ^ self.words, K2 ^ self.b);
        let low = fold(self.b ^ K0, self.a ^ K1 ^ self.words);
        ((high as u128) << 64) | low as u128
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_fixed_for_ever() {
        assert_eq!(stable_hash(b""), stable_hash(&[]));
        assert_ne!(stable_hash(b"a"), stable_hash(b"b"));
        assert_ne!(stable_hash(b"a"), stable_hash(b"a\0"));
        assert_ne!(stable_hash(b"12345678"), stable_hash(b"123456780"));
    }

    #[test]
    fn mixer_sees_order_and_number() {
        let digest = |pairs: &[(u64, u64)]| {
            let mut mixer = Mixer::new();
            for (a, b) in pairs {
                mixer.add(*a, *b);
            }
            mixer.finish()
        };
        let straight = digest(&[(1, 2), (3, 4)]);
        assert_ne!(straight, digest(&[(3, 4), (1, 2)]));
        assert_ne!(straight, digest(&[(2, 1), (3, 4)]));
        assert_ne!(straight, digest(&[(1, 2)]));
        assert_ne!(digest(&[(0, 0)]), digest(&[(0, 0), (0, 0)]));
    }

    #[test]
    fn every_bit_of_a_word_moves_about_half_of_the_digest() {
        let digest = |a: u64, b: u64| {
            let mut mixer = Mixer::new();
            mixer.add(a, b);
            mixer.add(7, 9);
            mixer.finish()
        };
        let base = digest(1234, 5678);
        for bit in 0..64 {
            for changed in [digest(1234 ^ (1 << bit), 5678), digest(1234, 5678 ^ (1 << bit))] {
                let moved = (base ^ changed).count_ones();
                assert!((36..=92).contains(&moved), "bit {bit} moved {moved} of 128");
            }
        }
    }
}
