//! Every bound and every deadline of a server, with its default and the reason for it.
//!
//! A peer decides how much it sends and how slowly; these numbers decide how much of that the
//! server accepts. [`Limits`] holds one value for each, so that a small device can lower them and a
//! large hub can raise them:
//!
//! ```
//! use std::time::Duration;
//! use tidings::Limits;
//!
//! let limits = Limits::default().body(64 * 1024).head_deadline(Duration::from_secs(3));
//! ```

use std::time::Duration;

/// The minimum time that a client waits before it reconnects to a server that stopped or was full.
pub(crate) const COME_BACK: Duration = Duration::from_secs(2);

/// How long after its connection began a client may take for its first request while the server
/// stops. It can't know of the stop, and where a supervisor holds the listening socket, the client
/// meets one at each restart.
pub(crate) const FIRST_REQUEST: Duration = Duration::from_millis(250);

/// The longest time that a limit may have: near enough to be added to any point in time.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// One field, one default and one setter for each limit. The docs of the setters are the table that
/// users read.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr;)*) => {
        /// The bounds and deadlines of a server. Each has a default and a setter.
        ///
        /// Sizes are in bytes. A deadline of zero passes at once; one of more than a year is a
        /// year.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct Limits {
            $(pub(crate) $name: $type,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

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

limits! {
    /// The longest request line, without its CRLF. A longer one is no address that anybody typed or
    /// generated on purpose. Past it: 414, close. Defaults to 16 KiB.
    request_line: usize = 16 * 1024;
    /// All field lines of a request together, which stay in memory until the response. Past it:
    /// 431, close. Defaults to 32 KiB.
    field_section: usize = 32 * 1024;
    /// How many field lines a request may have: many tiny ones cost more than their bytes. Past it:
    /// 431, close. Defaults to 100.
    field_lines: usize = 100;
    /// The largest request body, which is read whole before its handler runs. Past it: 413 before
    /// it is read, close. Defaults to 1 MiB.
    body: usize = 1024 * 1024;
    /// The bytes of all request bodies together, each from its first byte to its response, since
    /// every connection may have a body under way. A buffer grows by doubling, so bodies may take
    /// up to twice as much memory. Past it: 503 with `Retry-After`, close. Defaults to 64 MiB.
    bodies: usize = 64 * 1024 * 1024;
    /// All chunk extensions of one body together, which mean nothing here and could pad a body
    /// without end. Past it: 400, close. Defaults to 4 KiB.
    chunk_extensions: usize = 4 * 1024;
    /// The trailer section of a chunked body, which is read and dropped. Past it: 400, close.
    /// Defaults to 8 KiB.
    trailer_section: usize = 8 * 1024;
    /// From the first byte of a request's head to its end, so a byte now and then doesn't extend
    /// it. Past it: 408, close. Defaults to 10 seconds.
    head_deadline: Duration = Duration::from_secs(10);
    /// From the end of the head to the end of the body. Past it: 408, close.
    /// Defaults to 30 seconds.
    body_deadline: Duration = Duration::from_secs(30);
    /// How long a kept connection may be silent between two requests: it costs a descriptor. Past
    /// it: close. Defaults to 30 seconds.
    idle_deadline: Duration = Duration::from_secs(30);
    /// How many requests one connection may carry, so that load can move to other servers; the last
    /// response says `Connection: close`. Defaults to 10,000.
    requests_per_connection: u32 = 10_000;
    /// How much of a body that no handler wants is read for the sake of the next request. Past it:
    /// close; for a method without content, such as GET, 413, close. Defaults to 64 KiB.
    drain: usize = 64 * 1024;
    /// How long a peer may take nothing of what is written to it; by then it is gone or hostile.
    /// Past it: close. Defaults to 30 seconds.
    write_deadline: Duration = Duration::from_secs(30);
    /// How many unsent bytes are kept for one stream beside the log. Past it, a `send` waits until
    /// the write deadline, and a `try_send` reports that the stream is full. Defaults to 256 KiB.
    unsent: usize = 256 * 1024;
    /// How many bytes one event that is sent on a stream alone may take, as it is sent and without
    /// its chunk framing: each line of its data costs seven bytes more. Past it: an error
    /// ([`is_too_large`](crate::Error::is_too_large)), and nothing is sent. A channel has a bound
    /// of its own, [`History::event`](crate::History::event). Defaults to 1 MiB.
    event: usize = 1024 * 1024;
    /// How many connections may be open at once: descriptors are what a server runs out of first.
    /// Past it: 503 with `Retry-After`, or for a client that wants an event stream a reconnection
    /// time, and close. An eighth as many, from 16 to 64, may be told so at once; any more are just
    /// closed. Defaults to 10,000.
    connections: usize = 10_000;
    /// How many event streams may be open at once. Past it: as for connections.
    /// Defaults to no limit.
    streams: usize = usize::MAX;
    /// How many event streams one peer may have. In IPv6, a network of 64 bits counts as one peer,
    /// since a single host has all of its addresses. The clients of a proxy are one peer unless the
    /// server [knows it](crate::Server::proxies). Those of a unix socket that no such proxy names
    /// have no such bound: they can't be told apart. Past it: as for connections. Defaults to no
    /// limit.
    streams_per_peer: usize = usize::MAX;
    /// After how long a silence a stream is sent a comment, since proxies cut connections that are
    /// silent for a minute or even for 30 seconds. The streams are checked for it every 0.4 to 0.9
    /// seconds, so the comment may come that much later, and comes no more often. Zero sends none.
    /// Defaults to 15 seconds.
    heartbeat: Duration = Duration::from_secs(15);
    /// How many threads may run handlers at once; they start with demand and end when idle.
    /// Handlers mostly wait, so more threads than cores are of use. At least one is used. Defaults
    /// to 64.
    workers: usize = 64;
    /// How long a server that stops waits for requests and streams to end: long enough for a
    /// handler at work and a client on a slow line, short enough for an operator. Defaults to 5
    /// seconds.
    grace: Duration = Duration::from_secs(5);
}

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
