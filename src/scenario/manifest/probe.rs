//! Probes and hooks of containers as users write them (core/v1 defaults and validation,
//! Kubernetes 1.34).

use super::convert::Reader;
use super::rest::with_rest;
use crate::ground::Span;
use crate::model::{Hook, ProbeKind, ProbeParams, Probes};
use crate::scenario::tree::join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

with_rest! {
    /// A probe with its handler. What the handler asks for has no effect: how an application
    /// answers is said under `applications:`.
    pub struct ProbeManifest reads ProbeRead, knows ProbeKeys {
        /// No probe before the container is so many seconds old; 0 if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub initial_delay_seconds: Option<u32>,
        /// Seconds from probe to probe; 10 if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub period_seconds: Option<u32>,
        /// Seconds after which a probe without an answer has failed; 1 if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timeout_seconds: Option<u32>,
        /// Successes in a row that count after a failure; 1 if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub success_threshold: Option<u32>,
        /// Failures in a row that count; 3 if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub failure_threshold: Option<u32>,
        /// Seconds between TERM and the kill for this probe; those of the pod if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub termination_grace_period_seconds: Option<u32>,
    }
    refused: []
    without_effect: ["exec", "grpc", "httpGet", "tcpSocket"]
}

with_rest! {
    /// What runs at the start and before the end of a container.
    pub struct LifecycleManifest reads LifecycleRead, knows LifecycleKeys {
        /// Runs right after the start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub post_start: Option<HookManifest>,
        /// Runs before TERM.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pre_stop: Option<HookManifest>,
    }
    refused: []
    without_effect: ["stopSignal"]
}

with_rest! {
    /// A hook. How long one takes that is not a sleep is said under `applications:`.
    pub struct HookManifest reads HookRead, knows HookKeys {
        /// Waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sleep: Option<SleepManifest>,
    }
    refused: []
    without_effect: ["exec", "httpGet", "tcpSocket"]
}

/// A wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SleepManifest {
    /// How many seconds.
    pub seconds: u32,
}

/// The probes of a container, each with its kind and its key.
pub(super) type Written<'a> = [(ProbeKind, &'static str, Option<&'a ProbeManifest>); 3];

/// The probes of a container. Those of an init container that is no sidecar are refused.
pub(super) fn probes(
    reader: &mut Reader<'_>,
    written: Written<'_>,
    allowed: bool,
    path: &str,
) -> Probes {
    let mut probes = Probes::default();
    for (kind, key, probe) in written {
        let Some(probe) = probe else { continue };
        let path = join(path, key);
        if !allowed {
            no_init(reader, &path, key);
            continue;
        }
        let params = params(reader, probe, kind, &path);
        match kind {
            ProbeKind::Startup => probes.startup = params,
            ProbeKind::Readiness => probes.readiness = params,
            ProbeKind::Liveness => probes.liveness = params,
        }
    }
    probes
}

fn no_init(reader: &mut Reader<'_>, path: &str, key: &str) {
    let text = format!("an init container that is no sidecar has no `{key}`");
    reader.wrong(path.to_owned(), text, "remove it, or write `restartPolicy: Always` beside it");
}

fn params(
    reader: &mut Reader<'_>,
    probe: &ProbeManifest,
    kind: ProbeKind,
    path: &str,
) -> Option<ProbeParams> {
    let handlers: Vec<&str> = probe.rest.without_effect().collect();
    one_handler(reader, &handlers, ProbeKeys::HANDLERS, path);
    reader.rest(&probe.rest, path);
    // A zero is a value that was left out, as upstream's defaulting has it.
    let or = |given: Option<u32>, default: u32| given.filter(|given| *given > 0).unwrap_or(default);
    let seconds = |given, default| Span::from_secs(u64::from(or(given, default)));
    let params = ProbeParams {
        initial_delay: seconds(probe.initial_delay_seconds, 0),
        period: seconds(probe.period_seconds, 10),
        timeout: seconds(probe.timeout_seconds, 1),
        success_threshold: or(probe.success_threshold, 1),
        failure_threshold: or(probe.failure_threshold, 3),
        termination_grace: probe
            .termination_grace_period_seconds
            .map(|seconds| Span::from_secs(u64::from(seconds))),
    };
    if params.termination_grace == Some(Span::ZERO) {
        let path = join(path, "terminationGracePeriodSeconds");
        reader.wrong(path, "the grace of a probe is at least a second", "remove it");
    }
    let problems = params.check(kind);
    reader.problems.extend(problems.into_iter().map(|problem| problem.under(path)));
    Some(params)
}

impl ProbeKeys {
    const HANDLERS: &'static str = "`exec`, `grpc`, `httpGet` or `tcpSocket`";
}

impl HookKeys {
    const HANDLERS: &'static str = "`exec`, `httpGet`, `sleep` or `tcpSocket`";
}

fn one_handler(reader: &mut Reader<'_>, handlers: &[&str], known: &str, path: &str) {
    match handlers {
        [_] => {}
        [] => reader.wrong(path.to_owned(), "a handler is missing", &format!("write {known}")),
        [first, second, ..] => {
            let text = format!("`{first}` and `{second}` exclude each other");
            reader.wrong(join(path, second), text, "keep one of them");
        }
    }
}

/// The hooks of a container: after its start and before its end.
pub(super) fn hooks(
    reader: &mut Reader<'_>,
    lifecycle: Option<&LifecycleManifest>,
    allowed: bool,
    path: &str,
) -> (Option<Hook>, Option<Hook>) {
    let Some(lifecycle) = lifecycle else { return (None, None) };
    let path = join(path, "lifecycle");
    if !allowed {
        no_init(reader, &path, "lifecycle");
        return (None, None);
    }
    reader.rest(&lifecycle.rest, &path);
    let mut read = |key, written: &Option<HookManifest>| {
        let written = written.as_ref()?;
        let path = join(&path, key);
        let mut handlers: Vec<&str> = written.rest.without_effect().collect();
        handlers.extend(written.sleep.as_ref().map(|_| "sleep"));
        one_handler(reader, &handlers, HookKeys::HANDLERS, &path);
        reader.rest(&written.rest, &path);
        let sleep = |sleep: &SleepManifest| Span::from_secs(u64::from(sleep.seconds));
        Some(written.sleep.as_ref().map(sleep).map_or(Hook::Command, Hook::Sleep))
    };
    (read("postStart", &lifecycle.post_start), read("preStop", &lifecycle.pre_stop))
}
