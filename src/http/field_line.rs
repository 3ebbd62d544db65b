//! A field line: a name, a colon and a value (RFC 9112, section 5).
//!
//! ```text
//! field-line    = field-name ":" OWS field-value OWS
//! field-name    = token
//! field-value   = *field-content                     RFC 9110, section 5.5
//! field-content = field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ]
//! obs-fold      = OWS CRLF 1*( SP / HTAB )           ; a line that goes on: refused
//! ```
//!
//! White space before the colon is refused, because some parsers take it for a part of the name
//! and some do not. So is a line that begins with white space: it once continued the line before
//! it, and parsers differ on whether it still does.

use super::refusal::Refusal;
use super::syntax::{TCHAR, is_blank, is_value, trim};
use super::target::Span;

/// Where a valid field line is in the bytes of its head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldLine {
    pub(crate) name: Span,
    /// Without the white space around it.
    pub(crate) value: Span,
}

impl FieldLine {
    /// Parses a field line that is given without its CRLF and begins `start` bytes behind the
    /// beginning of the head.
    pub(crate) fn parse(line: &[u8], start: usize) -> Result<Self, Refusal> {
        let length = line.iter().position(|&byte| !TCHAR[usize::from(byte)]);
        let Some(colon) = length.filter(|&at| at > 0 && line[at] == b':') else {
            return Err(no_name(line));
        };
        let untrimmed = &line[colon + 1..];
        if !is_value(untrimmed) {
            return Err(Refusal::bad_request(
                "a field value must contain no control byte but the tab: no NUL, no CR, no LF \
                 (RFC 9110, section 5.5)",
            ));
        }
        let value = trim(untrimmed);
        let blanks = untrimmed.iter().take_while(|&&byte| is_blank(byte)).count();
        let value_start = start + colon + 1 + blanks;
        Ok(Self {
            name: Span { start, end: start + colon },
            value: Span { start: value_start, end: value_start + value.len() },
        })
    }
}

/// Which rule a line breaks that does not begin with a name and a colon.
#[cold]
fn no_name(line: &[u8]) -> Refusal {
    let colon = line.iter().position(|&byte| byte == b':');
    Refusal::bad_request(match (line, colon) {
        ([first, ..], _) if is_blank(*first) => {
            "a field line must not begin with white space: lines are not folded any more \
             (RFC 9112, section 5.2)"
        }
        (_, None) => "a field line must have a colon behind its name (RFC 9112, section 5)",
        (_, Some(0)) => "a field line must have a name before its colon (RFC 9112, section 5)",
        (_, Some(colon)) if is_blank(line[colon - 1]) => {
            "between the name of a field and its colon there must be no white space \
             (RFC 9112, section 5.1)"
        }
        _ => {
            "the name of a field must be a token: letters, digits and a few marks \
             (RFC 9110, section 5.1)"
        }
    })
}
