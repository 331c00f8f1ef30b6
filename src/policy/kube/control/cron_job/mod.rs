//! CronJobs: Jobs that are created by the clock.
//!
//! Source: `pkg/controller/cronjob/cronjob_controllerv2.go` and `utils.go`, Kubernetes 1.34, and
//! `github.com/robfig/cron/v3` for schedules.

mod calendar;
mod fields;
mod schedule;
mod sync;

pub use calendar::{Calendar, UnknownTimeZone};
pub use schedule::{Schedule, ScheduleError};
pub use sync::{
    Concurrency, CronJobSpec, CronJobSync, CronJobView, CronSkip, FinishedRun, Missed, MissedRuns,
    job_name, missed_runs, next_run_look, surplus_runs, sync_cron_job,
};
