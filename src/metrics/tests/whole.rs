//! Properties of a whole made-up run: the catalog is complete, pods are conserved, saved metrics go
//! on as if nothing had happened.

use crate::ground::Time;
use crate::journal::{Journal, RunEnd, Sink};
use crate::metrics::{Example, Metrics, Results, Settings, catalog};

fn example(settings: Settings) -> Results {
    let mut metrics = Metrics::new(settings);
    let end = Example::tell(&mut metrics, 7, true);
    metrics.finish(end)
}

#[test]
fn every_name_in_the_catalog_is_found() {
    let results = example(Settings::default());
    let values = catalog::values(&results);
    assert!(values.len() > 100);
    for value in values {
        assert_eq!(catalog::value(&results, &value.name), value.value, "{}", value.name);
        let entry = catalog::entry(&value.name).unwrap();
        assert!(entry.meaning.ends_with('.') && !entry.unit.is_empty(), "{}", value.name);
        if value.value.is_none() {
            let none = ["time_to_return", "pull_time", "rollout.", "discovery."]
                .map(|part| value.name.contains(part));
            assert!(none.contains(&true), "{} has no value", value.name);
        }
    }
    for name in ["", "wait", "wait.time_to_bind", "wait.time_to_bind.p98", "availability()"] {
        assert!(catalog::entry(name).is_none(), "{name}");
        assert_eq!(catalog::value(&results, name), None, "{name}");
    }
    let mut names: Vec<&str> = catalog::ENTRIES.iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "names are unique");
}

/// Numbers of the results that are published as a table and not as single metrics.
const TABLES: [&str; 10] = [
    "running_distribution",
    "ready_distribution",
    "reasons",
    "plugins",
    "distribution",
    "case_rows",
    "incident_rows",
    "desired",
    "min_serving",
    "serving_at_end",
];

#[test]
fn every_number_of_the_summary_has_an_entry() {
    fn numbers(path: &str, value: &serde_json::Value, found: &mut Vec<(String, f64)>) {
        match value {
            serde_json::Value::Number(number) => {
                found.push((path.into(), number.as_f64().unwrap()))
            }
            serde_json::Value::Array(all) => {
                all.iter().for_each(|value| numbers(path, value, found));
            }
            serde_json::Value::Object(fields) => {
                for (key, value) in fields.iter().filter(|(key, _)| !TABLES.contains(&&key[..])) {
                    numbers(&format!("{path}/{key}"), value, found);
                }
            }
            _ => {}
        }
    }
    let results = example(Settings::default());
    let published: Vec<f64> =
        catalog::values(&results).into_iter().filter_map(|value| value.value).collect();
    let mut found = Vec::new();
    for (name, part) in [
        ("placement", serde_json::to_value(&results.placement).unwrap()),
        ("waiting", serde_json::to_value(&results.waiting).unwrap()),
        ("life", serde_json::to_value(&results.life).unwrap()),
        ("states", serde_json::to_value(&results.states).unwrap()),
        ("containers", serde_json::to_value(&results.containers).unwrap()),
        ("usage", serde_json::to_value(&results.usage).unwrap()),
        ("node_health", serde_json::to_value(&results.node_health).unwrap()),
        ("recovery", serde_json::to_value(&results.recovery).unwrap()),
        ("availability", serde_json::to_value(&results.availability).unwrap()),
    ] {
        numbers(name, &part, &mut found);
    }
    assert!(found.len() > 100, "{}", found.len());
    for (path, number) in found {
        let known = published.contains(&number) || number == 0.0;
        assert!(known, "{path} = {number} has no entry in the catalog");
    }
}

#[test]
fn pods_are_conserved_and_saved_metrics_go_on() {
    let mut journal = Journal::keeping();
    let end = Example::tell(&mut journal, 7, true);
    let records = journal.records();
    let mut straight = Metrics::default();
    records.iter().for_each(|record| straight.record(record));
    let (first, second) = records.split_at(records.len() / 2);
    let mut saved = Metrics::default();
    first.iter().for_each(|record| saved.record(record));
    let bytes = postcard::to_allocvec(&saved).unwrap();
    let mut restored: Metrics = postcard::from_bytes(&bytes).unwrap();
    second.iter().for_each(|record| restored.record(record));
    let results = straight.finish(end);
    assert_eq!(results, restored.finish(end));
    let life = &results.life;
    let there =
        life.running_at_end + life.starting_at_end + life.pending_at_end + life.interrupted_at_end;
    assert_eq!(life.submitted + life.replaced, life.finished + life.removed + there);
    assert_eq!(life.lost, life.replaced);
    assert_eq!(results.pods.lines.len() as u64, life.submitted + life.replaced);
    assert_eq!(results.end, Some(RunEnd::Until));
    assert_eq!(results.facts, records.len() as u64);
}

#[test]
fn samples_stay_between_one_and_two_times_the_number_asked_for() {
    for until in [None, Some(Time::from_secs(7200)), Some(Time::from_secs(10))] {
        let settings = Settings { samples: 50, until, keep_pods: 10, ..Settings::default() };
        let results = example(settings);
        let seconds = &results.series.seconds;
        assert!((50..=101).contains(&seconds.len()), "{until:?}: {}", seconds.len());
        let step = seconds[1] - seconds[0];
        assert!(seconds.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 1e-6));
        assert_eq!(results.pods.lines.len(), 10);
        assert!(results.pods.not_kept > 0);
    }
}
