//! A request as a handler sees it: a valid head, a whole body, and who sent it.

mod by_hand;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::fields::ascii;
use super::head::Head;
use super::known::{CONTENT_ENCODING, CONTENT_TYPE, LAST_EVENT_ID};
use super::media_type;
use super::method::Method;
use super::pattern::Pattern;
use super::percent::{percent_decode, query_pairs};
use super::status::Status;
use super::syntax::{list_elements, split_outside_quotes};
use crate::error::{Error, Result};
use crate::peer::Peer;
use crate::search::first_of;

/// Those that we write are far shorter. A longer one is not ours.
const LONGEST_LAST_EVENT_ID: usize = 1024;

/// What stands in for a last event ID that no event ever had.
const UNKNOWN_EVENT_ID: &str = "\u{FFFD}";

/// What few requests have. Those that don't have it move a single pointer.
#[derive(Default)]
pub(crate) struct Rare {
    /// The decoded path, where something in the target is encoded.
    path: Option<String>,
    /// What the path has for the parameters, decoded, where something in the target is encoded, or
    /// where the request was made by hand. Else they are read from it.
    params: Vec<(Arc<str>, String)>,
    /// What was left for the handler by whatever admitted the request.
    admitted: Option<Box<dyn Any + Send + Sync>>,
}

/// One request, whole: a handler runs only when the body has arrived to its end.
///
/// For the test of a handler that is a function, it can be made by hand: [`get`](Self::get),
/// [`post`](Self::post).
pub struct Request {
    head: Head,
    body: Vec<u8>,
    /// What the path matches.
    pattern: Arc<Pattern>,
    peer: Peer,
    /// Nobody else has it. It is counted since that makes its drop short where there is none.
    rare: Option<Arc<Rare>>,
}

impl Rare {
    /// What admitted a request has left this.
    pub(crate) fn of_admitted<T: Any + Send + Sync>(admitted: T) -> Arc<Self> {
        Arc::new(Self { admitted: Some(Box::new(admitted)), ..Self::default() })
    }
}

impl Request {
    #[inline]
    pub(crate) fn new(
        head: Head,
        body: Vec<u8>,
        pattern: Arc<Pattern>,
        peer: Peer,
        rare: Option<Arc<Rare>>,
    ) -> Self {
        let mut request = Self { head, body, pattern, peer, rare };
        if request.head.is_encoded() {
            request.decode();
        }
        request
    }

    #[cold]
    fn decode(&mut self) {
        let (path, mut params) = (self.head.path_bytes(), Vec::new());
        self.pattern.matches(path, true, |name, raw| {
            let value = percent_decode(raw).unwrap_or_default();
            params.push((Arc::clone(name), value));
        });
        let path = percent_decode(path);
        let rare = self.rare_mut();
        (rare.path, rare.params) = (path, params);
    }

    fn rare_mut(&mut self) -> &mut Rare {
        Arc::get_mut(self.rare.get_or_insert_default()).expect("nobody else has it")
    }

    /// What the client wants done.
    pub fn method(&self) -> Method {
        self.head.method()
    }

    /// The path, percent-decoded once. It may contain anything but NUL, even line ends: write
    /// [`target`](Self::target) to a log, not this.
    pub fn path(&self) -> &str {
        let decoded = self.rare.as_deref().and_then(|rare| rare.path.as_deref());
        decoded.unwrap_or(self.head.path())
    }

    /// The target as it was sent: path and query, still encoded, visible ASCII only.
    pub fn target(&self) -> &str {
        self.head.target()
    }

    /// What the path has in the place of this parameter of the route, decoded.
    pub fn param(&self, name: &str) -> Option<&str> {
        let decoded = self.decoded_params();
        if self.head.is_encoded() || !decoded.is_empty() {
            let found = decoded.iter().find(|(key, _)| **key == *name);
            return found.map(|(_, value)| value.as_str());
        }
        self.pattern.value(name, self.head.path_bytes()).map(ascii)
    }

    fn decoded_params(&self) -> &[(Arc<str>, String)] {
        self.rare.as_deref().map_or(&[], |rare| &rare.params)
    }

    /// Whether its route has parameters.
    pub(crate) fn has_params(&self) -> bool {
        self.pattern.names().next().is_some()
    }

    /// The first value that the query has for this name, decoded; `+` is a space.
    pub fn query(&self, name: &str) -> Option<String> {
        self.query_all(name).next()
    }

    /// All values that the query has for this name, in order.
    pub fn query_all(&self, name: &str) -> impl Iterator<Item = String> {
        self.head.query_values(name)
    }

    /// All names and values of the query, decoded, in order.
    pub fn query_pairs(&self) -> impl Iterator<Item = (String, String)> {
        query_pairs(self.head.query().unwrap_or_default())
    }

    /// The value of the first field line of this name, in any case, if it is UTF-8.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field_text(name)
    }

    /// The value of the first cookie of this name: see [`Head::cookie`].
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.head.cookie(name)
    }

    /// The head, for everything that has no shorter way here.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The content of the body; empty if there was none. Always empty for GET, HEAD, OPTIONS,
    /// DELETE and TRACE, whose content means nothing (RFC 9110, section 9.3): the server reads and
    /// drops it, up to [`Limits::drain`](crate::Limits::drain).
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The content of the body as text.
    ///
    /// # Errors
    ///
    /// When it is not UTF-8; and when `Content-Type` names a charset other than UTF-8 or US-ASCII,
    /// or `Content-Encoding` a coding, as the bytes then stand for another text. A handler that
    /// returns this error responds with 400, or for what the fields say with 415 (RFC 9110, section
    /// 15.5.16).
    pub fn body_text(&self) -> Result<&str> {
        self.check_coding()?;
        self.check_charset()?;
        std::str::from_utf8(&self.body).map_err(|error| {
            Error::request(
                Status::BAD_REQUEST.code(),
                format!("the body must be UTF-8, and is not from byte {} on", error.valid_up_to()),
            )
        })
    }

    /// Refuses a body that is compressed or otherwise coded (RFC 9110, section 8.4).
    fn check_coding(&self) -> Result<()> {
        let is_coding = |name: &&[u8]| !name.eq_ignore_ascii_case(b"identity");
        let mut values = self.head.all(CONTENT_ENCODING);
        match values.find_map(|value| list_elements(value).find(is_coding)) {
            None => Ok(()),
            Some(coding) => Err(unsupported("the body must come without a coding", coding)),
        }
    }

    /// Refuses a body whose text is said to be encoded in another way.
    ///
    /// ```text
    /// media-type = type "/" subtype *( OWS ";" OWS [ parameter ] )     RFC 9110, section 8.3.1
    /// parameter  = token "=" ( token / quoted-string )
    /// ```
    fn check_charset(&self) -> Result<()> {
        let is_other = |charset: &Vec<u8>| !is_utf_8(charset);
        let mut values = self.head.all(CONTENT_TYPE);
        match values.find_map(|value| parameters(value).filter_map(charset).find(is_other)) {
            None => Ok(()),
            Some(charset) => Err(unsupported("the body must be UTF-8", &charset)),
        }
    }

    /// Who sends it: the client, or the proxy before it. Behind one of the server's own
    /// [proxies](crate::Server::proxies) it is the client.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// What [`Server::admit`](crate::Server::admit) has left for the handler, if it has this type:
    /// who the client is, for one. `None` where nothing admits requests, and for `()`.
    pub fn admitted<T: Any>(&self) -> Option<&T> {
        self.rare.as_deref()?.admitted.as_deref()?.downcast_ref()
    }

    /// Whether the client asks for an event stream: its `Accept` lists `text/event-stream`, as
    /// that of every `EventSource` does.
    pub fn wants_event_stream(&self) -> bool {
        self.head.accepts_event_stream()
    }

    /// Whether the body is said to be an event stream: `Content-Type` is `text/event-stream`, with
    /// any parameters.
    #[inline]
    pub fn is_event_stream(&self) -> bool {
        let content_type = self.head.all(CONTENT_TYPE).next();
        content_type.is_some_and(|value| media_type::is_type(value, "text/event-stream"))
    }

    /// Where the client wants to resume: the id of the last event that it received.
    ///
    /// `None` if it sent none or an empty one, which both mean "from now on". One that is not
    /// UTF-8, or over 1,024 bytes, cannot be the id of any event, but says that the client has
    /// missed some: U+FFFD stands in for it, an id that is never known.
    pub fn last_event_id(&self) -> Option<&str> {
        let id = self.head.all(LAST_EVENT_ID).next().filter(|id| !id.is_empty())?;
        match std::str::from_utf8(id) {
            Ok(text) if id.len() <= LONGEST_LAST_EVENT_ID => Some(text),
            _ => Some(UNKNOWN_EVENT_ID),
        }
    }
}

/// What a body must be, and what its fields say it is instead.
fn unsupported(expected: &str, said: &[u8]) -> Error {
    let said = String::from_utf8_lossy(said);
    Error::request(
        Status::UNSUPPORTED_MEDIA_TYPE.code(),
        format!("{expected}, and is said to be {said:?}"),
    )
}

/// What comes after the first semicolon of a media type.
fn parameters(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let rest = first_of(*b";", value).map(|at| &value[at + 1..]);
    rest.into_iter().flat_map(|rest| split_outside_quotes(rest, b';'))
}

/// The value of a parameter of that name, without the quotes of a quoted string.
fn charset(parameter: &[u8]) -> Option<Vec<u8>> {
    let mut parts = parameter.splitn(2, |&byte| byte == b'=');
    let name = parts.next()?.trim_ascii();
    let value = parts.next()?.trim_ascii();
    let marks = |byte: &u8| !matches!(byte, b'"' | b'\\');
    name.eq_ignore_ascii_case(b"charset").then(|| value.iter().copied().filter(marks).collect())
}

/// Whether a charset is UTF-8 or a part of it, by the names that the Encoding standard and IANA
/// have for them.
fn is_utf_8(charset: &[u8]) -> bool {
    let names = ["utf-8", "utf8", "us-ascii", "ascii"];
    names.iter().any(|name| charset.eq_ignore_ascii_case(name.as_bytes()))
}

/// Shows how long the body is, but not what is in it.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.decoded_params().iter().map(|(name, value)| (&**name, &**value));
        let read = self.pattern.names().map(|name| (name, self.param(name).unwrap_or_default()));
        let params: Vec<_> = if given.len() == 0 { read.collect() } else { given.collect() };
        f.debug_struct("Request")
            .field("head", &self.head)
            .field("params", &params)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("peer", &self.peer)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::support;
    use super::*;

    fn request(head: &[u8], body: &[u8]) -> Request {
        let pattern = Pattern::parse("/{name}/{last}").expect("a pattern");
        let peer = Peer::Tcp(([127, 0, 0, 1], 4000).into());
        Request::new(support::head(head), body.to_vec(), pattern.into(), peer, None)
    }

    #[test]
    fn row_7_the_path_is_decoded_and_the_target_is_not() {
        let request = request(b"GET /a%20b/%2541?c HTTP/1.1\r\nHost: h\r\n\r\n", b"");
        assert_eq!(request.path(), "/a b/%41");
        assert_eq!(request.target(), "/a%20b/%2541?c");
        assert_eq!(request.param("name"), Some("a b"));
        assert_eq!(request.param("last"), Some("%41"));
        assert_eq!(request.param("other"), None);
    }

    #[test]
    fn a_parameter_is_read_from_a_path_that_encodes_nothing() {
        let request = request(b"GET /a/b+?c HTTP/1.1\r\nHost: h\r\n\r\n", b"");
        assert_eq!(request.param("name"), Some("a"));
        assert_eq!(request.param("last"), Some("b+"));
        assert_eq!(request.param("other"), None);
    }

    #[test]
    fn a_query_is_asked_by_name() {
        let request =
            request(b"GET /?channel=A&n=1&channel=B+C%26 HTTP/1.1\r\nHost: h\r\n\r\n", b"");
        assert_eq!(request.query("channel").as_deref(), Some("A"));
        assert_eq!(request.query_all("channel").collect::<Vec<_>>(), ["A", "B C&"]);
        assert_eq!(request.query("m"), None);
    }

    #[test]
    fn a_body_that_is_not_text_is_a_bad_request() {
        let head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(request(head, b"abc").body_text().expect("text"), "abc");
        let error = request(head, b"ab\xFF").body_text().expect_err("no text").to_string();
        assert_eq!(error, "the body must be UTF-8, and is not from byte 2 on");
    }

    #[test]
    fn a_body_that_is_said_to_be_something_else_is_an_unsupported_one() {
        let status = |fields: &str| {
            let head = format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
            let request = request(head.as_bytes(), b"h\0i\0");
            let text = request.body_text().map(str::to_owned);
            text.map_err(|error| error.status().expect("a status").code())
        };
        for good in [
            "",
            "Content-Type: application/octet-stream\r\n",
            "Content-Type: text/plain;charset=utf-8\r\n",
            "Content-Type: text/plain; format=flowed ; CharSet=\"UTF-8\"\r\n",
            "Content-Type: text/plain; charset=us-ascii\r\n",
            "Content-Type: text/plain; charset=\"u\\tf-8\"\r\n",
            "Content-Type: text/plain; a=\"; charset=utf-16\"\r\n",
            "Content-Type: charset=utf-16\r\n",
            "Content-Encoding: identity\r\n",
            "Content-Encoding:\r\n",
        ] {
            assert_eq!(status(good).as_deref(), Ok("h\0i\0"), "{good}");
        }
        for bad in [
            "Content-Type: text/plain; charset=utf-16le\r\n",
            "Content-Type: text/plain; charset=\"utf-16\"\r\n",
            "Content-Type: text/plain;CHARSET=ISO-8859-1\r\n",
            "Content-Type: text/plain; charset=\r\n",
            "Content-Type: text/plain; charset = utf-16le\r\n",
            "Content-Type: text/plain; charset=utf-8; charset=utf-16\r\n",
            "Content-Type: text/plain; charset=utf-8\r\nContent-Type: text/plain; charset=x\r\n",
            "Content-Encoding: gzip\r\n",
            "Content-Encoding: identity, br\r\n",
            "Content-Encoding: identity\r\nContent-Encoding: X\r\n",
        ] {
            assert_eq!(status(bad), Err(415), "{bad}");
        }
    }

    #[test]
    fn row_29_a_last_event_id_that_cannot_be_one_is_an_unknown_one() {
        let with = |value: &[u8]| {
            let head = [&b"GET / HTTP/1.1\r\nHost: h\r\nLast-Event-ID: "[..], value, b"\r\n\r\n"];
            request(&head.concat(), b"")
        };
        assert_eq!(with(b"1f-7").last_event_id(), Some("1f-7"));
        assert_eq!(with("é".as_bytes()).last_event_id(), Some("é"));
        assert_eq!(with(b"").last_event_id(), None);
        assert_eq!(with(b"\xFF").last_event_id(), Some("\u{FFFD}"));
        assert_eq!(with(&[b'1'; 1024]).last_event_id().map(str::len), Some(1024));
        assert_eq!(with(&[b'1'; 1025]).last_event_id(), Some("\u{FFFD}"));
        assert_eq!(request(b"GET / HTTP/1.0\r\n\r\n", b"").last_event_id(), None);
    }

    #[test]
    fn what_is_shown_for_debugging_has_no_values_in_it() {
        let request = request(b"GET / HTTP/1.1\r\nHost: h\r\nCookie: secret\r\n\r\n", b"hidden");
        let shown = format!("{request:?}");
        assert!(shown.contains("Cookie") && shown.contains("6 bytes"), "{shown}");
        assert!(!shown.contains("secret") && !shown.contains("hidden"), "{shown}");
    }
}
