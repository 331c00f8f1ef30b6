//! The log of touches of a view: what changed about its nodes, in order, for those who keep
//! something computed from the view and do not want to compute all of it again.

use super::{NodeId, PodSpecId};
use std::sync::atomic::{AtomicU64, Ordering};

/// Touches that are kept; the older half of them is dropped when there are more.
const MOST_TOUCHES: usize = 1 << 16;

/// One change of a view that matters to what is computed about its nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// A pod counts on a node from now on.
    Hold {
        /// Node.
        node: NodeId,
        /// Specification of the pod.
        spec: PodSpecId,
        /// True if the pod has a deletion timestamp.
        deleting: bool,
    },
    /// A pod does not count on a node any more.
    Release {
        /// Node.
        node: NodeId,
        /// Specification of the pod.
        spec: PodSpecId,
        /// True if the pod has a deletion timestamp.
        deleting: bool,
    },
    /// A pod that counts on a node has a deletion timestamp from now on.
    Leaving {
        /// Node.
        node: NodeId,
        /// Specification of the pod.
        spec: PodSpecId,
    },
    /// A node joined or left, or its status changed.
    Node {
        /// Node.
        node: NodeId,
    },
    /// An object was set or removed.
    Objects,
}

/// A place in the log of one view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TouchCursor {
    log: u64,
    at: u64,
}

/// The touches of one view, the latest at least.
///
/// No two logs in a program have the same number, and a cursor is good for its own log only. So a
/// view that was cloned or read from a file starts a new log: whoever comes with a cursor of the
/// old one computes everything again.
#[derive(Debug)]
pub(super) struct TouchLog {
    number: u64,
    /// Touches dropped before the first that is kept.
    base: u64,
    kept: Vec<Touch>,
}

impl Default for TouchLog {
    fn default() -> TouchLog {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        TouchLog { number: NEXT.fetch_add(1, Ordering::Relaxed), base: 0, kept: Vec::new() }
    }
}

impl Clone for TouchLog {
    fn clone(&self) -> TouchLog {
        TouchLog::default()
    }
}

/// How a view came about is no part of what it is.
impl PartialEq for TouchLog {
    fn eq(&self, _: &TouchLog) -> bool {
        true
    }
}

impl Eq for TouchLog {}

impl TouchLog {
    pub(super) fn push(&mut self, touch: Touch) {
        if self.kept.len() == MOST_TOUCHES {
            self.kept.drain(..MOST_TOUCHES / 2);
            self.base += MOST_TOUCHES as u64 / 2;
        }
        self.kept.push(touch);
    }

    pub(super) fn end(&self) -> TouchCursor {
        TouchCursor { log: self.number, at: self.base + self.kept.len() as u64 }
    }

    pub(super) fn since(&self, cursor: TouchCursor) -> Option<&[Touch]> {
        if cursor.log != self.number {
            return None;
        }
        let from = usize::try_from(cursor.at.checked_sub(self.base)?).ok()?;
        self.kept.get(from..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(node: usize) -> Touch {
        Touch::Node { node: NodeId(node as u32) }
    }

    #[test]
    fn a_cursor_sees_what_came_after_it_until_it_is_too_old() {
        let mut log = TouchLog::default();
        let start = log.end();
        assert_eq!(log.since(start), Some(&[][..]));
        log.push(touch(1));
        let later = log.end();
        log.push(touch(2));
        assert_eq!(log.since(start), Some(&[touch(1), touch(2)][..]));
        assert_eq!(log.since(later), Some(&[touch(2)][..]));
        (0..MOST_TOUCHES).for_each(|node| log.push(touch(node)));
        assert_eq!(log.since(start), None);
        let end = log.end();
        (0..MOST_TOUCHES / 2).for_each(|node| log.push(touch(node)));
        let seen = log.since(end).unwrap();
        assert_eq!((seen.len(), seen[7]), (MOST_TOUCHES / 2, touch(7)));
    }

    #[test]
    fn a_cursor_is_good_for_its_own_log_only() {
        let mut log = TouchLog::default();
        log.push(touch(1));
        let copy = log.clone();
        assert_eq!(copy.since(log.end()), None);
        assert_eq!(log.since(copy.end()), None);
        assert_eq!(log, copy);
    }
}
