//! What a run counts and times, in one table: each with its name in the reports.

use std::ops::Index;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::cli::atomic::AtomicU64;

/// Makes from a table: its keys, their names in the reports, and a type with a value for each key.
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
    /// Events that the server may have taken, or not.
    InDoubt = "in_doubt",
    /// Events that were sent again, as a kept connection had ended.
    SentAgain = "sent_again",
    NotSent = "not_sent",
    /// Events of this run, doubles included.
    Deliveries = "deliveries",
    /// Those that were sent before the stream was open.
    CaughtUp = "caught_up",
    /// Those that were sent while the bench itself had cut the stream.
    NotTimed = "not_timed",
    /// Events that are not this run's.
    Foreign = "foreign",
    GapEvents = "gap_events",
    /// Bytes received on streams, with the heads.
    Bytes = "bytes",
    Connects = "connects",
    Cuts = "cuts",
    /// Connections that ended otherwise.
    Drops = "drops",
    /// Attempts to reconnect that brought no stream.
    InVain = "attempts_in_vain",
}

table! { Time, Times:
    /// From when an event was due to its receipt.
    Latency = "latency",
    /// The same without the bench's own lateness.
    Served = "served",
    /// How long each publish took, from its first byte to the end of its response.
    Publish = "publish",
    /// From the first byte of a stream's first connect to the end of its head.
    Connect = "connect",
    /// The same where a stream reconnects.
    Reconnect = "reconnect",
    /// From the end of a connection to the next head on the same stream, with the pause between.
    Away = "away",
    /// How late the bench published, by its own fault.
    Late = "own_late",
    /// A ping over loopback before the run.
    Idle = "own_idle",
    /// A ping as events arrived.
    Loaded = "own_loaded",
    /// How long a stream's thread waited for a core when bytes came; sampled.
    Queued = "own_queued",
}

pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Relaxed);
}

pub(crate) fn get(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}
