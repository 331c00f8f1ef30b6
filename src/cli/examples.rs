//! `wavetank examples`: the scenarios that come with wavetank, listed, printed or copied.

use super::terminal::print;
use super::{Answer, Failure};
use clap::Args;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A file that is part of the program.
struct Shipped {
    /// Path from the top of the repository.
    path: &'static str,
    text: &'static str,
}

macro_rules! shipped {
    ($($path:literal),* $(,)?) => {
        &[$(Shipped { path: $path, text: include_str!(concat!("../../", $path)) }),*]
    };
}

const SHIPPED: &[Shipped] = shipped![
    "scenarios/quickstart.yaml",
    "scenarios/trace-replay.yaml",
    "scenarios/alibaba-gpu-2023.yaml",
    "scenarios/alibaba-gpu-2023-loaded.yaml",
    "scenarios/manifests.yaml",
    "scenarios/rolling-update.yaml",
    "scenarios/graceful-update.yaml",
    "scenarios/bad-release.yaml",
    "scenarios/drain-under-budget.yaml",
    "scenarios/statefulset-stuck.yaml",
    "scenarios/statefulset-volumes.yaml",
    "scenarios/job-failing-index.yaml",
    "scenarios/database/db.yaml",
    "scenarios/drain/none.yaml",
    "scenarios/drain/one-at-a-time.yaml",
    "scenarios/drain/web.yaml",
    "scenarios/graceful/web-pre-stop.yaml",
    "scenarios/graceful/web.yaml",
    "scenarios/release/web.yaml",
    "scenarios/render/job.yaml",
    "scenarios/shop/cart.yaml",
    "scenarios/shop/cluster.yaml",
    "scenarios/shop/web.yaml",
    "traces/sample.csv",
];

/// The path and text of the scenario that runs when none is named.
pub(super) fn quickstart() -> (&'static str, &'static str) {
    (SHIPPED[0].path, SHIPPED[0].text)
}

/// Arguments of `examples`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wavetank examples\n  wavetank examples quickstart\n  \
                        wavetank examples --copy my-scenarios")]
pub(super) struct ExamplesArgs {
    /// Print this scenario.
    name: Option<String>,
    /// Copy all of them, and the files that they read, into this folder.
    #[arg(long, value_name = "FOLDER", conflicts_with = "name")]
    copy: Option<PathBuf>,
}

/// Lists, prints or copies.
pub(super) fn examples(args: &ExamplesArgs) -> Result<Answer, Failure> {
    match (&args.name, &args.copy) {
        (Some(name), _) => print(find(name)?.text)?,
        (None, Some(folder)) => copy(folder)?,
        (None, None) => print(&list())?,
    }
    Ok(Answer::Held)
}

fn scenarios() -> impl Iterator<Item = &'static Shipped> {
    let is_scenario =
        |path: &str| path.strip_prefix("scenarios/").is_some_and(|p| !p.contains('/'));
    SHIPPED.iter().filter(move |shipped| is_scenario(shipped.path))
}

fn stem(shipped: &Shipped) -> &'static str {
    shipped.path.trim_start_matches("scenarios/").trim_end_matches(".yaml")
}

fn find(name: &str) -> Result<&'static Shipped, Failure> {
    let wanted = name.trim_end_matches(".yaml");
    scenarios().find(|shipped| stem(shipped) == wanted).ok_or_else(|| {
        let known: Vec<&str> = scenarios().map(stem).collect();
        Failure::input(
            format!("no scenario named `{name}` comes with wavetank"),
            format!("there are {}", known.join(", ")),
        )
    })
}

/// One line for each scenario: its name and the first sentence of its description.
fn list() -> String {
    let mut text = String::new();
    for shipped in scenarios() {
        let description = shipped.text.lines().find_map(|line| line.strip_prefix("description: "));
        let description = description.unwrap_or("").trim_matches('"');
        writeln!(text, "{:26} {description}", stem(shipped)).expect("a string takes any text");
    }
    text.push_str(
        "\nPrint one: wavetank examples NAME. Copy all: wavetank examples --copy FOLDER\n",
    );
    text
}

fn copy(folder: &Path) -> Result<(), Failure> {
    for shipped in SHIPPED {
        let target = folder.join(shipped.path);
        if target.exists() {
            return Err(Failure::input(
                format!("`{}` exists already", target.display()),
                "name another folder; nothing was overwritten",
            ));
        }
    }
    for shipped in SHIPPED {
        let target = folder.join(shipped.path);
        let parent = target.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&target, shipped.text))
            .map_err(|error| {
                Failure::input(
                    format!("`{}` cannot be written: {error}", target.display()),
                    "name a folder in which you may write",
                )
            })?;
    }
    let count = scenarios().count();
    let read = SHIPPED.len() - count;
    let folder = folder.display();
    print(&format!("Copied {count} scenarios and {read} files that they read to {folder}.\n"))?;
    Ok(())
}
