//! Requests that nobody has sent: for the test of a handler that is a function.
//!
//! They are read by the same parser as those from a socket, so one that exists could have come:
//!
//! ```text
//! GET target HTTP/1.1             POST target HTTP/1.1
//! Host: localhost                 Host: localhost
//! name: value                     Content-Length: that of the body
//!                                 name: value
//!
//!                                 body
//! ```

use std::any::Any;
use std::fmt::Write;
use std::sync::Arc;

use super::Request;
use crate::error::{Error, Result};
use crate::http::head::Head;
use crate::http::method::Method;
use crate::http::parser::HeadParser;
use crate::http::response::check_field;
use crate::limits::Limits;
use crate::peer::Peer;

/// They frame the body, which is there already.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

impl Request {
    /// A GET of this target, made by hand: for the test of a handler that is a function. It comes
    /// from `127.0.0.1`, to `localhost`, and without any other field.
    ///
    /// ```
    /// use tidings::{Request, Response};
    ///
    /// fn greet(request: &Request) -> tidings::Result<Response> {
    ///     let name = request.param("name").unwrap_or("you");
    ///     let mark = request.query("mark").unwrap_or_default();
    ///     Ok(Response::text(format!("hello {name}{mark}\n")))
    /// }
    ///
    /// let request = Request::get("/greet/eve?mark=!")?.with_param("name", "eve");
    /// assert_eq!(greet(&request)?.content_bytes(), b"hello eve!\n");
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If no client could ask for this target: it must begin with a slash, and encode all but
    /// visible ASCII.
    pub fn get(target: &str) -> Result<Self> {
        Self::by_hand(Method::Get, target, Vec::new())
    }

    /// A POST of this body to this target, made by hand as [`get`](Self::get) makes one. What the
    /// body is, [`with_field`](Self::with_field) can say, by `Content-Type`.
    ///
    /// ```
    /// use tidings::{Channel, Request, Response, Status};
    ///
    /// let news = Channel::new();
    /// let publish = |request: &Request| -> tidings::Result<Response> {
    ///     news.send(request.body_text()?)?;
    ///     Ok(Response::no_content())
    /// };
    /// assert_eq!(publish(&Request::post("/news", "rain")?)?.status(), Status::NO_CONTENT);
    /// assert!(publish(&Request::post("/news", b"\xFF")?).unwrap_err().is_bad_request());
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for `get`.
    pub fn post(target: &str, body: impl AsRef<[u8]>) -> Result<Self> {
        Self::by_hand(Method::Post, target, body.as_ref().to_vec())
    }

    fn by_hand(method: Method, target: &str, body: Vec<u8>) -> Result<Self> {
        let mut lines = "Host: localhost\r\n".to_owned();
        if method == Method::Post {
            let _ = write!(lines, "Content-Length: {}\r\n", body.len());
        }
        let head = head(method, target, lines)?;
        Ok(Self::new(head, body, Arc::default(), Peer::Tcp(([127, 0, 0, 1], 0).into()), None))
    }

    /// The same with another method. For a request made by hand; one with a body is made by
    /// [`post`](Self::post).
    #[must_use]
    pub fn with_method(mut self, method: Method) -> Self {
        self.head = head(method, self.head.target(), self.lines_but(""))
            .expect("it is as valid with each method");
        self
    }

    /// The same with this field, which takes the place of those of the same name. For a request
    /// made by hand.
    ///
    /// ```
    /// let request = tidings::Request::get("/events")?.with_field("Accept", "text/event-stream")?;
    /// assert!(request.wants_event_stream());
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If no request can have it: its name is no token, its value contains a control character or
    /// begins or ends with white space, or a server would refuse it. And if it frames the body, as
    /// `Content-Length` does.
    pub fn with_field(mut self, name: &str, value: &str) -> Result<Self> {
        check_field(name, value)?;
        if FRAMING.iter().any(|framing| framing.eq_ignore_ascii_case(name)) {
            let what = format!("the body is there already, so this field can't be set: {name}");
            return Err(Error::invalid(what));
        }
        let mut lines = self.lines_but(name);
        let _ = write!(lines, "{name}: {value}\r\n");
        self.head = head(self.head.method(), self.head.target(), lines)?;
        Ok(self)
    }

    /// The field lines without those of this name.
    fn lines_but(&self, name: &str) -> String {
        let others = self.head.fields().filter(|(other, _)| !other.eq_ignore_ascii_case(name));
        others
            .map(|(name, value)| format!("{name}: {}\r\n", String::from_utf8_lossy(value)))
            .collect()
    }

    /// Its bytes, for a connection that is closed after it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (method, target) = (self.head.method(), self.head.target());
        let lines = self.lines_but("connection");
        let head = format!("{method} {target} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
        [head.as_bytes(), &self.body].concat()
    }

    /// The same with this value for a parameter of the route, decoded: a request made by hand has
    /// come by no route.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: impl Into<String>) -> Self {
        let params = &mut self.rare_mut().params;
        params.retain(|(other, _)| **other != *name);
        params.push((name.into(), value.into()));
        self
    }

    /// The same with what [`Server::admit`](crate::Server::admit) would have left for the handler.
    /// For a request made by hand.
    ///
    /// ```
    /// struct User(&'static str);
    ///
    /// let request = tidings::Request::get("/")?.with_admitted(User("eve"));
    /// assert_eq!(request.admitted::<User>().map(|user| user.0), Some("eve"));
    /// # Ok::<(), tidings::Error>(())
    /// ```
    #[must_use]
    pub fn with_admitted<T: Any + Send + Sync>(mut self, admitted: T) -> Self {
        self.rare_mut().admitted = Some(Box::new(admitted));
        self
    }

    /// The same from this peer. For a request made by hand.
    #[must_use]
    pub fn from_peer(mut self, peer: impl Into<Peer>) -> Self {
        self.peer = peer.into();
        self
    }
}

/// The head of these lines, if it is one.
fn head(method: Method, target: &str, lines: String) -> Result<Head> {
    let bytes = format!("{method} {target} HTTP/1.1\r\n{lines}\r\n");
    // Nobody is to be defended against.
    let (longest, limits) = (bytes.len(), Limits::default());
    let limits = limits.request_line(longest).field_section(longest).field_lines(usize::MAX);
    let refused = |why: &str| Error::invalid(format!("no client could send this request: {why}"));
    match HeadParser::new(&limits).parse(bytes.as_bytes()) {
        Ok(Some((head, length))) if length == bytes.len() => Ok(head),
        Ok(_) => Err(refused("the target holds a line break")),
        Err(refusal) => Err(refused(refusal.why())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_made_by_hand_is_what_a_socket_would_have_brought() {
        let request = Request::post("/a%20b?c=d", "body").unwrap();
        let request = request.with_field("X-One", "1").unwrap().with_field("x-one", "é").unwrap();
        let fields: Vec<_> = request.head().fields().collect();
        assert_eq!(
            fields,
            [("Host", &b"localhost"[..]), ("Content-Length", b"4"), ("x-one", "é".as_bytes())]
        );
        assert_eq!(
            (request.method(), request.path(), request.body()),
            (Method::Post, "/a b", &b"body"[..])
        );
        assert_eq!((request.query("c").as_deref(), request.field("X-One")), (Some("d"), Some("é")));
        let moved = request.with_field("Host", "h:80").unwrap();
        assert_eq!(moved.head().authority(), Some("h:80"));
        assert_eq!(moved.from_peer(Peer::Unix).peer(), Peer::Unix);
    }

    #[test]
    fn each_method_can_have_any_target_and_body() {
        use Method::{Delete, Get, Head, Options, Patch, Post, Put, Trace};
        for method in [Get, Head, Post, Put, Delete, Options, Patch, Trace] {
            let request = Request::post("/a?b", "body").unwrap().with_method(method);
            assert_eq!((request.method(), request.target()), (method, "/a?b"));
            let host = "Host: localhost\r\n";
            let bytes = format!(
                "{method} /a?b HTTP/1.1\r\n{host}Content-Length: 4\r\nConnection: close\r\n\r\nbody"
            );
            assert_eq!(String::from_utf8(request.encode()).unwrap(), bytes);
        }
    }

    #[test]
    fn a_parameter_is_what_it_was_given_whatever_the_target_is() {
        for target in ["/events/x", "/events/%78"] {
            let request =
                Request::get(target).unwrap().with_param("name", "a").with_param("id", "");
            let request = request.with_param("name", "b/c");
            assert_eq!((request.param("name"), request.param("id")), (Some("b/c"), Some("")));
            assert_eq!(request.param("other"), None);
            assert!(format!("{request:?}").contains(r#"("name", "b/c")"#), "{request:?}");
        }
    }

    #[test]
    fn a_request_that_no_client_could_send_is_refused() {
        for target in ["", "a", "/ ", "/é", "/a\r\nX: y", "/ HTTP/1.1\r\n\r\n", "/%0"] {
            assert!(Request::get(target).is_err_and(|error| error.is_invalid()), "{target}");
        }
        for (name, value) in [
            ("X", "a\r\nY: b"),
            ("X", " a"),
            ("X Y", "a"),
            ("Host", "a b"),
            ("content-length", "3"),
            ("Transfer-Encoding", "chunked"),
            ("Expect", "the worst"),
        ] {
            let refused = Request::get("/").unwrap().with_field(name, value);
            assert!(refused.is_err_and(|error| error.is_invalid()), "{name}: {value}");
        }
    }

    #[test]
    fn a_request_made_by_hand_may_be_as_long_as_it_is() {
        let target = format!("/{}", "a".repeat(20_000));
        let mut request = Request::get(&target).unwrap();
        for n in 0..110 {
            request = request.with_field(&format!("X-{n}"), "x").unwrap();
        }
        assert_eq!(request.path().len(), 20_001);
        assert_eq!(request.head().fields().count(), 111);
    }
}
