//! Schedules of five fields, and the next time that one names.
//!
//! Where the clock is put back, times that come twice are named twice; where it is put forward,
//! times that are skipped are not named.
//!
//! Source: `parser.go`, `spec.go` and `constantdelay.go` of `github.com/robfig/cron/v3`. It differs
//! in one case: a date whose midnight the clock skips is never missed here.

use super::Calendar;
use super::fields::{DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY};
use crate::ground::{Span, Time};
use jiff::civil::{Date, DateTime};
use std::str::FromStr;

/// So many years ahead the next time is looked for.
const YEARS_AHEAD: i16 = 5;
const MINUTE_NANOS: u64 = 60 * 1_000_000_000;

/// When something happens again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule(Form);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Fields {
        minute: Field,
        hour: Field,
        day: Field,
        month: Field,
        weekday: Field,
    },
    /// Whole seconds.
    Every(Span),
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: `{part}` {why}")]
pub struct ScheduleError {
    /// Which part of the schedule.
    pub field: &'static str,
    /// Its text.
    pub part: String,
    /// What is wrong with it.
    pub why: String,
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Schedule, ScheduleError> {
        let wrong = |why: &str| ScheduleError {
            field: "schedule",
            part: text.to_owned(),
            why: why.to_owned(),
        };
        if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
            return Err(wrong("names a time zone: write it as `timeZone`"));
        }
        let fields = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            _ => match text.strip_prefix("@every ") {
                Some(length) => {
                    let every = every(length).ok_or_else(|| wrong("has no length as `1h30m`"))?;
                    return Ok(Schedule(Form::Every(every)));
                }
                None if text.starts_with('@') => return Err(wrong("is no known schedule")),
                None => text,
            },
        };
        let parts: Vec<&str> = fields.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts[..] else {
            return Err(wrong("does not have five fields"));
        };
        Ok(Schedule(Form::Fields {
            minute: Field::parse(minute, &MINUTE)?,
            hour: Field::parse(hour, &HOUR)?,
            day: Field::parse(day, &DAY)?,
            month: Field::parse(month, &MONTH)?,
            weekday: Field::parse(weekday, &WEEKDAY)?,
        }))
    }
}

/// A length as Go writes it, cut to whole seconds and at least one.
fn every(text: &str) -> Option<Span> {
    // Units of ours that Go does not know.
    if text.contains(['d', 'w', 'i']) {
        return None;
    }
    let span: Span = text.parse().ok()?;
    let seconds = span.as_nanos() / 1_000_000_000;
    Some(Span::from_secs(seconds.max(1)))
}

impl Schedule {
    /// The first time after `after` that it names, `None` if there is none within five years.
    pub fn next(&self, after: Time, calendar: &Calendar) -> Option<Time> {
        let fields = match &self.0 {
            Form::Every(every) => return Some(after.truncate_to_second() + *every),
            fields => fields,
        };
        let from = after.truncate_to_second() + Span::from_secs(1);
        let last_year = calendar.civil(from)?.year() + YEARS_AHEAD;
        let mut at = first_minute(from, calendar);
        loop {
            let civil = calendar.civil(at)?;
            if civil.year() > last_year {
                return None;
            }
            at = match fields.skip(&civil) {
                None => return Some(at),
                Some(Skip::Minutes(minutes)) => at + Span::from_nanos(minutes * MINUTE_NANOS),
                Some(Skip::To(date)) => calendar.start_of(date)?,
            };
        }
    }
}

/// The first full minute of the wall clock, which may run some seconds beside Unix time.
fn first_minute(from: Time, calendar: &Calendar) -> Time {
    let past = calendar.unix_seconds(from).rem_euclid(60).unsigned_abs();
    if past == 0 { from } else { from + Span::from_secs(60 - past) }
}

/// How far to go on from a minute that is not named.
enum Skip {
    Minutes(u64),
    To(Date),
}

impl Form {
    /// `None` if the minute is named.
    fn skip(&self, civil: &DateTime) -> Option<Skip> {
        let Form::Fields { minute, hour, day, month, weekday } = self else { return None };
        let date = civil.date();
        if !month.allows(date.month()) {
            return Some(Skip::To(next_month(date)?));
        }
        let of_month = day.allows(date.day());
        let of_week = weekday.allows(date.weekday().to_sunday_zero_offset());
        let is_day =
            if day.is_star || weekday.is_star { of_month && of_week } else { of_month || of_week };
        if !is_day {
            return Some(Skip::To(date.tomorrow().ok()?));
        }
        if !hour.allows(civil.hour()) {
            let minutes = 60 - u64::from(civil.minute().unsigned_abs());
            return Some(Skip::Minutes(minutes));
        }
        (!minute.allows(civil.minute())).then_some(Skip::Minutes(1))
    }
}

fn next_month(date: Date) -> Option<Date> {
    date.last_of_month().tomorrow().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01T00:00:00Z.
    const START: i64 = 1_767_225_600;

    fn unix(text: &str) -> Time {
        let at: jiff::Timestamp = text.parse().unwrap();
        Calendar::utc(START).at_unix(at.as_second()).unwrap()
    }

    fn times(schedule: &str, zone: &str, after: &str, count: usize) -> Vec<Time> {
        let calendar = Calendar::named(START, zone).unwrap();
        let schedule: Schedule = schedule.parse().unwrap();
        let mut at = unix(after);
        (0..count)
            .map(|_| {
                at = schedule.next(at, &calendar).unwrap();
                at
            })
            .collect()
    }

    #[test]
    fn fields_names_and_steps() {
        for (schedule, after, expected) in [
            ("30 2 * * *", "2026-03-01T02:30:00Z", "2026-03-02T02:30:00Z"),
            ("30 2 * * *", "2026-03-01T02:29:59Z", "2026-03-01T02:30:00Z"),
            ("0 12 29 FEB *", "2026-03-01T00:00:00Z", "2028-02-29T12:00:00Z"),
            ("0 0 13 * 5", "2026-03-14T00:00:00Z", "2026-03-20T00:00:00Z"),
            ("0 0 * * mon-Wed", "2026-03-04T00:00:01Z", "2026-03-09T00:00:00Z"),
            ("5/20 * * * ?", "2026-03-04T00:05:00Z", "2026-03-04T00:25:00Z"),
            ("5/20 * * * ?", "2026-03-04T00:45:00Z", "2026-03-04T01:05:00Z"),
            ("0 0 */10 * 1", "2026-03-12T00:00:00Z", "2026-03-16T00:00:00Z"),
            ("@yearly", "2026-03-12T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("@every 1h30m", "2026-03-12T00:00:10Z", "2026-03-12T01:30:10Z"),
        ] {
            assert_eq!(times(schedule, "UTC", after, 1), [unix(expected)], "{schedule} {after}");
        }
        let never: Schedule = "59 23 31 2 *".parse().unwrap();
        assert_eq!(never.next(Time::ZERO, &Calendar::utc(START)), None);
    }

    #[test]
    fn clocks_that_are_put_forward_and_back() {
        let berlin = |schedule, after, count| times(schedule, "Europe/Berlin", after, count);
        let winter = unix("2026-01-10T05:00:00Z");
        assert_eq!(berlin("0 6 * * *", "2026-01-09T12:00:00Z", 1), [winter]);
        let summer = unix("2026-07-10T04:00:00Z");
        assert_eq!(berlin("0 6 * * *", "2026-07-09T12:00:00Z", 1), [summer]);
        // 2:30 does not exist on 29 March and comes twice on 25 October.
        let skipped = unix("2026-03-30T00:30:00Z");
        assert_eq!(berlin("30 2 * * *", "2026-03-28T12:00:00Z", 1), [skipped]);
        let twice = [unix("2026-10-25T00:30:00Z"), unix("2026-10-25T01:30:00Z")];
        assert_eq!(berlin("30 2 * * *", "2026-10-24T12:00:00Z", 2), twice);
        // In Beirut the clock skips midnight.
        let first = times("15 * 29 3 *", "Asia/Beirut", "2026-03-28T12:00:00Z", 1);
        assert_eq!(first, [unix("2026-03-28T22:15:00Z")]);
    }

    #[test]
    fn what_is_no_schedule_is_said() {
        for (text, part) in [
            ("* * * *", "five fields"),
            ("60 * * * *", "minute: `60` is not within 0 to 59"),
            ("* * 0 * *", "day of month: `0` is not within 1 to 31"),
            ("* * * * 7", "day of week: `7` is not within 0 to 6"),
            ("5-3 * * * *", "ends before it begins"),
            ("*/0 * * * *", "step of zero"),
            ("1-2-3 * * * *", "more than two ends"),
            ("1/2/3 * * * *", "more than one step"),
            ("x * * * *", "`x` is not a number"),
            ("@often", "no known schedule"),
            ("@every x", "length"),
            ("TZ=UTC * * * * *", "timeZone"),
        ] {
            let error = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        for zone in ["", "Local", "Mars/Olympus"] {
            assert!(Calendar::named(START, zone).is_err(), "{zone}");
        }
    }
}
