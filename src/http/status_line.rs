//! The status line: the first line of a response (RFC 9112, section 4).
//!
//! ```text
//! status-line   = HTTP-version SP status-code SP [ reason-phrase ]
//! status-code   = 3DIGIT
//! reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )
//! ```
//!
//! The second space belongs to the line even where there is no reason. Some servers leave it out
//! then; that can't be misread, so it is accepted. No other deviation is.

use super::refusal::Refusal;
use super::request_line::Version;
use super::syntax::is_value;
use super::target::Span;

const BAD_VERSION: Refusal = Refusal::bad_response(
    "a status line must begin with HTTP/1.1 or HTTP/1.0 and a space (RFC 9112, section 4)",
);
const BAD_STATUS: Refusal = Refusal::bad_response(
    "a status must be three digits from 100 to 599, with a space around them \
     (RFC 9110, section 15)",
);
const BAD_REASON: Refusal = Refusal::bad_response(
    "a reason phrase must contain no control byte but the tab (RFC 9112, section 4)",
);

#[derive(Clone, Copy, Debug)]
pub(crate) struct StatusLine {
    pub(crate) version: Version,
    /// 100 to 599.
    pub(crate) code: u16,
    /// Any bytes that a field value could have; often empty.
    pub(crate) reason: Span,
}

impl StatusLine {
    /// Parses a status line, given without its line end.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Refusal> {
        let (version, rest) = line.split_at_checked("HTTP/1.1".len()).ok_or(BAD_VERSION)?;
        let version = Version::parse(version).ok_or(BAD_VERSION)?;
        let rest = rest.strip_prefix(b" ").ok_or(BAD_VERSION)?;
        let (code, rest) = rest.split_at_checked(3).ok_or(BAD_STATUS)?;
        let reason = match rest {
            [] => rest,
            [b' ', reason @ ..] => reason,
            _ => return Err(BAD_STATUS),
        };
        if !is_value(reason) {
            return Err(BAD_REASON);
        }
        let reason = Span::new(line.len() - reason.len(), line.len());
        Ok(Self { version, code: status_code(code)?, reason })
    }
}

fn status_code(digits: &[u8]) -> Result<u16, Refusal> {
    let code = digits.iter().try_fold(0, |code: u16, digit| {
        digit.is_ascii_digit().then(|| code * 10 + u16::from(digit - b'0'))
    });
    code.filter(|code| (100..=599).contains(code)).ok_or(BAD_STATUS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[u8]) -> Result<(Version, u16, &[u8]), &'static str> {
        let parsed = StatusLine::parse(line).map_err(|refusal| refusal.why())?;
        Ok((parsed.version, parsed.code, parsed.reason.of(line)))
    }

    #[test]
    fn a_line_is_a_version_a_status_and_a_reason() {
        let lines: [(&[u8], Version, u16, &[u8]); 7] = [
            (b"HTTP/1.1 200 OK", Version::Http11, 200, b"OK"),
            (b"HTTP/1.0 404 Not Found", Version::Http10, 404, b"Not Found"),
            (b"HTTP/1.2 599  a\tb ", Version::Http11, 599, b" a\tb "),
            (b"HTTP/1.1 100 ", Version::Http11, 100, b""),
            (b"HTTP/1.1 204", Version::Http11, 204, b""),
            (b"HTTP/1.1 200 \xFF", Version::Http11, 200, b"\xFF"),
            (b"HTTP/1.1 302 200", Version::Http11, 302, b"200"),
        ];
        for (line, version, code, reason) in lines {
            assert_eq!(parse(line), Ok((version, code, reason)));
        }
    }

    #[test]
    fn nothing_else_is_a_status_line() {
        let lines: [(&[u8], Refusal); 19] = [
            (b"", BAD_VERSION),
            (b"HTTP/1.1", BAD_VERSION),
            (b"HTTP/2.0 200 OK", BAD_VERSION),
            (b"HTTP/0.9 200 OK", BAD_VERSION),
            (b"http/1.1 200 OK", BAD_VERSION),
            (b" HTTP/1.1 200 OK", BAD_VERSION),
            (b"HTTP/1.1\t200 OK", BAD_VERSION),
            (b"HTTP/1.10 200 OK", BAD_VERSION),
            (b"ICY 200 OK", BAD_VERSION),
            (b"HTTP/1.1 ", BAD_STATUS),
            (b"HTTP/1.1 20", BAD_STATUS),
            (b"HTTP/1.1  200 OK", BAD_STATUS),
            (b"HTTP/1.1 2000", BAD_STATUS),
            (b"HTTP/1.1 200\tOK", BAD_STATUS),
            (b"HTTP/1.1 099 OK", BAD_STATUS),
            (b"HTTP/1.1 600 OK", BAD_STATUS),
            (b"HTTP/1.1 +20 OK", BAD_STATUS),
            (b"HTTP/1.1 200 O\rK", BAD_REASON),
            (b"HTTP/1.1 200 \0", BAD_REASON),
        ];
        for (line, refusal) in lines {
            assert_eq!(parse(line), Err(refusal.why()), "{}", line.escape_ascii());
        }
    }
}
