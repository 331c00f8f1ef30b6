//! Whole runs, from the scenario to the results: what one costs, by criterion.
//!
//! The public trace is measured where it can be found: `-- DIR` names its folder, the default is
//! `../shared/data/alibaba-gpu-2023`. Without it only the shipped sample is measured, which is
//! said.
#![expect(clippy::print_stdout, reason = "what is left out is said")]

use criterion::{Criterion, Throughput};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wavetank::experiment::{Session, run};
use wavetank::scenario::{Input, Scenario};

fn load(name: &str, sets: &[String]) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.yaml"));
    match Scenario::load(&Input::File(path), sets) {
        Ok(mut loaded) => loaded.scenarios.remove(0),
        Err(diagnostics) => {
            let texts: Vec<String> = diagnostics.iter().map(|d| d.render(false)).collect();
            panic!("{}", texts.join("\n"))
        }
    }
}

fn measure(criterion: &mut Criterion, name: &str, scenario: &Scenario) {
    let session = Session::new(1);
    let once = || run(scenario, &session, (), |_| {}).expect("the scenario was checked");
    let first = once();
    println!("{name}: {} events, digest {}", first.events, first.digest);
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(first.events));
    group.bench_function(name, |bencher| bencher.iter(once));
    group.finish();
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.iter().find(|argument| !argument.starts_with('-'));
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/alibaba-gpu-2023");
    let folder = folder.map_or(shared, PathBuf::from);
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(5));
    for detail in ["placement", "lifecycle"] {
        let sets = [format!("detail={detail}")];
        measure(&mut criterion, &format!("trace-replay, {detail}"), &load("trace-replay", &sets));
        if !measuring {
            continue;
        }
        if !folder.is_dir() {
            println!("alibaba-gpu-2023 is left out: {} is not there", folder.display());
            continue;
        }
        let sets = [format!("detail={detail}"), format!("data={}", folder.display())];
        let scenario = load("alibaba-gpu-2023", &sets);
        measure(&mut criterion, &format!("alibaba-gpu-2023, {detail}"), &scenario);
    }
    criterion.final_summary();
}
