//! The user's file: load, check, override, build.
mod arrivals;
