//! From the other API objects to the nouns of the model.

use super::objects::Reader;
use super::wire;
use crate::ground::Time;
use crate::model::{
    Budget, BudgetCount, Catalog, ClaimRef, DisruptionLimit, IntOrPercent, LabelSelector, Object,
    Owner, OwnerKind, UnhealthyPodEviction,
};
use crate::scenario::storage_object;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn typed<T: DeserializeOwned>(object: &Value) -> Result<T, String> {
    serde_json::from_value(object.clone()).map_err(|error| error.to_string())
}

impl Reader<'_> {
    /// The object of this kind; `None` if decisions do not read such objects.
    pub(super) fn object(&mut self, kind: &str, object: &Value) -> Result<Option<Object>, String> {
        Ok(Some(match kind {
            "Namespace" => {
                let read: wire::Namespace = typed(object)?;
                let (name, labels) = (&read.metadata.name, &read.metadata.labels);
                Object::Namespace { name: self.name(name), labels: self.labels(labels) }
            }
            "Service" => {
                let read: wire::Service = typed(object)?;
                Object::Service {
                    namespace: self.name(&read.metadata.namespace),
                    name: self.name(&read.metadata.name),
                    selector: read.spec.selector.as_ref().map(|selector| self.labels(selector)),
                    publish: false,
                    headless: false,
                }
            }
            "ReplicationController" | "ReplicaSet" | "StatefulSet" => {
                self.owner_of(kind, object)?
            }
            "PodDisruptionBudget" => Object::Budget(self.budget(&typed(object)?)),
            "PriorityClass" => return Ok(None), // pods carry the number
            other => match storage_object(other, object, self.catalog)? {
                Some(object) => object,
                None => return Err(format!("objects of kind `{other}` are not known here")),
            },
        }))
    }

    fn owner_of(&mut self, kind: &str, object: &Value) -> Result<Object, String> {
        if kind == "ReplicationController" {
            let read: wire::ReplicationController = typed(object)?;
            let labels = self.labels(&read.spec.selector.unwrap_or_default());
            return Ok(Object::Owner {
                namespace: self.name(&read.metadata.namespace),
                owner: Owner {
                    kind: OwnerKind::ReplicationController,
                    name: self.name(&read.metadata.name),
                },
                selector: LabelSelector::of(&labels),
            });
        }
        let read: wire::Controller = typed(object)?;
        let kind = match kind {
            "ReplicaSet" => OwnerKind::ReplicaSet,
            _ => OwnerKind::StatefulSet,
        };
        Ok(Object::Owner {
            namespace: self.name(&read.metadata.namespace),
            owner: Owner { kind, name: self.name(&read.metadata.name) },
            selector: self.selector(&read.spec.selector),
        })
    }

    fn budget(&mut self, read: &wire::Budget) -> Budget {
        Budget {
            namespace: self.name(&read.metadata.namespace),
            name: self.name(&read.metadata.name),
            selector: self.maybe(&read.spec.selector),
            // Only the status counts for the scheduler.
            limit: DisruptionLimit::MaxUnavailable(IntOrPercent::Int(0)),
            unhealthy: UnhealthyPodEviction::default(),
            observed: true,
            count: BudgetCount {
                allowed: u32::try_from(read.status.disruptions_allowed).unwrap_or(0),
                ..BudgetCount::default()
            },
            disrupted: (read.status.disrupted_pods.keys())
                .map(|name| (self.name(name), Time::ZERO))
                .collect(),
        }
    }

    /// The claim of this full name.
    pub(super) fn claim_ref(&mut self, full: &str) -> ClaimRef {
        let (namespace, name) = full.split_once('/').unwrap_or(("", full));
        ClaimRef { namespace: self.name(namespace), name: self.name(name) }
    }
}

/// The full name of a claim.
pub(super) fn full_name(claim: ClaimRef, catalog: &Catalog) -> String {
    let text = |name| catalog.names.text(name);
    format!("{}/{}", text(claim.namespace), text(claim.name))
}
