//! How a pod stands at the end of its trail, in one sentence: the answer.

use super::AttemptRow;
use crate::ground::{Name, Span, Time};
use crate::journal::{DeletionCause, Fact, PodTrail, VolumeFact};
use crate::model::{ContainerWait, FailedReason, NodeId, PodUid, VolumeWait};
use crate::report::fact_words::{Cast, deleted, failed, length, moment};

/// How a pod stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// One word.
    pub(super) state: &'static str,
    /// One sentence.
    pub(super) answer: String,
}

/// What a container that does not run is up to.
#[derive(Debug, Clone, Copy)]
enum Hold {
    Waits(u8, ContainerWait, Time),
    Pulls(u8),
    Ended(u8),
    Volumes(VolumeWait, Name, Option<NodeId>),
}

/// What the facts of a trail come to.
#[derive(Debug, Default)]
struct Sum {
    created: Time,
    queued: bool,
    bound: Option<(NodeId, Time)>,
    admitted: Option<Time>,
    started: Option<Time>,
    /// Since when it is ready (true), or not any more.
    ready: Option<(bool, Time)>,
    deleting: Option<(DeletionCause, Time)>,
    finished: Option<Time>,
    failed: Option<(FailedReason, Time)>,
    removed: Option<Time>,
    hold: Option<Hold>,
    /// Since when its node has no power.
    dark: Option<Time>,
    replaced_by: Option<PodUid>,
}

impl Sum {
    fn of(trail: &PodTrail) -> Sum {
        let mut sum = Sum::default();
        for record in &trail.records {
            sum.add(trail.pod, &record.fact, record.at);
        }
        sum
    }

    fn add(&mut self, own: PodUid, fact: &Fact, at: Time) {
        match *fact {
            Fact::PodCreated { .. } => self.created = at,
            Fact::Queued { .. } => self.queued = true,
            Fact::Bound { node, .. } => (self.bound, self.hold) = (Some((node, at)), None),
            Fact::BindFailed { .. } => self.hold = None,
            Fact::Admitted { .. } => self.admitted = Some(at),
            Fact::Volume(VolumeFact::Awaited { wait, storage, node, .. }) => {
                // That another node has the volume says more than that it is not attached.
                let elsewhere = matches!(
                    self.hold,
                    Some(Hold::Volumes(VolumeWait::OtherNode, held, _)) if held == storage
                );
                if !(elsewhere && wait == VolumeWait::Attach) {
                    self.hold = Some(Hold::Volumes(wait, storage, node));
                }
            }
            Fact::SandboxReady { .. } => self.hold = None,
            Fact::Started { .. } => self.started = Some(at),
            Fact::Ready { .. } => self.ready = Some((true, at)),
            Fact::Unready { .. } => self.ready = Some((false, at)),
            Fact::Deleting { cause, .. } => self.deleting = Some((cause, at)),
            Fact::Finished { .. } => self.finished = Some(at),
            Fact::Failed { reason, .. } => self.failed = Some((reason, at)),
            Fact::Removed { .. } => self.removed = Some(at),
            Fact::Replaced { pod, .. } if pod != own => self.replaced_by = Some(pod),
            Fact::NodeCrashed { .. } => self.dark = Some(at),
            Fact::NodeRepaired { .. } => self.dark = None,
            Fact::ContainerWaiting { container, wait, until, .. } => {
                self.hold = Some(Hold::Waits(container, wait, until));
            }
            Fact::PullBegan { container, .. } => self.hold = Some(Hold::Pulls(container)),
            Fact::ContainerEnded { container, .. } => self.hold = Some(Hold::Ended(container)),
            Fact::PullEnded { .. } | Fact::ContainerStarted { .. } => self.hold = None,
            _ => {}
        }
    }
}

/// How the pod stands at `now`.
pub(super) fn standing(
    trail: &PodTrail,
    attempts: &[AttemptRow],
    cast: &Cast<'_>,
    now: Time,
) -> Standing {
    let sum = Sum::of(trail);
    let (state, does) = if let Some(gone) = gone(&sum, cast) {
        gone
    } else if let Some((node, at)) = sum.bound {
        on_node(&sum, trail.pod, &cast.node(node), (at, now), cast)
    } else {
        nowhere(&sum, trail.pod, attempts, (cast, now))
    };
    Standing { state, answer: format!("{} {does}.", cast.pod(trail.pod)) }
}

/// The end of the sentence about a pod that is on its way out, or out.
fn gone(sum: &Sum, cast: &Cast<'_>) -> Option<(&'static str, String)> {
    let on = sum.bound.map_or(String::new(), |(node, _)| format!(" on {}", cast.node(node)));
    let next =
        sum.replaced_by.map_or(String::new(), |pod| format!("; {} takes its place", cast.pod(pod)));
    if let Some(at) = sum.finished {
        return Some(("finished", format!("finished well{on} at {}", moment(at))));
    }
    if let Some((reason, at)) = sum.failed {
        let text = format!("failed{on} at {}: {}{next}", moment(at), failed(reason));
        return Some(("failed", text));
    }
    let why = sum.deleting.map_or("", |(cause, _)| deleted(cause));
    if let Some(at) = sum.removed {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        return Some(("removed", format!("is gone since {}{why}{next}", moment(at))));
    }
    let (_, at) = sum.deleting?;
    let dark = sum.dark.map_or(String::new(), |dark| {
        format!("; nobody can stop it, its node has no power since {}", moment(dark))
    });
    let text = format!("is stopping{on} since {}: {why}{dark}{next}", moment(at));
    Some(("stopping", text))
}

/// The end of the sentence about a pod that is on a node, for that time.
fn on_node(
    sum: &Sum,
    pod: PodUid,
    node: &str,
    (bound, now): (Time, Time),
    cast: &Cast<'_>,
) -> (&'static str, String) {
    let dark = sum.dark.map(|at| format!("has no power since {}", moment(at)));
    let held = sum.hold.map(|hold| hold.words(pod, cast));
    match (sum.ready, sum.started) {
        (Some((true, at)), _) => match dark {
            None => {
                let held = match now.since(at) {
                    Span::ZERO => String::new(),
                    held => format!(", for {} now", length(held)),
                };
                ("ready", format!("is ready on {node} since {}{held}", moment(at)))
            }
            Some(dark) => ("ready", format!("counts as ready on {node}, but {node} {dark}")),
        },
        (Some((false, at)), _) => {
            let why = dark.map(|dark| format!("{node} {dark}")).or(held);
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            ("not-ready", format!("is on {node}, and not ready since {}{why}", moment(at)))
        }
        (None, Some(at)) => {
            let why =
                dark.map(|dark| format!("; {node} {dark}")).or(held.map(|h| format!("; {h}")));
            let why = why.unwrap_or_default();
            ("not-ready", format!("runs on {node} since {}, not yet ready{why}", moment(at)))
        }
        (None, None) => {
            let since = length(now.since(bound));
            let why = dark.map(|dark| format!("{node} {dark}")).or(held).unwrap_or_else(|| {
                let seen = sum.admitted.is_some();
                let text = if seen { "its containers start" } else { "its kubelet has yet to act" };
                text.to_owned()
            });
            ("starting", format!("starts on {node}, bound {since} ago: {why}"))
        }
    }
}

impl Hold {
    fn words(self, pod: PodUid, cast: &Cast<'_>) -> String {
        match self {
            Hold::Waits(container, wait, until) => {
                let of = cast.container(pod, container);
                match until {
                    Time::MAX => format!("container {of} waits ({})", wait.word()),
                    until => {
                        let until = moment(until);
                        format!("container {of} waits until {until} ({})", wait.word())
                    }
                }
            }
            Hold::Pulls(container) => {
                format!("the image of container {} is being pulled", cast.container(pod, container))
            }
            Hold::Volumes(wait, storage, node) => {
                let name = cast.catalog.names.text(storage);
                match (wait, node) {
                    (VolumeWait::Claim, _) => {
                        format!("its claim {name} is being bound, then it is bound to its node")
                    }
                    (VolumeWait::Attach, _) => format!("its volume {name} is being attached"),
                    (VolumeWait::OtherNode, Some(node)) => {
                        format!("its volume {name} is still attached to {}", cast.node(node))
                    }
                    (VolumeWait::OtherNode, None) => {
                        format!("its volume {name} is still attached to another node")
                    }
                    (VolumeWait::Mount, _) => "its volumes are being mounted".to_owned(),
                }
            }
            Hold::Ended(container) => format!("container {} ended", cast.container(pod, container)),
        }
    }
}

/// The end of the sentence about a pod that is on no node.
fn nowhere(
    sum: &Sum,
    pod: PodUid,
    attempts: &[AttemptRow],
    (cast, now): (&Cast<'_>, Time),
) -> (&'static str, String) {
    let since = length(now.since(sum.created));
    let spec = cast.catalog.pod_spec(cast.pods[pod].spec);
    if !sum.queued && !spec.scheduling_gates.is_empty() {
        let gates: Vec<&str> =
            spec.scheduling_gates.iter().map(|gate| cast.catalog.names.text(*gate)).collect();
        let text = format!("is held back since {since}: it waits for gates {}", gates.join(", "));
        return ("held-back", text);
    }
    match attempts {
        [] => ("pending", format!("is pending since {since}: the scheduler has not looked at it")),
        [.., last] if last.outcome == "open" || last.outcome == "bind-failed" => {
            let text = match last.outcome.as_str() {
                "open" => sum
                    .hold
                    .map_or("its placement is under way".to_owned(), |hold| hold.words(pod, cast)),
                _ => {
                    "its binding could not be written, and it waits for another attempt".to_owned()
                }
            };
            ("pending", format!("is pending for {since}: {text}"))
        }
        [.., last] => {
            let which = match attempts.len() {
                1 => "the only attempt".to_owned(),
                count => format!("the last of {count} attempts"),
            };
            let at = length(now.since(Time::from_nanos(last.ended_ns)));
            let ago = format!("{which}, {at} ago");
            (
                "pending",
                format!("is still pending for {since}: {ago}, found no node ({})", last.why()),
            )
        }
    }
}
