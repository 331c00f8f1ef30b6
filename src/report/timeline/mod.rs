//! `timeline.json`: a run as trace events of the Chrome format, which Perfetto opens.
//!
//! Every node is a process and every pod on it a track with its steps as slices, one at a time.
//! Pods without a node are tracks of the process `scheduler`; crashes are slices of the process
//! `incidents`; what control loops do to pods are marks of the process `control loops`. A node has
//! tracks of its own for its power, its Ready condition, its taint and what runs out on it.
//!
//! Events are written as facts come: begin and end events, so that times never go back, and
//! nothing is kept but what is open. Source of the form: "Trace Event Format" of the Chromium
//! project; times are microseconds with the nanoseconds as decimals.

mod steps;
#[cfg(test)]
mod tests;
mod writer;

use crate::ground::{Name, Time};
use crate::journal::{DeletionCause, Fact, PullOutcome, Record, Sink};
use crate::model::{Condition, FailedReason, NodeId, PodName, PodSpecId, PodUid, Pressure};
use rustc_hash::FxHashMap;
use std::io::{self, Write};
use steps::{Pod, Step};
use writer::{Arg, Events, Track};

/// The schema of the metadata of `timeline.json`.
pub const TIMELINE_SCHEMA: &str = "wavetank.timeline/1";

/// The process of pods without a node.
const SCHEDULER: u32 = 1;
/// The process of crashes.
const INCIDENTS: u32 = 2;
/// The process of what control loops do.
const LOOPS: u32 = 3;
/// The process of the first node.
const FIRST_NODE: u32 = 10;
/// The track of the first pod in a process; tracks of the process itself are below.
const FIRST_POD: u32 = 100;

/// How much of a run is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimelineLimits {
    /// Most pods.
    pub pods: u32,
    /// Most events.
    pub events: u64,
    /// True: what goes beyond is left out. False: a run that goes beyond has no time line.
    pub partial: bool,
}

impl TimelineLimits {
    /// Runs that are small enough to be looked at as a whole: about 20 MB.
    pub const SMALL: TimelineLimits =
        TimelineLimits { pods: 2_000, events: 200_000, partial: false };
    /// As much as a viewer takes: about 200 MB.
    pub const LARGE: TimelineLimits =
        TimelineLimits { pods: 20_000, events: 2_000_000, partial: true };
}

/// How a time line came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// Everything is in it.
    Whole,
    /// So many pods and events are not in it.
    Partly {
        /// Pods without a track.
        pods: u64,
        /// Events left out.
        events: u64,
    },
    /// The run is too large; the file is of no use.
    TooLarge,
}

/// A sink that writes the time line.
///
/// A sink cannot fail, so the first error is kept and [`TimelineWriter::finish`] returns it.
#[derive(Debug)]
pub struct TimelineWriter<W: Write> {
    events: Events<W>,
    limits: TimelineLimits,
    texts: FxHashMap<Name, String>,
    nodes: FxHashMap<NodeId, Name>,
    containers: FxHashMap<(PodSpecId, u8), Name>,
    /// Pods that are drawn and have not ended.
    pods: FxHashMap<PodUid, Pod>,
    drawn: u32,
    not_drawn: u64,
    too_large: bool,
    last: Time,
}

const fn pod_track(process: u32, pod: PodUid) -> Track {
    Track { process, thread: FIRST_POD + pod.0 }
}

const fn process_of(node: NodeId) -> u32 {
    FIRST_NODE + node.0
}

impl<W: Write> TimelineWriter<W> {
    /// A writer to `out`, which should be buffered.
    pub fn new(out: W, limits: TimelineLimits) -> TimelineWriter<W> {
        let mut events = Events::new(out, limits.events);
        events.name_process(SCHEDULER, "scheduler");
        TimelineWriter {
            events,
            limits,
            texts: FxHashMap::default(),
            nodes: FxHashMap::default(),
            containers: FxHashMap::default(),
            pods: FxHashMap::default(),
            drawn: 0,
            not_drawn: 0,
            too_large: false,
            last: Time::ZERO,
        }
    }

    /// Writes what is left and returns how it came out, with the output.
    pub fn finish(self) -> io::Result<(Drawn, W)> {
        let (pods, events) = (self.not_drawn, self.events.left_out);
        let drawn = match (self.too_large, pods + events) {
            (true, _) => Drawn::TooLarge,
            (false, 0) => Drawn::Whole,
            (false, _) => Drawn::Partly { pods, events },
        };
        let about = format!(
            "{{\"schema\":\"{TIMELINE_SCHEMA}\",\"pods\":{},\"pods_not_drawn\":{pods},\
             \"events_not_written\":{events},\"most_pods\":{},\"most_events\":{}}}",
            self.drawn, self.limits.pods, self.limits.events
        );
        Ok((drawn, self.events.finish(self.last, &about)?))
    }

    fn text(&self, name: Name) -> String {
        self.texts.get(&name).cloned().unwrap_or_else(|| format!("#{}", name.0))
    }

    fn pod_text(&self, name: PodName) -> String {
        let (stem, number, digits) = name.parts();
        match usize::from(digits) {
            0 => self.text(stem),
            width => format!("{}{number:0width$}", self.text(stem)),
        }
    }

    fn node_text(&self, node: NodeId) -> String {
        self.nodes.get(&node).map_or_else(|| format!("#{}", node.0), |name| self.text(*name))
    }

    fn learn(&mut self, fact: &Fact) {
        match *fact {
            Fact::NodeAdded { node, name, .. } => {
                self.nodes.insert(node, name);
            }
            Fact::ContainerDefined { spec, container, name, .. } => {
                self.containers.insert((spec, container), name);
            }
            Fact::PodCreated { pod, spec, stem, number, digits, .. } => {
                if self.drawn == self.limits.pods {
                    self.not_drawn += 1;
                    self.too_large |= !self.limits.partial;
                    return;
                }
                self.drawn += 1;
                let name = PodName::from_parts((stem, number, digits));
                self.pods.insert(pod, Pod::new(name, spec));
            }
            _ => {}
        }
    }

    /// The process of a node, named.
    fn node_process(&mut self, node: NodeId) -> u32 {
        let (process, name) = (process_of(node), self.node_text(node));
        self.events.name_process(process, &name);
        process
    }

    /// Where a pod is drawn now, with its name.
    fn track_of(&mut self, uid: PodUid, pod: &Pod) -> Track {
        let process = pod.node.map_or(SCHEDULER, |node| self.node_process(node));
        let track = pod_track(process, uid);
        let name = self.pod_text(pod.name);
        self.events.name_track(track, &name);
        track
    }

    fn fold_pod(&mut self, uid: PodUid, at: Time, fact: &Fact) {
        let Some(before) = self.pods.get(&uid).copied() else {
            return;
        };
        if let Some(how) = end_of(fact) {
            let track = pod_track(before.node.map_or(SCHEDULER, process_of), uid);
            self.events.end(track, at, &[("end", &how)]);
            self.events.forget(track);
            self.pods.remove(&uid);
            return;
        }
        let mut after = before;
        after.learn(fact);
        self.pods.insert(uid, after);
        let created = matches!(fact, Fact::PodCreated { .. });
        if created || before.step() != after.step() || before.node != after.node {
            if !created {
                let old = pod_track(before.node.map_or(SCHEDULER, process_of), uid);
                self.events.end(old, at, &[]);
                if before.node != after.node {
                    self.events.forget(old);
                }
            }
            self.begin_step(uid, &after, at);
        }
        self.mark_pod(uid, &after, at, fact);
    }

    fn begin_step(&mut self, uid: PodUid, pod: &Pod, at: Time) {
        let track = self.track_of(uid, pod);
        let step = pod.step();
        let why = match step {
            Step::Pull(image) => Some(("image", self.text(image))),
            Step::BackOff(wait) => Some(("reason", wait.word().to_owned())),
            Step::Terminating(Some(cause)) => Some(("cause", format!("{cause:?}"))),
            _ => None,
        };
        let args: Vec<Arg<'_>> = why.iter().map(|(name, why)| (*name, why.as_str())).collect();
        self.events.begin(track, at, step.name(), &args);
    }

    /// Marks for what happens within a step.
    fn mark_pod(&mut self, uid: PodUid, pod: &Pod, at: Time, fact: &Fact) {
        let container = |writer: &Self, container: u8| {
            let name = writer.containers.get(&(pod.spec, container)).copied();
            name.map_or_else(|| container.to_string(), |name| writer.text(name))
        };
        let (name, args): (String, Vec<(&'static str, String)>) = match *fact {
            Fact::Refused { refusers, .. } => {
                ("refused".into(), vec![("by", refusers.to_string())])
            }
            Fact::BindFailed { node, .. } => {
                ("binding failed".into(), vec![("node", self.node_text(node))])
            }
            Fact::ContainerEnded { container: place, end, exit_code, .. } => {
                let args = vec![
                    ("container", container(self, place)),
                    ("exit code", exit_code.to_string()),
                ];
                (format!("{end:?}"), args)
            }
            Fact::ContainerStarted { container: place, restarts, .. } if restarts > 0 => {
                let args =
                    vec![("container", container(self, place)), ("restarts", restarts.to_string())];
                ("started again".into(), args)
            }
            Fact::PullEnded { container: place, outcome: PullOutcome::Failed, .. } => {
                ("pull failed".into(), vec![("container", container(self, place))])
            }
            Fact::ProbeChanged { container: place, probe, well, .. } => {
                let args = vec![("container", container(self, place))];
                (format!("{probe:?} probe {}", if well { "succeeds" } else { "fails" }), args)
            }
            Fact::Throttled { on, .. } => {
                (if on { "held back by CPU limits" } else { "held back no more" }.into(), vec![])
            }
            _ => return,
        };
        let track = self.track_of(uid, pod);
        let args: Vec<Arg<'_>> = args.iter().map(|(name, text)| (*name, text.as_str())).collect();
        self.events.mark(track, at, &name, &args);
    }

    /// A mark for what a control loop did to a pod, even if the pod itself is not drawn.
    fn mark_loop(&mut self, at: Time, fact: &Fact) {
        let (thread, name, pod) = match *fact {
            Fact::Deleting { pod, cause } => match cause {
                DeletionCause::TaintEviction => (1, "taint eviction", pod),
                DeletionCause::NodeLost => (2, "pod garbage collection", pod),
                DeletionCause::ScaleDown | DeletionCause::Update | DeletionCause::JobEnds => {
                    (4, "replicas", pod)
                }
                DeletionCause::OwnerDeleted => (7, "garbage collection of owned objects", pod),
                DeletionCause::Preempted => (5, "scheduler", pod),
                DeletionCause::Evicted | DeletionCause::ByHand => (6, "operators", pod),
            },
            Fact::Failed { pod, reason: FailedReason::NodeGone } => {
                (2, "pod garbage collection", pod)
            }
            Fact::Failed { pod, reason } if reason.is_eviction() => (3, "kubelets", pod),
            Fact::Replaced { pod, .. } => (4, "replicas", pod),
            _ => return,
        };
        let Some(name_of) = self.pods.get(&pod).map(|pod| pod.name) else {
            return;
        };
        let what = match *fact {
            Fact::Deleting { cause, .. } => format!("stop: {cause:?}"),
            Fact::Failed { reason, .. } => format!("failed: {reason:?}"),
            _ => "replace".to_owned(),
        };
        self.events.name_process(LOOPS, "control loops");
        let track = Track { process: LOOPS, thread };
        self.events.name_track(track, name);
        let pod = self.pod_text(name_of);
        self.events.mark(track, at, &what, &[("pod", &pod)]);
    }

    /// Begins or ends a slice on a track of a node itself.
    fn set(&mut self, node: NodeId, (thread, track): (u32, &str), at: Time, name: Option<&str>) {
        let process = self.node_process(node);
        let place = Track { process, thread };
        self.events.name_track(place, track);
        self.events.end(place, at, &[]);
        if let Some(name) = name {
            self.events.begin(place, at, name, &[]);
        }
    }

    fn fold_node(&mut self, at: Time, fact: &Fact) {
        match *fact {
            Fact::NodeCrashed { node } => {
                self.set(node, (1, "power"), at, Some("no power"));
                let name = self.node_text(node);
                self.events.name_process(INCIDENTS, "incidents");
                let track = Track { process: INCIDENTS, thread: 1 + node.0 };
                self.events.name_track(track, &name);
                self.events.begin(track, at, "crash", &[("node", &name)]);
            }
            Fact::NodeRepaired { node } => self.set(node, (1, "power"), at, None),
            Fact::NodeCondition { node, ready } => {
                let name = match ready {
                    Condition::True => None,
                    Condition::False => Some("not ready"),
                    Condition::Unknown => Some("unreachable"),
                };
                self.set(node, (2, "Ready condition"), at, name);
                if ready == Condition::True {
                    self.events.end(Track { process: INCIDENTS, thread: 1 + node.0 }, at, &[]);
                }
            }
            Fact::NodeTainted { node, on } => {
                self.set(node, (3, "taints"), at, on.then_some("unreachable: NoExecute"));
            }
            Fact::NodePressure { node, pressure, on } => {
                let track = match pressure {
                    Pressure::Memory => (4, "memory pressure"),
                    Pressure::Disk => (5, "disk pressure"),
                    Pressure::Pid => (6, "PID pressure"),
                };
                self.set(node, track, at, on.then_some(track.1));
            }
            Fact::ImagesCollected { node, images, freed } => {
                let process = self.node_process(node);
                let place = Track { process, thread: 7 };
                self.events.name_track(place, "images");
                let (images, freed) = (images.to_string(), freed.0.to_string());
                let args = [("images", images.as_str()), ("bytes", freed.as_str())];
                self.events.mark(place, at, "images thrown away", &args);
            }
            _ => {}
        }
    }
}

/// How a pod ends by a fact, if it does.
fn end_of(fact: &Fact) -> Option<String> {
    match *fact {
        Fact::Finished { .. } => Some("finished".to_owned()),
        Fact::Failed { reason, .. } => Some(format!("failed: {reason:?}")),
        Fact::Removed { .. } => Some("removed".to_owned()),
        _ => None,
    }
}

impl<W: Write> Sink for TimelineWriter<W> {
    fn record(&mut self, record: &Record) {
        self.last = record.at;
        if self.too_large {
            return;
        }
        let (at, fact) = (record.at, &record.fact);
        self.learn(fact);
        self.mark_loop(at, fact);
        let subject = fact.subject();
        match (subject.pod, subject.node) {
            (Some(pod), _) => self.fold_pod(pod, at, fact),
            (None, Some(_)) => self.fold_node(at, fact),
            (None, None) => {}
        }
        self.too_large |= !self.limits.partial && self.events.left_out > 0;
    }

    fn name(&mut self, name: Name, text: &str) {
        self.texts.insert(name, text.to_owned());
    }
}
