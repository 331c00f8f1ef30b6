//! A thousand Deployments of 20 pods that get another image at the same moment, on 2,000 nodes, with
//! the rate limits of all clients on: CPU time and digest of whole runs at `lifecycle` detail.
//!
//! There are 1,000 Deployments besides that nobody touches, each with its ReplicaSet and Service and
//! without pods, and 10,000 in the second run: what does not change must cost next to nothing. Without
//! `--bench` a hundredth of each is run, to see that it works.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench measures and prints")]

mod whole;

use wavetank::scenario::Scenario;

fn rollouts(part: usize, idle: usize) -> Scenario {
    let rolled = 1_000 / part;
    let actions: Vec<String> = (0..rolled)
        .map(|at| format!("{{at: 10m, set-image: {{workload: s{at}, image: 'app:v2'}}}}"))
        .collect();
    let rest =
        format!("until: 3h, objects: [rolled.yaml, idle.yaml], timeline: [{}]", actions.join(", "));
    let nodes = format!("count: {}, cpu: 16, memory: 64Gi", 2_000 / part);
    let files = [
        ("rolled.yaml", whole::objects("s", (rolled, 20), Some("app:v1"))),
        ("idle.yaml", whole::objects("idle", (idle / part, 0), Some("app:v1"))),
    ];
    whole::scenario(&nodes, &rest, &files)
}

fn main() {
    let part = if std::env::args().any(|argument| argument == "--bench") { 1 } else { 100 };
    whole::print_head();
    let costs = [1_000, 10_000].map(|idle| {
        let name = format!("1,000 rolled, {idle} idle");
        whole::measure(&name, &rollouts(part, idle))
    });
    println!("ten times as many idle objects cost {:.2} times as much", costs[1] / costs[0]);
}
