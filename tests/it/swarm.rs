//! The swarm: made-up clusters, workloads, images and crashes; every check is on, and once the
//! faults are over everything settles.

use rayon::prelude::*;
use std::collections::BTreeSet;
use wavetank::experiment::{Feature, Held, generate, swarm};

/// Seeds played: fewer in a debug build, which is slow.
const SEEDS: u64 = if cfg!(debug_assertions) { 60 } else { 1000 };

#[test]
fn every_seed_holds() {
    let played: Vec<(u64, Result<Held, String>)> =
        (0..SEEDS).into_par_iter().map(|seed| (seed, swarm(seed))).collect();
    let failed: Vec<String> = played
        .iter()
        .filter_map(|(seed, result)| Some((seed, result.as_ref().err()?)))
        .map(|(seed, text)| format!("{text}\nAgain: wavetank swarm --seeds {seed}"))
        .collect();
    assert!(failed.is_empty(), "{} seeds did not hold\n{}", failed.len(), failed.join("\n\n"));
    let held = || played.iter().filter_map(|(_, result)| result.as_ref().ok());
    let features: BTreeSet<Feature> = held().flat_map(|held| held.features.clone()).collect();
    assert_eq!(features.len(), Feature::ALL.len(), "some features were never on: {features:?}");
    for (what, count) in [
        ("pods", held().map(|held| held.pods).sum::<u64>()),
        ("crashes", held().map(|held| held.crashes).sum()),
        ("restarts", held().map(|held| held.restarts).sum()),
    ] {
        assert!(count > 3 * SEEDS, "there were only {count} {what}");
    }
}

#[test]
fn a_seed_is_the_same_every_time() {
    for seed in [1, 5] {
        assert_eq!(generate(seed), generate(seed));
        assert_eq!(swarm(seed).unwrap(), swarm(seed).unwrap());
    }
    assert_ne!(generate(1).text, generate(2).text);
}
