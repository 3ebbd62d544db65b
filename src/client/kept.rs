//! A connection that is kept: requests that are no streams, one after the other.
//!
//! ```text
//! connect ─► request ─► response, bounded ─► request ─► … ─► the server closes it
//! ```
//!
//! Whoever publishes has to know what a failure means for its request. So they are told apart:
//!
//! | failure | the server |
//! | --- | --- |
//! | [`Unsent`](Failed::Unsent) | can't have done what it was asked: not all of it was sent |
//! | [`Closed`](Failed::Closed) | has closed the connection, and may have done it before that |
//! | [`Unknown`](Failed::Unknown) | may have done it, or not |

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use super::session::{broken, cut, read_by, write_by};
use super::transport::{Connection, Socket};
use super::url::Url;
use crate::error::Error;
use crate::http::{BodyDecoder, Framing, ResponseHead, ResponseHeadParser, Version};
use crate::limits::Limits;

/// How much one read may take: most responses are far smaller.
const READ: usize = 4 * 1024;

const LONGEST_HEAD: usize = 16 * 1024;

/// A server that takes no more of a request may have responded before. The response has come by
/// then, or nearly.
const EARLY_RESPONSE: Duration = Duration::from_millis(500);

/// A connection between two requests.
#[derive(Debug)]
pub(crate) struct Kept {
    socket: Socket,
}

/// A response, and whether its connection can be asked again.
#[derive(Debug)]
pub(crate) struct Exchanged {
    pub(crate) head: ResponseHead,
    pub(crate) content: Vec<u8>,
    pub(crate) is_reusable: bool,
}

/// Why there is no response.
#[derive(Debug)]
pub(crate) enum Failed {
    Unsent(Error),
    /// Before the first byte of a response, as happens where the server has no time for a
    /// connection any more that it has kept for long.
    Closed(Error),
    Unknown(Error),
}

impl Kept {
    pub(crate) fn connect(url: &Url, within: Duration) -> io::Result<Self> {
        Ok(Self { socket: Socket::connect(url, within)? })
    }

    /// Whether nothing has come since the last response: neither the end, nor bytes that nobody has
    /// asked for.
    pub(crate) fn is_quiet(&self) -> bool {
        let read = || {
            self.set_nonblocking(true)?;
            let read = self.connection().read(&mut [0]);
            self.set_nonblocking(false).and(read)
        };
        matches!(read(), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Sends a request, and reads its response, whose content may have `most` bytes.
    pub(crate) fn exchange(
        &self,
        request: &[u8],
        most: usize,
        deadline: Instant,
    ) -> Result<Exchanged, Failed> {
        match write_by(self.connection(), request, deadline) {
            Ok(()) => self.read(most, deadline),
            Err(unsent) => {
                let deadline = deadline.min(Instant::now() + EARLY_RESPONSE);
                self.read(most, deadline).map_err(|_| Failed::Unsent(unsent))
            }
        }
    }

    fn read(&self, most: usize, deadline: Instant) -> Result<Exchanged, Failed> {
        let mut parser = ResponseHeadParser::new(LONGEST_HEAD);
        let mut received = Vec::new();
        let (head, consumed) = loop {
            let is_first = received.is_empty();
            match self.read_more(&mut received, deadline) {
                Ok(0) if is_first => return Err(Failed::Closed(cut("before the response"))),
                Ok(0) => return Err(Failed::Unknown(cut("within the response"))),
                Err(error) if is_first && !error.is_timeout() => return Err(Failed::Closed(error)),
                Err(error) => return Err(Failed::Unknown(error)),
                Ok(_) => {}
            }
            let parsed = parser.parse(&received).map_err(|why| Failed::Unknown(broken(&why)))?;
            if let Some(parsed) = parsed {
                break parsed;
            }
        };
        received.drain(..consumed);
        let mut body = BodyDecoder::bounded(head.framing(), most, &Limits::default());
        let mut content = Vec::new();
        loop {
            let taken = body.decode(&received, &mut content);
            received.drain(..taken.map_err(|why| Failed::Unknown(broken(&why)))?);
            if body.is_done() {
                break;
            }
            match self.read_more(&mut received, deadline).map_err(Failed::Unknown)? {
                0 if head.framing() == Framing::UntilClose => break,
                0 => return Err(Failed::Unknown(cut("within the response"))),
                _ => {}
            }
        }
        let is_reusable = body.is_done() && received.is_empty() && is_kept(&head);
        Ok(Exchanged { head, content, is_reusable })
    }

    fn read_more(&self, received: &mut Vec<u8>, deadline: Instant) -> Result<usize, Error> {
        let begin = received.len();
        received.resize(begin + READ, 0);
        let read = read_by(self.connection(), &mut received[begin..], deadline);
        received.truncate(begin + read.as_ref().copied().unwrap_or(0));
        read
    }

    fn connection(&self) -> &dyn Connection {
        match &self.socket {
            Socket::Tcp(socket) => socket,
            #[cfg(unix)]
            Socket::Unix(socket) => socket,
        }
    }

    fn set_nonblocking(&self, is: bool) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(socket) => socket.set_nonblocking(is),
            #[cfg(unix)]
            Socket::Unix(socket) => socket.set_nonblocking(is),
        }
    }
}

/// Whether the server keeps the connection (RFC 9112, section 9.3).
fn is_kept(head: &ResponseHead) -> bool {
    head.version() == Version::Http11
        && !head.elements("connection").any(|element| element.eq_ignore_ascii_case(b"close"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

    /// Asks a server that does this with each of its connections' sockets.
    fn with<T>(serve: impl FnOnce(TcpStream) + Send, ask: impl FnOnce(&Kept, Instant) -> T) -> T {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let most = Duration::from_secs(20);
        thread::scope(|scope| {
            scope.spawn(|| serve(listener.accept().unwrap().0));
            ask(&Kept::connect(&url, most).unwrap(), Instant::now() + most)
        })
    }

    fn take_request(socket: &mut TcpStream) {
        socket.read_exact(&mut vec![0; REQUEST.len()]).unwrap();
    }

    #[test]
    fn a_connection_is_asked_again_after_a_response_that_has_an_end() {
        let serve = |mut socket: TcpStream| {
            for response in [
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n7-1\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n7-2\r\n0\r\n\r\n",
                "HTTP/1.1 503 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            ] {
                take_request(&mut socket);
                socket.write_all(response.as_bytes()).unwrap();
            }
        };
        with(serve, |kept, deadline| {
            for (content, is_reusable) in [(&b"7-1\n"[..], true), (b"7-2", true), (b"", false)] {
                assert!(kept.is_quiet());
                let exchanged = kept.exchange(REQUEST, 100, deadline).unwrap();
                assert_eq!((&*exchanged.content, exchanged.is_reusable), (content, is_reusable));
            }
            while kept.is_quiet() {
                thread::yield_now();
            }
        });
    }

    #[test]
    fn a_connection_that_ends_before_a_response_was_closed_and_within_one_is_unknown() {
        let closes = |mut socket: TcpStream| take_request(&mut socket);
        with(closes, |kept, deadline| {
            let failed = kept.exchange(REQUEST, 100, deadline);
            assert!(matches!(failed, Err(Failed::Closed(_))), "{failed:?}");
        });
        for begun in ["HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n7-"] {
            let breaks_off = |mut socket: TcpStream| {
                take_request(&mut socket);
                socket.write_all(begun.as_bytes()).unwrap();
            };
            with(breaks_off, |kept, deadline| {
                let failed = kept.exchange(REQUEST, 100, deadline);
                assert!(matches!(failed, Err(Failed::Unknown(_))), "{failed:?}");
            });
        }
    }

    #[test]
    fn a_response_that_is_too_long_or_late_is_unknown() {
        let talks = |mut socket: TcpStream| {
            take_request(&mut socket);
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n").unwrap();
            let _ = socket.read(&mut [0]);
        };
        with(talks, |kept, deadline| {
            let failed = kept.exchange(REQUEST, 100, deadline);
            assert!(matches!(failed, Err(Failed::Unknown(_))), "{failed:?}");
            kept.connection().shutdown();
        });
        let is_silent = |mut socket: TcpStream| {
            let _ = socket.read_to_end(&mut Vec::new());
        };
        with(is_silent, |kept, _| {
            let soon = Instant::now() + Duration::from_millis(10);
            let Err(Failed::Unknown(error)) = kept.exchange(REQUEST, 100, soon) else { panic!() };
            assert!(error.is_timeout(), "{error}");
            kept.connection().shutdown();
        });
    }
}
