//! Whether a container's image is pulled, which pull goes first, and which images are thrown away.
//!
//! Source: `pkg/apis/core/v1/defaults.go`, `pkg/kubelet/images/{image_manager,puller,
//! image_gc_manager}.go`, Kubernetes 1.34.

use crate::ground::{Bytes, Problem, Span, Time};
use crate::model::PullPolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What the start of a container needs of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PullNeed {
    /// Nothing.
    Nothing,
    /// One question, and nothing more if the answer is as before; it takes its turn among the
    /// pulls like them.
    RoundTrip,
    /// The image.
    Pull,
    /// It cannot start: `ErrImageNeverPull`.
    Impossible,
}

/// What a start of a container needs.
pub const fn pull_need(policy: PullPolicy, present: bool) -> PullNeed {
    match (policy, present) {
        (PullPolicy::Always, true) => PullNeed::RoundTrip,
        (PullPolicy::Always | PullPolicy::IfNotPresent, false) => PullNeed::Pull,
        (PullPolicy::IfNotPresent | PullPolicy::Never, true) => PullNeed::Nothing,
        (PullPolicy::Never, false) => PullNeed::Impossible,
    }
}

/// How many images a node pulls at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PullParams {
    /// One at a time (`serializeImagePulls`). Kubernetes 1.34: true.
    pub serialize: bool,
    /// Most at a time if not one (`maxParallelImagePulls`); `None` for no bound. Kubernetes 1.34:
    /// none.
    pub max_parallel: Option<u32>,
}

impl Default for PullParams {
    fn default() -> PullParams {
        PullParams { serialize: true, max_parallel: None }
    }
}

impl PullParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let text = match (self.serialize, self.max_parallel) {
            (_, Some(0)) => "`max_parallel` is zero, so nothing could be pulled",
            (true, Some(2..)) => "`max_parallel` is above 1, but `serialize` is true",
            _ => return Vec::new(),
        };
        vec![Problem::new("max_parallel", text).hint("set `serialize: false` and 1 or more")]
    }

    fn at_a_time(&self) -> usize {
        if self.serialize { 1 } else { self.max_parallel.map_or(usize::MAX, |max| max as usize) }
    }
}

/// Pulls of one node: those under way, and those that wait in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullQueue<T> {
    running: Vec<T>,
    waiting: VecDeque<T>,
}

impl<T> Default for PullQueue<T> {
    fn default() -> PullQueue<T> {
        PullQueue { running: Vec::new(), waiting: VecDeque::new() }
    }
}

impl<T: Copy + Eq> PullQueue<T> {
    /// Asks for a pull; true if it starts now.
    pub fn request(&mut self, params: &PullParams, pull: T) -> bool {
        let starts = self.running.len() < params.at_a_time();
        if starts {
            self.running.push(pull);
        } else {
            self.waiting.push_back(pull);
        }
        starts
    }

    /// A pull ended, well or not; returns the one that starts now.
    ///
    /// # Panics
    /// If it was not under way.
    pub fn ended(&mut self, params: &PullParams, pull: T) -> Option<T> {
        let at = self.running.iter().position(|running| *running == pull);
        self.running.remove(at.expect("only a pull under way ends"));
        if self.running.len() >= params.at_a_time() {
            return None;
        }
        let next = self.waiting.pop_front();
        self.running.extend(next);
        next
    }

    /// Gives up a pull that waits; false if it does not wait.
    pub fn withdraw(&mut self, pull: T) -> bool {
        let at = self.waiting.iter().position(|waiting| *waiting == pull);
        at.and_then(|at| self.waiting.remove(at)).is_some()
    }

    /// Pulls under way, oldest first.
    pub fn running(&self) -> &[T] {
        &self.running
    }

    /// Number of pulls that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

/// When images that nobody uses are thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImageGcParams {
    /// Time between two looks. Kubernetes 1.34: 5m.
    pub period: Span,
    /// Percent of the disk in use from which images go. Kubernetes 1.34: 85.
    pub high_percent: u8,
    /// Percent down to which they go. Kubernetes 1.34: 80.
    pub low_percent: u8,
    /// An image stays for at least so long. Kubernetes 1.34: 2m.
    pub minimum_age: Span,
    /// An image unused for longer goes whatever the disk has left; zero for never. Kubernetes
    /// 1.34: 0s.
    pub maximum_age: Span,
}

impl Default for ImageGcParams {
    fn default() -> ImageGcParams {
        ImageGcParams {
            period: Span::from_secs(300),
            high_percent: 85,
            low_percent: 80,
            minimum_age: Span::from_secs(120),
            maximum_age: Span::ZERO,
        }
    }
}

/// An image on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredImage {
    /// Size on disk.
    pub size: Bytes,
    /// When it was first seen there.
    pub detected: Time,
    /// When a container last used it; of one in use, now.
    pub last_used: Time,
    /// A container uses it, running or not.
    pub in_use: bool,
    /// It is never thrown away, as the sandbox's.
    pub pinned: bool,
}

/// The disk that holds the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageDisk {
    /// Size.
    pub capacity: Bytes,
    /// What is free.
    pub available: Bytes,
}

impl ImageGcParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.high_percent > 100 {
            let text = format!("`high_percent` is {}", self.high_percent);
            problems.push(Problem::new("high_percent", text).hint("write 0 to 100"));
        }
        if self.low_percent > self.high_percent {
            let text = "`low_percent` is above `high_percent`";
            problems.push(Problem::new("low_percent", text).hint("make it the lower one"));
        }
        if self.period.is_zero() {
            let text = "`period` is zero, which would never end";
            problems.push(Problem::new("period", text).hint("write a length such as `5m`"));
        }
        problems
    }

    /// What has to be freed: nothing below the high mark, else as much as reaches the low one.
    pub fn excess(&self, disk: ImageDisk) -> Bytes {
        let capacity = u128::from(disk.capacity.0);
        if capacity == 0 {
            return Bytes::ZERO;
        }
        let available = u128::from(disk.available.0).min(capacity);
        let used_percent = 100 - available * 100 / capacity;
        let wanted = capacity * (100 - u128::from(self.low_percent)) / 100;
        if used_percent < u128::from(self.high_percent) {
            return Bytes::ZERO;
        }
        let excess = wanted.saturating_sub(available);
        Bytes(u64::try_from(excess).expect("less than the capacity"))
    }

    /// The places of the images to be thrown away at a look, in order: those unused for too long,
    /// then, if the disk is too full, the least recently used until enough is freed.
    pub fn garbage(&self, disk: ImageDisk, images: &[StoredImage], now: Time) -> Vec<usize> {
        let mut order = self.unused(images);
        let mut garbage = Vec::new();
        if !self.maximum_age.is_zero() {
            let (old, rest) = order
                .into_iter()
                .partition(|at| now.since(images[*at].last_used) > self.maximum_age);
            (garbage, order) = (old, rest);
        }
        let freed: Bytes = garbage.iter().map(|at: &usize| images[*at].size).sum();
        let disk = ImageDisk { available: Bytes(disk.available.0 + freed.0), ..disk };
        garbage.extend(self.until_freed(self.excess(disk), &order, images, now));
        garbage
    }

    /// The images thrown away when a threshold of eviction asks for all that nobody uses.
    pub fn all_garbage(&self, images: &[StoredImage], now: Time) -> Vec<usize> {
        self.until_freed(Bytes(u64::MAX), &self.unused(images), images, now)
    }

    /// Images that may go, least recently used first, then first seen.
    fn unused(&self, images: &[StoredImage]) -> Vec<usize> {
        let mut order: Vec<usize> =
            (0..images.len()).filter(|at| !images[*at].in_use && !images[*at].pinned).collect();
        order.sort_by_key(|at| (images[*at].last_used, images[*at].detected));
        order
    }

    fn until_freed(
        &self,
        wanted: Bytes,
        order: &[usize],
        images: &[StoredImage],
        now: Time,
    ) -> Vec<usize> {
        let mut freed = Bytes::ZERO;
        let mut garbage = Vec::new();
        for at in order {
            if freed >= wanted {
                break;
            }
            let image = &images[*at];
            if image.last_used >= now || now.since(image.detected) < self.minimum_age {
                continue;
            }
            freed = Bytes(freed.0.saturating_add(image.size.0));
            garbage.push(*at);
        }
        garbage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies() {
        use PullPolicy::{Always, IfNotPresent, Never};
        for (policy, present, need) in [
            (Always, true, PullNeed::RoundTrip),
            (Always, false, PullNeed::Pull),
            (IfNotPresent, true, PullNeed::Nothing),
            (IfNotPresent, false, PullNeed::Pull),
            (Never, true, PullNeed::Nothing),
            (Never, false, PullNeed::Impossible),
        ] {
            assert_eq!(pull_need(policy, present), need, "{policy:?} {present}");
        }
    }

    #[test]
    fn pulls_wait_for_each_other() {
        let serial = PullParams::default();
        let mut queue = PullQueue::default();
        assert!(queue.request(&serial, 'a'));
        assert!(!queue.request(&serial, 'b'));
        assert!(!queue.request(&serial, 'c'));
        assert_eq!(queue.ended(&serial, 'a'), Some('b'));
        assert_eq!((queue.running(), queue.waiting()), (&['b'][..], 1));
        let two = PullParams { serialize: false, max_parallel: Some(2) };
        let mut queue = PullQueue::default();
        let started: Vec<bool> = "abc".chars().map(|pull| queue.request(&two, pull)).collect();
        assert_eq!(started, [true, true, false]);
        assert_eq!(queue.ended(&two, 'a'), Some('c'));
        assert_eq!(queue.ended(&two, 'c'), None);
        let all = PullParams { serialize: false, max_parallel: None };
        let mut queue = PullQueue::default();
        assert!((0..50).all(|pull| queue.request(&all, pull)));
    }

    const GIB: u64 = 1 << 30;

    fn image(size: u64, detected: u64, last_used: u64) -> StoredImage {
        StoredImage {
            size: Bytes(size * GIB),
            detected: Time::from_secs(detected),
            last_used: Time::from_secs(last_used),
            in_use: false,
            pinned: false,
        }
    }

    fn disk(available: u64) -> ImageDisk {
        ImageDisk { capacity: Bytes(100 * GIB), available: Bytes(available * GIB) }
    }

    #[test]
    fn the_least_recently_used_go_until_the_low_mark() {
        let params = ImageGcParams::default();
        let now = Time::from_secs(1000);
        let images = [
            image(2, 0, 500),
            image(4, 0, 100),
            StoredImage { in_use: true, ..image(9, 0, 1) },
            StoredImage { pinned: true, ..image(9, 0, 1) },
            image(3, 900, 1),
            image(1, 5, 100),
            image(7, 0, 900),
        ];
        assert_eq!(params.excess(disk(16)), Bytes::ZERO);
        assert_eq!(params.excess(disk(15)), Bytes(5 * GIB));
        assert!(params.garbage(disk(16), &images, now).is_empty());
        assert_eq!(params.garbage(disk(15), &images, now), [1, 5]);
        assert_eq!(params.garbage(disk(14), &images, now), [1, 5, 0]);
        assert_eq!(params.garbage(disk(2), &images, now), [1, 5, 0, 6]);
        assert_eq!(params.all_garbage(&images, now), [1, 5, 0, 6]);
        let aging = ImageGcParams { maximum_age: Span::from_secs(600), ..params };
        assert_eq!(aging.garbage(disk(50), &images, now), [4, 1, 5]);
    }

    #[test]
    fn wrong_parameters_are_named() {
        let wrong = ImageGcParams { high_percent: 70, period: Span::ZERO, ..Default::default() };
        let paths: Vec<_> = wrong.check().into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["low_percent", "period"]);
        let parallel = PullParams { serialize: true, max_parallel: Some(3) };
        assert_eq!(parallel.check()[0].path, "max_parallel");
        assert!(PullParams::default().check().is_empty());
        assert!(PullParams { serialize: true, max_parallel: Some(1) }.check().is_empty());
    }
}
