//! Numbers as people read them: durations, counts, shares.

/// A whole number with separators: `12,345`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 pod`, `12 pods`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    let plural = match noun {
        _ if number == 1 => noun.to_owned(),
        "crash" => "crashes".to_owned(),
        noun => format!("{noun}s"),
    };
    format!("{} {plural}", count(number))
}

/// A share as a percentage with one decimal, more near 100 %, so that 99.97 % is not shown as all.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let rounded = format!("{percent:.1}");
    match rounded.as_str() {
        "100.0" if percent < 100.0 => format!("{:.3} %", (percent * 1000.0).floor() / 1000.0),
        "100.0" => "100 %".to_owned(),
        "0.0" if percent > 0.0 => "< 0.1 %".to_owned(),
        "0.0" => "0 %".to_owned(),
        text => format!("{text} %"),
    }
}

/// A length of time with about three digits: `4.2ms`, `12.5s`, `5m43s`, `3h20m`, `2d4h`.
pub(super) fn duration(seconds: f64) -> String {
    if seconds <= 0.0 {
        return "0s".to_owned();
    }
    if seconds < 0.9995 {
        let millis = seconds * 1000.0;
        return format!("{}ms", three_digits(millis));
    }
    if seconds < 59.95 {
        return format!("{}s", three_digits(seconds));
    }
    let whole = (seconds + 0.5) as u64;
    let (big, big_unit, small, small_unit) = if whole < 3_600 {
        (whole / 60, "m", whole % 60, "s")
    } else if whole < 86_400 {
        (whole / 3_600, "h", whole % 3_600 / 60, "m")
    } else {
        (whole / 86_400, "d", whole % 86_400 / 3_600, "h")
    };
    match small {
        0 => format!("{big}{big_unit}"),
        small => format!("{big}{big_unit}{small}{small_unit}"),
    }
}

/// A number below 1000 with three digits, without zeros at its end.
fn three_digits(number: f64) -> String {
    let text = if number < 0.0995 {
        format!("{number:.3}")
    } else if number < 9.995 {
        format!("{number:.2}")
    } else if number < 99.95 {
        format!("{number:.1}")
    } else {
        return format!("{number:.0}");
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text within the text or the attributes of HTML and SVG.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(printable(c)),
        }
    }
    out
}

/// The character, or a sign for it if neither XML nor a reader can take it.
pub(super) fn printable(c: char) -> char {
    let strange = c.is_control() && c != '\n' && c != '\t';
    if strange || matches!(c, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c }
}

/// An amount of bytes in the largest unit that leaves at least one: `3.2 GiB`.
pub(super) fn bytes(amount: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut amount, mut at) = (amount, 0);
    while amount >= 1024.0 && at + 1 < units.len() {
        amount /= 1024.0;
        at += 1;
    }
    format!("{} {}", three_digits(amount.min(999.0)), units[at])
}

/// Several things in a sentence: `a`, `a and b`, `a, b and c`.
pub(super) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (seconds, text) in [
            (0.0, "0s"),
            (0.000_4, "0.4ms"),
            (0.005, "5ms"),
            (0.25, "250ms"),
            (0.9996, "1s"),
            (12.34, "12.3s"),
            (60.0, "1m"),
            (343.2, "5m43s"),
            (3599.9, "1h"),
            (12_000.0, "3h20m"),
            (187_200.0, "2d4h"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
        for (share, text) in [
            (0.0, "0 %"),
            (0.0001, "< 0.1 %"),
            (0.6134, "61.3 %"),
            (0.9999, "99.990 %"),
            (0.999_999_9, "99.999 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), text, "{share}");
        }
        assert_eq!([count(7), count(1234), count(1_234_567)], ["7", "1,234", "1,234,567"]);
        assert_eq!(counted(1, "pod") + &counted(2, "crash"), "1 pod2 crashes");
        assert_eq!([bytes(0.0), bytes(3.5 * (1u64 << 30) as f64)], ["0 B", "3.5 GiB"]);
        assert_eq!(
            escaped("<a href='x'>&\"\u{1}"),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd}"
        );
        assert_eq!(listed(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
