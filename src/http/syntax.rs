//! The bytes that the grammar is made of: tokens, field values, white space, lists.
//!
//! ```text
//! token       = 1*tchar                                   RFC 9110, section 5.6.2
//! tchar       = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." /
//!               "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
//! field-vchar = VCHAR / obs-text                          RFC 9110, section 5.5
//! OWS         = *( SP / HTAB )                            RFC 9110, section 5.6.3
//! #element    = [ element ] *( OWS "," OWS [ element ] )  RFC 9110, section 5.6.1
//! ```
//!
//! A class of bytes is a table of 256 flags: one load, and no branch.

use std::iter;
use std::ops::Range;

use crate::search::first_of;

/// Whether a byte is a `tchar`.
pub(crate) const TCHAR: [bool; 256] = alphanumeric_and(b"!#$%&'*+-.^_`|~");

/// The class of letters, digits and these marks.
pub(crate) const fn alphanumeric_and(marks: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
}

/// Whether the whole of `bytes` is one token.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| TCHAR[usize::from(byte)])
}

/// Whether a field value may contain this byte: visible ASCII, space, tab and `obs-text`, so no
/// control byte but the tab.
pub(crate) const fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7F)
}

/// Whether every byte of `value` may stand in a field value.
///
/// Eight bytes are checked at once; the last eight may overlap those before them. Only a value with
/// a tab or a forbidden byte in it is then checked byte by byte.
pub(crate) fn is_value(value: &[u8]) -> bool {
    let Some(last) = value.last_chunk::<8>() else {
        return value.iter().copied().all(is_value_byte);
    };
    let controls = value
        .chunks_exact(8)
        .filter_map(|chunk| chunk.first_chunk::<8>())
        .fold(controls(*last), |found, chunk| found | controls(*chunk));
    controls == 0 || value.iter().copied().all(is_value_byte)
}

/// Not zero if one of the eight bytes is below a space or is DEL.
///
/// Taking a number off each byte sets its highest bit if the byte was smaller, and then may borrow
/// from the next; bytes over 0x7F, whose highest bit was set before, don't count.
fn controls(bytes: [u8; 8]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(bytes);
    let below_space = word.wrapping_sub(EACH * 0x20) & !word;
    let delete_is_zero = word ^ (EACH * 0x7F);
    let is_delete = delete_is_zero.wrapping_sub(EACH) & !delete_is_zero;
    (below_space | is_delete) & (EACH * 0x80)
}

/// `SP` or `HTAB`: the only white space there is in HTTP.
pub(crate) const fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// `bytes` without the spaces and tabs at both ends. Nothing else is trimmed: what Unicode or C
/// call white space (a vertical tab, say) is data here, and mostly an attack.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    &bytes[trimmed(bytes)]
}

/// Where that is.
pub(crate) fn trimmed(bytes: &[u8]) -> Range<usize> {
    let is_data = |byte: &u8| !is_blank(*byte);
    let start = bytes.iter().position(is_data).unwrap_or(bytes.len());
    start..bytes.iter().rposition(is_data).map_or(start, |last| last + 1)
}

/// The elements of a comma-separated list, trimmed. Empty ones are passed over (RFC 9110, section
/// 5.6.1.2), and a comma within a quoted string does not separate.
pub(crate) fn list_elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    split_outside_quotes(value, b',').filter(|element| !element.is_empty())
}

/// The parts of `value` between separators that do not stand within a quoted string, trimmed.
///
/// ```text
/// quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE   RFC 9110, section 5.6.4
/// quoted-pair   = "\" ( HTAB / SP / VCHAR / obs-text )
/// ```
pub(crate) fn split_outside_quotes(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    iter::from_fn(move || {
        let value = rest?;
        let end = separator_outside_quotes(value, separator);
        rest = end.map(|end| &value[end + 1..]);
        Some(trim(&value[..end.unwrap_or(value.len())]))
    })
}

/// Where the first separator is that does not stand within a quoted string.
pub(crate) fn separator_outside_quotes(value: &[u8], separator: u8) -> Option<usize> {
    let start = first_of([separator, b'"'], value)?;
    let (mut quoted, mut escaped) = (false, false);
    let end = value[start..].iter().position(|&byte| {
        let ends = !quoted && byte == separator;
        if quoted && !escaped && byte == b'\\' {
            escaped = true;
        } else {
            quoted ^= byte == b'"' && !escaped;
            escaped = false;
        }
        ends
    });
    end.map(|end| start + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_of_the_bytes_that_the_standard_names_and_no_others() {
        let named =
            b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        for byte in 0..=255 {
            assert_eq!(is_token(&[byte]), named.contains(&byte), "{byte:#04x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn a_byte_that_no_value_may_have_is_found_in_every_place() {
        for byte in 0..=255 {
            for length in 1..20 {
                for at in 0..length {
                    for filler in [b'x', b'\t', 0xFF, b' '] {
                        let mut value = vec![filler; length];
                        value[at] = byte;
                        assert_eq!(is_value(&value), is_value_byte(byte), "{byte:#04x} at {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn only_spaces_and_tabs_are_trimmed() {
        assert_eq!(trim(b" \t a b\t "), b"a b");
        assert_eq!(trim(b"\x0Ba\xA0"), b"\x0Ba\xA0");
        assert_eq!(trim(b" \t "), b"");
    }

    #[test]
    fn a_list_is_split_at_commas_that_are_not_quoted() {
        let elements: Vec<_> = list_elements(b"a ,, \"b,\\\",c\" ,\td,").collect();
        assert_eq!(elements, [&b"a"[..], b"\"b,\\\",c\"", b"d"]);
    }
}
