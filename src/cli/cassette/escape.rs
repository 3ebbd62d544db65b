//! Bytes in a comment: escaped, so that they are one line of visible text, and back.
//!
//! The escapes are Rust's: `\n`, `\r`, `\t`, `\\`, `\'`, `\"`, visible ASCII and spaces as they
//! are, and `\xHH` for everything else.

/// The text for these bytes.
pub(super) fn escape(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// The bytes for such a text; `None` if it is none.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
                itself @ (b'\\' | b'\'' | b'"') => itself,
                _ => return None,
            },
            b' '..=b'~' => byte,
            _ => return None,
        });
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let text = escape(&all);
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text}");
        assert_eq!(unescape(text.as_bytes()), Some(all));
        assert_eq!(escape("a\\é\n".as_bytes()), r"a\\\xc3\xa9\n");
    }

    #[test]
    fn what_is_not_escaped_is_refused() {
        for text in [r"\", r"\q", r"\x", r"\x1", r"\xg1", "\t", "é"] {
            assert_eq!(unescape(text.as_bytes()), None, "{text}");
        }
    }
}
