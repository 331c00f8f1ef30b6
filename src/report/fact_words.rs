//! Facts about pods and nodes in plain words: what happened, and why. The only place that words
//! them.

use super::words::duration;
use crate::ground::{Name, Span, Table, Time};
use crate::journal::{
    DeletionCause, DiscoveryFact, DrainEnd, Fact, Loss, PodRow, PullOutcome, Reach, TrailWorkload,
    VolumeFact,
};
use crate::model::{
    Catalog, Condition, ContainerEnd, ContainerWait, EvictionAnswer, FailedReason, NodeId, PodUid,
    Pressure, ProbeKind, ServiceId, VolumeWait, WorkloadId,
};

/// What happened and why, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Telling {
    /// What happened.
    pub(super) what: String,
    /// Why, or what there is to know about it; may be empty.
    pub(super) why: String,
}

/// Who is who in a run: texts for identifiers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cast<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) nodes: &'a Table<NodeId, Name>,
    pub(super) pods: &'a Table<PodUid, PodRow>,
    pub(super) workloads: &'a Table<WorkloadId, TrailWorkload>,
    pub(super) services: &'a Table<ServiceId, Name>,
}

/// A moment in a sentence, exact to the second after the first minute: `1h5m3s`, `12.5s`.
pub(super) fn moment(at: Time) -> String {
    let seconds = at.as_secs_f64();
    if seconds < 60.0 { duration(seconds) } else { at.truncate_to_second().to_string() }
}

/// A length of time in a sentence.
pub(super) fn length(span: Span) -> String {
    duration(span.as_secs_f64())
}

/// An amount of data with about three digits in decimal units: `98 MB`, `1.5 GB`.
pub(super) fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 999.5 && unit + 1 < units.len() {
        amount /= 1000.0;
        unit += 1;
    }
    let text = if amount < 9.995 && unit > 0 {
        format!("{amount:.2}")
    } else if amount < 99.95 && unit > 0 {
        format!("{amount:.1}")
    } else {
        format!("{amount:.0}")
    };
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    };
    format!("{text} {}", units[unit])
}

impl Cast<'_> {
    /// Name of a node.
    pub(super) fn node(&self, node: NodeId) -> String {
        self.catalog.names.text(self.nodes[node]).to_owned()
    }

    /// Name of a pod.
    pub(super) fn pod(&self, pod: PodUid) -> String {
        self.pods[pod].name.text(&self.catalog.names)
    }

    /// Name of a workload and what it is: `service web`.
    pub(super) fn workload(&self, workload: WorkloadId) -> String {
        let TrailWorkload { name, replicas } = self.workloads[workload];
        let kind = if replicas > 0 { "service" } else { "batch" };
        format!("{kind} {}", self.catalog.names.text(name))
    }

    /// Name of a container of a pod by its place: init containers and sidecars come first.
    pub(super) fn container(&self, pod: PodUid, place: u8) -> String {
        let spec = self.catalog.pod_spec(self.pods[pod].spec);
        let container = spec.init_containers.iter().chain(&spec.containers).nth(place.into());
        let name = container.map(|container| self.catalog.names.text(container.name));
        name.filter(|name| !name.is_empty()).map_or(format!("#{place}"), str::to_owned)
    }

    /// An image and its size, if that is known.
    fn image(&self, image: Name) -> String {
        let text = self.catalog.names.text(image);
        let layers = self.catalog.application(image).map(|known| known.layers.as_slice());
        match layers.map(|layers| layers.iter().map(|layer| layer.compressed.0).sum()) {
            Some(0) | None => text.to_owned(),
            Some(bytes) => format!("{text} ({})", size(bytes)),
        }
    }

    /// What became of a pod that was lost: `lost with general-5`.
    pub(super) fn loss(&self, pod: PodUid) -> String {
        let row = self.pods[pod];
        let from = row.node.map_or(String::new(), |node| format!(" from {}", self.node(node)));
        match row.loss {
            Some(Loss::Deleted(DeletionCause::TaintEviction)) => format!("evicted{from}"),
            Some(Loss::Deleted(DeletionCause::NodeLost)) => {
                row.node.map_or("lost".to_owned(), |node| format!("lost with {}", self.node(node)))
            }
            Some(Loss::Failed(reason)) if reason.is_eviction() => format!("evicted{from}"),
            Some(Loss::Failed(reason)) => format!("failed: {}", failed(reason)),
            _ => row.node.map_or("lost".to_owned(), |_| format!("lost{from}")),
        }
    }

    /// What happened and why.
    pub(super) fn tell(&self, fact: &Fact) -> Telling {
        let (what, why) = match *fact {
            Fact::PodCreated { workload, .. } => {
                ("created".to_owned(), format!("by the {}", self.workload(workload)))
            }
            Fact::LifetimeSet { lifetime, .. } => {
                (format!("has work for {}", length(lifetime)), "counted from its start".to_owned())
            }
            Fact::Replaced { pod, lost } => (
                format!("{} takes the place of {}", self.pod(pod), self.pod(lost)),
                self.loss(lost),
            ),
            Fact::Queued { .. } => {
                ("entered the queue".to_owned(), "the scheduler saw it".to_owned())
            }
            Fact::Refused { .. } => ("attempt found no node".to_owned(), String::new()),
            Fact::Bound { node, .. } => (format!("bound to {}", self.node(node)), String::new()),
            Fact::BindFailed { node, .. } => (
                format!("not bound to {}", self.node(node)),
                "the pod or the node had gone or changed when the binding came".to_owned(),
            ),
            Fact::Interrupted { .. } => {
                ("containers gone".to_owned(), "their node lost power".to_owned())
            }
            Fact::Started { .. } => {
                ("running".to_owned(), "the store learned that all containers started".to_owned())
            }
            Fact::Ready { .. } => ("ready".to_owned(), "as the store learned".to_owned()),
            Fact::Unready { .. } => ("not ready".to_owned(), "as the store learned".to_owned()),
            Fact::Finished { .. } => {
                ("finished".to_owned(), "its containers ended well".to_owned())
            }
            Fact::Failed { reason, .. } => ("failed".to_owned(), failed(reason).to_owned()),
            Fact::Deleting { cause, .. } => ("asked to stop".to_owned(), deleted(cause).to_owned()),
            Fact::Removed { .. } => ("gone".to_owned(), "removed from the store".to_owned()),
            Fact::NodeAdded { .. }
            | Fact::NodeRemoved { .. }
            | Fact::FaultBegan { .. }
            | Fact::FaultEnded { .. }
            | Fact::NodeCrashed { .. }
            | Fact::NodeRepaired { .. }
            | Fact::NodeCondition { .. }
            | Fact::NodeTainted { .. }
            | Fact::NodeCordoned { .. }
            | Fact::DrainEnded { .. }
            | Fact::NodePressure { .. }
            | Fact::ImagesCollected { .. } => self.of_node(fact),
            Fact::EvictionAnswered { answer, .. } => {
                let what = match answer.code() {
                    201 => "eviction accepted".to_owned(),
                    code => format!("eviction refused with {code}"),
                };
                (what, eviction(answer).to_owned())
            }
            Fact::Discovery(ref fact) => self.of_discovery(fact),
            _ => self.of_containers(fact),
        };
        Telling { what, why }
    }

    /// How a pod is found by clients of its services.
    fn of_discovery(&self, fact: &DiscoveryFact) -> (String, String) {
        match *fact {
            DiscoveryFact::EndpointRouted { service, reach, on, .. } => {
                let service = self.catalog.names.text(self.services[service]);
                let who = match reach {
                    Reach::First => "the first client",
                    Reach::Half => "half of the clients",
                    Reach::All => "all clients",
                };
                let (what, why) = match on {
                    true => ("sends requests to it", "proxies, or names, lead there"),
                    false => ("sends no requests to it any more", "nothing leads there"),
                };
                let serves = if on && reach == Reach::Half { ": it serves" } else { "" };
                let verb =
                    if reach == Reach::First { what } else { &what.replacen("sends", "send", 1) };
                (format!("{who} of service {service} {verb}{serves}"), why.to_owned())
            }
            DiscoveryFact::TermSent { .. } => {
                ("gets TERM".to_owned(), "it takes no new connections from now on".to_owned())
            }
            _ => (format!("{fact:?}"), String::new()),
        }
    }

    /// Facts of the kubelet about a pod and its containers.
    fn of_containers(&self, fact: &Fact) -> (String, String) {
        match *fact {
            Fact::Admitted { .. } => {
                ("admitted".to_owned(), "its kubelet prepares volumes and sandbox".to_owned())
            }
            Fact::Volume(VolumeFact::Awaited { wait, storage, node, .. }) => {
                self.volume_wait(wait, storage, node)
            }
            Fact::SandboxReady { .. } => {
                ("sandbox is ready".to_owned(), "volumes and network are there, too".to_owned())
            }
            Fact::PullBegan { pod, container, image } => {
                let why = format!("for container {}", self.container(pod, container));
                (format!("pulling {}", self.image(image)), why)
            }
            Fact::PullEnded { pod, container, outcome } => {
                let of = self.container(pod, container);
                match outcome {
                    PullOutcome::Pulled => {
                        (format!("image of {of} is there"), "it was pulled".to_owned())
                    }
                    PullOutcome::Confirmed => (
                        format!("image of {of} is there"),
                        "it was there already and the registry has no newer one".to_owned(),
                    ),
                    PullOutcome::Failed => (
                        format!("image of {of} was not pulled"),
                        "the registry does not have it, or the pull was given up".to_owned(),
                    ),
                }
            }
            Fact::ContainerWaiting { pod, container, wait, until } => {
                let of = self.container(pod, container);
                let what = match until {
                    Time::MAX => format!("container {of} waits"),
                    until => format!("container {of} waits until {}", moment(until)),
                };
                (what, format!("{}: {}", wait.word(), waits(wait)))
            }
            Fact::ContainerStarted { pod, container, restarts } => {
                let why = match restarts {
                    0 => "for the first time".to_owned(),
                    restarts => format!("restart {restarts}"),
                };
                (format!("container {} started", self.container(pod, container)), why)
            }
            Fact::ContainerEnded { pod, container, end, exit_code } => {
                let of = self.container(pod, container);
                (format!("container {of} ended with exit code {exit_code}"), ended(end).to_owned())
            }
            Fact::ProbeChanged { pod, container, probe, well } => {
                let of = self.container(pod, container);
                probe_words(&of, probe, well)
            }
            Fact::Stopping { grace, .. } => {
                let why = format!("what still runs after {} is killed", length(grace));
                ("containers are told to stop".to_owned(), why)
            }
            Fact::UsageSet { memory, amount, per_hour, .. } => usage(memory, amount, per_hour),
            Fact::Throttled { on: true, .. } => {
                ("held back".to_owned(), "it wants more CPU than its limits allow".to_owned())
            }
            Fact::Throttled { on: false, .. } => {
                ("not held back any more".to_owned(), "its CPU limits suffice".to_owned())
            }
            _ => (format!("{fact:?}"), String::new()),
        }
    }

    /// What a pod waits for because of its volumes, and why.
    fn volume_wait(
        &self,
        wait: VolumeWait,
        storage: Name,
        node: Option<NodeId>,
    ) -> (String, String) {
        let name = self.catalog.names.text(storage);
        let (what, why) = match wait {
            VolumeWait::Claim => {
                (format!("waits until the claim {name} is bound"), "it is bound to its node then")
            }
            VolumeWait::Attach => {
                (format!("waits until {name} is attached"), "its volume has to come to its node")
            }
            VolumeWait::OtherNode => {
                let holder = node.map_or("another node".to_owned(), |node| self.node(node));
                return (format!("waits for {name}"), format!("{holder} still has it"));
            }
            VolumeWait::Mount => ("mounts its volumes".to_owned(), "all of them are attached"),
        };
        (what, why.to_owned())
    }

    fn of_node(&self, fact: &Fact) -> (String, String) {
        match *fact {
            Fact::NodeAdded { node, .. } => (format!("{} joined", self.node(node)), String::new()),
            Fact::NodeRemoved { node } => {
                (format!("{} is gone", self.node(node)), "its object was deleted".to_owned())
            }
            Fact::FaultBegan { node, strike } => {
                let what = format!("{} strikes {}", strike.action.name(), self.node(node));
                (what, format!("`faults.{}`", strike.fault))
            }
            Fact::FaultEnded { node, strike } => {
                let what = format!("{} of {} ends", strike.action.name(), self.node(node));
                (what, format!("`faults.{}`", strike.fault))
            }
            Fact::NodeCrashed { node } => {
                (format!("{} lost power", self.node(node)), "a fault".to_owned())
            }
            Fact::NodeRepaired { node } => {
                (format!("{} has power again", self.node(node)), "it was repaired".to_owned())
            }
            Fact::NodeCondition { node, ready } => {
                let (what, why) = match ready {
                    Condition::True => ("is Ready", "its kubelet reports"),
                    Condition::False => ("is NotReady", "its kubelet says so"),
                    Condition::Unknown => {
                        ("is Unknown", "its kubelet has been silent for too long")
                    }
                };
                (format!("{} {what}", self.node(node)), why.to_owned())
            }
            Fact::NodeTainted { node, on } => {
                let (what, why) = match on {
                    true => ("is tainted as unreachable", "pods may stay as long as they tolerate"),
                    false => ("is not tainted any more", "it reports again"),
                };
                (format!("{} {what}", self.node(node)), why.to_owned())
            }
            Fact::NodeCordoned { node, on } => {
                let (what, why) = match on {
                    true => ("is cordoned", "new pods stay away"),
                    false => ("is uncordoned", "new pods may come"),
                };
                (format!("{} {what}", self.node(node)), why.to_owned())
            }
            Fact::DrainEnded { node, end } => {
                let (what, why) = drained(end);
                (format!("{} {what}", self.node(node)), why.to_owned())
            }
            Fact::NodePressure { node, pressure, on } => {
                let of = match pressure {
                    Pressure::Memory => "memory",
                    Pressure::Disk => "disk",
                    Pressure::Pid => "process numbers",
                };
                let what = if on { "runs out of" } else { "has enough again of" };
                let why = if on { "pods may be evicted" } else { "for as long as is required" };
                (format!("{} {what} {of}", self.node(node)), why.to_owned())
            }
            Fact::ImagesCollected { node, images, freed } => {
                let what = format!("{} threw {images} images away", self.node(node));
                (what, format!("its disk was full; {} became free", size(freed.0)))
            }
            _ => unreachable!("only facts about nodes come here"),
        }
    }
}

fn usage(memory: bool, amount: u64, per_hour: u64) -> (String, String) {
    let text = |amount: u64| match memory {
        true => size(amount),
        false => format!("{amount}m"),
    };
    let of = if memory { "memory" } else { "CPU" };
    let why = match per_hour {
        0 => "as its application does".to_owned(),
        more => format!("and {} more every hour", text(more)),
    };
    (format!("uses {} of {of}", text(amount)), why)
}

fn probe_words(of: &str, probe: ProbeKind, well: bool) -> (String, String) {
    let (kind, why) = match (probe, well) {
        (ProbeKind::Startup, true) => ("startup", "the other probes begin"),
        (ProbeKind::Startup, false) => ("startup", "the container is killed"),
        (ProbeKind::Readiness, true) => ("readiness", "it may get traffic"),
        (ProbeKind::Readiness, false) => ("readiness", "it gets no traffic"),
        (ProbeKind::Liveness, true) => ("liveness", "it stays"),
        (ProbeKind::Liveness, false) => ("liveness", "the container is killed"),
    };
    let verb = if well { "succeeds" } else { "fails" };
    (format!("{kind} probe of {of} {verb}"), why.to_owned())
}

/// How the drain of a node ended, and why.
const fn drained(end: DrainEnd) -> (&'static str, &'static str) {
    match end {
        DrainEnd::Drained => ("is drained", "its pods are gone"),
        DrainEnd::Unmanaged => ("is not drained", "a pod has no controller, and `force` is off"),
        DrainEnd::Failed => ("is not drained", "an eviction was refused for good"),
        DrainEnd::TimedOut => ("is not drained", "it took too long"),
        DrainEnd::NodeGone => ("is not drained", "it is gone"),
    }
}

/// Why an eviction got its answer.
const fn eviction(answer: EvictionAnswer) -> &'static str {
    match answer {
        EvictionAnswer::Unchecked => "no disruption budget has to agree",
        EvictionAnswer::Charged => "its disruption budget allows it",
        EvictionAnswer::Refused => "its disruption budget allows none now",
        EvictionAnswer::NotObserved => "its disruption budget was not counted yet",
        EvictionAnswer::TooManyEvicted => "too many evicted pods are still there",
        EvictionAnswer::SeveralBudgets => "more than one disruption budget selects it",
    }
}

/// Why a pod was asked to stop.
pub(super) const fn deleted(cause: DeletionCause) -> &'static str {
    match cause {
        DeletionCause::TaintEviction => {
            "evicted: it does not tolerate a taint of its node, or not for longer"
        }
        DeletionCause::NodeLost => "its node is gone",
        DeletionCause::ScaleDown => "its owner has more pods than it wants",
        DeletionCause::Update => "its owner replaces it by one of another template",
        DeletionCause::OwnerDeleted => "what owned it was deleted",
        DeletionCause::JobEnds => "its Job is over or suspended",
        DeletionCause::Preempted => "preempted: it makes room for a more important pod",
        DeletionCause::Evicted => "evicted, as somebody asked for",
        DeletionCause::ByHand => "deleted by an operator",
    }
}

/// Why a pod failed.
pub(super) const fn failed(reason: FailedReason) -> &'static str {
    match reason {
        FailedReason::ContainerFailed => "a container ended badly and is not started again",
        FailedReason::ContainersLost => {
            "its containers were lost with the power of its node and must not start again"
        }
        FailedReason::OutOfCpu => "OutOfcpu: its kubelet had no CPU left for it",
        FailedReason::OutOfMemory => "OutOfmemory: its kubelet had no memory left for it",
        FailedReason::OutOfEphemeralStorage => {
            "OutOfephemeral-storage: its kubelet had no local storage left for it"
        }
        FailedReason::OutOfPods => "OutOfpods: its node had as many pods as it takes",
        FailedReason::OutOfExtended => "its kubelet had too little of a resource left for it",
        FailedReason::NodeAffinity => "NodeAffinity: its node does not match any more",
        FailedReason::NodeName => "NodeName: it wants another node",
        FailedReason::NodePorts => "NodePorts: a host port was taken",
        FailedReason::TaintToleration => "it does not tolerate a taint of its node",
        FailedReason::UnexpectedAdmissionError => "a device that it was given was not free",
        FailedReason::EvictedMemory => "Evicted: its node ran out of memory",
        FailedReason::EvictedDisk => "Evicted: its node ran out of disk",
        FailedReason::EvictedPid => "Evicted: its node ran out of process numbers",
        FailedReason::EvictedLocalStorage => {
            "Evicted: it kept more local storage than its limits allow"
        }
        FailedReason::NodeShutdown => "Terminated: its node shut down",
        FailedReason::Preempted => "Preempting: a critical pod on its node displaced it",
        FailedReason::DeadlineExceeded => "DeadlineExceeded: it was active for too long",
        FailedReason::NodeGone => "DeletionByPodGC: its node is gone",
    }
}

/// How a container ended.
pub(super) const fn ended(end: ContainerEnd) -> &'static str {
    match end {
        ContainerEnd::Completed => "Completed: by itself, well",
        ContainerEnd::Error => "Error: by itself, badly",
        ContainerEnd::OomKilled => "OOMKilled: the kernel killed it for its memory",
        ContainerEnd::StartupProbe => "killed: its startup probe failed",
        ContainerEnd::LivenessProbe => "killed: its liveness probe failed",
        ContainerEnd::Stopped => "it stopped as it was told",
        ContainerEnd::Killed => "killed: it had not stopped when its grace was over",
        ContainerEnd::NodeLost => "its node lost power",
    }
}

/// Why a container waits.
pub(super) const fn waits(wait: ContainerWait) -> &'static str {
    match wait {
        ContainerWait::CrashLoopBackOff => "it ended not long ago",
        ContainerWait::ErrImagePull => "the pull of its image has just failed",
        ContainerWait::ImagePullBackOff => "its image is not tried again so soon",
        ContainerWait::ErrImageNeverPull => "its image is not there and is never pulled",
    }
}
