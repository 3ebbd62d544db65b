//! How a stream ends.

use std::fmt;

/// Which end came first, when a stream has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client closed its connection.
    Client,
    /// The client's connection was reset, or writing to it failed.
    Reset,
    /// The server's side called `close`.
    Server,
    /// The last owner let go of the stream.
    Released,
    /// The channel that it followed was closed.
    Channel,
    /// It fell behind the log of a channel that closes such streams; or the large event that it
    /// was sending had left the log before its peer had taken all of it. It was cut off, so its
    /// client reconnects and is told what it missed.
    Lagged,
    /// Its peer took nothing for the whole write deadline.
    Stalled,
    /// The time came until which it was to last ([`SseWriter::close_at`]).
    ///
    /// [`SseWriter::close_at`]: crate::SseWriter::close_at
    Expired,
    /// The server stopped.
    Stopped,
    /// Its handler, one of its intervals or a thread that it spawned failed or panicked; it was cut
    /// off.
    Failed,
}

impl CloseReason {
    /// Whether the stream is ended with its last chunk, so that the client knows it to be whole.
    /// One that is cut off does not get it (RFC 9112, section 8).
    pub(crate) fn ends_well(self) -> bool {
        self.asks_to_return() || matches!(self, Self::Server | Self::Released | Self::Channel)
    }

    /// Whether the client is told when to come back. All at once would be the first load of a
    /// server's next start, and many streams may end at the same second.
    pub(crate) fn asks_to_return(self) -> bool {
        matches!(self, Self::Expired | Self::Stopped)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "the client closed the connection",
            Self::Reset => "the connection was reset",
            Self::Server => "the server closed the stream",
            Self::Released => "nobody held the stream any more",
            Self::Channel => "the channel was closed",
            Self::Lagged => "the client fell too far behind",
            Self::Stalled => "the client stopped reading",
            Self::Expired => "the stream's time was over",
            Self::Stopped => "the server stopped",
            Self::Failed => "the stream's handler or interval failed",
        })
    }
}
