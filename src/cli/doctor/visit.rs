//! One request and what comes of it, until enough is known.
//!
//! The doctor speaks for itself, and not with an event source: that would come back by itself, and
//! would not look at a response that is no stream.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use tidings::client::{Connection, StreamRequest, Transport, Url};

use super::facts::Visit;
use super::stop::Stop;
use crate::cli::client::{Carrier, with_remedy};

/// How long a connect may take.
const CONNECT: Duration = Duration::from_secs(10);
const BUFFER: usize = 16 * 1024;
/// The system takes no time of zero for one that has passed.
const LEAST: Duration = Duration::from_millis(1);

/// A request, and the server that it is for.
#[derive(Debug)]
pub(super) struct Ask {
    url: Url,
    bytes: Vec<u8>,
}

impl Ask {
    /// A request for this target of a URL's server.
    pub(super) fn new(
        url: &Url,
        target: &str,
        fields: &[(String, String)],
        last_event_id: &str,
        make: impl FnOnce(&str) -> tidings::Result<StreamRequest>,
    ) -> tidings::Result<Self> {
        // A URL at a socket has no form that could be parsed.
        let scheme = if url.is_https() { "https" } else { "http" };
        let mut request = make(&format!("{scheme}://{}{target}", url.authority()))?;
        for (name, value) in fields {
            request = request.with_field(name, value)?;
        }
        Ok(Self { url: url.clone(), bytes: request.encode(last_event_id) })
    }

    /// The same from a client that accepts these codings.
    pub(super) fn accepting(mut self, codings: &str) -> Self {
        let own = "Accept-Encoding: identity\r\n";
        let text = String::from_utf8(self.bytes).expect("a GET has no content");
        self.bytes = text.replacen(own, &format!("Accept-Encoding: {codings}\r\n"), 1).into_bytes();
        self
    }
}

/// When to leave. What is no stream is left as soon as there is a head.
#[derive(Debug)]
pub(super) struct Until {
    /// How long to wait for a head.
    head: Duration,
    /// How long to stay after it.
    then: Duration,
    /// Whether no more is needed.
    is_enough: fn(&Visit) -> bool,
    /// What may end it early.
    stop: Stop,
}

impl Until {
    pub(super) fn head(head: Duration) -> Self {
        Self { head, then: Duration::ZERO, is_enough: |_| true, stop: Stop::default() }
    }

    pub(super) fn over(then: Duration, head: Duration, stop: Stop) -> Self {
        Self { head, then, is_enough: |_| false, stop }
    }

    /// For so long, or until there is enough.
    pub(super) fn enough(head: Duration, then: Duration, is_enough: fn(&Visit) -> bool) -> Self {
        Self { head, then, is_enough, stop: Stop::default() }
    }

    /// What is left of it; `None` if it is over.
    fn left(&self, visit: &Visit, now: Duration) -> Option<Duration> {
        let until = match &visit.head {
            None => self.head,
            Some(_) if !visit.is_stream() || (self.is_enough)(visit) => return None,
            Some((_, at)) => *at + self.then,
        };
        until.checked_sub(now).filter(|left| !left.is_zero())
    }
}

/// Sends the request and takes what comes. Gives the moment from which its times count, and calls
/// `began` with it once there is the head of a stream.
pub(super) fn visit(
    carrier: &Carrier,
    ask: &Ask,
    until: &Until,
    began: impl FnOnce(Instant),
) -> (Visit, Instant) {
    let mut visit = Visit::new();
    let connecting = Instant::now();
    let connection = match carrier.connect(&ask.url, CONNECT) {
        Ok(connection) => connection,
        Err(error) => {
            visit.failed(unreachable(&ask.url, &error), connecting.elapsed());
            return (visit, connecting);
        }
    };
    until.stop.adopt(&connection);
    let start = Instant::now();
    match write(&*connection, &ask.bytes, until.head) {
        Ok(()) => watch(&*connection, &mut visit, until, start, began),
        Err(error) if is_closed(&error) => visit.ended(start.elapsed()),
        Err(error) => {
            visit.failed(format!("the request can't be sent: {error}"), start.elapsed());
        }
    }
    visit.watched = start.elapsed();
    until.stop.release();
    connection.shutdown();
    (visit, start)
}

fn unreachable(url: &Url, error: &io::Error) -> String {
    let server = match url.socket() {
        Some(path) => format!("unix:{}", path.display()),
        None => url.authority(),
    };
    with_remedy(format!("can't connect to {server}: {error}"), Some(error.kind()))
}

/// Whether the other side has gone.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

fn write(connection: &dyn Connection, bytes: &[u8], within: Duration) -> io::Result<()> {
    connection.set_write_timeout(Some(within.max(LEAST)))?;
    let mut rest = bytes;
    while !rest.is_empty() {
        match connection.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => rest = &rest[length..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn watch(
    connection: &dyn Connection,
    visit: &mut Visit,
    until: &Until,
    start: Instant,
    began: impl FnOnce(Instant),
) {
    let (mut buffer, mut began) = (vec![0; BUFFER], Some(began));
    while visit.end.is_none() {
        let is_stopped = until.stop.is_stopped();
        // What had come by then is still taken.
        let left = if is_stopped { Some(LEAST) } else { until.left(visit, start.elapsed()) };
        let Some(left) = left else { return };
        let read = connection.set_read_timeout(Some(left.max(LEAST)));
        let read = read.and_then(|()| connection.read(&mut buffer));
        let at = start.elapsed();
        match read {
            // Perhaps this side has ended it.
            Ok(0) | Err(_) if until.stop.is_stopped() => return,
            Ok(0) => visit.ended(at),
            Ok(length) => visit.take(&buffer[..length], at),
            Err(error) => match error.kind() {
                ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut => {}
                _ if is_closed(&error) => visit.ended(at),
                _ => visit.failed(error, at),
            },
        }
        if is_stopped {
            return;
        }
        if visit.is_stream()
            && let Some(began) = began.take()
        {
            began(start);
        }
    }
}
