//! One connection: a request out, a head in, and then the stream until it ends.
//!
//! ```text
//! read ─► buffer ─► head? ─► ResponseHeadParser          once
//!            └────► body ──► BodyDecoder ─► content ─► Parser ─► events
//! ```
//!
//! Nothing here grows with what a server sends: the buffer is bounded by the longest head, the
//! content by the buffer, and lines and events by their parser.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::transport::{Connection, at_least};
use crate::error::{Error, Result};
use crate::event::parser::Parser;
use crate::http::{BodyDecoder, Framing, Refusal, ResponseHead, ResponseHeadParser};

/// How much one read may take. Small enough for a small device, and large enough that a burst of
/// events is a few reads.
const READ: usize = 16 * 1024;

/// So much of what a server says beside a status that is no stream is told to the user.
const EXCERPT: usize = 240;
/// It comes with the head, or soon.
const EXCERPT_DEADLINE: Duration = Duration::from_secs(1);

/// A server that takes no more of a request may have responded before. The response has come by
/// then, or nearly.
const EARLY_RESPONSE_DEADLINE: Duration = Duration::from_secs(1);

/// How a connection has ended.
pub(crate) enum End {
    /// As it should.
    Clean,
    /// The connection failed, or the server broke the rules of HTTP.
    Lost(Error),
    /// A bound was passed: the same would happen again.
    TooLong(Error),
}

pub(crate) struct Session {
    connection: Arc<dyn Connection>,
    body: BodyDecoder,
    framing: Framing,
    /// How long the server may be silent.
    silence: Option<Duration>,
    /// Holds what was received and not yet decoded in its first bytes.
    buffer: Vec<u8>,
    received: usize,
    content: Vec<u8>,
}

impl Session {
    /// Sends a request and reads the head of its response, by the deadline.
    ///
    /// A server may respond before it has taken the request, as it wants none of it. Its response
    /// then says more than that the request could not be sent (RFC 9112, section 9.5).
    pub(crate) fn open(
        connection: Arc<dyn Connection>,
        request: &[u8],
        longest_head: usize,
        deadline: Instant,
    ) -> Result<(ResponseHead, Self)> {
        match write_by(&*connection, request, deadline) {
            Ok(()) => Self::read_head(connection, longest_head, deadline),
            Err(unsent) => {
                let deadline = Instant::now() + EARLY_RESPONSE_DEADLINE;
                Self::read_head(connection, longest_head, deadline).map_err(|_| unsent)
            }
        }
    }

    fn read_head(
        connection: Arc<dyn Connection>,
        longest_head: usize,
        deadline: Instant,
    ) -> Result<(ResponseHead, Self)> {
        let mut parser = ResponseHeadParser::new(longest_head);
        let mut buffer = Vec::new();
        let mut received = 0;
        loop {
            buffer.resize(received + READ, 0);
            match read_by(&*connection, &mut buffer[received..], deadline)? {
                0 => return Err(cut("before the server responded")),
                length => received += length,
            }
            let parsed = parser.parse(&buffer[..received]).map_err(|refusal| broken(&refusal))?;
            let Some((head, consumed)) = parsed else { continue };
            buffer.drain(..consumed);
            received -= consumed;
            buffer.resize(READ.max(received), 0);
            buffer.shrink_to_fit();
            let framing = head.framing();
            let body = BodyDecoder::endless(framing);
            let content = Vec::new();
            return Ok((
                head,
                Self { connection, body, framing, silence: None, buffer, received, content },
            ));
        }
    }

    /// From now on the server may be silent for so long.
    pub(crate) fn set_silence(&mut self, silence: Option<Duration>) -> Result<()> {
        self.silence = silence;
        let set = self.connection.set_read_timeout(silence.map(at_least));
        set.map_err(|error| Error::io("can't set a deadline", error))
    }

    /// Takes what has come, and waits for it if nothing has. Events go to the parser. `None` if
    /// more may come.
    pub(crate) fn read(&mut self, parser: &mut Parser) -> Option<End> {
        if self.body.is_done() {
            return Some(End::Clean);
        }
        if self.received == 0 {
            match self.connection.read(&mut self.buffer) {
                Ok(0) if self.framing == Framing::UntilClose => return Some(End::Clean),
                Ok(0) => return Some(End::Lost(cut("in the middle of the stream"))),
                Ok(length) => self.received = length,
                Err(error) if error.kind() == ErrorKind::Interrupted => return None,
                Err(error) => return Some(End::Lost(self.failed(error))),
            }
        }
        let decoded = self.decode();
        // What came before a fault is as good as if there were none.
        let fed = parser.feed(&self.content);
        self.content.clear();
        match (fed, decoded) {
            (Err(error), _) => Some(End::TooLong(error)),
            (_, Err(error)) => Some(End::Lost(error)),
            _ => None,
        }
    }

    fn decode(&mut self) -> Result<()> {
        let received = std::mem::take(&mut self.received);
        let decoded = self.body.decode(&self.buffer[..received], &mut self.content);
        decoded.map(drop).map_err(|refusal| broken(&refusal))
    }

    fn failed(&self, error: io::Error) -> Error {
        match self.silence {
            Some(silence) if is_timeout(&error) => {
                Error::timed_out(format!("nothing has come for {silence:?}"))
            }
            _ => Error::io("the connection failed", error),
        }
    }

    /// All content of a response that has an end, by the deadline; no more than so many bytes.
    pub(crate) fn content(&mut self, most: usize, deadline: Instant) -> Result<Vec<u8>> {
        while !self.body.is_done() {
            if self.received == 0 {
                match read_by(&*self.connection, &mut self.buffer, deadline)? {
                    0 if self.framing == Framing::UntilClose => break,
                    0 => return Err(cut("in the middle of the response")),
                    length => self.received = length,
                }
            }
            self.decode()?;
            if self.content.len() > most {
                let what = format!("the content of the response is longer than {most} bytes");
                return Err(Error::bad_response(what, None));
            }
        }
        Ok(std::mem::take(&mut self.content))
    }

    /// The beginning of what the server says in place of a stream, as one line of text, once
    /// `public` has taken out what must not be shown.
    pub(crate) fn excerpt(&mut self, public: impl Fn(&str) -> String) -> String {
        let deadline = Instant::now() + EXCERPT_DEADLINE;
        while self.content.len() < EXCERPT && !self.body.is_done() {
            if self.received == 0 {
                match read_by(&*self.connection, &mut self.buffer, deadline) {
                    Ok(0) | Err(_) => break,
                    Ok(length) => self.received = length,
                }
            }
            if self.decode().is_err() {
                break;
            }
        }
        let text = String::from_utf8_lossy(&self.content);
        let words = text.split(|c: char| c.is_whitespace() || c.is_control());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        public(&words.join(" ")).chars().take(EXCERPT).collect()
    }
}

/// Writes it all, and waits no longer than until the deadline, in however many steps it is taken.
pub(crate) fn write_by(connection: &dyn Connection, bytes: &[u8], deadline: Instant) -> Result<()> {
    let failed = |error: io::Error| match is_timeout(&error) {
        true => Error::timed_out("the server did not take the request in time"),
        false => Error::io("can't send the request", error),
    };
    let mut rest = bytes;
    while !rest.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        // One write there always is, as a small request never waits.
        if left.is_zero() && rest.len() < bytes.len() {
            return Err(failed(ErrorKind::TimedOut.into()));
        }
        let set = connection.set_write_timeout(Some(at_least(left)));
        match set.and_then(|()| connection.write(rest)) {
            Ok(0) => return Err(failed(ErrorKind::WriteZero.into())),
            Ok(length) => rest = &rest[length..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

/// Reads, and waits no longer than until the deadline, however often it is called.
pub(crate) fn read_by(
    connection: &dyn Connection,
    buffer: &mut [u8],
    deadline: Instant,
) -> Result<usize> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let read = connection.set_read_timeout(Some(at_least(left)));
        match read.and_then(|()| connection.read(buffer)) {
            Ok(length) => return Ok(length),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => {
                return Err(Error::timed_out("the server did not respond in time"));
            }
            Err(error) => return Err(Error::io("the connection failed", error)),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    // Which of them it is differs between systems.
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

pub(crate) fn cut(when: &str) -> Error {
    Error::io(format!("the connection was cut {when}"), ErrorKind::UnexpectedEof.into())
}

pub(crate) fn broken(refusal: &Refusal) -> Error {
    Error::bad_response(format!("the response breaks the rules of HTTP: {}", refusal.why()), None)
}
