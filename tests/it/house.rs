//! The rules of the house, checked on the text of every source file: who may import whom, and how
//! large things may become. Each violation is printed with its place and the reason of the rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const MAX_FILE_LINES: usize = 600;
const MAX_FUNCTION_LINES: usize = 70;
const MAX_COLUMNS: usize = 100;

struct Source {
    path: PathBuf,
    /// First folder or file below `src`.
    module: String,
    /// Text of the file up to its unit tests.
    text: String,
    whole: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    rust_files(&root().join("src"), &mut paths);
    let load = |path: PathBuf| {
        let whole = fs::read_to_string(&path).unwrap();
        let below = path.strip_prefix(root().join("src")).unwrap();
        let first = below.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.trim_end_matches(".rs").to_owned();
        let text = whole.split("\n#[cfg(test)]\nmod ").next().unwrap().to_owned();
        Source { path, module, text, whole }
    };
    paths.into_iter().map(load).collect()
}

/// The table in the documentation of `src/lib.rs`.
fn allowed_imports() -> BTreeMap<String, BTreeSet<String>> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let table = lib.split("//! ```text").nth(1).unwrap().split("//! ```").next().unwrap();
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter_map(|line| line.trim_start_matches("//!").split_once(':'))
        .map(|(module, imports)| (module.trim(), imports.trim()))
        .collect();
    let imports = |imports: &str| match imports {
        "-" => BTreeSet::new(),
        "all" => rows.iter().map(|(module, _)| (*module).to_owned()).collect(),
        listed => listed.split_whitespace().map(str::to_owned).collect(),
    };
    rows.iter().map(|(module, listed)| ((*module).to_owned(), imports(listed))).collect()
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Each `crate::a::b...` in a line: the path after `crate::`, as far as it is plain.
fn crate_paths(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("crate::").filter_map(move |(at, found)| {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|c| is_name(c) || c == '$') {
            return None;
        }
        let rest = &line[at + found.len()..];
        let end = rest.find(|c| !(is_name(c) || c == ':' || c == '{')).unwrap_or(rest.len());
        Some(&rest[..end])
    })
}

/// Folders of `policy` are doors of their own: they hold one orchestrator each.
fn is_public_path(path: &[&str]) -> bool {
    const DOORS: [&[&str]; 9] = [
        &["policy", "kube"],
        &["policy", "kube", "scheduler"],
        &["policy", "kube", "control"],
        &["policy", "kube", "discovery"],
        &["policy", "kube", "kubelet"],
        &["policy", "kube", "quota"],
        &["policy", "baseline"],
        &["ground", "math"],
        &["metrics", "catalog"],
    ];
    DOORS.contains(&path)
}

fn check_imports(source: &Source, report: &mut Vec<String>) {
    let allowed = allowed_imports();
    if source.module == "lib" || source.module == "main" {
        return;
    }
    let Some(may) = allowed.get(&source.module) else {
        report.push(format!("{}: not in the import table of lib.rs", source.path.display()));
        return;
    };
    for (number, line) in source.text.lines().enumerate() {
        let code = line.split("//").next().unwrap();
        let mut complain = |why: &str| {
            let place = format!("{}:{}", source.path.display(), number + 1);
            report.push(format!("{place}: `{}`: {why}", line.trim()));
        };
        if code.contains("super::super") {
            complain("say where it is: `super::super` hides how far a file reaches");
        }
        for path in crate_paths(code) {
            let segments: Vec<&str> = path.split("::").filter(|s| !s.is_empty()).collect();
            let Some(target) = segments.first() else { continue };
            if target.starts_with('{') {
                complain("one `use` for each module: the table is read line by line");
                continue;
            }
            if *target == source.module || !allowed.contains_key(*target) {
                continue;
            }
            if !may.contains(*target) {
                complain(&format!("`{}` may not import `{target}`", source.module));
            }
            let modules: Vec<&str> = segments
                .iter()
                .copied()
                .filter(|segment| segment.starts_with(|c: char| c.is_ascii_lowercase()))
                .collect();
            let ends_in_function = segments.len() == modules.len() && !path.ends_with("::{");
            let depth = modules.len() - usize::from(ends_in_function && modules.len() > 1);
            if depth > 1 && !is_public_path(&modules[..depth]) {
                complain("use the face of the module, not what is behind it");
            }
        }
    }
}

fn check_sizes(source: &Source, report: &mut Vec<String>) {
    let path = source.path.display();
    let lines: Vec<&str> = source.whole.lines().collect();
    if lines.len() > MAX_FILE_LINES {
        report.push(format!("{path}: {} lines; a file has one job", lines.len()));
    }
    if !source.whole.starts_with("//!") {
        report.push(format!("{path}:1: begins without `//!`: say the job of the file"));
    }
    for (number, line) in lines.iter().enumerate() {
        if line.chars().count() > MAX_COLUMNS {
            report.push(format!("{path}:{}: over {MAX_COLUMNS} columns", number + 1));
        }
        for word in ["FIXME", "XXX", "TODO", "todo!(", "unimplemented!("] {
            if line.contains(word) {
                report.push(format!("{path}:{}: `{word}`: finish it or file it", number + 1));
            }
        }
    }
    check_functions(source, report);
}

/// With rustfmt, a function ends at the first line that closes at its own indentation.
fn check_functions(source: &Source, report: &mut Vec<String>) {
    let mut open: Option<(usize, usize)> = None;
    for (number, line) in source.text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let code = line.trim_start();
        let starts = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "const fn "]
            .iter()
            .any(|start| code.starts_with(start))
            || (code.starts_with("pub") && code.contains(" fn "));
        if starts && open.is_none() && !code.ends_with(';') {
            open = Some((number, indent));
        }
        if let Some((start, depth)) = open
            && indent == depth
            && (code == "}" || code.ends_with(" }") && start == number)
        {
            let length = number - start + 1;
            if length > MAX_FUNCTION_LINES {
                let path = source.path.display();
                let place = format!("{path}:{}", start + 1);
                report.push(format!("{place}: a function of {length} lines; split it"));
            }
            open = None;
        }
    }
}

#[test]
fn every_file_keeps_the_rules_of_the_house() {
    let mut report = Vec::new();
    for source in &sources() {
        check_imports(source, &mut report);
        check_sizes(source, &mut report);
    }
    assert!(report.is_empty(), "{} violations:\n{}", report.len(), report.join("\n"));
}

#[test]
fn the_check_itself_finds_what_it_should() {
    let find = |module: &str, text: &str| {
        let source = Source {
            path: PathBuf::from("x.rs"),
            module: module.to_owned(),
            text: text.to_owned(),
            whole: text.to_owned(),
        };
        let mut report = Vec::new();
        check_imports(&source, &mut report);
        check_sizes(&source, &mut report);
        report.join("\n")
    };
    for (module, text, part) in [
        ("policy", "//! x\nuse crate::sim::World;", "may not import `sim`"),
        ("policy", "//! x\nuse crate::{model, ground};", "one `use` for each"),
        ("sim", "//! x\nuse crate::model::node::NodeId;", "use the face"),
        ("sim", "//! x\nuse super::super::x;", "how far"),
        ("sim", "use crate::model::NodeId;", "begins without"),
        ("sim", "//! x\n// FIXME", "finish it"),
        ("nowhere", "//! x", "not in the import table"),
    ] {
        assert!(find(module, text).contains(part), "{module}: {text}: {}", find(module, text));
    }
    let long = format!("//! x\nfn f() {{\n{}}}\n", "    g();\n".repeat(80));
    assert!(find("sim", &long).contains("a function of 82 lines"));
    for fine in [
        "//! x\nuse crate::model::{NodeId, PodId};",
        "//! x\nuse crate::ground::math::ln;",
        "//! x\nuse crate::policy::kube::control::NodeLifecycleParams;",
        "//! x\nlet x = crate::model::normalized_image(y);",
    ] {
        assert_eq!(find("sim", fine), "", "{fine}");
    }
}
