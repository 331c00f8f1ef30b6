//! Facts to numbers.
