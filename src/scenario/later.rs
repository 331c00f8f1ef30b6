//! Keys and words that scenario files will know later: refused by name, so that nobody takes them
//! for a typing error.

use super::tree::join;
use super::{Kind, Node};
use crate::ground::Problem;

/// What is known by name only.
enum Later {
    /// A key at this path.
    Key(&'static str),
    /// A word at this path; what stands at `from` is left out to judge the rest.
    Word { path: &'static str, word: &'static str, from: &'static str },
}

const fn key(path: &'static str) -> Later {
    Later::Key(path)
}

const fn action(word: &'static str) -> Later {
    Later::Word { path: "faults.*.action", word, from: "faults" }
}

const fn orchestrator(word: &'static str) -> Later {
    Later::Word { path: "orchestrator", word, from: "orchestrator" }
}

/// Everything that is known by name only. A star stands for any key or number.
const LATER: [Later; 31] = [
    key("autoscaling"),
    key("traffic"),
    key("timeline.*.action"),
    key("timeline.*.apply"),
    key("timeline.*.drain.delete-emptydir-data"),
    key("timeline.*.drain.grace-period"),
    key("timeline.*.drain.ignore-daemonsets"),
    key("timeline.*.label"),
    key("cluster.nodes.*.price"),
    key("cluster.nodes.*.type"),
    key("orchestrator.mesos"),
    key("orchestrator.nomad"),
    key("orchestrator.swarm"),
    orchestrator("mesos"),
    orchestrator("nomad"),
    orchestrator("swarm"),
    Later::Word { path: "detail", word: "service", from: "detail" },
    action("container-kill"),
    action("control-plane-outage"),
    action("disk-fill"),
    action("dns-delay"),
    action("image-pull-failure"),
    action("kubelet-kill"),
    action("network-delay"),
    action("network-loss"),
    action("node-memory-hog"),
    action("node-slow"),
    action("pod-failure"),
    action("registry-outage"),
    action("slow-image-pull"),
    action("spot-reclaim"),
];

/// Takes what is known by name only out of the tree and says where it was. Paths are those of the
/// whole tree, so they are looked up in it as it was.
pub(super) fn take(tree: &mut Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut remove = Vec::new();
    for later in &LATER {
        let (pattern, from) = match later {
            Later::Key(path) => (*path, *path),
            Later::Word { path, from, .. } => (*path, *from),
        };
        let mut found = Vec::new();
        let segments: Vec<&str> = pattern.split('.').collect();
        matches(tree, &segments, Vec::new(), &mut found);
        for (path, node) in found {
            let name = match later {
                Later::Key(_) => path.last().expect("a pattern has segments").as_str(),
                Later::Word { word, .. } if node.text() == Some(word) => word,
                Later::Word { .. } => continue,
            };
            // What is left of an entry of the timeline would be nothing.
            let whole = pattern.starts_with("timeline") && segments.len() == 3;
            let kept = if whole { 1 } else { from.split('.').count() };
            let dotted = path.iter().fold(String::new(), |dotted, s| join(&dotted, s));
            problems.push(problem(name, later, dotted));
            remove.push(path[..kept].to_vec());
        }
    }
    for path in remove {
        remove_at(tree, &path);
    }
    problems
}

fn problem(name: &str, later: &Later, path: String) -> Problem {
    let problem = Problem::new(path, format!("`{name}` is not supported yet"));
    match later {
        Later::Key("cluster.nodes.*.type") => problem.hint("write `cpu:` and `memory:` instead"),
        Later::Word { path: "detail", .. } => {
            problem.hint("it comes with traffic; write `placement` or `lifecycle`")
        }
        Later::Word { path: "faults.*.action", .. } => problem
            .hint("supported are `node-crash`, `node-restart`, `rack-outage` and `zone-outage`"),
        Later::Key(path) if path.starts_with("timeline.*.drain") => problem.hint("remove it"),
        Later::Key(path) if path.starts_with("timeline") => problem.hint(
            "supported are `set-image`, `scale`, `set-partition`, `rollout-undo`, \
             `rollout-pause`, `rollout-resume`, `rollout-restart`, `readiness`, `cordon`, \
             `uncordon`, `drain`, `taint` and `delete`",
        ),
        Later::Word { path: "orchestrator", .. } => {
            problem.hint("supported are `kubernetes` and `baseline`")
        }
        Later::Key(path) if path.starts_with("orchestrator") => {
            problem.hint("supported are `kubernetes` and `baseline`")
        }
        _ => problem.hint("remove it"),
    }
}

/// All values at paths that fit the pattern.
fn matches<'n>(
    node: &'n Node,
    pattern: &[&str],
    path: Vec<String>,
    found: &mut Vec<(Vec<String>, &'n Node)>,
) {
    let Some((first, rest)) = pattern.split_first() else {
        found.push((path, node));
        return;
    };
    let mut go = |segment: String, child: &'n Node| {
        let mut path = path.clone();
        path.push(segment);
        matches(child, rest, path, found);
    };
    match &node.kind {
        Kind::Map(entries) => {
            for (key, child) in entries.iter().filter(|(k, _)| *first == "*" || k.text == *first) {
                go(key.text.clone(), child);
            }
        }
        Kind::Seq(nodes) if *first == "*" => {
            for (at, child) in nodes.iter().enumerate() {
                go(format!("{at}"), child);
            }
        }
        _ => {}
    }
}

fn remove_at(node: &mut Node, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    match &mut node.kind {
        Kind::Map(entries) => {
            let Some(at) = entries.iter().position(|(key, _)| key.text == *first) else { return };
            if rest.is_empty() {
                entries.remove(at);
            } else {
                remove_at(&mut entries[at].1, rest);
            }
        }
        Kind::Seq(nodes) => {
            let Some(at) = first.parse().ok().filter(|at: &usize| *at < nodes.len()) else {
                return;
            };
            if rest.is_empty() {
                nodes.remove(at);
            } else {
                remove_at(&mut nodes[at], rest);
            }
        }
        Kind::Scalar { .. } => {}
    }
}
