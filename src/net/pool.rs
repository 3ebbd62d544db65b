//! The worker threads: as many as there is work for, up to a cap, and no more when it is over.
//!
//! A job serves a connection. A *chore* is what remains to be done at a stream's end: its
//! `on_close` callbacks, or joining an interval's thread. Thousands may come at once, and nobody
//! waits for one.
//!
//! ```text
//! submit ─► queue ─► an idle worker takes it
//!             ▲  └─► none idle, fewer than the cap: a new worker
//!             │  └─► else it waits for the first that is free
//!           hand     a few of these stand for the chores: a worker that takes one does one chore,
//!             ▲      and puts the hand back at the end of the queue while there are more
//! chore ─► chores
//! ```
//!
//! So chores occupy [`HANDS`] workers at most, and never more than half of them; a job that comes
//! waits for no more than the chores that are under way. A chore that blocks holds its own hand
//! only.
//!
//! A worker that has been idle for [`IDLE`] ends. One whose job panics goes on with the next. The
//! pool is owned by its server; [`Pool::stop`] runs what is queued and joins every thread.
//!
//! A worker may block while it waits for a peer, but never more than half of the cap do so at
//! once ([`Pool::may_wait`]): the other half is always there for requests that have come whole.
//! No worker blocks while a job waits that no other worker is free for: where all others are busy,
//! or where the system gives no more threads.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::net::counts::Place;
use crate::net::lifecycle::{Lifecycle, Stage};
use crate::net::panics::Panics;
use crate::net::threads::{self as thread, JoinHandle};

pub(crate) type Job = Box<dyn Task>;

/// What a worker can do: a closure, or a value that is in a box already and needs no other.
pub(crate) trait Task: Send {
    fn perform(self: Box<Self>);
}

impl<F: FnOnce() + Send> Task for F {
    fn perform(self: Box<Self>) {
        self();
    }
}

/// Long enough to keep a worker from one request of a page to the next, short enough to be gone
/// before anybody counts threads.
const IDLE: Duration = Duration::from_secs(5);

/// How many workers chores may occupy: enough that a slow callback does not hold up all others.
const HANDS: usize = 4;

/// Handlers are user code and may need room; it is only taken when it is used.
const STACK: usize = 1024 * 1024;

pub(crate) struct Pool {
    /// No other lock is ever taken while this one is held.
    state: Mutex<State>,
    /// One worker is woken for one job, so that no herd runs for it.
    wake: Condvar,
    /// Workers that wait for a peer, in a read or a write. At most half of `cap`.
    waiting: AtomicUsize,
    /// Whether a worker was refused the right to wait since this was last read.
    wanted: AtomicBool,
    /// Whether a job waits that no worker was free for. Changed while the state is locked.
    behind: AtomicBool,
    cap: usize,
    panics: Arc<Panics>,
    lifecycle: Arc<Lifecycle>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Work>,
    chores: VecDeque<Job>,
    /// How many hands are in the queue or at work: at least one while there are chores.
    hands: usize,
    /// How many workers have nothing to do. One that is being started is among them, so that no
    /// other is started for the same work however long its start takes.
    idle: usize,
    workers: usize,
    /// Every thread that was started and not joined yet; those that ended are joined at the next
    /// start, so that there are never more of them than workers at the busiest time.
    threads: Vec<JoinHandle<()>>,
}

/// What a worker takes from the queue.
enum Work {
    Job(Job),
    /// Whoever takes it does the next chore.
    Hand,
}

impl Pool {
    /// A pool without threads yet, which never has more than `cap`.
    pub(crate) fn new(cap: usize, panics: &Arc<Panics>, lifecycle: &Arc<Lifecycle>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            wake: Condvar::new(),
            waiting: AtomicUsize::new(0),
            wanted: AtomicBool::new(false),
            behind: AtomicBool::new(false),
            cap: cap.max(1),
            panics: Arc::clone(panics),
            lifecycle: Arc::clone(lifecycle),
        })
    }

    /// Queues a job. Gives it back if the pool has stopped, or if not even one thread could be
    /// started for it.
    pub(crate) fn submit(self: &Arc<Self>, job: Job) -> Result<(), Job> {
        let mut state = self.lock();
        if self.is_over() {
            return Err(job);
        }
        state.queue.push_back(Work::Job(job));
        let Err(mut state) = self.call_worker(state) else { return Ok(()) };
        match state.queue.pop_back() {
            Some(Work::Job(job)) => Err(job),
            Some(Work::Hand) | None => Ok(()),
        }
    }

    /// Queues what nobody waits for. Gives it back as [`submit`](Self::submit) does.
    pub(crate) fn chore(self: &Arc<Self>, chore: Job) -> Result<(), Job> {
        let mut state = self.lock();
        if self.is_over() {
            return Err(chore);
        }
        state.chores.push_back(chore);
        if state.hands >= HANDS.min(self.cap / 2).max(1) {
            return Ok(());
        }
        state.queue.push_back(Work::Hand);
        state.hands += 1;
        let Err(mut state) = self.call_worker(state) else { return Ok(()) };
        state.queue.pop_back();
        state.hands -= 1;
        if state.hands > 0 { Ok(()) } else { state.chores.pop_back().map_or(Ok(()), Err) }
    }

    /// Sees to it that a worker comes to what was queued last; an error if there is none at all.
    fn call_worker<'a>(
        self: &Arc<Self>,
        mut state: MutexGuard<'a, State>,
    ) -> Result<(), MutexGuard<'a, State>> {
        let Some(wake) = self.find_worker(&mut state) else { return Err(state) };
        // Woken without the lock, or its first act would be to wait for that.
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Whether a worker has to be woken for what was queued last, as one is idle: else one works,
    /// or is started. `None` if there is none at all.
    fn find_worker(self: &Arc<Self>, state: &mut State) -> Option<bool> {
        if state.queue.len() <= state.idle {
            return Some(true);
        }
        if state.workers >= self.cap || !self.start_worker(state) {
            // There may be no more workers, or the system gives no thread. Whoever works now will
            // come to it; where nobody does, only this one fails.
            if state.workers == 0 {
                return None;
            }
            self.behind.store(true, Ordering::Relaxed);
        }
        Some(false)
    }

    fn start_worker(self: &Arc<Self>, state: &mut State) -> bool {
        join_finished(&mut state.threads);
        let pool = Arc::clone(self);
        let started = thread::Builder::new()
            .name("tidings-worker".into())
            .stack_size(STACK)
            .spawn(move || pool.work());
        match started {
            Ok(thread) => {
                state.workers += 1;
                state.idle += 1;
                state.threads.push(thread);
                true
            }
            Err(_) => false,
        }
    }

    /// The right to block while waiting for a peer, or nothing where that would take a thread that
    /// a whole request may need.
    pub(crate) fn may_wait(&self) -> Option<Place<'_>> {
        if self.behind.load(Ordering::Relaxed) {
            return None;
        }
        let place = Place::of(&self.waiting, self.cap / 2);
        if place.is_none() {
            self.wanted.store(true, Ordering::Relaxed);
        }
        place
    }

    /// Whether somebody was refused that right since this was last asked, or a job waits: then
    /// whoever has it should give it up in turn.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.swap(false, Ordering::Relaxed) || self.behind.load(Ordering::Relaxed)
    }

    /// Whether a job waits that no worker is free for.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    /// How many worker threads there are.
    pub(crate) fn workers(&self) -> usize {
        self.lock().workers
    }

    /// Runs what is queued, ends the workers and joins them. Returns how many were still busy at
    /// `deadline`; those are left to end by themselves.
    pub(crate) fn stop(&self, deadline: Instant) -> usize {
        self.lifecycle.raise(Stage::Over);
        let mut state = self.lock();
        self.wake.notify_all();
        while state.workers > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.wait(state, left);
        }
        // The idle ones have been woken, and end, but for those that take what is still queued.
        let busy = state.workers - state.idle.saturating_sub(state.queue.len());
        let mut threads = std::mem::take(&mut state.threads);
        drop(state);
        if busy > 0 {
            join_finished(&mut threads);
        } else {
            threads.into_iter().for_each(join);
        }
        busy
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.lifecycle.has_reached(Stage::Over)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, most: Duration) -> MutexGuard<'a, State> {
        self.wake.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0
    }

    /// The life of one worker.
    fn work(&self) {
        let mut state = self.lock();
        // It was counted as idle since it was started.
        state.idle -= 1;
        while let Some((job, has_hand)) = self.next_job(state) {
            // Panics of handlers and callbacks are caught nearer to them.
            self.panics.catch(|| job.perform());
            state = self.lock();
            if has_hand {
                // To the end of the queue: a job that came meanwhile is first.
                state.queue.push_back(Work::Hand);
            }
        }
    }

    /// Waits for a job, or for a hand and its chore; `None` ends the worker, which is then no
    /// longer counted.
    fn next_job(&self, mut state: MutexGuard<'_, State>) -> Option<(Job, bool)> {
        let idle_since = Instant::now();
        loop {
            if let Some(work) = state.queue.pop_front() {
                if state.queue.is_empty() {
                    self.behind.store(false, Ordering::Relaxed);
                }
                match work {
                    Work::Job(job) => return Some((job, false)),
                    Work::Hand => match state.chores.pop_front() {
                        Some(chore) => return Some((chore, true)),
                        None => state.hands -= 1,
                    },
                }
                continue;
            }
            let left = IDLE.saturating_sub(idle_since.elapsed());
            if self.is_over() || left.is_zero() {
                state.workers -= 1;
                if self.is_over() {
                    // `stop` waits for the last one.
                    self.wake.notify_all();
                }
                return None;
            }
            state.idle += 1;
            state = self.wait(state, left);
            state.idle -= 1;
        }
    }
}

fn join_finished(threads: &mut Vec<JoinHandle<()>>) {
    let mut at = 0;
    while at < threads.len() {
        if threads[at].is_finished() {
            join(threads.swap_remove(at));
        } else {
            at += 1;
        }
    }
}

/// How often [`join_by`] checks whether the thread has ended.
const POLL: Duration = Duration::from_millis(1);

/// Waits for a thread until the deadline; gives it back if it has not ended by then.
pub(crate) fn join_by(thread: JoinHandle<()>, deadline: Instant) -> Result<(), JoinHandle<()>> {
    // std can't wait for a thread with a limit.
    while !thread.is_finished() {
        if Instant::now() >= deadline {
            return Err(thread);
        }
        thread::sleep(POLL);
    }
    join(thread);
    Ok(())
}

fn join(thread: JoinHandle<()>) {
    // A job that panics is caught in `work`; there is nothing to learn from the result. The last
    // owner of a pool may be one of its own workers, which must not wait for itself.
    if thread.thread().id() != thread::current().id() {
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests;
