//! The one public error, and why a stream ended.
//!
//! An [`Error`] says what was wrong and what was expected, in lower case and without a full stop,
//! so that it reads well after a program's own words. Predicates say of which kind it is; the
//! cause, where there is one, is its [`source`](std::error::Error::source).

mod close_reason;
mod kind;

use std::any::Any;
use std::fmt;
use std::io;
use std::time::Duration;

pub use close_reason::CloseReason;
use kind::Kind;

/// What every fallible call of this crate gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done.
///
/// ```
/// use tidings::EventType;
///
/// let error = EventType::new("two\nlines").unwrap_err();
/// assert!(error.is_invalid());
/// assert_eq!(
///     error.to_string(),
///     "an event type must not contain CR, LF or NUL, as they end a field: \"two\\nlines\"",
/// );
/// ```
pub struct Error(Box<Kind>);

impl Error {
    /// A call that can't be: a mistake of the program's.
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self(Box::new(Kind::Invalid { what: what.into(), is_value: false }))
    }

    /// A value that the wire or the API can't carry, which may be the client's.
    pub(crate) fn invalid_value(what: impl Into<String>) -> Self {
        Self(Box::new(Kind::Invalid { what: what.into(), is_value: true }))
    }

    /// A request that its handler cannot take, and the status that it gets.
    pub(crate) fn request(status: u16, what: impl Into<String>) -> Self {
        Self(Box::new(Kind::Request { what: what.into(), status }))
    }

    pub(crate) fn closed(reason: CloseReason) -> Self {
        Self(Box::new(Kind::Closed(reason)))
    }

    pub(crate) fn channel_closed() -> Self {
        Self(Box::new(Kind::ChannelClosed))
    }

    pub(crate) fn full() -> Self {
        Self(Box::new(Kind::Full))
    }

    /// An event of this encoded size, where one may have no more than `most`.
    pub(crate) fn too_large(size: usize, most: usize) -> Self {
        Self(Box::new(Kind::TooLarge { size, most }))
    }

    /// An idempotency key that stands for other events.
    pub(crate) fn key_reused() -> Self {
        Self(Box::new(Kind::KeyReused))
    }

    /// An idempotency key whose publish has been under way for so long.
    pub(crate) fn key_in_use(waited: Duration) -> Self {
        Self(Box::new(Kind::KeyInUse(waited)))
    }

    /// So many idempotency keys are known, and there may be no more.
    pub(crate) fn too_many_keys(most: usize) -> Self {
        Self(Box::new(Kind::TooManyKeys(most)))
    }

    /// The disk has no room for what was to be published.
    #[allow(dead_code, reason = "only a journal makes it")]
    pub(crate) fn storage_full(source: io::Error) -> Self {
        Self(Box::new(Kind::StorageFull(source)))
    }

    /// What was to be published can't be kept, for a reason that is not a full disk.
    #[allow(dead_code, reason = "only a journal makes it")]
    pub(crate) fn storage_failed(doing: impl Into<String>, source: io::Error) -> Self {
        Self(Box::new(Kind::StorageFailed { doing: doing.into(), source }))
    }

    /// The order of the hub lies elsewhere, and did not take what was to be published.
    #[allow(dead_code, reason = "only an order elsewhere makes it")]
    pub(crate) fn unavailable(what: impl Into<String>) -> Self {
        Self(Box::new(Kind::Unavailable(what.into())))
    }

    /// The order of the hub lies elsewhere, and nobody knows whether it took what was to be
    /// published.
    #[allow(dead_code, reason = "only an order elsewhere makes it")]
    pub(crate) fn unknown(what: impl Into<String>) -> Self {
        Self(Box::new(Kind::Unknown(what.into())))
    }

    /// One that a handler responds to with this `response` of this status. Nothing here knows HTTP,
    /// so what it is stands in `http`.
    pub(crate) fn responding(
        response: Box<dyn Any + Send + Sync>,
        status: u16,
        what: String,
        is_elsewhere: bool,
    ) -> Self {
        Self(Box::new(Kind::Responding { response, status, what, is_elsewhere }))
    }

    /// The response of [`responding`](Self::responding).
    pub(crate) fn response_within(&self) -> Option<&(dyn Any + Send + Sync)> {
        match &*self.0 {
            Kind::Responding { response, .. } => Some(&**response),
            _ => None,
        }
    }

    /// Whether the hub that takes the events has refused them with this status.
    fn is_passed_on(&self, as_status: u16) -> bool {
        match *self.0 {
            Kind::Responding { status, is_elsewhere, .. } => is_elsewhere && status == as_status,
            _ => false,
        }
    }

    /// A batch of so many events or bytes, where its channel keeps no more than `most`.
    pub(crate) fn batch_too_large(of: &'static str, size: usize, most: usize) -> Self {
        Self(Box::new(Kind::BatchTooLarge { of, size, most }))
    }

    pub(crate) fn opened(what: &'static str) -> Self {
        Self(Box::new(Kind::Opened(what)))
    }

    /// A response that is of no use to a client; the status if that was the reason.
    pub(crate) fn bad_response(what: impl Into<String>, status: Option<u16>) -> Self {
        Self(Box::new(Kind::BadResponse { what: what.into(), status }))
    }

    pub(crate) fn timed_out(what: impl Into<String>) -> Self {
        Self(Box::new(Kind::TimedOut(what.into())))
    }

    pub(crate) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self(Box::new(Kind::Io { doing: doing.into(), source }))
    }

    /// Wraps an error of the application's own, so that a handler can end with `?`.
    ///
    /// ```
    /// let error = tidings::Error::other("the sensor does not respond");
    /// assert_eq!(error.to_string(), "the sensor does not respond");
    /// ```
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Box::new(Kind::Other(error.into())))
    }

    /// Whether it was a value that the wire can't carry, or a call that can't be. A handler that
    /// returns an error about such a value (an id with a line break, say) responds with 400 if its
    /// request has a query, parameters or a body, as the value came with these.
    pub fn is_invalid(&self) -> bool {
        matches!(*self.0, Kind::Invalid { .. })
    }

    pub(crate) fn is_invalid_value(&self) -> bool {
        matches!(*self.0, Kind::Invalid { is_value: true, .. })
    }

    /// Whether a request was not what its handler asked it to be: see
    /// [`bad_request`](Self::bad_request). A handler that returns such an error responds with its
    /// [`status`](Self::status): 400 or 415.
    pub fn is_bad_request(&self) -> bool {
        matches!(*self.0, Kind::Request { .. })
    }

    /// Whether the stream had ended; [`close_reason`](Self::close_reason) says how. Of a channel
    /// that was to be published on or followed, see [`is_channel_closed`](Self::is_channel_closed).
    pub fn is_closed(&self) -> bool {
        matches!(*self.0, Kind::Closed(_))
    }

    /// Whether the channel that was to be published on or followed had been closed
    /// ([`Channel::close`](crate::Channel::close)). A stream that followed it has ended by itself,
    /// and says so with [`is_closed`](Self::is_closed).
    pub fn is_channel_closed(&self) -> bool {
        matches!(*self.0, Kind::ChannelClosed)
    }

    /// Whether a server's response to a client was no event stream, or broke the rules of HTTP.
    pub fn is_bad_response(&self) -> bool {
        matches!(*self.0, Kind::BadResponse { .. })
    }

    /// What [`status`](Self::status) makes a status of, where it stands: nothing here knows HTTP.
    pub(crate) fn status_code(&self) -> Option<u16> {
        match *self.0 {
            Kind::BadResponse { status, .. } => status,
            Kind::Request { status, .. } | Kind::Responding { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Whether a client's server did not respond, or was silent, for as long as the client waits;
    /// or a [reader](crate::ChannelReader::next_within) got no event in its time.
    pub fn is_timeout(&self) -> bool {
        matches!(*self.0, Kind::TimedOut(_))
    }

    /// How the stream ended, if [`is_closed`](Self::is_closed).
    pub fn close_reason(&self) -> Option<CloseReason> {
        match *self.0 {
            Kind::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether the peer takes its events more slowly than they are sent, and its buffer is full.
    pub fn is_full(&self) -> bool {
        matches!(*self.0, Kind::Full)
    }

    /// Whether an event was larger than its channel ([`History::event`]) or its stream
    /// ([`Limits::event`]) takes, or a batch larger than what its channel keeps
    /// ([`Channel::send_all`]). It was not published, and not sent. The message has both sizes. A
    /// handler that returns such an error to a request with a body responds with 413.
    ///
    /// [`Channel::send_all`]: crate::Channel::send_all
    /// [`History::event`]: crate::History::event
    /// [`Limits::event`]: crate::Limits::event
    pub fn is_too_large(&self) -> bool {
        matches!(*self.0, Kind::TooLarge { .. } | Kind::BatchTooLarge { .. })
            || self.is_passed_on(413)
    }

    /// Whether the events were refused because their idempotency key was used on this channel for
    /// other events, within the last five minutes ([`Channel::send_once`]). A handler that returns
    /// such an error responds with 422.
    ///
    /// [`Channel::send_once`]: crate::Channel::send_once
    pub fn is_key_reused(&self) -> bool {
        matches!(*self.0, Kind::KeyReused) || self.is_passed_on(422)
    }

    /// Whether another publish with the same idempotency key has been under way for so long that
    /// this one no longer waits for it. Try it again with the same key. A handler that returns such
    /// an error responds with 409.
    pub fn is_key_in_use(&self) -> bool {
        matches!(*self.0, Kind::KeyInUse(_)) || self.is_passed_on(409)
    }

    /// Whether the hub knows as many idempotency keys as it may: 100,000 in five minutes. Try it
    /// again later, or without a key. A handler that returns such an error responds with 503.
    pub fn is_too_many_keys(&self) -> bool {
        matches!(*self.0, Kind::TooManyKeys(_))
    }

    /// Whether the events were not published because the disk of the journal is full. Publishing
    /// works again once there is room. A handler that returns such an error responds with 507.
    pub fn is_storage_full(&self) -> bool {
        matches!(*self.0, Kind::StorageFull(_)) || self.is_passed_on(507)
    }

    /// Whether the events were not published because the journal could not be written or synced.
    /// A handler that returns such an error responds with 503.
    pub fn is_storage_failed(&self) -> bool {
        matches!(*self.0, Kind::StorageFailed { .. })
    }

    /// Whether the events were certainly not published, as Redis or the followed hub can't be
    /// reached, or takes nothing now. Try it again a little later. A handler that returns such an
    /// error responds with 503.
    pub fn is_unavailable(&self) -> bool {
        matches!(*self.0, Kind::Unavailable(_)) || self.is_passed_on(503)
    }

    /// Whether nobody knows if the events were published: the connection to Redis or the followed
    /// hub was lost before its response. Try it again under the same idempotency key
    /// ([`Channel::send_once`]), and they are published once. A handler that returns such an error
    /// responds with 504.
    ///
    /// [`Channel::send_once`]: crate::Channel::send_once
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(*self.0, Kind::Unknown(_)) || self.is_passed_on(504)
    }

    /// Whether a status or a field was set after the head had gone out.
    pub fn is_already_open(&self) -> bool {
        matches!(*self.0, Kind::Opened(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What the user sees where `main` returns this error.
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::other(error)
    }
}
