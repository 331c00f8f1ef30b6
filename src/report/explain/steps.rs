//! The steps of a pod's life in words.

use super::AttemptRow;
use crate::journal::{DiscoveryFact, Fact, PodTrail, Reach, Record};
use crate::report::fact_words::{Cast, Telling};
use crate::report::words::listed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One step of a pod's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Simulated time, nanoseconds.
    pub at_ns: u64,
    /// The kind of fact, as the event log calls it.
    pub fact: String,
    /// What happened.
    pub what: String,
    /// Why, or what there is to know about it; may be empty.
    pub why: String,
    /// The text that steps which repeat each other have in common.
    pub family: String,
}

/// Every step, in order.
pub(super) fn steps(trail: &PodTrail, attempts: &[AttemptRow], cast: &Cast<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut attempt = attempts.iter();
    for record in &trail.records {
        let mut telling = cast.tell(&record.fact);
        match record.fact {
            // A lifetime and the pod whose place is taken belong to the creation.
            Fact::LifetimeSet { .. } => {
                if let Some(created) = steps.last_mut() {
                    created.why = format!("{}; {}", created.why, telling.what);
                }
                continue;
            }
            Fact::Replaced { pod, lost } if pod == trail.pod => {
                if let Some(created) = steps.last_mut() {
                    let became = cast.loss(lost);
                    let text = format!("{}, to replace {}", created.why, cast.pod(lost));
                    created.why = format!("{text} ({became})");
                }
                continue;
            }
            Fact::Refused { .. } | Fact::Bound { .. } | Fact::BindFailed { .. } => {
                if let Some(attempt) = attempt.next() {
                    complete(&mut telling, &record.fact, attempt);
                }
            }
            // Half of them and all of them say enough.
            Fact::Discovery(DiscoveryFact::EndpointRouted { reach: Reach::First, .. }) => continue,
            _ => {}
        }
        steps.push(step(record, telling, cast));
    }
    steps
}

/// Adds what the explanation of an attempt knows.
fn complete(telling: &mut Telling, fact: &Fact, attempt: &AttemptRow) {
    match fact {
        Fact::Refused { .. } => {
            telling.what = format!("attempt {} found no node", attempt.number);
            telling.why = attempt.why();
        }
        Fact::Bound { .. } => telling.why = attempt.why(),
        _ => {}
    }
}

fn step(record: &Record, telling: Telling, cast: &Cast<'_>) -> Step {
    let written = match record.fact {
        Fact::Discovery(fact) => format!("{fact:?}"),
        Fact::Volume(fact) => format!("Volume{fact:?}"),
        fact => format!("{fact:?}"),
    };
    let end = written.find([' ', '{']).unwrap_or(written.len());
    Step {
        at_ns: record.at.as_nanos(),
        fact: written[..end].to_owned(),
        family: family(&record.fact, &telling, cast),
        what: telling.what,
        why: telling.why,
    }
}

/// What steps that repeat each other have in common.
fn family(fact: &Fact, telling: &Telling, cast: &Cast<'_>) -> String {
    match *fact {
        Fact::Refused { refusers, .. } => {
            let plugins: Vec<String> = refusers.iter().map(|plugin| plugin.to_string()).collect();
            match plugins.as_slice() {
                [] => "attempt without a node".to_owned(),
                plugins => format!("attempt refused by {}", listed(plugins)),
            }
        }
        Fact::ContainerWaiting { pod, container, wait, .. } => {
            format!("container {} waits ({})", cast.container(pod, container), wait.word())
        }
        Fact::UsageSet { memory: true, .. } => "memory in use changed".to_owned(),
        Fact::UsageSet { memory: false, .. } => "CPU in use changed".to_owned(),
        Fact::ImagesCollected { node, .. } => format!("{} threw images away", cast.node(node)),
        _ => telling.what.clone(),
    }
}
