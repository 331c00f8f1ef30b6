//! Pods with claims in whole runs: where they go, why they wait, and what becomes of claims and
//! volumes.

use super::{PodRef, Session, follow};
use crate::engine::Limits;
use crate::ground::Time;
use crate::model::{Catalog, Claim, Verdict, View, Volume};
use crate::scenario::{Input, Scenario};
use crate::sim::Run;
use crate::stimulus::Stream;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Three nodes of 2 cores in the zones a, b and c, each with a driver that can attach two volumes.
const CLUSTER: &str = "{nodes: [{name: n, count: 3, cpu: 2, memory: 8Gi, zones: [a, b, c]}]}";

fn driver(node: &str) -> String {
    format!(
        "{{apiVersion: storage.k8s.io/v1, kind: CSINode, metadata: {{name: {node}}}, spec: \
         {{drivers: [{{name: disks.example.com, nodeID: {node}, topologyKeys: \
         [topology.kubernetes.io/zone], allocatable: {{count: 2}}}}]}}}}"
    )
}

fn class(name: &str, provisioner: &str, more: &str) -> String {
    format!(
        "{{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {{name: {name}{more}}}, \
         provisioner: {provisioner}, volumeBindingMode: WaitForFirstConsumer}}"
    )
}

/// A driver on each node, and the default class that it serves.
fn disks() -> Vec<String> {
    let default = ", annotations: {storageclass.kubernetes.io/is-default-class: 'true'}";
    let drivers = ["n-0", "n-1", "n-2"].map(driver);
    drivers.into_iter().chain([class("fast", DISKS, default)]).collect()
}

const LOCAL: &str = "kubernetes.io/no-provisioner";
const DISKS: &str = "disks.example.com";

fn volume(name: &str, class: &str, size: &str, zone: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: {name}}}, spec: {{capacity: \
         {{storage: {size}}}, accessModes: [ReadWriteOnce], storageClassName: '{class}', \
         csi: {{driver: disks.example.com, volumeHandle: h-{name}}}, \
         nodeAffinity: {{required: {{nodeSelectorTerms: [{{matchExpressions: \
         [{{key: topology.kubernetes.io/zone, operator: In, values: [{zone}]}}]}}]}}}}}}}}"
    )
}

fn claim(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: {name}}}, spec: \
         {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 10Gi}}}}{spec}}}}}"
    )
}

fn pod(name: &str, cpu: &str, volume: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{containers: \
         [{{name: c, image: i, resources: {{requests: {{cpu: {cpu}}}}}}}], \
         volumes: [{{name: data, {volume}}}]}}}}"
    )
}

fn of_claim(name: &str) -> String {
    format!("persistentVolumeClaim: {{claimName: {name}}}")
}

struct Lab {
    scenario: Scenario,
    _file: tempfile::NamedTempFile,
}

/// How a run ended.
struct End {
    catalog: Catalog,
    truth: View,
}

impl Lab {
    fn new(objects: &[String], more: &str) -> Lab {
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        std::fs::write(file.path(), objects.join("\n---\n")).unwrap();
        let text = format!(
            "{{apiVersion: wavetank/v1, kind: Scenario, name: t, until: 20m, objects: ['{}'], \
             cluster: {CLUSTER}{more}}}",
            file.path().display()
        );
        let (name, text, folder) = ("t.yaml".to_owned(), text.into_bytes(), PathBuf::new());
        let loaded = Scenario::load(&Input::Text { name, text, folder }, &[]);
        let scenario = loaded
            .unwrap_or_else(|found| {
                panic!("{}", found.iter().map(|d| d.render(false)).collect::<String>())
            })
            .scenarios
            .remove(0);
        Lab { scenario, _file: file }
    }

    fn run(&self) -> End {
        let built = self.scenario.build(1, None).unwrap();
        let arrivals = Stream::open(&built.sources, built.draws, 16).unwrap();
        let mut run = Run::new(built.setup, arrivals, ()).checking();
        run.run(&Limits::until(Time::from_secs(1200)));
        let (world, ()) = run.into_parts();
        End { catalog: world.catalog().clone(), truth: world.truth().clone() }
    }

    /// Why a pod was refused at last: the reasons of nodes, or that before any node.
    fn reasons(&self, name: &str) -> Vec<String> {
        let wanted = PodRef::parse(name).unwrap();
        let followed = follow(&self.scenario, &Session::new(1), wanted, None, |_| ()).unwrap();
        let catalog = &followed.catalog;
        let trail = *followed.trails().last().expect("the pod was there");
        let last = trail.attempts.last().expect("it was tried");
        let mut found: Vec<String> = Vec::new();
        if let Some(refusal) = &last.refused_before_nodes {
            found.extend(refusal.texts(catalog));
            return found;
        }
        for node in &trail.nodes {
            if let Verdict::Refused(refusal) = &node.verdict {
                found.extend(refusal.texts(catalog));
            }
        }
        found
    }
}

impl End {
    fn text(&self, name: crate::ground::Name) -> &str {
        self.catalog.names.text(name)
    }

    /// The node of each pod.
    fn pods(&self) -> BTreeMap<String, Option<&str>> {
        let node = |node| self.text(self.truth.node(node).name);
        let row =
            |row: &crate::model::PodView| (row.name.text(&self.catalog.names), row.node.map(node));
        self.truth.pods().map(|(_, pod)| row(pod)).collect()
    }

    fn node(&self, pod: &str) -> Option<&str> {
        self.pods()[pod]
    }

    fn claim(&self, name: &str) -> &Claim {
        let found = self.truth.objects().claims(&self.catalog);
        found.into_iter().find(|claim| self.text(claim.name) == name).unwrap()
    }

    fn volume_of(&self, claim: &str) -> &Volume {
        let claim = self.claim(claim);
        assert!(claim.bound);
        let volume = claim.volume.unwrap();
        let volume = self.truth.objects().volume(Catalog::NO_TEXT, volume, &self.catalog).unwrap();
        assert_eq!(volume.claim, Some(claim.key()));
        volume
    }

    fn volumes(&self) -> usize {
        self.truth.objects().volumes(&self.catalog).count()
    }
}

#[test]
fn a_claim_bound_to_a_volume_of_a_zone_ties_its_pods_to_it() {
    for zone in ["a", "b", "c"] {
        let lab = Lab::new(
            &[
                class("local", LOCAL, ""),
                volume("v", "local", "10Gi", zone),
                claim("data", ", storageClassName: local, volumeName: v"),
                pod("one", "1", &of_claim("data")),
                pod("two", "1", &of_claim("data")),
                pod("three", "1", &of_claim("data")),
            ],
            "",
        );
        let end = lab.run();
        let node = match zone {
            "a" => "n-0",
            "b" => "n-1",
            _ => "n-2",
        };
        let there = [("one", Some(node)), ("two", Some(node)), ("three", None)];
        for (pod, expected) in there {
            assert_eq!(end.node(pod), expected, "{pod} in {zone}");
        }
        let reasons = lab.reasons("three");
        let elsewhere = "node(s) didn't match PersistentVolume's node affinity";
        assert!(reasons.iter().any(|reason| reason == elsewhere), "{reasons:?}");
    }
}

#[test]
fn a_zone_label_of_a_volume_counts_as_well() {
    let labelled = volume("v", "", "10Gi", "b")
        .replace("name: v}, spec", "name: v, labels: {topology.kubernetes.io/zone: b}}, spec");
    let start = labelled.find(", nodeAffinity").unwrap();
    let labelled = format!("{}}}}}", &labelled[..start]);
    let lab = Lab::new(
        &[
            labelled,
            claim("data", ", storageClassName: '', volumeName: v"),
            pod("one", "1", &of_claim("data")),
            pod("two", "2", &of_claim("data")),
        ],
        "",
    );
    let end = lab.run();
    assert_eq!(end.node("one"), Some("n-1"));
    assert_eq!(end.node("two"), None);
    let reasons = lab.reasons("two");
    assert!(reasons.iter().any(|r| r == "node(s) had no available volume zone"), "{reasons:?}");
}

#[test]
fn a_claim_that_does_not_exist() {
    let lab = Lab::new(&[pod("waits", "1", &of_claim("nothing"))], "");
    assert_eq!(lab.run().node("waits"), None);
    assert_eq!(lab.reasons("waits"), ["persistentvolumeclaim \"nothing\" not found"]);
}

#[test]
fn a_claim_without_a_volume_waits() {
    let lab = Lab::new(
        &[
            volume("small", "", "1Gi", "a"),
            claim("data", ", storageClassName: ''"),
            pod("waits", "1", &of_claim("data")),
        ],
        "",
    );
    assert_eq!(lab.run().node("waits"), None);
    assert_eq!(lab.reasons("waits"), ["pod has unbound immediate PersistentVolumeClaims"]);
}

#[test]
fn a_claim_that_waits_for_nobody_is_bound_at_the_start() {
    let lab = Lab::new(
        &[
            volume("large", "", "30Gi", "a"),
            volume("good", "", "20Gi", "c"),
            volume("small", "", "1Gi", "b"),
            claim("data", ""),
            pod("one", "1", &of_claim("data")),
        ],
        "",
    );
    let end = lab.run();
    assert_eq!((end.text(end.volume_of("data").name), end.node("one")), ("good", Some("n-2")));
}

#[test]
fn a_claim_that_waits_is_bound_with_its_first_pod() {
    let lab = Lab::new(
        &[
            class("local", LOCAL, ""),
            volume("large", "local", "30Gi", "b"),
            volume("good", "local", "10Gi", "b"),
            claim("data", ", storageClassName: local"),
            claim("more", ", storageClassName: local"),
            claim("last", ", storageClassName: local"),
            pod("one", "500m", &of_claim("data")),
            pod("two", "500m", &of_claim("more")),
            pod("three", "500m", &of_claim("data")),
            pod("four", "500m", &of_claim("last")),
        ],
        "",
    );
    let end = lab.run();
    for pod in ["one", "two", "three"] {
        assert_eq!(end.node(pod), Some("n-1"), "{pod}");
    }
    assert_eq!(end.text(end.volume_of("data").name), "good");
    assert_eq!(end.text(end.volume_of("more").name), "large");
    assert_eq!(end.node("four"), None, "both volumes are taken");
    assert_eq!(end.claim("last").volume, None);
    let reasons = lab.reasons("four");
    let none = "node(s) didn't find available persistent volumes to bind";
    assert_eq!(reasons, [none, none, none]);
}

#[test]
fn a_volume_is_made_where_its_first_pod_goes() {
    let [one, two] =
        [("one", "2"), ("two", "1")].map(|(name, cpu)| pod(name, cpu, &of_claim("data")));
    let lab = Lab::new(&[disks(), vec![claim("data", ""), one, two]].concat(), "");
    let end = lab.run();
    let node = end.node("one").expect("any node will do").to_owned();
    let made = end.volume_of("data");
    assert_eq!((end.text(made.name), made.capacity.0), ("pvc-default.data", 10 << 30));
    let terms = made.node_affinity.as_ref().unwrap();
    let zone = terms[0].match_labels[0].values[0];
    let at = ["n-0", "n-1", "n-2"].iter().position(|other| *other == node).unwrap();
    assert_eq!(end.text(zone), ["a", "b", "c"][at]);
    assert_eq!(end.text(end.claim("data").selected_node.unwrap()), node);
    assert_eq!(end.node("two"), None, "the volume is where the first pod fills the node");
}

const SERVICE: &str = ", workloads: [{service: {name: web, replicas: 4, pod: {containers: \
    [{name: c, resources: {requests: {cpu: 250m}}}], volumes: [{name: tmp, ephemeral: \
    {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: \
    {storage: 1Gi}}}}}}]}}}]";

#[test]
fn claims_made_for_pods_come_and_go_with_them() {
    let calm = Lab::new(&disks(), SERVICE).run();
    let claims = |end: &End| -> Vec<String> {
        let claims = end.truth.objects().claims(&end.catalog);
        let mut names: Vec<String> = claims.map(|claim| end.text(claim.name).to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(claims(&calm), ["web-0-tmp", "web-1-tmp", "web-2-tmp", "web-3-tmp"]);
    assert_eq!(calm.volumes(), 4);
    assert!(calm.pods().values().all(Option::is_some));
    let fault = ", faults: [{action: node-crash, at: 1m, nodes: [n-0], repair: 10m}]";
    let after = Lab::new(&disks(), &format!("{SERVICE}{fault}")).run();
    let of_pods: Vec<String> = after.pods().keys().map(|pod| format!("{pod}-tmp")).collect();
    assert_ne!(of_pods, claims(&calm), "some pods were replaced");
    assert_eq!(claims(&after), of_pods);
    assert_eq!(after.volumes(), 4, "volumes go with the claims of pods that are gone");
    assert!(after.pods().values().all(|node| node.is_some_and(|node| node != "n-0")));
}

#[test]
fn a_driver_attaches_so_many_volumes_and_no_more() {
    let lab = Lab::new(&disks(), &SERVICE.replace("replicas: 4", "replicas: 7"));
    let end = lab.run();
    let placed = end.pods().values().filter(|node| node.is_some()).count();
    assert_eq!((placed, end.volumes()), (6, 6));
    let waits = end.pods().into_iter().find(|(_, node)| node.is_none()).unwrap().0;
    let full = "node(s) exceed max volume count";
    assert_eq!(lab.reasons(&waits), [full, full, full]);
}

#[test]
fn a_claim_made_for_a_pod_of_another_namespace_is_in_that_namespace() {
    let ephemeral = "ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], \
         storageClassName: fast, resources: {requests: {storage: 1Gi}}}}}";
    let own = pod("one", "1", ephemeral).replace("name: one}", "name: one, namespace: shop}");
    // A claim of that name which was not made for the pod keeps it waiting.
    let other = pod("two", "1", ephemeral);
    let foreign = claim("two-data", ", storageClassName: fast");
    let lab = Lab::new(&[class("fast", DISKS, ""), own, other, foreign], "");
    let end = lab.run();
    assert!(end.node("shop/one").is_some());
    let made = end.claim("one-data");
    assert_eq!(
        (end.text(made.namespace), made.owner_pod.map(|pod| end.text(pod))),
        ("shop", Some("one"))
    );
    assert!(end.volume_of("one-data").node_affinity.is_none(), "no driver says where it is");
    assert_eq!(end.node("two"), None);
    assert_eq!(
        lab.reasons("two"),
        ["PVC default/two-data was not created for pod default/two (pod is not owner)"]
    );
}

const AT_ONCE: &str = ", annotations: {storageclass.kubernetes.io/is-default-class: 'true'}";

#[test]
fn volumes_made_at_once_take_turns_over_the_zones() {
    let set = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 3, \
         serviceName: db, podManagementPolicy: Parallel, selector: {matchLabels: {app: db}}, \
         template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i}]}}, \
         volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], \
         resources: {requests: {storage: 1Gi}}}}]}}";
    let at_once = class("fast", DISKS, AT_ONCE).replace("WaitForFirstConsumer", "Immediate");
    let drivers = ["n-0", "n-1", "n-2"].map(driver).to_vec();
    let lab = Lab::new(&[drivers, vec![at_once, set.to_owned()]].concat(), "");
    let end = lab.run();
    let mut nodes: Vec<&str> = end.pods().into_values().flatten().collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["n-0", "n-1", "n-2"], "each zone has one of the volumes");
    for ordinal in 0..3 {
        assert!(end.claim(&format!("data-db-{ordinal}")).selected_node.is_none());
    }
}

#[test]
fn a_claim_that_waits_for_nobody_gets_a_volume_that_its_driver_makes() {
    let at_once = class("fast", DISKS, AT_ONCE).replace("WaitForFirstConsumer", "Immediate");
    let lab = Lab::new(&[at_once, claim("data", ""), pod("one", "1", &of_claim("data"))], "");
    let end = lab.run();
    assert!(end.node("one").is_some());
    assert_eq!(end.text(end.volume_of("data").name), "pvc-default.data");
}
