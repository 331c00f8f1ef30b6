//! Configurations as users have them, and what is refused.

use super::*;
use crate::model::Plugin;
use serde_json::json;

fn read(profile: Value) -> KubeSchedulerConfiguration {
    let document = json!({
        "apiVersion": API_VERSION,
        "kind": "KubeSchedulerConfiguration",
        "profiles": [profile],
    });
    serde_json::from_value(document).unwrap()
}

fn profile(written: Value) -> Profile {
    let configuration = read(written);
    assert_eq!(configuration.check(), []);
    configuration.resolve(&mut Names::new()).remove(0)
}

#[test]
fn nothing_written_is_the_default() {
    let mut names = Names::new();
    let default = Profile::default_for(DEFAULT_SCHEDULER, &mut names);
    let read = read(json!({})).resolve(&mut names).remove(0);
    let seen = |profile: &Profile| (profile.pre_filter.clone(), profile.filter.clone());
    assert_eq!(seen(&read), seen(&default));
    assert_eq!((&read.score, read.preempts), (&default.score, true));
    assert_eq!(read.arguments, default.arguments);
}

#[test]
fn switches_of_points_and_of_all_points() {
    use Plugin::*;
    let weights = |profile: &Profile| profile.score.clone();
    let one = profile(json!({"plugins": {"score": {
        "disabled": [{"name": "*"}],
        "enabled": [{"name": "ImageLocality", "weight": 7}, {"name": "NodeResourcesFit"}],
    }}}));
    assert_eq!(weights(&one), [(ImageLocality, 7), (NodeResourcesFit, 1)]);
    assert!(one.filter.contains(&InterPodAffinity), "other points are as before");
    // One set again at a point goes first there; one disabled is missing there only.
    let two = profile(json!({"plugins": {
        "filter": {"enabled": [{"name": "NodePorts"}], "disabled": [{"name": "NodeName"}]},
        "multiPoint": {
            "enabled": [{"name": "TaintToleration", "weight": 9}, {"name": "NodeAffinity"}],
            "disabled": [{"name": "DefaultPreemption"}],
        },
    }}));
    assert_eq!(two.filter[..3], [NodePorts, NodeUnschedulable, TaintToleration]);
    assert_eq!(weights(&two)[..2], [(TaintToleration, 9), (NodeAffinity, 1)]);
    assert!(!two.preempts);
}

#[test]
fn what_is_not_supported_is_named() {
    let written = json!({
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "podInitialBackoffSeconds": 20,
        "percentageOfNodesToScore": 101,
        "extenders": [{"urlPrefix": "http://localhost"}],
        "profiles": [
            {"plugins": {
                "score": {"enabled": [{"name": "Coscheduling"}, {"name": "NodePorts"}]},
                "multiPoint": {"enabled": [{"name": "DynamicResources"}]},
                "bind": {"disabled": [{"name": "DefaultBinder"}]},
                "preScore": {"disabled": [{"name": "NodeResourcesFit"}]},
            }},
            {"pluginConfig": [
                {"name": "Trimaran", "args": {}},
                {"name": "NodePorts", "args": {}},
                {"name": "InterPodAffinity", "args": {"hardPodAffinityWeight": 101}},
                {"name": "PodTopologySpread", "args": {"defaultingType": "Every"}},
                {"name": "NodeResourcesFit", "args": {"ignored": 1}},
            ]},
        ],
    });
    let configuration: KubeSchedulerConfiguration = serde_json::from_value(written).unwrap();
    let paths: Vec<String> = configuration.check().into_iter().map(|p| p.path).collect();
    assert_eq!(
        paths,
        [
            "percentageOfNodesToScore",
            "podMaxBackoffSeconds",
            "extenders.0",
            "profiles.0.plugins.multiPoint.enabled.0.name",
            "profiles.0.plugins.score.enabled.0.name",
            "profiles.0.plugins.score.enabled.1.name",
            "profiles.0.plugins.bind",
            "profiles.0.plugins.preScore",
            "profiles.1.schedulerName",
            "profiles.1.pluginConfig.0.name",
            "profiles.1.pluginConfig.1.name",
            "profiles.1.pluginConfig.2.args.hardPodAffinityWeight",
            "profiles.1.pluginConfig.3.args.defaultingType",
            "profiles.1.pluginConfig.4.args",
        ]
    );
}
