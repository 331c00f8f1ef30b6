//! Pages and pictures, written beside the other files of a run, and made again from them.

use super::files::{WriteError, run_name, write_file};
use super::page::{Link, page};
use super::saved::{SavedError, read_results};
use super::{Figure, Plotted, RunReport, figures};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The schema of `comparison.json`, which says what runs a page over several variants is made of.
const COMPARISON_SCHEMA: &str = "wavetank.comparison/1";
const COMPARISON: &str = "comparison.json";
/// What a run is rebuilt from.
pub(super) const RESULTS: &str = "results.json";

/// The files that a run may leave, in the order in which the page lists them.
const FILES: [(&str, &str); 11] = [
    ("summary.json", "every metric by name"),
    ("nodes.csv", "one line per node"),
    ("pods.csv", "one line per pod"),
    ("series.csv", "what was sampled over time"),
    ("recovery.csv", "each pod that lost its node, step by step"),
    ("releases.csv", "one line per release"),
    ("discovery.csv", "one line per service that clients discover"),
    ("timeline.json", "each pod on its node; opens in Perfetto (ui.perfetto.dev)"),
    ("events.jsonl.gz", "everything that happened"),
    ("results.json", "what this page is made of; `wavetank report` makes it again"),
    ("host.json", "what the run cost on this machine"),
];

/// Why a report cannot be made again.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// There is no such folder.
    #[error("there is no folder `{}`", .0.display())]
    Missing(PathBuf),
    /// Nothing in the folder tells of a run.
    #[error("`{}` is not the folder of a run: it has no results.json", .0.display())]
    NotARun(PathBuf),
    /// A file cannot be read.
    #[error("`{}` cannot be read: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is broken, or of another version.
    #[error("`{}` cannot be used: {source}", .path.display())]
    Saved {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SavedError,
    },
    /// The report cannot be written.
    #[error("{0}")]
    Write(#[from] WriteError),
}

#[derive(Serialize, Deserialize)]
struct Comparison {
    schema: String,
    /// Folders of the runs, from the folder of the page.
    runs: Vec<String>,
}

/// The pages that were made again, of runs first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// Their paths.
    pub pages: Vec<PathBuf>,
}

/// Makes the pages and pictures of a run again, or those of a scenario with all its variants.
pub fn rebuild(folder: &Path) -> Result<Rebuilt, RebuildError> {
    if !folder.is_dir() {
        return Err(RebuildError::Missing(folder.to_owned()));
    }
    if folder.join(RESULTS).is_file() {
        let page = rebuild_run(folder)?.1;
        return Ok(Rebuilt { pages: vec![page] });
    }
    let path = folder.join(COMPARISON);
    if !path.is_file() {
        return Err(RebuildError::NotARun(folder.to_owned()));
    }
    let broken = |source: SavedError| RebuildError::Saved { path: path.clone(), source };
    let comparison: Comparison =
        serde_json::from_str(&read(&path)?).map_err(|error| broken(error.into()))?;
    if comparison.schema != COMPARISON_SCHEMA {
        return Err(broken(SavedError::Schema(comparison.schema)));
    }
    let mut pages = Vec::new();
    let mut reports = Vec::new();
    for run in &comparison.runs {
        let (report, page) = rebuild_run(&folder.join(run))?;
        pages.push(page);
        reports.push(report);
    }
    let runs: Vec<(&RunReport, &str)> =
        reports.iter().zip(&comparison.runs).map(|(report, run)| (report, run.as_str())).collect();
    write_comparison(folder, &runs)?;
    pages.push(folder.join("report.html"));
    Ok(Rebuilt { pages })
}

fn read(path: &Path) -> Result<String, RebuildError> {
    fs::read_to_string(path).map_err(|source| RebuildError::Read { path: path.to_owned(), source })
}

fn rebuild_run(folder: &Path) -> Result<(RunReport, PathBuf), RebuildError> {
    let path = folder.join(RESULTS);
    let report = read_results(&read(&path)?)
        .map_err(|source| RebuildError::Saved { path: path.clone(), source })?;
    write_page(folder, &report)?;
    Ok((report, folder.join("report.html")))
}

/// Writes the page and the pictures of a run into its folder, where its other files are already.
pub(super) fn write_page(folder: &Path, report: &RunReport) -> Result<(), WriteError> {
    let plotted = [Plotted { label: report.variant.clone(), results: &report.results }];
    let drawn = figures(&plotted, &format!("{}, seed {}", run_name(report), report.seed));
    write_plots(folder, &drawn)?;
    let there = |(name, _): &&(&str, &str)| folder.join(name).exists();
    let link = |(name, what): &(&str, &str)| Link { path: (*name).into(), what: (*what).into() };
    let links: Vec<Link> = FILES.iter().filter(there).map(link).collect();
    write_html(folder, &page(&[report], &drawn, &links))
}

/// Writes a page over several variants of a scenario, each with its folder from that of the page.
pub fn write_comparison(folder: &Path, runs: &[(&RunReport, &str)]) -> Result<(), WriteError> {
    let Some((first, _)) = runs.first() else {
        return Ok(());
    };
    let plotted: Vec<Plotted<'_>> = runs
        .iter()
        .map(|(report, _)| Plotted { label: report.variant.clone(), results: &report.results })
        .collect();
    let drawn = figures(&plotted, &format!("{}, seed {}", first.scenario, first.seed));
    write_plots(folder, &drawn)?;
    let link = |(report, run): &(&RunReport, &str)| Link {
        path: format!("{run}/report.html"),
        what: format!("the report of {} alone", report.variant),
    };
    let links: Vec<Link> = runs.iter().map(link).collect();
    let reports: Vec<&RunReport> = runs.iter().map(|(report, _)| *report).collect();
    write_html(folder, &page(&reports, &drawn, &links))?;
    let comparison = Comparison {
        schema: COMPARISON_SCHEMA.to_owned(),
        runs: runs.iter().map(|(_, run)| (*run).to_owned()).collect(),
    };
    write_file(&folder.join(COMPARISON), |out| {
        serde_json::to_writer_pretty(&mut *out, &comparison)?;
        out.write_all(b"\n")
    })
}

fn write_plots(folder: &Path, figures: &[Figure]) -> Result<(), WriteError> {
    for figure in figures {
        for (ending, text) in [("svg", &figure.svg), ("csv", &figure.csv)] {
            let path = folder.join("plots").join(format!("{}.{ending}", figure.name));
            write_file(&path, |out| out.write_all(text.as_bytes()))?;
        }
    }
    Ok(())
}

fn write_html(folder: &Path, html: &str) -> Result<(), WriteError> {
    write_file(&folder.join("report.html"), |out| out.write_all(html.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::example_report;
    use crate::report::{Host, Streamed, write_run};

    fn page_and_plots(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder.join("plots")).unwrap().map(|e| e.unwrap().path()).collect();
        paths.push(folder.join("report.html"));
        paths.sort();
        paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    #[test]
    fn a_report_is_made_again_byte_by_byte() {
        let scratch = tempfile::tempdir().unwrap();
        let scenario = scratch.path().join("example");
        let reports = [example_report("packed", true), example_report("spread", false)];
        let mut folders = vec![scenario.clone()];
        let mut runs = Vec::new();
        for report in &reports {
            let run = format!("{}/7", report.variant);
            let folder = scenario.join(&run);
            write_run(&folder, report, &Host::default(), &Streamed::default()).unwrap();
            folders.push(folder);
            runs.push(run);
        }
        let pairs: Vec<(&RunReport, &str)> =
            reports.iter().zip(&runs).map(|(report, run)| (report, run.as_str())).collect();
        write_comparison(&scenario, &pairs).unwrap();
        let before: Vec<_> = folders.iter().map(|folder| page_and_plots(folder)).collect();
        assert!(before.iter().all(|files| files.len() == 15));
        for folder in &folders {
            fs::remove_dir_all(folder.join("plots")).unwrap();
            fs::remove_file(folder.join("report.html")).unwrap();
        }
        let rebuilt = rebuild(&scenario).unwrap();
        assert_eq!(rebuilt.pages.len(), 3);
        let after: Vec<_> = folders.iter().map(|folder| page_and_plots(folder)).collect();
        assert!(before == after);
        fs::remove_file(folders[1].join("report.html")).unwrap();
        rebuild(&folders[1]).unwrap();
        assert!(page_and_plots(&folders[1]) == before[1]);
    }

    #[test]
    fn what_is_not_a_run_is_refused_by_name() {
        let scratch = tempfile::tempdir().unwrap();
        let message = |folder: &Path| rebuild(folder).unwrap_err().to_string();
        let missing = scratch.path().join("nowhere");
        assert!(message(&missing).contains("no folder"), "{}", message(&missing));
        assert!(message(scratch.path()).contains("has no results.json"));
        fs::write(scratch.path().join(RESULTS), "{\"schema\": \"wavetank.results/9\"}").unwrap();
        assert!(message(scratch.path()).contains("wavetank.results/9"));
        fs::write(scratch.path().join(RESULTS), "{\"schema\"").unwrap();
        assert!(message(scratch.path()).contains("cut off"));
        fs::remove_file(scratch.path().join(RESULTS)).unwrap();
        let text = format!("{{\"schema\": \"{COMPARISON_SCHEMA}\", \"runs\": [\"gone/7\"]}}");
        fs::write(scratch.path().join(COMPARISON), text).unwrap();
        assert!(message(scratch.path()).contains("gone"));
    }
}
