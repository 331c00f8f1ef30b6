//! Decisions of the CronJob controller.

use super::{Compared, compared, input};
use crate::ground::{Span, Time};
use crate::policy::kube::control::{
    Calendar, CronJobSpec, CronJobView, MissedRuns, Schedule, missed_runs, next_run_look,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// Unix time from which the times of a recording are counted: 2000-01-01.
const START: i64 = 946_684_800;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Look {
    schedule: String,
    created: String,
    last_schedule: Option<String>,
    now: String,
    starting_deadline_s: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Found {
    error: bool,
    missed: String,
    most_recent: Option<String>,
    requeue_s: f64,
}

fn instant(text: &str, calendar: &Calendar) -> Result<Time, String> {
    let at: Timestamp = text.parse().map_err(|error| format!("`{text}`: {error}"))?;
    calendar.at_unix(at.as_second()).ok_or_else(|| format!("`{text}` is before 2000"))
}

pub(super) fn schedule(line: &Value) -> Result<Compared, String> {
    let read: Look = input(line)?;
    let theirs =
        Found::deserialize(&line["output"]).map_err(|error| format!("`output`: {error}"))?;
    let calendar = Calendar::utc(START);
    let schedule: Schedule =
        read.schedule.parse().map_err(|error| format!("`schedule`: {error}"))?;
    let spec = CronJobSpec {
        starting_deadline: read.starting_deadline_s.map(Span::from_secs),
        ..CronJobSpec::new(schedule, calendar.clone())
    };
    let last = read.last_schedule.map(|last| instant(&last, &calendar)).transpose()?;
    let created = instant(&read.created, &calendar)?;
    let view = CronJobView { spec: &spec, created, last_scheduled: last, active: &[] };
    let now = instant(&read.now, &calendar)?;
    let missed = missed_runs(&view, now, true);
    let text = |at: Time| {
        let at = Timestamp::from_second(calendar.unix_seconds(at));
        at.map(|at| at.to_string()).map_err(|error| error.to_string())
    };
    let requeue = next_run_look(&view, now).map(|at| at.since(now).as_nanos() / 1_000_000);
    let ours = json!({
        "error": missed.is_broken,
        "missed": match missed.runs {
            MissedRuns::None => "none",
            MissedRuns::Few => "few",
            MissedRuns::Many => "many",
        },
        "mostRecent": missed.latest.map(text).transpose()?,
        "requeueMs": requeue,
    });
    let requeue = Span::from_secs_f64(theirs.requeue_s).as_nanos() / 1_000_000;
    let theirs = json!({
        "error": theirs.error,
        "missed": theirs.missed,
        "mostRecent": theirs.most_recent,
        "requeueMs": requeue,
    });
    compared(ours, theirs)
}
