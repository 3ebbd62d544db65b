//! One HTTP exchange after the other on a connection: what streams and publishers have in common.
//!
//! ```text
//! request ──► connection ──► head ──► ResponseHeadParser     once for each answer
//!                        └─► body ──► BodyDecoder ──► content
//! ```
//!
//! The time of a read is taken right behind it, before anything is made of the bytes. Made of the
//! library's public parts; the client's `EventSource` would do all of this, but not say when.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tidings::client::{Connection, Tcp, Transport, Url};
use tidings::http::{BodyDecoder, Framing, ResponseHead, ResponseHeadParser};

/// How long a connection may take, and how long the head of an answer.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);
/// As much as browsers take of a head, more or less.
const LONGEST_HEAD: usize = 64 * 1024;
/// There is one for each of thousands of streams, and a burst should still be few reads.
const BUFFER: usize = 8 * 1024;

/// A connection with an answer on it.
pub(super) struct Exchange {
    connection: Arc<dyn Connection>,
    body: BodyDecoder,
    framing: Framing,
    buffer: Vec<u8>,
    /// How many bytes at the start of the buffer are not decoded.
    received: usize,
}

/// What a read brought.
pub(super) enum Read {
    /// So many bytes. The content of the body may be empty nevertheless.
    Bytes(usize),
    /// The body has ended as it should.
    End,
    /// The connection ended, or broke, in the middle of it.
    Cut,
}

impl Exchange {
    pub(super) fn connect(address: &Url) -> io::Result<Self> {
        let connection = Tcp.connect(address, DEADLINE)?;
        let body = BodyDecoder::endless(Framing::None);
        Ok(Self { connection, body, framing: Framing::None, buffer: vec![0; BUFFER], received: 0 })
    }

    /// What another thread needs to end it.
    pub(super) fn connection(&self) -> Arc<dyn Connection> {
        Arc::clone(&self.connection)
    }

    /// Sends a request and reads the head of its answer, with all of its bytes counted.
    pub(super) fn ask(&mut self, request: &[u8]) -> io::Result<(ResponseHead, usize)> {
        self.connection.set_read_timeout(Some(DEADLINE))?;
        write_all(&*self.connection, request)?;
        let mut parser = ResponseHeadParser::new(LONGEST_HEAD);
        let mut head = Vec::new();
        loop {
            let length = read(&*self.connection, &mut self.buffer)?;
            if length == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            head.extend_from_slice(&self.buffer[..length]);
            let parsed = parser.parse(&head).map_err(|refusal| broken(refusal.why()))?;
            let Some((answer, consumed)) = parsed else { continue };
            self.framing = answer.framing();
            self.body = BodyDecoder::endless(self.framing);
            let behind = &head[consumed..];
            self.buffer[..behind.len()].copy_from_slice(behind);
            self.received = behind.len();
            return Ok((answer, consumed));
        }
    }

    /// From now on a read waits for as long as it takes.
    pub(super) fn be_patient(&self) -> io::Result<()> {
        self.connection.set_read_timeout(None)
    }

    /// Reads once, no more than `most` bytes, and appends what it means to `content`. Calls
    /// `arrived` as soon as there are bytes.
    pub(super) fn read(
        &mut self,
        most: usize,
        content: &mut Vec<u8>,
        arrived: impl FnOnce(),
    ) -> Read {
        if self.body.is_done() {
            return Read::End;
        }
        let most = most.min(self.buffer.len());
        let length = match std::mem::take(&mut self.received) {
            0 => read(&*self.connection, &mut self.buffer[..most]),
            waiting => Ok(waiting),
        };
        arrived();
        match length {
            Ok(0) if self.framing == Framing::UntilClose => Read::End,
            Ok(0) | Err(_) => Read::Cut,
            Ok(length) => match self.body.decode(&self.buffer[..length], content) {
                Ok(_) => Read::Bytes(length),
                Err(_) => Read::Cut,
            },
        }
    }

    /// Reads the body to its end; whether the connection can be used again.
    pub(super) fn finish(&mut self, content: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            match self.read(usize::MAX, content, || ()) {
                Read::Bytes(_) => {}
                Read::End => return Ok(self.framing != Framing::UntilClose),
                Read::Cut => return Err(ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

fn write_all(connection: &dyn Connection, bytes: &[u8]) -> io::Result<()> {
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

fn read(connection: &dyn Connection, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match connection.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(io::Error::new(ErrorKind::TimedOut, "no answer in time"));
            }
            read => return read,
        }
    }
}

fn broken(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the answer breaks the rules of HTTP: {why}"))
}
