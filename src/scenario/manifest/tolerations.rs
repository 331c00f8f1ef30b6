//! Tolerations, with those that admission adds (plugin DefaultTolerationSeconds and core/v1
//! validation, Kubernetes 1.34).

use super::affinity::{EffectWord, TolerationManifest, TolerationOperatorWord};
use super::convert::Reader;
use crate::model::{Effect, Toleration, TolerationOperator};
use crate::scenario::names::check_qualified;
use crate::scenario::tree::join;

/// Taints of a node that is lost, in the order in which admission tolerates them.
const LOST: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
/// How long admission lets a pod stay on a lost node.
const LOST_SECONDS: i64 = 300;

impl From<EffectWord> for Effect {
    fn from(word: EffectWord) -> Effect {
        match word {
            EffectWord::NoSchedule => Effect::NoSchedule,
            EffectWord::PreferNoSchedule => Effect::PreferNoSchedule,
            EffectWord::NoExecute => Effect::NoExecute,
        }
    }
}

/// The tolerations of a pod.
pub(super) fn tolerations(
    reader: &mut Reader<'_>,
    written: &[TolerationManifest],
    path: &str,
) -> Vec<Toleration> {
    let mut read = Vec::new();
    for (at, one) in written.iter().enumerate() {
        let path = join(path, &at.to_string());
        check(reader, one, &path);
        let exists = one.operator == Some(TolerationOperatorWord::Exists);
        read.push(Toleration {
            key: key(one).map(|key| reader.catalog.names.intern(key)),
            operator: if exists { TolerationOperator::Exists } else { TolerationOperator::Equal },
            value: reader.catalog.names.intern(one.value.as_deref().unwrap_or("")),
            effect: one.effect.map(Effect::from),
            seconds: one.toleration_seconds,
        });
    }
    for taint in LOST {
        let covers = |one: &TolerationManifest| {
            key(one).is_none_or(|key| key == taint)
                && one.effect.is_none_or(|effect| effect == EffectWord::NoExecute)
        };
        if !written.iter().any(covers) {
            read.push(Toleration {
                key: Some(reader.catalog.names.intern(taint)),
                operator: TolerationOperator::Exists,
                value: reader.catalog.names.intern(""),
                effect: Some(Effect::NoExecute),
                seconds: Some(LOST_SECONDS),
            });
        }
    }
    read
}

fn key(one: &TolerationManifest) -> Option<&str> {
    one.key.as_deref().filter(|key| !key.is_empty())
}

fn check(reader: &mut Reader<'_>, one: &TolerationManifest, path: &str) {
    let exists = one.operator == Some(TolerationOperatorWord::Exists);
    let value = one.value.as_deref().unwrap_or("");
    if let Some(key) = key(one) {
        reader.problems.extend(check_qualified(key, &join(path, "key")));
    } else if !exists {
        let text = "a toleration without a key covers every taint and needs `operator: Exists`";
        reader.wrong(path.to_owned(), text, "add the key or the operator");
    }
    if exists && !value.is_empty() {
        let text = "`operator: Exists` takes no value";
        reader.wrong(join(path, "value"), text, "remove the value, or use `Equal`");
    }
    if one.toleration_seconds.is_some() && one.effect != Some(EffectWord::NoExecute) {
        let text = "`tolerationSeconds` needs `effect: NoExecute`";
        reader.wrong(join(path, "tolerationSeconds"), text, "remove it, or add the effect");
    }
}
