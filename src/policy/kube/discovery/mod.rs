//! How clients of a service find its pods: endpoint slices, the proxies that route to them, and
//! names. Pure functions; what becomes of them in time is up to the simulation.

mod dns;
mod endpoints;
mod params;
mod proxy;
mod slices;

pub use dns::{DnsParams, stale_ppm};
pub use endpoints::{Listed, Routing, TrafficPolicy, endpoint_of, is_routed, routed};
pub use params::DiscoveryParams;
pub use proxy::{ProxyMode, ProxyParams, SyncRule, rule_probability};
pub use slices::{ENDPOINTS_PER_SLICE, ExistingSlice, SlicePlan, place_endpoints};
