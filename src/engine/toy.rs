//! A small model for the engine's own tests: every stimulus and event notes itself and schedules
//! up to three others, at times that depend only on what happened.

use super::{Class, Model, Queue, Saveable};
use crate::ground::{Span, Time, stable_hash};
use serde::{Deserialize, Serialize};

/// A step as it was seen: when, and which (stimuli from 10^6 on).
pub(super) type Seen = (Time, u32);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Toy {
    pub(super) stimuli: Vec<Time>,
    pub(super) arrived: usize,
    /// The stimulus that cannot be applied.
    pub(super) broken: Option<usize>,
    /// The stimulus whose time cannot be told.
    pub(super) unreadable: Option<usize>,
    pub(super) seen: Vec<Seen>,
    pub(super) scheduled: u32,
    pub(super) most: u32,
}

impl Toy {
    /// Stimuli at these seconds, and at most so many events.
    pub(super) fn new(seconds: &[u64], most: u32) -> Toy {
        let stimuli = seconds.iter().map(|at| Time::from_secs(*at)).collect();
        let (broken, unreadable) = (None, None);
        Toy { stimuli, arrived: 0, broken, unreadable, seen: Vec::new(), scheduled: 0, most }
    }

    fn schedule(&mut self, now: Time, queue: &mut Queue<u32>) {
        let words = (u64::from(self.scheduled) << 32) ^ now.as_nanos();
        let mut noise = stable_hash(&words.to_le_bytes());
        for _ in 0..noise % 4 {
            noise = stable_hash(&noise.to_le_bytes());
            if self.scheduled == self.most {
                return;
            }
            let delay = match noise >> 8 & 3 {
                0 => Span::ZERO,
                1 => Span::from_nanos(noise >> 56),
                2 => Span::from_secs(noise >> 60),
                _ => Span::from_nanos(noise >> 28),
            };
            queue.push(now + delay, Class::ALL[(noise >> 16) as usize % 3], self.scheduled);
            self.scheduled += 1;
        }
    }
}

impl Saveable for Toy {
    type Event = u32;
    const SAVE_VERSION: u32 = 3;
}

impl Model for Toy {
    type Event = u32;
    type Error = &'static str;

    fn next_arrival(&mut self) -> Result<Option<Time>, Self::Error> {
        if self.unreadable == Some(self.arrived) {
            return Err("unreadable");
        }
        Ok(self.stimuli.get(self.arrived).copied())
    }

    fn arrive(&mut self, now: Time, queue: &mut Queue<u32>) -> Result<(), Self::Error> {
        assert_eq!(now, self.stimuli[self.arrived]);
        if self.broken == Some(self.arrived) {
            return Err("broken");
        }
        self.seen.push((now, 1_000_000 + self.arrived as u32));
        self.arrived += 1;
        self.schedule(now, queue);
        Ok(())
    }

    fn handle(&mut self, now: Time, event: u32, queue: &mut Queue<u32>) {
        self.seen.push((now, event));
        self.schedule(now, queue);
    }
}
