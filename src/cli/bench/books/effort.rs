//! The processor time that the bench itself has taken.
//!
//! Linux counts for each thread how long it was ready to run and waited for a core, which is the
//! bench's own delay. On other systems only the probe tells it.

use std::fs;
use std::time::Duration;

use super::counts::nanoseconds;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effort {
    /// Over all cores.
    pub(crate) processor: Duration,
    /// How often the streams' threads ran, and how long they waited for that.
    runs: u64,
    waited: Duration,
}

/// A tick of `/proc/PID/stat`: 100 a second on whatever Linux.
const TICK: Duration = Duration::from_millis(10);

impl Effort {
    /// Since the process began; `None` where the system does not tell.
    pub(crate) fn so_far() -> Option<Self> {
        let processor = processor(&fs::read_to_string("/proc/self/stat").ok()?)?;
        let mut effort = Self { processor, ..Self::default() };
        for thread in fs::read_dir("/proc/self/task").ok()?.flatten() {
            let read = |name| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
            // The system keeps 15 characters of a name.
            let ours = read("comm").trim_end() == "tidings-stream";
            if let Some((waited, runs)) = waits(&read("schedstat")).filter(|_| ours) {
                effort.waited += waited;
                effort.runs += runs;
            }
        }
        Some(effort)
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            processor: self.processor.saturating_sub(earlier.processor),
            runs: self.runs.saturating_sub(earlier.runs),
            waited: self.waited.saturating_sub(earlier.waited),
        }
    }

    /// How long a stream's thread waited for a core each time, on average.
    pub(crate) fn queued(self) -> Duration {
        let nanoseconds = self.waited.as_nanos() as u64;
        Duration::from_nanos(nanoseconds.checked_div(self.runs).unwrap_or(0))
    }
}

/// The time in user and system mode from `/proc/PID/stat`. The name in brackets may be anything.
fn processor(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(TICK * user.saturating_add(system))
}

/// How long and how often a thread waited for a core, from its `schedstat`.
fn waits(schedstat: &str) -> Option<(Duration, u64)> {
    let mut fields = schedstat.split_whitespace().skip(1);
    let waited = fields.next()?.parse().ok()?;
    Some((Duration::from_nanos(waited), fields.next()?.parse().ok()?))
}

/// How many nanoseconds this thread has waited for a core; `None` where the system does not tell.
pub(crate) fn waited() -> Option<u64> {
    let (waited, _) = waits(&fs::read_to_string("/proc/thread-self/schedstat").ok()?)?;
    Some(nanoseconds(waited))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_and_the_waits_are_read() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 25 17 0 0 20 0";
        assert_eq!(processor(stat), Some(Duration::from_millis(420)));
        assert_eq!(waits("626522 124802 3\n"), Some((Duration::from_nanos(124_802), 3)));
        assert_eq!((processor(""), waits("")), (None, None));
    }

    #[test]
    fn a_wait_is_told_on_average() {
        let effort = |runs, waited| Effort {
            runs,
            waited: Duration::from_micros(waited),
            ..Effort::default()
        };
        let between = effort(30, 500).since(effort(10, 100));
        assert_eq!(between.queued(), Duration::from_micros(20));
        assert_eq!(Effort::default().queued(), Duration::ZERO);
    }
}
