//! The real pod and node lists of the 2023 trace, where they are at hand, give the published
//! figures.

use super::{
    LifetimeParams, NativeForm, TraceFacts, TraceFormat, TraceParams, TracePlan, TraceSource,
    convert, read_openb_nodes,
};
use crate::ground::{Bytes, Span, Time, shared};
use crate::model::{Catalog, Stimulus, WorkloadId};
use crate::stimulus::Source;
use std::fs;
use std::path::{Path, PathBuf};

fn list(name: &str) -> Option<PathBuf> {
    shared(&format!("data/alibaba-gpu-2023/{name}"))
}

fn params(path: &Path) -> TraceParams {
    TraceParams::new(TraceFormat::AlibabaGpu2023, path)
}

#[test]
fn pod_lists_have_the_published_figures() {
    for (name, lasting, peak, peak_at, in_order, milli_gpu, milli_cpu) in [
        ("openb_pod_list_default.csv", 8151, 56, 11_821_598, true, 6_086_800, 85_436_012),
        ("openb_pod_list_gpuspec33.csv", 8151, 56, 11_821_598, true, 6_086_800, 85_436_012),
        ("openb_pod_list_gpushare40.csv", 8150, 60, 12_698_907, false, 5_641_250, 80_383_484),
    ] {
        let Some(path) = list(name) else { return };
        let facts = TraceFacts::count(&params(&path), None).unwrap();
        assert_eq!((facts.rows, facts.lasting), (8152, lasting), "{name}");
        assert_eq!((facts.peak, facts.peak_at), (peak, Time::from_secs(peak_at)), "{name}");
        assert_eq!(facts.in_order, in_order, "{name}");
        assert_eq!((facts.gpu_milli, facts.cpu), (milli_gpu, milli_cpu), "{name}");
        assert_eq!(facts.rows - facts.gpu_rows, 1088, "{name}");
        assert_eq!(facts.last_end, Time::from_secs(12_902_960), "{name}");
        assert!(facts.skipped.is_empty() && facts.unknown_columns.is_empty(), "{name}");
    }
}

#[test]
fn a_list_without_times_is_not_replayed() {
    let Some(path) = list("openb_pod_list_multigpu20.csv") else { return };
    let error = TraceFacts::count(&params(&path), None).unwrap_err().to_string();
    assert!(error.contains("`creation_time`, `deletion_time` are missing"), "{error}");
    assert!(error.contains("give the `lifetimes`"), "{error}");
}

#[test]
fn node_lists_have_the_published_totals() {
    for (name, nodes, gpus) in
        [("openb_node_list_gpu_node.csv", 1213, 6212), ("openb_node_list_all_node.csv", 1523, 6212)]
    {
        let Some(path) = list(name) else { return };
        let mut catalog = Catalog::new();
        let list = read_openb_nodes(&path, &mut catalog).unwrap();
        let count = |(_, spec): &(_, crate::model::NodeSpec)| {
            spec.devices.map_or(0, |group| u64::from(group.count))
        };
        assert_eq!(list.len(), nodes, "{name}");
        assert_eq!(list.iter().map(count).sum::<u64>(), gpus, "{name}");
        assert!(list.iter().all(|(_, spec)| spec.pods == 1001));
        if nodes == 1213 {
            let cpu: u64 = list.iter().map(|(_, spec)| spec.allocatable.cpu.0).sum();
            let memory: u64 = list.iter().map(|(_, spec)| spec.allocatable.memory.0).sum();
            assert_eq!((cpu, memory >> 20), (107_018_000, 503_828_480));
            let key = catalog.names.find(super::GPU_MODEL_LABEL).unwrap();
            let model = list[0].1.labels.get(key).unwrap();
            assert_eq!(
                (list[0].0.as_str(), catalog.names.text(model)),
                ("openb-node-0000", "P100")
            );
        }
    }
}

/// Text and blocks of our own, streamed, sorted on disk and cut: always the same stimuli.
#[test]
fn our_own_forms_hold_the_same_trace() {
    let Some(path) = list("openb_pod_list_gpushare40.csv") else { return };
    let folder = tempfile::tempdir().unwrap();
    let open = |params: TraceParams| {
        let scratch = Some(folder.path().to_owned());
        TraceSource::open(&TracePlan { workload: WorkloadId(0), params, scratch }).unwrap()
    };
    let stimuli = |mut source: TraceSource| {
        let mut all = Vec::new();
        while let Some(stimulus) = source.next().unwrap() {
            let Stimulus::Submit { spec, name, lifetime, .. } = stimulus.what else { panic!() };
            let catalog = source.catalog();
            let spec = catalog.pod_spec(spec);
            let requests = (spec.requests.clone(), spec.device_milli());
            all.push((stimulus.at, requests, name.text(&catalog.names), lifetime));
        }
        all
    };
    let mut straight = params(&path);
    straight.from = Some(Span::from_secs(12_700_000));
    straight.lifetime = LifetimeParams { max: Some(Span::from_secs(86_400)), scale: None };
    let expected = stimuli(open(straight.clone()));
    assert!((500..7000).contains(&expected.len()), "{}", expected.len());
    let tight = TraceParams { memory: Bytes(40_000), ..straight.clone() };
    assert!(stimuli(open(tight)) == expected, "sorted on disk");
    let plan = TracePlan { workload: WorkloadId(0), params: straight, scratch: None };
    for form in [NativeForm::Text, NativeForm::Blocks] {
        let target = folder.path().join(format!("{form:?}"));
        let rows = convert(&plan, form, fs::File::create(&target).unwrap()).unwrap();
        assert_eq!(rows, expected.len() as u64);
        for memory in [Bytes(40_000), Bytes(1 << 30)] {
            let own = TraceParams { memory, ..TraceParams::new(TraceFormat::Native, &target) };
            assert!(stimuli(open(own)) == expected, "{form:?}, {memory}");
        }
    }
}

#[test]
fn damaged_blocks_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let case = "/tests/cases/readers/native/valid/units.csv";
    let case = format!("{}{case}", env!("CARGO_MANIFEST_DIR"));
    let plan = TracePlan {
        workload: WorkloadId(0),
        params: TraceParams::new(TraceFormat::Native, case),
        scratch: None,
    };
    let mut bytes = Vec::new();
    convert(&plan, NativeForm::Blocks, &mut bytes).unwrap();
    let target = folder.path().join("trace.blocks");
    let read = |bytes: &[u8]| {
        fs::write(&target, bytes).unwrap();
        TraceFacts::count(&TraceParams::new(TraceFormat::Native, &target), None)
    };
    assert_eq!(read(&bytes).unwrap().rows, 3);
    for at in 8..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        assert!(read(&changed).is_err(), "byte {at} of {} was changed", bytes.len());
    }
    for length in 8..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "cut at {length}");
    }
}
