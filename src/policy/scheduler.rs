//! The face of every scheduler: it owns a queue, is told of changes, and answers with actions.

use crate::ground::{Draws, Time};
use crate::model::{Catalog, Change, DeviceMask, Explain, NodeId, PluginSet, PodId, PodUid, View};
use serde::{Deserialize, Serialize};

/// What a policy sees.
#[derive(Debug, Clone, Copy)]
pub struct Cx<'a> {
    /// Names and specifications.
    pub catalog: &'a Catalog,
    /// What the component believes about the cluster.
    pub view: &'a View,
    /// The time.
    pub now: Time,
    /// Random draws.
    pub draws: Draws,
}

/// What a scheduler wants done, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Bind the pod.
    Bind {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Node.
        node: NodeId,
        /// Devices of that node.
        devices: DeviceMask,
    },
    /// Give a pod a node in prospect, or take it away (`status.nominatedNodeName`).
    Nominate {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// Node.
        node: Option<NodeId>,
    },
    /// Delete a pod, with the time it has to stop, so that another fits.
    Preempt {
        /// The pod that goes.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// The pod that it makes room for.
        by: PodUid,
    },
    /// The attempt found no node.
    Refuse {
        /// Pod.
        pod: PodId,
        /// The same pod, for ever.
        uid: PodUid,
        /// The plugins that refused; empty for an error inside the scheduler.
        refusers: PluginSet,
    },
}

/// How the host ended what an action began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptEnd {
    /// The pod is assumed on its node and its binding is on the way.
    Assumed,
    /// The binding was written.
    Bound,
    /// The binding failed; the assumption is taken back.
    BindFailed,
    /// There was no node.
    Refused(PluginSet),
}

/// A scheduler.
///
/// The host calls `observe` for each change *before* it applies the change to the view, `step`
/// whenever the time in `due` has come and no attempt is under way, and `end` for each action that
/// binds or refuses a pod; the first action of an attempt is such a one.
///
/// It puts a pod to be bound on its node in the view (`View::assume`) before it calls `end` with
/// [`AttemptEnd::Assumed`], which ends the attempt, and takes it back (`View::forget`) before
/// [`AttemptEnd::BindFailed`]. A pod that is removed in between needs no end.
pub trait Scheduler {
    /// Tells of a change that the view is about to take.
    fn observe(&mut self, cx: Cx<'_>, change: &Change);

    /// The earliest time at which `step` may have something to do, never earlier than `now`;
    /// `None` while only a change can give it something.
    fn due(&self, now: Time) -> Option<Time>;

    /// Takes the next pods from the queue and appends what is to be done with them. Appends
    /// nothing if no pod is ready. Fills `explain`, which comes empty, if it is given.
    fn step(&mut self, cx: Cx<'_>, actions: &mut Vec<Action>, explain: Option<&mut Explain>);

    /// Tells how an action ended.
    fn end(&mut self, cx: Cx<'_>, action: &Action, end: AttemptEnd);

    /// Pods that wait, in whatever queue.
    fn pending(&self) -> usize;

    /// Drops everything that can be computed again from the view.
    fn drop_caches(&mut self);
}
