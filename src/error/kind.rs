//! What each error holds, and its text.

use std::any::Any;
use std::fmt;
use std::io;
use std::time::Duration;

use super::CloseReason;

pub(super) enum Kind {
    /// It may be a value of the client's.
    Invalid {
        what: String,
        is_value: bool,
    },
    Request {
        what: String,
        status: u16,
    },
    Closed(CloseReason),
    ChannelClosed,
    Full,
    TooLarge {
        size: usize,
        most: usize,
    },
    KeyReused,
    KeyInUse(Duration),
    TooManyKeys(usize),
    StorageFull(io::Error),
    StorageFailed {
        doing: String,
        source: io::Error,
    },
    Unavailable(String),
    Unknown(String),
    /// The response may be that of the hub that takes the events, which has refused them.
    Responding {
        response: Box<dyn Any + Send + Sync>,
        status: u16,
        what: String,
        is_elsewhere: bool,
    },
    BatchTooLarge {
        of: &'static str,
        size: usize,
        most: usize,
    },
    Opened(&'static str),
    BadResponse {
        what: String,
        status: Option<u16>,
    },
    TimedOut(String),
    Io {
        doing: String,
        source: io::Error,
    },
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { what, .. }
            | Self::Request { what, .. }
            | Self::Responding { what, .. }
            | Self::BadResponse { what, .. }
            | Self::Unavailable(what)
            | Self::Unknown(what)
            | Self::TimedOut(what) => f.write_str(what),
            Self::ChannelClosed => f.write_str("the channel is closed"),
            Self::Closed(reason) => reason.fmt(f),
            Self::Full => f.write_str(
                "the stream is full: its peer reads more slowly than events are sent to it",
            ),
            Self::TooLarge { size, most } => write!(
                f,
                "the event is too large: it takes {size} bytes as it is sent, and may take {most}"
            ),
            Self::KeyReused => f.write_str(
                "this idempotency key was used for other events on this channel, within five \
                 minutes",
            ),
            Self::KeyInUse(waited) => write!(
                f,
                "another publish with this idempotency key has not ended for {} seconds",
                waited.as_secs()
            ),
            Self::TooManyKeys(most) => write!(
                f,
                "{most} idempotency keys were used in the last five minutes, and no more are known"
            ),
            Self::StorageFull(source) => write!(f, "the disk of the journal is full: {source}"),
            Self::StorageFailed { doing, source } => write!(f, "{doing}: {source}"),
            Self::BatchTooLarge { of, size, most } => write!(
                f,
                "the batch is too large: it takes {size} {of} of its channel's history, which \
                 keeps {most}, so its first events would be gone before a stream could be sent \
                 them; publish it in parts"
            ),
            Self::Opened(what) => {
                write!(f, "the {what} can't be set any more: the head of the stream has gone out")
            }
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl Kind {
    pub(super) fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. }
            | Self::StorageFull(source)
            | Self::StorageFailed { source, .. } => Some(source),
            Self::Other(error) => error.source(),
            _ => None,
        }
    }
}
