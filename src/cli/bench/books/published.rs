//! What one publisher has published, for the accounts of the streams.

use super::runs::Runs;

/// What has been published, for the accounts of the streams.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub(crate) acknowledged: Runs,
    /// How many events have been sent.
    sent: u64,
    /// When, and with which number: one of them for each [`SPACING`], as a run may be long.
    marks: Vec<(u64, u64)>,
    /// Why the last event that was not taken was not.
    pub(crate) trouble: Option<String>,
}

impl Published {
    /// An event is sent at that time; gives its number.
    pub(crate) fn send(&mut self, time: u64) -> u64 {
        let number = self.sent;
        if self.marks.last().is_none_or(|(last, _)| time >= last + SPACING) {
            self.marks.push((time, number));
        }
        self.sent += 1;
        number
    }

    /// The number of an event from which on all were sent at that time or later.
    pub(crate) fn first_since(&self, time: u64) -> u64 {
        let next = self.marks.partition_point(|(sent, _)| *sent < time);
        self.marks.get(next).map_or(self.sent, |(_, number)| *number)
    }
}

/// Nobody knows to the moment from when on a stream was there.
const SPACING: u64 = 100_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_since_a_time_is_found() {
        let mut published = Published::default();
        assert_eq!([10, 20, 30].map(|seconds| published.send(seconds * SPACING)), [0, 1, 2]);
        let first = |spacings: f64| published.first_since((spacings * SPACING as f64) as u64);
        assert_eq!([0.0, 10.0, 10.1, 30.0, 30.1].map(first), [0, 0, 1, 2, 3]);
    }

    #[test]
    fn a_long_run_takes_no_memory_for_each_event() {
        let mut published = Published::default();
        (0..10_000).for_each(|n| assert_eq!(published.send(n * SPACING / 1000), n));
        assert_eq!(published.marks.len(), 10);
        // Nothing that was sent before is owed, and but for a moment all behind it.
        assert_eq!(published.first_since(SPACING / 2), 1000);
        assert_eq!(published.first_since(u64::MAX), 10_000);
    }
}
