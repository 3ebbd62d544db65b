//! A reader of an event stream: the crate's own client, on one connection that the test may touch.
//! What a stream is in bytes and chunks is for [`Client`](super::http::Client) to see.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tidings::client::{Connection, EventSource, StreamRequest, Transport, Update, Url};
use tidings::http::{Framing, ResponseHead};
use tidings::{Error, EventId, MessageEvent};

use super::SOON;
use super::http::connect;

pub(crate) struct EventStream {
    source: EventSource,
    socket: Arc<Socket>,
    head: ResponseHead,
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With its last chunk.
    Whole,
    /// Without it.
    CutOff,
}

impl EventStream {
    #[track_caller]
    pub(crate) fn open(address: SocketAddr, target: &str) -> Self {
        Self::with(address, EventSource::with(request(address, target)))
    }

    /// Opens a stream, and asks for it with this field.
    #[track_caller]
    pub(crate) fn open_with(address: SocketAddr, target: &str, field: (&str, &str)) -> Self {
        let request = request(address, target).with_field(field.0, field.1);
        Self::with(address, EventSource::with(request.expect("a field")))
    }

    /// Opens a stream, and asks for what came behind this id.
    #[track_caller]
    pub(crate) fn resume(address: SocketAddr, target: &str, id: &str) -> Self {
        let id = EventId::new(id).expect("an id");
        let source = EventSource::with(request(address, target)).with_last_event_id(id);
        Self::with(address, source)
    }

    #[track_caller]
    fn with(address: SocketAddr, source: EventSource) -> Self {
        let socket =
            Arc::new(Socket { stream: connect(address), until: Mutex::new(Instant::now() + SOON) });
        let transport = Given(Arc::clone(&socket));
        let mut source = source.transport(transport).reconnects(false).silence(SOON);
        let head = match source.next_update() {
            Some(Ok(Update::Opened { head, .. })) => head,
            other => panic!("not a stream but {other:?}"),
        };
        // Any other end would be that of the connection, whole or not.
        assert_eq!(head.framing(), Framing::Chunked);
        Self { source, socket, head }
    }

    /// The field lines of the head without their CRLF.
    pub(crate) fn fields(&self) -> Vec<String> {
        let line = |(name, value)| format!("{name}: {}", String::from_utf8_lossy(value));
        self.head.fields().map(line).collect()
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket.stream
    }

    /// The next event, or how the stream ended.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Result<MessageEvent, End> {
        *self.socket.until.lock().unwrap() = Instant::now() + SOON;
        match self.source.next_update() {
            Some(Ok(Update::Event(event))) => Ok(event),
            Some(Ok(Update::Ended)) => Err(End::Whole),
            Some(Err(error)) if is_cut(&error) => Err(End::CutOff),
            other => panic!("neither an event nor an end but {other:?}"),
        }
    }

    /// The next event's data; the stream must not have ended.
    #[track_caller]
    pub(crate) fn data(&mut self) -> String {
        self.next().expect("an event").data
    }

    /// Reads to the end, and tells how it ended.
    #[track_caller]
    pub(crate) fn end(&mut self) -> End {
        loop {
            if let Err(end) = self.next() {
                return end;
            }
        }
    }
}

fn request(address: SocketAddr, target: &str) -> StreamRequest {
    StreamRequest::get(&format!("http://{address}{target}")).expect("a URL")
}

/// Whether the connection was over before the stream was.
fn is_cut(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    let kind = cause.map(io::Error::kind);
    matches!(kind, Some(ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset))
}

/// The one connection that there is.
struct Given(Arc<Socket>);

impl Transport for Given {
    fn connect(&self, _: &Url, _: Duration) -> io::Result<Arc<dyn Connection>> {
        let socket = Arc::clone(&self.0);
        Ok(socket)
    }
}

struct Socket {
    stream: TcpStream,
    /// Past it nothing is read: heartbeats would go on for ever where the event does not come.
    until: Mutex<Instant>,
}

impl Connection for Socket {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() > *self.until.lock().unwrap() {
            return Err(io::Error::other("waited in vain for an event"));
        }
        Connection::read(&self.stream, buffer)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Connection::write(&self.stream, bytes)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_write_timeout(timeout)
    }

    /// The stream's drop closes the socket; so the server sees a reset and nothing before it, if
    /// there is something unread.
    fn shutdown(&self) {}
}
