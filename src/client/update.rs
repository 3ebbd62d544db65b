//! What happens to an event source, in the order in which it happens.

use std::time::Duration;

use super::url::Url;
use crate::error::Error;
use crate::event::parser::MessageEvent;
use crate::http::ResponseHead;

/// One step in the life of an [`EventSource`](super::EventSource).
///
/// ```text
/// [IdLeftOut]                         at most once, before a connect
///
/// (connect) ─┬─► Opened ──► Event ──► Event ──► (the connection ends) ─┬─► Lost ──► (connect)
///            │                                                        └─► Ended
///            ├─► Lost ──► (connect)      no connection, no response, half of one; and a busy
///            │                           server, if the source is to keep trying
///            ├─► Stopped                 204
///            └─► an error                any other response: for good
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// The server has responded with an event stream.
    Opened {
        /// Where the stream is, which a redirect may have changed.
        url: Url,
        /// The head of the response.
        head: ResponseHead,
    },
    /// An event.
    Event(MessageEvent),
    /// The connection has ended, or could not be made, or the server was busy. There will be
    /// another.
    Lost {
        /// Why. Where the server has ended the stream as it should,
        /// [`close_reason`](Error::close_reason) is [`CloseReason::Server`](crate::CloseReason).
        error: Error,
        /// How long it waits before it connects again, counted from now.
        retry_in: Duration,
    },
    /// The requests from here on go out without the last event ID, as no field can carry the one
    /// that the stream has named, or it is longer than 8 KiB. So the server does not know where to
    /// resume, and events may be missed. [`last_event_id`](super::EventSource::last_event_id) keeps
    /// it, and a later id that a field can carry is sent again. A source tells this once.
    IdLeftOut {
        /// Why it is not sent.
        error: Error,
    },
    /// The server has responded with 204: there is nothing more, and never will be.
    Stopped,
    /// The server has ended the stream, and this source does not reconnect.
    Ended,
}
