//! What the API server adds to pods that are created.
//!
//! Source: `plugin/pkg/admission/defaulttolerationseconds`, Kubernetes 1.34.

use crate::ground::Names;
use crate::model::{Catalog, Effect, PodSpec, Toleration, TolerationOperator};

/// Taints of a node that is lost, in the order in which admission tolerates them.
const LOST: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
/// How long admission lets a pod stay on a lost node, seconds.
const LOST_SECONDS: i64 = 300;

/// Lets a pod stay on a lost node for 300 s, unless it says itself how long it stays.
pub fn tolerate_lost_nodes(spec: &mut PodSpec, names: &mut Names) {
    for taint in LOST {
        let key = names.intern(taint);
        let covered = spec.tolerations.iter().any(|toleration| {
            toleration.key.is_none_or(|own| own == key)
                && toleration.effect.is_none_or(|effect| effect == Effect::NoExecute)
        });
        if !covered {
            spec.tolerations.push(Toleration {
                key: Some(key),
                operator: TolerationOperator::Exists,
                value: Catalog::NO_TEXT,
                effect: Some(Effect::NoExecute),
                seconds: Some(LOST_SECONDS),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pod_says_itself_is_kept() {
        let mut catalog = Catalog::new();
        let names = &mut catalog.names;
        let key = names.intern(LOST[1]);
        let mut spec = PodSpec::new(names.intern("default"), names.intern("default-scheduler"));
        spec.tolerations.push(Toleration {
            key: Some(key),
            operator: TolerationOperator::Exists,
            value: Catalog::NO_TEXT,
            effect: Some(Effect::NoExecute),
            seconds: Some(30),
        });
        tolerate_lost_nodes(&mut spec, names);
        let seconds: Vec<_> = spec.tolerations.iter().map(|t| (t.key, t.seconds)).collect();
        let not_ready = names.find(LOST[0]);
        assert_eq!(seconds, [(Some(key), Some(30)), (not_ready, Some(300))]);
        let once = spec.clone();
        tolerate_lost_nodes(&mut spec, names);
        assert_eq!(spec, once, "admitting twice adds nothing");
    }
}
