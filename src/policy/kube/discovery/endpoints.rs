//! Which pods are endpoints of a service, and to which of them requests go.
//!
//! Sources: `staging/src/k8s.io/endpointslice/utils.go` (`podToEndpoint`,
//! `ShouldPodBeInEndpoints`), `pkg/proxy/topology.go` (`CategorizeEndpoints`), Kubernetes 1.34.

use crate::model::{EndpointConditions, NodeId, PodPhase};

/// The endpoint of a pod that a service selects; `None` if it is in no slice: it has no address
/// yet, or has ended. Kubelets report the address with the phase Running. `publish`: the service
/// wants addresses of pods that are not ready, too (`publishNotReadyAddresses`).
pub fn endpoint_of(phase: PodPhase, deleting: bool, publish: bool) -> Option<EndpointConditions> {
    let serving = match phase {
        PodPhase::Ready => true,
        PodPhase::Running => false,
        _ => return None,
    };
    let ready = publish || (serving && !deleting);
    Some(EndpointConditions { ready, serving, terminating: deleting })
}

/// From where to where requests may go (`internalTrafficPolicy`, `externalTrafficPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrafficPolicy {
    /// To every node.
    Cluster,
    /// Only to pods on the node of the proxy, which is this one.
    Local(NodeId),
}

/// An endpoint as a proxy has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed<P> {
    /// Whose it is.
    pub pod: P,
    /// Its conditions.
    pub conditions: EndpointConditions,
    /// The node of the pod.
    pub node: Option<NodeId>,
}

/// What a proxy makes of requests to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routing<P> {
    /// They go to these, each with the same probability.
    To(Vec<P>),
    /// There is no endpoint at all: they are rejected.
    Reject,
    /// There are endpoints, but none on this node: they are dropped.
    Drop,
}

/// True if requests go to an endpoint. `any_ready`: one of those that may be used is ready; where
/// none is, requests go to those that serve although they are asked to stop.
pub fn is_routed(conditions: EndpointConditions, any_ready: bool) -> bool {
    if any_ready { conditions.ready } else { conditions.serving && conditions.terminating }
}

/// Where a proxy sends the requests to a service.
pub fn routed<P: Copy>(endpoints: &[Listed<P>], policy: TrafficPolicy) -> Routing<P> {
    let chosen = |usable: &dyn Fn(&Listed<P>) -> bool| -> Vec<P> {
        let usable: Vec<&Listed<P>> = endpoints.iter().filter(|one| usable(one)).collect();
        let any_ready = usable.iter().any(|one| one.conditions.ready);
        let goes = |one: &&&Listed<P>| is_routed(one.conditions, any_ready);
        usable.iter().filter(goes).map(|one| one.pod).collect()
    };
    let anywhere = chosen(&|_| true);
    let (here, none) = match policy {
        TrafficPolicy::Cluster => (anywhere, Routing::Reject),
        TrafficPolicy::Local(node) => {
            let none = if anywhere.is_empty() { Routing::Reject } else { Routing::Drop };
            (chosen(&|one| one.node == Some(node)), none)
        }
    };
    if here.is_empty() { none } else { Routing::To(here) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(ready: bool, serving: bool, terminating: bool) -> EndpointConditions {
        EndpointConditions { ready, serving, terminating }
    }

    #[test]
    fn conditions_follow_from_the_pod() {
        assert_eq!(endpoint_of(PodPhase::Pending, false, true), None);
        assert_eq!(endpoint_of(PodPhase::Failed, true, true), None);
        assert_eq!(endpoint_of(PodPhase::Succeeded, false, false), None);
        let of = |phase, deleting, publish| endpoint_of(phase, deleting, publish).unwrap();
        assert_eq!(of(PodPhase::Ready, false, false), conditions(true, true, false));
        assert_eq!(of(PodPhase::Ready, true, false), conditions(false, true, true));
        assert_eq!(of(PodPhase::Running, true, false), conditions(false, false, true));
        assert_eq!(of(PodPhase::Running, false, false), conditions(false, false, false));
        assert_eq!(of(PodPhase::Running, true, true), conditions(true, false, true));
    }

    /// Check 7 of section 7.6 of the specification.
    #[test]
    fn pods_that_go_serve_until_they_cease_to() {
        let pod = |pod, conditions| Listed { pod, conditions, node: None };
        let ready = pod(1, conditions(true, true, false));
        let going = pod(2, conditions(false, true, true));
        let gone = pod(3, conditions(false, false, true));
        let to = |endpoints: &[Listed<u32>]| routed(endpoints, TrafficPolicy::Cluster);
        assert_eq!(to(&[ready, going, gone]), Routing::To(vec![1]));
        assert_eq!(to(&[going, gone]), Routing::To(vec![2]));
        assert_eq!(to(&[gone]), Routing::Reject);
        assert_eq!(to(&[pod(4, conditions(false, false, false))]), Routing::Reject);
    }

    #[test]
    fn local_traffic_stays_on_its_node_or_is_dropped() {
        let ready = conditions(true, true, false);
        let going = conditions(false, true, true);
        let on = |pod, node, conditions| Listed { pod, conditions, node: Some(NodeId(node)) };
        let endpoints = [on(1, 0, ready), on(2, 1, ready), on(3, 2, going)];
        let from = |node| routed(&endpoints, TrafficPolicy::Local(NodeId(node)));
        assert_eq!(from(1), Routing::To(vec![2]));
        assert_eq!(from(2), Routing::To(vec![3]), "the only one here, although it goes");
        assert_eq!(from(3), Routing::Drop);
        let none: [Listed<u32>; 0] = [];
        assert_eq!(routed(&none, TrafficPolicy::Local(NodeId(0))), Routing::Reject);
    }
}
