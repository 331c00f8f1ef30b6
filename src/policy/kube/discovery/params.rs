//! Parameters of service discovery.

use super::{DnsParams, ProxyParams};
use crate::ground::{Problem, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How clients find the pods of services. Only services declared as objects are discovered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiscoveryParams {
    /// How long the controller of slices gathers changes of pods before it looks at a service
    /// (`--endpoint-updates-batch-period`). Kubernetes 1.34: 0s.
    pub batch_period: Span,
    /// The proxies of the nodes.
    pub proxy: ProxyParams,
    /// Names, through which clients find the pods of headless services.
    pub dns: DnsParams,
}

impl DiscoveryParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        let parts = [("proxy", self.proxy.check()), ("dns", self.dns.check())];
        let under = |(path, found): (&'static str, Vec<Problem>)| {
            found.into_iter().map(move |problem| problem.under(path))
        };
        parts.into_iter().flat_map(under).collect()
    }
}
