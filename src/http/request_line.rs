//! The request line: the first line of a request (RFC 9112, section 3).
//!
//! ```text
//! request-line  = method SP request-target SP HTTP-version
//! method        = token
//! HTTP-version  = HTTP-name "/" DIGIT "." DIGIT
//! HTTP-name     = %s"HTTP"                            ; case-sensitive
//! ```
//!
//! Exactly one space stands between the parts, and none anywhere else. The standard lets a server
//! be lenient here; we are not, as white space that two parsers see differently is how requests
//! are smuggled.
//!
//! The version is checked before the method and the target, because these mean what they mean in
//! HTTP/1 only: `PRI * HTTP/2.0`, with which an HTTP/2 connection begins, is a version that we
//! don't speak, and neither an unknown method nor a bad target.

use super::method::Method;
use super::refusal::Refusal;
use super::status::Status;
use super::syntax::is_token;
use super::target::Target;
use crate::search::first_of;

/// Which HTTP/1 a peer speaks. Any later minor version is taken for 1.1 (RFC 9110, section 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// HTTP/1.0: knows no chunks, and closes unless asked to keep the connection.
    Http10,
    /// HTTP/1.1 and later 1.x: keeps the connection unless asked to close.
    Http11,
}

#[derive(Clone, Debug)]
pub(crate) struct RequestLine {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) version: Version,
}

impl RequestLine {
    /// Parses a request line, given without its CRLF.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Refusal> {
        let parts = split_space(line).and_then(|(method, rest)| Some((method, split_space(rest)?)));
        let Some((method, (target, version))) = parts else {
            return Err(Refusal::bad_request(
                "a request line must be a method, a target and a version, \
                 with one space between them (RFC 9112, section 3)",
            ));
        };
        let known = Method::from_token(method);
        if known.is_none() && !is_token(method) {
            return Err(Refusal::bad_request(
                "a method must be a token: letters, digits and a few marks (RFC 9112, section 3.1)",
            ));
        }
        let version = parse_version(version)?;
        let method = known.ok_or(Refusal::new(
            Status::NOT_IMPLEMENTED,
            "this method is not known here; methods are case-sensitive (RFC 9110, section 9.1)",
        ))?;
        let start = method.as_str().len() + 1;
        Ok(Self { method, target: Target::parse(target, start, method)?, version })
    }
}

/// What is before the first space, and what is after it.
fn split_space(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = first_of(*b" ", text)?;
    Some((&text[..at], &text[at + 1..]))
}

impl Version {
    /// Reads a version that we speak.
    ///
    /// `HTTP-version = HTTP-name "/" DIGIT "." DIGIT`
    pub(super) fn parse(version: &[u8]) -> Option<Self> {
        match version {
            _ if version == b"HTTP/1.1" => Some(Self::Http11),
            b"HTTP/1.0" => Some(Self::Http10),
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Some(Self::Http11),
            _ => None,
        }
    }
}

fn parse_version(version: &[u8]) -> Result<Version, Refusal> {
    if let Some(version) = Version::parse(version) {
        return Ok(version);
    }
    match version {
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(Refusal::new(
            Status::VERSION_NOT_SUPPORTED,
            "only HTTP/1.1 and HTTP/1.0 are spoken here (RFC 9110, section 15.6.6)",
        )),
        _ => Err(Refusal::bad_request(
            "the request line must end in a version such as HTTP/1.1, to the letter, \
             with one space between its parts (RFC 9112, section 2.3)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The method, the version and the status of the refusal, whichever there are.
    fn parse(line: &[u8]) -> Result<(Method, Version), u16> {
        let line = RequestLine::parse(line).map_err(|refusal| refusal.status().code())?;
        Ok((line.method, line.version))
    }

    #[test]
    fn row_2_the_parts_have_one_space_between_them_and_none_elsewhere() {
        assert_eq!(parse(b"GET / HTTP/1.1"), Ok((Method::Get, Version::Http11)));
        let bad: [&[u8]; 15] = [
            b"",
            b"GET",
            b"GET ",
            b"GET /",
            b"GET / ",
            b"/ HTTP/1.1",
            b"GET HTTP/1.1",
            b"GET  / HTTP/1.1",
            b"GET /  HTTP/1.1",
            b"GET / HTTP/1.1 ",
            b" GET / HTTP/1.1",
            b"GET\t/ HTTP/1.1",
            b"GET /\tHTTP/1.1",
            b"GET /a b HTTP/1.1",
            b"GET\x0B/ HTTP/1.1",
        ];
        for line in bad {
            assert_eq!(parse(line), Err(400), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn row_3_a_version_is_written_to_the_letter() {
        let bad: [&[u8]; 11] = [
            b"GET / http/1.1",
            b"GET / Http/1.1",
            b"GET / HTTP/1",
            b"GET / HTTP/1.",
            b"GET / HTTP/01.1",
            b"GET / HTTP/1.1x",
            b"GET / HTTP/1.10",
            b"GET / HTTP/1,1",
            b"GET / HTTP/+1.1",
            b"GET / HTTP 1.1",
            b"GET / HTTPS/1.1",
        ];
        for line in bad {
            assert_eq!(parse(line), Err(400), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn row_3_a_later_minor_version_is_served_as_1_1_and_another_major_one_is_not_served() {
        assert_eq!(parse(b"GET / HTTP/1.0"), Ok((Method::Get, Version::Http10)));
        assert_eq!(parse(b"GET / HTTP/1.2"), Ok((Method::Get, Version::Http11)));
        assert_eq!(parse(b"GET / HTTP/1.9"), Ok((Method::Get, Version::Http11)));
        assert_eq!(parse(b"GET / HTTP/0.9"), Err(505));
        assert_eq!(parse(b"GET / HTTP/2.0"), Err(505));
        assert_eq!(parse(b"PRI * HTTP/2.0"), Err(505));
        assert_eq!(parse(b"GET / HTTP/3.0"), Err(505));
    }

    #[test]
    fn row_4_a_method_is_a_token_that_we_know_in_this_case() {
        assert_eq!(parse(b"G(T / HTTP/1.1"), Err(400));
        assert_eq!(parse(b"G\0T / HTTP/1.1"), Err(400));
        assert_eq!(parse(b"G\xC9T / HTTP/1.1"), Err(400));
        assert_eq!(parse(b"get / HTTP/1.1"), Err(501));
        assert_eq!(parse(b"BREW / HTTP/1.1"), Err(501));
        assert_eq!(parse(b"PATCH / HTTP/1.1"), Ok((Method::Patch, Version::Http11)));
    }

    #[test]
    fn row_6_connect_is_not_implemented() {
        assert_eq!(parse(b"CONNECT example.com:443 HTTP/1.1"), Err(501));
    }
}
