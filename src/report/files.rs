//! Writes the folder of a run so that it is there as a whole or not at all.
//!
//! Everything is written into a hidden folder beside the final one, which then takes its place by
//! renaming; a folder that was there before is moved aside first and put back if that fails.
//! Everything but `host.json` is the same, byte by byte, for the same run on every machine.

use super::json::{HOST_SCHEMA, summary};
use super::rebuild::{RESULTS, write_page};
use super::saved::save;
use super::{Host, RunReport};
use super::{discovery_csv, nodes_csv, pods_csv, recovery_csv, releases_csv, series_csv};
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {source}. {}: {}", advice(.source), .path.display())]
pub struct WriteError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl WriteError {
    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What to do about it.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "Choose a folder that you may write to with --out, or change its permissions"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "Free some space or choose another disk with --out"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "Something else has this name; move it away or choose another folder with --out"
        }
        _ => "Check the path, or choose another folder with --out",
    }
}

/// Names what was done to which path when it fails.
fn told<T>(result: io::Result<T>, action: &'static str, path: &Path) -> Result<T, WriteError> {
    result.map_err(|source| WriteError { action, path: path.to_owned(), source })
}

/// Files that were written while the run went on and now move into its folder.
#[derive(Debug, Clone, Default)]
pub struct Streamed {
    /// The event log.
    pub events: Option<PathBuf>,
    /// The table of pods, if it was too long to keep.
    pub pods: Option<PathBuf>,
    /// The time line.
    pub timeline: Option<PathBuf>,
}

/// A name beside a path, hidden, for something not finished.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{ending}"))
}

/// Writes one file so that it is there as a whole or not at all.
pub fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        told(fs::create_dir_all(folder), "make the folder of this file", path)?;
    }
    let unfinished = beside(path, "unfinished");
    told(fill(&unfinished, write), "write this file", path)?;
    told(fs::rename(&unfinished, path), "put this file in its place", path)
}

fn fill(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    write(&mut out)?;
    out.flush()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Writes the folder of a run; one that was there is replaced.
pub fn write_run(
    folder: &Path,
    report: &RunReport,
    host: &Host,
    streamed: &Streamed,
) -> Result<(), WriteError> {
    let unfinished = beside(folder, "unfinished");
    told(remove_if_there(&unfinished), "remove what an earlier run left behind", &unfinished)?;
    told(fs::create_dir_all(&unfinished), "make this folder", &unfinished)?;
    write_contents(&unfinished, report, host, streamed)?;
    swap(&unfinished, folder)
}

fn write_contents(
    folder: &Path,
    report: &RunReport,
    host: &Host,
    streamed: &Streamed,
) -> Result<(), WriteError> {
    #[derive(Serialize)]
    struct HostFile<'h> {
        schema: &'static str,
        #[serde(flatten)]
        host: &'h Host,
    }
    let results = &report.results;
    let put = |name: &str, write: &dyn Fn(&mut dyn Write) -> io::Result<()>| {
        let path = folder.join(name);
        told(fill(&path, |out| write(out)), "write this file", &path)
    };
    put("summary.json", &|out| json(out, &summary(report)))?;
    put("host.json", &|out| json(out, &HostFile { schema: HOST_SCHEMA, host }))?;
    put("nodes.csv", &|out| nodes_csv(results, out))?;
    put("series.csv", &|out| series_csv(results, out))?;
    if !results.rollouts.rows.is_empty() {
        put("releases.csv", &|out| releases_csv(results, out))?;
    }
    if !results.discovery.services.is_empty() {
        put("discovery.csv", &|out| discovery_csv(results, out))?;
    }
    put("recovery.csv", &|out| recovery_csv(results, out))?;
    if streamed.pods.is_none() {
        put("pods.csv", &|out| pods_csv(results, out))?;
    }
    put(RESULTS, &|out| save(report, out))?;
    let streams = [
        (&streamed.events, "events.jsonl.gz"),
        (&streamed.pods, "pods.csv"),
        (&streamed.timeline, "timeline.json"),
    ];
    for (from, name) in streams {
        if let Some(from) = from {
            told(fs::rename(from, folder.join(name)), "move this file into its folder", from)?;
        }
    }
    write_page(folder, report)
}

/// Scenario and variant in one text.
pub(super) fn run_name(report: &RunReport) -> String {
    match report.variant.as_str() {
        "" => report.scenario.clone(),
        variant => format!("{}, {variant}", report.scenario),
    }
}

fn json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Puts the finished folder in the place of the one that was there.
fn swap(finished: &Path, folder: &Path) -> Result<(), WriteError> {
    let action = "put this folder in its place";
    if !folder.exists() {
        return told(fs::rename(finished, folder), action, folder);
    }
    let replaced = beside(folder, "replaced");
    told(remove_if_there(&replaced), "remove what an earlier run left behind", &replaced)?;
    told(fs::rename(folder, &replaced), "move the earlier folder aside", folder)?;
    if let Err(source) = fs::rename(finished, folder) {
        told(fs::rename(&replaced, folder), "put the earlier folder back", folder)?;
        return told(Err(source), action, folder);
    }
    told(remove_if_there(&replaced), "remove the earlier folder", &replaced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::example_report;

    fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for inner in [folder.to_owned(), folder.join("plots")] {
            for entry in fs::read_dir(inner).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_file() && name != "host.json" {
                    files.push((name, fs::read(path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }

    #[test]
    fn a_folder_is_whole_replaced_and_the_same_every_time() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("runs/example/7");
        let report = example_report("", true);
        let host = Host { cpu_seconds: 1.5, ..Host::default() };
        write_run(&folder, &report, &host, &Streamed::default()).unwrap();
        let mut first = contents(&folder);
        let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
        for name in
            ["summary.json", "results.json", "pods.csv", "nodes.csv", "series.csv", "recovery.csv"]
        {
            assert!(names.contains(&name), "{names:?}");
        }
        for (ending, files) in [(".svg", 7), (".csv", 7 + 4), (".html", 1)] {
            let found = names.iter().filter(|name| name.ends_with(ending)).count();
            assert_eq!(found, files, "{names:?}");
        }
        fs::write(folder.join("stale"), "from an earlier run").unwrap();
        let log = scratch.path().join("events.part");
        fs::write(&log, "log").unwrap();
        let streamed = Streamed { events: Some(log.clone()), ..Streamed::default() };
        write_run(&folder, &example_report("", true), &Host::default(), &streamed).unwrap();
        let mut second = contents(&folder);
        second.retain(|(name, _)| name != "events.jsonl.gz");
        let page = second.iter().find(|(name, _)| name == "report.html").unwrap();
        assert!(String::from_utf8_lossy(&page.1).contains("href=\"events.jsonl.gz\""));
        first.retain(|(name, _)| name != "report.html");
        second.retain(|(name, _)| name != "report.html");
        assert!(first == second);
        assert!(folder.join("events.jsonl.gz").exists() && !log.exists());
        let left: Vec<_> = fs::read_dir(folder.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing unfinished is left beside the folder");
    }

    #[test]
    fn errors_name_the_path_and_what_to_do() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("taken");
        fs::write(&file, "").unwrap();
        let folder = file.join("run");
        let report = example_report("", true);
        let error = write_run(&folder, &report, &Host::default(), &Streamed::default());
        let text = error.unwrap_err().to_string();
        assert!(text.contains("taken") && text.contains("--out"), "{text}");
        let error = write_file(&folder.join("x.json"), |out| out.write_all(b"x"));
        assert!(error.unwrap_err().to_string().contains("x.json"));
        write_file(&scratch.path().join("new/x.json"), |out| out.write_all(b"x")).unwrap();
        assert_eq!(fs::read(scratch.path().join("new/x.json")).unwrap(), b"x");
    }
}
