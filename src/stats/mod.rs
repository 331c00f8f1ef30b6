//! Numbers from samples.
