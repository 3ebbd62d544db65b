//! JSON, as far as it has to be written (RFC 8259, section 7).
//!
//! ```text
//! string  = quotation-mark *char quotation-mark
//! escaped : the quotation mark, the backslash, and all control characters
//! ```
//!
//! The standard wants only the control characters below a space escaped. We escape all that a
//! terminal might act on, so that the text can be shown as it is: it means the same.

use std::fmt::Write;

use super::visible::is_unsafe;

/// A string in its quotation marks.
pub(crate) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => write!(out, "\\u{:04x}", u32::from(c)).expect("a String grows"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_quoted_and_what_may_not_stand_in_it_is_escaped() {
        for (text, written) in [
            ("", r#""""#),
            ("a é 🗞", r#""a é 🗞""#),
            (r#"say "\o/""#, r#""say \"\\o/\"""#),
            ("a\nb\r\tc\0", r#""a\nb\r\tc\u0000""#),
            ("\u{1b}[2J\u{7f}\u{9b}\u{202e}", r#""\u001b[2J\u007f\u009b\u202e""#),
        ] {
            assert_eq!(string(text), written);
        }
    }
}
