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
//! A class of bytes is a table of 256 answers, so that asking is one load and no branch.

use std::io::BufRead;

/// Whether a byte is a `tchar`.
pub(crate) const TCHAR: [bool; 256] = {
    let mut table = [false; 256];
    let marks = b"!#$%&'*+-.^_`|~";
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
};

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
/// It looks at all of them before it answers: without an early way out the compiler turns the
/// loop into vector instructions, and nearly all values are good to the end anyway.
pub(crate) fn is_value(value: &[u8]) -> bool {
    value.iter().fold(true, |good, &byte| good & is_value_byte(byte))
}

/// `SP` or `HTAB`: the only white space there is in HTTP.
pub(crate) const fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// `bytes` without the spaces and tabs at both ends. Nothing else is trimmed: what Unicode or C
/// call white space (a vertical tab, say) is data here, and mostly an attack.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        if !is_blank(*first) {
            break;
        }
        rest = tail;
    }
    while let [head @ .., last] = rest {
        if !is_blank(*last) {
            break;
        }
        rest = head;
    }
    rest
}

/// Where the first LF is.
///
/// `skip_until` is the only door std has to its `memchr`, which looks at many bytes at once.
pub(crate) fn find_line_feed(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let passed = rest.skip_until(b'\n').ok()?.checked_sub(1)?;
    (bytes[passed] == b'\n').then_some(passed)
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
    let mut quoted = false;
    let mut escaped = false;
    value
        .split(move |&byte| {
            let ends = !quoted && byte == separator;
            if quoted && !escaped && byte == b'\\' {
                escaped = true;
            } else {
                quoted ^= byte == b'"' && !escaped;
                escaped = false;
            }
            ends
        })
        .map(trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_feed_is_found_wherever_it_is() {
        for length in 0..70 {
            let mut bytes = vec![b'x'; length];
            assert_eq!(find_line_feed(&bytes), None);
            for at in (0..length).rev() {
                bytes[at] = b'\n';
                assert_eq!(find_line_feed(&bytes), Some(at));
            }
        }
    }

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
