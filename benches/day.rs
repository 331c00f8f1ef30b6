//! A day of a large cluster, from the scenario to the results: CPU time and digest of whole runs.
//!
//! `day` is 5,000 nodes with 125,000 pods of 1,250 Deployments with Services and 125,000 batch
//! pods, 70 % full; `million` is a million batch pods through 10,000 nodes. Names as arguments pick
//! some. Without `--bench` a hundredth of each is run, to see that it works.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench measures and prints")]

mod whole;

use wavetank::scenario::Scenario;

fn day(detail: &str, part: usize) -> Scenario {
    let rest = format!(
        "until: 1d, detail: {detail}, objects: [objects.yaml], workloads: [{{batch: {{name: tasks, \
         arrivals: {{rate: {}/h}}, pods: [{{cpu: 4, memory: 8Gi, \
         lifetime: {{lognormal: {{median: 2h, p95: 5h}}}}}}]}}}}]",
        5208 / part
    );
    let nodes = format!("count: {}, cpu: 32, memory: 128Gi", 5000 / part);
    let objects = whole::objects("s", (1250 / part, 100), None);
    whole::scenario(&nodes, &rest, &[("objects.yaml", objects)])
}

fn million(part: usize) -> Scenario {
    let rest = format!(
        "until: 1d, detail: placement, workloads: [{{batch: {{name: tasks, \
         arrivals: {{rate: {}/h}}, \
         pods: [{{cpu: 2, memory: 4Gi, lifetime: {{lognormal: {{median: 1h, p95: 3h}}}}}}]}}}}]",
        41_667 / part
    );
    let nodes = format!("count: {}, cpu: 16, memory: 64Gi", 10_000 / part);
    whole::scenario(&nodes, &rest, &[])
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let part = if arguments.iter().any(|argument| argument == "--bench") { 1 } else { 100 };
    let names: Vec<&String> = arguments.iter().filter(|one| !one.starts_with('-')).collect();
    whole::print_head();
    for name in ["day, placement", "day, lifecycle", "million"] {
        if names.is_empty() || names.iter().any(|wanted| name.contains(wanted.as_str())) {
            let scenario = match name.split_once(", ") {
                Some((_, detail)) => day(detail, part),
                None => million(part),
            };
            whole::measure(name, &scenario);
        }
    }
}
