//! An event stream that is open, and its end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::timed::Timed;
use crate::client::session::{End, Session};
use crate::error::{Error, Result};
use crate::event::parser::{MessageEvent, Parser};
use crate::http::ResponseHead;

/// The events of one stream of a server under test, each within the client's time.
///
/// As an iterator it gives the events, and ends when the stream has ended as it should. An error is
/// either a time that is over ([`is_timeout`](Error::is_timeout)), after which it can be asked
/// again, or that the stream was cut off, after which there is nothing more. Comments and other
/// blocks that are no events are passed over, and don't extend the time. Dropping it ends its
/// connection.
///
/// ```
/// use tidings::{Server, testing};
///
/// let server = Server::new()
///     .sse("/count", |stream, _| (1..=3).try_for_each(|n| stream.send(("number", n.to_string()))))
///     .start()?;
/// let events = testing::stream(&server, "/count")?.collect::<tidings::Result<Vec<_>>>()?;
/// let data: Vec<&str> = events.iter().map(|event| &*event.data).collect();
/// assert_eq!(data, ["1", "2", "3"]);
/// # server.stop()?;
/// # Ok::<(), tidings::Error>(())
/// ```
pub struct Stream {
    /// What it is called in messages.
    name: String,
    connection: Arc<Timed>,
    head: ResponseHead,
    session: Session,
    parser: Parser,
    within: Duration,
    /// How it has ended; events that came before that may still be waiting.
    end: Option<Result<()>>,
}

impl Stream {
    pub(super) fn new(
        name: String,
        connection: Arc<Timed>,
        head: ResponseHead,
        mut session: Session,
        within: Duration,
    ) -> Result<Self> {
        // A read that the deadline ends is told apart from one that fails.
        session.set_silence(Some(within))?;
        Ok(Self { name, connection, head, session, parser: Parser::new(), within, end: None })
    }

    /// How long each event may take from now on. Defaults to what its client says.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// The head of the response.
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// The value of the first field of this name in the head, in any case, if it is UTF-8.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field_text(name)
    }

    /// The id after which a client that has these events would ask for more; empty if there is
    /// none.
    pub fn last_event_id(&self) -> &str {
        self.parser.taken_last_event_id()
    }

    /// The next event.
    ///
    /// # Errors
    ///
    /// When it doesn't come in time ([`is_timeout`](Error::is_timeout)), or the stream ends before
    /// it. The message says what has come.
    pub fn event(&mut self) -> Result<MessageEvent> {
        self.take()?.ok_or_else(|| {
            Error::other(format!("{} has ended, and another event was expected", self.name))
        })
    }

    fn take(&mut self) -> Result<Option<MessageEvent>> {
        self.connection.allow(self.within);
        loop {
            if let Some(event) = self.parser.next_event() {
                return Ok(Some(event));
            }
            if let Some(end) = &mut self.end {
                return std::mem::replace(end, Ok(())).map(|()| None);
            }
            match self.session.read(&mut self.parser) {
                None => {}
                Some(End::Clean) => self.end = Some(Ok(())),
                Some(End::Lost(late)) if late.is_timeout() => {
                    return Err(self
                        .connection
                        .explain(late, &format!("an event of {}", self.name)));
                }
                Some(End::Lost(error) | End::TooLong(error)) => self.end = Some(Err(error)),
            }
        }
    }
}

impl Iterator for Stream {
    type Item = Result<MessageEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take().transpose()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("name", &self.name)
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}
