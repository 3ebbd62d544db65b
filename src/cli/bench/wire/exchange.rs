//! One request after the other on a connection, as publishers send them.
//!
//! ```text
//! request ──► connection ──► head ──► ResponseHeadParser     once for each answer
//!                        └─► body ──► BodyDecoder, to find its end
//! ```
//!
//! Made of the library's public parts. What an answer says beside its head is read and dropped, and
//! it has one deadline for all of it: a server that answers byte by byte, or without an end, gets
//! no more time than one that does not answer.
//!
//! A server may end a connection that is kept between two requests (RFC 9112, section 9.5). One
//! that ends without a byte of an answer is [`Fault::Stale`], and says nothing of the server.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tidings::client::{Connection, Tcp, Transport, Url};
use tidings::http::{ResponseHead, Version};

use super::tally::Tally;
use crate::cli::bench::books::counts::nanoseconds;
use crate::cli::client::{Ending, Part, Reader, broken};

/// How long a connect may take, and how long a request with its answer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// How often somebody who waits for a server looks whether it is still worth it.
const LOOK: Duration = Duration::from_millis(100);
/// There may be a thousand publishers, and answers are short.
const BUFFER: usize = 8 * 1024;

/// A connection that waits for a request.
pub(crate) struct Exchange {
    connection: Arc<dyn Connection>,
    buffer: Vec<u8>,
    /// It has brought an answer before.
    used: bool,
    /// Something of the answer of now has come.
    answered: bool,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) head: ResponseHead,
    /// The connection, if it can be used again.
    pub(crate) kept: Option<Exchange>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The connection had been kept, and had ended: a fresh one may do.
    Stale,
    Broken(io::Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale => f.write_str("the connection had ended before the request"),
            Self::Broken(error) => error.fmt(f),
        }
    }
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
            0 => Err(io::Error::new(ErrorKind::TimedOut, "there was no whole answer in time")),
            _ if self.tally.is_over() => Err(io::Error::other("the run is over")),
            left => Ok(Duration::from_nanos(left)),
        }
    }
}

impl Exchange {
    pub(crate) fn connect(address: &Url, patience: Patience<'_>) -> Result<Self, Fault> {
        let connect = || {
            let connection = Tcp.connect(address, patience.left()?)?;
            connection.set_read_timeout(Some(LOOK))?;
            connection.set_write_timeout(Some(LOOK))?;
            Ok(connection)
        };
        let connection = connect().map_err(Fault::Broken)?;
        Ok(Self { connection, buffer: vec![0; BUFFER], used: false, answered: false })
    }

    /// Sends a request and reads its whole answer.
    pub(crate) fn ask(mut self, request: &[u8], patience: Patience<'_>) -> Result<Answer, Fault> {
        self.answered = false;
        match self.exchange(request, patience) {
            Ok((head, kept)) => {
                self.used = true;
                Ok(Answer { head, kept: kept.then_some(self) })
            }
            Err(error) if self.used && !self.answered && is_end(&error) => Err(Fault::Stale),
            Err(error) => Err(Fault::Broken(error)),
        }
    }

    /// The head, and whether another request may follow.
    fn exchange(
        &mut self,
        request: &[u8],
        patience: Patience<'_>,
    ) -> io::Result<(ResponseHead, bool)> {
        self.write(request, patience)?;
        let (mut reader, mut head) = (Reader::new(), None);
        loop {
            let length = self.read(patience)?;
            let mut rest = &self.buffer[..length];
            if length == 0 {
                let whole = head.filter(|_| reader.ending() == Ending::Whole);
                return whole.map(|head| (head, false)).ok_or_else(|| reader.cut());
            }
            while let Some((part, _)) = reader.next(&mut rest) {
                match (part, &mut head) {
                    (Part::Begin(begun), _) => head = Some(begun),
                    (Part::Broken(refusal), _) => return Err(broken(&refusal)),
                    (Part::End, head) => {
                        let head = head.take().expect("a head comes before the end");
                        // What no request asked for would be taken for the next response.
                        let kept = rest.is_empty() && is_kept(&head);
                        return Ok((head, kept));
                    }
                    _ => {}
                }
            }
        }
    }

    fn write(&self, bytes: &[u8], patience: Patience<'_>) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            patience.left()?;
            match self.connection.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => rest = &rest[length..],
                Err(error) if is_pause(error.kind()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self, patience: Patience<'_>) -> io::Result<usize> {
        loop {
            patience.left()?;
            let read = self.connection.read(&mut self.buffer);
            match read.as_ref().map_err(io::Error::kind) {
                Err(kind) if is_pause(kind) => {}
                Ok(length) => {
                    self.answered |= *length > 0;
                    return read;
                }
                Err(_) => return read,
            }
        }
    }
}

/// Whether the connection stays open behind this answer (RFC 9112, section 9.3).
fn is_kept(head: &ResponseHead) -> bool {
    let fields = head.fields().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    let options: Vec<&[u8]> =
        fields.flat_map(|(_, value)| value.split(|byte| *byte == b',')).collect();
    let says =
        |option: &[u8]| options.iter().any(|other| other.trim_ascii().eq_ignore_ascii_case(option));
    let kept = head.version() == Version::Http11 || says(b"keep-alive");
    kept && !says(b"close")
}

/// Whether nothing is wrong, and only [`LOOK`] has passed.
fn is_pause(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Whether this is how a connection fails that its peer has closed.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected
    )
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
    fn a_connection_is_kept_as_its_version_has_it_unless_the_answer_says_otherwise() {
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
    /// gives why there is no answer.
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
        let exchange = Exchange::connect(&url, patience);
        let answer = exchange.and_then(|exchange| exchange.ask(request, patience));
        server.join().unwrap();
        answer.map(drop).unwrap_err().to_string()
    }

    /// Until the other end has gone.
    fn repeat(mut socket: TcpStream, head: &str, more: &str) {
        socket.write_all(head.as_bytes()).unwrap();
        while socket.write_all(more.as_bytes()).is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn an_answer_that_never_ends_has_one_deadline_for_all_of_it() {
        let tally = Tally::new(0);
        let head = "HTTP/1.1 200 OK\r\n";
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (head, more) in [(head, "X: y\r\n"), (chunked, "1\r\nx\r\n")] {
            let within = Duration::from_millis(300);
            let why = fault(&tally, within, b"ask", move |socket| repeat(socket, head, more));
            assert_eq!(why, "there was no whole answer in time");
        }
    }

    #[test]
    fn a_request_that_is_not_taken_has_the_same_deadline() {
        let (keep, kept) = std::sync::mpsc::channel();
        // More than any system takes at once.
        let request = vec![b'x'; 64 * 1024 * 1024];
        let act = move |socket| keep.send(socket).unwrap();
        let why = fault(&Tally::new(0), Duration::from_millis(300), &request, act);
        assert_eq!(why, "there was no whole answer in time");
        drop(kept);
    }

    #[test]
    fn the_end_of_the_run_is_the_end_of_waiting_for_an_answer() {
        let tally = Arc::new(Tally::new(0));
        let ends = Arc::clone(&tally);
        let why = fault(&tally, DEADLINE, b"ask", move |socket| {
            ends.end(Ok(()));
            assert!(matches!(socket.read(&mut [0]), Ok(0)), "the bench has shut it");
        });
        assert_eq!(why, "the run is over");
    }
}
