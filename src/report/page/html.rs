//! Text into HTML: everything that comes from a scenario is escaped here.

use crate::report::words::escaped;

/// HTML being written.
#[derive(Debug, Default)]
pub(super) struct Html {
    out: String,
}

impl Html {
    pub(super) fn new() -> Html {
        Html::default()
    }

    /// Markup of our own.
    pub(super) fn raw(&mut self, markup: &str) -> &mut Html {
        self.out.push_str(markup);
        self
    }

    /// Text as it is.
    pub(super) fn text(&mut self, text: &str) -> &mut Html {
        self.out.push_str(&escaped(text));
        self
    }

    /// An element that holds nothing but text.
    pub(super) fn leaf(&mut self, tag: &str, text: &str) -> &mut Html {
        let text = escaped(text);
        self.out.push_str(&format!("<{tag}>{text}</{tag}>"));
        self
    }

    /// A cell of a table; `class` may be empty.
    pub(super) fn cell(&mut self, class: &str, text: &str) -> &mut Html {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let text = escaped(text);
        self.out.push_str(&format!("<td{class}>{text}</td>"));
        self
    }

    /// The head of a table: its first column reads from the left, all others are numbers.
    pub(super) fn table(&mut self, columns: &[&str]) -> &mut Html {
        self.raw("<div class=\"scroll\"><table>\n<thead><tr>");
        for (at, column) in columns.iter().enumerate() {
            let class = if at > 0 { " class=\"n\"" } else { "" };
            self.raw(&format!("<th scope=\"col\"{class}>")).text(column).raw("</th>");
        }
        self.raw("</tr></thead>\n<tbody>\n")
    }

    /// The end of a table.
    pub(super) fn end_table(&mut self) -> &mut Html {
        self.raw("</tbody>\n</table></div>\n")
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// A piece of a relative address.
pub(super) fn url(piece: &str) -> String {
    let mut out = String::new();
    for byte in piece.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
