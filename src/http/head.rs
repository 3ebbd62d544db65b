//! The head of a request: its request line and its field lines, valid as a whole.
//!
//! A head keeps the bytes as they came, once, and beside them only where each part begins and
//! ends. What a field means is read from it on demand. What holds for the head as a whole is
//! checked when it is made:
//!
//! - `Host` is there, once, and is one host (RFC 9112, section 3.2); HTTP/1.0 may go without;
//! - the framing of the body is beyond doubt (see [`Framing`]);
//! - `Expect` asks for nothing but `100-continue` (RFC 9110, section 10.1.1).
//!
//! `Upgrade` is ignored, as the standard allows: 101 is never sent.

use std::borrow::Cow;
use std::fmt;

use super::field_line::FieldLine;
use super::fields::{Fields, ascii};
use super::framing::Framing;
use super::known::{ACCEPT, CONNECTION, EXPECT, HOST, Name};
use super::media_type;
use super::method::Method;
use super::percent::{percent_decode, query_pairs};
use super::refusal::Refusal;
use super::request_line::{RequestLine, Version};
use super::secrets::masked_url;
use super::status::Status;
use super::target::{Span, is_authority};

/// The head of a request. One that exists is valid.
///
/// [`HeadParser`](super::HeadParser) makes it.
#[derive(Clone)]
pub struct Head {
    line: RequestLine,
    /// Their bytes are those from the method's first to the LF of the empty line.
    fields: Fields,
    framing: Framing,
}

impl Head {
    /// Makes a head of lines that are valid each for itself, if they are valid together.
    pub(crate) fn new(
        bytes: Box<[u8]>,
        line: RequestLine,
        fields: Vec<FieldLine>,
    ) -> Result<Self, Refusal> {
        let fields = Fields::new(bytes, fields);
        let mut head = Self { line, fields, framing: Framing::None };
        let host = head.host()?;
        head.line.target.authority = head.line.target.authority.or(host);
        head.framing = Framing::of(head.version(), &head.fields)?;
        head.check_expect()?;
        Ok(head)
    }

    /// What `Host` says.
    fn host(&self) -> Result<Option<Span>, Refusal> {
        match self.fields.spans(HOST).next() {
            None if self.version() == Version::Http10 => Ok(None),
            None => Err(Refusal::bad_request(
                "a request of HTTP/1.1 must have a Host (RFC 9112, section 3.2)",
            )),
            Some(_) if self.fields.repeats(HOST) => Err(Refusal::bad_request(
                "a request must not have more than one Host (RFC 9112, section 3.2)",
            )),
            Some(host) if is_authority(self.fields.part(host)) => Ok(Some(host)),
            Some(_) => Err(Refusal::bad_request(
                "a Host must be one host name or address with an optional port, and nothing else \
                 (RFC 9110, section 7.2)",
            )),
        }
    }

    fn check_expect(&self) -> Result<(), Refusal> {
        let is_known = |element: &[u8]| element.eq_ignore_ascii_case(b"100-continue");
        let known = self.version() == Version::Http10 || self.fields.elements(EXPECT).all(is_known);
        known.then_some(()).ok_or(Refusal::new(
            Status::EXPECTATION_FAILED,
            "the only expectation known here is 100-continue (RFC 9110, section 10.1.1)",
        ))
    }

    /// What the client wants done.
    #[inline]
    pub fn method(&self) -> Method {
        self.line.method
    }

    /// Which HTTP the client speaks.
    pub fn version(&self) -> Version {
        self.line.version
    }

    /// The target as it was sent. It is visible ASCII and nothing else, so it is safe to log.
    pub fn target(&self) -> &str {
        ascii(self.fields.part(self.line.target.whole))
    }

    /// The path, still percent-encoded: `/` where an absolute form has none, and `*` for the
    /// asterisk form.
    pub fn path(&self) -> &str {
        ascii(self.path_bytes())
    }

    /// The path, percent-decoded once, as it is compared with the paths of routes: what
    /// [`Request::path`](super::Request::path) will be. It may contain anything but NUL.
    ///
    /// ```
    /// # use tidings::{Limits, http::HeadParser};
    /// let bytes = b"POST /events/caf%C3%A9 HTTP/1.1\r\nHost: a\r\n\r\n";
    /// let (head, _) = HeadParser::new(&Limits::default()).parse(bytes)?.expect("a whole head");
    /// assert_eq!(head.path(), "/events/caf%C3%A9");
    /// assert_eq!(head.decoded_path(), "/events/café");
    /// # Ok::<(), tidings::http::Refusal>(())
    /// ```
    pub fn decoded_path(&self) -> Cow<'_, str> {
        match self.is_encoded().then(|| percent_decode(self.path_bytes())).flatten() {
            Some(decoded) => Cow::Owned(decoded),
            None => Cow::Borrowed(self.path()),
        }
    }

    #[inline]
    pub(crate) fn path_bytes(&self) -> &[u8] {
        match self.fields.part(self.line.target.path) {
            b"" => b"/",
            path => path,
        }
    }

    /// Whether anything in the target is percent-encoded.
    pub(crate) fn is_encoded(&self) -> bool {
        self.line.target.is_encoded
    }

    /// What comes after the first `?` of the target, still encoded.
    pub fn query(&self) -> Option<&str> {
        self.line.target.query.map(|query| ascii(self.fields.part(query)))
    }

    /// The first value that the query has for this name, decoded; `+` is a space.
    ///
    /// ```
    /// # use tidings::{Limits, http::HeadParser};
    /// let bytes = b"GET /news?token=a%20b&token=c HTTP/1.1\r\nHost: a\r\n\r\n";
    /// let (head, _) = HeadParser::new(&Limits::default()).parse(bytes)?.expect("a whole head");
    /// assert_eq!(head.query_value("token").as_deref(), Some("a b"));
    /// assert_eq!(head.query_value("key"), None);
    /// # Ok::<(), tidings::http::Refusal>(())
    /// ```
    pub fn query_value(&self, name: &str) -> Option<String> {
        self.query_values(name).next()
    }

    /// All values that the query has for this name, in order, decoded. For what decides about a
    /// request: of two values, a program in front may have read another than the first.
    ///
    /// ```
    /// # use tidings::{Limits, http::HeadParser};
    /// let bytes = b"GET /news?token=a%20b&n=1&token=c HTTP/1.1\r\nHost: a\r\n\r\n";
    /// let (head, _) = HeadParser::new(&Limits::default()).parse(bytes)?.expect("a whole head");
    /// assert_eq!(head.query_values("token").collect::<Vec<_>>(), ["a b", "c"]);
    /// # Ok::<(), tidings::http::Refusal>(())
    /// ```
    pub fn query_values(&self, name: &str) -> impl Iterator<Item = String> {
        let pairs = query_pairs(self.query().unwrap_or_default());
        pairs.filter(move |(key, _)| key == name).map(|(_, value)| value)
    }

    /// The host that is asked, with its port if that was sent. In a target in absolute form it
    /// stands there and wins over `Host` (RFC 9112, section 3.2.2). `None` if HTTP/1.0 named none.
    #[inline]
    pub fn authority(&self) -> Option<&str> {
        self.authority_bytes().map(ascii)
    }

    #[inline]
    pub(crate) fn authority_bytes(&self) -> Option<&[u8]> {
        self.line.target.authority.map(|authority| self.fields.part(authority))
    }

    /// The value of the first field line of this name, in any case, without the white space
    /// around it.
    #[inline]
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.first(name.into())
    }

    /// The same as text, if it is UTF-8.
    #[inline]
    pub fn field_text(&self, name: &str) -> Option<&str> {
        self.fields.first_text(name.into())
    }

    /// The value of the first cookie of this name (RFC 6265, section 4.2), without the double
    /// quotes that may stand around it. Case matters in a name, and nothing is decoded.
    ///
    /// ```
    /// # use tidings::{Limits, http::HeadParser};
    /// let bytes = b"GET / HTTP/1.1\r\nHost: a\r\nCookie: theme=dark; session=31d4\r\n\r\n";
    /// let (head, _) = HeadParser::new(&Limits::default()).parse(bytes)?.expect("a whole head");
    /// assert_eq!(head.cookie("session"), Some("31d4"));
    /// assert_eq!(head.cookie("sessio"), None);
    /// # Ok::<(), tidings::http::Refusal>(())
    /// ```
    ///
    /// A client may send several of one name, which another page of the same site or host has set
    /// for another path: see [`cookies`](Self::cookies).
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies(name).next()
    }

    /// The values of all cookies of this name, in their order. What is no pair is passed over, and
    /// so is a value that is not UTF-8.
    ///
    /// ```text
    /// cookie-string = cookie-pair *( ";" SP cookie-pair )              RFC 6265, section 4.2.1
    /// cookie-pair   = cookie-name "=" cookie-value
    /// cookie-value  = *cookie-octet / ( DQUOTE *cookie-octet DQUOTE )
    /// ```
    pub fn cookies(&self, name: &str) -> impl Iterator<Item = &str> {
        let pairs = self.values("Cookie").flat_map(|value| value.split(|&byte| byte == b';'));
        pairs.filter_map(move |pair| {
            let value = pair.trim_ascii_start().strip_prefix(name.as_bytes())?.trim_ascii_start();
            let value = value.strip_prefix(b"=")?.trim_ascii();
            let quoted = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
            std::str::from_utf8(quoted.unwrap_or(value)).ok()
        })
    }

    /// The value of the only field line of this name, if there is one and it is UTF-8.
    #[inline]
    pub(crate) fn only_text(&self, name: Name<'_>) -> Option<&str> {
        let mut values = self.all(name);
        let value = values.next().filter(|_| values.next().is_none())?;
        std::str::from_utf8(value).ok()
    }

    /// The values of all field lines of this name.
    pub(crate) fn all(&self, name: Name<'_>) -> impl Iterator<Item = &[u8]> {
        self.fields.values(name)
    }

    /// All field lines in the order in which they came.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter()
    }

    /// Whether the lines of this name, read as one comma-separated list, contain this token, in
    /// any case.
    ///
    /// ```
    /// # use tidings::{Limits, http::HeadParser};
    /// let bytes = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Close, te\r\n\r\n";
    /// let (head, _) = HeadParser::new(&Limits::default()).parse(bytes)?.expect("a whole head");
    /// assert!(head.has_token("connection", "close"));
    /// assert!(!head.has_token("connection", "clos"));
    /// # Ok::<(), tidings::http::Refusal>(())
    /// ```
    #[inline]
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.fields.has_token(name.into(), token)
    }

    /// Where the body ends.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the client waits for `100 Continue` before it sends the body. Never in HTTP/1.0,
    /// and never without a body (RFC 9110, section 10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.version() == Version::Http11
            && !matches!(self.framing, Framing::None | Framing::Length(0))
            && self.fields.has_token(EXPECT, "100-continue")
    }

    /// Whether the client wants to use the connection again (RFC 9112, section 9.3).
    pub fn keep_alive(&self) -> bool {
        !self.fields.has_token(CONNECTION, "close")
            && (self.version() == Version::Http11
                || self.fields.has_token(CONNECTION, "keep-alive"))
    }

    /// Whether `Accept` lists `text/event-stream` with a weight over 0. A wildcard alone does not
    /// count.
    pub fn accepts_event_stream(&self) -> bool {
        self.fields.elements(ACCEPT).any(|element| media_type::wants(element, "text/event-stream"))
    }

    /// The values of all field lines of this name, in their order.
    #[inline]
    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields.values(name.into())
    }
}

/// Shows the names of the fields but not their values, which may be secrets, and the target masked.
impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("method", &self.method())
            .field("target", &masked_url(self.target()))
            .field("version", &self.version())
            .field("fields", &self.fields().map(|(name, _)| name).collect::<Vec<_>>())
            .field("framing", &self.framing)
            .finish()
    }
}

#[cfg(test)]
mod tests;
