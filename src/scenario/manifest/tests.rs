//! Pods on their way into the model: defaults, what admission adds, and what is refused.

use super::{Meta, PodTemplate, PriorityClasses, Reader, Written, convert};
use crate::ground::{Bytes, MilliCpu, Problem, Span};
use crate::model::{Catalog, Effect, PodSpec, Protocol, TolerationOperator};
use crate::scenario::yaml::parse;
use crate::scenario::{Source, Sources, from_node};

/// Converts a template; gives the pod, its catalog, problems and paths without effect.
fn read(text: &str) -> (PodSpec, Catalog, Vec<Problem>, Vec<String>) {
    let mut sources = Sources::new();
    let source = sources.add(Source::file("t.yaml", text));
    let nodes = parse(source, &sources).unwrap_or_else(|d| panic!("{}", d.render(false)));
    let template: PodTemplate = from_node(&nodes[0]).unwrap_or_else(|error| {
        panic!("{}", error.diagnostic(&sources).render(false));
    });
    let mut catalog = Catalog::new();
    let written = Written {
        pod: &template.spec,
        path: "spec",
        metadata: template.metadata.as_ref().map(|metadata| (Meta::Template(metadata), "metadata")),
        gpu: template.gpu.as_ref().map(|gpu| (gpu, "gpu")),
        admitted: false,
    };
    let classes = PriorityClasses::default();
    let mut reader = Reader::new(&mut catalog, &classes);
    let spec = convert(&mut reader, &written);
    let (problems, without_effect) = (reader.problems, reader.without_effect);
    (spec, catalog, problems, without_effect)
}

fn pod(spec: &str) -> (PodSpec, Catalog) {
    let (spec, catalog, problems, _) = read(spec);
    assert_eq!(problems, []);
    (spec, catalog)
}

#[test]
fn requests_follow_the_formula_and_limits_imply_them() {
    const MI: u64 = 1 << 20;
    for (spec, cpu, memory) in [
        ("{containers: [{name: a}]}", 0, 0),
        ("{containers: [{name: a, resources: {limits: {cpu: 2, memory: 64Mi}}}]}", 2000, 64 * MI),
        ("{containers: [{name: a, resources: {limits: {cpu: 2}, requests: {cpu: 500m}}}]}", 500, 0),
        ("{containers: [{name: a, resources: {requests: {cpu: 0, memory: 1000}}}]}", 0, 1000),
        // The largest init container beside the sidecars before it, against the sum.
        (
            "{containers: [{name: a, resources: {requests: {cpu: 1}}}], initContainers: [\
             {name: s, restartPolicy: Always, resources: {requests: {cpu: 200m}}}, \
             {name: i, resources: {requests: {cpu: 3}}}]}",
            3200,
            0,
        ),
        (
            "{containers: [{name: a, resources: {requests: {cpu: 1}}}], \
             overhead: {cpu: 250m, memory: 120Mi}}",
            1250,
            120 * MI,
        ),
    ] {
        let (pod, _) = pod(&format!("spec: {spec}"));
        let requests = (pod.requests.cpu, pod.requests.memory);
        assert_eq!(requests, (MilliCpu(cpu), Bytes(memory)), "{spec}");
    }
}

#[test]
fn the_pod_as_a_whole_asks_in_place_of_its_containers() {
    const GI: u64 = 1 << 30;
    let containers = "containers: [{name: a, resources: {requests: {cpu: 500m, memory: 1Gi}}}, \
                      {name: b, resources: {requests: {cpu: 500m}}}]";
    for (resources, cpu, memory) in [
        ("{}", 1000, GI),
        ("{requests: {cpu: 3}}", 3000, GI),
        ("{requests: {cpu: 3, memory: 4Gi}, limits: {memory: 5Gi}}", 3000, 4 * GI),
        // Without a request, what the containers ask for comes before the limit.
        ("{limits: {cpu: 4, memory: 8Gi}}", 1000, GI),
    ] {
        let (pod, _) = pod(&format!("spec: {{{containers}, resources: {resources}}}"));
        let requests = (pod.requests.cpu, pod.requests.memory);
        assert_eq!(requests, (MilliCpu(cpu), Bytes(memory)), "{resources}");
    }
    let bare = "spec: {containers: [{name: a}], resources: {limits: {cpu: 4}}, \
                overhead: {cpu: 100m}}";
    let (pod, _) = pod(bare);
    assert_eq!((pod.requests.cpu, pod.pod_level.cpu_limit), (MilliCpu(4100), MilliCpu(4000)));
    for (resources, text) in [
        ("{requests: {cpu: 900m}}", "the containers ask for more `cpu` than the pod as a whole"),
        ("{requests: {ephemeral-storage: 1Gi}}", "a pod as a whole asks for CPU, memory and huge"),
    ] {
        let (_, _, problems, _) = read(&format!("spec: {{{containers}, resources: {resources}}}"));
        assert!(problems[0].text.starts_with(text), "{problems:?}");
    }
}

#[test]
fn volumes_of_pods_are_those_that_tie_them_to_places() {
    use crate::model::{Disk, PodVolume};
    let (pod, catalog) = pod("spec: {containers: [{name: a}], volumes: [\
         {name: cache, emptyDir: {}}, {name: data, persistentVolumeClaim: {claimName: db}}, \
         {name: tmp, ephemeral: {volumeClaimTemplate: {metadata: {labels: {a: b}}, spec: \
         {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: \
         {storage: 2Gi}}}}}}, {name: pd, gcePersistentDisk: {pdName: disk, readOnly: true}}, \
         {name: ceph, rbd: {monitors: ['m:1'], image: i}}]}");
    let text = |name| catalog.names.text(name);
    let [PodVolume::Claim(claim), PodVolume::Ephemeral(tmp, template), disk, ceph] =
        pod.volumes.as_slice()
    else {
        panic!("{:?}", pod.volumes)
    };
    assert_eq!((text(*claim), text(*tmp)), ("db", "tmp"));
    assert_eq!((template.request, template.class.map(text)), (Bytes(2 << 30), Some("fast")));
    assert!(matches!(disk, PodVolume::Disk(Disk::GcePersistentDisk { read_only: true, .. })));
    let PodVolume::Disk(Disk::Rbd { pool, .. }) = ceph else { panic!("{ceph:?}") };
    assert_eq!(text(*pool), "rbd");
}

#[test]
fn admission_adds_the_tolerations_that_are_not_covered() {
    let plain = |tolerations: &str| {
        let text = format!("spec: {{containers: [{{name: a}}], tolerations: {tolerations}}}");
        let (pod, catalog) = pod(&text);
        let keys = |toleration: &crate::model::Toleration| {
            let key = toleration.key.map_or("*", |key| catalog.names.text(key));
            (key.to_owned(), toleration.seconds)
        };
        pod.tolerations.iter().map(keys).collect::<Vec<_>>()
    };
    let not_ready = ("node.kubernetes.io/not-ready".to_owned(), Some(300));
    let unreachable = ("node.kubernetes.io/unreachable".to_owned(), Some(300));
    assert_eq!(plain("[]"), [not_ready.clone(), unreachable.clone()]);
    assert_eq!(plain("[{operator: Exists}]"), [("*".to_owned(), None)]);
    let own = "[{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, \
               tolerationSeconds: 5}]";
    assert_eq!(plain(own), [(not_ready.0.clone(), Some(5)), unreachable.clone()]);
    let other = "[{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoSchedule}]";
    assert_eq!(plain(other).len(), 3);
    let (pod, _) = pod("spec: {containers: [{name: a}]}");
    assert_eq!(pod.tolerations[0].effect, Some(Effect::NoExecute));
    assert_eq!(pod.tolerations[0].operator, TolerationOperator::Exists);
}

#[test]
fn host_ports_are_those_of_containers_and_sidecars() {
    let ports = |spec: &str| {
        let (pod, _) = pod(&format!("spec: {spec}"));
        let port = |port: &crate::model::HostPort| (port.port, port.address.is_some());
        (pod.host_ports.iter().map(port).collect::<Vec<_>>(), pod)
    };
    let (none, _) = ports("{containers: [{name: a, ports: [{containerPort: 80}]}]}");
    assert_eq!(none, []);
    let (all, pod) = ports(
        "{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80, protocol: UDP}]}], \
         initContainers: [{name: i, ports: [{containerPort: 81}]}, \
         {name: s, restartPolicy: Always, ports: [{containerPort: 82}]}]}",
    );
    assert_eq!(all, [(80, false), (82, false)]);
    assert_eq!(pod.host_ports[0].protocol, Protocol::Udp);
    let (some, _) = ports(
        "{containers: [{name: a, ports: [{containerPort: 80, hostPort: 8080, hostIP: 10.0.0.1}, \
         {containerPort: 81, hostPort: 8081, hostIP: 0.0.0.0}]}]}",
    );
    assert_eq!(some, [(8080, true), (8081, false)]);
}

#[test]
fn gpus_become_devices() {
    let whole = "spec: {containers: [{name: a, resources: {limits: {nvidia.com/gpu: 2}}}, \
                 {name: b, resources: {limits: {nvidia.com/gpu: 1}}}]}";
    let (spec, _) = pod(whole);
    let request = spec.devices.clone().unwrap();
    assert_eq!((request.count, request.milli_each), (3, 1000));
    assert!(spec.requests.extended.is_empty() && spec.containers[0].limits.extended.is_empty());
    let shared = "{spec: {containers: [{name: a}]}, gpu: {milli: 250, models: [A100, V100]}}";
    let (spec, _) = pod(shared);
    let request = spec.devices.unwrap();
    assert_eq!((request.count, request.milli_each, request.models.len()), (1, 250, 2));
}

#[test]
fn defaults_are_those_of_kubernetes() {
    let text = "{metadata: {namespace: shop, labels: {app: web}}, \
                spec: {containers: [{name: a, image: web}], terminationGracePeriodSeconds: 0}}";
    let (pod, catalog) = pod(text);
    assert_eq!(catalog.names.text(pod.namespace), "shop");
    assert_eq!(catalog.names.text(pod.scheduler_name), "default-scheduler");
    assert_eq!(pod.containers[0].image.map(|image| catalog.names.text(image)), Some("web:latest"));
    assert_eq!(pod.termination_grace, Span::ZERO);
    assert_eq!(pod.priority, 0);
}

#[test]
fn what_has_no_effect_is_listed_and_what_would_have_one_is_refused() {
    let text = "{metadata: {annotations: {a: b}}, spec: {dnsPolicy: Default, \
                containers: [{name: a, env: [], livenessProbe: {exec: {}}, command: null}], \
                volumes: [{name: v, emptyDir: {}}]}}";
    let (_, _, problems, without_effect) = read(text);
    assert_eq!(problems, []);
    let expected = [
        "spec.dnsPolicy",
        "metadata.annotations",
        "spec.containers.0.env",
        "spec.containers.0.livenessProbe.exec",
        "spec.volumes.0.emptyDir",
    ];
    assert_eq!(without_effect, expected);
    for (spec, path) in [
        ("resourceClaims: []", "spec.resourceClaims"),
        ("priorityClassName: high", "spec.priorityClassName"),
        ("activeDeadlineSeconds: 0", "spec.activeDeadlineSeconds"),
        ("priorityClassName: system-node-critical, priority: 5", "spec.priority"),
        ("readinessGates: []", "spec.readinessGates"),
        ("runtimeClassName: gvisor", "spec.runtimeClassName"),
        (
            "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: \
             [{topologyKey: ''}]}}",
            "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.\
             topologyKey",
        ),
        (
            "topologySpreadConstraints: [{maxSkew: 0, topologyKey: z, whenUnsatisfiable: \
             ScheduleAnyway}]",
            "spec.topologySpreadConstraints.0.maxSkew",
        ),
        ("volumes: [{name: v, azureDisk: {}}]", "spec.volumes.0.azureDisk"),
        ("volumes: [{name: v, emptyDir: {}}, {name: v, secret: {}}]", "spec.volumes.1.name"),
        (
            "volumes: [{name: v, persistentVolumeClaim: {claimName: 'no/name'}}]",
            "spec.volumes.0.persistentVolumeClaim.claimName",
        ),
        ("volumes: [{name: v, rbd: {monitors: [], image: i}, iscsi: {iqn: i}}]", "spec.volumes.0"),
        (
            "volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {resources: {requests: \
             {storage: 5Q}}}}}}]",
            "spec.volumes.0.ephemeral.volumeClaimTemplate.spec.resources.requests.storage",
        ),
        (
            "resources: {requests: {nvidia.com/gpu: 1}}",
            "spec.resources.requests.\"nvidia.com/gpu\"",
        ),
        ("resources: {requests: {cpu: 2}, limits: {cpu: 1}}", "spec.resources.requests.cpu"),
        ("tolerations: [{value: x}]", "spec.tolerations.0"),
        ("tolerations: [{key: x, tolerationSeconds: 5}]", "spec.tolerations.0.tolerationSeconds"),
        ("nodeSelector: {a: '-'}", "spec.nodeSelector.a"),
        (
            "initContainers: [{name: b, restartPolicy: Never}]",
            "spec.initContainers.0.restartPolicy",
        ),
        ("initContainers: [{name: a}]", "spec.initContainers.0.name"),
    ] {
        let (_, _, problems, _) = read(&format!("spec: {{containers: [{{name: a}}], {spec}}}"));
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, [path], "{spec}");
    }
}

#[test]
fn conditions_on_nodes_are_checked() {
    for (requirement, wrong) in [
        ("{key: a, operator: In, values: [x]}", false),
        ("{key: a, operator: In}", true),
        ("{key: a, operator: Exists, values: [x]}", true),
        ("{key: a, operator: Gt, values: ['5']}", false),
        ("{key: a, operator: Gt, values: [five]}", true),
        ("{key: a, operator: Lt, values: ['1', '2']}", true),
        ("{key: a b, operator: Exists}", true),
    ] {
        let text = format!(
            "spec: {{containers: [{{name: a}}], affinity: {{nodeAffinity: {{\
             requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [\
             {{matchExpressions: [{requirement}]}}]}}}}}}}}"
        );
        let (_, _, problems, _) = read(&text);
        assert_eq!(!problems.is_empty(), wrong, "{requirement}: {problems:?}");
    }
}

#[test]
fn probes_and_hooks_have_the_defaults_of_kubernetes() {
    use crate::model::{Hook, ProbeParams, PullPolicy};
    let (pod, _) =
        pod("spec: {activeDeadlineSeconds: 60, automountServiceAccountToken: false, containers: [\
         {name: a, image: 'web:v1', readinessProbe: {httpGet: {port: 80}}, \
         livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 0, failureThreshold: 5, \
         initialDelaySeconds: 7, terminationGracePeriodSeconds: 9}, \
         lifecycle: {postStart: {exec: {command: [x]}}, preStop: {sleep: {seconds: 4}}}}, \
         {name: b, image: web, imagePullPolicy: Never}, {name: c, image: web}]}");
    let probes = pod.containers[0].probes;
    assert_eq!(probes.readiness, Some(ProbeParams::default()));
    let liveness = probes.liveness.unwrap();
    assert_eq!(
        liveness,
        ProbeParams {
            initial_delay: Span::from_secs(7),
            failure_threshold: 5,
            termination_grace: Some(Span::from_secs(9)),
            ..ProbeParams::default()
        }
    );
    assert_eq!(probes.startup, None);
    assert_eq!(pod.containers[0].post_start, Some(Hook::Command));
    assert_eq!(pod.containers[0].pre_stop, Some(Hook::Sleep(Span::from_secs(4))));
    let policies: Vec<PullPolicy> = pod.containers.iter().map(|c| c.pull_policy).collect();
    assert_eq!(policies, [PullPolicy::IfNotPresent, PullPolicy::Never, PullPolicy::Always]);
    assert_eq!(pod.active_deadline, Some(Span::from_secs(60)));
    assert!(!pod.has_volumes);
}

#[test]
fn wrong_probes_and_hooks_are_refused_where_they_are() {
    for (container, path) in [
        ("livenessProbe: {}", "livenessProbe"),
        ("livenessProbe: {exec: {}, grpc: {port: 1}}", "livenessProbe.grpc"),
        ("livenessProbe: {exec: {}, successThreshold: 2}", "livenessProbe.successThreshold"),
        (
            "readinessProbe: {exec: {}, terminationGracePeriodSeconds: 5}",
            "readinessProbe.terminationGracePeriodSeconds",
        ),
        (
            "startupProbe: {exec: {}, terminationGracePeriodSeconds: 0}",
            "startupProbe.terminationGracePeriodSeconds",
        ),
        ("lifecycle: {preStop: {}}", "lifecycle.preStop"),
        ("lifecycle: {preStop: {exec: {}, sleep: {seconds: 1}}}", "lifecycle.preStop.sleep"),
    ] {
        let (_, _, problems, _) =
            read(&format!("spec: {{containers: [{{name: a, {container}}}]}}"));
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, [format!("spec.containers.0.{path}")], "{container}");
    }
    let init = "spec: {containers: [{name: a}], initContainers: [\
                {name: i, livenessProbe: {exec: {}}, lifecycle: {}}, \
                {name: s, restartPolicy: Always, livenessProbe: {exec: {}}}]}";
    let (_, _, problems, _) = read(init);
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["spec.initContainers.0.livenessProbe", "spec.initContainers.0.lifecycle"]);
}

#[test]
fn classes_say_the_priority() {
    let (pod, _) = pod("spec: {priorityClassName: system-node-critical, containers: [{name: a}]}");
    assert_eq!(pod.priority, 2_000_001_000);
}
