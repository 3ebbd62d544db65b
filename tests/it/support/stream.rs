//! A reader of an event stream: the crate's own client for tests, on one connection that the test
//! may touch. What a stream is in bytes and chunks is for [`Client`](super::http::Client) to see.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use tidings::http::Framing;
use tidings::testing::{Client, Stream};
use tidings::{Error, MessageEvent, Request};

use super::SOON;
use super::http::connect;

pub(crate) struct EventStream {
    stream: Stream,
    socket: Arc<TcpStream>,
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
        Self::with(address, Request::get(target))
    }

    /// Opens a stream, and asks for it with this field.
    #[track_caller]
    pub(crate) fn open_with(address: SocketAddr, target: &str, field: (&str, &str)) -> Self {
        Self::with(address, Request::get(target).and_then(|of| of.with_field(field.0, field.1)))
    }

    /// Opens a stream, and asks for what came behind this id.
    #[track_caller]
    pub(crate) fn resume(address: SocketAddr, target: &str, id: &str) -> Self {
        Self::open_with(address, target, ("Last-Event-ID", id))
    }

    #[track_caller]
    fn with(address: SocketAddr, request: tidings::Result<Request>) -> Self {
        let socket = Arc::new(connect(address));
        let client = Client::over(Arc::clone(&socket) as _).within(SOON);
        let stream = client.stream(request.expect("a request")).expect("a stream");
        // Any other end would be that of the connection, whole or not.
        assert_eq!(stream.head().framing(), Framing::Chunked);
        Self { stream, socket }
    }

    /// The field lines of the head without their CRLF.
    pub(crate) fn fields(&self) -> Vec<String> {
        let line = |(name, value)| format!("{name}: {}", String::from_utf8_lossy(value));
        self.stream.head().fields().map(line).collect()
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// The next event, or how the stream ended.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Result<MessageEvent, End> {
        match self.stream.next() {
            Some(Ok(event)) => Ok(event),
            None => Err(End::Whole),
            Some(Err(error)) if is_cut(&error) => Err(End::CutOff),
            Some(Err(error)) => panic!("neither an event nor an end: {error}"),
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

/// The ids and data of the next events, which are messages.
#[track_caller]
pub(crate) fn next(stream: &mut EventStream, count: usize) -> Vec<(String, String)> {
    let events = (0..count).map(|_| stream.next().expect("an event"));
    events
        .map(|event| {
            assert_eq!(event.event_type, "message", "{}", event.data);
            (event.last_event_id, event.data)
        })
        .collect()
}

/// Whether the connection was over before the stream was.
fn is_cut(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    let kind = cause.map(io::Error::kind);
    matches!(kind, Some(ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset))
}
