//! The status: how it went, in three digits (RFC 9110, section 15).
//!
//! Only final statuses, 200 to 599, can be built. The interim ones (1xx) end no exchange: `100
//! Continue` is written by the server itself, and 101 is never sent.

use std::fmt;

use crate::error::{Error, Result};

/// How a request went.
///
/// ```
/// use tidings::Status;
///
/// assert_eq!(Status::NOT_FOUND.to_string(), "404 Not Found");
/// assert_eq!(Status::new(404)?, Status::NOT_FOUND);
/// assert!(Status::new(101).is_err());
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(
    /// 200 to 599.
    u16,
);

/// One row for each status that has a name here; the reason is its doc as well.
macro_rules! statuses {
    ($($name:ident = $code:literal $reason:literal;)*) => {
        impl Status {
            $(#[doc = concat!("`", $code, " ", $reason, "`")]
            pub const $name: Self = Self($code);)*

            /// The reason phrase of the standard; empty for a status that is not in the list.
            pub fn reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)*
                    _ => "",
                }
            }
        }
    };
}

statuses! {
    OK = 200 "OK";
    CREATED = 201 "Created";
    ACCEPTED = 202 "Accepted";
    NO_CONTENT = 204 "No Content";
    MOVED_PERMANENTLY = 301 "Moved Permanently";
    FOUND = 302 "Found";
    SEE_OTHER = 303 "See Other";
    NOT_MODIFIED = 304 "Not Modified";
    TEMPORARY_REDIRECT = 307 "Temporary Redirect";
    PERMANENT_REDIRECT = 308 "Permanent Redirect";
    BAD_REQUEST = 400 "Bad Request";
    UNAUTHORIZED = 401 "Unauthorized";
    FORBIDDEN = 403 "Forbidden";
    NOT_FOUND = 404 "Not Found";
    METHOD_NOT_ALLOWED = 405 "Method Not Allowed";
    NOT_ACCEPTABLE = 406 "Not Acceptable";
    REQUEST_TIMEOUT = 408 "Request Timeout";
    CONFLICT = 409 "Conflict";
    GONE = 410 "Gone";
    LENGTH_REQUIRED = 411 "Length Required";
    PRECONDITION_FAILED = 412 "Precondition Failed";
    CONTENT_TOO_LARGE = 413 "Content Too Large";
    URI_TOO_LONG = 414 "URI Too Long";
    UNSUPPORTED_MEDIA_TYPE = 415 "Unsupported Media Type";
    EXPECTATION_FAILED = 417 "Expectation Failed";
    MISDIRECTED_REQUEST = 421 "Misdirected Request";
    UNPROCESSABLE_CONTENT = 422 "Unprocessable Content";
    TOO_MANY_REQUESTS = 429 "Too Many Requests";
    FIELDS_TOO_LARGE = 431 "Request Header Fields Too Large";
    INTERNAL_SERVER_ERROR = 500 "Internal Server Error";
    NOT_IMPLEMENTED = 501 "Not Implemented";
    BAD_GATEWAY = 502 "Bad Gateway";
    SERVICE_UNAVAILABLE = 503 "Service Unavailable";
    GATEWAY_TIMEOUT = 504 "Gateway Timeout";
    VERSION_NOT_SUPPORTED = 505 "HTTP Version Not Supported";
    INSUFFICIENT_STORAGE = 507 "Insufficient Storage";
    LOOP_DETECTED = 508 "Loop Detected";
}

impl Status {
    /// The status with this code.
    ///
    /// # Errors
    ///
    /// When the code is not that of a final response: 200 to 599.
    pub fn new(code: u16) -> Result<Self> {
        if (200..=599).contains(&code) {
            Ok(Self(code))
        } else {
            Err(Error::invalid(format!("the status of a response must be from 200 to 599: {code}")))
        }
    }

    /// The three digits.
    pub fn code(self) -> u16 {
        self.0
    }

    /// The same as text.
    pub(crate) fn digits(self) -> [u8; 3] {
        [self.0 / 100, self.0 / 10 % 10, self.0 % 10].map(|digit| b'0' + digit as u8)
    }

    /// Whether a client goes on at the `Location` of a response with this status (the Fetch
    /// standard, section 2.2.3).
    pub fn is_redirect(self) -> bool {
        matches!(
            self,
            Self::MOVED_PERMANENTLY
                | Self::FOUND
                | Self::SEE_OTHER
                | Self::TEMPORARY_REDIRECT
                | Self::PERMANENT_REDIRECT
        )
    }

    /// Whether a response with this status has no content, whatever its head says (RFC 9112,
    /// section 6.3).
    pub(crate) fn forbids_content(self) -> bool {
        matches!(self, Self::NO_CONTENT | Self::NOT_MODIFIED)
    }
}

impl Error {
    /// The status of a response that was no event stream, if that was what was wrong with it; the
    /// status that a [bad request](Self::is_bad_request) gets; that of the
    /// [`response`](Self::response) in it.
    pub fn status(&self) -> Option<Status> {
        self.status_code().map(Status)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            "" => write!(f, "{}", self.0),
            reason => write!(f, "{} {reason}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_without_a_name_is_only_its_digits() {
        let status = Status::new(299).expect("a final status");
        assert_eq!((status.code(), status.reason()), (299, ""));
        assert_eq!(status.to_string(), "299");
    }

    #[test]
    fn only_final_statuses_can_be_built() {
        for code in [0, 99, 100, 101, 199, 600, 1000, u16::MAX] {
            assert!(Status::new(code).expect_err("not final").is_invalid(), "{code}");
        }
    }

    #[test]
    fn five_statuses_lead_elsewhere() {
        let redirects = (200..600).filter(|code| Status::new(*code).is_ok_and(Status::is_redirect));
        assert_eq!(redirects.collect::<Vec<_>>(), [301, 302, 303, 307, 308]);
    }
}
