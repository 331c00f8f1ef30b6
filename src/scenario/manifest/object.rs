//! What objects of every kind have: metadata, owners, selectors.

use super::affinity::{OperatorWord, RequirementManifest};
use super::convert::Reader;
use super::rest::with_rest;
use crate::scenario::names::check_label;
use crate::scenario::tree::join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

with_rest! {
    /// Metadata of an object.
    pub struct ObjectMeta reads ObjectMetaRead, knows ObjectMetaKeys {
        /// Name, unique in its namespace among objects of its kind.
        pub name: String,
        /// Namespace; `default` if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub namespace: Option<String>,
        /// Labels.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub labels: BTreeMap<String, String>,
        /// Annotations, of which only `controller.kubernetes.io/pod-deletion-cost` of a pod
        /// matters.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub annotations: BTreeMap<String, String>,
        /// Objects that it belongs to.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub owner_references: Vec<OwnerReference>,
        /// When it was asked to go.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub deletion_timestamp: Option<String>,
    }
    refused: []
    without_effect: [
        "clusterName", "creationTimestamp", "deletionGracePeriodSeconds",
        "finalizers", "generateName", "generation", "managedFields", "resourceVersion",
        "selfLink", "uid",
    ]
}

impl Reader<'_> {
    /// Notes what of the metadata of an object that is no pod has no effect.
    pub(in crate::scenario) fn meta(&mut self, metadata: &ObjectMeta) {
        self.rest(&metadata.rest, "metadata");
        if !metadata.annotations.is_empty() {
            self.without_effect.push(join("metadata", "annotations"));
        }
    }
}

impl ObjectMeta {
    /// The owner that manages it.
    pub fn controller(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|owner| owner.controller == Some(true))
    }
}

/// An object that another one belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnerReference {
    /// Version of the kind.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Name, in the same namespace or without one.
    pub name: String,
    /// Its identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// It manages the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<bool>,
    /// It does not go before the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_owner_deletion: Option<bool>,
}

/// Conditions on labels of pods, which must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SelectorManifest {
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Conditions: `In`, `NotIn`, `Exists` and `DoesNotExist`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<RequirementManifest>,
}

/// Refuses a selector of a controller that does not select the pods of its template.
pub(super) fn check_selector(
    reader: &mut Reader<'_>,
    selector: &SelectorManifest,
    labels: &BTreeMap<String, String>,
    path: &str,
) {
    if selector.match_labels.is_empty() && selector.match_expressions.is_empty() {
        let text = "an empty selector would select every pod";
        reader.wrong(path.to_owned(), text, "write the labels of the template as `matchLabels`");
        return;
    }
    let hint = "selector and labels of the template have to fit: change one of them";
    for (key, value) in &selector.match_labels {
        let path = join(&join(path, "matchLabels"), key);
        if let Some(problem) = check_label(key, value, &path) {
            reader.problems.push(problem);
        } else if labels.get(key) != Some(value) {
            let text = format!("the template has no label `{key}: {value}`");
            reader.wrong(path, text, hint);
        }
    }
    for (at, one) in selector.match_expressions.iter().enumerate() {
        let path = join(&join(path, "matchExpressions"), &at.to_string());
        let value = labels.get(&one.key);
        let listed = value.is_some_and(|value| one.values.contains(value));
        let holds = match (one.operator, one.values.is_empty()) {
            (OperatorWord::In, false) => listed,
            (OperatorWord::NotIn, false) => !listed,
            (OperatorWord::Exists, true) => value.is_some(),
            (OperatorWord::DoesNotExist, true) => value.is_none(),
            (OperatorWord::In | OperatorWord::NotIn, true) => {
                let text = "`In` and `NotIn` need at least one value";
                reader.wrong(join(&path, "values"), text, "");
                continue;
            }
            (OperatorWord::Exists | OperatorWord::DoesNotExist, false) => {
                let text = "`Exists` and `DoesNotExist` take no values";
                reader.wrong(join(&path, "values"), text, "");
                continue;
            }
            (OperatorWord::Gt | OperatorWord::Lt, _) => {
                let text = "a selector of pods compares with `In`, `NotIn`, `Exists` and \
                            `DoesNotExist`";
                reader.wrong(join(&path, "operator"), text, "use one of these");
                continue;
            }
        };
        if !holds {
            let text =
                format!("the labels of the template do not meet this condition on `{}`", one.key);
            reader.wrong(path, text, hint);
        }
    }
}

with_rest! {
    /// A namespace.
    pub struct NamespaceManifest reads NamespaceRead, knows NamespaceKeys {
        /// Its name and labels.
        pub metadata: ObjectMeta,
    }
    refused: []
    without_effect: ["spec", "status"]
}
