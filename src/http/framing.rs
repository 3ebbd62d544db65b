//! The framing: where the body of a request or a response ends (RFC 9112, section 6).
//!
//! ```text
//! Content-Length    = 1*DIGIT                                  RFC 9110, section 8.6
//! Transfer-Encoding = #transfer-coding                         RFC 9112, section 6.1
//! transfer-coding   = token *( OWS ";" OWS transfer-parameter )  RFC 9110, section 10.1.4
//! ```
//!
//! Here requests are smuggled: a peer that makes a proxy and a server disagree about the end of a
//! body gets to write the server's next request. So anything that could be read in two ways is
//! refused: both fields at once, either of them more than once or as a list of doubtful meaning, a
//! length that is not plainly digits, chunks in HTTP/1.0. The standard allows a server to tolerate
//! some of it.
//!
//! A response differs. Some statuses have no body whatever their fields say. Where neither field is
//! there, the body ends with the connection. And as no other response comes after it, a client
//! accepts what the standard has a rule for: chunks go before a length, and a length may be
//! repeated (section 6.3). So may `chunked`: a server and a proxy that both name it have applied it
//! once, and every client that accepts such a response reads it so.

use super::fields::Fields;
use super::known::{CONTENT_LENGTH, TRANSFER_ENCODING};
use super::refusal::Refusal;
use super::request_line::Version;
use super::status::Status;
use super::syntax::{is_token, split_outside_quotes, trim};

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// There is no body.
    None,
    /// The body is this many bytes long. As the peer says so, nothing is allocated from it.
    Length(u64),
    /// The body comes in chunks, each with its size before it, until one of size 0.
    Chunked,
    /// The body ends with the connection, so it is unknown whether it was cut off. Only that of a
    /// response can.
    UntilClose,
}

impl Framing {
    /// Decides the framing of a request from its fields.
    pub(crate) fn of(version: Version, fields: &Fields) -> Result<Self, Refusal> {
        match (fields.first(CONTENT_LENGTH), fields.has(TRANSFER_ENCODING)) {
            (None, false) => Ok(Self::None),
            (None, true) => transfer_encoding(version, fields.values(TRANSFER_ENCODING), false),
            (Some(_), true) => Err(Refusal::bad_request(
                "a message must not have both Content-Length and Transfer-Encoding \
                 (RFC 9112, section 6.1)",
            )),
            (Some(_), false) if fields.repeats(CONTENT_LENGTH) => Err(Refusal::bad_request(
                "a message must not have more than one Content-Length (RFC 9112, section 6.3)",
            )),
            (Some(length), false) => content_length(length).map(Self::Length),
        }
    }

    /// Decides the framing of a response from its status and its fields.
    pub(crate) fn of_response(
        version: Version,
        status: Status,
        fields: &Fields,
    ) -> Result<Self, Refusal> {
        if status.forbids_content() {
            return Ok(Self::None);
        }
        if fields.has(TRANSFER_ENCODING) {
            return transfer_encoding(version, fields.values(TRANSFER_ENCODING), true);
        }
        let lengths = fields.values(CONTENT_LENGTH).flat_map(|value| value.split(|&b| b == b','));
        let mut lengths = lengths.map(|length| content_length(trim(length)));
        let Some(first) = lengths.next().transpose()? else { return Ok(Self::UntilClose) };
        for length in lengths {
            if length? != first {
                return Err(Refusal::bad_response(
                    "a response must not have more than one Content-Length, unless they are the \
                     same (RFC 9112, section 6.3)",
                ));
            }
        }
        Ok(Self::Length(first))
    }
}

/// `Content-Length = 1*DIGIT`
fn content_length(value: &[u8]) -> Result<u64, Refusal> {
    let number = value.iter().try_fold(0u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    });
    number.filter(|_| !value.is_empty()).ok_or(Refusal::bad_request(
        "a Content-Length must be nothing but digits, for a number below 2^64 \
         (RFC 9110, section 8.6)",
    ))
}

/// The only coding that we know is `chunked`, and it must be the last, as nothing else says where
/// the body ends.
///
/// An empty element is refused, though lists may have them (RFC 9110, section 5.6.1.2): not every
/// parser sees `chunked` in `, chunked`. `chunked` may be named again if it `may_repeat`.
fn transfer_encoding<'a>(
    version: Version,
    values: impl Iterator<Item = &'a [u8]>,
    may_repeat: bool,
) -> Result<Framing, Refusal> {
    if version == Version::Http10 {
        return Err(Refusal::bad_request(
            "HTTP/1.0 has no Transfer-Encoding (RFC 9112, section 6.1)",
        ));
    }
    let mut chunked = false;
    let mut unknown = false;
    for coding in values.flat_map(|value| split_outside_quotes(value, b',')) {
        let mut parts = split_outside_quotes(coding, b';');
        let name = parts.next().unwrap_or_default();
        if !is_token(name) {
            return Err(Refusal::bad_request(
                "a Transfer-Encoding must be a list of codings, each of them a token \
                 (RFC 9112, section 6.1)",
            ));
        }
        let is_chunked = name.eq_ignore_ascii_case(b"chunked");
        if chunked && !(is_chunked && may_repeat) {
            return Err(Refusal::bad_request(
                "chunked must be the last transfer coding, and only once (RFC 9112, section 6.1)",
            ));
        }
        chunked = is_chunked;
        unknown |= !chunked;
        if chunked && parts.next().is_some() {
            return Err(Refusal::bad_request(
                "the transfer coding chunked has no parameters (RFC 9112, section 7.1)",
            ));
        }
    }
    if unknown {
        return Err(Refusal::new(
            Status::NOT_IMPLEMENTED,
            "the only transfer coding known here is chunked (RFC 9112, section 6.1)",
        ));
    }
    Ok(Framing::Chunked)
}

#[cfg(test)]
mod tests;
