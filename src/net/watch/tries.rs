//! What is tried again, and when.
//!
//! ```text
//! new ─► young: tried on time ─── it moved, or was stuck too often ──► old: tried when there
//!                                                                      has been a rest
//! ```
//!
//! Nearly all that comes is only a little late: a request whose bytes are a moment behind their
//! connection. It must not wait for a rest that thousands of silent connections have made long. So
//! what is young is tried on time. That is bounded too, as each has a few such tries, and has cost
//! a worker more before; what is old may be as many as there are connections, for ever.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::Retry;

/// The first pause is short, as most peers are only a little late.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// Nobody who has been silent for longer minds to wait for so long.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Tasks, each with the time of its next try.
pub(super) struct Tries<T> {
    /// The earliest is on top, here and below.
    young: BinaryHeap<Reverse<Try<T>>>,
    old: BinaryHeap<Reverse<Try<T>>>,
}

struct Try<T> {
    due: Instant,
    wait: Wait,
    task: T,
}

/// How a task has waited so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    pause: Duration,
    young: bool,
}

impl<T> Tries<T> {
    pub(super) fn new() -> Self {
        Self { young: BinaryHeap::new(), old: BinaryHeap::new() }
    }

    /// Adds what has just come.
    pub(super) fn add(&mut self, task: T, now: Instant) {
        self.put(task, Wait { pause: SHORTEST_PAUSE, young: true }, now);
    }

    /// When there is something to try, if there is rest until then.
    pub(super) fn next(&self, rested_at: Instant) -> Option<Instant> {
        let young = self.young.peek().map(|Reverse(next)| next.due);
        let old = self.old.peek().map(|Reverse(next)| next.due.max(rested_at));
        young.into_iter().chain(old).min()
    }

    /// Takes something that is due; of the old only if there has been a rest.
    pub(super) fn take(&mut self, now: Instant, rested: bool) -> Option<(T, Wait)> {
        let is_due = |tries: &BinaryHeap<Reverse<Try<T>>>| {
            tries.peek().is_some_and(|Reverse(next)| next.due <= now)
        };
        let tries = match () {
            () if is_due(&self.young) => &mut self.young,
            () if rested && is_due(&self.old) => &mut self.old,
            () => return None,
        };
        tries.pop().map(|Reverse(next)| (next.task, next.wait))
    }

    /// Puts back what was taken, for another try.
    pub(super) fn again(&mut self, task: T, waited: Wait, retry: Retry, now: Instant) {
        let wait = match retry {
            Retry::Over => return,
            Retry::Moved => Wait { pause: SHORTEST_PAUSE, young: false },
            Retry::Stuck => {
                let pause = (waited.pause * 2).min(LONGEST_PAUSE);
                Wait { pause, young: waited.young && pause < LONGEST_PAUSE }
            }
        };
        self.put(task, wait, now);
    }

    fn put(&mut self, task: T, wait: Wait, now: Instant) {
        let tries = if wait.young { &mut self.young } else { &mut self.old };
        tries.push(Reverse(Try { due: now + wait.pause, wait, task }));
    }
}

impl<T> PartialEq for Try<T> {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl<T> Eq for Try<T> {}

impl<T> PartialOrd for Try<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Try<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.due.cmp(&other.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Takes and puts back at each millisecond; gives those at which something was due.
    fn dues(tries: &mut Tries<()>, from: Instant, rested: bool, retry: Retry) -> Vec<u32> {
        let mut dues = Vec::new();
        for ms in 0..1000 {
            let now = from + MS * ms;
            if let Some(((), waited)) = tries.take(now, rested) {
                tries.again((), waited, retry, now);
                dues.push(ms);
            }
        }
        dues
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let (mut tries, now) = (Tries::new(), Instant::now());
        tries.add((), now);
        let expected = [1, 3, 7, 15, 31, 63, 127, 227, 327];
        assert_eq!(dues(&mut tries, now, true, Retry::Stuck)[..9], expected);
    }

    #[test]
    fn without_a_rest_only_the_young_are_tried_and_a_few_times() {
        let (mut tries, now) = (Tries::new(), Instant::now());
        tries.add((), now);
        assert_eq!(dues(&mut tries, now, false, Retry::Stuck), [1, 3, 7, 15, 31, 63, 127]);
        assert!(tries.take(now + MS * 227, true).is_some());
    }

    #[test]
    fn what_moves_is_tried_soon_but_not_without_a_rest() {
        let (mut tries, now) = (Tries::new(), Instant::now());
        tries.add((), now);
        assert_eq!(dues(&mut tries, now, false, Retry::Moved), [1]);
        assert!(tries.take(now + MS * 2, true).is_some());
    }

    #[test]
    fn the_next_try_of_the_old_is_behind_the_rest() {
        let (mut tries, now) = (Tries::new(), Instant::now());
        let rested_at = now + MS * 50;
        assert_eq!(tries.next(rested_at), None);
        tries.add((), now);
        let (task, waited) = tries.take(now + MS, false).unwrap();
        tries.again(task, waited, Retry::Moved, now + MS);
        assert_eq!(tries.next(rested_at), Some(rested_at));
        assert_eq!(tries.next(now), Some(now + MS * 2));
        tries.add((), now + MS);
        assert_eq!(tries.next(rested_at), Some(now + MS * 2));
    }

    #[test]
    fn what_is_over_is_gone() {
        let (mut tries, now) = (Tries::new(), Instant::now());
        tries.add((), now);
        let (task, waited) = tries.take(now + MS, true).unwrap();
        tries.again(task, waited, Retry::Over, now);
        assert_eq!(tries.next(now), None);
    }
}
