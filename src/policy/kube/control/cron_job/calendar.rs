//! The wall clock of a place: which date and time of day an instant of the run is there.
//!
//! Time zones come from the IANA database that is built into the program, never from the machine.

use crate::ground::Time;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The wall clock of a time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Unix time at which the run starts, in seconds.
    start_seconds: i64,
    zone: TimeZone,
}

/// There is no such time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone of the IANA database, such as `Europe/Paris`")]
pub struct UnknownTimeZone(pub String);

impl Calendar {
    /// UTC, for a run that starts at this Unix time in seconds.
    pub fn utc(start_seconds: i64) -> Calendar {
        Calendar { start_seconds, zone: TimeZone::UTC }
    }

    /// The time zone of this name. `Local` is refused, as Kubernetes does.
    pub fn named(start_seconds: i64, zone: &str) -> Result<Calendar, UnknownTimeZone> {
        let unknown = || UnknownTimeZone(zone.to_owned());
        if zone.is_empty() || zone.eq_ignore_ascii_case("local") {
            return Err(unknown());
        }
        let zone = TimeZone::get(zone).map_err(|_| unknown())?;
        Ok(Calendar { start_seconds, zone })
    }

    /// Unix time in seconds, without the fraction.
    pub fn unix_seconds(&self, at: Time) -> i64 {
        self.start_seconds.saturating_add_unsigned(at.as_nanos() / NANOS_PER_SECOND)
    }

    /// The instant of the run at this Unix time, `None` before its start.
    pub fn at_unix(&self, seconds: i64) -> Option<Time> {
        let since = seconds.checked_sub(self.start_seconds)?;
        u64::try_from(since).ok().map(Time::from_secs)
    }

    /// Date and time of day, to the second; `None` beyond the year 9999.
    pub(super) fn civil(&self, at: Time) -> Option<DateTime> {
        let timestamp = Timestamp::from_second(self.unix_seconds(at)).ok()?;
        Some(self.zone.to_offset(timestamp).to_datetime(timestamp))
    }

    /// The first instant of a date. Where the clock skips midnight it is when the clock goes on.
    pub(super) fn start_of(&self, date: Date) -> Option<Time> {
        let midnight = self.zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0));
        self.at_unix(midnight.compatible().ok()?.as_second())
    }
}
