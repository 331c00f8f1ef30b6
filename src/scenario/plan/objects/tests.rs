//! What the objects of `tests/cases/scenario/good` become together, and what real snapshots do.

use crate::ground::shared;
use crate::ground::{Bytes, MilliCpu, Span};
use crate::model::{
    Behaviour, FinishedPods, LabelSelector, Labels, LossPolicy, Object, PreemptionPolicy,
    Requirement, Usage, WorkloadKind,
};
use crate::scenario::{Diagnostic, Input, Loaded, Plan, Scenario};
use std::path::{Path, PathBuf};

const FOLDER: &str = "tests/cases/scenario/good";

fn load(text: &str, sets: &[String]) -> Result<Loaded, Vec<Diagnostic>> {
    let (name, folder) = ("t.yaml".to_owned(), PathBuf::from(FOLDER));
    Scenario::load(&Input::Text { name, text: text.as_bytes().to_vec(), folder }, sets)
}

fn good(name: &str) -> Scenario {
    let text = std::fs::read_to_string(format!("{FOLDER}/{name}.yaml")).unwrap();
    load(&text, &[]).unwrap().scenarios.remove(0)
}

/// Scenario text with these objects, in a file that stands as long as the guard.
fn with_objects(objects: &str) -> (String, tempfile::NamedTempFile) {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), objects).unwrap();
    let text = format!(
        "{{apiVersion: wavetank/v1, kind: Scenario, name: t, until: 1h, objects: ['{}'], \
         cluster: {{nodes: [{{name: n, count: 1, cpu: 8, memory: 8Gi}}]}}}}",
        file.path().display()
    );
    (text, file)
}

fn node(plan: &Plan, at: usize) -> &crate::model::NodeSpec {
    plan.catalog.node_spec(plan.nodes[at].spec)
}

#[test]
fn nodes_are_as_the_objects_say() {
    let plan = good("objects").plan;
    let names = &plan.catalog.names;
    let alpha = node(&plan, 0);
    assert_eq!(names.text(plan.nodes[0].hostname), "alpha.local");
    assert_eq!(names.text(plan.nodes[0].zone.unwrap()), "north");
    assert_eq!(alpha.allocatable.cpu, MilliCpu(3900));
    assert_eq!(alpha.memory_capacity, Bytes(16 << 30));
    assert_eq!(alpha.disk_capacity, Bytes(100 << 30));
    assert_eq!((alpha.pods, alpha.devices), (58, None));
    let fpga = names.find("example.com/fpga").unwrap();
    assert_eq!(alpha.allocatable.extended.get(fpga), 2);
    let label = |at: usize, key: &str| {
        let labels = &node(&plan, at).labels;
        labels.get(names.find(key)?).map(|value| names.text(value))
    };
    assert_eq!(label(0, "kubernetes.io/arch"), Some("arm64"));
    assert_eq!(label(0, "kubernetes.io/os"), Some("linux"));
    assert_eq!(label(0, "kubernetes.io/hostname"), None);
    let images: Vec<&str> = alpha.images.iter().map(|image| names.text(image.name)).collect();
    assert_eq!(images, ["web:v1", "web@sha256:00ff"]);
    assert!(!plan.nodes[0].unschedulable && plan.nodes[1].unschedulable);
    let beta = node(&plan, 1);
    let gpus = beta.devices.unwrap();
    assert_eq!((gpus.count, names.text(gpus.model)), (2, "A100"));
    assert_eq!(beta.allocatable.memory, Bytes(64 << 30));
    let taints = |at: usize| plan.catalog.taints(plan.nodes[at].taints);
    let keys = |at: usize| taints(at).iter().map(|t| names.text(t.key)).collect::<Vec<_>>();
    assert_eq!(keys(0), ["dedicated"]);
    assert_eq!(keys(1), ["node.kubernetes.io/unschedulable"]);
}

#[test]
fn pods_are_adopted_by_their_owners_or_stand_alone() {
    let plan = good("objects").plan;
    let text = |name| plan.catalog.names.text(name);
    let workloads = plan.catalog.workloads.rows();
    let names: Vec<&str> = workloads.iter().map(|workload| text(workload.name)).collect();
    let expected = ["shop", "shop/web", "idle", "alone", "pod/shop", "log", "proxy-alpha"];
    assert_eq!(names, expected);
    let replicas = WorkloadKind::Service { replicas: 3, min_serving: 2 };
    assert_eq!((workloads[1].kind, workloads[1].on_loss), (replicas, LossPolicy::Replace));
    assert_eq!(workloads[2].kind, WorkloadKind::Service { replicas: 0, min_serving: 0 });
    assert_eq!(
        (workloads[3].kind, workloads[3].on_loss),
        (WorkloadKind::Batch, LossPolicy::Forget)
    );
    assert!(workloads[1..].iter().all(|workload| workload.finished == FinishedPods::Keep));
    let rows: Vec<(String, &str, Option<u32>)> = plan
        .pods
        .iter()
        .map(|pod| {
            let owner = text(plan.catalog.workloads[pod.workload].name);
            (pod.name.text(&plan.catalog.names), owner, pod.node.map(|node| node.0))
        })
        .collect();
    let expected = [
        ("shop/web-new-abcde", "shop/web", Some(0)),
        ("shop/web-old-fghij", "shop/web", Some(1)),
        ("alone", "alone", None),
        ("shop", "pod/shop", Some(1)),
        ("log-1", "log", Some(0)),
        ("log-2", "log", Some(1)),
        ("proxy-alpha", "proxy-alpha", Some(0)),
        ("idle-66d4-abcde", "idle", Some(0)),
    ];
    assert_eq!(rows, expected.map(|(name, owner, node)| (name.to_owned(), owner, node)));
}

#[test]
fn the_scheduler_is_told_who_belongs_together() {
    let plan = good("objects").plan;
    let text = |name| plan.catalog.names.text(name);
    let labels = |labels: &Labels| -> Vec<String> {
        labels.iter().map(|(key, value)| format!("{}={}", text(key), text(value))).collect()
    };
    let selected = |selector: &LabelSelector| -> Vec<String> {
        let one = |r: &Requirement| {
            let values: Vec<&str> = r.values.iter().map(|value| text(*value)).collect();
            format!("{} {:?} {}", text(r.key), r.operator, values.join("|"))
        };
        selector.0.iter().map(one).collect()
    };
    let rows: Vec<String> = plan
        .objects
        .iter()
        .map(|object| match plan.catalog.object(*object) {
            Object::Namespace { name, labels: own } => {
                format!("namespace {}: {:?}", text(*name), labels(own))
            }
            Object::Service { name, selector, .. } => {
                format!("service {}: {:?}", text(*name), selector.as_ref().map(labels))
            }
            Object::Owner { owner, selector, .. } => {
                format!("owner {}: {:?}", text(owner.name), selected(selector))
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        r#"owner shop: ["app In shop"]"#,
        r#"owner web: ["app In web"]"#,
        r#"owner idle: ["app Exists "]"#,
        r#"owner web-new: ["app In web"]"#,
        r#"owner web-old: ["app In web"]"#,
        r#"namespace shop: ["kubernetes.io/metadata.name=shop"]"#,
        r#"namespace default: ["kubernetes.io/metadata.name=default"]"#,
        r#"service web: Some(["app=web"])"#,
    ];
    assert_eq!(rows, expected);
    let owner = |spec| plan.catalog.pod_spec(spec).owner.map(|owner| text(owner.name));
    let owners: Vec<_> = plan.services.iter().map(|(_, keeper)| owner(keeper.template())).collect();
    assert_eq!(owners, [Some("shop"), Some("web"), Some("idle")]);
    let owners: Vec<_> = plan.pods.iter().map(|pod| owner(pod.spec)).collect();
    let (new, old, idle) = (Some("web-new"), Some("web-old"), Some("idle"));
    assert_eq!(owners, [new, old, None, None, None, None, None, idle]);
    let spec = plan.catalog.pod_spec(plan.services[0].1.template());
    assert_eq!(labels(&spec.labels), ["app=shop"], "what `kubectl create deployment` writes");
}

#[test]
fn priorities_come_from_numbers_classes_and_the_default() {
    let plan = good("objects").plan;
    let spec = |at: usize| plan.catalog.pod_spec(plan.pods[at].spec);
    assert_eq!(spec(0).priority, 7, "a pod that was admitted keeps its number");
    assert_eq!((spec(2).priority, spec(2).preemption_policy), (1000, PreemptionPolicy::Never));
    let template = plan.catalog.pod_spec(plan.services[1].1.template());
    assert_eq!(template.priority, 2_000_000_000);
    assert_eq!(template.preemption_policy, PreemptionPolicy::PreemptLowerPriority);
    assert_eq!(plan.catalog.names.text(template.namespace), "shop");
    assert!(template.containers[0].probes.readiness.is_some());
    assert!(spec(0).node_name.is_none(), "pods of one kind on several nodes share a specification");
}

#[test]
fn images_of_one_kind_share_their_layers() {
    let catalog = good("objects").build(1, None).unwrap().setup.catalog;
    let layers = |image: &str| {
        let image = catalog.names.find(image).unwrap();
        let layers = &catalog.application(image).unwrap().layers;
        let row =
            |l: &crate::model::Layer| (catalog.names.text(l.name), l.compressed.0, l.unpacked.0);
        layers.iter().map(row).collect::<Vec<_>>()
    };
    let third = 40_000_000;
    let web: Vec<_> = ["web:v1#0", "web:v1#1", "web:v1#2"]
        .map(|name| (name, third * 2 / 5, third))
        .into_iter()
        .collect();
    assert_eq!(layers("web:v1"), web);
    assert_eq!(layers("web@sha256:00ff"), web);
    let whole: u64 = layers("idle:latest").iter().map(|(_, _, size)| size).sum();
    assert_eq!((layers("idle:latest").len(), whole), (5, 245_000_000));
}

#[test]
fn applications_become_behaviour() {
    let catalog = good("applications").build(1, None).unwrap().setup.catalog;
    let of = |image: &str| catalog.application(catalog.names.find(image).unwrap()).unwrap();
    let web = of("web:v2");
    assert_eq!(web.behaviour.startup.mean_secs().map(f64::round), Some(8.0));
    assert_eq!(web.behaviour.crashes, Some(3));
    assert_eq!(web.behaviour.exit_code, 137);
    assert_eq!(web.behaviour.stop, None);
    assert_eq!(web.behaviour.cpu, Usage::Share(600));
    let (start, per_hour, most) = (200 << 20, 50 << 20, 1 << 30);
    assert_eq!(web.behaviour.memory, Usage::Growth { start, per_hour, most });
    let steps = vec![(Span::ZERO, 10 << 20), (Span::from_secs(3600), 1 << 30)];
    assert_eq!(web.behaviour.disk, Usage::Series(steps));
    assert_eq!((web.behaviour.error_ppm, web.behaviour.latency_permille), (400_000, 1500));
    let compressed: u64 = web.layers.iter().map(|layer| layer.compressed.0).sum();
    assert_eq!((web.layers.len(), compressed), (2, 50 << 20));
    let db = of("db:latest");
    assert_eq!(db.layers[0].name, web.layers[0].name);
    assert!(db.behaviour.never_ready);
    assert_eq!(db.behaviour.crash_after.as_ref().unwrap().mean_secs(), Some(1.0));
    let init = of("migrate:latest");
    assert!(init.missing);
    let layers: Vec<_> = init.layers.iter().map(|l| (l.compressed.0, l.unpacked.0)).collect();
    assert_eq!(layers, [(12_500_000, 50_000_000); 2]);
    assert_eq!(of("plain:latest").behaviour, Behaviour::default());
    let cached: u64 = of("cached:latest").layers.iter().map(|layer| layer.unpacked.0).sum();
    assert_eq!(cached, 80 << 20, "a node says how large it is");
}

#[test]
fn a_changed_scenario_reads_the_same_objects() {
    let text = std::fs::read_to_string(format!("{FOLDER}/objects.yaml")).unwrap();
    let sets = ["applications.0.size=1Gi".to_owned(), "services=null".to_owned()];
    let plan = load(&text, &sets).unwrap().scenarios.remove(0).plan;
    let web = plan.catalog.names.find("web:v1").unwrap();
    let web = plan.applications.iter().find(|one| one.image == web).unwrap();
    let size: u64 = web.layers.iter().map(|layer| layer.unpacked.0).sum();
    assert_eq!(size, 1 << 30);
    let sets = [format!("objects=[{FOLDER}/snapshot/nodes.json]"), "services=null".to_owned()];
    let sets = [sets.to_vec(), vec!["expect=null".to_owned()]].concat();
    assert_eq!(load(&text, &sets).unwrap().scenarios[0].plan.pods.len(), 0);
}

#[test]
fn what_is_broken_is_not_blamed_on_others() {
    let objects = "{apiVersion: v1, kind: Node, metadata: {name: a}, status: {capacity: 5}}\n\
                   ---\n{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, \
                   metadata: {name: high}, value: many}\n\
                   ---\n{apiVersion: v1, kind: Pod, metadata: {name: p}, \
                   spec: {nodeName: a, priorityClassName: high, containers: [{name: m}]}}\n";
    let (text, _file) = with_objects(objects);
    let found = load(&text, &[]).unwrap_err();
    let messages: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(messages, ["expected a map, found `5`", "expected a whole number, found `many`"]);
}

/// Real objects, most of which were not written for us: each file loads, or is refused with lines
/// of it.
#[test]
fn snapshots_load_or_are_refused_line_by_line() {
    let Some(folder) = shared("data/kube-snapshot") else { return };
    let mut files = Vec::new();
    json_below(&folder, &mut files);
    files.sort();
    assert!(files.len() > 10, "{files:?}");
    let nodes = folder.join("nodes.json");
    let (mut loaded, mut refused) = (Vec::new(), Vec::new());
    for file in files {
        let name = file.strip_prefix(&folder).unwrap().display().to_string();
        let mut objects = format!("'{}'", file.display());
        if file != nodes {
            objects.push_str(&format!(", '{}'", nodes.display()));
        }
        let text = format!(
            "{{apiVersion: wavetank/v1, kind: Scenario, name: t, until: 1h, objects: [{objects}]}}"
        );
        match load(&text, &[]) {
            Ok(found) => {
                assert_eq!(found.scenarios[0].plan.nodes.len(), 7, "{name}");
                loaded.push(name);
            }
            Err(found) => {
                for one in &found {
                    let excerpt = one.excerpt.as_ref().unwrap();
                    assert_eq!(Path::new(&excerpt.file), file, "{}", one.render(false));
                    assert!(excerpt.line > 0 && !excerpt.text.is_empty(), "{name}");
                }
                refused.push((name, found[0].message.clone()));
            }
        }
    }
    let expected = [
        "deployments/default.json",
        "deployments/monitoring.json",
        "events/message-image-pull-fail.json",
        "jobs/test.json",
        "nodes.json",
        "pods/message-oomkill-pod.json",
        "pods/message-pending-node-affinity.json",
        "pods/message-pending-pod-resources.json",
    ];
    assert_eq!(loaded, expected);
    let unknown = "no node is called";
    let expected = [
        ("pods/default.json", unknown),
        ("pods/message-image-pull-fail.json", unknown),
        ("pods/message-pod-crashloop-backoff.json", unknown),
        ("pods/other-unhealthy.json", unknown),
        ("statefulsets/monitoring.json", "there is no default storage class"),
    ];
    assert_eq!(refused.len(), expected.len(), "{refused:?}");
    for ((name, message), (file, part)) in refused.iter().zip(expected) {
        assert!(name == file && message.contains(part), "{name}: {message}");
    }
}

#[test]
fn a_list_of_kubectl_is_a_cluster() {
    let Some(file) = shared("data/constructed/kubectl-list/nodes-pods.json") else { return };
    let text = format!(
        "{{apiVersion: wavetank/v1, kind: Scenario, name: t, until: 1h, objects: ['{}']}}",
        file.display()
    );
    let plan = load(&text, &[]).unwrap().scenarios.remove(0).plan;
    let bound = plan.pods.iter().filter(|pod| pod.node.is_some()).count();
    assert_eq!((plan.nodes.len(), plan.pods.len(), bound), (4, 5, 4));
}

/// The manifests of the recorded rollouts, as their authors wrote them.
#[test]
fn manifests_of_recorded_rollouts_load_or_name_what_they_need() {
    let Some(folder) = shared("golden/kube-controllers/timelines") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path().join("objects.yaml");
        if !file.is_file() {
            continue;
        }
        let text = format!(
            "{{apiVersion: wavetank/v1, kind: Scenario, name: t, until: 1h, objects: ['{}'], \
             cluster: {{nodes: [{{name: n, count: 3, cpu: 64, memory: 64Gi}}]}}}}",
            file.display()
        );
        count += 1;
        for one in load(&text, &[]).err().unwrap_or_default() {
            let later = one.message.contains("it comes with the other controllers");
            assert!(later, "{}", one.render(false));
        }
    }
    assert!(count > 20, "{count}");
}

fn json_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            json_below(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

#[test]
fn storage_is_as_controllers_left_it() {
    use crate::model::{Catalog, Claim, Object, Volume};
    let plan = good("storage").plan;
    let names = &plan.catalog.names;
    let objects: Vec<&Object> = plan.objects.iter().map(|id| plan.catalog.object(*id)).collect();
    let volume = |wanted: &str| -> &Volume {
        let named = objects.iter().find_map(|object| match object {
            Object::Volume(one) if names.text(one.name) == wanted => Some(one),
            _ => None,
        });
        named.unwrap()
    };
    let claim = |wanted: &str| -> &Claim {
        let named = objects.iter().find_map(|object| match object {
            Object::Claim(one) if names.text(one.name) == wanted => Some(one),
            _ => None,
        });
        named.unwrap()
    };
    let text = |name: Option<crate::ground::Name>| name.map(|name| names.text(name));
    let db = claim("db");
    assert_eq!(
        (text(db.volume), db.bound, text(db.selected_node)),
        (Some("bound"), true, Some("n-0"))
    );
    assert_eq!(volume("bound").claim, Some(db.key()));
    let waits = claim("waits");
    assert_eq!((names.text(waits.class), waits.volume, waits.bound), ("fast", None, false));
    // A volume of few modes comes before a smaller one of many.
    let shelved = claim("shelved");
    assert_eq!((text(shelved.volume), shelved.bound), (Some("narrow"), true));
    assert!(!volume("narrow").available && volume("wide").available);
    assert!(!volume("released").available, "a released volume is not given to anybody");
    assert_eq!((claim("too-large").volume, claim("gone").lost), (None, true));
    assert_eq!(volume("wide").class, claim("shelved").class);
    assert_ne!(volume("wide").class, Catalog::NO_TEXT);
    let node = objects.iter().find_map(|object| match object {
        Object::StorageNode(node) => Some(node),
        _ => None,
    });
    let node = node.unwrap();
    let limits: Vec<_> = node.drivers.iter().map(|(name, n)| (names.text(*name), *n)).collect();
    assert_eq!(limits, [("disks.example.com", Some(25)), ("files.example.com", None)]);
    assert_eq!(names.text(node.topology_keys[0].1[0]), "topology.kubernetes.io/zone");
    let kinds = objects.iter().filter(|o| !matches!(o, Object::Namespace { .. })).count();
    assert_eq!(kinds, 5 + 4 + 5, "what says nothing is left out");
}
