//! Saving, restoring and forking a run: a [`Checkpoint`] is a run between two of its steps.
//!
//! As bytes it is a head of 32 bytes (magic, version of the format, version of the model, hash and
//! length of the content, integers in little endian) and the content in postcard's form.

use super::Queue;
use crate::ground::{Time, stable_hash};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const MAGIC: [u8; 8] = *b"wavetank";
/// Version of the head and of the saved form of the queue.
const FORMAT: u32 = 1;
const HEAD: usize = 32;

/// State that can be saved together with its pending events.
pub trait Saveable {
    /// What can be scheduled.
    type Event: Copy;
    /// Version of the saved form of the state and of its events. To be raised with every change of
    /// that form, so that a [`Checkpoint`] of another version is refused.
    const SAVE_VERSION: u32;
}

/// A run between two steps: model, pending events and clock. A fork is a clone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(
    serialize = "M: Serialize, M::Event: Serialize",
    deserialize = "M: Deserialize<'de>, M::Event: Deserialize<'de>"
))]
pub struct Checkpoint<M: Saveable> {
    /// State.
    pub model: M,
    /// Pending events, and the clock.
    pub queue: Queue<M::Event>,
}

/// Why bytes are not a checkpoint that this build can continue, or a run cannot be saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Something else altogether.
    #[error("this is not a saved run")]
    NotACheckpoint,
    /// Another version of the engine's form.
    #[error("the run was saved in format {found}, and this build reads format {FORMAT}")]
    OtherFormat {
        /// Version in the bytes.
        found: u32,
    },
    /// Another version of the model's form.
    #[error("the run was saved with model version {found}, and this build reads {supported}")]
    OtherModel {
        /// Version in the bytes.
        found: u32,
        /// Version of this build.
        supported: u32,
    },
    /// Bytes are missing, too many, or changed.
    #[error("the saved run is damaged: {0}")]
    Damaged(&'static str),
    /// The bytes are those that were written, but they are not the state of this model.
    #[error("the saved run does not hold the state of this model")]
    OtherContent(#[source] postcard::Error),
    /// The state has no serialised form.
    #[error("the run cannot be saved")]
    Unsaveable(#[source] postcard::Error),
}

impl<M: Saveable> Checkpoint<M> {
    /// The clock.
    pub fn now(&self) -> Time {
        self.queue.now()
    }
}

impl<M: Saveable + Serialize> Checkpoint<M>
where
    M::Event: Serialize,
{
    /// The saved form. Equal states that came about in different ways may differ in it.
    ///
    /// # Errors
    /// [`CheckpointError::Unsaveable`], if the model's own serialisation fails.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CheckpointError> {
        let bytes = postcard::to_extend(self, vec![0; HEAD]);
        let mut bytes = bytes.map_err(CheckpointError::Unsaveable)?;
        let (head, content) = bytes.split_at_mut(HEAD);
        head[..8].copy_from_slice(&MAGIC);
        head[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        head[12..16].copy_from_slice(&M::SAVE_VERSION.to_le_bytes());
        head[16..24].copy_from_slice(&stable_hash(content).to_le_bytes());
        head[24..].copy_from_slice(&(content.len() as u64).to_le_bytes());
        Ok(bytes)
    }
}

impl<M: Saveable + DeserializeOwned> Checkpoint<M>
where
    M::Event: DeserializeOwned,
{
    /// The run that was saved: continued, it does what the original would have done.
    ///
    /// # Errors
    /// Any [`CheckpointError`] but `Unsaveable`, in the order of that list.
    pub fn from_bytes(bytes: &[u8]) -> Result<Checkpoint<M>, CheckpointError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(CheckpointError::NotACheckpoint)?;
        let (found, rest) = number(rest)?;
        let found = u32::from_le_bytes(found);
        if found != FORMAT {
            return Err(CheckpointError::OtherFormat { found });
        }
        let (found, rest) = number(rest)?;
        let (found, supported) = (u32::from_le_bytes(found), M::SAVE_VERSION);
        if found != supported {
            return Err(CheckpointError::OtherModel { found, supported });
        }
        let (hash, rest) = number(rest)?;
        let (length, content) = number(rest)?;
        let length = u64::from_le_bytes(length);
        if (content.len() as u64) < length {
            return Err(CheckpointError::Damaged("its end is missing"));
        }
        if (content.len() as u64) > length {
            return Err(CheckpointError::Damaged("something follows its end"));
        }
        if stable_hash(content) != u64::from_le_bytes(hash) {
            return Err(CheckpointError::Damaged("its content was changed"));
        }
        match postcard::take_from_bytes(content).map_err(CheckpointError::OtherContent)? {
            (checkpoint, []) => Ok(checkpoint),
            _ => Err(CheckpointError::OtherContent(postcard::Error::DeserializeBadEncoding)),
        }
    }
}

/// The next `N` bytes of the head, and what follows.
fn number<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), CheckpointError> {
    match bytes.split_first_chunk() {
        Some((number, rest)) => Ok((*number, rest)),
        None => Err(CheckpointError::Damaged("its end is missing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::toy::Toy;
    use crate::engine::{Class, Limits, Stopped, run};
    use proptest::prelude::*;

    const SECONDS: [u64; 5] = [0, 2, 2, 9, 15];

    fn paused_at(at: Time) -> Checkpoint<Toy> {
        let mut run_of = Checkpoint { model: Toy::new(&SECONDS, 600), queue: Queue::new() };
        let limits = Limits::until(Time::MAX).pause_at(at);
        assert_eq!(run(&mut run_of.model, &mut run_of.queue, &limits), Stopped::Paused);
        assert_eq!(run_of.now(), at);
        run_of
    }

    fn finish(mut checkpoint: Checkpoint<Toy>) -> Toy {
        run(&mut checkpoint.model, &mut checkpoint.queue, &Limits::until(Time::MAX));
        checkpoint.model
    }

    proptest! {
        #[test]
        fn a_restored_run_goes_on_like_the_original(nanos in 0..30_000_000_000u64) {
            let at = Time::from_nanos(nanos);
            let original = paused_at(at);
            let bytes = original.to_bytes().unwrap();
            let restored = Checkpoint::<Toy>::from_bytes(&bytes).unwrap();
            prop_assert_eq!(&restored.model, &original.model);
            prop_assert_eq!(restored.queue.pending(), original.queue.pending());
            prop_assert_eq!(restored.now(), at);
            prop_assert_eq!(&restored.to_bytes().unwrap(), &bytes, "saved again, the same bytes");
            let fork = original.clone();
            let end = finish(original);
            prop_assert_eq!(&finish(restored), &end);
            prop_assert_eq!(&finish(fork), &end);
            prop_assert_eq!(&finish(paused_at(Time::ZERO)), &end);
        }

        #[test]
        fn changed_bytes_are_refused(at in any::<prop::sample::Index>(), bit in 0..8u32) {
            let mut bytes = paused_at(Time::from_secs(3)).to_bytes().unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(Checkpoint::<Toy>::from_bytes(&bytes).is_err());
            prop_assert!(Checkpoint::<Toy>::from_bytes(&bytes[..at]).is_err());
        }
    }

    #[test]
    fn a_fork_goes_its_own_way() {
        let original = paused_at(Time::from_secs(3));
        let mut fork = original.clone();
        fork.queue.push(Time::from_secs(4), Class::Machine, 999_999);
        let (end, other) = (finish(original), finish(fork));
        assert_ne!(end, other);
        assert!(other.seen.contains(&(Time::from_secs(4), 999_999)));
        assert!(!end.seen.contains(&(Time::from_secs(4), 999_999)));
    }

    #[test]
    fn other_bytes_are_refused_with_a_reason() {
        let bytes = paused_at(Time::from_secs(3)).to_bytes().unwrap();
        let reason = |bytes: &[u8]| Checkpoint::<Toy>::from_bytes(bytes).unwrap_err().to_string();
        let with = |at: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            bytes
        };
        let longer = [&bytes[..], b"x"].concat();
        for (bytes, part) in [
            (&b"kind: Scenario"[..], "not a saved run"),
            (b"", "not a saved run"),
            (&bytes[..20], "its end is missing"),
            (&bytes[..bytes.len() - 1], "its end is missing"),
            (&longer, "something follows"),
            (&with(8, 9), "format 9, and this build reads format 1"),
            (&with(12, 2), "model version 2, and this build reads 3"),
            (&with(40, bytes[40] ^ 1), "was changed"),
        ] {
            assert!(reason(bytes).contains(part), "{part}: {}", reason(bytes));
        }
    }

    #[test]
    fn intact_bytes_of_another_shape_are_refused() {
        for content in [&[][..], &[0; 3], &[0xff; 64], &[0; 64]] {
            let mut bytes = paused_at(Time::ZERO).to_bytes().unwrap();
            bytes.truncate(16);
            bytes.extend(stable_hash(content).to_le_bytes());
            bytes.extend((content.len() as u64).to_le_bytes());
            bytes.extend(content);
            let error = Checkpoint::<Toy>::from_bytes(&bytes).unwrap_err();
            assert!(matches!(error, CheckpointError::OtherContent(_)), "{error}");
        }
    }
}
