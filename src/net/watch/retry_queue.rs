//! What is retried, and when.
//!
//! ```text
//! new ─► young: retried on time ─── it moved, or was stuck too often ──► old: retried when there
//!                                                                        has been a rest
//! ```
//!
//! Nearly all that comes is only a little late: a request whose bytes come a moment after their
//! connection. It must not wait for a rest that thousands of silent connections have made long. So
//! what is young is retried on time. That is bounded too, as each has a few such retries, and has
//! cost a worker more before; there may be as many old entries as connections, for ever.

use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::Progress;
use crate::net::first::First;

/// The first pause is short, as most peers are only a little late.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// Nobody who has been silent for longer minds to wait for so long.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Values, each with the time of its next retry.
pub(super) struct RetryQueue<T> {
    young: Entries<T>,
    old: Entries<T>,
}

/// The earliest is on top.
type Entries<T> = BinaryHeap<First<Instant, (T, Wait)>>;

/// How a value has waited so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    pause: Duration,
    young: bool,
}

impl<T> RetryQueue<T> {
    pub(super) fn new() -> Self {
        Self { young: BinaryHeap::new(), old: BinaryHeap::new() }
    }

    /// Adds what has just come.
    pub(super) fn add(&mut self, value: T, now: Instant) {
        self.put(value, Wait { pause: SHORTEST_PAUSE, young: true }, now);
    }

    /// When there is something to retry, if there is rest until then.
    pub(super) fn next(&self, rested_at: Instant) -> Option<Instant> {
        let young = self.young.peek().map(|next| next.key);
        let old = self.old.peek().map(|next| next.key.max(rested_at));
        young.into_iter().chain(old).min()
    }

    /// Takes something that is due; of the old only if there has been a rest.
    pub(super) fn take(&mut self, now: Instant, rested: bool) -> Option<(T, Wait)> {
        let is_due = |entries: &Entries<T>| entries.peek().is_some_and(|next| next.key <= now);
        let entries = match () {
            () if is_due(&self.young) => &mut self.young,
            () if rested && is_due(&self.old) => &mut self.old,
            () => return None,
        };
        entries.pop().map(|next| next.value)
    }

    /// Puts back what was taken, for another retry.
    pub(super) fn put_back(&mut self, value: T, waited: Wait, progress: Progress, now: Instant) {
        let wait = match progress {
            Progress::Moved => Wait { pause: SHORTEST_PAUSE, young: false },
            Progress::Stuck => {
                let pause = (waited.pause * 2).min(LONGEST_PAUSE);
                Wait { pause, young: waited.young && pause < LONGEST_PAUSE }
            }
        };
        self.put(value, wait, now);
    }

    fn put(&mut self, value: T, wait: Wait, now: Instant) {
        let entries = if wait.young { &mut self.young } else { &mut self.old };
        entries.push(First { key: now + wait.pause, value: (value, wait) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Takes and puts back at each millisecond; gives those at which something was due.
    fn dues(
        queue: &mut RetryQueue<()>,
        from: Instant,
        rested: bool,
        progress: Progress,
    ) -> Vec<u32> {
        let mut dues = Vec::new();
        for ms in 0..1000 {
            let now = from + MS * ms;
            if let Some(((), waited)) = queue.take(now, rested) {
                queue.put_back((), waited, progress, now);
                dues.push(ms);
            }
        }
        dues
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let (mut queue, now) = (RetryQueue::new(), Instant::now());
        queue.add((), now);
        let expected = [1, 3, 7, 15, 31, 63, 127, 227, 327];
        assert_eq!(dues(&mut queue, now, true, Progress::Stuck)[..9], expected);
    }

    #[test]
    fn without_a_rest_only_the_young_are_tried_and_a_few_times() {
        let (mut queue, now) = (RetryQueue::new(), Instant::now());
        queue.add((), now);
        assert_eq!(dues(&mut queue, now, false, Progress::Stuck), [1, 3, 7, 15, 31, 63, 127]);
        assert!(queue.take(now + MS * 227, true).is_some());
    }

    #[test]
    fn what_moves_is_tried_soon_but_not_without_a_rest() {
        let (mut queue, now) = (RetryQueue::new(), Instant::now());
        queue.add((), now);
        assert_eq!(dues(&mut queue, now, false, Progress::Moved), [1]);
        assert!(queue.take(now + MS * 2, true).is_some());
    }

    #[test]
    fn the_next_retry_of_the_old_is_after_the_rest() {
        let (mut queue, now) = (RetryQueue::new(), Instant::now());
        let rested_at = now + MS * 50;
        assert_eq!(queue.next(rested_at), None);
        queue.add((), now);
        let (value, waited) = queue.take(now + MS, false).unwrap();
        queue.put_back(value, waited, Progress::Moved, now + MS);
        assert_eq!(queue.next(rested_at), Some(rested_at));
        assert_eq!(queue.next(now), Some(now + MS * 2));
        queue.add((), now + MS);
        assert_eq!(queue.next(rested_at), Some(now + MS * 2));
    }
}
