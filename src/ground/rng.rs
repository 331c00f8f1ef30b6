//! Random draws with stable keys: counter-based, so there is no state to save and no draw moves
//! another.
//!
//! The generator is Philox4x32 with ten rounds (Salmon, Moraes, Dror, Shaw, "Parallel random
//! numbers: as easy as 1, 2, 3", SC 2011), whose published test vectors are checked below. The
//! counter is (entity key, attempt, block), the key is made of the run's seed and the purpose.

use super::stable_hash;
use rand::rand_core::{Infallible, TryRng};
use serde::{Deserialize, Serialize};

/// What a draw decides. Two purposes never share a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose(u64);

impl Purpose {
    /// The purpose of this name; the name is part of every result, so it never changes.
    pub const fn new(name: &str) -> Purpose {
        Purpose(stable_hash(name.as_bytes()))
    }
}

/// For whom a draw is made: a hash of a stable name, never a table slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key(pub u64);

impl Key {
    /// The key of an entity known by name.
    pub const fn of(name: &str) -> Key {
        Key(stable_hash(name.as_bytes()))
    }

    /// The key of the `ordinal`-th thing that belongs to this one.
    pub const fn nth(self, ordinal: u64) -> Key {
        let mut bytes = [0; 16];
        let (own, number) = (self.0.to_le_bytes(), ordinal.to_le_bytes());
        let mut at = 0;
        while at < 8 {
            bytes[at] = own[at];
            bytes[8 + at] = number[at];
            at += 1;
        }
        Key(stable_hash(&bytes))
    }
}

/// All random draws of a run, made from its seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draws {
    seed: u64,
}

impl Draws {
    /// The draws of the run with this seed.
    pub const fn new(seed: u64) -> Draws {
        Draws { seed }
    }

    /// The seed of the run.
    pub const fn seed(self) -> u64 {
        self.seed
    }

    /// The stream of the `index`-th draw (attempt, renewal) for `key`.
    pub const fn stream(self, purpose: Purpose, key: Key, index: u32) -> Stream {
        let mut mixed = [0; 16];
        let (seed, what) = (self.seed.to_le_bytes(), purpose.0.to_le_bytes());
        let mut at = 0;
        while at < 8 {
            mixed[at] = seed[at];
            mixed[8 + at] = what[at];
            at += 1;
        }
        let philox_key = stable_hash(&mixed);
        Stream {
            key: [philox_key as u32, (philox_key >> 32) as u32],
            counter: [0, index, key.0 as u32, (key.0 >> 32) as u32],
            block: [0; 4],
            used: 4,
        }
    }
}

/// An endless stream of random bits for one draw.
#[derive(Debug, Clone)]
pub struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Stream {
    /// The next 32 bits.
    pub const fn bits32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox4x32_10(self.counter, self.key);
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.used = 0;
        }
        let word = self.block[self.used];
        self.used += 1;
        word
    }

    /// The next 64 bits.
    pub const fn bits64(&mut self) -> u64 {
        let low = self.bits32() as u64;
        let high = self.bits32() as u64;
        low | (high << 32)
    }

    /// A number below `count`: floor(u * count / 2^64) of the next 64 bits; zero if `count` is.
    pub const fn below(&mut self, count: u64) -> u64 {
        ((self.bits64() as u128 * count as u128) >> 64) as u64
    }

    /// A number in the open interval (0, 1), with 53 random bits.
    pub fn open01(&mut self) -> f64 {
        ((self.bits64() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
    }
}

impl TryRng for Stream {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.bits32())
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.bits64())
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            let word = self.bits32().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

const fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let mut round = 0;
    while round < 10 {
        if round > 0 {
            key[0] = key[0].wrapping_add(0x9e37_79b9);
            key[1] = key[1].wrapping_add(0xbb67_ae85);
        }
        let first = 0xd251_1f53 * counter[0] as u64;
        let second = 0xcd9e_8d57 * counter[2] as u64;
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        round += 1;
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_agrees_with_the_published_vectors() {
        assert_eq!(
            philox4x32_10([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32_10(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn streams_differ_in_every_part_of_their_name() {
        let draws = Draws::new(7);
        let first = |purpose, key, index| draws.stream(purpose, key, index).bits64();
        let (p, k) = (Purpose::new("repair"), Key::of("node-1"));
        let base = first(p, k, 0);
        assert_eq!(base, first(p, k, 0));
        assert_ne!(base, first(Purpose::new("failure"), k, 0));
        assert_ne!(base, first(p, Key::of("node-2"), 0));
        assert_ne!(base, first(p, k.nth(0), 0));
        assert_ne!(base, first(p, k, 1));
        assert_ne!(base, Draws::new(8).stream(p, k, 0).bits64());
    }

    #[test]
    fn below_is_even_and_in_range() {
        let mut stream = Draws::new(1).stream(Purpose::new("even"), Key(1), 0);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        for count in counts {
            assert!((9_600..10_400).contains(&count), "{counts:?}");
        }
    }
}
