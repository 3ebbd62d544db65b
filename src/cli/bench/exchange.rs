//! One request after the other on a connection, as publishers send them.
//!
//! ```text
//! request ──► connection ──► head ──► ResponseHeadParser     once for each answer
//!                        └─► body ──► BodyDecoder
//! ```
//!
//! Made of the library's public parts. What an answer says beside its status is read and dropped.

use std::io::{self, ErrorKind};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tidings::client::{Connection, Tcp, Transport, Url};
use tidings::http::{BodyDecoder, Framing, ResponseHead, ResponseHeadParser};

/// How long a connection may take, and how long the head of an answer.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);
/// As much as browsers take of a head, more or less.
const LONGEST_HEAD: usize = 64 * 1024;
/// There may be a thousand publishers, and answers are short.
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

impl Exchange {
    pub(super) fn connect(address: &Url) -> io::Result<Self> {
        let connection = Tcp.connect(address, DEADLINE)?;
        let body = BodyDecoder::endless(Framing::None);
        Ok(Self { connection, body, framing: Framing::None, buffer: vec![0; BUFFER], received: 0 })
    }

    /// Sends a request and reads its whole answer; gives the head, and whether the connection can
    /// be used again.
    pub(super) fn ask(&mut self, request: &[u8]) -> io::Result<(ResponseHead, bool)> {
        self.connection.set_read_timeout(Some(DEADLINE))?;
        write_all(&*self.connection, request)?;
        let head = self.read_head()?;
        while !self.body.is_done() {
            if self.received == 0 {
                self.received = read(&*self.connection, &mut self.buffer)?;
            }
            match mem::take(&mut self.received) {
                0 if self.framing == Framing::UntilClose => return Ok((head, false)),
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                length => self.decode(length)?,
            }
        }
        Ok((head, self.framing != Framing::UntilClose))
    }

    fn read_head(&mut self) -> io::Result<ResponseHead> {
        let mut parser = ResponseHeadParser::new(LONGEST_HEAD);
        let mut bytes = Vec::new();
        loop {
            let length = read(&*self.connection, &mut self.buffer)?;
            if length == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            bytes.extend_from_slice(&self.buffer[..length]);
            let parsed = parser.parse(&bytes).map_err(|refusal| broken(refusal.why()))?;
            let Some((head, consumed)) = parsed else { continue };
            self.framing = head.framing();
            self.body = BodyDecoder::endless(self.framing);
            // What is behind the head came with the last read, and fits where that did.
            let behind = &bytes[consumed..];
            self.buffer[..behind.len()].copy_from_slice(behind);
            self.received = behind.len();
            return Ok(head);
        }
    }

    fn decode(&mut self, length: usize) -> io::Result<()> {
        let mut content = Vec::new();
        let decoded = self.body.decode(&self.buffer[..length], &mut content);
        decoded.map(drop).map_err(|refusal| broken(refusal.why()))
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
