//! The watch thread: whatever has to be noticed while nothing happens.
//!
//! The standard library can't ask the system which sockets are ready, so what has to be noticed is
//! noticed by trying. One thread does that for all:
//!
//! - a *parked* connection, whose request is not whole and for which no worker may wait, is read
//!   again; once there is work to do, a worker goes on with it;
//! - a stream whose socket took no more is written again;
//! - a connection that is being closed is drained until its peer has closed too;
//! - every open stream is looked at: has its peer gone, is a heartbeat due?
//!
//! A try that fails is repeated after a pause, which doubles each time ([`tries`]). And the thread
//! measures what its work costs and then rests for [`REST`] times as long, which keeps it within a
//! few per cent of a core; but never for more than half of [`LOOK`], so that nobody waits long
//! where a hook took its time here. Only what has just come is tried during a rest too.

mod tries;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::channel::batches::Batches;
use crate::error::{CloseReason, Error, Result};
use crate::log::waiting::Unsent;
use crate::net::linger::Linger;
use crate::net::link::Link;
use crate::net::moment::Moment;
use crate::net::pool::join_by;
use crate::net::threads::{self as thread, JoinHandle};
use crate::server::connection::Connection;
use crate::server::connection::wait::Tried;
use crate::server::shared::Shared;
use crate::stream::Stream;
use tries::Tries;

/// One part of work, so many parts of rest: four per cent of a core.
const REST: u32 = 24;
/// How often every stream is looked at: well within the second in which an end must be noticed.
const LOOK: Duration = Duration::from_millis(400);
/// How often where that costs much, which thousands of streams do: still within the second.
const LATEST_LOOK: Duration = Duration::from_millis(920);
/// A look may take one part in so many of the time to the next, which keeps it, with as much again
/// for heartbeats, within one and a half per cent of a core.
const LOOK_REST: u32 = 150;
/// How many streams are looked at while the registry is locked.
const SLICE: usize = 256;
const STACK: usize = 256 * 1024;

pub(crate) struct Watch {
    /// Taken last: no other lock is taken while this one is held.
    inbox: Mutex<Inbox>,
    wake: Condvar,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Inbox {
    tasks: Vec<Task>,
    stopping: bool,
    thread: Option<JoinHandle<()>>,
}

/// Something to be tried until it succeeds or its time is over.
#[derive(Debug)]
enum Task {
    Connection(Box<Connection>),
    /// A blocked stream; whoever owns it may let go of it meanwhile.
    Stream(Weak<Stream>),
    Linger(Linger),
    #[cfg(test)]
    Panic,
}

/// How another try went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// There is nothing left to try.
    Over,
    /// It went on a little: the next try is soon.
    Moved,
    /// Nothing has changed: the pause grows.
    Stuck,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self { inbox: Mutex::default(), wake: Condvar::new() }
    }

    pub(crate) fn start(&self, server: &Arc<Shared>) -> Result<()> {
        let shared = Arc::clone(server);
        let thread = thread::Builder::new()
            .name("tidings-watch".into())
            .stack_size(STACK)
            .spawn(move || Round::new(shared).work())
            .map_err(|error| Error::io("can't start the watch thread", error))?;
        self.lock().thread = Some(thread);
        Ok(())
    }

    /// Takes a connection for which no worker may wait.
    pub(crate) fn park(&self, connection: Box<Connection>) {
        self.add(Task::Connection(connection));
    }

    /// Takes a stream whose socket took no more.
    pub(crate) fn try_again(&self, stream: &Arc<Stream>) {
        self.add(Task::Stream(Arc::downgrade(stream)));
    }

    /// Takes a connection that is over: sends the rest, for as long as the peer takes some of it
    /// within the write deadline, then waits a while for the peer's end.
    pub(crate) fn linger(&self, link: Link, rest: Unsent, write_deadline: Duration) {
        if let Some(linger) = Linger::begin(link, rest, write_deadline) {
            self.add(Task::Linger(linger));
        }
    }

    fn add(&self, task: Task) {
        let mut inbox = self.lock();
        if inbox.stopping {
            // Nobody will try it again. Dropped without the lock, as a drop may come back here.
            drop(inbox);
            return drop(task);
        }
        inbox.tasks.push(task);
        drop(inbox);
        self.wake.notify_one();
    }

    /// Ends the thread; what it still had is closed. Returns how many threads would not end by the
    /// deadline, as a hook holds them.
    pub(crate) fn stop(&self, deadline: Instant) -> usize {
        let thread = {
            let mut inbox = self.lock();
            inbox.stopping = true;
            inbox.thread.take()
        };
        self.wake.notify_one();
        let stuck = thread.is_some_and(|thread| join_by(thread, deadline).is_err());
        let left = std::mem::take(&mut self.lock().tasks);
        // Dropped without the lock, as a drop may come back here.
        drop(left);
        usize::from(stuck)
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something is new or `until` has come, and takes what is new; `None` at the end.
    fn wait(&self, until: Instant) -> Option<Vec<Task>> {
        let mut inbox = self.lock();
        loop {
            if inbox.stopping {
                return None;
            }
            let left = until.saturating_duration_since(Instant::now());
            if !inbox.tasks.is_empty() || left.is_zero() {
                return Some(std::mem::take(&mut inbox.tasks));
            }
            inbox = self.wake.wait_timeout(inbox, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What the watch thread knows.
struct Round {
    server: Arc<Shared>,
    tries: Tries<Task>,
    look_at: Instant,
    /// Empty but during a look; kept for its memory.
    looked_at: Vec<Arc<Stream>>,
    batches: Batches,
}

impl Round {
    fn new(server: Arc<Shared>) -> Self {
        let look_at = Instant::now() + LOOK;
        let (tries, batches) = (Tries::new(), Batches::default());
        Self { server, tries, look_at, looked_at: Vec::with_capacity(SLICE), batches }
    }

    fn work(mut self) {
        let server = Arc::clone(&self.server);
        let mut rested_at = Instant::now();
        while let Some(new) = server.watch.wait(self.next(rested_at)) {
            let began = Instant::now();
            new.into_iter().for_each(|task| self.tries.add(task, began));
            let rested = began >= rested_at;
            self.try_what_is_due(began, rested);
            if !rested {
                continue;
            }
            if began >= self.look_at {
                self.look_at_streams(began);
            }
            rested_at = rest(began, Instant::now(), self.look_at);
        }
    }

    /// When there is something to do next.
    fn next(&self, rested_at: Instant) -> Instant {
        let look_at = self.look_at.max(rested_at);
        self.tries.next(rested_at).map_or(look_at, |next| next.min(look_at))
    }

    fn try_what_is_due(&mut self, now: Instant, rested: bool) {
        while let Some((task, waited)) = self.tries.take(now, rested) {
            if let Some((task, retry)) = self.attempt_safely(task, now) {
                self.tries.again(task, waited, retry, now);
            }
        }
    }

    /// The same, where a panic ends the task and not the thread.
    fn attempt_safely(&mut self, task: Task, now: Instant) -> Option<(Task, Retry)> {
        let panics = Arc::clone(self.server.counts.panics());
        let stream = if let Task::Stream(stream) = &task { stream.upgrade() } else { None };
        panics.catch(|| self.attempt(task, now)).unwrap_or_else(|| {
            // A connection has been dropped by the panic.
            stream.and_then(|stream| panics.catch(|| stream.end(CloseReason::Failed)));
            None
        })
    }

    /// Gives the task back, if there is still one, and says how it went.
    fn attempt(&mut self, task: Task, now: Instant) -> Option<(Task, Retry)> {
        match task {
            Task::Connection(connection) => match connection.try_again(now) {
                Tried::Parked(connection, retry) => Some((Task::Connection(connection), retry)),
                Tried::Ready(connection) => {
                    connection.hand_to_worker();
                    None
                }
                Tried::Over => None,
            },
            Task::Stream(stream) => {
                let retry = stream.upgrade()?.try_again(&mut self.batches, Moment::now());
                Some((Task::Stream(stream), retry))
            }
            #[cfg(test)]
            Task::Panic => panic!("on purpose"),
            Task::Linger(linger) => {
                linger.try_again(now).map(|(linger, retry)| (Task::Linger(linger), retry))
            }
        }
    }

    fn look_at_streams(&mut self, now: Instant) {
        let moment = Moment::now();
        let panics = Arc::clone(self.server.counts.panics());
        let mut place = 0;
        while let Some(next) = self.server.streams.slice(place, SLICE, &mut self.looked_at) {
            // What of them is not in the cache comes together now, and not in turn between calls.
            self.looked_at.iter().for_each(|stream| stream.touch());
            // Dropped without the registry's lock, as the last owner's drop comes back there.
            for stream in self.looked_at.drain(..) {
                if panics.catch(|| stream.look(moment)).is_none() {
                    panics.catch(|| stream.end(CloseReason::Failed));
                }
            }
            place = next;
        }
        self.look_at = now + look_after(now.elapsed());
    }
}

/// Until when the thread rests, which has worked from `began` until `now`.
fn rest(began: Instant, now: Instant, look_at: Instant) -> Instant {
    // A hook may have taken its time here, which must not be paid for in rest.
    let rest = ((now - began) * REST).min(LOOK / 2);
    // A rest must not delay the check for closed peers.
    (now + rest).min(look_at.max(now))
}

/// How long after a look that took so long the next one begins.
fn look_after(took: Duration) -> Duration {
    (took * LOOK_REST).clamp(LOOK, LATEST_LOOK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_rest_is_many_times_as_long_as_the_work_and_ends_with_the_next_look() {
        let began = Instant::now();
        let far = began + MS * 10_000;
        let now = began + MS * 2;
        assert_eq!(rest(began, now, far), now + MS * 48);
        assert_eq!(rest(began, began + MS * 50, far), began + MS * 250, "half of a look at most");
        assert_eq!(rest(began, now, began + MS * 20), began + MS * 20);
        assert_eq!(rest(began, now, began), now, "the look is due already");
    }

    #[test]
    fn looks_come_less_often_where_they_cost_much() {
        let millis = [0, 2, 4, 6, 7, 100];
        let after = millis.map(|took| look_after(MS * took).as_millis());
        assert_eq!(after, [400, 400, 600, 900, 920, 920]);
    }

    #[test]
    fn row_53_a_try_that_panics_is_counted_and_the_watch_thread_goes_on() {
        let (_listener, server, _handle) = Server::bind("127.0.0.1:0").unwrap().prepare().unwrap();
        for count in 1..=2 {
            server.watch.add(Task::Panic);
            let begun = Instant::now();
            while server.stats().panics < count {
                assert!(begun.elapsed() < Duration::from_secs(20), "the condition did not come");
                thread::yield_now();
            }
        }
        assert_eq!(server.stop(), 0);
    }
}
