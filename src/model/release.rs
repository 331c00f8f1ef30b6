//! What watchers make of a release: alerts, and decisions about it.

use serde::{Deserialize, Serialize};

/// What a rollback policy decides about a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum ReleaseDecision {
    /// A pipeline goes back to the revision before.
    Undo = 0,
    /// The release is given up: the stable revision gets everything back.
    Abort = 1,
    /// The next step of a canary begins.
    Step = 2,
    /// The release becomes the stable revision.
    Promote = 3,
}

impl ReleaseDecision {
    /// True if the release is given up.
    pub const fn gives_up(self) -> bool {
        matches!(self, ReleaseDecision::Undo | ReleaseDecision::Abort)
    }
}

/// How an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum AlertState {
    /// Its condition does not hold.
    Inactive = 0,
    /// Its condition holds, not for long enough yet.
    Pending = 1,
    /// Its condition has held for long enough.
    Firing = 2,
    /// Its condition does not hold any more, after it fired.
    Resolved = 3,
}
