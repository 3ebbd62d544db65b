//! JSON, as far as it has to be written (RFC 8259, section 7).
//!
//! ```text
//! string  = quotation-mark *char quotation-mark
//! escaped : the quotation mark, the backslash, and all control characters
//! ```
//!
//! The standard wants only the control characters below a space escaped. This escapes all that
//! can't be seen, so that a terminal can show the text as it is; it means the same. A character
//! past U+FFFF takes two escapes, as in UTF-16.

use std::fmt::Write;

use super::visible;

/// A string in its quotation marks.
pub(crate) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for (c, is_shown) in visible::shown(text) {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_shown => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("a String grows");
                }
            }
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
            ("a\u{e0041}\u{3164}", r#""a\udb40\udc41\u3164""#),
            ("\u{1b}[2J\u{7f}\u{9b}\u{202e}", r#""\u001b[2J\u007f\u009b\u202e""#),
        ] {
            assert_eq!(string(text), written);
        }
    }
}
