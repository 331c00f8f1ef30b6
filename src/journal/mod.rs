//! What happened in a run: typed facts, their digest, and where two runs first differ. Knows no
//! metric and no simulator.

mod cause;
mod digest;
mod discovery;
mod fact;
mod file;
mod sink;
mod subject;
mod trail;
mod volume_fact;
mod words;

pub use cause::{DeletionCause, DrainEnd, Propagation, PullOutcome, RunEnd};
pub use digest::{Digest, Ladder, Rung, Window, first_difference};
pub use discovery::{DiscoveryFact, Reach};
pub use fact::{Fact, Record};
pub use file::{EVENTS_SCHEMA, Event, EventReader, EventWriter, EventsError};
pub use sink::{Journal, Sink};
pub use subject::Subject;
pub use trail::{
    Attempt, AttemptEnd, Follow, Loss, PodRow, PodTrail, Refusals, Scored, TrailWorkload,
};
pub use volume_fact::VolumeFact;
