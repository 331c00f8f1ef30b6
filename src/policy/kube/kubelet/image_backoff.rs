//! When an image whose pull failed is tried again, per pod and image.
//!
//! Source: `pkg/kubelet/images/image_manager.go`, Kubernetes 1.34.

use super::{Backoff, BackoffParams};
use crate::ground::Time;

/// Why a container waits for its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageWait {
    /// `ErrImagePull`: the pull has just failed.
    PullFailed,
    /// `ImagePullBackOff`: no pull before this time.
    BackOff(Time),
    /// `ErrImageNeverPull`: it is not there, and the policy is Never.
    NeverPulled,
}

impl ImageWait {
    /// The reason as a container status words it.
    pub const fn reason(self) -> &'static str {
        match self {
            ImageWait::PullFailed => "ErrImagePull",
            ImageWait::BackOff(_) => "ImagePullBackOff",
            ImageWait::NeverPulled => "ErrImageNeverPull",
        }
    }
}

/// The earliest pull at or after `now`.
pub fn pull_not_before(params: &BackoffParams, before: Option<Backoff>, now: Time) -> Time {
    match before.filter(|backoff| !params.is_expired(backoff, now)) {
        None => now,
        Some(backoff) => now.max(backoff.advanced + backoff.delay),
    }
}

/// What a container that needs a pull now waits for, if it has to wait.
pub fn pull_wait(params: &BackoffParams, before: Option<Backoff>, now: Time) -> Option<ImageWait> {
    let at = pull_not_before(params, before, now);
    (at > now).then_some(ImageWait::BackOff(at))
}

/// The back-off after a pull failed now. A pull that succeeds leaves it as it is.
pub fn after_failed_pull(params: &BackoffParams, before: Option<Backoff>, now: Time) -> Backoff {
    params.advance(before, now, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Span;

    #[test]
    fn delays_after_failures() {
        let params = BackoffParams::default();
        let (mut backoff, mut now) = (None, Time::from_secs(7));
        for delay in [10, 20, 40, 80, 160, 300, 300] {
            let after = after_failed_pull(&params, backoff, now);
            assert_eq!(after.delay, Span::from_secs(delay));
            let at = now + after.delay;
            let wait = pull_wait(&params, Some(after), now);
            assert_eq!(wait, Some(ImageWait::BackOff(at)));
            assert_eq!(wait.map(ImageWait::reason), Some("ImagePullBackOff"));
            assert_eq!(pull_wait(&params, Some(after), at), None);
            (backoff, now) = (Some(after), at);
        }
        let later = now + Span::from_secs(601);
        assert_eq!(after_failed_pull(&params, backoff, later).delay, params.base);
    }
}
