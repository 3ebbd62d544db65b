//! Whose fault it is that an event goes out late.
//!
//! ```text
//! due      0         1         2         3
//! ideal    ▐██▌      ▐██▌      ▐███████████████▌▐██▌
//! real     ▐██▌         ▐██▌   ▐███████████████▌▐██▌
//!                    └──┤      the server's:    └─ behind a long answer
//!                    the bench's: it slept too long
//! ```
//!
//! A publisher has one answer at a time to wait for. While the server takes its time over one
//! event, the next can't go out, and that is the server's doing; while the bench does not get to
//! run, it is the bench's. To tell them apart, an ideal publisher is kept beside the real one: it
//! sends as soon as an event is due and the answer before has come, and each of its answers takes
//! as long as the real one took. What the real one sends later than that is the bench's fault, and
//! so it is of all the events that have to wait behind such a delay.

/// The ideal publisher. Times are in nanoseconds since the bench began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// When it sent the event of now.
    sent: u64,
    /// When it had the last answer.
    free: u64,
}

impl Pace {
    /// An event that was due then goes out now; gives how late that is by the bench's fault.
    pub(crate) fn send(&mut self, due: u64, now: u64) -> u64 {
        self.sent = due.max(self.free);
        now.saturating_sub(self.sent)
    }

    /// The answer to it took so long.
    pub(crate) fn answer(&mut self, took: u64) {
        self.free = self.sent + took;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How late each event is, of which one is due every 10; each is given with when it was sent
    /// and how long its answer took.
    fn late<const N: usize>(events: [(u64, u64); N]) -> [u64; N] {
        let mut pace = Pace::default();
        let mut due = 0;
        events.map(|(sent, took)| {
            let late = pace.send(due, sent);
            pace.answer(took);
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
        // The bench oversleeps by 5, and the server takes 20; what waits behind is late by both.
        assert_eq!(late([(5, 20), (25, 2), (27, 2), (30, 2)]), [5, 5, 5, 0]);
    }
}
