//! Replays the recordings that can be found.

use super::{cases, replay_case};
use crate::ground::shared;

fn replay_all(wanted: impl Fn(&str) -> bool, least: usize) {
    let Some(folder) = shared("golden/kube-scheduler") else { return };
    let (mut lines, mut agreeing, mut shown) = (0, 0, Vec::new());
    for folder in cases(&folder) {
        if !wanted(&folder.file_name().unwrap().to_string_lossy()) {
            continue;
        }
        let report = replay_case(&folder).unwrap();
        lines += report.lines;
        agreeing += report.agreeing;
        let few = report.differences.into_iter().take(3);
        shown.extend(few.map(|difference| format!("{}: {difference:?}", report.case)));
    }
    shown.truncate(30);
    assert_eq!(agreeing, lines, "lines that agree\n{}", shown.join("\n"));
    assert!(lines >= least, "{lines} lines");
}

#[test]
fn hand_written_recordings() {
    replay_all(|name| !name.starts_with("random") && !name.starts_with("large"), 371);
}

#[test]
fn random_recordings() {
    replay_all(|name| name.starts_with("random"), 6645);
}

#[test]
fn large_recordings() {
    replay_all(|name| name.starts_with("large"), 2064);
}
