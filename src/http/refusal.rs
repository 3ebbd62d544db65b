//! A refusal: a request that breaks a rule, the status it gets, and the rule in a sentence.
//!
//! After a refusal it is unknown where the next request would begin, so every refusal closes the
//! connection, and what was pipelined after the request is discarded.
//!
//! A response that breaks a rule is refused by a client, which has no status to give. Its refusal
//! has the one that a gateway would send on: 502.

use std::fmt;

use super::status::Status;

/// Why the bytes of a request or a response were refused, and with which status.
///
/// ```
/// use tidings::http::HeadParser;
/// use tidings::{Limits, Status};
///
/// let mut parser = HeadParser::new(&Limits::default());
/// let refusal = parser.parse(b"GET / HTTP/1.1\n").unwrap_err();
/// assert_eq!(refusal.status(), Status::BAD_REQUEST);
/// assert_eq!(refusal.why(), "a line must end in CRLF, not in LF alone (RFC 9112, section 2.2)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: Status,
    /// Constant text, so that nothing of the request can get into the response.
    why: &'static str,
}

impl Refusal {
    pub(crate) const fn new(status: Status, why: &'static str) -> Self {
        Self { status, why }
    }

    pub(crate) const fn bad_request(why: &'static str) -> Self {
        Self::new(Status::BAD_REQUEST, why)
    }

    pub(crate) const fn bad_response(why: &'static str) -> Self {
        Self::new(Status::BAD_GATEWAY, why)
    }

    /// The same refusal for a response: some rules hold for requests and responses alike.
    pub(crate) fn in_response(self) -> Self {
        Self::bad_response(self.why)
    }

    /// The status of the response to a bad request; 502 for a bad response.
    pub fn status(&self) -> Status {
        self.status
    }

    /// What was wrong and what was expected, with the section of the standard that says so.
    pub fn why(&self) -> &'static str {
        self.why
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.why)
    }
}

impl std::error::Error for Refusal {}
