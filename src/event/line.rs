//! Where a line of an event stream ends: at CR LF, at LF, or at CR.
//!
//! ```text
//! "one\r\ntwo\nthree\rfour"  is  "one", "two", "three", "four"
//! "one\n\rtwo"               is  "one", "", "two": only CR before LF makes one end of two bytes
//! ```
//!
//! Both bytes are ASCII, so neither can be a part of another character's UTF-8 form, and a text may
//! be searched, and cut, as bytes.

use std::iter;

use crate::search::first_of;

/// The place of the first CR or LF.
pub(super) fn end(bytes: &[u8]) -> Option<usize> {
    first_of(*b"\r\n", bytes)
}

/// All lines of a text. One that ends with a line end has an empty last line, as `split` has it:
/// for an event, `"a\n"` is other data than `"a"`.
pub(super) fn all(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let text = rest?;
        let Some(end) = end(text.as_bytes()) else {
            return rest.take();
        };
        let (line, end) = text.split_at(end);
        rest = Some(end.strip_prefix("\r\n").unwrap_or(&end[1..]));
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cr_lf_and_both_together_are_one_end_each() {
        let lines: Vec<_> = all("one\r\ntwo\nthree\rfour\n\rfive\r\n").collect();
        assert_eq!(lines, ["one", "two", "three", "four", "", "five", ""]);
    }

    #[test]
    fn an_empty_text_is_one_empty_line() {
        assert_eq!(all("").collect::<Vec<_>>(), [""]);
    }
}
