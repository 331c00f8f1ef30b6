//! The command line as users meet it: each case is a transcript of a command, its exit code and
//! what it printed.
//!
//! A case is a file in `tests/cases/cli`: lines `$ wavetank ...`, each followed by `? CODE`, then
//! standard output and, after a line `--- stderr`, standard error. Commands run in a fresh folder
//! that holds copies of `scenarios/`, `traces/` and `tests/cases/cli/input/`. UPDATE=1 renews what
//! is expected.

use crate::shared::root;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

/// A truncated gzip file cannot be kept as text: it is made here.
fn truncated_gzip(folder: &Path) {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let row = "1s,a-1,1,1Gi,5s\n";
    packed.write_all(b"submit,name,cpu,memory,lifetime\n").unwrap();
    for _ in 0..5000 {
        packed.write_all(row.as_bytes()).unwrap();
    }
    let whole = packed.finish().unwrap();
    fs::write(folder.join("truncated.csv.gz"), &whole[..whole.len() / 2]).unwrap();
}

fn transcript(case: &str, folder: &Path) -> String {
    let mut text = String::new();
    for line in case.lines().filter_map(|line| line.strip_prefix("$ wavetank")) {
        let output = Command::new(env!("CARGO_BIN_EXE_wavetank"))
            .args(line.split_whitespace().map(|word| word.trim_matches('\'')))
            .current_dir(folder)
            .env_remove("NO_COLOR")
            .env("COLUMNS", "100")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let code = output.status.code().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        write!(text, "$ wavetank{line}\n? {code}\n{stdout}").unwrap();
        if !stderr.is_empty() {
            write!(text, "--- stderr\n{stderr}").unwrap();
        }
        text.push('\n');
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned() + "\n"
}

#[test]
fn commands_answer_as_written() {
    let cases = root().join("tests/cases/cli");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    assert!(!paths.is_empty());
    let mut wrong = Vec::new();
    for path in paths {
        let folder = tempfile::tempdir().unwrap();
        for from in ["scenarios", "traces"] {
            copy(&root().join(from), &folder.path().join(from));
        }
        copy(&cases.join("input"), folder.path());
        truncated_gzip(folder.path());
        let expected = fs::read_to_string(&path).unwrap();
        let found = transcript(&expected, folder.path());
        #[expect(clippy::disallowed_methods, reason = "how expected output is renewed")]
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &found).unwrap();
        } else if found != expected {
            wrong.push(format!("{}\n--- expected\n{expected}\n--- found\n{found}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
