//! A response, and the one place that writes the head of any response.
//!
//! ```text
//! HTTP/1.1 200 OK CRLF                      status-line = version SP status-code SP [ reason ]
//! Date: Sat, 21 Nov 2026 01:02:03 GMT CRLF  RFC 9110, section 6.6.1
//! Content-Type: text/plain; charset=utf-8 CRLF
//! Content-Length: 5 CRLF                    or Transfer-Encoding: chunked, or neither
//! CRLF
//! ```
//!
//! A response says what it is; how it goes over the wire (its length or its chunks, whether the
//! connection stays) is the server's to say, so those fields can't be set by hand. 204 and 304
//! have no body and no framing fields (RFC 9112, section 6.3), whatever else is asked for.

use std::borrow::Cow;
use std::fmt;
use std::mem;
use std::sync::Arc;

use super::content::IntoContent;
use super::date::HttpDate;
use super::secrets::masked_value;
use super::status::Status;
use super::syntax::{is_token, is_value, trim};
use crate::digits::Digits;
use crate::error::{Error, Result};

/// What the server writes itself, as a wrong one would corrupt the connection.
const OWN_FIELDS: [&str; 9] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields that a response may have several of.
const REPEATED_FIELDS: [&str; 3] = ["link", "set-cookie", "vary"];

/// The fields of content of this type. `nosniff`, so that no browser takes the content for another
/// type than it says.
macro_rules! fields_of {
    ($content_type:literal) => {
        Cow::Borrowed(concat!(
            "Content-Type: ",
            $content_type,
            "\r\nX-Content-Type-Options: nosniff\r\n"
        ))
    };
}

/// A response to a request.
///
/// ```
/// use tidings::{Response, Status};
///
/// let response = Response::text("gone to lunch")
///     .with_status(Status::SERVICE_UNAVAILABLE)
///     .with_field("Retry-After", "3600")?;
/// assert_eq!(response.status().code(), 503);
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone)]
pub struct Response {
    status: Status,
    /// Field lines as they are sent, each with its CRLF: checked when they are set.
    fields: Cow<'static, str>,
    body: Body,
}

/// What follows the head.
#[derive(Clone, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    /// An event stream: where it ends is unknown, and it is not sent from here.
    Endless,
    Static(&'static [u8]),
    /// Of many responses: each that is on its way holds it, and none has a copy.
    Shared(Arc<[u8]>),
    Owned(Vec<u8>),
}

impl Response {
    /// A response without content.
    pub fn new(status: Status) -> Self {
        Self { status, fields: Cow::Borrowed(""), body: Body::Empty }
    }

    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        let fields = fields_of!("text/plain; charset=utf-8");
        Self { status: Status::OK, fields, body: Body::Owned(text.into().into_bytes()) }
    }

    /// A page.
    pub fn html(page: impl Into<Cow<'static, str>>) -> Self {
        let body = match page.into() {
            Cow::Borrowed(page) => Body::Static(page.as_bytes()),
            Cow::Owned(page) => Body::Owned(page.into_bytes()),
        };
        Self { status: Status::OK, fields: fields_of!("text/html; charset=utf-8"), body }
    }

    /// JSON. `json` is sent as it is.
    pub fn json(json: impl Into<String>) -> Self {
        let body = Body::Owned(json.into().into_bytes());
        Self { status: Status::OK, fields: fields_of!("application/json"), body }
    }

    /// Content of any type. A type that no field can carry is sent as `application/octet-stream`.
    pub fn bytes(content_type: impl Into<Cow<'static, str>>, bytes: impl Into<Vec<u8>>) -> Self {
        Self::of_type(&content_type.into(), Body::Owned(bytes.into()))
    }

    /// Content of any type: text or bytes. What is a part of the program, such as `include_str!`
    /// and `include_bytes!` give, is never copied. A type that no field can carry is sent as
    /// `application/octet-stream`.
    pub fn content(content_type: &str, content: impl IntoContent) -> Self {
        Self::of_type(
            content_type,
            match content.into_content() {
                Cow::Borrowed(content) => Body::Static(content),
                Cow::Owned(content) => Body::Owned(content),
            },
        )
    }

    /// Content that many responses have in common. It is not copied either.
    pub(crate) fn shared(content_type: &str, content: Arc<[u8]>) -> Self {
        Self::of_type(content_type, Body::Shared(content))
    }

    /// 204: done, and there is nothing to say.
    pub fn no_content() -> Self {
        Self::new(Status::NO_CONTENT)
    }

    /// 404, in plain text.
    pub fn not_found() -> Self {
        Self::text("there is nothing here\n").with_status(Status::NOT_FOUND)
    }

    /// The head of an event stream. `Content-Type` is to the letter, since some clients take no
    /// parameter. `no-transform` keeps proxies from holding events back to compress them (RFC 9111,
    /// section 5.2.2.6), and `X-Accel-Buffering` nginx from holding them back at all.
    pub(crate) fn event_stream_head() -> Self {
        let fields = "Content-Type: text/event-stream\r\n\
                      Cache-Control: no-cache, no-transform\r\n\
                      X-Accel-Buffering: no\r\n\
                      X-Content-Type-Options: nosniff\r\n";
        Self { status: Status::OK, fields: fields.into(), body: Body::Endless }
    }

    /// Has no cache keep it.
    pub(crate) fn forbid_to_store(&mut self) {
        if let Body::Endless = self.body {
            self.fields = self.fields.replacen("no-cache", "no-store", 1).into();
        } else {
            let _can_be_sent = self.set_field("Cache-Control", "no-store");
        }
    }

    /// The same response with this content, and its fields as they are.
    pub(crate) fn with_content(mut self, content: Vec<u8>) -> Self {
        self.body = Body::Owned(content);
        self
    }

    fn of_type(content_type: &str, body: Body) -> Self {
        let mut response = Self { status: Status::OK, fields: fields_of!(""), body };
        let is_type = !content_type.is_empty() && is_sendable(content_type);
        let content_type = if is_type { content_type } else { "application/octet-stream" };
        response.fields.to_mut().insert_str("Content-Type: ".len(), content_type);
        response
    }

    /// The same response with this status.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// The same response with this field. It replaces one of the same name; but `Set-Cookie`,
    /// `Vary` and `Link` may stand several times, and are added.
    ///
    /// # Errors
    ///
    /// When the name is no token, when the value contains a control byte (so no CR, LF or NUL) or
    /// begins or ends with white space, and when the server writes this field itself, such as
    /// `Content-Length` or `Connection`.
    pub fn with_field(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Result<Self> {
        self.set_field(&name.into(), &value.into())?;
        Ok(self)
    }

    pub(crate) fn set_field(&mut self, name: &str, value: &str) -> Result<()> {
        check_field(name, value)?;
        let is_one_of = |names: &[&str]| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        if is_one_of(&OWN_FIELDS) {
            return Err(Error::invalid(format!(
                "the server writes this field itself, and it can't be set: {name}"
            )));
        }
        if self.field(name).is_some() && !is_one_of(&REPEATED_FIELDS) {
            let others = mem::take(&mut self.fields);
            for (other, value) in
                lines(&others).filter(|(other, _)| !other.eq_ignore_ascii_case(name))
            {
                self.add_field(other, value);
            }
        }
        self.add_field(name, value);
        Ok(())
    }

    pub(crate) fn set_status(&mut self, status: Status) {
        self.status = status;
    }

    /// Adds a field whose name and value are known to be valid.
    pub(crate) fn add_field(&mut self, name: &str, value: &str) {
        debug_assert!(is_token(name.as_bytes()) && is_sendable(value), "{name}: {value:?}");
        let fields = self.fields.to_mut();
        for part in [name, ": ", value, "\r\n"] {
            fields.push_str(part);
        }
    }

    /// How the request went.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The value of the first field of this name, in any case.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = lines(&self.fields).find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    /// The content, empty where the status allows none.
    pub fn content_bytes(&self) -> &[u8] {
        if self.status.forbids_content() { b"" } else { self.body.bytes() }
    }

    /// Whether it is the head of an event stream.
    pub(crate) fn is_endless(&self) -> bool {
        matches!(self.body, Body::Endless)
    }

    /// Takes the content out; empty where the status allows none.
    pub(crate) fn take_body(&mut self) -> Body {
        let body = mem::take(&mut self.body);
        if self.status.forbids_content() { Body::Empty } else { body }
    }

    /// Writes the head, up to and with its empty line, to the end of `out`. HTTP/1.0 knows no
    /// chunks, and has to be told that a connection stays.
    pub(crate) fn encode_head(
        &self,
        http_1_0: bool,
        closes: bool,
        date: HttpDate,
        out: &mut Vec<u8>,
    ) {
        let mut line = *b"HTTP/1.1 200 ";
        line[9..12].copy_from_slice(&self.status.digits());
        out.extend_from_slice(&line);
        out.extend_from_slice(self.status.reason().as_bytes());
        out.extend_from_slice(b"\r\nDate: ");
        out.extend_from_slice(&date.to_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(self.fields.as_bytes());
        match &self.body {
            _ if self.status.forbids_content() => {}
            Body::Endless if http_1_0 => {}
            Body::Endless => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            body => {
                out.extend_from_slice(b"Content-Length: ");
                out.extend_from_slice(Digits::decimal(body.bytes().len() as u64).as_bytes());
                out.extend_from_slice(b"\r\n");
            }
        }
        if closes {
            out.extend_from_slice(b"Connection: close\r\n");
        } else if http_1_0 {
            out.extend_from_slice(b"Connection: keep-alive\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl Body {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Empty | Self::Endless => b"",
            Self::Static(bytes) => bytes,
            Self::Shared(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// The names and values of field lines.
fn lines(fields: &str) -> impl Iterator<Item = (&str, &str)> {
    fields.split_terminator("\r\n").filter_map(|line| line.split_once(": "))
}

/// Whether this can stand in a head and arrive as it was.
pub(crate) fn check_field(name: &str, value: &str) -> Result<()> {
    if !is_token(name.as_bytes()) {
        return Err(Error::invalid_value(format!(
            "a field name must be a token, made of letters, digits and a few marks: {name:?}"
        )));
    }
    if !is_sendable(value) {
        return Err(Error::invalid_value(format!(
            "the value of the field {name} must have no control characters, and no white space \
             at its ends: {:?}",
            masked_value(name, value)
        )));
    }
    Ok(())
}

/// Whether a text can be sent as a field value and arrive as it was.
fn is_sendable(value: &str) -> bool {
    is_value(value.as_bytes()) && trim(value.as_bytes()).len() == value.len()
}

/// Shows the names of the fields but not their values, which may be secrets.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("fields", &lines(&self.fields).map(|(name, _)| name).collect::<Vec<_>>())
            .field("body", &self.body)
            .finish()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Endless => f.write_str("Endless"),
            Self::Static(bytes) => write!(f, "Static({} bytes)", bytes.len()),
            Self::Shared(bytes) => write!(f, "Shared({} bytes)", bytes.len()),
            Self::Owned(bytes) => write!(f, "Owned({} bytes)", bytes.len()),
        }
    }
}

#[cfg(test)]
mod tests;
