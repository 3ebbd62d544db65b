//! Percent-encoding (RFC 3986, section 2.1) and the form encoding of queries.
//!
//! ```text
//! pct-encoded = "%" HEXDIG HEXDIG
//! ```
//!
//! Decoding happens once, and only to match and to read parameters: what is decoded never goes
//! back on the wire. The parser refuses a target that does not decode, so everything that holds a
//! [`Head`](super::Head) can rely on it.

use std::iter;

/// What a part of a path encodes; `None` when a `%` is not followed by two hex digits, or when the
/// result contains NUL or is not UTF-8.
pub(crate) fn percent_decode(bytes: &[u8]) -> Option<String> {
    decode(bytes, false)
}

/// The pairs of an `application/x-www-form-urlencoded` query: `name=value` between `&`, where `+`
/// is a space. A name without `=` has the empty value; empty pieces are passed over.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let mut rest = query;
    iter::from_fn(move || next_pair(&mut rest))
}

/// The next pair, and what comes after it. It stands apart, so that it is compiled once.
fn next_pair(rest: &mut &str) -> Option<(String, String)> {
    while !rest.is_empty() {
        let (piece, after) = rest.split_once('&').unwrap_or((*rest, ""));
        *rest = after;
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        if !piece.is_empty()
            && let Some(name) = decode(name.as_bytes(), true)
            && let Some(value) = decode(value.as_bytes(), true)
        {
            return Some((name, value));
        }
    }
    None
}

fn decode(bytes: &[u8], plus_is_space: bool) -> Option<String> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, ..] = rest {
        let is_space = plus_is_space && *first == b'+';
        let (byte, after) = first_decoded(rest)?;
        decoded.push(if is_space { b' ' } else { byte });
        rest = after;
    }
    if decoded.contains(&0) {
        return None;
    }
    String::from_utf8(decoded).ok()
}

/// The first byte that these encode, and what comes after its encoding.
pub(crate) fn first_decoded(bytes: &[u8]) -> Option<(u8, &[u8])> {
    match bytes {
        [b'%', high, low, rest @ ..] => Some((hex(*high)? << 4 | hex(*low)?, rest)),
        [b'%', ..] => None,
        [byte, rest @ ..] => Some((*byte, rest)),
        [] => None,
    }
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
        assert_eq!(percent_decode("/a%20b%2Fc%c3%A9".as_bytes()).as_deref(), Some("/a b/cé"));
        assert_eq!(percent_decode("%2541".as_bytes()).as_deref(), Some("%41"));
        assert_eq!(percent_decode("a+b".as_bytes()).as_deref(), Some("a+b"));
    }

    #[test]
    fn row_7_a_bad_encoding_does_not_decode() {
        for bad in ["%", "%4", "%4g", "%g4", "%%41", "% 41", "%+1", "%00", "%FF", "%C3", "%C0%80"] {
            assert_eq!(percent_decode(bad.as_bytes()), None, "{bad}");
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
