//! One look at a CronJob: whether a Job is created now, and when to look again.

use super::{Calendar, Schedule};
use crate::ground::{Span, Time};
use serde::{Deserialize, Serialize};

/// So much after a scheduled time the next look is (`nextScheduleDelta`).
const AFTER_SCHEDULED: Span = Span::from_millis(100);
/// With more missed runs than this a warning is written.
const MANY: u64 = 100;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// May Jobs of a CronJob overlap?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Concurrency {
    /// Yes.
    #[default]
    Allow,
    /// No: the new one is left out while another runs.
    Forbid,
    /// No: the one that runs is deleted.
    Replace,
}

/// What a CronJob is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronJobSpec {
    /// When.
    pub schedule: Schedule,
    /// The wall clock that the schedule means.
    pub calendar: Calendar,
    /// May Jobs overlap?
    pub concurrency: Concurrency,
    /// How late a Job may start.
    pub starting_deadline: Option<Span>,
    /// No Job is created for now.
    pub suspended: bool,
    /// Complete Jobs that are kept.
    pub successful_history: u32,
    /// Failed Jobs that are kept.
    pub failed_history: u32,
}

impl CronJobSpec {
    /// A CronJob of which nothing but the schedule is said (`pkg/apis/batch/v1/defaults.go`).
    pub fn new(schedule: Schedule, calendar: Calendar) -> CronJobSpec {
        CronJobSpec {
            schedule,
            calendar,
            concurrency: Concurrency::Allow,
            starting_deadline: None,
            suspended: false,
            successful_history: 3,
            failed_history: 1,
        }
    }
}

/// What a look sees.
#[derive(Debug, Clone, Copy)]
pub struct CronJobView<'a> {
    /// The specification.
    pub spec: &'a CronJobSpec,
    /// When it was created, in whole seconds.
    pub created: Time,
    /// The scheduled time of the last Job (`status.lastScheduleTime`).
    pub last_scheduled: Option<Time>,
    /// Scheduled times of its Jobs that have not ended, in the order in which they were created.
    pub active: &'a [Time],
}

/// How many scheduled times have passed without a Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissedRuns {
    /// None beside the one that is due, if any.
    None,
    /// Some.
    Few,
    /// More than a hundred.
    Many,
}

/// Scheduled times that have passed without a Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// The last of them, which is due.
    pub latest: Option<Time>,
    /// How many there are.
    pub runs: MissedRuns,
    /// The schedule names no time that is to come; upstream calls that an error.
    pub is_broken: bool,
    /// Times before this one do not matter.
    earliest: Time,
}

/// Why a due Job is not created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CronSkip {
    /// It is too late (event MissSchedule).
    MissSchedule,
    /// It was created already.
    AlreadyCreated,
    /// Another one runs (event JobAlreadyActive).
    JobAlreadyActive,
}

/// What a look decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CronJobSync {
    /// Jobs that are deleted first, by place among the active ones.
    pub replace: Vec<usize>,
    /// The scheduled time of the Job that is created.
    pub create: Option<Time>,
    /// Why one that is due is not.
    pub skip: Option<CronSkip>,
    /// When to look again, if nothing changes.
    pub next_look: Option<Time>,
}

/// The name of the Job of a scheduled time; there can be only one.
pub fn job_name(cron_job: &str, scheduled: Time, calendar: &Calendar) -> String {
    format!("{cron_job}-{}", calendar.unix_seconds(scheduled).div_euclid(60))
}

/// The scheduled times that have passed by now; those from before the starting deadline count only
/// without `with_deadline`.
pub fn missed_runs(view: &CronJobView<'_>, now: Time, with_deadline: bool) -> Missed {
    let spec = view.spec;
    let next = |after| spec.schedule.next(after, &spec.calendar);
    let mut earliest = view.last_scheduled.unwrap_or(view.created);
    if let Some(deadline) = spec.starting_deadline.filter(|_| with_deadline) {
        earliest = earliest.max(now - deadline);
    }
    let none = Missed { latest: None, runs: MissedRuns::None, earliest, is_broken: false };
    let (first, second) = match next(earliest).map(|first| (first, next(first))) {
        Some((first, _)) if first > now => return none,
        None | Some((_, None)) => return Missed { is_broken: true, ..none },
        Some((first, Some(second))) => (first, second),
    };
    if second > now {
        return Missed { latest: Some(first), ..none };
    }
    let seconds = |span: Span| span.as_nanos() / NANOS_PER_SECOND;
    let period = seconds(second.since(first)).max(1);
    let count = seconds(now.since(first)) / period + 1;
    // Upstream guesses from the first two times, one period back, and goes on from there.
    let guess = match count.checked_sub(2) {
        Some(periods) => first + Span::from_secs(periods * period),
        None => first - Span::from_secs(period),
    };
    let mut latest = None;
    let mut at = next(guess);
    while let Some(scheduled) = at.filter(|at| *at <= now) {
        latest = Some(scheduled);
        at = next(scheduled);
    }
    let runs = if count > MANY { MissedRuns::Many } else { MissedRuns::Few };
    Missed { latest, runs, ..none }
}

/// When the next look is, counted from the time that is due or from now.
pub fn next_run_look(view: &CronJobView<'_>, now: Time) -> Option<Time> {
    let missed = missed_runs(view, now, false);
    let from = match (missed.latest, missed.runs) {
        _ if missed.is_broken => now,
        (Some(latest), _) => latest,
        (None, MissedRuns::None) => missed.earliest,
        (None, MissedRuns::Few | MissedRuns::Many) => now,
    };
    let next = view.spec.schedule.next(from, &view.spec.calendar)?;
    Some(next + AFTER_SCHEDULED)
}

/// One look. The end of a Job causes one too, so that a run that was forbidden while another was
/// active is made up for then.
pub fn sync_cron_job(view: &CronJobView<'_>, now: Time) -> CronJobSync {
    let spec = view.spec;
    if spec.suspended {
        return CronJobSync::default();
    }
    let next_look = next_run_look(view, now);
    let Some(due) = missed_runs(view, now, true).latest else {
        return CronJobSync { next_look, ..CronJobSync::default() };
    };
    let skip = if spec.starting_deadline.is_some_and(|deadline| due + deadline < now) {
        Some(CronSkip::MissSchedule)
    } else if view.active.contains(&due) || view.last_scheduled == Some(due) {
        Some(CronSkip::AlreadyCreated)
    } else if spec.concurrency == Concurrency::Forbid && !view.active.is_empty() {
        Some(CronSkip::JobAlreadyActive)
    } else {
        None
    };
    if skip.is_some() {
        return CronJobSync { skip, next_look, ..CronJobSync::default() };
    }
    let replaces = spec.concurrency == Concurrency::Replace;
    let replace = if replaces { (0..view.active.len()).collect() } else { Vec::new() };
    let after = CronJobView { last_scheduled: Some(due), ..*view };
    CronJobSync { replace, create: Some(due), skip: None, next_look: next_run_look(&after, now) }
}

/// A Job of a CronJob that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinishedRun<'a> {
    /// Name.
    pub name: &'a str,
    /// Since when it was active.
    pub started: Option<Time>,
    /// It is complete, not failed.
    pub complete: bool,
}

/// Jobs that the history limits delete, by place: of the complete and of the failed ones, those
/// that started first.
pub fn surplus_runs(spec: &CronJobSpec, runs: &[FinishedRun<'_>]) -> Vec<usize> {
    let mut surplus = Vec::new();
    for (complete, limit) in [(true, spec.successful_history), (false, spec.failed_history)] {
        let mut of_kind: Vec<usize> =
            (0..runs.len()).filter(|at| runs[*at].complete == complete).collect();
        // One that never started is the youngest.
        of_kind.sort_by_key(|at| {
            let run = &runs[*at];
            (run.started.is_none(), run.started, run.name)
        });
        of_kind.truncate(of_kind.len().saturating_sub(limit as usize));
        surplus.extend(of_kind);
    }
    surplus
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-01-01T00:00:00Z.
    const START: i64 = 1_767_225_600;
    const HOUR: u64 = 3600;

    fn spec(schedule: &str) -> CronJobSpec {
        CronJobSpec::new(schedule.parse().unwrap(), Calendar::utc(START))
    }

    fn view(spec: &CronJobSpec) -> CronJobView<'_> {
        CronJobView { spec, created: Time::ZERO, last_scheduled: None, active: &[] }
    }

    fn at(seconds: u64) -> Time {
        Time::from_secs(seconds)
    }

    /// Check 15 of section 2.13.
    #[test]
    fn of_many_missed_runs_the_last_one_is_made_up_for() {
        let spec =
            CronJobSpec { starting_deadline: Some(Span::from_secs(200)), ..spec("* * * * *") };
        let down = CronJobView { last_scheduled: Some(at(7 * HOUR)), ..view(&spec) };
        let look = sync_cron_job(&down, at(10 * HOUR));
        assert_eq!((look.create, look.skip), (Some(at(10 * HOUR)), None));
        let padded = at(10 * HOUR + 60) + Span::from_millis(100);
        assert_eq!(look.next_look, Some(padded));
        let after = CronJobView { last_scheduled: look.create, ..view(&spec) };
        assert_eq!(sync_cron_job(&after, at(10 * HOUR + 1)).create, None);
        assert_eq!(missed_runs(&down, at(10 * HOUR), false).runs, MissedRuns::Many);
        let hourly = CronJobSpec { schedule: "0 * * * *".parse().unwrap(), ..spec };
        let late = CronJobView { last_scheduled: Some(at(7 * HOUR)), ..view(&hourly) };
        assert_eq!(sync_cron_job(&late, at(8 * HOUR + 201)).create, None, "too late");
    }

    #[test]
    fn jobs_overlap_wait_or_replace() {
        let running = [at(60)];
        for (concurrency, replace, create, skip) in [
            (Concurrency::Allow, vec![], Some(at(120)), None),
            (Concurrency::Forbid, vec![], None, Some(CronSkip::JobAlreadyActive)),
            (Concurrency::Replace, vec![0], Some(at(120)), None),
        ] {
            let spec = CronJobSpec { concurrency, ..spec("* * * * *") };
            let busy =
                CronJobView { last_scheduled: Some(at(60)), active: &running, ..view(&spec) };
            let look = sync_cron_job(&busy, at(125));
            assert_eq!((look.replace, look.create, look.skip), (replace, create, skip));
            let made = CronJobView { active: &[at(120)], ..busy };
            assert_eq!(sync_cron_job(&made, at(125)).skip, Some(CronSkip::AlreadyCreated));
            let free = CronJobView { active: &[], ..busy };
            assert_eq!(sync_cron_job(&free, at(170)).create, Some(at(120)), "made up for");
        }
        let suspended = CronJobSpec { suspended: true, ..spec("* * * * *") };
        assert_eq!(sync_cron_job(&view(&suspended), at(125)), CronJobSync::default());
        assert_eq!(job_name("tick", at(120), &Calendar::utc(START)), "tick-29453762");
    }

    #[test]
    fn only_the_youngest_runs_are_kept() {
        let run = |name, started: u64, complete| FinishedRun {
            name,
            started: Some(at(started)),
            complete,
        };
        let runs = [
            run("e", 50, true),
            run("a", 10, true),
            run("c", 30, true),
            run("b", 30, true),
            run("x", 20, false),
            run("y", 15, false),
        ];
        assert_eq!(surplus_runs(&spec("* * * * *"), &runs), [1, 5]);
        let none = CronJobSpec { successful_history: 0, failed_history: 9, ..spec("* * * * *") };
        assert_eq!(surplus_runs(&none, &runs), [1, 3, 2, 0]);
    }

    proptest! {
        /// Looked at when it says, a CronJob creates the Job of each scheduled time exactly once.
        #[test]
        fn each_scheduled_time_has_one_job(minutes in 1u32..20, from in 0u64..10_000) {
            let spec = spec(&format!("*/{minutes} * * * *"));
            let mut last_scheduled = None;
            let (mut now, mut created) = (at(from), Vec::new());
            while now < at(from + 6 * HOUR) {
                let seen = CronJobView { created: at(from), last_scheduled, ..view(&spec) };
                let look = sync_cron_job(&seen, now);
                created.extend(look.create);
                last_scheduled = look.create.or(last_scheduled);
                prop_assert!(look.next_look > Some(now));
                now = look.next_look.unwrap();
            }
            let mut expected = Vec::new();
            let mut next = spec.schedule.next(at(from), &spec.calendar);
            while let Some(scheduled) = next.filter(|next| *next < at(from + 6 * HOUR - 1200)) {
                expected.push(scheduled);
                next = spec.schedule.next(scheduled, &spec.calendar);
            }
            prop_assert!(created.starts_with(&expected));
        }
    }
}
