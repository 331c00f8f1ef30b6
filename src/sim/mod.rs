//! Makes it happen: the store, the machines, and the loops around policies.
