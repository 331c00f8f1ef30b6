//! The numbers of a run, as plain data. What each means stands in the catalog of metrics.

use crate::ground::{Span, Time};
use crate::journal::RunEnd;
use crate::stats::{Samples, Spread, Summary, TimeWeighted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::states::{PodState, StateResult};

pub use super::discovery::{DiscoveryResults, ServiceDiscovery};
pub use super::pods::{PodEnd, PodLine, PodTable};
pub use super::recovery_results::{CaseOutcome, CaseRow, IncidentRow, Legs, RecoveryResults};
pub use super::rollouts::{ReleaseRow, RolloutResults, ServingPoint};
pub use super::series::{Column, Series};

/// A count over time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Level {
    /// Mean over time.
    pub mean: f64,
    /// Highest value that was held for some time.
    pub peak: f64,
    /// Value at the end.
    pub end: f64,
}

impl Level {
    pub(super) fn of(level: &TimeWeighted, end: Time) -> Level {
        Level { mean: level.mean_until(end), peak: level.peak() as f64, end: level.level() as f64 }
    }
}

/// Points of a published distribution.
const DISTRIBUTION_POINTS: u64 = 500;

/// The quantiles 0/500 to 500/500 of samples in nanoseconds, as seconds; empty without samples.
pub(super) fn distribution(samples: &Samples) -> Vec<f64> {
    let shares: Vec<u64> = (0..=DISTRIBUTION_POINTS).collect();
    let quantiles = samples.quantiles(&shares, DISTRIBUTION_POINTS);
    quantiles.into_iter().map(|nanos| Span::from_nanos(nanos).as_secs_f64()).collect()
}

/// How one resource was allocated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceResult {
    /// Name: cpu, memory, gpu, pods or the name of an extended resource.
    pub name: String,
    /// Capacity of the nodes that count at the end, in units as users count them: cores, bytes,
    /// devices, slots or units.
    pub capacity: f64,
    /// Requests held over capacity: ratio of the integrals over time, highest sample, at the end.
    pub allocation: Level,
    /// Spread of the nodes' allocation ratios, mean over the samples.
    pub imbalance: Spread,
    /// Spread of the nodes' allocation ratios at the end.
    pub imbalance_end: Spread,
    /// Idle capacity that no typical pod can use because another resource of its node is
    /// exhausted, over capacity; mean and peak over the samples.
    pub stranded: Level,
}

/// Idle devices that typical pods cannot use.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct FragmentationResult {
    /// Fragment in devices; mean and peak over the samples.
    pub amount: Level,
    /// Fragment over idle devices; mean and peak over the samples.
    pub ratio: Level,
}

/// How well pods were placed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PlacementResults {
    /// Per resource that nodes offer: cpu, memory, gpu, then the others.
    pub resources: Vec<ResourceResult>,
    /// Fragmentation, if there are devices.
    pub fragmentation: Option<FragmentationResult>,
    /// Pods per node that counts.
    pub density: Level,
    /// Nodes that count: joined, and ready as far as the store knows.
    pub nodes: Level,
}

/// Refusals by one plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PluginWait {
    /// Plugin.
    pub plugin: String,
    /// Attempts that it refused, alone or with others.
    pub attempts: u64,
    /// Sum of the waits after such an attempt, seconds.
    pub wait_seconds: f64,
    /// Pods pending at the end whose last attempt it refused.
    pub pending: u64,
}

/// Refusals by one set of plugins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonWait {
    /// The plugins that refused together; none for an error of the scheduler.
    pub plugins: Vec<String>,
    /// Attempts.
    pub attempts: u64,
    /// Sum of the waits after such an attempt, seconds.
    pub wait_seconds: f64,
    /// Pods pending at the end whose last attempt ended so.
    pub pending: u64,
}

/// How long pods waited.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct WaitingResults {
    /// First queued to bound, seconds.
    pub time_to_bind: Summary,
    /// False if there were so many pods that quantiles are rounded up by up to 1/128.
    pub exact: bool,
    /// Attempts of bound pods.
    pub attempts: Summary,
    /// Pods bound at their first attempt.
    pub first_attempt: u64,
    /// Pods without a node.
    pub pending: Level,
    /// Attempts that found no node.
    pub refused_attempts: u64,
    /// Bindings that could not be written.
    pub bind_failures: u64,
    /// Sum of the waits before the first attempt, seconds.
    pub queue_seconds: f64,
    /// Refusals by set of plugins, longest wait first.
    pub reasons: Vec<ReasonWait>,
    /// Refusals by plugin.
    pub plugins: Vec<PluginWait>,
    /// How long the pods still pending at the end have waited, seconds.
    pub censored: Summary,
    /// The quantiles 0/500 to 500/500 of the time to bind, seconds; empty without pods.
    pub distribution: Vec<f64>,
}

/// Pods that ended badly for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureResult {
    /// Reason, finer than the status of Kubernetes has it.
    pub reason: String,
    /// The reason as `status.reason` has it; empty where Kubernetes gives none.
    pub status: String,
    /// Pods.
    pub pods: u64,
}

/// Containers started again for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CauseResult {
    /// How the container had ended.
    pub cause: String,
    /// Starts.
    pub count: u64,
}

/// Waits of containers for one reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaitResult {
    /// Reason, as a container status words it.
    pub reason: String,
    /// Waits.
    pub times: u64,
    /// Their sum, seconds; up to the end of the run for those not over.
    pub seconds: f64,
    /// Waits not over at the end.
    pub open: u64,
}

/// What became of containers and their images.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ContainerResults {
    /// Starts of containers.
    pub started: u64,
    /// Of these, starts of containers that had run before.
    pub restarts: u64,
    /// The same by cause; every cause is there.
    pub restarts_by_cause: Vec<CauseResult>,
    /// Waits by reason; every reason is there.
    pub waits: Vec<WaitResult>,
    /// Images that were pulled.
    pub pulled: u64,
    /// Images that were there already, as their registries confirmed.
    pub confirmed: u64,
    /// Pulls that failed.
    pub failed_pulls: u64,
    /// Length of a pull that brought an image, seconds.
    pub pull_time: Summary,
    /// Part of the start times of pods in which an image was pulled.
    pub pulling_share: Option<f64>,
}

/// A resource that ran out on nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PressureResult {
    /// memory, disk or pid.
    pub resource: String,
    /// Times that a node began to report it.
    pub times: u64,
    /// Nodes that reported it.
    pub nodes: Level,
}

/// What nodes did about resources that ran out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct NodeHealthResults {
    /// By resource; every resource is there.
    pub pressure: Vec<PressureResult>,
    /// Times that a node threw images away.
    pub collections: u64,
    /// Images that were thrown away.
    pub collected_images: u64,
    /// Space that became free by it, bytes.
    pub freed_bytes: f64,
}

/// How much of one resource was really used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UsageResult {
    /// cpu or memory.
    pub name: String,
    /// Usage over the capacity of the nodes that count: ratio of the integrals over time, highest
    /// value that was held for some time, at the end.
    pub utilisation: Level,
}

/// How much was really used.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct UsageResults {
    /// CPU and memory, if nodes offer them.
    pub resources: Vec<UsageResult>,
    /// Changes of usage that were told; without any, running pods use what they request.
    pub told: u64,
    /// Pods that their CPU limits held back.
    pub throttled: Level,
    /// Part of the time of running pods in which their CPU limits held them back.
    pub throttled_ratio: Option<f64>,
}

/// What became of pods.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LifeResults {
    /// Pods created, replacements not counted.
    pub submitted: u64,
    /// Of these, pods with a lifetime above zero or without end.
    pub with_lifetime: u64,
    /// Pods that ended well.
    pub finished: u64,
    /// Pods that ended badly.
    pub failed: u64,
    /// Of these, pods that their kubelets evicted.
    pub evicted: u64,
    /// Pods that ended badly by reason, most first.
    pub failures: Vec<FailureResult>,
    /// Pods whose containers run at the end.
    pub running_at_end: u64,
    /// Pods bound but not started at the end.
    pub starting_at_end: u64,
    /// Pods without a node at the end.
    pub pending_at_end: u64,
    /// Pods stopped by a crash of their node and still in the store at the end.
    pub interrupted_at_end: u64,
    /// Times that a crash stopped a pod.
    pub interrupted: u64,
    /// Pods that were asked to stop because of their node.
    pub lost: u64,
    /// Pods that were asked to stop because their owners had too many.
    pub scaled_down: u64,
    /// Pods that were asked to stop to make room for more important ones.
    pub preempted: u64,
    /// Pods that left the store without having ended.
    pub removed: u64,
    /// Pods created in place of lost ones.
    pub replaced: u64,
    /// Created to all containers started, seconds.
    pub time_to_running: Summary,
    /// Created to ready, seconds.
    pub time_to_ready: Summary,
    /// The quantiles 0/500 to 500/500 of the time to running, seconds; empty without pods.
    pub running_distribution: Vec<f64>,
    /// The same of the time to ready.
    pub ready_distribution: Vec<f64>,
    /// Pods whose containers run.
    pub running: Level,
    /// Most pods that the input wants alive at once.
    pub peak_alive_demanded: u64,
    /// Most pods that were there at once.
    pub peak_alive_measured: u64,
}

/// How well one service was there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceResult {
    /// Name of the workload.
    pub name: String,
    /// Desired pods.
    pub desired: u32,
    /// Ready pods at which it counts as available.
    pub min_serving: u32,
    /// Ready pods at the end.
    pub serving_at_end: u32,
    /// Share of the time since it first was available.
    pub availability: f64,
    /// Mean of min(1, ready / desired) over that time.
    pub weighted: f64,
    /// Times that it stopped being available.
    pub outages: u64,
    /// Time without availability, seconds.
    pub unavailable_seconds: f64,
    /// Mean over time of the error share of its ready pods; `None` if it never had any.
    pub error_share: Option<f64>,
    /// Mean over time of how much longer its ready pods take to answer than usual.
    pub latency_factor: Option<f64>,
    /// From its definition to its first availability, seconds.
    pub time_to_first_available_seconds: Option<f64>,
}

/// How well services were there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct AvailabilityResults {
    /// Per service, in order of definition.
    pub services: Vec<ServiceResult>,
}

/// One node over the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeResult {
    /// Name.
    pub name: String,
    /// Mean allocation ratio while it counted, for each entry of `placement.resources`.
    pub allocation: Vec<f64>,
    /// Pods that were bound to it.
    pub bound: u64,
    /// Pods on it.
    pub pods: Level,
    /// Times that it lost power.
    pub crashes: u64,
    /// Time during which it did not count, seconds.
    pub not_ready_seconds: f64,
}

/// Everything that was measured in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// When the run ended.
    pub ended_at: Span,
    /// How the run ended, if it was told.
    pub end: Option<RunEnd>,
    /// Number of facts.
    pub facts: u64,
    /// Placement.
    pub placement: PlacementResults,
    /// Waiting.
    pub waiting: WaitingResults,
    /// Life.
    pub life: LifeResults,
    /// Pods by state.
    pub states: Vec<StateResult>,
    /// Containers and images.
    pub containers: ContainerResults,
    /// Real use.
    pub usage: UsageResults,
    /// Nodes whose resources ran out.
    pub node_health: NodeHealthResults,
    /// Recovery.
    pub recovery: RecoveryResults,
    /// Releases.
    #[serde(default)]
    pub rollouts: RolloutResults,
    /// How services were discovered.
    #[serde(default)]
    pub discovery: DiscoveryResults,
    /// Availability.
    pub availability: AvailabilityResults,
    /// Nodes.
    pub nodes: Vec<NodeResult>,
    /// What was sampled over time.
    pub series: Series,
    /// One line per pod. Not among what is saved of results: it has a table of its own.
    #[serde(skip)]
    pub pods: PodTable,
}
