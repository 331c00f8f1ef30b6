//! Priority classes (scheduling/v1 validation, `pkg/apis/scheduling/types.go`, and the admission
//! plugin Priority, Kubernetes 1.34).

use super::PreemptionWord;
use super::convert::Reader;
use super::object::ObjectMeta;
use super::pod::PodManifest;
use super::rest::with_rest;
use crate::ground::Problem;
use crate::model::{PodSpec, PreemptionPolicy};
use crate::scenario::diagnostic::{list, nearest};
use crate::scenario::tree::join;
use std::collections::BTreeMap;

/// The classes that every cluster has.
const BUILT_IN: [(&str, i32); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];
/// Largest priority of a class that users make.
const USER_MAX: i32 = 1_000_000_000;

with_rest! {
    /// A priority class.
    pub struct PriorityClassManifest reads PriorityClassRead, knows PriorityClassKeys {
        /// Its name.
        pub metadata: ObjectMeta,
        /// The priority of its pods.
        pub value: i32,
        /// It is the class of pods that name none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub global_default: Option<bool>,
        /// May its pods displace others?
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub preemption_policy: Option<PreemptionWord>,
    }
    refused: []
    without_effect: ["description"]
}

#[derive(Debug, Clone, Copy)]
struct Class {
    value: i32,
    preemption: PreemptionPolicy,
}

/// The priority classes of a cluster.
#[derive(Debug)]
pub(in crate::scenario) struct PriorityClasses {
    classes: BTreeMap<String, Class>,
    default: Option<String>,
    /// False if there may be more that could not be read.
    pub(in crate::scenario) complete: bool,
}

impl Default for PriorityClasses {
    /// Those that every cluster has.
    fn default() -> PriorityClasses {
        let class = |(name, value): (&str, i32)| {
            (name.to_owned(), Class { value, preemption: PreemptionPolicy::default() })
        };
        PriorityClasses {
            classes: BUILT_IN.into_iter().map(class).collect(),
            default: None,
            complete: true,
        }
    }
}

impl PriorityClasses {
    /// Adds a class, or says what is wrong with it.
    pub(in crate::scenario) fn add(&mut self, class: &PriorityClassManifest) -> Vec<Problem> {
        let name = class.metadata.name.as_str();
        let mut problems = Vec::new();
        if let Some((_, value)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            if class.value != *value {
                let text = format!("the value of `{name}` is {value}, not {}", class.value);
                problems.push(Problem::new("value", text).hint("give your class another name"));
            }
        } else if name.starts_with("system-") {
            let text = format!("`{name}` begins like the classes that Kubernetes brings");
            let hint = "give it a name that does not begin with `system-`";
            problems.push(Problem::new("metadata.name", text).hint(hint));
        } else if class.value > USER_MAX {
            let text = format!("the value {} is above {USER_MAX}", class.value);
            problems.push(Problem::new("value", text).hint(format!("write at most {USER_MAX}")));
        }
        if class.global_default == Some(true) {
            if let Some(other) = &self.default {
                let text = format!("`{other}` is the default of all pods already");
                let hint = "keep one `globalDefault: true`";
                problems.push(Problem::new("globalDefault", text).hint(hint));
            }
            self.default = Some(name.to_owned());
        }
        let preemption = policy(class.preemption_policy);
        self.classes.insert(name.to_owned(), Class { value: class.value, preemption });
        problems
    }

    fn unknown(&self, name: &str) -> String {
        match nearest(name, self.classes.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "add the PriorityClass to `objects:`; the classes are {}",
                list(self.classes.keys().map(String::as_str), "and")
            ),
        }
    }
}

/// Sets the priority of a pod: that of its class, the number it has, or that of the default class.
/// The number of a pod that was `admitted` already holds, whatever its class is now.
pub(super) fn priority(
    reader: &mut Reader<'_>,
    pod: &PodManifest,
    (path, admitted): (&str, bool),
    spec: &mut PodSpec,
) {
    let number = pod.priority;
    spec.preemption_policy = policy(pod.preemption_policy);
    spec.priority = number.unwrap_or(0);
    if admitted && number.is_some() {
        return;
    }
    let name = pod.priority_class_name.as_deref().filter(|name| !name.is_empty());
    let default = reader.classes.default.as_deref().filter(|_| number.is_none());
    let Some(class_name) = name.or(default) else { return };
    let Some(class) = reader.classes.classes.get(class_name).copied() else {
        if !reader.classes.complete {
            return;
        }
        let hint = reader.classes.unknown(class_name);
        let text = format!("no priority class is called `{class_name}`");
        reader.wrong(join(path, "priorityClassName"), text, &hint);
        return;
    };
    if let Some(number) = number.filter(|number| *number != class.value) {
        let text = format!("`priority` is {number}, that of `{class_name}` is {}", class.value);
        reader.wrong(join(path, "priority"), text, "remove it: the class says it");
    }
    if let Some(word) = pod.preemption_policy
        && policy(Some(word)) != class.preemption
    {
        let text = format!("`preemptionPolicy` differs from that of the class `{class_name}`");
        reader.wrong(join(path, "preemptionPolicy"), text, "remove it: the class says it");
    }
    spec.priority = class.value;
    spec.preemption_policy = class.preemption;
}

fn policy(word: Option<PreemptionWord>) -> PreemptionPolicy {
    match word {
        Some(PreemptionWord::Never) => PreemptionPolicy::Never,
        None | Some(PreemptionWord::PreemptLowerPriority) => PreemptionPolicy::PreemptLowerPriority,
    }
}
