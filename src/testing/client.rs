//! What is asked, of whom, and within which time.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::response::Response;
use super::stream::Stream;
use super::timed::Timed;
use crate::client::session::Session;
use crate::client::{Connection, Plain, Transport, Url};
use crate::error::{Error, Result};
use crate::http::{Method, Request, ResponseHead, Status};
use crate::net::listener::Address;
use crate::server::running::Running;

/// A client of a server under test. A connection of its own is made for each request.
///
/// ```
/// use std::time::Duration;
/// use tidings::testing::Client;
/// use tidings::{Request, Server};
///
/// let server = Server::bind("127.0.0.1:0")?.sse("/", |stream, _| stream.send("hello")).start()?;
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

/// Where a server is that is to be asked: a [`Running`] one, or an address.
#[derive(Clone)]
pub struct Place(Kind);

#[derive(Clone)]
enum Kind {
    Address(Address),
    Connection(Arc<dyn Connection>),
}

/// Nothing that works takes it, on a machine that has time for it.
const WITHIN: Duration = Duration::from_secs(10);

const LONGEST_HEAD: usize = 64 * 1024;

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
        Self { place: Place(Kind::Connection(connection)), within: WITHIN }
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
        let content = session.content(connection.deadline());
        let content = content.map_err(|error| connection.explain(error, &wanted()))?;
        Ok(Response::new(head, content))
    }

    /// Opens an event stream with a request that was made by hand. Where it says nothing of it,
    /// `Accept: text/event-stream` is added.
    ///
    /// # Errors
    ///
    /// As for [`stream`](super::stream), within the time of this client.
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

impl Place {
    fn connect(&self, within: Duration) -> Result<Arc<dyn Connection>> {
        let (address, url) = match &self.0 {
            Kind::Connection(connection) => return Ok(Arc::clone(connection)),
            Kind::Address(address @ Address::Tcp(_)) => {
                (address, Url::parse(&address.to_string())?)
            }
            Kind::Address(address @ Address::Unix(path)) => {
                (address, Url::parse("http://localhost")?.at_socket(path))
            }
        };
        let failed = |error: io::Error| match error.kind() {
            ErrorKind::TimedOut => {
                Error::timed_out(format!("can't connect to {address} within {within:?}"))
            }
            _ => Error::io(format!("can't connect to {address}"), error),
        };
        Plain.connect(&url, within).map_err(failed)
    }
}

impl From<SocketAddr> for Place {
    /// The server at this address; on this machine, if that is none in particular.
    fn from(mut address: SocketAddr) -> Self {
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Self(Kind::Address(Address::Tcp(address)))
    }
}

impl From<Address> for Place {
    fn from(address: Address) -> Self {
        match address {
            Address::Tcp(address) => address.into(),
            unix => Self(Kind::Address(unix)),
        }
    }
}

impl From<&Running> for Place {
    /// The first address that the server listens on.
    fn from(server: &Running) -> Self {
        let first = server.addresses().into_iter().next();
        first.unwrap_or_else(|| Address::Tcp(server.address())).into()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Address(address) => f.debug_tuple("Place").field(address).finish(),
            Kind::Connection(_) => f.debug_tuple("Place").field(&"a connection").finish(),
        }
    }
}
