//! The recordings beside the repository, all topics that are covered.

use super::*;
use crate::ground::shared;

#[test]
fn every_covered_topic_agrees() {
    let Some(folder) = shared("golden/kube-controllers/decisions") else { return };
    let topics = recorded_topics(&folder);
    assert_eq!(topics.len(), COVERED.len() + LATER.len());
    assert_eq!(topics.len(), std::fs::read_dir(&folder).unwrap().count());
    let mut wrong = String::new();
    for topic in topics.iter().filter(|topic| topic.is_covered) {
        let report = replay_topic(topic).unwrap();
        assert!(report.cases >= 100, "{}", topic.name);
        if report.agreeing < report.cases {
            let first = &report.differences[..report.differences.len().min(5)];
            wrong += &format!("{}: {} of {}", topic.name, report.agreeing, report.cases);
            wrong += &format!(" agree\n{first:#?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn an_unknown_field_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deployment-fenceposts.jsonl");
    let line = r#"{"case":0,"input":{"maxSurge":"1","maxUnavailable":"0","replicas":3,"odd":1}}"#;
    std::fs::write(file, line).unwrap();
    let topics = recorded_topics(folder.path());
    let error = replay_topic(&topics[0]).unwrap_err();
    assert!(error.place.ends_with("deployment-fenceposts.jsonl:1"), "{error}");
    assert!(error.text.contains("unknown field `odd`"), "{error}");
}
