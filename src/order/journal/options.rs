//! What a journal keeps, and when it syncs.

use std::ops::RangeInclusive;
use std::time::Duration;

/// When data is synced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalSync {
    /// When the system decides to, within half a minute or so; at the end of a segment; and at the
    /// end of the hub. If its process dies, nothing is lost. If the power is cut, the newest events
    /// may be lost.
    None,
    /// As for [`None`](Self::None), and within a second of each event. The default.
    #[default]
    Interval,
    /// Before an event is published: whoever has its id, or has received it, finds it again, also
    /// after a power cut. Events that are published at the same time share one sync.
    Always,
}

/// What a journal keeps, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) sync: JournalSync,
    pub(crate) bytes: u64,
    pub(crate) age: Option<Duration>,
}

/// Whole segments go, so that a journal has some of them.
const SEGMENTS: u64 = 16;

/// Smaller segments are more files; with larger ones a start takes longer.
const SEGMENT_BYTES: RangeInclusive<u64> = 64 * 1024..=64 * 1024 * 1024;

impl Options {
    /// How many bytes a segment has before the next one begins.
    pub(super) fn segment_bytes(&self) -> u64 {
        (self.bytes / SEGMENTS).clamp(*SEGMENT_BYTES.start(), *SEGMENT_BYTES.end())
    }

    /// How old a segment becomes before the next one begins, in milliseconds.
    pub(super) fn segment_age(&self) -> Option<u64> {
        self.age.map(|age| milliseconds(age / SEGMENTS as u32))
    }
}

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
