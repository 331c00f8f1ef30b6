//! The page as a reader's browser sees it: well-formed, self-contained, small, the same every time.

use super::*;
use crate::ground::Time;
use crate::metrics::{CaseOutcome, CaseRow, Metrics, NodeResult, Results};
use crate::report::example::example_report;
use crate::report::{Plotted, figures};
use std::collections::BTreeSet;

fn paged(runs: &[&RunReport]) -> String {
    let plotted: Vec<Plotted<'_>> = runs
        .iter()
        .map(|run| Plotted { label: run.variant.clone(), results: &run.results })
        .collect();
    let files = [Link { path: "nodes.csv".into(), what: "one line per node".into() }];
    page(runs, &figures(&plotted, "x"), &files)
}

/// Checks that every element is closed in order, that identifiers are unique and referred to, and
/// that nothing is loaded. Returns the number of elements.
fn check(html: &str) -> usize {
    let mut open: Vec<&str> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut labels = Vec::new();
    let mut elements = 0;
    let body = html.strip_prefix("<!DOCTYPE html>\n").expect("a document type");
    let style = body.find("<style>").unwrap()..body.find("</style>").unwrap();
    let css = &body[style.clone()];
    let body = format!("{}{}", &body[..style.start + 7], &body[style.end..]);
    for loading in ["http", "url(", "@import", "<script", "<link", "<img", "<iframe", "<object"] {
        assert!(!body.contains(loading) && !css.contains(loading), "{loading}");
    }
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "an unescaped > in {text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "in {tag}");
            continue;
        }
        elements += 1;
        let name = tag.split([' ', '/']).next().unwrap();
        for id in tag.split(" id=\"").skip(1) {
            assert!(ids.insert(id.split('"').next().unwrap().to_owned()), "twice: {tag}");
        }
        for label in tag.split(" aria-labelledby=\"").skip(1) {
            labels.extend(label.split('"').next().unwrap().split(' ').map(str::to_owned));
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes in {tag}");
        if name == "svg" {
            assert!(tag.contains("role=\"img\"") && tag.contains("aria-labelledby"), "{tag}");
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(labels.iter().all(|label| ids.contains(label)), "{labels:?}");
    elements
}

#[test]
fn the_page_of_a_run_has_everything_in_order() {
    let report = example_report("", true);
    let html = paged(&[&report]);
    check(&html);
    let order = [
        "id=\"answer\"",
        "id=\"expected\"",
        "id=\"again\"",
        "id=\"numbers\"",
        "id=\"allocation\"",
        "id=\"utilisation\"",
        "id=\"pods\"",
        "id=\"time-to-start\"",
        "id=\"nodes\"",
        "id=\"reasons\"",
        "id=\"containers\"",
        "id=\"recovery\"",
        "id=\"crashes\"",
        "id=\"services\"",
        "id=\"parameters\"",
        "id=\"files\"",
    ];
    let places: Vec<usize> = order.iter().map(|part| html.find(part).expect(part)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(html.contains(&crate::report::words::escaped(&answer(&report.results))));
    assert!(html.contains("1 of 2 expectations held") && html.contains("it was 97.0 %"));
    assert!(html.contains("<code>wavetank run example.yaml --seed 7</code>"));
    for figure in html.split("<figure ").skip(1) {
        assert_eq!(figure.matches("<title id=").count(), 2, "{figure}");
        assert_eq!(figure.matches("<desc id=").count(), 2, "{figure}");
        assert!(figure.contains(".csv\">data</a>") && figure.contains("<figcaption>"));
    }
    assert_eq!(html, paged(&[&example_report("", true)]), "the same every time");
}

#[test]
fn variants_stand_side_by_side_with_their_differences() {
    let reports = [example_report("packed", true), example_report("spread", false)];
    let html = paged(&[&reports[0], &reports[1]]);
    check(&html);
    let table = html.split("id=\"numbers\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(table.contains(">packed</th>") && table.contains(">spread</th>"));
    let changes = table.matches("class=\"change\"").count();
    assert!(changes > 10, "{changes}");
    assert!(table.contains("points</span>"), "{table}");
    assert_eq!(html.matches("<pre>").count(), 1);
    let parameters = html.split("id=\"parameters\"").nth(1).unwrap();
    assert!(parameters.contains(">90s</td>") && parameters.contains(">20s</td>"));
    assert!(html.contains("<b>packed</b>: ") && html.contains("<b>spread</b>: "));
}

#[test]
fn hostile_names_stay_text() {
    let hostile = "<script>alert('x')</script>\"&\u{0}\u{ffff}";
    let mut report = example_report(hostile, true);
    report.scenario = hostile.to_owned();
    report.command = hostile.to_owned();
    report.expectations[0].text = hostile.to_owned();
    report.changed[0].path = hostile.to_owned();
    report.changed[0].value = hostile.to_owned();
    for node in &mut report.results.nodes {
        node.name = hostile.to_owned();
    }
    for row in &mut report.results.recovery.case_rows {
        row.pod = hostile.to_owned();
        row.replacement = Some(hostile.to_owned());
    }
    report.results.recovery.incident_rows[0].node = hostile.to_owned();
    report.results.availability.services[0].name = hostile.to_owned();
    report.results.waiting.reasons[0].plugins = vec![hostile.to_owned()];
    report.results.placement.resources[3].name = hostile.to_owned();
    let other = example_report(hostile, false);
    let links = [Link { path: format!("a b/{hostile}"), what: hostile.to_owned() }];
    let plotted =
        [&report, &other].map(|run| Plotted { label: run.variant.clone(), results: &run.results });
    let drawn = figures(&plotted, hostile);
    for html in [paged(&[&report]), page(&[&report, &other], &drawn, &links)] {
        check(&html);
        assert!(html.contains("&lt;script&gt;") && !html.contains("alert('x')"));
        assert!(!html.contains(['\u{0}', '\u{ffff}']));
    }
}

/// Results of 5,000 nodes and of very many lost pods.
fn large() -> Results {
    let mut results = example_report("", true).results;
    let node = results.nodes[0].clone();
    let named = |number: usize| NodeResult { name: format!("node-{number:05}"), ..node.clone() };
    results.nodes = (0..5_000).map(named).collect();
    let case = CaseRow { outcome: CaseOutcome::Replaced, ..results.recovery.case_rows[0].clone() };
    results.recovery.case_rows = vec![case; 250_000];
    let incident = results.recovery.incident_rows[0].clone();
    results.recovery.incident_rows = vec![incident; 5_000];
    let service = results.availability.services[0].clone();
    results.availability.services = vec![service; 2_000];
    let until = results.series.seconds.len() as f64;
    results.series.seconds = (0..=400).map(f64::from).collect();
    for (column, seed) in results.series.columns.iter_mut().zip(1u32..) {
        let wild = (0..=400u32).map(|at| f64::from((at * 7919 * seed) % 1000) / 1000.0);
        column.values = wild.collect();
    }
    assert!(until > 100.0);
    results
}

#[test]
fn a_large_run_makes_a_small_page() {
    let report = RunReport { results: large(), ..example_report("", true) };
    let html = paged(&[&report]);
    let elements = check(&html);
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
    assert!(elements < 6_000, "{elements} elements");
    let mut report = report;
    report.results.recovery.case_rows.truncate(100);
    report.results.nodes.truncate(500);
    let variants: Vec<RunReport> = (0..20)
        .map(|number| RunReport { variant: format!("v{number}"), ..report.clone() })
        .collect();
    let html = paged(&variants.iter().collect::<Vec<_>>());
    check(&html);
    assert!(html.len() < 4_000_000, "{} bytes of 20 variants", html.len());
    assert!(html.contains("first 8 of 20 variants"));
}

#[test]
fn a_run_without_anything_has_a_page_too() {
    let results = Metrics::default().finish(Time::ZERO);
    let empty = RunReport {
        results,
        expectations: Vec::new(),
        changed: Vec::new(),
        ..example_report("", true)
    };
    let html = paged(&[&empty]);
    check(&html);
    assert!(html.contains("No pods were submitted.") && !html.contains("NaN"));
    assert_eq!(page(&[], &[], &[]), "");
}
