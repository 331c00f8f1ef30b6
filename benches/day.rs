//! A day of a large cluster, from the scenario to the results: CPU time and digest of whole runs.
//!
//! `day` is 5,000 nodes with 125,000 pods of 1,250 Deployments with Services and 125,000 batch
//! pods, 70 % full; `million` is a million batch pods through 10,000 nodes. Names as arguments pick
//! some. Without `--bench` a hundredth of each is run, to see that it works.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench measures and prints")]

use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use wavetank::experiment::{Session, run};
use wavetank::scenario::{Input, Scenario};

/// CPU time of this thread where the host tells it (Linux), else the time of the clock.
fn cpu_time(start: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// Deployments with their Services, as kubectl would list them.
fn objects(deployments: usize, replicas: usize) -> String {
    let mut text = String::new();
    for at in 0..deployments {
        let (cpu, memory) = ([250, 500, 500, 750][at % 4], [512, 1024, 2048, 1536][at / 3 % 4]);
        write!(
            text,
            "{{apiVersion: v1, kind: Service, metadata: {{name: s{at}}}, \
             spec: {{selector: {{app: s{at}}}}}}}\n---\n\
             {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: s{at}}}, spec: \
             {{replicas: {replicas}, selector: {{matchLabels: {{app: s{at}}}}}, template: \
             {{metadata: {{labels: {{app: s{at}}}}}, spec: {{containers: [{{name: main, \
             resources: {{requests: {{cpu: {cpu}m, memory: {memory}Mi}}}}}}]}}}}}}}}\n---\n"
        )
        .expect("a string takes any text");
    }
    text
}

fn scenario(nodes: &str, rest: &str, folder: PathBuf) -> Scenario {
    let text = format!(
        "{{apiVersion: wavetank/v1, kind: Scenario, name: day, seed: 1, until: 1d, \
         cluster: {{nodes: [{{name: n, {nodes}, zones: [a, b, c]}}]}}, {rest}}}"
    );
    let input = Input::Text { name: "day.yaml".to_owned(), text: text.into_bytes(), folder };
    match Scenario::load(&input, &[]) {
        Ok(mut loaded) => loaded.scenarios.remove(0),
        Err(found) => {
            let texts: Vec<String> = found.iter().map(|d| d.render(false)).collect();
            panic!("{}", texts.join("\n"))
        }
    }
}

fn day(detail: &str, part: usize) -> Scenario {
    let folder = tempfile::tempdir().expect("a folder for the objects").keep();
    let text = objects(1250 / part, 100);
    std::fs::write(folder.join("objects.yaml"), text).expect("the folder takes a file");
    let rest = format!(
        "detail: {detail}, objects: [objects.yaml], workloads: [{{batch: {{name: tasks, \
         arrivals: {{rate: {}/h}}, pods: [{{cpu: 4, memory: 8Gi, \
         lifetime: {{lognormal: {{median: 2h, p95: 5h}}}}}}]}}}}]",
        5208 / part
    );
    let nodes = format!("count: {}, cpu: 32, memory: 128Gi", 5000 / part);
    let scenario = scenario(&nodes, &rest, folder.clone());
    std::fs::remove_dir_all(folder).expect("the folder is ours");
    scenario
}

fn million(part: usize) -> Scenario {
    let rest = format!(
        "detail: placement, workloads: [{{batch: {{name: tasks, arrivals: {{rate: {}/h}}, \
         pods: [{{cpu: 2, memory: 4Gi, lifetime: {{lognormal: {{median: 1h, p95: 3h}}}}}}]}}}}]",
        41_667 / part
    );
    let nodes = format!("count: {}, cpu: 16, memory: 64Gi", 10_000 / part);
    scenario(&nodes, &rest, PathBuf::new())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let part = if arguments.iter().any(|argument| argument == "--bench") { 1 } else { 100 };
    let names: Vec<&String> = arguments.iter().filter(|one| !one.starts_with('-')).collect();
    println!("{:<16} {:>12} {:>10}  digest", "run", "events", "CPU");
    for name in ["day, placement", "day, lifecycle", "million"] {
        if !names.is_empty() && !names.iter().any(|wanted| name.contains(wanted.as_str())) {
            continue;
        }
        let scenario = match name.split_once(", ") {
            Some((_, detail)) => day(detail, part),
            None => million(part),
        };
        let start = Instant::now();
        let before = cpu_time(start);
        let finished = run(&scenario, &Session::new(1), (), |_| {}).expect("it was checked");
        let cpu = (cpu_time(start) - before).as_secs_f64();
        println!("{name:<16} {:>12} {cpu:>8.2} s  {}", finished.events, finished.digest);
    }
}
