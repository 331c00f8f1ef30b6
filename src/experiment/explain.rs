//! The life of one pod: a run played again up to a time, with a sink that follows the pod.

use super::{RunFailure, Session};
use crate::engine::{Limits, Stopped};
use crate::ground::Time;
use crate::journal::{Follow, PodTrail};
use crate::model::{Catalog, Outlook, PodUid};
use crate::scenario::{Built, Scenario};
use crate::sim::Run;
use crate::stimulus::Stream;
use std::num::NonZeroU64;
use std::ops::ControlFlow;

/// Events from one report of progress to the next.
const PROGRESS_EVERY: NonZeroU64 = NonZeroU64::new(8192).expect("not zero");

/// Namespace of a pod that is named without one.
pub const DEFAULT_NAMESPACE: &str = "default";

/// A pod as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRef {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl PodRef {
    /// Reads `NAME` or `NAMESPACE/NAME`; `None` if a part of it is empty.
    pub fn parse(text: &str) -> Option<PodRef> {
        let (namespace, name) = text.split_once('/').unwrap_or((DEFAULT_NAMESPACE, text));
        let whole = !namespace.is_empty() && !name.is_empty() && !name.contains('/');
        whole.then(|| PodRef { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

/// What a run told about one pod.
#[derive(Debug, Clone)]
pub struct Followed {
    /// The pod that was asked for.
    pub wanted: PodRef,
    /// When the run was stopped.
    pub at: Time,
    /// Names and specifications.
    pub catalog: Catalog,
    /// Everything that the sink kept.
    pub follow: Follow,
    /// What would become of the last pod of this name at that time, if it waits for a node.
    pub outlook: Option<Outlook>,
}

impl Followed {
    /// The pods of this name and namespace in order of creation; several if the name was used
    /// again.
    pub fn trails(&self) -> Vec<&PodTrail> {
        let in_namespace =
            |trail: &&PodTrail| self.namespace(trail.pod) == self.wanted.namespace.as_str();
        self.follow.trails.iter().filter(in_namespace).collect()
    }

    /// Namespace of any pod of the run.
    pub fn namespace(&self, pod: PodUid) -> &str {
        let spec = self.catalog.pod_spec(self.follow.pods[pod].spec);
        self.catalog.names.text(spec.namespace)
    }

    /// Name of any pod of the run within its namespace.
    pub fn name(&self, pod: PodUid) -> String {
        let name = self.follow.pods[pod].name.text(&self.catalog.names);
        let bare = name.strip_prefix(self.namespace(pod)).and_then(|name| name.strip_prefix('/'));
        bare.map_or(name.clone(), str::to_owned)
    }
}

/// Plays a scenario up to a time, that included, and follows one pod. `progress` is told the
/// simulated time now and then.
///
/// # Errors
/// If a file that the scenario names turns out to be broken.
pub fn follow(
    scenario: &Scenario,
    session: &Session,
    wanted: PodRef,
    at: Option<Time>,
    mut progress: impl FnMut(Time),
) -> Result<Followed, RunFailure> {
    let Built { setup, sources, draws, until } =
        scenario.build(session.seed, session.scratch.as_deref())?;
    let arrivals = Stream::open(&sources, draws, session.read_ahead)?;
    let mut run = Run::new(setup, arrivals, Follow::new(&wanted.namespace, &wanted.name));
    if session.check {
        run = run.checking();
    }
    let end = at.or(until);
    let limits = Limits::until(end.unwrap_or(Time::MAX));
    let stopped = run.run_probed(&limits, PROGRESS_EVERY, |now| {
        progress(now);
        ControlFlow::Continue(())
    });
    if let Stopped::Input(error) = stopped {
        return Err(error.into());
    }
    let at = end.unwrap_or(run.now());
    let (world, mut follow) = run.into_parts();
    let catalog = world.catalog().clone();
    for trail in &mut follow.trails {
        trail.close(at);
    }
    let mut followed = Followed { wanted, at, catalog, follow, outlook: None };
    let last = followed.trails().last().map(|trail| trail.pod);
    followed.outlook = last.and_then(|pod| world.outlook(at, pod));
    Ok(followed)
}
