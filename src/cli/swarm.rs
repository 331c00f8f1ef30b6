//! `wavetank swarm`: made-up scenarios with every check switched on.

use super::terminal::{Progress, print};
use super::{Answer, Failure, OutputArgs};
use crate::experiment::{Feature, Held, generate, swarm as play};
use clap::Args;
use rayon::prelude::*;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// Arguments of `swarm`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wavetank swarm\n  wavetank swarm --seeds 0..20000\n  \
                        wavetank swarm --seeds 17 --print > swarm-17.yaml\n  \
                        wavetank explain swarm-17.yaml --pod sound-0-3")]
pub(super) struct SwarmArgs {
    /// The seeds: one, or from A up to but not B.
    #[arg(long, value_name = "A..B", default_value = "0..1000", value_parser = seeds)]
    seeds: Seeds,
    /// Print the scenarios of these seeds and play none.
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    look: OutputArgs,
}

/// Seeds from the first up to but not the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seeds {
    from: u64,
    to: u64,
}

fn seeds(text: &str) -> Result<Seeds, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
    let seeds = match text.split_once("..") {
        Some((from, to)) => Seeds { from: number(from)?, to: number(to)? },
        None => {
            let from = number(text)?;
            Seeds { from, to: from.saturating_add(1) }
        }
    };
    if seeds.from < seeds.to { Ok(seeds) } else { Err("these are no seeds at all".to_owned()) }
}

/// Failures that are told.
const TOLD: usize = 10;

/// Plays the seeds and says which did not hold.
pub(super) fn swarm(args: &SwarmArgs) -> Result<Answer, Failure> {
    let Seeds { from, to } = args.seeds;
    if args.print {
        let texts: Vec<String> = (from..to).map(|seed| generate(seed).text).collect();
        print(&texts.join("---\n"))?;
        return Ok(Answer::Held);
    }
    let bars = Progress::new("swarm", 1, args.look.quiet);
    let (done, all) = (AtomicU64::new(0), to - from);
    let played: Vec<(u64, Result<Held, String>)> = (from..to)
        .into_par_iter()
        .map(|seed| {
            let result = play(seed);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            bars.at(0, done as f64 / all as f64);
            (seed, result)
        })
        .collect();
    bars.done();
    let failed = played.iter().filter(|(_, result)| result.is_err()).count();
    if !args.look.quiet || failed > 0 {
        print(&answer(&played, failed))?;
    }
    Ok(if failed == 0 { Answer::Held } else { Answer::Failed })
}

fn answer(played: &[(u64, Result<Held, String>)], failed: usize) -> String {
    let held: Vec<&Held> = played.iter().filter_map(|(_, result)| result.as_ref().ok()).collect();
    let sum = |of: fn(&Held) -> u64| held.iter().map(|held| of(held)).sum::<u64>();
    let mut out = format!(
        "{} of {} seeds held: {} pods, {} restarts, {} crashes, {} events\n",
        held.len(),
        played.len(),
        sum(|held| held.pods),
        sum(|held| held.restarts),
        sum(|held| held.crashes),
        sum(|held| held.events)
    );
    let with = |feature: Feature| held.iter().filter(|h| h.features.contains(&feature)).count();
    let parts: Vec<String> = Feature::ALL
        .iter()
        .map(|feature| format!("{} {}", format!("{feature:?}").to_lowercase(), with(*feature)))
        .collect();
    let mut put = |text: String| writeln!(out, "{text}").expect("a string takes any text");
    put(format!("Seeds with {}", parts.join(", ")));
    let failures = played.iter().filter_map(|(seed, result)| Some((seed, result.as_ref().err()?)));
    for (seed, text) in failures.take(TOLD) {
        put(format!("\nseed {seed}: {text}\nAgain: wavetank swarm --seeds {seed}"));
    }
    if failed > TOLD {
        put(format!("\nand {} more", failed - TOLD));
    }
    out
}
