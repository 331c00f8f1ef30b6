//! The scenarios that come with wavetank: all of them load and run, and their digests are those
//! that are committed, in every build profile.

use crate::shared::{root, shared};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use wavetank::experiment::{Session, run};
use wavetank::metrics::catalog;
use wavetank::scenario::{Input, Loaded, Scenario};

fn load(name: &str, sets: &[String]) -> Loaded {
    let path = root().join("scenarios").join(format!("{name}.yaml"));
    Scenario::load(&Input::File(path), sets).unwrap_or_else(|diagnostics| {
        let texts: Vec<String> = diagnostics.iter().map(|d| d.render(false)).collect();
        panic!("{name}: {}", texts.join("\n"))
    })
}

/// Scenario, variant, seed and digest, a line each.
fn digests(name: &str, sets: &[String]) -> String {
    let mut lines = String::new();
    for scenario in load(name, sets).scenarios {
        let session = Session::new(scenario.file.seed);
        let finished = run(&scenario, &session, (), |_| {}).unwrap();
        let value = |name: &str| catalog::value(&finished.results, name);
        for expectation in &scenario.file.expect {
            let outcome = expectation.evaluate(&value);
            assert!(outcome.passed, "{name}: {expectation}: {:?}", outcome.actual);
        }
        let (variant, seed) = (&scenario.variant, session.seed);
        writeln!(lines, "{name} {variant} {seed} {}", finished.digest).unwrap();
    }
    lines
}

/// Compares with the committed lines of `case`; writes them instead if UPDATE is set.
fn check(case: &str, name: &str, sets: &[String]) {
    let path = root().join("tests/cases/digests").join(format!("{case}.txt"));
    let found = digests(name, sets);
    #[expect(clippy::disallowed_methods, reason = "how expected output is renewed")]
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, found).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(found, expected, "a digest changed: say why in the commit, then UPDATE=1");
}

#[test]
fn quickstart() {
    check("quickstart", "quickstart", &[]);
}

#[test]
fn trace_replay() {
    check("trace-replay", "trace-replay", &[]);
}

#[test]
fn drain_under_budget() {
    check("drain-under-budget", "drain-under-budget", &[]);
}

/// Without a hook before the stop, every pod that goes gets requests that it cannot take.
#[test]
fn graceful_update() {
    check("graceful-update", "graceful-update", &[]);
    let stopped: Vec<[Option<f64>; 2]> = load("graceful-update", &[])
        .scenarios
        .iter()
        .map(|scenario| {
            let finished = run(scenario, &Session::new(7), (), |_| {}).unwrap();
            let value = |name| catalog::value(&finished.results, name);
            ["discovery.stopped_routed", "discovery.stopped_seconds"].map(value)
        })
        .collect();
    assert!(stopped[0][0] == Some(20.0) && stopped[0][1] > Some(5.0), "{stopped:?}");
    assert_eq!(stopped[1], [Some(0.0), Some(0.0)]);
}

/// The same release is bad four times, and its users suffer less from policy to policy.
#[test]
fn bad_release() {
    check("bad-release", "bad-release", &[]);
    let found: Vec<[Option<f64>; 3]> = load("bad-release", &[])
        .scenarios
        .iter()
        .map(|scenario| {
            let session = Session::new(scenario.file.seed);
            let finished = run(scenario, &session, (), |_| {}).unwrap();
            let value = |name| catalog::value(&finished.results, name);
            ["rollout.exposure", "rollout.time_to_decision.mean", "rollout.not_restored"].map(value)
        })
        .collect();
    let exposed: Vec<f64> = found.iter().map(|row| row[0].unwrap()).collect();
    assert!(exposed.windows(2).all(|pair| pair[1] < pair[0]), "{found:?}");
    assert_eq!(exposed[3], 0.0, "no user meets a preview");
    let decided: Vec<bool> = found.iter().map(|row| row[1].is_some()).collect();
    assert_eq!(decided, [false, true, true, true]);
    let open: Vec<f64> = found.iter().map(|row| row[2].unwrap()).collect();
    assert_eq!(open, [1.0, 0.0, 0.0, 0.0]);
}

/// A healthy release meets what is expected of it.
#[test]
fn rolling_update() {
    check("rolling-update", "rolling-update", &[]);
}

/// A stuck ordinal stays stuck when the template is put back, until its pod is deleted too.
#[test]
fn statefulset_stuck() {
    check("statefulset-stuck", "statefulset-stuck", &[]);
    let results: Vec<f64> = load("statefulset-stuck", &[])
        .scenarios
        .iter()
        .map(|scenario| {
            let session = Session::new(scenario.file.seed);
            let finished = run(scenario, &session, (), |_| {}).unwrap();
            catalog::value(&finished.results, "availability.worst").unwrap()
        })
        .collect();
    let [stuck, put_back, pod_deleted] = results[..] else { panic!("{results:?}") };
    assert!(pod_deleted > 0.7 && stuck < 0.3 && (stuck - put_back).abs() < 1e-9, "{results:?}");
}

/// The replica of a dead node comes back when its volume may leave the node.
#[test]
fn statefulset_volumes() {
    check("statefulset-volumes", "statefulset-volumes", &[]);
}

/// A part of the Job is lost, and only that one.
#[test]
fn job_failing_index() {
    check("job-failing-index", "job-failing-index", &[]);
}

fn openb() -> Option<(PathBuf, Vec<String>)> {
    let folder = shared("data/alibaba-gpu-2023")?;
    let sets = vec![format!("data={}", folder.display())];
    Some((folder, sets))
}

#[test]
fn alibaba_gpu_2023() {
    if let Some((_, sets)) = openb() {
        check("alibaba-gpu-2023", "alibaba-gpu-2023", &sets);
    }
}

#[test]
fn alibaba_gpu_2023_at_placement() {
    let Some((_, mut sets)) = openb() else { return };
    sets.push("detail=placement".to_owned());
    check("alibaba-gpu-2023-placement", "alibaba-gpu-2023", &sets);
}

/// The loaded stream is long; a piece of it that is loaded more shows that its pods wait.
#[test]
fn a_loaded_stream_makes_pods_wait() {
    let Some((_, mut sets)) = openb() else { return };
    sets.extend(["until=2m".to_owned(), "workloads.0.load.load=150%".to_owned()]);
    sets.push("workloads.0.load.trace.lifetime.max=30s".to_owned());
    let scenario = load("alibaba-gpu-2023-loaded", &sets).scenarios.remove(0);
    let finished = run(&scenario, &Session::new(1), (), |_| {}).unwrap();
    let value = |name: &str| catalog::value(&finished.results, name).unwrap();
    assert!(value("wait.time_to_bind.max") > 10.0);
    assert!(value("wait.refused_attempts") > 0.0);
}

/// What the run says of the trace is what counting the rows of the file says.
#[test]
fn the_run_counts_what_the_trace_holds() {
    let Some((folder, sets)) = openb() else { return };
    let text = std::fs::read_to_string(folder.join("openb_pod_list_default.csv")).unwrap();
    let mut rows = text.lines();
    let header: Vec<&str> = rows.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|cell| *cell == name).unwrap();
    let (from, to) = (column("creation_time"), column("deletion_time"));
    let (mut submitted, mut positive, mut ends) = (0, 0, Vec::new());
    for row in rows {
        let cells: Vec<&str> = row.split(',').collect();
        let [from, to]: [u64; 2] = [cells[from].parse().unwrap(), cells[to].parse().unwrap()];
        submitted += 1;
        if to > from {
            positive += 1;
            ends.extend([(from, 1), (to, -1)]);
        }
    }
    ends.sort_unstable();
    let peak = ends.iter().scan(0, |alive: &mut i32, (_, step)| {
        *alive += step;
        Some(*alive)
    });
    let counted = [f64::from(submitted), f64::from(positive), f64::from(peak.max().unwrap())];
    assert_eq!(counted, [8152.0, 8151.0, 56.0]);

    let scenario = load("alibaba-gpu-2023", &sets).scenarios.remove(0);
    let finished = run(&scenario, &Session::new(1), (), |_| {}).unwrap();
    let value = |name: &str| catalog::value(&finished.results, name).unwrap();
    let told = ["life.submitted", "life.with_lifetime", "life.peak_alive.demanded"].map(value);
    assert_eq!(told, counted);
}

/// The answer in the README is the one that a stranger gets.
#[test]
fn the_readme_shows_the_quickstart_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_wavetank"))
        .current_dir(folder.path())
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&answer), "put this into the README:\n{answer}");
}
