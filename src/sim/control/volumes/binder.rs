//! The persistent-volume binder, and the provisioners that make what is missing.
//!
//! Source: `pkg/controller/volume/persistentvolume/pv_controller.go` and `pv_controller_base.go`,
//! Kubernetes 1.34; kubernetes-csi external-provisioner 5 (`pkg/controller/topology.go`).

use crate::ground::{Key, Name, Purpose, Span, Time};
use crate::journal::{Fact, Sink, VolumeFact};
use crate::model::{BindingMode, Catalog, Claim, ClaimRef, NodeId, Volume};
use crate::policy::kube::control::{
    ClaimStep, bind_volume, claim_step, place_at_once, provisioned,
};
use crate::sim::control::client::Client;
use crate::sim::control::work_queue::WorkQueue;
use crate::sim::host::Host;
use crate::sim::world::World;
use crate::sim::{Event, VolumeEvent};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Claims that are synced at the same time.
const WORKERS: u32 = 1;
/// The volume, its phase, the claim and its phase are written.
const REQUESTS_TO_BIND: u32 = 4;
/// Claims that found nothing are looked at so often (`--pvclaimbinder-sync-period`).
const RESYNC: Span = Span::from_secs(15);

const PROVISION: Purpose = Purpose::new("volume-provision");
const RESYNC_PHASE: Purpose = Purpose::new("volume-resync-phase");

/// The binder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Binder {
    pub(super) client: Client,
    queue: WorkQueue<ClaimRef>,
    /// Claims for which a driver makes a volume.
    making: BTreeSet<ClaimRef>,
    /// How often a driver was asked for a volume for a claim.
    asked: BTreeMap<ClaimRef, u32>,
    /// Claims for which there is no volume, and nobody to make one.
    without: BTreeSet<ClaimRef>,
    resync: Option<Time>,
}

impl Binder {
    pub(super) fn new() -> Binder {
        Binder {
            client: Client::default(),
            queue: WorkQueue::new(WORKERS),
            making: BTreeSet::new(),
            asked: BTreeMap::new(),
            without: BTreeSet::new(),
            resync: None,
        }
    }
}

/// What a look at a claim comes to.
enum Next {
    Bind(Name),
    Make,
    Wait,
    Nothing,
}

impl World {
    pub(super) fn enqueue_claim<S: Sink>(&mut self, host: &mut Host<'_, S>, claim: ClaimRef) {
        self.control.memory.volumes.binder.queue.add(claim);
        self.sync_claims(host);
    }

    fn sync_claims<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        if !self.control.memory.volumes.binder.queue.starts() {
            return;
        }
        while let Some(claim) = self.control.memory.volumes.binder.queue.take() {
            self.sync_claim(host, claim);
        }
    }

    fn claim_is_synced<S: Sink>(&mut self, host: &mut Host<'_, S>, claim: ClaimRef) {
        self.control.memory.volumes.binder.queue.put_back(claim);
        self.sync_claims(host);
    }

    /// What is to be done about a claim, as the controllers believe.
    fn next_for(&self, key: ClaimRef) -> Next {
        let objects = self.control.feed.view(&self.store).objects();
        let Some(claim) = objects.claim(key.namespace, key.name, &self.catalog) else {
            return Next::Nothing;
        };
        if claim.bound || claim.lost || claim.deleting {
            return Next::Nothing;
        }
        let class = objects.storage_class(Catalog::NO_TEXT, claim.class, &self.catalog);
        let volumes: Vec<&Volume> = objects.volumes(&self.catalog).collect();
        let waits = class.is_some_and(|class| class.binding == BindingMode::WaitForFirstConsumer);
        let made = class.is_some_and(|class| class.makes_volumes(&self.catalog));
        match claim_step(claim, class, volumes.iter().copied(), &self.catalog) {
            ClaimStep::Bind(volume) => Next::Bind(volume),
            ClaimStep::Provision => Next::Make,
            ClaimStep::Keep if waits && made && claim.selected_node.is_some() => Next::Make,
            ClaimStep::Keep if waits => Next::Nothing,
            ClaimStep::Keep | ClaimStep::Lose => Next::Wait,
        }
    }

    fn sync_claim<S: Sink>(&mut self, host: &mut Host<'_, S>, claim: ClaimRef) {
        let next = self.next_for(claim);
        let (now, request, watch) = (host.now, self.timing.request, self.timing.watch);
        let binder = &mut self.control.memory.volumes.binder;
        match next {
            Next::Bind(volume) => {
                let at = binder.client.send(now, REQUESTS_TO_BIND) + request;
                Self::storage_event(host, at, VolumeEvent::ClaimBinds { claim, volume });
                return; // the worker waits for the answers
            }
            Next::Make if binder.making.insert(claim) => {
                // The claim is marked for its driver, which sees it, makes the volume and writes.
                let marked = binder.client.send(now, 1) + request;
                let asked = binder.asked.entry(claim).or_default();
                let attempt = std::mem::replace(asked, *asked + 1);
                let key = Key::of(&self.claim_text(claim));
                let mut draw = self.draws.stream(PROVISION, key, attempt);
                let took = self.volumes.delays.provision.sample(&mut draw);
                let at = marked + watch + took + request;
                Self::storage_event(host, at, VolumeEvent::VolumeMade { claim });
            }
            Next::Wait => {
                binder.without.insert(claim);
            }
            Next::Make | Next::Nothing => {}
        }
        self.claim_is_synced(host, claim);
    }

    /// Claims without a volume are looked at again at the next resync.
    pub(super) fn plan_resync<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let phase = self.draw_phase(RESYNC_PHASE, Key::of("pv-binder"), RESYNC);
        let binder = &mut self.control.memory.volumes.binder;
        if binder.without.is_empty() || binder.resync.is_some() {
            return;
        }
        let at = host.now.next_tick(RESYNC, phase);
        binder.resync = Some(at);
        host.turn(at, Event::Volume(VolumeEvent::ClaimsResync));
    }

    pub(super) fn claims_resync<S: Sink>(&mut self, host: &mut Host<'_, S>) {
        let binder = &mut self.control.memory.volumes.binder;
        binder.resync = None;
        for claim in std::mem::take(&mut binder.without) {
            binder.queue.add(claim);
        }
        self.sync_claims(host);
    }

    /// The binding of a claim reaches the store, which refuses it if somebody else was faster.
    pub(super) fn claim_binds<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        key: ClaimRef,
        volume: Name,
    ) {
        let objects = self.store.truth.objects();
        let claim = objects.claim(key.namespace, key.name, &self.catalog).cloned();
        let volume = objects.volume(Catalog::NO_TEXT, volume, &self.catalog).cloned();
        if let Some(mut claim) = claim.filter(|claim| !claim.bound && !claim.deleting) {
            match volume.filter(|volume| volume.can_be_of(key)) {
                Some(mut volume) => {
                    bind_volume(&mut claim, &mut volume);
                    self.tell_bound(host, &claim, &volume);
                    self.set_volume(host, volume);
                    self.set_claim(host, claim);
                }
                None => self.control.memory.volumes.binder.queue.add(key),
            }
        }
        self.claim_is_synced(host, key);
    }

    /// A driver has made a volume for a claim, for the node that the scheduler chose if it chose
    /// one. If that node is gone, the scheduler is asked to choose again.
    pub(super) fn volume_made<S: Sink>(&mut self, host: &mut Host<'_, S>, key: ClaimRef) {
        self.control.memory.volumes.binder.making.remove(&key);
        let Some(mut claim) = self.open_claim(key).filter(|claim| !claim.deleting) else { return };
        let (driver, reclaim) = self.driver(&claim);
        let place = match claim.selected_node {
            None => self.place_made_at_once(&claim, driver),
            Some(name) => match self.node_called(name) {
                Some(node) => self.topology_of(driver, node),
                None => {
                    claim.selected_node = None;
                    self.set_claim(host, claim);
                    return;
                }
            },
        };
        let volume = provisioned(self.new_volume_name(key), &claim, (driver, reclaim), &place);
        self.introduce_name(host, volume.name);
        let claim = self.introduce_claim(host, key);
        host.fact(Fact::Volume(VolumeFact::Provisioned { volume: volume.name, claim }));
        self.set_volume(host, volume);
    }

    /// Where a driver puts a volume that is for no node yet: the places of all its nodes take
    /// turns, as the name of the claim has it.
    fn place_made_at_once(&self, claim: &Claim, driver: Name) -> Vec<(Name, Name)> {
        let truth = &self.store.truth;
        let class = truth.objects().storage_class(Catalog::NO_TEXT, claim.class, &self.catalog);
        let terms = class.map_or(&[][..], |class| &class.topologies);
        let allowed = |place: &[(Name, Name)]| {
            let value =
                |key: Name| place.iter().find(|(of, _)| *of == key).map(|(_, value)| *value);
            let fits = |term: &Vec<(Name, Vec<Name>)>| {
                let has = |(key, values): &(Name, Vec<Name>)| {
                    value(*key).is_some_and(|value| values.contains(&value))
                };
                !term.is_empty() && term.iter().all(has)
            };
            terms.is_empty() || terms.iter().any(fits)
        };
        let text = |place: &[(Name, Name)]| -> Vec<(String, String)> {
            let names = &self.catalog.names;
            let text = |name: &Name| names.text(*name).to_owned();
            place.iter().map(|(key, value)| (text(key), text(value))).collect()
        };
        let nodes = truth.nodes().iter().filter(|(_, row)| row.present);
        let places = nodes.map(|(node, _)| self.topology_of(driver, node));
        let places = places.filter(|place| !place.is_empty() && allowed(place));
        let sorted: BTreeMap<_, _> = places.map(|place| (text(&place), place)).collect();
        let turn = place_at_once(self.catalog.names.text(claim.name), sorted.len());
        turn.and_then(|turn| sorted.into_values().nth(turn)).unwrap_or_default()
    }

    /// The node of this name, if it is there.
    fn node_called(&self, name: Name) -> Option<NodeId> {
        let mut nodes = self.store.truth.nodes().iter();
        nodes.find(|(_, row)| row.present && row.name == name).map(|(node, _)| node)
    }
}
