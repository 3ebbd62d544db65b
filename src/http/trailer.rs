//! The trailer section: field lines after the last chunk (RFC 9112, section 7.1.2).
//!
//! ```text
//! trailer-section = *( field-line CRLF )
//! ```
//!
//! Trailers are checked like field lines and dropped. None of them is ever merged into the head:
//! a field that frames, routes or authenticates a request must not come after it has been framed,
//! routed and let in (RFC 9110, section 6.5.1).

use super::refusal::Refusal;
use super::syntax::{TCHAR, is_value_byte};

const BAD_TRAILER: Refusal = Refusal::bad_request(
    "a trailer must be a field line: a token, a colon and a value without control bytes, ended by \
     CRLF (RFC 9112, section 7.1.2)",
);
const LONG_TRAILERS: Refusal = Refusal::bad_request(
    "this trailer section is longer than this server takes (RFC 9112, section 7.1.2)",
);

/// One trailer section, as far as it has come.
#[derive(Debug)]
pub(crate) struct TrailerSection {
    at: At,
    /// How many bytes it may still take. The CRLF that ends it is not counted.
    room: usize,
}

#[derive(Clone, Copy, Debug)]
enum At {
    LineStart,
    Name,
    Value,
    LineFeed,
    LastLineFeed,
}

impl TrailerSection {
    pub(crate) fn new(room: usize) -> Self {
        Self { at: At::LineStart, room }
    }

    /// Takes the next byte; `true` when that was the end of the body.
    pub(crate) fn take(&mut self, byte: u8) -> Result<bool, Refusal> {
        self.at = match (self.at, byte) {
            (At::LastLineFeed, b'\n') => return Ok(true),
            (At::LineStart, b'\r') => {
                self.at = At::LastLineFeed;
                return Ok(false);
            }
            (At::LineStart | At::Name, _) if TCHAR[usize::from(byte)] => At::Name,
            (At::Name, b':') => At::Value,
            (At::Value, b'\r') => At::LineFeed,
            (At::Value, _) if is_value_byte(byte) => At::Value,
            (At::LineFeed, b'\n') => At::LineStart,
            _ => return Err(BAD_TRAILER),
        };
        self.room = self.room.checked_sub(1).ok_or(LONG_TRAILERS)?;
        Ok(false)
    }
}
