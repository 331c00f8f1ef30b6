//! A controller's client of the API server, which holds its requests back.

use crate::ground::Time;
use crate::policy::kube::control::TokenBucket;
use crate::sim::RateParams;
use serde::{Deserialize, Serialize};

/// The client of one controller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Client {
    /// `None`: nothing is held back.
    bucket: Option<TokenBucket>,
}

impl Client {
    /// Replaces the rate; the bucket stays as it is if the rate is the one it has.
    pub(super) fn set_rate(&mut self, rate: Option<RateParams>) {
        let bucket = rate.map(|rate| rate.bucket());
        let kind = |bucket: Option<TokenBucket>| bucket.map(|b| (b.interval(), b.burst()));
        if kind(bucket) != kind(self.bucket) {
            self.bucket = bucket;
        }
    }

    /// True if requests are held back.
    pub(super) fn is_limited(&self) -> bool {
        self.bucket.is_some()
    }

    /// When the last of so many requests, made now, is sent.
    pub(super) fn send(&mut self, now: Time, requests: u32) -> Time {
        let Some(bucket) = &mut self.bucket else { return now };
        (0..requests).fold(now, |_, _| bucket.reserve(now))
    }
}
