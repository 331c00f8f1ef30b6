//! Whole runs, from the scenario to the results: what the benches of them share.

use std::fmt::Write;
use std::time::{Duration, Instant};
use wavetank::experiment::{Session, run};
use wavetank::metrics::Results;
use wavetank::scenario::{Input, Scenario};

/// CPU time of this thread where the host tells it (Linux), else the time of the clock.
fn cpu_time(start: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// So many Deployments with their Services, as kubectl would list them. Their names are `prefix`
/// and a number, and their containers have this image, if one is said.
pub(crate) fn objects(
    prefix: &str,
    (deployments, replicas): (usize, usize),
    image: Option<&str>,
) -> String {
    let image = image.map_or_else(String::new, |image| format!("image: '{image}', "));
    let mut text = String::new();
    for at in 0..deployments {
        let (cpu, memory) = ([250, 500, 500, 750][at % 4], [512, 1024, 2048, 1536][at / 3 % 4]);
        write!(
            text,
            "{{apiVersion: v1, kind: Service, metadata: {{name: {prefix}{at}}}, \
             spec: {{selector: {{app: {prefix}{at}}}}}}}\n---\n\
             {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {prefix}{at}}}, spec: \
             {{replicas: {replicas}, selector: {{matchLabels: {{app: {prefix}{at}}}}}, template: \
             {{metadata: {{labels: {{app: {prefix}{at}}}}}, spec: {{containers: [{{name: main, \
             {image}resources: {{requests: {{cpu: {cpu}m, memory: {memory}Mi}}}}}}]}}}}}}}}\n---\n"
        )
        .expect("a string takes any text");
    }
    text
}

/// A scenario of these nodes and with this rest; `files` are beside it, each a name and a text.
pub(crate) fn scenario(nodes: &str, rest: &str, files: &[(&str, String)]) -> Scenario {
    let folder = tempfile::tempdir().expect("a folder for the files");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("the folder takes a file");
    }
    let text = format!(
        "{{apiVersion: wavetank/v1, kind: Scenario, name: bench, seed: 1, \
         cluster: {{nodes: [{{name: n, {nodes}, zones: [a, b, c]}}]}}, {rest}}}"
    );
    let (name, folder) = ("bench.yaml".to_owned(), folder.path().to_owned());
    let input = Input::Text { name, text: text.into_bytes(), folder };
    match Scenario::load(&input, &[]) {
        Ok(mut loaded) => loaded.scenarios.remove(0),
        Err(found) => {
            let texts: Vec<String> = found.iter().map(|d| d.render(false)).collect();
            panic!("{}", texts.join("\n"))
        }
    }
}

/// Prints the head of a table of runs.
pub(crate) fn print_head() {
    println!("{:<34} {:>12} {:>10}  digest", "run", "events", "CPU");
}

/// Runs a scenario and prints its row; CPU time in seconds, and what was found.
pub(crate) fn measure(name: &str, scenario: &Scenario) -> (f64, Results) {
    let start = Instant::now();
    let before = cpu_time(start);
    let finished = run(scenario, &Session::new(1), (), |_| {}).expect("it was checked");
    let cpu = (cpu_time(start) - before).as_secs_f64();
    println!("{name:<34} {:>12} {cpu:>8.2} s  {}", finished.events, finished.digest);
    (cpu, finished.results)
}
