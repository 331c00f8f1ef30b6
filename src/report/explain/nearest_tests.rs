//! For each cause of waiting, as a scenario with Kubernetes objects: the changes that are named
//! are made in the text, each alone, and the pod is bound.

use super::*;
use crate::experiment::{PodRef, Session, follow};
use crate::ground::Time;
use crate::report::Look;
use crate::scenario::{Input, Scenario};
use std::path::PathBuf;

/// A cluster of two nodes of 2 cores, in zones a and b, with these objects.
struct Case {
    objects: String,
    cluster: String,
}

const CLUSTER: &str = "{nodes: [{name: n, count: 2, cpu: 2, memory: 8Gi, zones: [a, b]}]}";

/// A pod of this CPU in a line of YAML, with more fields of its metadata and its spec.
fn pod(name: &str, cpu: &str, metadata: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: default{metadata}}}, \
         spec: {{containers: [{{name: c, image: i, resources: {{requests: {{cpu: {cpu}}}}}}}]\
         {spec}}}}}"
    )
}

/// A pod that is on its node from the start.
fn there(name: &str, cpu: &str, metadata: &str, node: &str) -> String {
    pod(name, cpu, metadata, &format!(", nodeName: {node}"))
}

const WEB: &str = ", labels: {app: web}";

impl Case {
    fn new(objects: &[String]) -> Case {
        Case { objects: objects.join("\n---\n"), cluster: CLUSTER.to_owned() }
    }

    /// The same with another text in the place of one that is there.
    fn with(&self, from: &str, to: &str) -> Case {
        let is_there = self.objects.contains(from) || self.cluster.contains(from);
        assert!(is_there, "{from}");
        let (objects, cluster) = (&self.objects, &self.cluster);
        Case { objects: objects.replace(from, to), cluster: cluster.replace(from, to) }
    }

    /// The life of the pod `waits` up to ten minutes.
    fn told(&self) -> Explanation {
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        std::fs::write(file.path(), &self.objects).unwrap();
        let text = format!(
            "{{apiVersion: wavetank/v1, kind: Scenario, name: t, until: 10m, \
             objects: ['{}'], cluster: {}}}",
            file.path().display(),
            self.cluster
        );
        let (name, text, folder) = ("t.yaml".to_owned(), text.into_bytes(), PathBuf::new());
        let loaded = Scenario::load(&Input::Text { name, text, folder }, &[]);
        let scenario = loaded.unwrap_or_else(|found| panic!("{found:?}")).scenarios.remove(0);
        let wanted = PodRef::parse("waits").unwrap();
        let at = Some(Time::from_secs(600));
        let followed = follow(&scenario, &Session::new(1), wanted, at, |_| ()).unwrap();
        let head = ExplainHead {
            scenario: "t".to_owned(),
            variant: String::new(),
            seed: 1,
            command: String::new(),
        };
        explanation(&followed, &head).unwrap()
    }

    /// The changes that are named for the pod, which waits.
    fn changes(&self) -> Vec<ChangeRow> {
        let told = self.told();
        assert_eq!((told.state.as_str(), &told.node), ("pending", &None), "{}", told.answer);
        let outlook = told.outlook.clone().unwrap();
        assert!(!outlook.fits);
        let text = explanation_text(&told, Look { width: 200, colour: false });
        for change in outlook.changes.iter().take(4) {
            assert!(text.contains(&format!("  - {}\n", change.text)), "{text}");
        }
        outlook.changes
    }

    fn is_bound(&self) -> bool {
        let told = self.told();
        assert_eq!(told.node.is_some(), told.outlook.is_none(), "{}", told.answer);
        told.node.is_some()
    }
}

fn texts(changes: &[ChangeRow]) -> Vec<&str> {
    changes.iter().map(|change| change.text.as_str()).collect()
}

#[test]
fn too_little_cpu() {
    let case = Case::new(&[
        there("big", "1700m", "", "n-0"),
        there("small", "1500m", "", "n-1"),
        pod("waits", "1200m", "", ""),
    ]);
    let changes = case.changes();
    let expected =
        ["free 700m cpu on n-1", "let it request 700m less cpu than its 1200m: n-1 would take it"];
    assert_eq!(texts(&changes), expected);
    assert_eq!(changes[0].amounts["cpu"], "700m");
    assert!(case.with("cpu: 1500m", "cpu: 800m").is_bound());
    assert!(!case.with("cpu: 1500m", "cpu: 801m").is_bound());
    assert!(case.with("cpu: 1200m", "cpu: 500m").is_bound());
    assert!(!case.with("cpu: 1200m", "cpu: 501m").is_bound());
    let nodes = case.told().nodes;
    let found: Vec<(&str, Option<&str>)> =
        nodes.iter().map(|row| (row.node.as_str(), row.refused_by.as_deref())).collect();
    assert!(found.contains(&("n-0", Some("NodeResourcesFit"))), "{found:?}");
}

#[test]
fn more_than_any_node_has() {
    let case = Case::new(&[pod("waits", "3", "", "")]);
    let changes = case.changes();
    assert_eq!(texts(&changes), ["let it request 1 less cpu than its 3: n-0 would take it"]);
    assert!(case.with("cpu: 3", "cpu: 2").is_bound());
}

#[test]
fn a_taint() {
    let taint = ", taints: [{key: dedicated, value: db, effect: NoSchedule}]";
    let case = Case::new(&[pod("waits", "1", "", ", tolerations: []")])
        .with(", zones", &format!("{taint}, zones"));
    let changes = case.changes();
    let expected = "take the taint dedicated=db:NoSchedule off n-0, or let the pod tolerate it";
    assert_eq!(texts(&changes), [expected]);
    assert!(case.with(taint, "").is_bound());
    let tolerates = "tolerations: [{key: dedicated, value: db, effect: NoSchedule}]";
    assert!(case.with("tolerations: []", tolerates).is_bound());
}

#[test]
fn a_spread_constraint() {
    let spread = ", topologySpreadConstraints: [{maxSkew: 1, \
                  topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, \
                  labelSelector: {matchLabels: {app: web}}}]";
    let case = Case::new(&[
        there("first", "500m", WEB, "n-0"),
        there("full", "2", "", "n-1"),
        pod("waits", "500m", WEB, spread),
    ]);
    let changes = case.changes();
    let expected = [
        "free 500m cpu on n-1",
        "drop its spread constraint over topology.kubernetes.io/zone (maxSkew 1), or let it be \
         ScheduleAnyway",
    ];
    assert_eq!(texts(&changes), expected);
    assert_eq!(changes[1].position, Some(0));
    assert!(case.with("cpu: 2}}", "cpu: 1500m}}").is_bound());
    assert!(case.with(spread, "").is_bound());
    assert!(case.with("DoNotSchedule", "ScheduleAnyway").is_bound());
}

#[test]
fn anti_affinity() {
    let far = ", affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: \
               [{labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}}";
    let case = Case::new(&[
        there("one", "500m", WEB, "n-0"),
        there("two", "500m", WEB, "n-1"),
        pod("waits", "500m", WEB, far),
    ]);
    let changes = case.changes();
    let expected = [
        "remove one, which keeps it away from n-0",
        "drop its required pod anti-affinity over kubernetes.io/hostname",
    ];
    assert_eq!(texts(&changes), expected);
    let one = there("one", "500m", WEB, "n-0") + "\n---\n";
    assert!(case.with(&one, "").is_bound());
    assert!(case.with(far, "").is_bound());
}

#[test]
fn a_volume_in_another_zone() {
    let volume = "{apiVersion: v1, kind: PersistentVolume, metadata: {name: v}, spec: {capacity: \
         {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /v}, nodeAffinity: \
         {required: {nodeSelectorTerms: [{matchExpressions: [{key: topology.kubernetes.io/zone, \
         operator: In, values: [b]}]}]}}}}";
    let claim = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: \
         {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, volumeName: v}}";
    let case = Case::new(&[
        volume.to_owned(),
        claim.to_owned(),
        there("full", "2", "", "n-1"),
        pod("waits", "1", "", ", volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]"),
    ]);
    let changes = case.changes();
    let expected = ["free 1 cpu on n-1", "have its volumes where n-0 can use them"];
    assert_eq!(texts(&changes), expected);
    assert_eq!(changes[1].node.as_deref(), Some("n-0"));
    assert!(case.with("values: [b]", "values: [a]").is_bound());
    assert!(!case.with("values: [b]", "values: [c]").is_bound());
    assert!(case.with("cpu: 2}}", "cpu: 1}}").is_bound());
}

#[test]
fn a_preemption_that_is_not_allowed() {
    let class = "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, \
         value: 100, preemptionPolicy: Never}";
    let case = Case::new(&[
        class.to_owned(),
        there("one", "1500m", "", "n-0"),
        there("two", "2", "", "n-1"),
        pod("waits", "2", "", ", priorityClassName: high"),
    ]);
    let changes = case.changes();
    let last = changes.last().unwrap();
    assert_eq!((last.change.as_str(), last.pods.len()), ("allow-preemption", 1));
    let (node, victim) = (last.node.clone().unwrap(), &last.pods[0]);
    assert_eq!(last.text, format!("let it displace others: {victim} would go from {node}"));
    assert!(
        case.with("preemptionPolicy: Never", "preemptionPolicy: PreemptLowerPriority").is_bound()
    );
}

#[test]
fn a_cordoned_node() {
    let node = "{apiVersion: v1, kind: Node, metadata: {name: old, labels: {disk: ssd}}, spec: \
         {unschedulable: true}, status: {allocatable: {cpu: 2, memory: 8Gi, pods: 10}, \
         capacity: {cpu: 2, memory: 8Gi, pods: 10}}}";
    let case = Case::new(&[node.to_owned(), pod("waits", "1", "", ", nodeSelector: {disk: ssd}")]);
    let changes = case.changes();
    let expected = [
        "uncordon old, so that it takes pods again",
        "drop its node selector and its required node affinity",
    ];
    assert_eq!(texts(&changes), expected);
    assert!(case.with("unschedulable: true", "unschedulable: false").is_bound());
    assert!(case.with(", nodeSelector: {disk: ssd}", "").is_bound());
}

#[test]
fn no_single_change_helps_if_two_are_needed() {
    let taint = ", taints: [{key: dedicated, value: db, effect: NoSchedule}]";
    let case = Case::new(&[pod("waits", "3", "", "")]).with(", zones", &format!("{taint}, zones"));
    assert_eq!(case.changes(), []);
    let text = explanation_text(&case.told(), Look { width: 100, colour: false });
    assert!(text.contains("No single change that is known would let it be placed."), "{text}");
}

#[test]
fn a_pod_that_is_held_back_or_bound_has_no_outlook() {
    let case = Case::new(&[pod("waits", "3", "", ", schedulingGates: [{name: quota}]")]);
    let told = case.told();
    assert_eq!((told.state.as_str(), told.outlook), ("held-back", None));
    let told = Case::new(&[pod("waits", "1", "", "")]).told();
    assert_eq!(told.outlook, None);
    let [first, second] = told.nodes.as_slice() else { panic!("{:?}", told.nodes) };
    assert!(first.chosen && !second.chosen, "the chosen one comes first");
    assert!(first.tied && second.tied, "the nodes are alike");
    assert_eq!(first.total, Some(first.scores.values().sum()));
}
