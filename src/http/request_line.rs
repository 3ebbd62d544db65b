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
//! The version is looked at before the method and the target, because they mean what they mean in
//! HTTP/1 only: `PRI * HTTP/2.0`, with which an HTTP/2 connection begins, is a version we do not
//! speak, and neither an unknown method nor a bad target.

use super::method::Method;
use super::refusal::Refusal;
use super::status::Status;
use super::syntax::is_token;
use super::target::Target;

/// Which HTTP/1 a request speaks. Any later minor version is served as 1.1 (RFC 9110, section
/// 2.5).
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
        let mut parts = line.splitn(3, |&byte| byte == b' ');
        let (Some(method), Some(target), Some(version)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::bad_request(
                "a request line must be a method, a target and a version, \
                 with one space between them (RFC 9112, section 3)",
            ));
        };
        if !is_token(method) {
            return Err(Refusal::bad_request(
                "a method must be a token: letters, digits and a few marks (RFC 9112, section 3.1)",
            ));
        }
        let version = parse_version(version)?;
        let method = Method::from_token(method).ok_or(Refusal::new(
            Status::NOT_IMPLEMENTED,
            "this method is not known here; methods are case-sensitive (RFC 9110, section 9.1)",
        ))?;
        let start = method.as_str().len() + 1;
        Ok(Self { method, target: Target::parse(target, start, method)?, version })
    }
}

/// `HTTP-version = HTTP-name "/" DIGIT "." DIGIT`
fn parse_version(version: &[u8]) -> Result<Version, Refusal> {
    match version {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => Ok(Version::Http11),
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
