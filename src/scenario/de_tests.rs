//! What plain scalars become, by what the target asks for.

use super::yaml::parse;
use super::{Source, Sources, from_node, read};
use crate::ground::Span;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Debug;

fn typed<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut sources = Sources::new();
    let source = sources.add(Source::file("t.yaml", text));
    let nodes = parse(source, &sources).map_err(|diagnostic| diagnostic.render(false))?;
    from_node(&nodes[0]).map_err(|error| error.to_string())
}

fn is<T: DeserializeOwned + PartialEq + Debug>(text: &str, expected: T) {
    assert_eq!(typed::<T>(text).as_ref(), Ok(&expected), "{text}");
}

fn fails<T: DeserializeOwned + Debug>(text: &str, part: &str) {
    let error = typed::<T>(text).unwrap_err();
    assert!(error.contains(part), "{text}: {error}");
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shape {
    Empty,
    Line(u32),
    Box {
        width: u32,
    },
    #[serde(rename = "1.5")]
    Number,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Part {
    name: String,
    count: u32,
    list: Vec<u8>,
    inner: Option<Box<Part>>,
}

#[test]
fn text_stays_text() {
    for text in ["8", "yes", "0644", "1.34", "true", "2024-01-01", "1e3"] {
        is(text, text.to_owned());
    }
    is("\"null\"", "null".to_owned());
    is("!!str 5", "5".to_owned());
    fails::<String>("null", "expected text, found nothing");
    fails::<String>("[a]", "expected text, found a list");
}

#[test]
fn numbers_and_booleans_are_strict() {
    is("true", true);
    fails::<bool>("yes", "expected `true` or `false`, found `yes`");
    fails::<bool>("\"true\"", "found the text `\"true\"`");
    is("8", 8u32);
    is("0x1F", 31u8);
    is("-8", -8i64);
    is("1.5e3", 1500.0f64);
    fails::<u8>("300", "`300` is too large");
    fails::<u32>("-1", "`-1` is negative");
    fails::<i8>("-200", "`-200` is too small");
    fails::<u32>("8.0", "expected a whole number");
    fails::<u32>("\"8\"", "is text, a number is expected");
    fails::<f64>("inf", "expected a number");
    fails::<f64>(".nan", "expected a number");
    fails::<Span>("90", "has no unit");
}

#[test]
fn untyped_values_follow_the_core_schema() {
    is("[1, -1, 1.5, true, ~, yes, 0644, 0o17, \"1\"]", {
        json!([1, -1, 1.5, true, null, "yes", "0644", 15, "1"])
    });
    is("{a: {b: []}, 1: x}", json!({"a": {"b": []}, "1": "x"}));
    is("~", Value::Null);
}

#[test]
fn enums_are_words_or_maps_of_one_key() {
    is("empty", Shape::Empty);
    is("empty: {}", Shape::Empty);
    is("{empty: }", Shape::Empty);
    is("line: 3", Shape::Line(3));
    is("box: {width: 2}", Shape::Box { width: 2 });
    is("1.5", Shape::Number);
    fails::<Shape>("lime: 3", "`lime` is not known here");
    fails::<Shape>("box", "the key `width` is missing");
    fails::<Shape>("{line: 3, empty: }", "exclude each other");
    fails::<Shape>("{line: 3, width: 2}", "`width` stands beside `line`");
    fails::<Shape>("{}", "found nothing");
    fails::<Shape>("empty: 3", "takes no value");
    fails::<Shape>("[]", "found a list");
    is("{empty: 1, line: 2}", BTreeMap::from([("empty".to_owned(), 1), ("line".to_owned(), 2)]));
}

#[test]
fn keys_without_value_are_keys_left_out() {
    is(
        "{name: a, count: , list: , inner: {count: 2}}",
        Part {
            name: "a".to_owned(),
            inner: Some(Box::new(Part { count: 2, ..Part::default() })),
            ..Part::default()
        },
    );
    fails::<Part>("{nam: a}", "unknown key `nam`");
    fails::<Part>("{zebra: }", "unknown key `zebra`");
    fails::<Part>("5", "expected a map, found `5`");
}

#[test]
fn several_errors_are_found_at_once() {
    let text = "- {nam: a, inner: {list: [1, 300, 4, x]}}\n- {count: two, list: 5}\n- 7\n";
    let mut sources = Sources::new();
    let source = sources.add(Source::file("t.yaml", text));
    let tree = parse(source, &sources).unwrap().remove(0);
    let errors = read::<Vec<Part>>(&tree, &sources).unwrap_err();
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let expected = [
        "unknown key `nam`",
        "`300` is too large",
        "expected a whole number, found `x`",
        "expected a whole number, found `two`",
        "expected a list, found `5`",
        "expected a map, found `7`",
    ];
    assert_eq!(messages, expected);
    let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["0", "0.inner.list.1", "0.inner.list.3", "1.count", "1.list", "2"]);
}
