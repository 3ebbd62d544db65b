//! What one publisher has published, for the accounts of the streams.

use super::runs::Runs;

#[derive(Debug, Default)]
pub(crate) struct Published {
    pub(crate) acknowledged: Runs,
    sent: u64,
    /// Times and the numbers sent then, one for each [`SPACING`], as a run may be long.
    marks: Vec<(u64, u64)>,
    /// Why the server did not take the last event that it did not take.
    pub(crate) trouble: Option<String>,
}

impl Published {
    /// An event is sent at this time. Returns its number.
    pub(crate) fn send(&mut self, time: u64) -> u64 {
        let number = self.sent;
        if self.marks.last().is_none_or(|(last, _)| time >= last + SPACING) {
            self.marks.push((time, number));
        }
        self.sent += 1;
        number
    }

    /// A number from which on all events were sent at this time or later.
    pub(crate) fn first_since(&self, time: u64) -> u64 {
        let next = self.marks.partition_point(|(sent, _)| *sent < time);
        self.marks.get(next).map_or(self.sent, |(_, number)| *number)
    }
}

/// The time from which on a stream is there is not known more exactly.
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
        // Nothing that was sent before is owed, and all after it but for a moment.
        assert_eq!(published.first_since(SPACING / 2), 1000);
        assert_eq!(published.first_since(u64::MAX), 10_000);
    }
}
