//! Media types: which of them a client wants (`Accept`, RFC 9110, section 12.5.1), and which one it
//! got (`Content-Type`, section 8.3).
//!
//! ```text
//! Accept      = [ ( media-range [ weight ] ) *( OWS "," OWS ( media-range [ weight ] ) ) ]
//! media-range = ( "*/*" / ( type "/" "*" ) / ( type "/" subtype ) ) parameters
//! parameters  = *( OWS ";" OWS [ parameter ] )
//! weight      = OWS ";" OWS "q=" qvalue
//! qvalue      = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
//! ```
//!
//! A weight of 0 means "not this". An element that breaks the grammar is ignored.

use super::syntax::{split_outside_quotes, trim};

/// Whether one element of `Accept` is exactly this media type, with a weight over 0. A wildcard is
/// not: nearly every client sends `*/*`, and hardly any of them wants an endless response.
pub(crate) fn wants(element: &[u8], media_type: &str) -> bool {
    let mut parts = split_outside_quotes(element, b';');
    let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(media_type.as_bytes()));
    named
        && parts
            .find_map(|parameter| match parameter {
                [b'q' | b'Q', b'=', weight @ ..] => Some(is_over_zero(weight)),
                _ => None,
            })
            .unwrap_or(true)
}

/// Whether a `Content-Type` is this media type, with any parameters (RFC 9110, section 8.3).
#[inline]
pub(crate) fn is_type(value: &[u8], media_type: &str) -> bool {
    let Some((name, rest)) = value.split_at_checked(media_type.len()) else { return false };
    name.eq_ignore_ascii_case(media_type.as_bytes()) && matches!(trim(rest), [] | [b';', ..])
}

/// Whether these bytes are a `qvalue` that is not zero.
fn is_over_zero(weight: &[u8]) -> bool {
    match weight {
        b"1" => true,
        [b'1', b'.', digits @ ..] => digits.len() <= 3 && digits.iter().all(|&digit| digit == b'0'),
        [b'0', b'.', digits @ ..] => {
            digits.len() <= 3
                && digits.iter().all(u8::is_ascii_digit)
                && digits.iter().any(|&digit| digit != b'0')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_counts_unless_its_weight_is_zero_or_no_weight() {
        let wanted: [&[u8]; 7] = [
            b"text/event-stream",
            b"Text/Event-Stream",
            b"text/event-stream;q=1",
            b"text/event-stream ; charset=utf-8 ; Q=0.001",
            b"text/event-stream;a=\"; q=0\"",
            b"text/event-stream;q=1.000",
            b"text/event-stream;q=0.5;ext=1",
        ];
        for element in wanted {
            assert!(wants(element, "text/event-stream"), "{}", element.escape_ascii());
        }
        let unwanted: [&[u8]; 12] = [
            b"text/event-stream;q=0",
            b"text/event-stream;q=0.000",
            b"text/event-stream; q=0.",
            b"text/event-stream;q=2",
            b"text/event-stream;q=",
            b"text/event-stream;q=0.0001",
            b"text/event-stream;q=1.0000",
            b"text/event-stream;q=1.001",
            b"text/event-stream;q=-1",
            b"*/*",
            b"text/*",
            b"text/event-streams",
        ];
        for element in unwanted {
            assert!(!wants(element, "text/event-stream"), "{}", element.escape_ascii());
        }
    }

    #[test]
    fn the_type_of_content_may_have_parameters_and_stands_alone() {
        for same in [
            "text/event-stream",
            "TEXT/Event-Stream",
            "text/event-stream;charset=utf-8",
            "text/event-stream ; charset=utf-8",
            "text/event-stream\t;",
        ] {
            assert!(is_type(same.as_bytes(), "text/event-stream"), "{same}");
        }
        for other in [
            "",
            "text/event-strea",
            "text/event-streams",
            "text/event-stream, text/plain",
            "text/event-stream charset=utf-8",
            "a;text/event-stream",
            "\"text/event-stream\"",
        ] {
            assert!(!is_type(other.as_bytes(), "text/event-stream"), "{other}");
        }
    }
}
