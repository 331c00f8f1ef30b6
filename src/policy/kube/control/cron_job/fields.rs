//! One field of a schedule: the values that it allows.
//!
//! Source: `getField` and `getRange` of `parser.go`, `github.com/robfig/cron/v3`.

use super::ScheduleError;

/// What a field may hold.
pub(super) struct Bounds {
    pub(super) name: &'static str,
    least: u32,
    most: u32,
    /// Names of values, the first one that of `least`.
    names: &'static [&'static str],
}

pub(super) const MINUTE: Bounds = Bounds { name: "minute", least: 0, most: 59, names: &[] };
pub(super) const HOUR: Bounds = Bounds { name: "hour", least: 0, most: 23, names: &[] };
pub(super) const DAY: Bounds = Bounds { name: "day of month", least: 1, most: 31, names: &[] };
pub(super) const MONTH: Bounds = Bounds {
    name: "month",
    least: 1,
    most: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
pub(super) const WEEKDAY: Bounds = Bounds {
    name: "day of week",
    least: 0,
    most: 6,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// The values that a field allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    /// One bit for each value.
    values: u64,
    /// It has a `*` or `?` without steps.
    pub(super) is_star: bool,
}

impl Field {
    /// Reads a list of ranges.
    pub(super) fn parse(text: &str, bounds: &Bounds) -> Result<Field, ScheduleError> {
        let mut field = Field { values: 0, is_star: false };
        for part in text.split(',') {
            field.add(part, bounds)?;
        }
        Ok(field)
    }

    /// True if it allows the value.
    pub(super) fn allows(&self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.values >> value & 1 == 1)
    }

    fn add(&mut self, part: &str, bounds: &Bounds) -> Result<(), ScheduleError> {
        let wrong = |why: String| ScheduleError { field: bounds.name, part: part.to_owned(), why };
        let mut steps = part.split('/');
        let range = steps.next().unwrap_or_default();
        let step = match (steps.next(), steps.next()) {
            (None, _) => 1,
            (Some(step), None) => number(step, &[], 0).map_err(wrong)?,
            (Some(_), Some(_)) => return Err(wrong("has more than one step".to_owned())),
        };
        if step == 0 {
            return Err(wrong("has a step of zero".to_owned()));
        }
        let mut ends = range.split('-');
        let (first, last) = match (ends.next().unwrap_or_default(), ends.next(), ends.next()) {
            ("*" | "?", None, _) => {
                self.is_star |= step == 1;
                (bounds.least, bounds.most)
            }
            (only, None, _) => {
                let only = number(only, bounds.names, bounds.least).map_err(wrong)?;
                (only, if part.contains('/') { bounds.most } else { only })
            }
            (first, Some(last), None) => {
                let read = |text: &str| number(text, bounds.names, bounds.least).map_err(wrong);
                (read(first)?, read(last)?)
            }
            (_, Some(_), Some(_)) => return Err(wrong("has more than two ends".to_owned())),
        };
        if first > last {
            return Err(wrong("ends before it begins".to_owned()));
        }
        if first < bounds.least || last > bounds.most {
            return Err(wrong(format!("is not within {} to {}", bounds.least, bounds.most)));
        }
        for value in (first..=last).step_by(step as usize) {
            self.values |= 1 << value;
        }
        Ok(())
    }
}

fn number(text: &str, names: &[&str], first_name: u32) -> Result<u32, String> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
    if let Some(place) = named {
        return Ok(first_name + place as u32);
    }
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}
