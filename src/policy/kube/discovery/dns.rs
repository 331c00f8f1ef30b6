//! Answers of the cluster's name server, which clients keep for a while.
//!
//! Source: the CoreDNS set-up of kubeadm (`cmd/kubeadm/app/phases/addons/dns`), Kubernetes 1.34:
//! `kubernetes` with `ttl 30`.

use crate::ground::{Problem, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DnsParams {
    /// How long a client uses an answer, at most: the TTL of the records. Kubernetes 1.34: 30s.
    pub ttl: Span,
}

impl Default for DnsParams {
    fn default() -> DnsParams {
        DnsParams { ttl: Span::from_secs(30) }
    }
}

impl DnsParams {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// Share of the clients that still use the former answer so long after a change, millionths, if
/// each refreshes its answer once per TTL and their phases are spread evenly.
pub fn stale_ppm(ttl: Span, since: Span) -> u32 {
    let left = u128::from(ttl.as_nanos().saturating_sub(since.as_nanos()));
    let share = (left * 1_000_000).checked_div(u128::from(ttl.as_nanos()));
    share.map_or(0, |share| share as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_clients_become_fewer_until_the_ttl_is_over() {
        let ttl = DnsParams::default().ttl;
        let after = |seconds| stale_ppm(ttl, Span::from_secs(seconds));
        assert_eq!([after(0), after(15), after(24), after(30)], [1_000_000, 500_000, 200_000, 0]);
        assert_eq!(after(90), 0);
        assert_eq!(stale_ppm(Span::ZERO, Span::ZERO), 0);
    }
}
