//! What names, labels and their keys may look like (apimachinery `validation.go`, Kubernetes 1.34).

use super::diagnostic::key_of;
use crate::ground::Problem;

/// Longest label value, name of a key without its prefix, and part of a host name.
const PART_MAX: usize = 63;
/// Longest prefix of a key, and longest name of an object.
const NAME_MAX: usize = 253;

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// Letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
fn is_part(text: &str) -> bool {
    (1..=PART_MAX).contains(&text.len())
        && text.starts_with(is_alphanumeric)
        && text.ends_with(is_alphanumeric)
        && text.chars().all(|c| is_alphanumeric(c) || "-_.".contains(c))
}

/// Lower-case letters, digits, `-` and `.`, with a letter or digit at the ends of each part.
fn is_subdomain(text: &str) -> bool {
    let label = |part: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(inner)
            && part.ends_with(inner)
            && part.chars().all(|c| inner(c) || c == '-')
    };
    text.len() <= NAME_MAX && text.split('.').all(label)
}

/// True for a key of a label: a name, or a domain, a slash and a name.
pub(super) fn is_qualified(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_part(name),
        None => is_part(key),
    }
}

/// Why a text is not the name of an object.
pub(super) fn check_name(name: &str, path: &str) -> Option<Problem> {
    (!is_subdomain(name)).then(|| {
        Problem::new(path, format!("`{name}` is not a name"))
            .hint("use lower-case letters, digits and `-`, with a letter or digit at both ends")
    })
}

/// Why a text is not the key of a label.
pub(super) fn check_qualified(key: &str, path: &str) -> Option<Problem> {
    (!is_qualified(key)).then(|| {
        Problem::new(path, format!("`{key}` is not the key of a label"))
            .hint("write a name, or a domain and a name, such as `example.com/tier`")
    })
}

/// Why these are not a label.
pub(super) fn check_label(key: &str, value: &str, path: &str) -> Option<Problem> {
    check_qualified(key, &key_of(path)).or_else(|| {
        (!value.is_empty() && !is_part(value)).then(|| {
            Problem::new(path, format!("`{value}` is not the value of a label"))
                .hint("use at most 63 letters, digits, `-`, `_` and `.`")
        })
    })
}

/// Why a text is not a name that folders of results can have.
pub(super) fn check_folder(name: &str, path: &str) -> Option<Problem> {
    (!is_part(name)).then(|| {
        Problem::new(path, format!("`{name}` is not a name")).hint(
            "use at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_follow_the_rules_of_kubernetes() {
        for (text, name, key, folder) in [
            ("web", true, true, true),
            ("web-1.a", true, true, true),
            ("Web_1", false, true, true),
            ("example.com/fpga", false, true, false),
            ("-web", false, false, false),
            ("a/b/c", false, false, false),
            ("", false, false, false),
            ("a b", false, false, false),
        ] {
            assert_eq!(check_name(text, "").is_none(), name, "name {text}");
            assert_eq!(is_qualified(text), key, "key {text}");
            assert_eq!(check_folder(text, "").is_none(), folder, "folder {text}");
        }
        assert!(check_label("a", "", "").is_none());
        assert!(check_label("a", &"x".repeat(64), "").is_some());
    }
}
