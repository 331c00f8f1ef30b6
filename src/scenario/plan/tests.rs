//! What a scenario becomes: nodes, services and sources.

use crate::model::{LossPolicy, WorkloadKind};
use crate::scenario::{BASE_VARIANT, Input, Loaded, Scenario};
use crate::stimulus::SourcePlan;
use proptest::prelude::*;
use std::path::PathBuf;

const FOLDER: &str = "tests/cases/scenario/good";

fn everything() -> String {
    std::fs::read_to_string(format!("{FOLDER}/everything.yaml")).unwrap()
}

fn load(text: &str, sets: &[&str]) -> Result<Loaded, String> {
    let (name, folder) = ("t.yaml".to_owned(), PathBuf::from(FOLDER));
    let input = Input::Text { name, text: text.as_bytes().to_vec(), folder };
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    Scenario::load(&input, &sets).map_err(|diagnostics| diagnostics[0].render(false))
}

#[test]
fn nodes_are_dealt_to_zones_and_have_labels() {
    let loaded = load(&everything(), &[]).unwrap();
    let plan = &loaded.scenarios[0].plan;
    let names = &plan.catalog.names;
    let rows: Vec<(&str, &str, Option<&str>)> = plan
        .nodes
        .iter()
        .map(|n| (names.text(n.name), names.text(n.group), n.zone.map(|zone| names.text(zone))))
        .collect();
    let expected = [
        ("general-0", "general", Some("a")),
        ("general-1", "general", Some("b")),
        ("general-2", "general", Some("a")),
        ("general-3", "general", Some("b")),
        ("general-4", "general", Some("a")),
        ("gpu-0", "gpu", None),
        ("gpu-1", "gpu", None),
        ("machine-0", "trace", None),
        ("machine-1", "trace", None),
    ];
    assert_eq!(rows, expected);
    let label = |node: usize, key: &str| {
        let labels = &plan.catalog.node_spec(plan.nodes[node].spec).labels;
        labels.get(names.find(key)?).map(|value| names.text(value))
    };
    assert_eq!(label(1, "topology.kubernetes.io/zone"), Some("b"));
    assert_eq!(label(0, "tier"), Some("8"));
    assert_eq!(label(0, "kubernetes.io/os"), Some("linux"));
    assert_eq!(label(5, "node.wavetank/gpu-model"), Some("A100"));
    assert_eq!(label(8, "node.wavetank/gpu-model"), Some("P100"));
    assert_eq!(plan.catalog.taints(plan.nodes[0].taints).len(), 1);
    let memory = plan.catalog.node_spec(plan.nodes[0].spec).allocatable.memory;
    assert_eq!(memory.0, 1001);
}

#[test]
fn workloads_become_services_and_sources() {
    let loaded = load(&everything(), &[]).unwrap();
    assert_eq!(loaded.scenarios.len(), 3);
    let plan = &loaded.scenarios[0].plan;
    let kinds: Vec<WorkloadKind> = plan.catalog.workloads.rows().iter().map(|w| w.kind).collect();
    assert_eq!(kinds[0], WorkloadKind::Service { replicas: 3, min_serving: 2 });
    assert_eq!(kinds[1], WorkloadKind::Service { replicas: 1, min_serving: 1 });
    assert_eq!(kinds[4..], [WorkloadKind::Batch; 3]);
    assert_eq!(plan.services.len(), 4);
    let losses: Vec<LossPolicy> = plan.catalog.workloads.rows().iter().map(|w| w.on_loss).collect();
    assert_eq!(losses[4..6], [LossPolicy::Forget, LossPolicy::Replace]);
    let [SourcePlan::Batch(batch), SourcePlan::Trace(trace), SourcePlan::Load(load), faults] =
        plan.sources.as_slice()
    else {
        panic!("{:?}", plan.sources)
    };
    assert_eq!(batch.name, "nightly");
    assert_eq!(trace.params.pods, PathBuf::from(FOLDER).join("pods.csv"));
    assert_eq!(load.capacity, 18_000);
    let SourcePlan::Faults(faults) = faults else { panic!("{faults:?}") };
    let positions =
        |at: usize| faults[at].units.iter().flat_map(|unit| unit.nodes.clone()).collect::<Vec<_>>();
    assert_eq!(positions(0), [1, 3]);
    assert_eq!(positions(1), [6, 8]);
    assert_eq!(positions(2).len(), 9);
    assert_eq!(faults[1].path, "faults.1");
}

#[test]
fn variants_differ_in_what_they_set() {
    let loaded = load(&everything(), &["seed=3", "workloads.web.replicas=4"]).unwrap();
    let rows: Vec<(&str, u64, usize, bool)> = loaded
        .scenarios
        .iter()
        .map(|s| {
            let described = s.file.description.is_some();
            (s.variant.as_str(), s.file.seed, s.plan.nodes.len(), described)
        })
        .collect();
    let expected = [("plain", 3, 9, true), ("small", 3, 6, false), ("baseline", 3, 9, true)];
    assert_eq!(rows, expected);
    let replicas = |at: usize| {
        let workloads = &loaded.scenarios[at].plan.catalog.workloads;
        match workloads.rows()[0].kind {
            WorkloadKind::Service { replicas, .. } => replicas,
            WorkloadKind::Batch => 0,
        }
    };
    assert_eq!([replicas(0), replicas(1), replicas(2)], [4, 4, 2]);
    let only = load(&everything(), &["variants=null"]).unwrap();
    assert_eq!(only.scenarios[0].variant, BASE_VARIANT);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..Default::default()
    })]

    /// Whatever a slip of the hand makes of a file: it loads or it gets a message, and no panic.
    #[test]
    fn slips_never_panic(
        at in 0usize..4000,
        cut in 0usize..12,
        put in "[-:{}\\[\\],&*#\"'a0 \n\t]{0,3}",
    ) {
        let text = everything();
        let floor = |at: usize| {
            (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
        };
        let (from, to) = (floor(at), floor(at + cut));
        let slipped = format!("{}{put}{}", &text[..from], &text[to..]);
        if let Err(message) = load(&slipped, &[]) {
            prop_assert!(message.starts_with("error: ") || message.starts_with("warning: "));
        }
    }
}
