//! Every bound and every deadline of a server, with the reason for its default.
//!
//! A peer decides how much it sends and how slowly; these numbers decide how much of that we take.
//! Each constant says what it defends against and what the peer gets who goes past it. [`Limits`]
//! holds one value for each, so that a small device can lower them and a large hub can raise them:
//!
//! ```
//! use std::time::Duration;
//! use tidings::Limits;
//!
//! let limits = Limits::default().body(64 * 1024).head_deadline(Duration::from_secs(3));
//! ```

use std::time::Duration;

/// A request line longer than this is no address anybody typed or generated on purpose: 414.
pub(crate) const REQUEST_LINE: usize = 16 * 1024;
/// Field lines are kept in memory until the request is answered: past this, 431.
pub(crate) const FIELD_SECTION: usize = 32 * 1024;
/// Many tiny field lines cost more than their bytes: past this many, 431.
pub(crate) const FIELD_LINES: usize = 100;
/// A body is read whole before its handler runs: past this, 413 before it is read.
pub(crate) const BODY: usize = 1024 * 1024;
/// Every connection may have a body under way: past this many bytes of them together, 503.
pub(crate) const BODIES: usize = 64 * 1024 * 1024;
/// Chunk extensions carry nothing for us and could pad a body without end: past this, 400.
pub(crate) const CHUNK_EXTENSIONS: usize = 4 * 1024;
/// Trailer fields are read and dropped: past this, 400.
pub(crate) const TRAILER_SECTION: usize = 8 * 1024;
/// Counted from the first byte of a head, so that a byte now and then does not extend it: 408.
pub(crate) const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// Counted from the end of the head to the end of the body: 408.
pub(crate) const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// A kept connection on which nothing comes only costs a descriptor: it is closed.
pub(crate) const IDLE_DEADLINE: Duration = Duration::from_secs(30);
/// One connection should not live for ever, so that load can move: the last answer says `close`.
pub(crate) const REQUESTS_PER_CONNECTION: u32 = 10_000;
/// A body nobody reads is drained up to here for the sake of the next request, else we close.
pub(crate) const DRAIN: usize = 64 * 1024;
/// A peer that takes nothing for this long is gone or hostile: the connection is closed.
pub(crate) const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// What one stream may have waiting beside the log before its sender waits or is told `full`.
pub(crate) const UNSENT: usize = 256 * 1024;
/// An event of line feeds takes seven times its size as it is sent: past this, an error.
pub(crate) const EVENT: usize = 1024 * 1024;
/// Descriptors are the scarcest thing we hold: past this many connections, 503.
pub(crate) const CONNECTIONS: usize = 10_000;
/// Proxies cut connections that are silent for a minute or even for 30 seconds.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);
/// Threads for requests. They only wait for handlers, so more of them than cores are of use.
pub(crate) const WORKERS: usize = 64;
/// Long enough for a handler at work and a client on a slow line, short enough for an operator.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
/// What a client waits at least before it comes back to a server that stopped or was full.
pub(crate) const COME_BACK: Duration = Duration::from_secs(2);

/// The bounds and deadlines of a server. All have defaults, and all can be set.
///
/// Sizes are in bytes. A deadline of zero passes at once; one of more than a year is a year.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    pub(crate) request_line: usize,
    pub(crate) field_section: usize,
    pub(crate) field_lines: usize,
    pub(crate) body: usize,
    pub(crate) bodies: usize,
    pub(crate) chunk_extensions: usize,
    pub(crate) trailer_section: usize,
    pub(crate) head_deadline: Duration,
    pub(crate) body_deadline: Duration,
    pub(crate) idle_deadline: Duration,
    pub(crate) requests_per_connection: u32,
    pub(crate) drain: usize,
    pub(crate) write_deadline: Duration,
    pub(crate) unsent: usize,
    pub(crate) event: usize,
    pub(crate) connections: usize,
    pub(crate) streams: usize,
    pub(crate) streams_per_peer: usize,
    pub(crate) heartbeat: Duration,
    pub(crate) workers: usize,
    pub(crate) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_line: REQUEST_LINE,
            field_section: FIELD_SECTION,
            field_lines: FIELD_LINES,
            body: BODY,
            bodies: BODIES,
            chunk_extensions: CHUNK_EXTENSIONS,
            trailer_section: TRAILER_SECTION,
            head_deadline: HEAD_DEADLINE,
            body_deadline: BODY_DEADLINE,
            idle_deadline: IDLE_DEADLINE,
            requests_per_connection: REQUESTS_PER_CONNECTION,
            drain: DRAIN,
            write_deadline: WRITE_DEADLINE,
            unsent: UNSENT,
            event: EVENT,
            connections: CONNECTIONS,
            streams: usize::MAX,
            streams_per_peer: usize::MAX,
            heartbeat: HEARTBEAT,
            workers: WORKERS,
            grace: GRACE,
        }
    }
}

/// What "never" comes to: far enough away, and near enough to be added to any time.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Limits {
    /// The same limits, with no time longer than a year, so that none can overflow a clock.
    pub(crate) fn bounded(mut self) -> Self {
        for time in [
            &mut self.head_deadline,
            &mut self.body_deadline,
            &mut self.idle_deadline,
            &mut self.write_deadline,
            &mut self.heartbeat,
            &mut self.grace,
        ] {
            *time = LONGEST.min(*time);
        }
        self
    }
}

/// One setter for each knob; the docs are the table that the user reads.
macro_rules! knobs {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {
        impl Limits {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(mut self, $name: $type) -> Self {
                self.$name = $name;
                self
            })*
        }
    };
}

knobs! {
    /// The longest request line, without its CRLF. Past it: 414, close. Defaults to 16 KiB.
    request_line: usize;
    /// All field lines of a request together. Past it: 431, close. Defaults to 32 KiB.
    field_section: usize;
    /// How many field lines a request may have. Past it: 431, close. Defaults to 100.
    field_lines: usize;
    /// The largest request body. Past it: 413 before it is read, close. Defaults to 1 MiB.
    body: usize;
    /// The bytes of all request bodies together, from their first to their answer; as a buffer
    /// grows by doubling, it may take up to twice as much memory. Past it: 503 with `Retry-After`,
    /// close. Defaults to 64 MiB.
    bodies: usize;
    /// All chunk extensions of one body together. Past it: 400, close. Defaults to 4 KiB.
    chunk_extensions: usize;
    /// The trailer section of a chunked body. Past it: 400, close. Defaults to 8 KiB.
    trailer_section: usize;
    /// From the first byte of a request's head to its end. Past it: 408, close.
    /// Defaults to 10 seconds.
    head_deadline: Duration;
    /// From the end of the head to the end of the body. Past it: 408, close.
    /// Defaults to 30 seconds.
    body_deadline: Duration;
    /// How long a kept connection may be silent between two requests. Past it: close.
    /// Defaults to 30 seconds.
    idle_deadline: Duration;
    /// How many requests one connection may carry; the last answer says `Connection: close`.
    /// Defaults to 10,000.
    requests_per_connection: u32;
    /// How much of a body that no handler wants is read for the next request's sake. Past it:
    /// close; for a method without content, such as GET, 413, close. Defaults to 64 KiB.
    drain: usize;
    /// How long a peer may take nothing of what is written to it. Past it: close.
    /// Defaults to 30 seconds.
    write_deadline: Duration;
    /// How many unsent bytes are kept for one stream beside the log. Past it a `send` waits for
    /// the write deadline, and a `try_send` is told that the stream is full. Defaults to 256 KiB.
    unsent: usize;
    /// How many bytes one event that is sent on a stream alone may take, as it goes over the wire
    /// without its chunk framing: each line of its data costs seven bytes more. Past it: an error
    /// ([`is_too_large`](crate::Error::is_too_large)), and nothing is sent. A channel has a bound
    /// of its own, [`History::event`](crate::History::event). Defaults to 1 MiB.
    event: usize;
    /// How many connections may be open at once. Past it: 503 with `Retry-After`, or for a client
    /// that wants an event stream a reconnection time, and close. Defaults to 10,000.
    connections: usize;
    /// How many event streams may be open at once; past it as for connections.
    /// Defaults to no limit.
    streams: usize;
    /// How many event streams one peer may have; past it as for connections. In IPv6 the network
    /// of 64 bits counts as the peer, since a single host has all of its addresses. Defaults to no
    /// limit.
    streams_per_peer: usize;
    /// After how long a silence a comment is sent on a stream, so that no proxy cuts it. Zero
    /// sends none. Defaults to 15 seconds.
    heartbeat: Duration;
    /// How many threads may run handlers at once; they start with demand and end when idle. At
    /// least one is used. Defaults to 64.
    workers: usize;
    /// How long a server that stops waits for requests and streams to end. Defaults to 5 seconds.
    grace: Duration;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the table of limits has them; what is not in it is an operator's choice.
    #[test]
    fn limit_defaults_are_those_that_were_decided_on() {
        let seconds = Duration::from_secs;
        let limits = Limits::default();
        assert_eq!(limits.request_line, 16_384);
        assert_eq!((limits.field_section, limits.field_lines), (32_768, 100));
        assert_eq!((limits.body, limits.bodies), (1_048_576, 67_108_864));
        assert_eq!((limits.chunk_extensions, limits.trailer_section), (4_096, 8_192));
        assert_eq!((limits.head_deadline, limits.body_deadline), (seconds(10), seconds(30)));
        assert_eq!(limits.idle_deadline, seconds(30));
        assert_eq!((limits.requests_per_connection, limits.drain), (10_000, 65_536));
        assert_eq!((limits.write_deadline, limits.unsent), (seconds(30), 262_144));
        assert_eq!(limits.event, 1_048_576);
        assert_eq!(limits.connections, 10_000);
        assert_eq!((limits.streams, limits.streams_per_peer), (usize::MAX, usize::MAX));
        assert_eq!(limits.heartbeat, seconds(15));
        assert_eq!((limits.workers, limits.grace), (64, seconds(5)));
    }

    #[test]
    fn a_time_of_more_than_a_year_is_a_year_of_365_days() {
        let year = Duration::from_secs(31_536_000);
        for (set, bounded) in [(Duration::MAX, year), (year, year), (year / 2, year / 2)] {
            let limits = Limits::default().grace(set).heartbeat(set).write_deadline(set);
            let limits = limits.head_deadline(set).body_deadline(set).idle_deadline(set).bounded();
            assert_eq!((limits.grace, limits.heartbeat), (bounded, bounded));
            assert_eq!((limits.write_deadline, limits.head_deadline), (bounded, bounded));
            assert_eq!((limits.body_deadline, limits.idle_deadline), (bounded, bounded));
        }
    }
}
