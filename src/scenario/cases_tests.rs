//! Runs the cases of `tests/cases/scenario`: bad files with the message they get, good files with
//! what must not be lost on the way.

use super::{Input, Loaded, Scenario, to_yaml};
use std::path::{Path, PathBuf};

/// Relative to the package, where tests run, so that messages name no folder of this machine.
const CASES: &str = "tests/cases/scenario";

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(CASES).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there are cases in {}", folder.display());
    files
}

/// Loads a case; comments at its top are arguments: `# --set path=value`.
fn load(path: &Path) -> Result<Loaded, String> {
    let text = std::fs::read(path).unwrap();
    let lines = String::from_utf8_lossy(&text).into_owned();
    let sets: Vec<String> =
        lines.lines().map_while(|line| line.strip_prefix("# --set ")).map(str::to_owned).collect();
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let folder = path.parent().unwrap().to_owned();
    Scenario::load(&Input::Text { name, text, folder }, &sets).map_err(|diagnostics| {
        let drawn: Vec<String> = diagnostics.iter().map(|d| d.render(false)).collect();
        drawn.join("\n")
    })
}

#[expect(clippy::disallowed_methods, reason = "asks whether to rewrite the expected messages")]
fn update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

#[test]
fn bad_files_get_their_messages() {
    let mut wrong = Vec::new();
    for path in files("bad") {
        let message = load(&path).err().unwrap_or_else(|| "no error\n".to_owned());
        let expected = path.with_extension("stderr");
        if update() {
            std::fs::write(&expected, &message).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        if message != expected {
            wrong.push(format!("{}:\n{message}expected:\n{expected}", path.display()));
        }
        assert_ne!(message, "no error\n", "{} loads", path.display());
    }
    assert!(wrong.is_empty(), "run with UPDATE=1 to accept:\n{}", wrong.join("\n"));
}

#[test]
fn good_files_load_and_print_back() {
    let shipped = ["scenarios"].map(Path::new).into_iter().filter(|path| path.is_dir());
    let shipped = shipped.flat_map(|path| std::fs::read_dir(path).unwrap());
    let shipped = shipped.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    for path in files("good").into_iter().chain(shipped) {
        let loaded = load(&path).unwrap_or_else(|message| panic!("{message}"));
        let warnings: Vec<String> = loaded.warnings.iter().map(|w| w.render(false)).collect();
        let expected = path.with_extension("stderr");
        if update() && !warnings.is_empty() {
            std::fs::write(&expected, warnings.join("\n")).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(warnings.join("\n"), expected, "{}", path.display());
        for scenario in &loaded.scenarios {
            let text = to_yaml(&scenario.file);
            let name = format!("{} printed", path.display());
            let folder = path.parent().unwrap().to_owned();
            let input = Input::Text { name, text: text.clone().into_bytes(), folder };
            let again = Scenario::load(&input, &[])
                .unwrap_or_else(|diagnostics| panic!("{text}\n{}", diagnostics[0].render(false)));
            assert_eq!(again.scenarios[0].file, scenario.file, "{text}");
            assert_eq!(to_yaml(&again.scenarios[0].file), text);
            assert_eq!(again.scenarios[0].plan.nodes, scenario.plan.nodes);
        }
    }
}
