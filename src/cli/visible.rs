//! What came over the wire, made fit for a terminal.
//!
//! A terminal takes control characters for commands: some clear it, some type into it, some change
//! what stands above. So nothing that a server sent is printed as it is. There are two ways to
//! write what is unsafe: in text as an escape, and in bytes as the little picture of it.

use std::fmt::Write;

/// Whether a terminal might act on it: control characters, and those that turn the direction of
/// what is around them, so that a text seems to say something else. Nor is anything safe that
/// can't be seen.
pub(crate) fn is_unsafe(c: char) -> bool {
    let turns = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    let unseen = matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}');
    c.is_control() || turns || unseen || matches!(c, '\u{2028}' | '\u{2029}')
}

/// What can't be seen either, but joins and parts letters and pictures in many a script: where a
/// text is to be read it stays.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// A text on one line; what is unsafe is written as Rust would.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Bytes on one line, each to be seen: `␍`, `␊` and the like for control bytes, `\xff` for what is
/// not UTF-8.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match u32::from(c) {
                // U+2400 and on are the pictures of U+0000 and on.
                control @ 0..0x20 => out.extend(char::from_u32(0x2400 + control)),
                0x7f => out.push('\u{2421}'),
                _ if is_unsafe(c) || is_joiner(c) => out.extend(c.escape_default()),
                _ => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}").expect("a String grows");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_what_can_be_seen_and_nothing_else() {
        assert_eq!(line("grün 🗞 \\"), "grün 🗞 \\");
        assert_eq!(
            line("\u{1b}]0;x\u{7}\t\r\0\u{9b}2J\u{202e}"),
            r"\u{1b}]0;x\u{7}\t\r\u{0}\u{9b}2J\u{202e}"
        );
    }

    #[test]
    fn bytes_are_pictures_and_escapes() {
        assert_eq!(bytes(b"a b\r\n\t\0\x1b\x7f"), "a b␍␊␉␀␛␡");
        assert_eq!(bytes(b"\xff\xc3\xa9\xf0\x9f"), "\\xffé\\xf0\\x9f");
        assert_eq!(bytes("\u{9b}2J\u{202e}".as_bytes()), "\\u{9b}2J\\u{202e}");
    }

    #[test]
    fn what_can_not_be_seen_is_written_out() {
        let unseen = "a\u{61c}b\u{ad}c\u{200b}d\u{2060}e\u{feff}f";
        let written = r"a\u{61c}b\u{ad}c\u{200b}d\u{2060}e\u{feff}f";
        assert_eq!((line(unseen), bytes(unseen.as_bytes())), (written.into(), written.into()));
        let joined = "\u{1f468}\u{200d}\u{1f467} \u{200c}";
        assert_eq!(line(joined), joined);
        assert_eq!(bytes(joined.as_bytes()), "\u{1f468}\\u{200d}\u{1f467} \\u{200c}");
    }

    #[test]
    fn nothing_that_is_unsafe_comes_through() {
        for c in (0..=0xffff).filter_map(char::from_u32).filter(|&c| is_unsafe(c)) {
            let text = c.to_string();
            assert!(line(&text).is_ascii(), "{c:?}");
            assert!(!bytes(text.as_bytes()).contains(c), "{c:?}");
        }
    }
}
