//! Whose fault it is that an event goes out late.
//!
//! ```text
//! due      0         1         2         3
//! ideal    ▐██▌      ▐██▌      ▐███████████████▌▐██▌
//! real     ▐██▌         ▐██▌   ▐███████████████▌▐██▌
//!                    └──┤      the server's:    └─ after a long response
//!                    the bench's: it slept too long
//! ```
//!
//! A publisher waits for one response at a time. While the server takes its time, the next event
//! can't go out, and the delay is the server's. While the bench's thread doesn't run, the delay is
//! the bench's. An ideal publisher tells them apart: it sends as soon as an event is due and the
//! response before has come, and each of its responses takes as long as the real one took. Whatever
//! the real publisher sends later than the ideal one is late by the bench's fault.

/// The ideal publisher. Times are in nanoseconds since the bench began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// When it sent the latest event.
    sent: u64,
    /// When it had the latest response.
    free: u64,
}

impl Pace {
    /// An event that was due then goes out now. Returns how late it is by the bench's fault.
    pub(crate) fn send(&mut self, due: u64, now: u64) -> u64 {
        self.sent = due.max(self.free);
        now.saturating_sub(self.sent)
    }

    pub(crate) fn respond(&mut self, took: u64) {
        self.free = self.sent + took;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How late each event is, of which one is due every 10; each is given with when it was sent
    /// and how long its response took.
    fn late<const N: usize>(events: [(u64, u64); N]) -> [u64; N] {
        let mut pace = Pace::default();
        let mut due = 0;
        events.map(|(sent, took)| {
            let late = pace.send(due, sent);
            pace.respond(took);
            due += 10;
            late
        })
    }

    #[test]
    fn who_sends_on_time_is_not_late() {
        assert_eq!(late([(0, 2), (10, 2), (20, 2)]), [0, 0, 0]);
    }

    #[test]
    fn a_server_that_stalls_makes_the_bench_no_later() {
        assert_eq!(late([(0, 35), (35, 2), (37, 2), (39, 2), (41, 2)]), [0; 5]);
    }

    #[test]
    fn a_bench_that_stalls_is_late_with_all_that_was_due_meanwhile() {
        assert_eq!(late([(0, 2), (40, 2), (42, 2), (44, 2), (46, 2)]), [0, 30, 22, 14, 6]);
    }

    #[test]
    fn a_delay_of_each_is_told_apart() {
        // The bench oversleeps by 5, and the server takes 20; what waits after it is late by both.
        assert_eq!(late([(5, 20), (25, 2), (27, 2), (30, 2)]), [5, 5, 5, 0]);
    }
}
