//! The event source: connections one after the other, and one stream of events out of them.
//!
//! ```text
//!          ┌───────────────────────────────────────────────┐
//!          ▼                                               │
//!        Ready ──► (attempt) ──► Open ──► (its end) ──► Waiting
//!                      │                      │
//!                      └───────► Done ◄───────┘
//! ```
//!
//! What each state does is in [`steps`], the wait too. How long it waits is in
//! [`backoff`](super::backoff), and what cuts a wait short in [`closer`](super::closer).
//!
//! It has no thread of its own: whoever asks for the next event does the waiting. The events of one
//! read are returned before the connection is read again, so no more than one read's events are
//! ever kept. The end of a connection is told after the events that came before it.

mod steps;

use std::fmt;
use std::iter::FusedIterator;
use std::mem;
use std::time::{Duration, Instant};

use super::attempt::{Bounds, Trouble, attempt};
use super::backoff::pause;
use super::closer::Closer;
use super::request::StreamRequest;
use super::session::{End, Session};
use super::transport::{Plain, Transport};
use super::update::Update;
use crate::error::{CloseReason, Error, Result};
use crate::event::EventId;
use crate::event::parser::{MessageEvent, Parser};
use crate::http::Method;
use crate::limits::LONGEST;
use crate::random::random;

/// The standard asks for "probably in the region of a few seconds".
const RECONNECTION_TIME: Duration = Duration::from_secs(3);

/// A server that has been down for long is asked once a minute.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// Follows an event stream over as many connections as it takes.
///
/// It connects when it is first asked for an event, and blocks until there is one. As an iterator
/// it gives the events; what else happens, [`next_update`](Self::next_update) tells. After an error
/// it is done. Dropping it ends its connection.
///
/// A stream that is asked for with a GET is connected to again whenever its connection ends. One
/// that is asked for with a POST is not, as to ask again might do something again: it ends with its
/// first connection, unless [`reconnects`](Self::reconnects) says otherwise.
///
/// Its knobs take it and give it back, so they are for the start. What they say of one that is
/// under way holds from the next connection on, but for the bounds of lines and events, which hold
/// at once. A time of more than a year is a year.
///
/// ```
/// use tidings::client::EventSource;
/// use tidings::{Channel, Server};
///
/// let news = Channel::new();
/// let server = Server::bind("127.0.0.1:0")?
///     .sse("/news", { let news = news.clone(); move |stream, _| stream.subscribe(&news) })
///     .start()?;
/// let seen = news.send("sun")?;
/// news.send("clouds")?;
///
/// // A client that has seen an event is sent what came after it.
/// let url = format!("http://{}/news", server.address());
/// let mut source = EventSource::new(&url)?.with_last_event_id(seen);
/// assert_eq!(source.next().unwrap()?.data, "clouds");
/// # server.stop()?;
/// # Ok::<(), tidings::Error>(())
/// ```
pub struct EventSource {
    request: StreamRequest,
    transport: Box<dyn Transport>,
    bounds: Bounds,
    /// Until the stream names another.
    reconnection_time: Duration,
    longest_backoff: Duration,
    reconnects: bool,
    keeps_trying: bool,
    most_failures: Option<u32>,
    /// Outlives connections, as the last event ID does.
    parser: Parser,
    state: State,
    /// When the last attempt began.
    began: Instant,
    /// How many attempts in a row have failed.
    failures: u32,
    /// Whether the connection has brought an event.
    fruitful: bool,
    /// It has been told that the last event ID is left out.
    id_told: bool,
    closer: Closer,
}

enum State {
    /// To connect is next.
    Ready,
    /// With how the connection has ended; events that it brought may still be waiting then.
    Open(Session, Option<End>),
    /// Until then nothing is to be done.
    Waiting(Instant),
    /// For good.
    Done,
}

impl EventSource {
    /// An event source for the stream at this URL.
    ///
    /// # Errors
    ///
    /// If it is none: see [`Url::parse`](super::Url::parse). Whether there is a stream turns out
    /// when the first event is asked for; so does it for an `https` URL that it needs another
    /// [`transport`](Self::transport).
    pub fn new(url: &str) -> Result<Self> {
        StreamRequest::get(url).map(Self::with)
    }

    /// An event source for what this request asks for.
    pub fn with(request: StreamRequest) -> Self {
        Self {
            reconnects: request.method() == Method::Get,
            request,
            transport: Box::new(Plain),
            bounds: Bounds::default(),
            reconnection_time: RECONNECTION_TIME,
            longest_backoff: LONGEST_BACKOFF,
            keeps_trying: false,
            most_failures: None,
            parser: Parser::new(),
            state: State::Ready,
            began: Instant::now(),
            failures: 0,
            fruitful: false,
            id_told: false,
            closer: Closer::default(),
        }
    }

    /// Goes over this in place of plain TCP. Defaults to [`Plain`].
    #[must_use]
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Box::new(transport);
        self
    }

    /// Resumes after the event with this id. An id that no field can carry is not sent: see
    /// [`Update::IdLeftOut`]. Defaults to none: the server begins where it likes.
    #[must_use]
    pub fn with_last_event_id(mut self, id: EventId) -> Self {
        self.parser = mem::take(&mut self.parser).with_last_event_id(id);
        self
    }

    /// Whether it connects again when a connection has ended or could not be made. Without, it ends
    /// with its first connection: cleanly if the stream did, and else with an error.
    /// Defaults to yes for a GET and no for a POST.
    #[must_use]
    pub fn reconnects(mut self, reconnects: bool) -> Self {
        self.reconnects = reconnects;
        self
    }

    /// Whether it tries again after a response of 429, 502, 503 or 504, by which a server or a
    /// proxy says that it is busy or down: after the time that `Retry-After` names, at most a day,
    /// and without one after a wait that doubles with each failure. This holds for a POST as well,
    /// and whether or not it [reconnects](Self::reconnects). Defaults to no: the standard has an
    /// event source give up at every status but 200 (HTML, section 9.2.3).
    #[must_use]
    pub fn keep_trying(mut self, keep_trying: bool) -> Self {
        self.keeps_trying = keep_trying;
        self
    }

    /// After how many attempts in a row that brought no stream it gives up, with the last error.
    /// At least one is made. Defaults to none: it never gives up.
    #[must_use]
    pub fn give_up_after(mut self, attempts: u32) -> Self {
        self.most_failures = Some(attempts.max(1));
        self
    }

    /// How long it waits before it connects again, until the stream says otherwise with `retry`.
    /// However short that is, attempts begin 100 milliseconds apart. Defaults to 3 seconds.
    #[must_use]
    pub fn reconnection_time(mut self, time: Duration) -> Self {
        self.reconnection_time = time;
        self
    }

    /// The longest wait that failures can make of it, the part that is left to chance included;
    /// each failure doubles the wait. Defaults to a minute.
    /// A longer reconnection time is honoured all the same, up to a day.
    #[must_use]
    pub fn longest_backoff(mut self, time: Duration) -> Self {
        self.longest_backoff = time;
        self
    }

    /// How long the server may send nothing at all; past it the connection is given up for lost.
    /// Comments count, so for a server that sends heartbeats a few times their period is right: 45
    /// seconds for a `tidings` server. Where this is shorter than the
    /// [`response_deadline`](Self::response_deadline), it takes its place.
    /// Defaults to for ever, as not every server sends heartbeats.
    #[must_use]
    pub fn silence(mut self, time: Duration) -> Self {
        self.bounds.silence = Some(time.min(LONGEST));
        self
    }

    /// How long making a connection may take. Defaults to 10 seconds.
    #[must_use]
    pub fn connect_deadline(mut self, time: Duration) -> Self {
        self.bounds.connect_deadline = time.min(LONGEST);
        self
    }

    /// How long a server may take from the connection to the end of the head of its response: to
    /// take the request, and to respond. Where a request can't be sent there is one second more,
    /// for a response that says why. Defaults to 30 seconds.
    #[must_use]
    pub fn response_deadline(mut self, time: Duration) -> Self {
        self.bounds.response_deadline = time.min(LONGEST);
        self
    }

    /// How many redirects one attempt follows. Past them it fails for good. Defaults to 20.
    #[must_use]
    pub fn max_redirects(mut self, redirects: u32) -> Self {
        self.bounds.most_redirects = redirects;
        self
    }

    /// Bounds the head of a response, in bytes. Past it the attempt fails. Defaults to 64 KiB.
    #[must_use]
    pub fn max_head(mut self, bytes: usize) -> Self {
        self.bounds.longest_head = bytes;
        self
    }

    /// Bounds a line of the stream, in bytes. Past it the source fails for good, as the server
    /// would send the same line again. Defaults to 4 MiB.
    #[must_use]
    pub fn max_line(mut self, bytes: usize) -> Self {
        self.parser = mem::take(&mut self.parser).max_line(bytes);
        self
    }

    /// Bounds the data of one event, in bytes. Past it the source fails for good, as the server
    /// would send the same event again. Defaults to 16 MiB.
    #[must_use]
    pub fn max_event(mut self, bytes: usize) -> Self {
        self.parser = mem::take(&mut self.parser).max_event(bytes);
        self
    }

    /// What can close this source from another thread.
    pub fn closer(&self) -> Closer {
        self.closer.clone()
    }

    /// The request, as it goes out at the next connection but for the last event ID.
    pub fn request(&self) -> &StreamRequest {
        &self.request
    }

    /// Asks for this from the next connection on: with another token, say, where the one before
    /// runs out. The last event ID is kept, and so is whether it [reconnects](Self::reconnects). A
    /// 401 ends a source for good, so set a new token before it comes.
    ///
    /// ```no_run
    /// use tidings::client::{EventSource, StreamRequest, Update};
    ///
    /// # fn new_token() -> String { String::new() }
    /// let request = || {
    ///     let token = format!("Bearer {}", new_token());
    ///     let request = StreamRequest::get("http://localhost:3000/events/news")?;
    ///     request.with_field("Authorization", token)
    /// };
    /// let mut source = EventSource::with(request()?);
    /// while let Some(update) = source.next_update() {
    ///     match update? {
    ///         Update::Event(event) => println!("{}", event.data),
    ///         Update::Lost { .. } => source.set_request(request()?),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok::<(), tidings::Error>(())
    /// ```
    pub fn set_request(&mut self, request: StreamRequest) {
        self.request = request;
    }

    /// The id after which to resume, given the events that were given out; empty where there is
    /// none. Events that had been received and not yet given out when the source was closed come
    /// again to a source that resumes after this id.
    pub fn last_event_id(&self) -> &str {
        self.parser.taken_last_event_id()
    }
}
