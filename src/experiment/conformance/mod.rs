//! Conformance: replays decisions that were recorded from a real system, line by line, through the
//! code that runs use, and compares everything that was recorded.
//!
//! Three formats are known. Cases of kube-scheduler: each a folder with `cluster.json`,
//! `pods.json`, perhaps `config.yaml` and `case.json`, and `expected.jsonl`; any of them may be
//! gzipped. Decisions of controllers and of the kubelet: a file of lines for each topic. And
//! timelines of a whole control plane.

mod case;
mod compare;
mod decisions;
mod line;
mod objects;
mod paths;
mod replay;
mod storage;
mod timelines;
mod wire;

pub use compare::Difference;
pub use decisions::{RecordedTopic, TopicReport, recorded_topics, replay_topic};
pub use timelines::{Deviation, TimelineReport, recorded_timelines, replay_timeline};

use case::Case;
use replay::Replay;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseReport {
    /// Name of its folder.
    pub case: String,
    /// Lines compared.
    pub lines: usize,
    /// Lines on which everything is equal.
    pub agreeing: usize,
    /// Lines that were decided on the fast path too; on them it agrees with the plain path, or
    /// they do not agree.
    pub fast: usize,
    /// Every value that differs, in the order of the lines.
    pub differences: Vec<Difference>,
}

/// Why a recording cannot be replayed: the file, where in it, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {text}")]
pub struct Unreadable {
    /// File, and line where that helps.
    pub place: String,
    /// What is wrong, without a full stop.
    pub text: String,
}

/// The folders of cases in a folder, in order of name; the folder itself if it is a case.
pub fn recorded_cases(folder: &Path) -> Vec<PathBuf> {
    if case::is_case(folder) {
        return vec![folder.to_owned()];
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| case::is_case(path)).collect();
    found.sort();
    found
}

/// Replays one case.
pub fn replay_case(folder: &Path) -> Result<CaseReport, Unreadable> {
    let case = Case::read(folder)?;
    let mut replay = Replay::new(&case)?;
    let mut report = CaseReport {
        case: case.name.clone(),
        lines: case.lines.len(),
        agreeing: 0,
        fast: 0,
        differences: Vec::new(),
    };
    for (at, theirs) in case.lines.iter().enumerate() {
        let unreadable = |text| Unreadable { place: case.line_place(at), text };
        let ours = replay.attempt(theirs).map_err(unreadable)?;
        let mut differences = compare::differences(at + 1, &ours.line, theirs);
        if let Some((fast, plain)) = &ours.paths {
            report.fast += 1;
            differences.extend(paths::differences(&replay, (at + 1, theirs), fast, plain));
        }
        report.agreeing += usize::from(differences.is_empty());
        report.differences.extend(differences);
        replay.follow(theirs, at).map_err(unreadable)?;
    }
    Ok(report)
}

#[cfg(test)]
mod tests;
