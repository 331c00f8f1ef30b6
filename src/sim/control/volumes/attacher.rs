//! The attach/detach controller: a volume of a storage driver is attached to the nodes of the pods
//! that use it, and one that a single node may write to is attached to one node at a time.
//!
//! A volume is detached when its last pod on a node is gone and the node has said that it is
//! unmounted. From a node that is not Ready it is taken by force after a while, and at once if the
//! node is tainted `node.kubernetes.io/out-of-service`.
//!
//! Source: `pkg/controller/volume/attachdetach/reconciler/reconciler.go`, Kubernetes 1.34. The
//! reconciler looks at everything ten times a second; only looks that can find something take
//! place here. That a volume is in use is taken to be reported with the pod that uses it.

use crate::ground::{Key, Name, Purpose, Span, Time};
use crate::journal::{Fact, Sink, VolumeFact};
use crate::model::{Catalog, Change, Condition, NodeId, PodId, PodUid, Volume, VolumeWait};
use crate::policy::Cx;
use crate::sim::control::client::Client;
use crate::sim::control::pod_gc::is_out_of_service;
use crate::sim::host::Host;
use crate::sim::volumes::driven_volumes;
use crate::sim::world::World;
use crate::sim::{Event, VolumeEvent};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Time between two looks (`reconcilerLoopPeriod`).
const PERIOD: Span = Span::from_millis(100);
/// A VolumeAttachment is written, then what the status of the node says.
const REQUESTS: u32 = 2;

const ATTACH: Purpose = Purpose::new("volume-attach");
const DETACH: Purpose = Purpose::new("volume-detach");
const PHASE: Purpose = Purpose::new("attach-detach-phase");

/// How a volume stands with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stand {
    /// It is being attached.
    Attaching,
    /// It is attached.
    Attached,
    /// It is being detached; true: by force.
    Detaching(bool),
}

/// A volume on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Attachment {
    stand: Stand,
    /// Since when it is no longer wanted there.
    unwanted: Option<Time>,
}

/// The nodes of a volume.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Places {
    /// Pods that want it, by node.
    users: BTreeMap<NodeId, BTreeMap<PodUid, PodId>>,
    attached: BTreeMap<NodeId, Attachment>,
    /// How often it was attached or detached.
    moves: u32,
}

/// What a pod on a node wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Wants {
    node: NodeId,
    volumes: Vec<Name>,
}

/// The controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Attacher {
    pub(super) client: Client,
    /// False at a level of detail at which attaching takes no time.
    works: bool,
    wants: BTreeMap<PodUid, Wants>,
    places: BTreeMap<Name, Places>,
    /// Volumes to be looked at in the next pass.
    touched: BTreeSet<Name>,
    /// Volumes to be looked at later.
    later: BTreeSet<(Time, Name)>,
    pass: Option<Time>,
    /// Pods of which it was told that another node has their volume.
    told: BTreeSet<PodUid>,
}

impl Attacher {
    pub(super) fn new(works: bool) -> Attacher {
        Attacher {
            client: Client::default(),
            works,
            wants: BTreeMap::new(),
            places: BTreeMap::new(),
            touched: BTreeSet::new(),
            later: BTreeSet::new(),
            pass: None,
            told: BTreeSet::new(),
        }
    }

    /// Number of nodes that have a volume, or are on the way to or from it.
    pub(super) fn nodes_of(&self, volume: Name) -> usize {
        self.places.get(&volume).map_or(0, |places| places.attached.len())
    }

    pub(super) fn cares_about(&self, cx: Cx<'_>, change: &Change) -> bool {
        match *change {
            Change::PodBound { pod, .. } => {
                let spec = cx.view.pod_spec(pod, cx.catalog);
                self.works && spec.is_some_and(|spec| !spec.volumes.is_empty())
            }
            Change::PodRemoved { pod } | Change::PodPhase { pod, .. } if !self.wants.is_empty() => {
                cx.view.pod(pod).is_some_and(|row| self.wants.contains_key(&row.uid))
            }
            _ => false,
        }
    }

    pub(super) fn observe(&mut self, cx: Cx<'_>, change: &Change) {
        match *change {
            Change::PodBound { pod, node, .. } if self.works => self.pod_comes(cx, pod, node),
            Change::PodPhase { pod, phase } if phase.is_terminal() => self.pod_goes(cx, pod),
            Change::PodRemoved { pod } => self.pod_goes(cx, pod),
            Change::NodeUpdated { node, .. } | Change::NodeRemoved { node }
                if !self.places.is_empty() =>
            {
                let on = self.places.iter().filter(|(_, p)| p.attached.contains_key(&node));
                self.touched.extend(on.map(|(volume, _)| *volume));
            }
            _ => {}
        }
    }

    fn pod_comes(&mut self, cx: Cx<'_>, pod: PodId, node: NodeId) {
        let Some(row) = cx.view.pod(pod) else { return };
        let driven = driven_volumes(cx.view, cx.catalog, (row.spec, row.name));
        if driven.is_empty() || row.phase.is_terminal() {
            return;
        }
        for volume in &driven {
            let users = &mut self.places.entry(*volume).or_default().users;
            users.entry(node).or_default().insert(row.uid, pod);
            self.touched.insert(*volume);
        }
        self.wants.insert(row.uid, Wants { node, volumes: driven });
    }

    fn pod_goes(&mut self, cx: Cx<'_>, pod: PodId) {
        if self.wants.is_empty() {
            return;
        }
        let Some(row) = cx.view.pod(pod) else { return };
        let Some(Wants { node, volumes }) = self.wants.remove(&row.uid) else { return };
        self.told.remove(&row.uid);
        for volume in volumes {
            let places = self.places.get_mut(&volume).expect("a wanted volume has places");
            if let Some(users) = places.users.get_mut(&node) {
                users.remove(&row.uid);
                if users.is_empty() {
                    places.users.remove(&node);
                }
            }
            self.touched.insert(volume);
        }
    }

    /// When there is something to look at.
    fn due(&self, now: Time) -> Option<Time> {
        let touched = (!self.touched.is_empty()).then_some(now);
        touched.into_iter().chain(self.later.first().map(|(at, _)| *at)).min()
    }
}

impl World {
    /// True if a volume is attached to a node.
    pub(in crate::sim) fn is_attached(&self, volume: Name, node: NodeId) -> bool {
        let places = self.control.memory.volumes.attacher.places.get(&volume);
        let attachment = places.and_then(|places| places.attached.get(&node));
        attachment.is_some_and(|attachment| attachment.stand == Stand::Attached)
    }

    /// True if a node is tainted `node.kubernetes.io/out-of-service`.
    pub(in crate::sim) fn is_out_of_service(&self, node: NodeId) -> bool {
        is_out_of_service(&self.catalog, &self.store.truth.node(node).status)
    }

    /// True if a pod but this one uses a volume, as the controller believes.
    pub(in crate::sim) fn is_used(&self, volume: Name, but: Option<PodUid>) -> bool {
        let places = self.control.memory.volumes.attacher.places.get(&volume);
        let users = places.into_iter().flat_map(|places| places.users.values().flatten());
        users.into_iter().any(|(uid, _)| Some(*uid) != but)
    }

    /// A volume was attached to a node before the run began.
    pub(in crate::sim) fn volume_was_attached(&mut self, volume: Name, node: NodeId) {
        let attacher = &mut self.control.memory.volumes.attacher;
        let attachment = Attachment { stand: Stand::Attached, unwanted: None };
        attacher.places.entry(volume).or_default().attached.insert(node, attachment);
    }

    /// Something about volumes that a node has has changed, as the controller learns then.
    pub(in crate::sim) fn volumes_touched<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        volumes: &[Name],
        at: Time,
    ) {
        let attacher = &mut self.control.memory.volumes.attacher;
        attacher.later.extend(volumes.iter().map(|volume| (at, *volume)));
        self.plan_attach_pass(host);
    }

    /// Sees to the next look, if it may find something.
    pub(in crate::sim::control) fn plan_attach_pass<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let Some(due) = self.control.memory.volumes.attacher.due(host.now) else { return };
        let phase = self.draw_phase(PHASE, Key::of("attach-detach"), PERIOD);
        let at = due.max(host.now).next_tick(PERIOD, phase);
        let attacher = &mut self.control.memory.volumes.attacher;
        if attacher.pass.is_none_or(|pass| at < pass) {
            attacher.pass = Some(at);
            host.turn(at, Event::Volume(VolumeEvent::AttachPass));
        }
    }

    pub(super) fn attach_pass<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let attacher = &mut self.control.memory.volumes.attacher;
        if attacher.pass != Some(host.now) {
            return;
        }
        attacher.pass = None;
        let mut volumes = std::mem::take(&mut attacher.touched);
        while let Some(&(at, volume)) = attacher.later.first().filter(|(at, _)| *at <= host.now) {
            attacher.later.remove(&(at, volume));
            volumes.insert(volume);
        }
        // What is detached in a look comes before what is attached.
        for volume in &volumes {
            self.detach_unwanted(host, *volume);
        }
        for volume in volumes {
            self.attach_wanted(host, volume);
        }
        self.plan_attach_pass(host);
    }

    /// Detaches a volume from nodes on which no pod wants it, as far as that may be.
    fn detach_unwanted<S: Sink>(&mut self, host: &mut Host<'_, S>, volume: Name) {
        let now = host.now;
        let attacher = &mut self.control.memory.volumes.attacher;
        let Some(places) = attacher.places.get_mut(&volume) else { return };
        let mut leaving: Vec<(NodeId, Time)> = Vec::new();
        for (node, attachment) in &mut places.attached {
            if attachment.stand != Stand::Attached {
                continue;
            }
            if places.users.contains_key(node) {
                attachment.unwanted = None;
            } else {
                leaving.push((*node, *attachment.unwanted.get_or_insert(now)));
            }
        }
        for (node, since) in leaving {
            let patient = since + self.volumes.delays.force_detach;
            let in_use = self.volumes.is_mounted(volume, node);
            let row = self.control.feed.view(&self.store).node(node);
            let healthy = row.present && row.status.ready == Condition::True;
            let out = row.present && is_out_of_service(&self.catalog, &row.status);
            let attacher = &mut self.control.memory.volumes.attacher;
            if in_use && !out && (healthy || now < patient) {
                if !healthy {
                    attacher.later.insert((patient, volume));
                }
                continue; // a healthy node will say when it is unmounted
            }
            let took = self.moved(volume, node, DETACH);
            let attacher = &mut self.control.memory.volumes.attacher;
            let sent = attacher.client.send(now, REQUESTS);
            let places = attacher.places.get_mut(&volume).expect("it was there just now");
            let attachment = Attachment { stand: Stand::Detaching(in_use), unwanted: Some(since) };
            places.attached.insert(node, attachment);
            let at = sent + self.timing.request * 2 + self.timing.watch + took;
            Self::storage_event(host, at, VolumeEvent::Detached { volume, node });
        }
    }

    /// How long the next move of a volume takes.
    fn moved(&mut self, volume: Name, node: NodeId, what: Purpose) -> Span {
        let text = self.catalog.names.text(volume);
        let key = Key::of(&format!("{text} {}", self.fleet.machines[node].key.0));
        let places = self.control.memory.volumes.attacher.places.entry(volume).or_default();
        let mut draw = self.draws.stream(what, key, places.moves);
        places.moves += 1;
        let delays = &self.volumes.delays;
        let delay = if what == ATTACH { &delays.attach } else { &delays.detach };
        delay.sample(&mut draw)
    }

    /// Attaches a volume to the nodes on which pods want it, or tells them who has it.
    fn attach_wanted<S: Sink>(&mut self, host: &mut Host<'_, S>, volume: Name) {
        let objects = self.store.truth.objects();
        let row = objects.volume(Catalog::NO_TEXT, volume, &self.catalog);
        let single = row.is_none_or(Volume::is_single);
        let attacher = &mut self.control.memory.volumes.attacher;
        let Some(places) = attacher.places.get(&volume) else { return };
        let nodes: Vec<NodeId> = places.users.keys().copied().collect();
        for node in nodes {
            let attacher = &mut self.control.memory.volumes.attacher;
            let places = attacher.places.get(&volume).expect("it was there just now");
            if places.attached.contains_key(&node) {
                continue;
            }
            if let Some(holder) = places.attached.keys().next().copied().filter(|_| single) {
                let waiting = places.users[&node].keys().copied();
                let waiting: Vec<PodUid> =
                    waiting.filter(|pod| attacher.told.insert(*pod)).collect();
                for pod in waiting {
                    let (wait, node) = (VolumeWait::OtherNode, Some(holder));
                    let storage = volume;
                    host.fact(Fact::Volume(VolumeFact::Awaited { pod, wait, storage, node }));
                }
                continue;
            }
            let took = self.moved(volume, node, ATTACH);
            let attacher = &mut self.control.memory.volumes.attacher;
            let sent = attacher.client.send(host.now, REQUESTS);
            let places = attacher.places.get_mut(&volume).expect("as before");
            let attachment = Attachment { stand: Stand::Attaching, unwanted: None };
            places.attached.insert(node, attachment);
            let at = sent + self.timing.request * 2 + self.timing.watch + took;
            Self::storage_event(host, at, VolumeEvent::Attached { volume, node });
        }
    }

    /// A volume is attached: the kubelets that wait for it see it after the watch delay.
    pub(super) fn volume_is_attached<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        volume: Name,
        node: NodeId,
    ) {
        let attacher = &mut self.control.memory.volumes.attacher;
        let places = attacher.places.get_mut(&volume).expect("it is being attached");
        let attachment = places.attached.get_mut(&node).expect("it is being attached");
        attachment.stand = Stand::Attached;
        let users: Vec<(PodUid, PodId)> = (places.users.get(&node).into_iter().flatten())
            .map(|(uid, pod)| (*uid, *pod))
            .collect();
        if users.is_empty() {
            attacher.touched.insert(volume);
        }
        self.introduce_name(host, volume);
        host.fact(Fact::Volume(VolumeFact::Attached { volume, node }));
        for (uid, pod) in users {
            let event = VolumeEvent::KubeletSees { pod, uid };
            host.machine(self.timing.watch, Event::Volume(event));
        }
        self.plan_attach_pass(host);
    }

    /// A volume is detached: others may have it, or it is deleted.
    pub(super) fn volume_is_detached<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        volume: Name,
        node: NodeId,
    ) {
        let attacher = &mut self.control.memory.volumes.attacher;
        let places = attacher.places.get_mut(&volume).expect("it is being detached");
        let gone = places.attached.remove(&node).expect("it is being detached");
        if places.attached.is_empty() && places.users.is_empty() {
            attacher.places.remove(&volume);
        } else {
            attacher.touched.insert(volume);
        }
        let forced = gone.stand == Stand::Detaching(true);
        self.introduce_name(host, volume);
        host.fact(Fact::Volume(VolumeFact::Detached { volume, node, forced }));
        self.volumes.forget_mounts(volume, node);
        self.delete_if_free(host, volume);
        self.plan_attach_pass(host);
    }
}
