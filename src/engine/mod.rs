//! Orders events in simulated time.
