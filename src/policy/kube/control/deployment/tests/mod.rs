//! The checks of the specification, and its invariants over random Deployments.

use super::*;
use crate::ground::{Span, Time};
use crate::model::{
    DeploymentSpec, DeploymentStatus, IntOrPercent, PodSpecId, ProgressReason, Progressing,
    ReplicaSetStatus, RolloutStrategy,
};

mod checks;
mod conditions;
mod invariants;

/// A Deployment with its ReplicaSets: requests are carried out at once, and the pods of a
/// ReplicaSet follow its size when a test says so.
#[derive(Debug, Clone)]
pub(super) struct Lab {
    spec: DeploymentSpec,
    status: DeploymentStatus,
    generation: u32,
    sets: Vec<OwnedReplicaSet<'static>>,
    now: Time,
    /// What was written, refused requests included.
    writes: Vec<DeploymentWrite>,
    next: NextLook,
}

fn rolling(surge: IntOrPercent, unavailable: IntOrPercent) -> RolloutStrategy {
    RolloutStrategy::RollingUpdate { max_surge: surge, max_unavailable: unavailable }
}

fn numbers(surge: u32, unavailable: u32) -> RolloutStrategy {
    rolling(IntOrPercent::Int(surge), IntOrPercent::Int(unavailable))
}

fn set(place: u32, replicas: u32, available: u32) -> OwnedReplicaSet<'static> {
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    OwnedReplicaSet {
        name: NAMES[place as usize % 8],
        created: Time::from_secs(u64::from(place)),
        template: PodSpecId(place),
        replicas,
        min_ready: Span::ZERO,
        revision: Some(place + 1),
        desired: None,
        max: None,
        generation: 1,
        deleting: false,
        status: ReplicaSetStatus { replicas, ready: available, available, observed: 1 },
        unfinished_pods: replicas,
    }
}

impl Lab {
    /// The template of the Deployment is that of the last set.
    fn new(replicas: u32, strategy: RolloutStrategy, sets: &[(u32, u32)]) -> Lab {
        let template = PodSpecId(u32::try_from(sets.len()).unwrap().max(1) - 1);
        let spec = DeploymentSpec { strategy, ..DeploymentSpec::new(replicas, template) };
        let mut lab = Lab {
            spec,
            status: DeploymentStatus::default(),
            generation: 1,
            sets: Vec::new(),
            now: Time::from_secs(1000),
            writes: Vec::new(),
            next: NextLook::WhenChanged,
        };
        for (place, (size, available)) in sets.iter().enumerate() {
            let most = replicas + Fenceposts::of(&spec).surge;
            let place = u32::try_from(place).unwrap();
            let annotated = set(place, *size, *available);
            let (desired, max) = (Some(replicas), Some(most));
            lab.sets.push(OwnedReplicaSet { desired, max, ..annotated });
        }
        lab.status.revision = u32::try_from(sets.len()).unwrap();
        lab.status.replicas = sets.iter().map(|(size, _)| size).sum();
        let reason = ProgressReason::ReplicaSetUpdated;
        lab.status.progressing = Some(Progressing { reason, last_update: lab.now });
        lab
    }

    fn view(&self) -> DeploymentView<'_> {
        let (spec, status, generation) = (self.spec, self.status, self.generation);
        DeploymentView { spec, status, generation, deleting: false, sets: &self.sets }
    }

    fn change(&mut self, change: impl FnOnce(&mut DeploymentSpec)) {
        change(&mut self.spec);
        self.generation += 1;
    }

    /// One sync; what it wrote is carried out.
    fn sync(&mut self) -> Vec<DeploymentWrite> {
        let DeploymentSync { writes, next } = sync_deployment(&self.view(), self.now);
        let mut gone = Vec::new();
        for write in &writes {
            match *write {
                DeploymentWrite::Create(new) => self.create(&new),
                DeploymentWrite::Adopt { set, revision, min_ready, .. } => {
                    self.sets[set].revision = Some(revision);
                    self.sets[set].min_ready = min_ready;
                }
                DeploymentWrite::Scale { set, resized } => {
                    let set = &mut self.sets[set];
                    assert_eq!(set.replicas, resized.from);
                    set.replicas = resized.to;
                    (set.desired, set.max) = (Some(resized.desired), Some(resized.max));
                }
                DeploymentWrite::Delete { set } => gone.push(set),
                DeploymentWrite::Status(status) => self.status = status,
                DeploymentWrite::Refused => assert_eq!(next, NextLook::Retry),
            }
        }
        gone.sort_unstable();
        for place in gone.into_iter().rev() {
            self.sets.remove(place);
        }
        self.writes.extend(&writes);
        self.next = next;
        writes
    }

    fn create(&mut self, new: &NewReplicaSet) {
        let place = u32::try_from(self.writes.len()).unwrap();
        self.sets.push(OwnedReplicaSet {
            created: self.now.truncate_to_second(),
            template: new.template,
            revision: Some(new.revision),
            desired: Some(new.desired),
            max: Some(new.max),
            min_ready: new.min_ready,
            status: ReplicaSetStatus::default(),
            unfinished_pods: 0,
            ..set(place, new.replicas, 0)
        });
    }

    /// Syncs until nothing is written any more.
    fn settle(&mut self) {
        for _ in 0..50 {
            self.now += Span::from_millis(10);
            if self.sync().is_empty() {
                return;
            }
        }
        panic!("still writing after 50 syncs: {self:?}");
    }

    /// Every set gets as many pods as it is to have. Those that it has too many, unavailable ones
    /// first, go; new ones are not available yet.
    fn pods_follow(&mut self) {
        for set in &mut self.sets {
            set.status.replicas = set.replicas;
            set.status.available = set.status.available.min(set.replicas);
            set.status.ready = set.status.available;
            set.status.observed = set.generation;
            set.unfinished_pods = set.replicas;
        }
    }

    /// All pods that are there become available.
    fn pods_become_available(&mut self) {
        for set in &mut self.sets {
            set.status.ready = set.status.replicas;
            set.status.available = set.status.replicas;
        }
    }

    fn size(&self, template: PodSpecId) -> u32 {
        let of = |set: &&OwnedReplicaSet<'_>| set.template == template;
        self.sets.iter().filter(of).map(|set| set.replicas).sum()
    }

    /// Pods that the new set is to have, and all others.
    fn sizes(&self) -> (u32, u32) {
        let new = self.size(self.spec.template);
        (new, self.sets.iter().map(|set| set.replicas).sum::<u32>() - new)
    }

    fn reason(&self) -> Option<ProgressReason> {
        self.status.progressing.map(|progressing| progressing.reason)
    }
}

/// The sizes that were written, in order: place of the set, from, to.
fn scaled(writes: &[DeploymentWrite]) -> Vec<(usize, u32, u32)> {
    let scale = |write: &DeploymentWrite| match *write {
        DeploymentWrite::Scale { set, resized } if resized.from != resized.to => {
            Some((set, resized.from, resized.to))
        }
        _ => None,
    };
    writes.iter().filter_map(scale).collect()
}
