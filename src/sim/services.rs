//! The services of a run that select pods, and which pods are behind each.

use super::host::Host;
use super::world::World;
use crate::ground::{Name, Table};
use crate::journal::{DiscoveryFact, Fact, Sink};
use crate::model::{Catalog, Labels, Object, ObjectId, ObjectKey, PodSpecId, ServiceId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A service that selects pods.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ServiceRow {
    pub(super) namespace: Name,
    pub(super) name: Name,
    selector: Labels,
    /// Pods are listed as ready even if they are not.
    pub(super) publish: bool,
    /// Clients find its pods by name, and no proxy takes part.
    pub(super) headless: bool,
}

/// The services, in order of appearance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Services {
    rows: Table<ServiceId, ServiceRow>,
    ids: BTreeMap<ObjectKey, ServiceId>,
    /// The services that pods of a specification are behind, as far as somebody asked.
    of_spec: BTreeMap<PodSpecId, Vec<ServiceId>>,
    told: BTreeSet<(ServiceId, PodSpecId)>,
}

impl Services {
    /// True if no service selects pods.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A service.
    pub(super) fn row(&self, service: ServiceId) -> &ServiceRow {
        &self.rows[service]
    }

    /// All of them.
    pub(super) fn ids(&self) -> impl Iterator<Item = ServiceId> + use<> {
        self.rows.ids()
    }

    /// The service that an object is.
    pub(super) fn service(&self, object: ObjectId, catalog: &Catalog) -> Option<ServiceId> {
        match catalog.object(object) {
            object @ Object::Service { .. } => self.ids.get(&object.key()).copied(),
            _ => None,
        }
    }

    /// Takes an object in if it is a service that selects pods; the service if it is new.
    pub(super) fn define(&mut self, object: ObjectId, catalog: &Catalog) -> Option<ServiceId> {
        let object = catalog.object(object);
        let Object::Service { namespace, name, selector, publish, headless } = object else {
            return None;
        };
        let (namespace, name, selector) = (*namespace, *name, selector.clone()?);
        let (publish, headless) = (*publish, *headless);
        let row = ServiceRow { namespace, name, selector, publish, headless };
        let known = self.ids.get(&object.key()).copied();
        match known {
            Some(known) => self.rows[known] = row,
            None => drop(self.ids.insert(object.key(), self.rows.push(row))),
        }
        for spec in std::mem::take(&mut self.of_spec).into_keys() {
            self.of(spec, catalog);
        }
        self.ids.get(&object.key()).copied().filter(|_| known.is_none())
    }

    /// True if pods of a specification, of which there are some, are behind a service.
    pub(super) fn select(&self, spec: PodSpecId) -> bool {
        self.of_spec.get(&spec).is_some_and(|services| !services.is_empty())
    }

    /// The services that pods of a specification are behind.
    pub(super) fn of(&mut self, spec: PodSpecId, catalog: &Catalog) -> &[ServiceId] {
        let rows = &self.rows;
        self.of_spec.entry(spec).or_insert_with(|| {
            let pod = catalog.pod_spec(spec);
            let selects = |(_, row): &(ServiceId, &ServiceRow)| {
                let has = |(key, value)| pod.labels.get(key) == Some(value);
                row.namespace == pod.namespace && row.selector.iter().all(has)
            };
            rows.iter().filter(selects).map(|(id, _)| id).collect()
        })
    }

    /// The services that pods of a specification are behind and that were not told of it before.
    pub(super) fn untold(&mut self, spec: PodSpecId, catalog: &Catalog) -> Vec<ServiceId> {
        if self.is_empty() {
            return Vec::new();
        }
        let services = self.of(spec, catalog).to_vec();
        services.into_iter().filter(|service| self.told.insert((*service, spec))).collect()
    }
}

impl World {
    /// Takes an object in if it is a service that selects pods. Without kubelets and delays there
    /// is nothing to discover.
    pub(super) fn define_service<S: Sink>(&mut self, host: &mut Host<'_, S>, object: ObjectId) {
        if !self.is_lifecycle() {
            return;
        }
        let Some(service) = self.control.services_mut().define(object, &self.catalog) else {
            return;
        };
        let row = self.control.services().row(service);
        let (namespace, name, headless) = (row.namespace, row.name, row.headless);
        self.introduce_name(host, namespace);
        self.introduce_name(host, name);
        let defined = DiscoveryFact::ServiceDefined { service, namespace, name, headless };
        host.fact(Fact::Discovery(defined));
        self.proxies_start();
    }

    /// Tells of the services that pods of a specification are behind.
    pub(super) fn tell_services_of<S: Sink>(&mut self, host: &mut Host<'_, S>, spec: PodSpecId) {
        for service in self.control.services_mut().untold(spec, &self.catalog) {
            host.fact(Fact::Discovery(DiscoveryFact::PodsSelected { service, spec }));
        }
    }
}
