//! When a container that ended may start again.
//!
//! Source: `pkg/kubelet/kuberuntime/kuberuntime_manager.go` (`doBackOff`), Kubernetes 1.34. A
//! kubelet comes to see that the time is over only at its next sync of the pod, up to 15 s later.
//!
//! Not modelled: the kubelet's housekeeping drops delays that were not advanced for twice the cap,
//! so that a wait that is under way then ends early; the recorded cases do not contain it.

use super::{Backoff, BackoffParams};
use crate::ground::Time;
use crate::model::RestartPolicy;

/// The earliest start of a container that ended at `ended`: at once the first time or after a long
/// life, else the delay later.
pub fn restart_not_before(params: &BackoffParams, before: Option<Backoff>, ended: Time) -> Time {
    match before.filter(|backoff| !params.is_expired(backoff, ended)) {
        None => ended,
        Some(backoff) => ended + backoff.delay,
    }
}

/// The back-off once the container that ended at `ended` starts again.
pub fn after_restart(
    params: &BackoffParams,
    before: Option<Backoff>,
    ended: Time,
    now: Time,
) -> Backoff {
    params.advance(before, ended, now)
}

/// True if a container that ended with this exit code is to run again. Sidecars always are, as long
/// as their pod is.
pub fn runs_again(policy: RestartPolicy, exit_code: i32) -> bool {
    match policy {
        RestartPolicy::Always => true,
        RestartPolicy::OnFailure => exit_code != 0,
        RestartPolicy::Never => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Span;

    #[test]
    fn waits_of_a_container_that_crashes_at_once() {
        let params = BackoffParams::default();
        let (mut backoff, mut now) = (None, Time::from_secs(5));
        for wait in [0, 10, 20, 40, 80, 160, 300, 300] {
            let at = restart_not_before(&params, backoff, now);
            assert_eq!(at.since(now), Span::from_secs(wait));
            backoff = Some(after_restart(&params, backoff, now, at));
            now = at;
        }
    }

    #[test]
    fn a_long_life_forgives() {
        let params = BackoffParams::default();
        let before = Some(Backoff { delay: Span::from_secs(160), advanced: Time::ZERO });
        for (life, wait, delay) in [(601, 0, 10), (600, 160, 300), (599, 160, 300)] {
            let ended = Time::from_secs(life);
            let at = restart_not_before(&params, before, ended);
            assert_eq!(at.since(ended), Span::from_secs(wait), "{life}");
            let after = after_restart(&params, before, ended, at);
            assert_eq!(after, Backoff { delay: Span::from_secs(delay), advanced: at }, "{life}");
        }
    }

    #[test]
    fn policies() {
        for (policy, exit_code, again) in [
            (RestartPolicy::Always, 0, true),
            (RestartPolicy::Always, 1, true),
            (RestartPolicy::OnFailure, 0, false),
            (RestartPolicy::OnFailure, 137, true),
            (RestartPolicy::Never, 1, false),
        ] {
            assert_eq!(runs_again(policy, exit_code), again, "{policy:?} {exit_code}");
        }
    }

    #[test]
    fn wrong_parameters_are_named() {
        let wrong = BackoffParams { base: Span::from_secs(400), ..BackoffParams::default() };
        assert_eq!(wrong.check()[0].path, "base");
        assert!(BackoffParams::default().check().is_empty());
    }
}
