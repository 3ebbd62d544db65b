//! What a run counts and times: each once, with its name in the reports.

use std::ops::Index;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Makes of a table the keys, their names in the reports, and what has one value for each of them.
macro_rules! table {
    ($key:ident, $values:ident: $($(#[$doc:meta])* $row:ident = $name:literal,)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $key {
            $($(#[$doc])* $row,)+
        }

        impl $key {
            pub(crate) const ALL: &[(Self, &str)] = &[$((Self::$row, $name),)+];
        }

        #[derive(Debug)]
        pub(crate) struct $values<T>([T; $key::ALL.len()]);

        impl<T: Default> Default for $values<T> {
            fn default() -> Self {
                Self(std::array::from_fn(|_| T::default()))
            }
        }

        impl<T> $values<T> {
            /// What this makes of each value.
            pub(crate) fn map<U>(&self, make: impl Fn(&T) -> U) -> $values<U> {
                $values(std::array::from_fn(|at| make(&self.0[at])))
            }
        }

        impl<T> Index<$key> for $values<T> {
            type Output = T;

            fn index(&self, key: $key) -> &T {
                &self.0[key as usize]
            }
        }
    };
}

table! { Count, Counts:
    Published = "published",
    Refused = "refused",
    /// Events that may have come to the server, or not.
    InDoubt = "in_doubt",
    /// Events that were sent once more, as a connection that was kept had ended.
    SentAgain = "sent_again",
    /// Events that were due, and were not even sent.
    NotSent = "not_sent",
    /// Events of this run, doubles included.
    Deliveries = "deliveries",
    /// Those that were sent before the connection was there.
    CaughtUp = "caught_up",
    /// Those of them that lie behind a cut of the bench's own.
    NotTimed = "not_timed",
    /// Events that are not this run's.
    Foreign = "foreign",
    /// `tidings.gap` events.
    GapEvents = "gap_events",
    /// Received on streams, heads included.
    Bytes = "bytes",
    Connects = "connects",
    /// Connections that the bench ended itself, on purpose.
    Cuts = "cuts",
    /// Connections that ended otherwise.
    Drops = "drops",
    /// Attempts to come back that brought no stream.
    InVain = "attempts_in_vain",
}

table! { Time, Times:
    /// From when an event was due to its receipt.
    Latency = "latency",
    /// The same without what the bench itself was late.
    Served = "served",
    /// How long each publish took, from its first byte to the end of its response.
    Publish = "publish",
    /// From the first byte of a stream's first connect to the end of its head.
    Connect = "connect",
    /// The same where a stream comes back.
    Reconnect = "reconnect",
    /// From the end of a connection to the head of the stream that goes on with it, with the pause
    /// in between.
    Away = "away",
    /// How late the bench published, by its own fault.
    Late = "own_late",
    /// A ping over loopback before the run.
    Idle = "own_idle",
    /// A ping as events arrived.
    Loaded = "own_loaded",
    /// How long a stream's thread waited for a core when something came, now and then.
    Queued = "own_queued",
}

/// Counts so many more.
pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Relaxed);
}

pub(crate) fn get(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}
