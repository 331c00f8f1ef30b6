//! Services as users write them (core/v1, Kubernetes 1.34): the scheduler reads which pods belong
//! together, and clients find them through their endpoints.

use super::object::ObjectMeta;
use super::rest::with_rest;
use std::collections::BTreeMap;

with_rest! {
    /// A service.
    pub struct ServiceManifest reads ServiceRead, knows ServiceKeys {
        /// Name, namespace and labels.
        pub metadata: ObjectMeta,
        /// What it leads to.
        #[serde(default)]
        pub spec: ServiceSpec,
    }
    refused: []
    without_effect: ["status"]
}

with_rest! {
    /// What a service leads to.
    #[derive(Default)]
    pub struct ServiceSpec reads ServiceSpecRead, knows ServiceSpecKeys {
        /// Labels of its pods; none if left out.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub selector: BTreeMap<String, String>,
        /// Pods get requests even while they are not ready.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub publish_not_ready_addresses: bool,
        /// Its address: of `None` clients find the pods by name, and no proxy takes part; others
        /// are without effect.
        #[serde(rename = "clusterIP", default, skip_serializing_if = "Option::is_none")]
        pub cluster_ip: Option<String>,
    }
    refused: []
    without_effect: [
        "allocateLoadBalancerNodePorts", "clusterIPs", "externalIPs", "externalName",
        "externalTrafficPolicy", "healthCheckNodePort", "internalTrafficPolicy", "ipFamilies",
        "ipFamilyPolicy", "loadBalancerClass", "loadBalancerIP", "loadBalancerSourceRanges",
        "ports", "sessionAffinity", "sessionAffinityConfig",
        "trafficDistribution", "type",
    ]
}
