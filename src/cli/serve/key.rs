//! The idempotency key of a request, which makes it harmless to send the request again.
//!
//! ```text
//! Idempotency-Key: "8e03978e-40d5-43e8-bc93-6894a57f9324"
//!
//! Idempotency-Key = sf-string / bare          draft-ietf-httpapi-idempotency-key-header
//! sf-string       = DQUOTE *chr DQUOTE        RFC 8941, section 3.3.3
//! chr             = unescaped / escaped
//! unescaped       = %x20-21 / %x23-5B / %x5D-7E
//! escaped         = "\" ( DQUOTE / "\" )
//! bare            = 1*( %x21 / %x23-2B / %x2D-5B / %x5D-7E )
//! ```
//!
//! The draft has the quotes; many programs leave them out, so the hub takes both for the same key.
//! A bare key has no comma: somebody may have joined two fields into one. What isn't a key is
//! refused, since whoever sent it counts on it.

use tidings::Response;
use tidings::http::Head;

use super::refuse::bad_request;

/// In characters, without the quotes.
const LONGEST: usize = 255;

/// Whether a request has a key, or what should be one.
#[inline]
pub(super) fn is_given(head: &Head) -> bool {
    head.field("idempotency-key").is_some()
}

/// The key of a request, if it has one.
pub(super) fn of(head: &Head) -> Result<Option<String>, Response> {
    let mut values = head.values("idempotency-key");
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad_request("there may be only one field Idempotency-Key"));
    }
    match parse(value) {
        Some(key) => Ok(Some(key)),
        None => Err(bad_request(format_args!(
            "Idempotency-Key is 1 to {LONGEST} characters of printable ASCII in double quotes, \
             such as \"8e03978e-40d5-43e8-bc93-6894a57f9324\""
        ))),
    }
}

fn parse(value: &[u8]) -> Option<String> {
    let key = match value {
        [b'"', quoted @ .., b'"'] => unquoted(quoted)?,
        bare if bare.iter().all(is_bare) => String::from_utf8(bare.into()).ok()?,
        _ => return None,
    };
    (1..=LONGEST).contains(&key.len()).then_some(key)
}

/// `*chr`, as what it stands for.
fn unquoted(quoted: &[u8]) -> Option<String> {
    let mut key = String::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    while let Some(byte) = bytes.next() {
        let (byte, escaped) = if *byte == b'\\' { (bytes.next()?, true) } else { (byte, false) };
        let is_marked = matches!(byte, b'"' | b'\\');
        if escaped != is_marked || !matches!(byte, b' '..=b'~') {
            return None;
        }
        key.push(char::from(*byte));
    }
    Some(key)
}

fn is_bare(byte: &u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_string_with_quotes_or_without() {
        for (value, key) in [
            ("\"8e03978e-40d5-43e8-bc93-6894a57f9324\"", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
            ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
            (r#""a b, c""#, "a b, c"),
            (r#""a \"b\" \\ c""#, r#"a "b" \ c"#),
            ("order/7:retry=1;v=+2", "order/7:retry=1;v=+2"),
            (&format!("\"{}\"", "k".repeat(255)), &"k".repeat(255)),
            (&format!("\"{}\"", r"\\".repeat(255)), &r"\".repeat(255)),
            (&"k".repeat(255), &"k".repeat(255)),
        ] {
            assert_eq!(parse(value.as_bytes()).as_deref(), Some(key), "{value}");
        }
    }

    #[test]
    fn nothing_else_is_a_key() {
        for value in [
            "",
            "\"",
            "\"\"",
            "\"a",
            "a\"",
            "a\"b",
            "a b",
            "a, b",
            "a,b",
            "\"a\", \"b\"",
            "\"a\";b=c",
            r"a\b",
            r#""a\b""#,
            r#""a\""#,
            "\"a\tb\"",
            "\"é\"",
            "é",
            &"k".repeat(256),
            &format!("\"{}\"", "k".repeat(256)),
        ] {
            assert_eq!(parse(value.as_bytes()), None, "{value}");
        }
        assert_eq!(parse(b"\"a\xFF\""), None);
    }
}
