//! The request, all of it but its last byte.
//!
//! The system resets a connection if a program closes its socket with unread bytes in it. That is
//! the only way to a reset that the standard library has. So the last byte of every request stays
//! in the socket: to reset the connection, the mock closes the socket over it; else
//! [`Link`](super::link::Link) reads it first. To leave it there, the mock peeks at the request
//! before it takes it.
//!
//! The rules are the library's own: what it refuses, the mock refuses, and says why.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tidings::Limits;
use tidings::http::{BodyDecoder, Head, HeadParser, Refusal};

/// How long a client may take for its whole request, however many parts it sends.
const DEADLINE: Duration = Duration::from_secs(30);
/// A prompt with pictures is many times as large as a usual body. The mock keeps nothing of it.
const LARGEST_BODY: usize = 256 * 1024 * 1024;
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Reads a request and returns its head. Fails if the client goes before it has sent all of it.
pub(super) fn read(mut socket: &TcpStream) -> io::Result<Result<Head, Refusal>> {
    let deadline = Instant::now() + DEADLINE;
    let limits = Limits::default().body(LARGEST_BODY);
    let mut parser = HeadParser::new(&limits);
    let mut input = Vec::new();
    let mut peeked = [0; 16 * 1024];
    let (head, mut decoder) = loop {
        let length = peek_by(socket, &mut peeked, deadline)?;
        let before = input.len();
        input.extend_from_slice(&peeked[..length]);
        match parser.parse(&input) {
            Err(refusal) => return Ok(Err(refusal)),
            Ok(None) => consume(socket, length)?,
            Ok(Some((head, whole))) => {
                let decoder = BodyDecoder::new(head.framing(), &limits);
                let last = usize::from(decoder.is_done());
                consume(socket, whole - before - last)?;
                break (head, decoder);
            }
        }
    };
    if !decoder.is_done() && head.has_token("expect", "100-continue") {
        socket.write_all(CONTINUE)?;
    }
    let mut content = Vec::new();
    while !decoder.is_done() {
        let length = peek_by(socket, &mut peeked, deadline)?;
        let taken = match decoder.decode(&peeked[..length], &mut content) {
            Ok(taken) => taken,
            Err(refusal) => return Ok(Err(refusal)),
        };
        content.clear();
        consume(socket, taken - usize::from(decoder.is_done()))?;
    }
    Ok(Ok(head))
}

/// Peeks at what has come, and waits for it until the deadline.
fn peek_by(socket: &TcpStream, peeked: &mut [u8], deadline: Instant) -> io::Result<usize> {
    let left = deadline.saturating_duration_since(Instant::now());
    socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
    match socket.peek(peeked)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        length => Ok(length),
    }
}

/// Takes bytes that are known to be there.
fn consume(socket: &TcpStream, length: usize) -> io::Result<()> {
    let taken = io::copy(&mut socket.take(length as u64), &mut io::sink())?;
    debug_assert_eq!(taken, length as u64, "they were there");
    Ok(())
}
