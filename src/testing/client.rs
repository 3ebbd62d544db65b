//! What is asked, of whom, and within which time.

use std::sync::Arc;
use std::time::Duration;

use super::place::Place;
use super::response::Response;
use super::stream::Stream;
use super::timed::Timed;
use crate::client::Connection;
use crate::client::session::Session;
use crate::error::{Error, Result};
use crate::http::{Method, Request, ResponseHead, Status};

/// A client of a server under test. A connection of its own is made for each request.
///
/// ```
/// use std::time::Duration;
/// use tidings::testing::Client;
/// use tidings::{Request, Server};
///
/// let server = Server::new().sse("/", |stream, _| stream.send("hello")).start()?;
/// let client = Client::to(&server).within(Duration::from_secs(60));
/// let request = Request::get("/")?.with_field("Last-Event-ID", "17")?;
/// assert_eq!(client.stream(request)?.event()?.data, "hello");
/// # server.stop()?;
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    place: Place,
    within: Duration,
}

/// Nothing that works takes it, on a machine that has time for it.
const WITHIN: Duration = Duration::from_secs(10);

const LONGEST_HEAD: usize = 64 * 1024;

/// A server that goes on and on could fill the memory within the time that it has.
pub(super) const LONGEST_CONTENT: usize = 64 * 1024 * 1024;

impl Client {
    /// A client of this server.
    pub fn to(server: impl Into<Place>) -> Self {
        Self { place: server.into(), within: WITHIN }
    }

    /// A client that asks over this connection and makes none: for a socket that the test touches
    /// too. It is for one request.
    ///
    /// ```
    /// use std::net::{Shutdown, TcpStream};
    /// use std::sync::Arc;
    /// use tidings::testing::Client;
    /// use tidings::{Request, Server};
    ///
    /// let server = Server::bind("127.0.0.1:0")?.sse("/", |stream, _| stream.send("1")).start()?;
    /// let socket = Arc::new(TcpStream::connect(server.address())?);
    /// let mut stream = Client::over(socket.clone()).stream(Request::get("/")?)?;
    /// assert_eq!(stream.event()?.data, "1");
    /// socket.shutdown(Shutdown::Both)?;
    /// # server.stop()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn over(connection: Arc<dyn Connection>) -> Self {
        Self { place: Place::over(connection), within: WITHIN }
    }

    /// How long each wait may take: to connect, send a request and read its whole response, all
    /// together; to open a stream; and for each event of a stream. Defaults to 10 seconds.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// Sends a request that was made by hand, and reads the whole response.
    ///
    /// # Errors
    ///
    /// As for [`get`](super::get), within the time of this client.
    pub fn send(&self, request: Request) -> Result<Response> {
        let (connection, head, mut session) = self.open(&request)?;
        if request.method() == Method::Head {
            return Ok(Response::new(head, Vec::new()));
        }
        let wanted = || format!("the whole response to {}", name(&request));
        let content = session.content(LONGEST_CONTENT, connection.deadline());
        let content = content.map_err(|error| connection.explain(error, &wanted()))?;
        Ok(Response::new(head, content))
    }

    /// Opens an event stream with a request that was made by hand. Where it says nothing of it,
    /// `Accept: text/event-stream` is added.
    ///
    /// # Errors
    ///
    /// As for [`stream`](fn@super::stream), within the time of this client.
    pub fn stream(&self, request: Request) -> Result<Stream> {
        let request = match request.field("accept") {
            Some(_) => request,
            None => request.with_field("Accept", "text/event-stream")?,
        };
        let (connection, head, mut session) = self.open(&request)?;
        if head.status() != Status::OK || !head.is_event_stream() {
            let (name, status) = (name(&request), head.status());
            let says = session.excerpt(str::to_owned);
            let what = format!("{name} is no event stream but {status}: {says:?}");
            return Err(Error::bad_response(what, Some(status.code())));
        }
        Stream::new(name(&request), connection, head, session, self.within)
    }

    fn open(&self, request: &Request) -> Result<(Arc<Timed>, ResponseHead, Session)> {
        let connection = Arc::new(Timed::new(self.place.connect(self.within)?, self.within));
        let deadline = connection.deadline();
        let opened =
            Session::open(Arc::clone(&connection) as _, &request.encode(), LONGEST_HEAD, deadline);
        let wanted = || format!("the head of the response to {}", name(request));
        let (head, session) = opened.map_err(|error| connection.explain(error, &wanted()))?;
        Ok((connection, head, session))
    }
}

/// What a request is called in a message.
fn name(request: &Request) -> String {
    format!("{} {}", request.method(), request.target())
}
