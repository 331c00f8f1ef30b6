//! `wavetank validate`: parses and checks a scenario without running it.

use super::run::load;
use super::terminal::{Terminal, print};
use super::{Answer, Failure, OutputArgs};
use crate::scenario::{Scenario, scenario_schema, to_yaml};
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Arguments of `validate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wavetank validate my.yaml\n  \
                        wavetank validate my.yaml --print --set until=1h\n  \
                        wavetank validate --schema > scenario.schema.json")]
pub(super) struct ValidateArgs {
    /// The scenario file; `-` is standard input. Without it, the quickstart is checked.
    scenario: Option<PathBuf>,
    /// Change a value of the file; may be given several times.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Print the scenario with every value that holds, defaults and changes included.
    #[arg(long)]
    print: bool,
    /// List the fields and objects that are accepted and have no effect in a simulation.
    #[arg(long)]
    verbose: bool,
    /// Print the JSON schema of scenario files instead.
    #[arg(long, conflicts_with_all = ["scenario", "set", "print", "verbose"])]
    schema: bool,
    #[command(flatten)]
    look: OutputArgs,
}

/// Checks, and prints what was asked for.
pub(super) fn validate(args: &ValidateArgs) -> Result<Answer, Failure> {
    if args.schema {
        let schema = serde_json::to_string_pretty(&scenario_schema())
            .map_err(|error| Failure::Internal(format!("no JSON can be made: {error}.")))?;
        print(&(schema + "\n"))?;
        return Ok(Answer::Held);
    }
    let loaded = load(args.scenario.as_deref(), &args.set, args.look.color)?;
    let stderr = Terminal::stderr(args.look.color);
    for warning in &loaded.warnings {
        stderr.error_line(&warning.render(stderr.colour()));
    }
    let mut out = String::new();
    for scenario in &loaded.scenarios {
        if args.print {
            let several = loaded.scenarios.len() > 1;
            let head =
                if several { format!("# variant {}\n", scenario.variant) } else { String::new() };
            let rule = if several && !out.is_empty() { "---\n" } else { "" };
            write!(out, "{rule}{head}{}", to_yaml(&scenario.file))
                .expect("a string takes any text");
        } else if !args.look.quiet {
            describe(&mut out, scenario, args.verbose);
        }
    }
    print(&out)?;
    Ok(Answer::Held)
}

/// What a scenario contains, in a line, and what of it has no effect.
fn describe(out: &mut String, scenario: &Scenario, verbose: bool) {
    let file = &scenario.file;
    let end = file.until.map_or("until nothing is left".to_owned(), |until| format!("for {until}"));
    let plan = &scenario.plan;
    let pods = match plan.pods.len() {
        0 => String::new(),
        count => format!("{count} pods at the start, "),
    };
    writeln!(
        out,
        "{} ({}): {} nodes, {pods}{} workloads, {} faults, {end}. It is valid.",
        file.name,
        scenario.variant,
        plan.nodes.len(),
        plan.catalog.workloads.len(),
        file.faults.len(),
    )
    .expect("a string takes any text");
    if verbose {
        for path in &scenario.without_effect {
            writeln!(out, "  without effect: {path}").expect("a string takes any text");
        }
    }
}
