//! Kinds of Kubernetes objects: those that are read, those that change nothing in a simulation,
//! and those that are refused by name.

use crate::scenario::diagnostic::nearest;

/// A kind that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It is read.
    Read(Kind),
    /// It changes nothing in a simulation.
    Inert,
    /// It comes later: with what, and what to do until then.
    Later(&'static str, &'static str),
}

/// A kind that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scenario) enum Kind {
    /// A machine.
    Node,
    /// A pod.
    Pod,
    /// Pods that are kept alive.
    ReplicaSet,
    /// ReplicaSets, one after the other.
    Deployment,
    /// Pods with numbers, that are kept alive.
    StatefulSet,
    /// Pods that run to their end.
    Job,
    /// A priority with a name.
    PriorityClass,
    /// A part of the cluster.
    Namespace,
    /// The way to pods that do the same.
    Service,
    /// How many pods may go.
    PodDisruptionBudget,
    /// A volume that is there.
    PersistentVolume,
    /// A claim of a volume.
    PersistentVolumeClaim,
    /// A kind of storage.
    StorageClass,
    /// The storage drivers of a node.
    CsiNode,
    /// A storage driver.
    CsiDriver,
    /// What is left of a storage class.
    CsiStorageCapacity,
}

impl Kind {
    /// True if its objects are in no namespace.
    pub(super) fn is_cluster_wide(self) -> bool {
        match self {
            Kind::Node
            | Kind::PriorityClass
            | Kind::Namespace
            | Kind::PersistentVolume
            | Kind::StorageClass
            | Kind::CsiNode
            | Kind::CsiDriver => true,
            Kind::Pod
            | Kind::ReplicaSet
            | Kind::Deployment
            | Kind::StatefulSet
            | Kind::Job
            | Kind::Service
            | Kind::PodDisruptionBudget
            | Kind::PersistentVolumeClaim
            | Kind::CsiStorageCapacity => false,
        }
    }
}

const CONTROLLERS: &str = "the other controllers";
const STORAGE: &str = "storage.k8s.io";
const LIMITS: &str = "quotas and limits";
const REMOVE: &str = "leave the object out";

/// Group, version, kind. The core group has no name.
const KINDS: [(&str, &str, &str, Known); 45] = [
    ("", "v1", "Node", Known::Read(Kind::Node)),
    ("", "v1", "Pod", Known::Read(Kind::Pod)),
    ("", "v1", "Namespace", Known::Read(Kind::Namespace)),
    ("apps", "v1", "ReplicaSet", Known::Read(Kind::ReplicaSet)),
    ("apps", "v1", "Deployment", Known::Read(Kind::Deployment)),
    ("scheduling.k8s.io", "v1", "PriorityClass", Known::Read(Kind::PriorityClass)),
    ("", "v1", "Service", Known::Read(Kind::Service)),
    ("", "v1", "PersistentVolume", Known::Read(Kind::PersistentVolume)),
    ("", "v1", "PersistentVolumeClaim", Known::Read(Kind::PersistentVolumeClaim)),
    (STORAGE, "v1", "StorageClass", Known::Read(Kind::StorageClass)),
    (STORAGE, "v1", "CSINode", Known::Read(Kind::CsiNode)),
    (STORAGE, "v1", "CSIDriver", Known::Read(Kind::CsiDriver)),
    (STORAGE, "v1", "CSIStorageCapacity", Known::Read(Kind::CsiStorageCapacity)),
    (STORAGE, "v1", "VolumeAttributesClass", Known::Inert),
    ("", "v1", "Endpoints", Known::Inert),
    ("", "v1", "ConfigMap", Known::Inert),
    ("", "v1", "Secret", Known::Inert),
    ("", "v1", "ServiceAccount", Known::Inert),
    ("", "v1", "Event", Known::Inert),
    ("events.k8s.io", "v1", "Event", Known::Inert),
    ("discovery.k8s.io", "v1", "EndpointSlice", Known::Inert),
    ("coordination.k8s.io", "v1", "Lease", Known::Inert),
    ("apps", "v1", "ControllerRevision", Known::Inert),
    ("networking.k8s.io", "v1", "Ingress", Known::Inert),
    ("networking.k8s.io", "v1", "IngressClass", Known::Inert),
    ("networking.k8s.io", "v1", "NetworkPolicy", Known::Inert),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", Known::Inert),
    ("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", Known::Inert),
    ("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", Known::Inert),
    ("apiregistration.k8s.io", "v1", "APIService", Known::Inert),
    ("rbac.authorization.k8s.io", "v1", "Role", Known::Inert),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", Known::Inert),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", Known::Inert),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", Known::Inert),
    ("apps", "v1", "StatefulSet", Known::Read(Kind::StatefulSet)),
    (
        "apps",
        "v1",
        "DaemonSet",
        Known::Later(CONTROLLERS, "list its pods with their `nodeName`, or leave it out"),
    ),
    ("batch", "v1", "Job", Known::Read(Kind::Job)),
    (
        "batch",
        "v1",
        "CronJob",
        Known::Later(CONTROLLERS, "write it as a `batch` workload, or leave it out"),
    ),
    (
        "",
        "v1",
        "ReplicationController",
        Known::Later(CONTROLLERS, "write it as a Deployment, or leave it out"),
    ),
    ("policy", "v1", "PodDisruptionBudget", Known::Read(Kind::PodDisruptionBudget)),
    (
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        Known::Later("autoscaling", "write the replicas that it would choose, and leave it out"),
    ),
    (
        STORAGE,
        "v1",
        "VolumeAttachment",
        Known::Later("the attaching of volumes", "leave it out: pods say what is attached"),
    ),
    ("", "v1", "ResourceQuota", Known::Later(LIMITS, REMOVE)),
    (
        "",
        "v1",
        "LimitRange",
        Known::Later(LIMITS, "write its defaults into the containers, and leave it out"),
    ),
    (
        "node.k8s.io",
        "v1",
        "RuntimeClass",
        Known::Later("runtime classes", "write its overhead into the pods as `overhead:`"),
    ),
];

/// Why an object of such a kind is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    /// True if the version is wrong, and not the kind.
    pub(super) of_version: bool,
    pub(super) text: String,
    pub(super) hint: String,
}

/// What is known of a kind, and its name.
pub(super) fn classify(api_version: &str, kind: &str) -> Result<(Known, &'static str), Refusal> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let found = KINDS.iter().find(|(known, _, name, _)| *name == kind && *known == group);
    // Deployments and ReplicaSets were in `extensions` once.
    let found = found.or_else(|| {
        let moved = |(_, _, name, _): &&(&str, &str, &str, Known)| *name == kind;
        KINDS.iter().find(moved).filter(|_| group == "extensions")
    });
    let Some((known_group, known_version, name, known)) = found else {
        return Err(unknown(api_version, kind));
    };
    match known {
        Known::Later(with, hint) => Err(Refusal {
            of_version: false,
            text: format!("a {name} is not supported yet; it comes with {with}"),
            hint: (*hint).to_owned(),
        }),
        Known::Read(_) if (group, version) != (*known_group, *known_version) => {
            let wanted = match *known_group {
                "" => (*known_version).to_owned(),
                group => format!("{group}/{known_version}"),
            };
            Err(Refusal {
                of_version: true,
                text: format!("a {name} is of `{wanted}`, not of `{api_version}`"),
                hint: format!("write `apiVersion: {wanted}`, and what that version asks for"),
            })
        }
        Known::Read(_) | Known::Inert => Ok((*known, *name)),
    }
}

fn unknown(api_version: &str, kind: &str) -> Refusal {
    let near = nearest(kind, KINDS.iter().map(|(_, _, name, _)| *name));
    let hint = match near {
        Some(near) if near != kind => format!("did you mean `{near}`?"),
        _ if kind == "Kustomization" => {
            "build the objects first: `kubectl kustomize FOLDER > objects.yaml`".to_owned()
        }
        _ if api_version.starts_with("wavetank/") => {
            "keep scenarios out of the folders of objects".to_owned()
        }
        _ => "leave the object out: read are Node, Pod, ReplicaSet, Deployment, StatefulSet, Job, \
              PriorityClass, Namespace, Service, PodDisruptionBudget and the objects of storage; \
              ConfigMap, Secret, RBAC and the like change nothing"
            .to_owned(),
    };
    let text = format!("`{kind}` of `{api_version}` is not a kind that can be simulated");
    Refusal { of_version: false, text, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_with_their_group() {
        for (api_version, kind, expected) in [
            ("v1", "Pod", "read"),
            ("apps/v1", "Deployment", "read"),
            ("networking.k8s.io/v1beta1", "Ingress", "inert"),
            ("extensions/v1beta1", "Deployment", "is of `apps/v1`, not of `extensions/v1beta1`"),
            ("v2", "Pod", "is of `v1`"),
            ("batch/v1beta1", "CronJob", "comes with the other controllers"),
            ("serving.knative.dev/v1", "Service", "is not a kind"),
            ("example.com/v1", "Shop", "is not a kind"),
        ] {
            let found = match classify(api_version, kind) {
                Ok((Known::Read(_), _)) => "read".to_owned(),
                Ok(_) => "inert".to_owned(),
                Err(refusal) => refusal.text,
            };
            assert!(found.contains(expected), "{api_version} {kind}: {found}");
        }
        assert!(classify("apps/v1", "Deploymnet").unwrap_err().hint.contains("`Deployment`"));
    }
}
