//! The cases of `tests/cases/readers`: each trace beside what reading it gives, its rows or a
//! message. A new case is a new file; the ignored test writes what is expected.

use super::{TraceFacts, TraceFormat, TraceParams, TracePlan, TraceSource};
use crate::ground::Bytes;
use crate::model::{Lifetime, WorkloadId};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/readers");

/// Runs with `cargo test --lib readers_write_what_is_expected -- --ignored`.
#[test]
#[ignore = "writes the expected files of the reader cases"]
fn readers_write_what_is_expected() {
    for case in cases() {
        fs::write(case.with_extension("txt"), read(&case)).unwrap();
    }
}

#[test]
fn every_case_reads_as_expected() {
    let cases = cases();
    assert!(cases.len() > 30, "{}", cases.len());
    for case in &cases {
        let expected = fs::read_to_string(case.with_extension("txt")).unwrap();
        assert_eq!(read(case), expected, "{}", case.display());
    }
}

#[test]
fn packed_cases_read_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for case in cases() {
        let packed = folder.path().join(case.file_name().unwrap());
        let mut out = GzEncoder::new(fs::File::create(&packed).unwrap(), Compression::fast());
        out.write_all(&fs::read(&case).unwrap()).unwrap();
        out.finish().unwrap();
        assert_eq!(listing(&packed, format_of(&case), None), read(&case), "{}", case.display());
    }
}

#[test]
fn a_packed_file_that_was_cut_off_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let case = Path::new(CASES).join("alibaba-gpu-2023/valid/as-published.csv");
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(&fs::read(case).unwrap()).unwrap();
    let bytes = out.finish().unwrap();
    let cut = folder.path().join("cut.csv.gz");
    for end in [3, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&cut, &bytes[..end]).unwrap();
        let message = listing(&cut, TraceFormat::AlibabaGpu2023, None);
        assert!(message.contains("cut.csv.gz:"), "{message}");
        assert!(message.contains("ends too early; it was cut off"), "{message}");
    }
}

/// Traces that do not fit into memory: streamed if they are in order, else sorted on disk.
#[test]
fn little_memory_changes_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    for case in cases().iter().filter(|case| case.to_string_lossy().contains("/valid/")) {
        for _ in 0..2 {
            let tight = listing(case, format_of(case), Some(scratch.path()));
            assert_eq!(tight, read(case), "{}", case.display());
        }
    }
    let left: Vec<String> = fs::read_dir(scratch.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left.len(), 2, "one block file for each trace that is not in order: {left:?}");
    assert!(left.iter().all(|name| name.ends_with(".blocks")), "{left:?}");
}

#[test]
fn an_unsorted_trace_without_memory_or_scratch_says_what_to_do() {
    let case = Path::new(CASES).join("alibaba-gpu-2023/valid/not-in-order.csv");
    let mut params = TraceParams::new(TraceFormat::AlibabaGpu2023, case);
    params.memory = Bytes(100);
    let plan = TracePlan { workload: WorkloadId(0), params, scratch: None };
    let error = TraceSource::open(&plan).unwrap_err().to_string();
    assert!(error.contains("not in order of time"), "{error}");
    assert!(error.contains("raise `memory`"), "{error}");
}

#[test]
fn skipping_counts_bad_rows_by_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.csv");
    let text = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,creation_time,deletion_time,zone\n\
                a,1,1,0,0,1,2,x\nb,?,1,0,0,1,2,x\nc,!,1,0,0,1,2,x\nd,1\ne,1,1,0,0,9,3,x\n";
    fs::write(&path, text).unwrap();
    let mut params = TraceParams::new(TraceFormat::AlibabaGpu2023, path);
    params.bad_rows = super::BadRows::Skip;
    let facts = TraceFacts::count(&params, None).unwrap();
    assert_eq!((facts.rows, facts.skipped.len()), (1, 3));
    assert_eq!(facts.skipped.values().sum::<u64>(), 4);
    assert_eq!(facts.unknown_columns, ["zone"]);
}

fn cases() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["alibaba-gpu-2023/valid", "alibaba-gpu-2023/invalid", "native/valid"]
        .into_iter()
        .chain(["native/invalid"])
    {
        for entry in fs::read_dir(Path::new(CASES).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "csv") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn format_of(case: &Path) -> TraceFormat {
    if case.to_string_lossy().contains("/native/") {
        TraceFormat::Native
    } else {
        TraceFormat::AlibabaGpu2023
    }
}

fn read(case: &Path) -> String {
    listing(case, format_of(case), None)
}

/// The rows of a trace, or the message; with a scratch folder there is memory for two rows only.
fn listing(path: &Path, format: TraceFormat, scratch: Option<&Path>) -> String {
    let mut params = TraceParams::new(format, path);
    if scratch.is_some() {
        params.memory = Bytes(2 * size_of::<super::Row>() as u64);
    }
    let scratch = scratch.map(Path::to_owned);
    let plan = TracePlan { workload: WorkloadId(0), params, scratch };
    let mut source = match TraceSource::open(&plan) {
        Ok(source) => source,
        Err(error) => {
            let folder = format!("{}/", path.parent().unwrap().display());
            return error.to_string().replace(&folder, "") + "\n";
        }
    };
    let mut text = String::new();
    while let Some(row) = source.next_row().unwrap() {
        let shapes = source.rows().shapes();
        let shape = shapes.shape(row.shape);
        let names = &shapes.catalog().names;
        let lifetime = match row.lifetime {
            Lifetime::Forever => "for ever".to_owned(),
            Lifetime::For(span) => format!("for {span}"),
        };
        writeln!(
            text,
            "{} {} {lifetime}: cpu {} m, memory {} B, gpus {} x {} m of [{}], priority {}, [{}]",
            row.at,
            row.name.text(names),
            shape.cpu,
            shape.memory,
            shape.gpus,
            shape.gpu_milli,
            names.text(shape.models),
            shape.priority,
            names.text(shape.labels),
        )
        .unwrap();
    }
    let unknown = &source.rows().survey().unknown_columns;
    if !unknown.is_empty() {
        writeln!(text, "unknown columns: {}", unknown.join(", ")).unwrap();
    }
    text
}
