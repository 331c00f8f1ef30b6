//! Services as users write them (core/v1, Kubernetes 1.34): of them the scheduler reads which pods
//! belong together.

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
    }
    refused: []
    without_effect: [
        "allocateLoadBalancerNodePorts", "clusterIP", "clusterIPs", "externalIPs", "externalName",
        "externalTrafficPolicy", "healthCheckNodePort", "internalTrafficPolicy", "ipFamilies",
        "ipFamilyPolicy", "loadBalancerClass", "loadBalancerIP", "loadBalancerSourceRanges",
        "ports", "publishNotReadyAddresses", "sessionAffinity", "sessionAffinityConfig",
        "trafficDistribution", "type",
    ]
}
