//! Files that a scenario names: where their paths start, and whether they can be read.
//!
//! A relative path starts where it was written: in the folder `data` of the scenario, by default
//! that of the file, or, if it was given on the command line, in the working directory.

use super::Planner;
use crate::scenario::tree::join;
use crate::scenario::{Kind, Node, Sources};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The tree of a scenario and the texts that it was written in.
#[derive(Debug, Clone, Copy)]
pub(in crate::scenario) struct Written<'w> {
    pub(in crate::scenario) tree: &'w Node,
    pub(in crate::scenario) sources: &'w Sources,
}

impl Written<'_> {
    /// True if the value at this path was given on the command line.
    fn on_command_line(&self, path: &str) -> bool {
        self.tree.find(path).is_some_and(|node| !self.sources.of(node.place).has_lines)
    }

    /// Where relative paths of the file start.
    pub(super) fn base(&self, data: Option<&Path>, folder: &Path) -> PathBuf {
        match data {
            None => folder.to_owned(),
            Some(data) if self.on_command_line("data") => data.to_owned(),
            Some(data) => folder.join(data),
        }
    }
}

impl Planner<'_> {
    /// Refuses a folder of data that is not there.
    pub(super) fn data(&mut self) {
        if self.data_is_missing() {
            let text = format!("there is no folder `{}`", self.base.display());
            self.wrong("data", text, "name the folder that holds the files of the scenario");
        }
    }

    pub(super) fn data_is_missing(&self) -> bool {
        self.file.data.is_some() && !self.base.is_dir()
    }

    /// Makes paths start where they are meant to, and says which files cannot be read. `path` is
    /// where in the scenario they are named.
    pub(super) fn resolve<'f>(&mut self, path: &str, files: impl Iterator<Item = &'f mut PathBuf>) {
        for file in files {
            let written = file.display().to_string();
            let inner = self.tree.find(path).and_then(|node| path_to(node, &written));
            let path = inner.map_or(path.to_owned(), |inner| format!("{path}.{inner}"));
            let command_line = self.written.on_command_line(&path);
            if !command_line {
                *file = self.base.join(&*file);
            }
            if !command_line && self.data_is_missing() {
                continue; // said once, of the folder
            }
            if let Some(text) = unreadable(file) {
                self.wrong(path, text, self.where_paths_start(command_line));
            }
        }
    }

    /// The path at `written`, made to start where it is meant to, if a file or a folder is there.
    pub(super) fn folder_or_file(&mut self, written: &str, path: &Path) -> Option<PathBuf> {
        let command_line = self.written.on_command_line(written);
        let path = if command_line { path.to_owned() } else { self.base.join(path) };
        if !command_line && self.data_is_missing() {
            return None; // said once, of the folder
        }
        match unreadable(&path) {
            Some(text) if !path.is_dir() => {
                self.wrong(written, text, self.where_paths_start(command_line));
                None
            }
            _ => Some(path),
        }
    }

    fn where_paths_start(&self, command_line: bool) -> &'static str {
        match (command_line, &self.file.data) {
            (true, _) => "a relative path of --set starts in the working directory",
            (false, Some(_)) => "a relative path starts in the folder `data`",
            (false, None) => {
                "a relative path starts in the folder of the scenario file, or in the folder given \
                 with --set data=FOLDER"
            }
        }
    }

    /// Plans how long the steps of kubelets and storage drivers take.
    pub(super) fn kubelet(&mut self) {
        let mut kubelet = self.file.orchestrator.machinery().kubelet;
        for (name, delay) in kubelet.drawn_mut() {
            let path = format!("orchestrator.{}.kubelet.{name}", self.file.orchestrator.key());
            self.resolve(&path, delay.file_mut().into_iter());
        }
        self.plan.kubelet = kubelet;
        let mut volumes = self.file.orchestrator.machinery().volumes;
        for (name, delay) in volumes.drawn_mut() {
            let path = format!("orchestrator.{}.volumes.{name}", self.file.orchestrator.key());
            self.resolve(&path, delay.file_mut().into_iter());
        }
        self.plan.volumes = volumes;
    }
}

/// Why a file cannot be read.
fn unreadable(path: &Path) -> Option<String> {
    let shown = path.display();
    let kind = match std::fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_dir() => return Some(format!("`{shown}` is a folder")),
        Ok(_) => return None,
        Err(error) => error.kind(),
    };
    Some(match kind {
        ErrorKind::NotFound => format!("there is no file `{shown}`"),
        ErrorKind::PermissionDenied => format!("the file `{shown}` may not be read"),
        other => format!("the file `{shown}` cannot be read: {other}"),
    })
}

/// The path to the first scalar with this text.
fn path_to(node: &Node, text: &str) -> Option<String> {
    match &node.kind {
        Kind::Scalar { text: own, .. } => (own == text).then(String::new),
        Kind::Seq(nodes) => nodes
            .iter()
            .enumerate()
            .find_map(|(at, node)| path_to(node, text).map(|rest| under(&at.to_string(), &rest))),
        Kind::Map(entries) => entries.iter().find_map(|(key, node)| {
            path_to(node, text).map(|rest| under(&join("", &key.text), &rest))
        }),
    }
}

fn under(segment: &str, rest: &str) -> String {
    let segment = join("", segment);
    if rest.is_empty() { segment } else { format!("{segment}.{rest}") }
}
