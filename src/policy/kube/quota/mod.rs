//! Admission that refuses: ResourceQuota and LimitRange.
//!
//! The API server lets LimitRanges fill in and check what a pod asks for, and charges
//! ResourceQuotas last. A refusal is answered with 403 and the text of upstream.

mod limit_range;
mod resource_quota;
mod usage;

pub use limit_range::{LimitBounds, LimitRangeItem, check_claim_limits, check_limits, fill_limits};
pub use resource_quota::{
    PriorityClassScope, QUOTA_RESYNC, QuotaRefusal, QuotaScope, ResourceQuota, charge_quotas,
    recount_quota,
};
pub use usage::{QuotaAmounts, QuotaObject, QuotaPod, quota_amount};
