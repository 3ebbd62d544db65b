//! A point in time that is small enough to be kept for each of thousands of streams.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Nanoseconds since the process first asked. Half the size of an [`Instant`], and the time from
/// one to another is a subtraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

static FIRST: OnceLock<Instant> = OnceLock::new();

impl Moment {
    /// Later than any that comes.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) fn now() -> Self {
        let since = FIRST.get_or_init(Instant::now).elapsed();
        Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The same point in time; one before the first is the first.
    pub(crate) fn of(instant: Instant) -> Self {
        let since = instant.saturating_duration_since(*FIRST.get_or_init(Instant::now));
        Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    /// So many milliseconds after the first.
    #[cfg(test)]
    pub(crate) fn at(milliseconds: u64) -> Self {
        Self(milliseconds * 1_000_000)
    }

    /// So long before this; `None` where nothing was yet.
    pub(crate) fn before(self, time: Duration) -> Option<Self> {
        let time = u64::try_from(time.as_nanos()).ok()?;
        self.0.checked_sub(time).map(Self)
    }

    /// How long ago `earlier` was; nothing if it was later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
