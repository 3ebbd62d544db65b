//! Percent-encoding (RFC 3986, section 2.1) and the form encoding of queries.
//!
//! ```text
//! pct-encoded = "%" HEXDIG HEXDIG
//! ```
//!
//! Decoding happens once, and only to match and to read parameters: what is decoded never goes
//! back on the wire. The parser refuses a target that does not decode, so everything that holds a
//! [`Head`](super::Head) can rely on it.

use std::borrow::Cow;

use crate::search::first_of;

/// What a part of a path encodes; `None` when a `%` is not followed by two hex digits, or when the
/// result contains NUL or is not UTF-8.
pub(crate) fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    match first_of(*b"%", text.as_bytes()) {
        Some(_) => decode(text.as_bytes(), false).map(Cow::Owned),
        None => Some(Cow::Borrowed(text)),
    }
}

/// Whether [`percent_decode`] would succeed.
pub(crate) fn decodes(bytes: &[u8]) -> bool {
    decode(bytes, false).is_some()
}

/// The pairs of an `application/x-www-form-urlencoded` query: `name=value` between `&`, where `+`
/// is a space. A name without `=` has the empty value; empty pieces are passed over.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|piece| !piece.is_empty()).filter_map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        Some((decode(name.as_bytes(), true)?, decode(value.as_bytes(), true)?))
    })
}

fn decode(bytes: &[u8], plus_is_space: bool) -> Option<String> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let byte;
        (byte, rest) = match rest {
            [b'%', high, low, tail @ ..] => (hex(*high)? << 4 | hex(*low)?, tail),
            [b'+', tail @ ..] if plus_is_space => (b' ', tail),
            [byte, tail @ ..] if *byte != b'%' => (*byte, tail),
            _ => return None,
        };
        decoded.push(byte);
    }
    if decoded.contains(&0) {
        return None;
    }
    String::from_utf8(decoded).ok()
}

/// The value of a `HEXDIG`, of either case.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_7_percent_encoding_is_decoded_once() {
        assert_eq!(percent_decode("/a%20b%2Fc%c3%A9").as_deref(), Some("/a b/cé"));
        assert_eq!(percent_decode("%2541").as_deref(), Some("%41"));
        assert_eq!(percent_decode("a+b").as_deref(), Some("a+b"));
    }

    #[test]
    fn row_7_a_bad_encoding_does_not_decode() {
        for bad in ["%", "%4", "%4g", "%g4", "%%41", "% 41", "%+1", "%00", "%FF", "%C3", "%C0%80"] {
            assert_eq!(percent_decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_query_is_read_as_a_form() {
        let pairs: Vec<_> = query_pairs("a=1&b=x+y%2B%26&&a=2&flag&=v&c=d=e").collect();
        let expected =
            [("a", "1"), ("b", "x y+&"), ("a", "2"), ("flag", ""), ("", "v"), ("c", "d=e")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.into(), value.into())));
    }
}
