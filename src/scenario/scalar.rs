//! What a plain scalar means where the target does not say: the core schema of YAML 1.2.

/// What the core schema of YAML 1.2 makes of a scalar.
#[derive(Debug, PartialEq)]
pub(super) enum Core {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text,
}

/// Types an untyped scalar by the core schema, except that a number with needless leading zeros
/// (`0644`) stays text: nobody means 644 by it.
pub(super) fn core_type(text: &str, quoted: bool) -> Core {
    if quoted {
        return Core::Text;
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Core::Null,
        "true" | "True" | "TRUE" => return Core::Bool(true),
        "false" | "False" | "FALSE" => return Core::Bool(false),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    let zeros = digits.len() > 1
        && digits.starts_with('0')
        && digits[1..].starts_with(|c: char| c.is_ascii_digit());
    if zeros {
        return Core::Text;
    }
    if let Some(number) = parse_integer(text) {
        if let Ok(number) = u64::try_from(number) {
            return Core::Unsigned(number);
        }
        if let Ok(number) = i64::try_from(number) {
            return Core::Signed(number);
        }
    }
    match text.parse::<f64>() {
        Ok(number) if is_number(text) && number.is_finite() => Core::Float(number),
        _ => Core::Text,
    }
}

/// A whole number as YAML 1.2 writes it: decimal, `0x1F` or `0o17`.
pub(super) fn parse_integer(text: &str) -> Option<i128> {
    if let Some(digits) = text.strip_prefix("0x") {
        return digits
            .starts_with(|c: char| c.is_ascii_hexdigit())
            .then(|| i128::from_str_radix(digits, 16).ok())?;
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return digits
            .starts_with(|c: char| c.is_ascii_digit())
            .then(|| i128::from_str_radix(digits, 8).ok())?;
    }
    text.parse().ok()
}

/// True for a decimal number with or without fraction and exponent; `inf` and `nan` are none.
pub(super) fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c))
}
