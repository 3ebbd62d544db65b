//! What an application holds of an event stream.
//!
//! Four things can be sent on a stream, and each has its method: an event, a comment, the
//! reconnection time, and the end.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Stream;
use crate::channel::Channel;
use crate::channel::subscription::Subscription;
use crate::error::{CloseReason, Error, Result};
use crate::event::{IntoEvent, encode};
use crate::http::{Status, masked_url};
use crate::log::cursor::Start;
use crate::peer::Peer;

/// One client's event stream.
///
/// A clone is the same stream. The stream lives as long as somebody holds it: the handler that was
/// given it, an [interval](Self::every), a [thread](Self::spawn) of its own, a
/// [channel](Self::subscribe) that it follows, or the application. When the last one lets go it
/// ends with its last chunk. It ends earlier when the client goes, which is noticed within a
/// second, or when somebody calls [`close`](Self::close).
///
/// The head goes out with [`open`](Self::open), with whatever is sent first, or when the handler
/// returns. Until then the status and the fields can be set.
///
/// ```no_run
/// use std::time::Duration;
/// use tidings::Server;
///
/// Server::bind("127.0.0.1:3000")?
///     .sse("/sse", |stream, _request| {
///         stream.set_field("X-Sensor", "attic")?;
///         stream.send(("temperature", "21.5"))?;
///         stream.every(Duration::from_secs(1), |stream| stream.send(("temperature", "21.6")))
///     })
///     .run()?;
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone)]
pub struct SseWriter(Arc<Stream>);

impl fmt::Debug for SseWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseWriter")
            .field("peer", &self.peer())
            .field("target", &masked_url(self.target()))
            .finish_non_exhaustive()
    }
}

impl SseWriter {
    pub(crate) fn new(stream: Arc<Stream>) -> Self {
        Self(stream)
    }

    pub(crate) fn stream(&self) -> &Arc<Stream> {
        &self.0
    }

    /// Sends the head now, and with it the comment line `:`, so that a browser or a proxy that
    /// waits for a byte of the body takes the stream for open. Does nothing if the head has gone
    /// out.
    ///
    /// # Errors
    ///
    /// When the stream has ended.
    pub fn open(&self) -> Result<()> {
        self.0.open()
    }

    /// Sets the status of the response, which is 200 unless it is set. A browser's `EventSource`
    /// takes no other for a stream.
    ///
    /// 204 and 304 have no body (RFC 9110, sections 15.3.5 and 15.4.5), so there is no stream with
    /// them: the head goes out alone, when the handler returns or with [`open`](Self::open), and
    /// that is the end. Whatever is sent then fails as on a stream that has
    /// [ended](crate::Error::is_closed). 204 tells an `EventSource` not to come back.
    ///
    /// # Errors
    ///
    /// When the head has gone out ([`is_already_open`]), the stream has ended, or the status is
    /// 205, whose response has no content either and does not end the matter ([`is_invalid`]).
    ///
    /// [`is_already_open`]: crate::Error::is_already_open
    /// [`is_invalid`]: crate::Error::is_invalid
    pub fn set_status(&self, status: Status) -> Result<()> {
        self.0.change_head("status", |head| {
            if status.code() == 205 {
                return Err(Error::invalid(
                    "a stream can't have the status 205, which has no content: 204 ends it",
                ));
            }
            head.set_status(status);
            Ok(())
        })
    }

    /// Sets a field of the response's head.
    ///
    /// # Errors
    ///
    /// When the head has gone out ([`is_already_open`]), the stream has ended, or the name or the
    /// value can't be sent.
    ///
    /// [`is_already_open`]: crate::Error::is_already_open
    pub fn set_field(&self, name: impl Into<String>, value: impl Into<String>) -> Result<()> {
        let (name, value) = (name.into(), value.into());
        self.0.change_head("field", |head| head.set_field(&name, &value))
    }

    /// Sends an event: data, `(type, data)`, `(id, type, data)` or an [`Event`](crate::Event).
    ///
    /// `Ok` says that the system has it, or that it waits after what the client has not yet read.
    /// While more than the limit of unsent bytes (256 KiB unless it is set) waits there, this call
    /// waits too, up to the write deadline (30 seconds unless it is set).
    ///
    /// # Errors
    ///
    /// When the stream has ended ([`is_closed`]), when it was full until the deadline
    /// ([`is_full`]), when the event is larger than [`Limits::event`](crate::Limits::event) allows
    /// ([`is_too_large`]), or when the id or the type holds CR, LF or NUL ([`is_invalid`]).
    ///
    /// [`is_closed`]: crate::Error::is_closed
    /// [`is_full`]: crate::Error::is_full
    /// [`is_invalid`]: crate::Error::is_invalid
    /// [`is_too_large`]: crate::Error::is_too_large
    pub fn send(&self, event: impl IntoEvent) -> Result<()> {
        self.send_event(event, true)
    }

    /// Sends an event as [`send`](Self::send) does, but never waits.
    ///
    /// # Errors
    ///
    /// As for `send`; [`is_full`](crate::Error::is_full) at once where that would wait.
    pub fn try_send(&self, event: impl IntoEvent) -> Result<()> {
        self.send_event(event, false)
    }

    fn send_event(&self, event: impl IntoEvent, wait: bool) -> Result<()> {
        let event = event.into_event()?;
        event.check_len(event.id(), self.0.runtime().limits.event)?;
        self.0.put(&event.to_bytes(), true, wait)
    }

    /// Sends a comment, which no handler of the client sees. Line breaks in it make several. Never
    /// waits, as [`try_send`](Self::try_send).
    ///
    /// # Errors
    ///
    /// When the stream has ended, or is full ([`is_full`](crate::Error::is_full)).
    pub fn comment(&self, text: &str) -> Result<()> {
        let mut content = Vec::new();
        encode::encode_comment(text, &mut content);
        self.0.put(&content, false, false)
    }

    /// Tells the client how long to wait before it comes back after a loss of the connection, in
    /// whole milliseconds. Never waits, as [`try_send`](Self::try_send).
    ///
    /// # Errors
    ///
    /// When the stream has ended, or is full ([`is_full`](crate::Error::is_full)).
    pub fn retry(&self, time: Duration) -> Result<()> {
        let mut content = Vec::new();
        encode::encode_retry(time, &mut content);
        self.0.put(&content, false, false)
    }

    /// Ends the stream with its last chunk, after everything that was sent. Does nothing if it
    /// has ended. A stream that was not open is opened first.
    ///
    /// The client will come back unless it was told not to: an `EventSource` takes every end for a
    /// loss of the connection.
    pub fn close(&self) {
        // Where opening fails the stream has ended already.
        let _ = self.0.open();
        self.0.end(CloseReason::Server);
    }

    /// Ends the stream at this time, for a client whose permission ends then: that of a session, or
    /// of a token. A stream has no such time unless it is set; called again, the last call counts.
    ///
    /// The end comes within a second after the time; or, where that is over already, within a
    /// second after the head has gone out. What waits for a slow client goes out before it, as far
    /// as it fits into the limit of unsent bytes. The stream ends with a reconnection time, of 2 to
    /// 4 seconds so that many clients don't come back at once, and its last chunk; the reason is
    /// [`CloseReason::Expired`]. A browser's `EventSource` comes back then, with its last event ID
    /// and the cookies that it has by that time. Where it is refused, as with a 401, it stays away.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use tidings::{Channel, Server};
    ///
    /// let news = Channel::new();
    /// let server = Server::bind("127.0.0.1:0")?.sse("/news", move |stream, _request| {
    ///     stream.close_at(Instant::now() + Duration::from_secs(3600));
    ///     stream.subscribe(&news)
    /// });
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// Does nothing if the stream has ended.
    pub fn close_at(&self, at: Instant) {
        self.0.close_at(at);
    }

    /// Says who the client is, for the [`Hooks`](crate::Hooks) of the server: it is
    /// [`StreamInfo::user`](crate::StreamInfo::user) in everything that they are told of this
    /// stream from now on. Nobody unless it is set. Called again, the last call counts.
    ///
    /// Does nothing, and costs nothing, where the server has no hooks.
    pub fn set_user(&self, user: &str) {
        self.0.set_user(user);
    }

    /// Whether the stream has not ended.
    pub fn is_active(&self) -> bool {
        self.0.is_active()
    }

    /// Has a callback run, once, when the stream ends, with the reason; soon, if the stream has
    /// ended already. It runs on a worker thread, with no lock held, and never on the stack of
    /// whoever ended the stream. (Only where the server has stopped and has no workers any more it
    /// runs right here.)
    ///
    /// Set it before the stream [follows](Self::follow) a channel: it may end as it does that, and
    /// the handler may return by its error then.
    ///
    /// A callback that holds a clone of this very stream keeps it alive until the client goes.
    pub fn on_close(&self, callback: impl FnOnce(CloseReason) + Send + 'static) {
        self.0.on_close(Box::new(callback));
    }

    /// The id of the last event that the client has seen, where it comes back: its
    /// `Last-Event-ID` field. Not UTF-8 or over 1 KiB, it is U+FFFD.
    pub fn last_event_id(&self) -> Option<&str> {
        self.0.last_event_id()
    }

    /// The client, or the proxy before it: see [`Request::peer`](crate::Request::peer).
    pub fn peer(&self) -> Peer {
        self.0.peer()
    }

    /// The request target as the client sent it: visible ASCII, safe to print.
    pub fn target(&self) -> &str {
        self.0.target()
    }

    /// Where the stream of a client begins: after its last event ID where it has one, else here.
    ///
    /// An id that the hub doesn't know, as from before a restart, is one too: its client is told of
    /// the gap, and is sent everything that is kept ([`Start::After`]), whatever `start` is.
    pub fn start_or<'a>(&'a self, start: Start<'a>) -> Start<'a> {
        self.last_event_id().map_or(start, Start::After)
    }

    /// Follows a channel: after the client's last event ID where it has one, else from now on.
    ///
    /// # Errors
    ///
    /// As for [`follow`](Self::follow).
    pub fn subscribe(&self, channel: &Channel) -> Result<()> {
        self.subscribe_from(channel, Start::Live)
    }

    /// Follows a channel: after the client's last event ID where it has one, known or not, else
    /// from `start` ([`start_or`](Self::start_or)).
    ///
    /// ```no_run
    /// use tidings::{Channel, Server, Start};
    ///
    /// let talk = Channel::new();
    /// Server::bind("127.0.0.1:3000")?
    ///     .sse("/talk", move |stream, _request| stream.subscribe_from(&talk, Start::Newest(50)))
    ///     .run()?;
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`follow`](Self::follow).
    pub fn subscribe_from(&self, channel: &Channel, start: Start<'_>) -> Result<()> {
        self.begin(std::slice::from_ref(channel), self.start_or(start))
    }

    /// Follows several channels of one hub, in the order of their events, from a place that the
    /// caller chooses; [`start_or`](Self::start_or) prefers the client's last event ID to it. The
    /// client is told that place first, by a block `id: <id>` that dispatches nothing: so if its
    /// connection is lost before the first event, it resumes there. If events from there on are
    /// gone, it is told so instead, by an event of type `tidings.gap`.
    ///
    /// Both go out in one `send` with the head, if that has not gone out.
    ///
    /// When all of the channels are closed, the stream ends once it has been sent what they had.
    /// Where they are closed already and have nothing for it, the response is 204 in its place
    /// ([`Channel::close`]).
    ///
    /// Set callbacks before this ([`on_close`](Self::on_close)): the stream may end as it follows.
    ///
    /// Where the hub's order lies elsewhere, a client may come with the id of an event that this
    /// hub has not come to. Then this waits for it, for two seconds at most. If the order can't be
    /// reached, the stream ends with a reconnection time: the client comes back with its id, and
    /// loses nothing.
    ///
    /// ```
    /// use tidings::{Channel, Hub, Server, Start};
    ///
    /// let hub = Hub::new();
    /// let server = Server::bind("127.0.0.1:0")?.sse("/events", move |stream, request| {
    ///     let channels = request.query_all("channel").map(|name| hub.channel(&name));
    ///     stream.follow(channels, stream.start_or(Start::Newest(10)))
    /// });
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the stream has ended or follows channels already, there is no channel, or the channels
    /// are not of one hub.
    pub fn follow<I>(&self, channels: I, start: Start<'_>) -> Result<()>
    where
        I: IntoIterator<Item: Borrow<Channel>>,
    {
        let channels = channels.into_iter().map(|channel| channel.borrow().clone());
        self.begin(&channels.collect::<Vec<_>>(), start)
    }

    fn begin(&self, channels: &[Channel], start: Start<'_>) -> Result<()> {
        match Subscription::new(channels, start) {
            Ok((subscription, first)) => self.0.follow(subscription, &first),
            Err(error) if error.is_unavailable() => {
                let retried = self.retry(self.0.runtime.come_back_after());
                self.close();
                retried.or_else(|error| if error.is_full() { Ok(()) } else { Err(error) })
            }
            Err(error) => Err(error),
        }
    }
}
