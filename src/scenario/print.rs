//! Scenarios back to YAML: everything that holds, defaults included, in the order of the
//! reference. What is printed loads back to the same scenario.

use super::scalar::{Core, core_type};
use super::to_node::to_node;
use super::{Kind, Node};
use serde::Serialize;
use std::fmt::Write;

/// A value as YAML.
///
/// # Panics
/// If the value cannot be written as YAML, such as a map with maps as keys.
pub fn to_yaml<T: Serialize>(value: &T) -> String {
    let node = to_node(value).expect("what scenarios are made of can be written as YAML");
    let mut out = String::new();
    match &node.kind {
        Kind::Map(entries) if !entries.is_empty() => map(&node, 0, &mut out),
        Kind::Seq(nodes) if !nodes.is_empty() => seq(nodes, 0, &mut out),
        _ => line(&node, &mut out),
    }
    out
}

fn indent(depth: usize, out: &mut String) {
    out.push_str(&"  ".repeat(depth));
}

/// Writes entries; the first one stands where the output is, the others on lines of their own.
fn map(node: &Node, depth: usize, out: &mut String) {
    for (at, (key, value)) in node.entries().iter().enumerate() {
        if at > 0 {
            indent(depth, out);
        }
        scalar(&key.text, true, out);
        out.push(':');
        match &value.kind {
            Kind::Map(entries) if !entries.is_empty() => {
                out.push('\n');
                indent(depth + 1, out);
                map(value, depth + 1, out);
            }
            Kind::Seq(nodes) if !nodes.is_empty() => {
                out.push('\n');
                indent(depth + 1, out);
                seq(nodes, depth + 1, out);
            }
            _ => {
                out.push(' ');
                line(value, out);
            }
        }
    }
}

fn seq(nodes: &[Node], depth: usize, out: &mut String) {
    for (at, node) in nodes.iter().enumerate() {
        if at > 0 {
            indent(depth, out);
        }
        out.push_str("- ");
        match &node.kind {
            Kind::Map(entries) if !entries.is_empty() => map(node, depth + 1, out),
            Kind::Seq(nodes) if !nodes.is_empty() => seq(nodes, depth + 1, out),
            _ => line(node, out),
        }
    }
}

/// Writes a value without inner lines, and a line feed.
fn line(node: &Node, out: &mut String) {
    match &node.kind {
        Kind::Scalar { text, quoted } => scalar(text, *quoted, out),
        Kind::Seq(_) => out.push_str("[]"),
        Kind::Map(_) => out.push_str("{}"),
    }
    out.push('\n');
}

/// Writes a scalar, in quotes if it would else be read as something else. A `text` stays text.
fn scalar(value: &str, text: bool, out: &mut String) {
    if is_plain(value) && !(text && core_type(value, false) != Core::Text) {
        out.push_str(value);
        return;
    }
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                write!(out, "\\U{:08x}", u32::from(c)).expect("writing to a string");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// True if a scalar can stand without quotes.
fn is_plain(text: &str) -> bool {
    const FIRST: &str = "-?:,[]{}#&*!|>'\"%@`";
    let negative =
        text.strip_prefix('-').is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    let safe = |c: char| c == ' ' || (!c.is_control() && !c.is_whitespace() && c != '\u{feff}');
    !text.is_empty()
        && text.trim() == text
        && (negative || !text.starts_with(|c| FIRST.contains(c)))
        && !text.starts_with("...")
        && text != "<<"
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && text.chars().all(safe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::yaml::parse;
    use crate::scenario::{Source, Sources, from_node};
    use proptest::prelude::*;
    use serde_json::Value;

    fn read_back(text: &str) -> Value {
        let mut sources = Sources::new();
        let source = sources.add(Source::file("t.yaml", text));
        let nodes = parse(source, &sources).unwrap_or_else(|d| panic!("{}", d.render(false)));
        from_node(&nodes[0]).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn lists_and_maps_are_laid_out() {
        let value = serde_json::json!({
            "a": [{"b": 1, "c": [[2, "3"], []]}, {}],
            "d": "yes: no",
            "e": null,
        });
        let text = to_yaml(&value);
        let expected = "a:\n  - b: 1\n    c:\n      - - 2\n        - \"3\"\n      - []\n  - {}\n\
                        d: \"yes: no\"\ne: null\n";
        assert_eq!(text, expected);
        assert_eq!(read_back(&text), value);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9f64).prop_map(Value::from),
            "[ -~\\n\\t\u{e9}\u{2028}]{0,12}".prop_map(Value::from),
            prop_oneof![
                Just("0644"),
                Just("1e3"),
                Just("~"),
                Just("true"),
                Just("---"),
                Just("<<"),
                Just("a #b"),
                Just("a: b"),
                Just("- a"),
                Just("...")
            ]
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[ -~]{0,8}|<<|null", inner, 0..5)
                    .prop_map(|map| map.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 128,
            failure_persistence: None,
            ..Default::default()
        })]

        #[test]
        fn every_value_reads_back(value in values()) {
            prop_assert_eq!(read_back(&to_yaml(&value)), value);
        }
    }
}
