//! The one public error, and why a stream ended.
//!
//! An [`Error`] says what was wrong and what was expected, in lower case and without a full stop,
//! so that it reads well after a program's own words. Predicates say of which kind it is; the
//! cause, where there is one, is its [`source`](std::error::Error::source).

mod close_reason;

use std::fmt;
use std::io;
use std::time::Duration;

pub use close_reason::CloseReason;

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

enum Kind {
    Invalid(String),
    Request { what: String, status: u16 },
    Closed(CloseReason),
    ChannelClosed,
    Full,
    TooLarge { size: usize, most: usize },
    KeyReused,
    KeyInUse(Duration),
    TooManyKeys(usize),
    StorageFull(io::Error),
    StorageFailed { doing: String, source: io::Error },
    Unavailable(String),
    Unknown(String),
    PassedOn { status: u16, content: String, retry_after: Option<String> },
    BatchTooLarge { of: &'static str, size: usize, most: usize },
    Opened(&'static str),
    Response { what: String, status: Option<u16> },
    TimedOut(String),
    Io { doing: String, source: io::Error },
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A value that the wire or the API cannot carry.
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self(Box::new(Kind::Invalid(what.into())))
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

    /// The hub that takes the events has refused them, with this response.
    #[allow(dead_code, reason = "only an order with another hub makes it")]
    pub(crate) fn refused_elsewhere(
        status: u16,
        content: String,
        retry_after: Option<String>,
    ) -> Self {
        Self(Box::new(Kind::PassedOn { status, content, retry_after }))
    }

    /// What [`passed_on`](Self::passed_on) makes a response of, where it stands.
    pub(crate) fn response_parts(&self) -> Option<(u16, &str, Option<&str>)> {
        match &*self.0 {
            Kind::PassedOn { status, content, retry_after } => {
                Some((*status, content, retry_after.as_deref()))
            }
            _ => None,
        }
    }

    fn is_passed_on(&self, as_status: u16) -> bool {
        matches!(*self.0, Kind::PassedOn { status, .. } if status == as_status)
    }

    /// A batch of so many events or bytes, where its channel keeps no more than `most`.
    pub(crate) fn batch_too_large(of: &'static str, size: usize, most: usize) -> Self {
        Self(Box::new(Kind::BatchTooLarge { of, size, most }))
    }

    pub(crate) fn opened(what: &'static str) -> Self {
        Self(Box::new(Kind::Opened(what)))
    }

    /// A response that is of no use to a client; the status if that was the reason.
    pub(crate) fn response(what: impl Into<String>, status: Option<u16>) -> Self {
        Self(Box::new(Kind::Response { what: what.into(), status }))
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

    /// Whether it was a value that the wire can't carry, or a call that can't be.
    pub fn is_invalid(&self) -> bool {
        matches!(*self.0, Kind::Invalid(_))
    }

    /// Whether a request was not what its handler asked it to be. A handler that returns such an
    /// error responds with its [`status`](Self::status): 400 or 415.
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
        matches!(*self.0, Kind::Response { .. })
    }

    /// What [`status`](Self::status) makes a status of, where it stands: nothing here knows HTTP.
    pub(crate) fn status_code(&self) -> Option<u16> {
        match *self.0 {
            Kind::Response { status, .. } => status,
            Kind::Request { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Whether a client's server did not respond, or was silent, for as long as the client waits.
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

    /// Whether the events were refused because their idempotency key was used for other events, or
    /// on another channel, within the last five minutes ([`Channel::send_once`]). A handler that
    /// returns such an error responds with 422.
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
        match &*self.0 {
            Kind::Invalid(what)
            | Kind::Request { what, .. }
            | Kind::Response { what, .. }
            | Kind::Unavailable(what)
            | Kind::Unknown(what)
            | Kind::TimedOut(what) => f.write_str(what),
            Kind::PassedOn { content, .. } => {
                write!(f, "the hub that this one follows responded: {}", content.trim_end())
            }
            Kind::ChannelClosed => f.write_str("the channel is closed"),
            Kind::Closed(reason) => reason.fmt(f),
            Kind::Full => f.write_str(
                "the stream is full: its peer reads more slowly than events are sent to it",
            ),
            Kind::TooLarge { size, most } => write!(
                f,
                "the event is too large: it takes {size} bytes as it is sent, and may take {most}"
            ),
            Kind::KeyReused => f.write_str(
                "this idempotency key was used for other events, or on another channel, in the \
                 last five minutes",
            ),
            Kind::KeyInUse(waited) => write!(
                f,
                "another publish with this idempotency key has not ended for {} seconds",
                waited.as_secs()
            ),
            Kind::TooManyKeys(most) => write!(
                f,
                "{most} idempotency keys were used in the last five minutes, and no more are known"
            ),
            Kind::StorageFull(source) => write!(f, "the disk of the journal is full: {source}"),
            Kind::StorageFailed { doing, source } => write!(f, "{doing}: {source}"),
            Kind::BatchTooLarge { of, size, most } => write!(
                f,
                "the batch is too large: it takes {size} {of} of its channel's history, which \
                 keeps {most}, so its first events would be gone before a stream could be sent \
                 them; publish it in parts"
            ),
            Kind::Opened(what) => {
                write!(f, "the {what} can't be set any more: the head of the stream has gone out")
            }
            Kind::Io { doing, source } => write!(f, "{doing}: {source}"),
            Kind::Other(error) => error.fmt(f),
        }
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
        match &*self.0 {
            Kind::Io { source, .. }
            | Kind::StorageFull(source)
            | Kind::StorageFailed { source, .. } => Some(source),
            Kind::Other(error) => error.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::other(error)
    }
}
