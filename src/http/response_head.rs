//! The head of a response, as a client reads it (RFC 9112, sections 4 to 6).
//!
//! ```text
//! HTTP/1.1 100 Continue CRLF              an interim response: any number, each with its
//! CRLF                                    own empty line, before the final one
//! HTTP/1.1 200 OK CRLF                    status line
//! Content-Type: text/event-stream CRLF    field line
//! CRLF                                    the empty line that ends the head
//! ```
//!
//! What can be read in two ways is refused, as in a request. Three kinds of deviation are accepted,
//! as all readers understand them alike:
//!
//! - what the standard tells clients to accept: a field line that goes on in the next (section
//!   5.2), a length beside chunks, and a length that is repeated (section 6.3);
//! - what it allows, and embedded servers send: lines that end in LF alone (section 2.2);
//! - what is repeated without a difference: a content type, the coding `chunked`; and white space
//!   before the colon of a field that decides nothing.
//!
//! Each line is checked as soon as its LF is there, and the first bytes even before that, so that
//! another protocol on this port (TLS, say) is noticed at once.
//!
//! 101 is refused, as this client never asks for another protocol.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::date::HttpDate;
use super::field_line::{FieldLine, unfold};
use super::fields::Fields;
use super::framing::Framing;
use super::media_type;
use super::refusal::Refusal;
use super::request_line::Version;
use super::status::Status;
use super::status_line::StatusLine;
use super::syntax::is_blank;
use super::target::LONGEST_HEAD;
use crate::search::first_of;

/// Every response begins with this.
const BEGINNING: &[u8] = b"HTTP/";

const NOT_HTTP: Refusal = Refusal::bad_response(
    "a response must begin with HTTP/; something else is spoken here (RFC 9112, section 4)",
);
const SWITCHING: Refusal = Refusal::bad_response(
    "the response is 101 Switching Protocols, which was not asked for (RFC 9110, section 15.2.2)",
);
const LONG_HEAD: Refusal =
    Refusal::bad_response("the head of the response is longer than this client accepts");

/// The head of a response. One that exists is valid, and its status is final: 200 to 599.
///
/// [`ResponseHeadParser`] makes it.
#[derive(Clone)]
pub struct ResponseHead {
    line: StatusLine,
    status: Status,
    /// Their bytes are those of the whole head.
    fields: Fields,
    framing: Framing,
}

impl ResponseHead {
    fn new(bytes: &[u8], line: StatusLine, fields: Vec<FieldLine>) -> Result<Self, Refusal> {
        let mut bytes: Box<[u8]> = bytes.into();
        for field in &fields {
            unfold(&mut bytes[field.value.range()]);
        }
        let status = Status::new(line.code).expect("interim responses have been passed over");
        let fields = Fields::new(bytes, fields);
        let framing = Framing::of_response(line.version, status, &fields);
        let framing = framing.map_err(Refusal::in_response)?;
        Ok(Self { line, status, fields, framing })
    }

    /// How the request went.
    pub fn status(&self) -> Status {
        self.status
    }

    /// What the server says of the status in its own words; often empty. Bytes that are not UTF-8
    /// become U+FFFD.
    pub fn reason(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.fields.part(self.line.reason))
    }

    /// Which HTTP the server speaks.
    pub fn version(&self) -> Version {
        self.line.version
    }

    /// The value of the first field line of this name, in any case, without the white space
    /// around it.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.first(name.into())
    }

    /// The same as text, if it is UTF-8.
    pub fn field_text(&self, name: &str) -> Option<&str> {
        self.fields.first_text(name.into())
    }

    /// All field lines in the order in which they came.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter()
    }

    /// Where the body ends.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the content is an event stream: there is a `Content-Type`, and it is
    /// `text/event-stream`, with any parameters. It may be repeated, in one line or more, if each
    /// time it is that type.
    pub fn is_event_stream(&self) -> bool {
        self.content_type().is_some_and(is_event_stream)
    }

    /// What the content is, as `Content-Type` says it. Where that is repeated, the first type that
    /// is no event stream, if there is one: other readers may go by it.
    pub fn content_type(&self) -> Option<&[u8]> {
        let mut types = self.elements("content-type");
        let first = types.next()?;
        let is_other = |element: &&[u8]| !is_event_stream(element);
        Some([first].into_iter().chain(types).find(is_other).unwrap_or(first))
    }

    /// How long the server asks its client to wait before another request (RFC 9110, section
    /// 10.2.3):
    ///
    /// ```text
    /// Retry-After = HTTP-date / 1*DIGIT      seconds
    /// ```
    ///
    /// A date is counted from the server's own `Date`, and without one from `now`.
    pub(crate) fn retry_after(&self, now: HttpDate) -> Option<Duration> {
        let value = self.field_text("retry-after")?;
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number that does not fit is as good as for ever: a client has a bound for it.
            return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
        }
        let now = self.field_text("date").and_then(HttpDate::parse).unwrap_or(now);
        HttpDate::parse(value).map(|then| then.since(now))
    }

    /// The values of all field lines of this name.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields.values(name.into())
    }

    /// The elements of all field lines of this name, read as one comma-separated list.
    pub(crate) fn elements(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields.elements(name.into())
    }
}

fn is_event_stream(content_type: &[u8]) -> bool {
    media_type::is_type(content_type, "text/event-stream")
}

/// Shows the names of the fields but not their values, which may be secrets.
impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("version", &self.version())
            .field("status", &self.status)
            .field("fields", &self.fields().map(|(name, _)| name).collect::<Vec<_>>())
            .field("framing", &self.framing)
            .finish()
    }
}

/// Parses the head of one response, and passes over the interim ones before it.
///
/// ```
/// use tidings::http::{Framing, ResponseHeadParser};
///
/// let bytes = b"HTTP/1.1 200 OK\r\n\
///               Content-Type: text/event-stream\r\n\
///               Transfer-Encoding: chunked\r\n\
///               \r\n\
///               8\r\n";
/// let mut parser = ResponseHeadParser::new(64 * 1024);
/// assert!(parser.parse(&bytes[..40])?.is_none()); // the head goes on
/// let (head, consumed) = parser.parse(bytes)?.expect("the empty line is there");
/// assert_eq!(head.status().code(), 200);
/// assert!(head.is_event_stream());
/// assert_eq!(head.framing(), Framing::Chunked);
/// assert_eq!(&bytes[consumed..], b"8\r\n");
/// # Ok::<(), tidings::http::Refusal>(())
/// ```
#[derive(Debug)]
pub struct ResponseHeadParser {
    longest: usize,
    /// Where the head begins, after the interim ones.
    start: usize,
    /// Where the current line begins.
    line: usize,
    /// Up to here there is no LF in the current line.
    searched: usize,
    status_line: Option<StatusLine>,
    fields: Vec<FieldLine>,
}

impl ResponseHeadParser {
    /// A parser that takes `longest` bytes for the head, those of interim responses included.
    pub fn new(longest: usize) -> Self {
        let fields = Vec::new();
        let longest = longest.min(LONGEST_HEAD);
        Self { longest, start: 0, line: 0, searched: 0, status_line: None, fields }
    }

    /// Parses the head, or as much of it as there is.
    ///
    /// `input` is everything received so far, so that it always begins with the same byte. When the
    /// head goes on, the result is `None`, and `parse` is to be called again with more. When its
    /// empty line is there, the result is the head and how many bytes of `input` it took, interim
    /// responses included; what comes after them is the body.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], as soon as the bytes cannot become a valid head any more. Its status says
    /// nothing but that a response was bad.
    pub fn parse(&mut self, input: &[u8]) -> Result<Option<(ResponseHead, usize)>, Refusal> {
        loop {
            self.check_beginning(input)?;
            let unsearched = input.get(self.searched..).unwrap_or_default();
            let Some(end) = first_of(*b"\n", unsearched).map(|at| self.searched + at) else {
                self.searched = input.len().max(self.searched);
                let too_long = input.len() > self.longest;
                return if too_long { Err(LONG_HEAD) } else { Ok(None) };
            };
            if end >= self.longest {
                return Err(LONG_HEAD);
            }
            let line = &input[self.line..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let is_end = self.take_line(line)?;
            self.line = end + 1;
            self.searched = end + 1;
            let head = if is_end { self.finish(input)? } else { None };
            if let Some(head) = head {
                return Ok(Some((head, end + 1)));
            }
        }
    }

    /// Checks how the first line begins, which need not wait for its end. Bytes past the bound are
    /// left out, as they may have come or not.
    fn check_beginning(&self, input: &[u8]) -> Result<(), Refusal> {
        let head = input.get(self.start..input.len().min(self.longest)).unwrap_or_default();
        let length = head.len().min(BEGINNING.len());
        (head[..length] == BEGINNING[..length]).then_some(()).ok_or(NOT_HTTP)
    }

    /// Takes one line without its line end; `true` when it is the empty one that ends a head.
    fn take_line(&mut self, line: &[u8]) -> Result<bool, Refusal> {
        if self.status_line.is_none() {
            self.status_line = Some(StatusLine::parse(line)?);
            return Ok(false);
        }
        let start = self.line - self.start;
        let taken = match (line, self.fields.last_mut()) {
            ([], _) => return Ok(true),
            ([first, ..], Some(field)) if is_blank(*first) => field.go_on(line, start),
            _ => FieldLine::of_response(line, start).map(|field| self.fields.push(field)),
        };
        taken.map_err(Refusal::in_response)?;
        Ok(false)
    }

    /// A head is whole: makes it, or passes over it if it is interim.
    fn finish(&mut self, input: &[u8]) -> Result<Option<ResponseHead>, Refusal> {
        let line = self.status_line.take().expect("it comes before the empty line");
        let fields = std::mem::take(&mut self.fields);
        let bytes = &input[self.start..self.line];
        self.start = self.line;
        match line.code {
            101 => Err(SWITCHING),
            100..=199 => Ok(None),
            _ => ResponseHead::new(bytes, line, fields).map(Some),
        }
    }
}

#[cfg(test)]
mod tests;
