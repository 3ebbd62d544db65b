//! One request after another on a connection, as publishers send them.
//!
//! The content of a response is read and dropped. One deadline holds for the whole response: a
//! server that responds byte by byte, or without an end, gets no more time than one that doesn't
//! respond.
//!
//! A server may close a connection between two requests (RFC 9112, section 9.5). If a connection
//! that was kept ends without a byte of a response, that says nothing about the server.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tidings::client::{Connection, Transport, Url};
use tidings::http::{ResponseHead, Version};

use super::tally::Tally;
use crate::cli::bench::books::counts::nanoseconds;
use crate::cli::client::{Carrier, Ending, Part, Reader, broken};

/// How long a connect may take, and how long a request with its response.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// How often a thread that waits for a server checks whether the run is over.
const CHECK: Duration = Duration::from_millis(100);
/// There may be a thousand publishers, and responses are short.
const BUFFER: usize = 8 * 1024;

pub(crate) struct Exchange {
    address: Url,
    carrier: Carrier,
    /// A connection that waits for a request; `None` where the next one needs a new connection.
    kept: Option<Arc<dyn Connection>>,
    buffer: Vec<u8>,
}

/// Until when to wait: a time, and the end of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience<'a> {
    tally: &'a Tally,
    until: u64,
}

impl<'a> Patience<'a> {
    /// From now on for as long as [`DEADLINE`], and not beyond `end`.
    pub(crate) fn new(tally: &'a Tally, end: u64) -> Self {
        Self { tally, until: end.min(tally.clock.now() + nanoseconds(DEADLINE)) }
    }

    fn left(&self) -> io::Result<Duration> {
        match self.until.saturating_sub(self.tally.clock.now()) {
            0 => Err(io::Error::new(ErrorKind::TimedOut, "there was no whole response in time")),
            _ if self.tally.is_over() => Err(io::Error::other("the run is over")),
            left => Ok(Duration::from_nanos(left)),
        }
    }

    /// Repeats a read or a write that paused for [`CHECK`], for as long as the patience lasts.
    fn retry(&self, mut act: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
        use ErrorKind::{Interrupted, TimedOut, WouldBlock};
        loop {
            self.left()?;
            match act() {
                Err(error) if matches!(error.kind(), Interrupted | WouldBlock | TimedOut) => {}
                done => return done,
            }
        }
    }
}

impl Exchange {
    pub(crate) fn new(address: Url, carrier: Carrier) -> Self {
        Self { address, carrier, kept: None, buffer: vec![0; BUFFER] }
    }

    /// Sends a request and reads its whole response. `None` if the connection had been kept and
    /// had ended: a fresh one may do.
    pub(crate) fn send(
        &mut self,
        request: &[u8],
        patience: Patience<'_>,
    ) -> io::Result<Option<ResponseHead>> {
        let kept = self.kept.take();
        let was_kept = kept.is_some();
        let connection = kept.map_or_else(|| self.connect(patience), Ok)?;
        let first = write(&*connection, request, patience)
            .and_then(|()| patience.retry(|| connection.read(&mut self.buffer)));
        let mut length = match first {
            Ok(0) if was_kept => return Ok(None),
            Err(error) if was_kept && is_closed(error.kind()) => return Ok(None),
            first => first?,
        };
        let (mut reader, mut head) = (Reader::new(), None);
        loop {
            let mut rest = &self.buffer[..length];
            if length == 0 {
                let whole = head.filter(|_| reader.ending() == Ending::Whole);
                return whole.map(Some).ok_or_else(|| reader.cut());
            }
            while let Some((part, _)) = reader.next(&mut rest) {
                match part {
                    Part::Begin(begun) => head = Some(begun),
                    Part::Broken(refusal) => return Err(broken(&refusal)),
                    Part::End => {
                        let head = head.expect("a response begins before it ends");
                        // What no request asked for would be taken for the next response.
                        self.kept = Some(connection).filter(|_| rest.is_empty() && is_kept(&head));
                        return Ok(Some(head));
                    }
                    _ => {}
                }
            }
            length = patience.retry(|| connection.read(&mut self.buffer))?;
        }
    }

    fn connect(&self, patience: Patience<'_>) -> io::Result<Arc<dyn Connection>> {
        let connection = self.carrier.connect(&self.address, patience.left()?)?;
        connection.set_read_timeout(Some(CHECK))?;
        connection.set_write_timeout(Some(CHECK))?;
        Ok(connection)
    }
}

fn write(connection: &dyn Connection, bytes: &[u8], patience: Patience<'_>) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match patience.retry(|| connection.write(rest))? {
            0 => return Err(ErrorKind::WriteZero.into()),
            length => rest = &rest[length..],
        }
    }
    Ok(())
}

/// Whether the connection stays open after this response (RFC 9112, section 9.3).
fn is_kept(head: &ResponseHead) -> bool {
    let fields = head.fields().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    let options: Vec<&[u8]> =
        fields.flat_map(|(_, value)| value.split(|byte| *byte == b',')).collect();
    let says =
        |option: &[u8]| options.iter().any(|other| other.trim_ascii().eq_ignore_ascii_case(option));
    let kept = head.version() == Version::Http11 || says(b"keep-alive");
    kept && !says(b"close")
}

/// Whether this is how a connection fails that its peer has closed.
fn is_closed(kind: ErrorKind) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    fn kept(head: &str) -> bool {
        let (mut reader, mut rest) = (Reader::new(), head.as_bytes());
        loop {
            if let Some((Part::Begin(head), _)) = reader.next(&mut rest) {
                return is_kept(&head);
            }
        }
    }

    #[test]
    fn a_connection_is_kept_as_its_version_has_it_unless_the_response_says_otherwise() {
        for (version, fields, expected) in [
            ("1.1", "", true),
            ("1.1", "Connection: close\r\n", false),
            ("1.1", "Connection: x , Close\r\n", false),
            ("1.1", "Connection: x\r\nConnection: close\r\n", false),
            ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive\r\n", true),
            ("1.0", "Connection: keep-alive, close\r\n", false),
        ] {
            let head = format!("HTTP/{version} 200 OK\r\nContent-Length: 0\r\n{fields}\r\n");
            assert_eq!(kept(&head), expected, "{head}");
        }
    }

    /// Sends this to a server that does this with a connection whose request begins to come, and
    /// gives why there is no response.
    fn fault(
        tally: &Tally,
        within: Duration,
        request: &[u8],
        act: impl FnOnce(TcpStream) + Send + 'static,
    ) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket.read_exact(&mut [0; 3]).unwrap();
            act(socket);
        });
        let patience = Patience::new(tally, tally.clock.now() + nanoseconds(within));
        let response = Exchange::new(url, Carrier::Plain).send(request, patience);
        server.join().unwrap();
        response.map(drop).unwrap_err().to_string()
    }

    /// Until the other end has gone.
    fn repeat(mut socket: TcpStream, head: &str, more: &str) {
        socket.write_all(head.as_bytes()).unwrap();
        while socket.write_all(more.as_bytes()).is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_response_that_never_ends_has_one_deadline_for_all_of_it() {
        let tally = Tally::new(0);
        let head = "HTTP/1.1 200 OK\r\n";
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (head, more) in [(head, "X: y\r\n"), (chunked, "1\r\nx\r\n")] {
            let within = Duration::from_millis(300);
            let why = fault(&tally, within, b"ask", move |socket| repeat(socket, head, more));
            assert_eq!(why, "there was no whole response in time");
        }
    }

    #[test]
    fn a_request_that_is_not_taken_has_the_same_deadline() {
        let (keep, kept) = std::sync::mpsc::channel();
        // More than any system takes at once.
        let request = vec![b'x'; 64 * 1024 * 1024];
        let act = move |socket| keep.send(socket).unwrap();
        let why = fault(&Tally::new(0), Duration::from_millis(300), &request, act);
        assert_eq!(why, "there was no whole response in time");
        drop(kept);
    }

    #[test]
    fn the_end_of_the_run_is_the_end_of_waiting_for_a_response() {
        let tally = Arc::new(Tally::new(0));
        let ends = Arc::clone(&tally);
        let why = fault(&tally, DEADLINE, b"ask", move |socket| {
            ends.end(Ok(()));
            assert!(matches!(socket.read(&mut [0]), Ok(0)), "the bench has shut it");
        });
        assert_eq!(why, "the run is over");
    }
}
