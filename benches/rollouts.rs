//! A thousand Deployments of 20 pods that get another image at the same moment, on 2,000 nodes, with
//! the rate limits of all clients on: CPU time and digest of whole runs at `lifecycle` detail.
//!
//! There are 1,000 Deployments besides that nobody touches, each with its ReplicaSet and Service and
//! without pods, and then 10,000: what does not change must cost next to nothing. What the rollouts
//! alone cost is the difference to a run that ends before them. Without `--bench` a hundredth of
//! each is run, to see that it works.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench measures and prints")]

mod whole;

use wavetank::metrics::catalog;
use wavetank::scenario::Scenario;

/// Until `at_rest`, all Deployments come to rest; if the run goes on, some are rolled then.
fn rollouts((rolled, idle, nodes): (usize, usize, usize), at_rest: bool) -> Scenario {
    let actions: Vec<String> = (0..if at_rest { 0 } else { rolled })
        .map(|at| format!("{{at: 1h, set-image: {{workload: s{at}, image: 'app:v2'}}}}"))
        .collect();
    let until = if at_rest { "1h" } else { "4h" };
    let rest = format!(
        "until: {until}, objects: [rolled.yaml, idle.yaml], timeline: [{}]",
        actions.join(", ")
    );
    let files = [
        ("rolled.yaml", whole::objects("s", (rolled, 20), Some("app:v1"))),
        ("idle.yaml", whole::objects("idle", (idle, 0), Some("app:v1"))),
    ];
    whole::scenario(&format!("count: {nodes}, cpu: 16, memory: 64Gi"), &rest, &files)
}

fn main() {
    let part = if std::env::args().any(|argument| argument == "--bench") { 1 } else { 100 };
    whole::print_head();
    let costs = [1_000, 10_000].map(|idle| {
        let size = (1_000 / part, idle / part, 2_000 / part);
        let (before, _) = whole::measure(&format!("at rest, {idle} idle"), &rollouts(size, true));
        let (all, results) =
            whole::measure(&format!("rolled, {idle} idle"), &rollouts(size, false));
        let completed = catalog::value(&results, "rollout.completed");
        assert_eq!(completed, Some(size.0 as f64), "every rollout completes");
        (all, all - before)
    });
    let [(few, few_alone), (many, many_alone)] = costs;
    println!(
        "ten times as many idle Deployments: whole runs cost {:.2} times as much,",
        many / few
    );
    println!("the rollouts alone {:.2} times", many_alone / few_alone);
}
