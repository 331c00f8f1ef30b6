//! In which step a pod is, one at a time, from what was told of it.

use crate::ground::Name;
use crate::journal::{DeletionCause, Fact, VolumeFact};
use crate::model::{ContainerWait, NodeId, PodName, PodSpecId, VolumeWait};

/// One slice of a pod's track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Pending,
    Claims,
    Bound,
    Attach,
    Sandbox,
    Pull(Name),
    Start,
    BackOff(ContainerWait),
    Running,
    Ready,
    Terminating(Option<DeletionCause>),
    Lost,
}

impl Step {
    /// The name of the slice.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Step::Pending => "pending",
            Step::Claims => "claims are bound",
            Step::Bound => "bound",
            Step::Attach => "volumes are attached",
            Step::Sandbox => "volumes and sandbox",
            Step::Pull(_) => "pull",
            Step::Start => "start",
            Step::BackOff(_) => "back-off",
            Step::Running => "running, not ready",
            Step::Ready => "ready",
            Step::Terminating(_) => "terminating",
            Step::Lost => "lost with its node",
        }
    }
}

/// What is known of a pod that is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pod {
    pub(super) name: PodName,
    pub(super) spec: PodSpecId,
    pub(super) node: Option<NodeId>,
    admitted: bool,
    /// What it waits for because of its volumes.
    volumes: Option<VolumeWait>,
    sandbox: bool,
    /// Pulls under way; the image of the last of them.
    pulls: u32,
    image: Name,
    /// Containers that wait, a bit each (from the 64th on they share one), and why the last does.
    waits: u64,
    wait: ContainerWait,
    started: bool,
    ready: bool,
    deleting: Option<DeletionCause>,
    stopping: bool,
    lost: bool,
}

impl Pod {
    pub(super) fn new(name: PodName, spec: PodSpecId) -> Pod {
        Pod {
            name,
            spec,
            node: None,
            admitted: false,
            volumes: None,
            sandbox: false,
            pulls: 0,
            image: Name(0),
            waits: 0,
            wait: ContainerWait::CrashLoopBackOff,
            started: false,
            ready: false,
            deleting: None,
            stopping: false,
            lost: false,
        }
    }

    /// Takes a fact about the pod in.
    pub(super) fn learn(&mut self, fact: &Fact) {
        let bit = |container: u8| 1u64 << container.min(63);
        match *fact {
            Fact::Bound { node, .. } => (self.node, self.volumes) = (Some(node), None),
            Fact::BindFailed { .. } => self.volumes = None,
            Fact::Volume(VolumeFact::Awaited { wait, .. }) => self.volumes = Some(wait),
            Fact::Admitted { .. } => {
                (self.admitted, self.sandbox, self.lost) = (true, false, false)
            }
            Fact::SandboxReady { .. } => self.sandbox = true,
            Fact::PullBegan { container, image, .. } => {
                self.waits &= !bit(container);
                self.pulls += 1;
                self.image = image;
            }
            Fact::PullEnded { .. } => self.pulls = self.pulls.saturating_sub(1),
            Fact::ContainerWaiting { container, wait, .. } => {
                self.waits |= bit(container);
                self.wait = wait;
            }
            Fact::ContainerStarted { container, .. } => {
                self.waits &= !bit(container);
                self.lost = false;
            }
            Fact::Started { .. } => (self.started, self.lost) = (true, false),
            Fact::Ready { .. } => (self.started, self.ready, self.lost) = (true, true, false),
            Fact::Unready { .. } => self.ready = false,
            Fact::Deleting { cause, .. } => self.deleting = Some(cause),
            Fact::Stopping { .. } => self.stopping = true,
            Fact::Interrupted { .. } => {
                (self.lost, self.started, self.ready) = (true, false, false);
                (self.pulls, self.waits) = (0, 0);
            }
            _ => {}
        }
    }

    /// The step that it is in now.
    pub(super) fn step(&self) -> Step {
        if self.node.is_none() {
            if self.volumes.is_some() { Step::Claims } else { Step::Pending }
        } else if self.deleting.is_some() || self.stopping {
            Step::Terminating(self.deleting)
        } else if self.lost {
            Step::Lost
        } else if self.pulls > 0 {
            Step::Pull(self.image)
        } else if self.waits != 0 {
            Step::BackOff(self.wait)
        } else if self.ready {
            Step::Ready
        } else if self.started {
            Step::Running
        } else if self.sandbox {
            Step::Start
        } else if matches!(self.volumes, Some(VolumeWait::Attach | VolumeWait::OtherNode)) {
            Step::Attach
        } else if self.admitted {
            Step::Sandbox
        } else {
            Step::Bound
        }
    }
}
