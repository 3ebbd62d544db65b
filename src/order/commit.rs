//! Group commit: whoever finds nobody writing writes for all that wait.
//!
//! Publishers queue what they have. One of them at a time, the *leader*, takes what is queued, does
//! the work for all of it at once, tells each publisher its result, and goes. The one that has
//! waited the longest leads next. So there is no thread for it, and what costs the same for many as
//! for one, as the sync of a disk does, is paid once for all.
//!
//! ```text
//! publish ─► queue ─┬─► nobody leads: lead ──► work for all ──► tell each its result
//!                   └─► wait ◄── a result, or the word to lead next ◄─┘
//! ```
//!
//! **Bounds.** Each publisher waits on its own thread, with one item: so the queue is as long as
//! publishers are many. A leader takes no more than `most` of it by weight, or one item. An item
//! that waits is taken back once somebody has led for `patience`, and one that comes later doesn't
//! wait at all: work that hangs, as on a disk that doesn't respond, must not hold all threads that
//! there are. Once an item is taken, its publisher waits for the result, however long that takes.
//!
//! **A panic of a leader** is a fault of our own. It goes on in the leader's thread; the others of
//! its batch are told that their result is lost, and the next one leads.
//!
//! It knows neither files nor sockets.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::net::sync::{Condvar, Instant, Mutex, MutexGuard, PoisonError, thread};

/// How often a publisher lets other threads run before it sleeps. Where nothing else wants to run,
/// that is over at once. Where all cores are busy, its result often is there by then, and nobody
/// has to wake it, which costs more than its part of the work.
const YIELDS: usize = 4;

/// A queue of items `T`, for each of which the work gives an `R`.
pub(crate) struct Commit<T, R> {
    /// Before a ticket's lock.
    queue: Mutex<Queue<T, R>>,
    /// How much a leader takes, and how much an item weighs.
    most: usize,
    weigh: fn(&T) -> usize,
    patience: Duration,
}

/// What became of an item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome<R> {
    Result(R),
    /// The leader panicked: nobody knows whether the work was done.
    Lost,
    /// It was not done, as no leader came to it in time.
    Late,
}

struct Queue<T, R> {
    waiting: VecDeque<(T, Arc<Ticket<R>>)>,
    /// Since when somebody leads, or has been told to.
    led_since: Option<Instant>,
}

/// Where a publisher waits.
struct Ticket<R> {
    /// No other lock is taken while this one is held.
    seat: Mutex<Seat<R>>,
    wake: Condvar,
}

struct Seat<R> {
    turn: Turn<R>,
    /// Waking is a call of the system, also where nobody sleeps. A leader doesn't wait for itself.
    sleeps: bool,
}

/// What a publisher is told. It takes each once.
enum Turn<R> {
    Wait,
    Lead,
    Result(R),
    Lost,
}

impl<R> Ticket<R> {
    fn new() -> Arc<Self> {
        let seat = Seat { turn: Turn::Wait, sleeps: false };
        Arc::new(Self { seat: Mutex::new(seat), wake: Condvar::new() })
    }

    fn tell(&self, told: Turn<R>) {
        let sleeps = {
            let mut seat = self.lock();
            seat.turn = told;
            seat.sleeps
        };
        if sleeps {
            self.wake.notify_one();
        }
    }

    /// Lets other threads run, until there is news or nothing is left to be run.
    fn linger(&self) {
        for _ in 0..YIELDS {
            if !matches!(self.lock().turn, Turn::Wait) {
                break;
            }
            thread::yield_now();
        }
    }

    /// Waits for so long at most, if at all bounded. It is `Wait` still if that is over.
    fn wait(&self, most: Option<Duration>) -> Turn<R> {
        let is_waiting = |seat: &mut Seat<R>| {
            seat.sleeps = matches!(seat.turn, Turn::Wait);
            seat.sleeps
        };
        let seat = self.lock();
        let mut seat = match most {
            Some(most) => {
                let waited = self.wake.wait_timeout_while(seat, most, is_waiting);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.wake.wait_while(seat, is_waiting).unwrap_or_else(PoisonError::into_inner),
        };
        seat.sleeps = false;
        std::mem::replace(&mut seat.turn, Turn::Wait)
    }

    fn lock(&self) -> MutexGuard<'_, Seat<R>> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a leader has taken. However it ends, all are told, and the next one leads.
struct Led<'a, T, R> {
    commit: &'a Commit<T, R>,
    tickets: Vec<Arc<Ticket<R>>>,
    /// One for each ticket; fewer after a panic.
    results: Vec<R>,
}

impl<T, R> Commit<T, R> {
    pub(crate) fn new(most: usize, weigh: fn(&T) -> usize, patience: Duration) -> Self {
        let queue = Queue { waiting: VecDeque::new(), led_since: None };
        Self { queue: Mutex::new(queue), most, weigh, patience }
    }

    /// Has the work done for this item, by this thread or another one's leader, and returns its
    /// result. `lead` does it for some items, in their order, and returns as many results.
    pub(crate) fn run(&self, item: T, lead: impl FnOnce(&[T]) -> Vec<R>) -> Outcome<R> {
        let ticket = Ticket::new();
        let told = match self.enqueue(item, &ticket) {
            Some(most) => {
                ticket.linger();
                ticket.wait(Some(most))
            }
            None => Turn::Lead,
        };
        let told = match told {
            Turn::Wait if self.take_back(&ticket) => return Outcome::Late,
            // It is taken, or leads by now.
            Turn::Wait => ticket.wait(None),
            told => told,
        };
        let told = match told {
            Turn::Lead => {
                let (items, mut led) = self.take();
                led.results = lead(&items);
                drop(led);
                ticket.wait(None)
            }
            told => told,
        };
        match told {
            Turn::Result(result) => Outcome::Result(result),
            _ => Outcome::Lost,
        }
    }

    /// Takes an item out of the queue that waits there for a leader. One that is to lead stays: all
    /// others wait for it.
    fn take_back(&self, ticket: &Arc<Ticket<R>>) -> bool {
        let mut queue = self.lock();
        let is_told = !matches!(ticket.lock().turn, Turn::Wait);
        let place = queue.waiting.iter().position(|(_, other)| Arc::ptr_eq(other, ticket));
        place.filter(|_| !is_told).and_then(|place| queue.waiting.remove(place)).is_some()
    }

    /// Queues the item, and returns how long it may wait there; `None` to lead, if nobody does.
    fn enqueue(&self, item: T, ticket: &Arc<Ticket<R>>) -> Option<Duration> {
        let mut queue = self.lock();
        queue.waiting.push_back((item, Arc::clone(ticket)));
        let now = Instant::now();
        if let Some(since) = queue.led_since {
            return Some(self.patience.saturating_sub(now.saturating_duration_since(since)));
        }
        queue.led_since = Some(now);
        None
    }

    /// Takes the leader's own item, which is the first, and others as far as they fit.
    fn take(&self) -> (Vec<T>, Led<'_, T, R>) {
        let mut queue = self.lock();
        let mut room = self.most;
        let fits = |(item, _): &&(T, Arc<Ticket<R>>)| {
            let rest = room.checked_sub((self.weigh)(item));
            room = rest.unwrap_or(0);
            rest.is_some()
        };
        let count = queue.waiting.iter().take_while(fits).count().max(1);
        let (items, tickets) = queue.waiting.drain(..count).unzip();
        (items, Led { commit: self, tickets, results: Vec::new() })
    }

    /// How many items wait for a leader.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T, R>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, R> Drop for Led<'_, T, R> {
    fn drop(&mut self) {
        let results = self.results.drain(..).map(Turn::Result);
        let told = results.chain(std::iter::repeat_with(|| Turn::Lost));
        self.tickets.iter().zip(told).for_each(|(ticket, told)| ticket.tell(told));
        let mut queue = self.commit.lock();
        // Told under the lock, so that it can't be taken back.
        let next = queue.waiting.front();
        next.iter().for_each(|(_, ticket)| ticket.tell(Turn::Lead));
        queue.led_since = next.map(|_| Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// Longer than any test takes.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// Waits until so many items are queued.
    fn until_queued(commit: &Commit<usize, usize>, count: usize) {
        while commit.waiting() != count {
            thread::yield_now();
        }
    }

    /// Leads for item 0. Meanwhile 1, 2, 3 … queue in this order; once they all wait, the leader
    /// ends as `end` does. Returns the batches that others then take, and the results of each.
    fn after_a_leader(
        commit: &Commit<usize, usize>,
        others: usize,
        end: fn(&[usize]) -> Vec<usize>,
    ) -> (Vec<Vec<usize>>, Vec<Outcome<usize>>) {
        let batches: Mutex<Vec<Vec<usize>>> = Mutex::default();
        let (led, begin) = mpsc::channel();
        let other = |item: usize| {
            let lead = |items: &[usize]| {
                batches.lock().unwrap().push(items.to_vec());
                tenfold(items)
            };
            commit.run(item, lead)
        };
        let other = &other;
        let results = thread::scope(|scope| {
            scope.spawn(move || {
                let lead = |items: &[usize]| {
                    led.send(()).unwrap();
                    until_queued(commit, others);
                    end(items)
                };
                catch_unwind(AssertUnwindSafe(|| commit.run(0, lead))).ok()
            });
            begin.recv().unwrap();
            let threads: Vec<_> = (1..=others)
                .map(|item| {
                    until_queued(commit, item - 1);
                    let thread = scope.spawn(move || other(item));
                    if item < others {
                        until_queued(commit, item);
                    }
                    thread
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        (batches.into_inner().unwrap(), results)
    }

    fn tenfold(items: &[usize]) -> Vec<usize> {
        items.iter().map(|item| 10 * item).collect()
    }

    #[test]
    fn all_that_wait_for_a_leader_are_one_batch_of_the_next() {
        let commit = Commit::new(usize::MAX, |_| 1, PATIENCE);
        let (batches, results) = after_a_leader(&commit, 5, tenfold);
        assert_eq!(batches, [[1, 2, 3, 4, 5]]);
        assert_eq!(results, [10, 20, 30, 40, 50].map(Outcome::Result));
    }

    #[test]
    fn a_batch_has_no_more_than_its_bound_and_at_least_one_item() {
        let commit = Commit::new(3, |item| *item, PATIENCE);
        let (batches, results) = after_a_leader(&commit, 5, tenfold);
        assert_eq!(batches, [vec![1, 2], vec![3], vec![4], vec![5]]);
        assert_eq!(results, [10, 20, 30, 40, 50].map(Outcome::Result));
    }

    #[test]
    fn a_leader_alone_has_its_result_and_leaves_nobody_leading() {
        let commit = Commit::new(1, |_| 1, PATIENCE);
        for item in 0..3 {
            assert_eq!(commit.run(item, tenfold), Outcome::Result(10 * item));
            assert!(commit.lock().led_since.is_none());
        }
    }

    #[test]
    fn a_leader_that_panics_loses_the_results_of_its_batch_and_hangs_nobody() {
        let commit = Commit::new(usize::MAX, |_| 1, PATIENCE);
        let (batches, results) = after_a_leader(&commit, 2, |_| panic!("a fault of the leader's"));
        assert_eq!(
            (batches, results),
            (vec![vec![1, 2]], vec![Outcome::Result(10), Outcome::Result(20)])
        );

        // Of its own batch, too, everybody is told.
        let panics = thread::scope(|scope| {
            let threads = [1, 2, 3].map(|item| {
                let lead = |items: &[usize]| match items {
                    // The first of the others leads for both.
                    [2, 3] => panic!("a fault of the leader's"),
                    [1] => {
                        until_queued(&commit, 2);
                        tenfold(items)
                    }
                    _ => tenfold(items),
                };
                let commit = &commit;
                let run = move || catch_unwind(AssertUnwindSafe(|| commit.run(item, lead)));
                let thread = scope.spawn(run);
                match item {
                    1 => while commit.lock().led_since.is_none() || commit.waiting() > 0 {},
                    2 => until_queued(commit, 1),
                    _ => {}
                }
                thread
            });
            threads.map(|thread| thread.join().unwrap().ok())
        });
        assert_eq!(panics, [Some(Outcome::Result(10)), None, Some(Outcome::Lost)]);
        assert_eq!(commit.run(4, tenfold), Outcome::Result(40));
    }

    #[test]
    fn an_item_that_no_leader_takes_in_time_is_taken_back_and_leaves_the_others() {
        let commit = Commit::new(usize::MAX, |_| 1, Duration::from_millis(1));
        let (led, begin) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let commit = &commit;
            let hangs = move |items: &[usize]| {
                led.send(()).unwrap();
                ended.recv().unwrap();
                tenfold(items)
            };
            let leader = scope.spawn(move || commit.run(1, hangs));
            begin.recv().unwrap();
            assert_eq!(
                [2, 3].map(|item| commit.run(item, tenfold)),
                [Outcome::Late, Outcome::Late]
            );
            assert_eq!(commit.waiting(), 0);
            end.send(()).unwrap();
            assert_eq!(leader.join().unwrap(), Outcome::Result(10), "it was taken, so it waits");
        });
        assert_eq!(commit.run(4, tenfold), Outcome::Result(40));
    }

    #[test]
    fn whoever_comes_when_the_leader_has_led_for_too_long_does_not_wait() {
        let patience = Duration::from_secs(10);
        let commit = Commit::new(usize::MAX, |_| 1, patience);
        commit.lock().led_since = Instant::now().checked_sub(patience);
        let begun = Instant::now();
        assert_eq!(commit.run(1, tenfold), Outcome::Late);
        assert!(begun.elapsed() < patience);
        // One who leads since a moment ago is waited for.
        commit.lock().led_since = Some(Instant::now());
        let ticket = Ticket::new();
        assert!(commit.enqueue(2, &ticket).is_some_and(|most| most > patience / 2));
    }
}
