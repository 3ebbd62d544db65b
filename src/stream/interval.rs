//! A closure that a thread of its own calls again and again, while a stream or a channel lives.
//!
//! ```text
//! begin      +period    +2 periods            +4 periods
//!   │           │            │                     │
//!   └───────────┴─ closure ──┴─ closure that takes ┴─ closure …
//!                              more than a period: the third call is left out
//! ```
//!
//! Calls are due at whole periods after the beginning, so a closure's own time does not add up to
//! a drift. A call that would come late by a whole period is left out.

use std::fmt;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::end::OnClose;
use super::writer::SseWriter;
use crate::channel::Channel;
use crate::error::{CloseReason, Error, Result};
use crate::net::threads::{self as thread, JoinHandle, Thread, ThreadId};
use crate::stream::hooks;

/// Enough for formatting an event, small enough for thousands of intervals. It is reserved, not
/// taken.
const STACK: usize = 128 * 1024;

/// How many intervals a process may have. A thread costs four memory maps, of which Linux gives a
/// process 65,530; and where it has none left for a thread that has begun already, std can't but
/// abort the process. So the error comes before.
const MOST: usize = 12_000;

/// How many there are.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// An interval that its owner can end before its stream or its channel does.
///
/// Dropping it ends the interval: its closure is not called again, and the thread is joined, so
/// the drop waits for a call that is under way. Dropped by that very call, it does not wait. When
/// the stream ends, or at the first call due after the channel was closed, it ends by itself; and
/// so it does when its closure fails or panics. [`on_end`](Self::on_end) has its owner told.
#[must_use = "an interval ends when it is dropped; `SseWriter::every` leaves it to the stream"]
pub struct Interval {
    fate: Arc<Fate>,
    handle: Option<JoinHandle<()>>,
}

/// Why an interval ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum IntervalEnd {
    /// Its [`Interval`] was dropped.
    Dropped,
    /// Its stream had ended, or its channel was closed.
    Closed,
    /// Its closure returned this error. A stream is cut off then.
    Failed(Error),
    /// Its closure panicked. A stream is cut off then.
    Panicked,
}

impl fmt::Display for IntervalEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped => f.write_str("the interval was dropped"),
            Self::Closed => f.write_str("the stream or the channel of the interval has ended"),
            Self::Failed(error) => write!(f, "the interval's closure failed: {error}"),
            Self::Panicked => f.write_str("the interval's closure panicked"),
        }
    }
}

type OnEnd = Box<dyn FnOnce(IntervalEnd) + Send>;

/// What an interval's thread and its owner share.
#[derive(Default)]
struct Fate {
    stop: AtomicBool,
    /// No other lock is taken while this one is held.
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    to: Option<OnEnd>,
    /// The end, until somebody is told of it.
    end: Option<IntervalEnd>,
}

impl Fate {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Tells whoever wants to know, or keeps it for whoever will. Calls user code: no lock may be
    /// held.
    fn tell(&self, change: impl FnOnce(&mut Told)) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut told);
        if told.to.is_none() || told.end.is_none() {
            return;
        }
        let Told { to, end } = mem::take(&mut *told);
        drop(told);
        if let (Some(to), Some(end)) = (to, end) {
            hooks::call(|| to(end));
        }
    }
}

impl Interval {
    /// Has a callback run, once, when the interval ends, with the reason: on the interval's own
    /// thread, or here and now if it has ended. It replaces one that was set before and was not
    /// called. An end that nobody asks for is not kept any longer than the interval.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use tidings::{Channel, Error, IntervalEnd};
    ///
    /// let (say, said) = mpsc::channel();
    /// let fails = |_: &Channel| Err(Error::other("the sensor does not answer"));
    /// let ticker = Channel::new().every(Duration::from_millis(1), fails)?;
    /// ticker.on_end(move |end| say.send(end).unwrap());
    /// assert!(matches!(said.recv(), Ok(IntervalEnd::Failed(_))));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn on_end(&self, callback: impl FnOnce(IntervalEnd) + Send + 'static) {
        let mut replaced = None;
        self.fate.tell(|told| replaced = told.to.replace(Box::new(callback)));
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval").finish_non_exhaustive()
    }
}

impl Drop for Interval {
    fn drop(&mut self) {
        self.fate.stop.store(true, Ordering::Release);
        let Some(handle) = self.handle.take() else { return };
        handle.thread().unpark();
        if handle.thread().id() != thread::current().id() {
            // A closure that panics is caught in the thread.
            let _ = handle.join();
        }
    }
}

/// What a stream holds until its end.
#[derive(Default)]
pub(crate) struct Attached {
    pub(crate) callbacks: Vec<OnClose>,
    /// One for each interval whose thread is still there.
    pub(crate) intervals: Vec<Running>,
}

/// An interval as its stream knows it.
pub(crate) struct Running {
    thread: Thread,
    /// Present where nobody else joins the thread.
    pub(crate) handle: Option<JoinHandle<()>>,
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached")
            .field("callbacks", &self.callbacks.len())
            .field("intervals", &self.intervals.len())
            .finish()
    }
}

impl Attached {
    /// The stream has ended: wakes the intervals, which then find that out, and gives the
    /// callbacks to be run.
    pub(crate) fn end(&mut self) -> Vec<OnClose> {
        self.intervals.iter().for_each(|running| running.thread.unpark());
        std::mem::take(&mut self.callbacks)
    }

    pub(crate) fn remove(&mut self, thread: ThreadId) -> Option<Running> {
        let at = self.intervals.iter().position(|running| running.thread.id() == thread)?;
        Some(self.intervals.swap_remove(at))
    }
}

/// Starts an interval that nobody but its stream holds.
pub(crate) fn every<F>(stream: &SseWriter, period: Duration, call: F) -> Result<()>
where
    F: FnMut(&SseWriter) -> Result<()> + Send + 'static,
{
    check(period)?;
    let give = stream.stream().attach(|intervals| {
        let (handle, give) = spawn(stream.clone(), period, Arc::default())?;
        intervals.push(Running { thread: handle.thread().clone(), handle: Some(handle) });
        Ok(give)
    })?;
    // The thread waits for it, and ends only behind it.
    let _ = give.send(call);
    Ok(())
}

/// Starts an interval and gives its owner the guard.
pub(crate) fn guarded<F>(stream: &SseWriter, period: Duration, call: F) -> Result<Interval>
where
    F: FnMut(&SseWriter) -> Result<()> + Send + 'static,
{
    check(period)?;
    let fate = Arc::<Fate>::default();
    let (interval, give) = stream.stream().attach(|intervals| {
        let (handle, give) = spawn(stream.clone(), period, Arc::clone(&fate))?;
        intervals.push(Running { thread: handle.thread().clone(), handle: None });
        Ok((Interval { fate, handle: Some(handle) }, give))
    })?;
    let _ = give.send(call);
    Ok(interval)
}

fn check(period: Duration) -> Result<()> {
    if period.is_zero() {
        return Err(Error::invalid("the period of an interval must be longer than zero"));
    }
    Ok(())
}

/// Starts the thread, and gives the way by which it is then sent its closure. The caller holds the
/// stream's lock, under which a closure must not be dropped: what it holds may come back for the
/// lock. So it is sent only when there is a thread to take it and the lock is free.
fn spawn<F>(
    stream: SseWriter,
    period: Duration,
    fate: Arc<Fate>,
) -> Result<(JoinHandle<()>, Sender<F>)>
where
    F: FnMut(&SseWriter) -> Result<()> + Send + 'static,
{
    let counted = stream.stream().runtime().counts.interval();
    let (give, take) = mpsc::channel::<F>();
    let life = move || {
        if let Ok(mut call) = take.recv() {
            let is_over = || fate.is_stopped() || !stream.is_active();
            let end = repeat(period, is_over, || call(&stream));
            // What the closure holds is given back here, before the thread is joined.
            drop(call);
            let end = after(&stream, fate.is_stopped(), end);
            fate.tell(|told| told.end = Some(end));
        }
        stream.stream().detach(thread::current().id());
        drop((stream, counted));
    };
    Ok((start(life)?, give))
}

/// What ended the calls of a closure: that it was over, an error, or a panic.
type Outcome = thread::Result<Result<()>>;

/// Calls the closure on time until it fails or it is over.
fn repeat(
    period: Duration,
    is_over: impl Fn() -> bool,
    mut call: impl FnMut() -> Result<()>,
) -> Outcome {
    let mut schedule = Schedule::new(period);
    while schedule.wait(&is_over) {
        let called = catch_unwind(AssertUnwindSafe(&mut call));
        if !matches!(called, Ok(Ok(()))) {
            return called;
        }
    }
    Ok(Ok(()))
}

/// Ends a stream whose interval failed. An error that says no more than that the stream has ended
/// is no failure: its own callbacks tell of that. One that says so of another stream is.
fn after(stream: &SseWriter, dropped: bool, outcome: Outcome) -> IntervalEnd {
    match outcome {
        Ok(Ok(())) => IntervalEnd::over(dropped),
        Ok(Err(error)) if error.is_closed() && !stream.is_active() => IntervalEnd::Closed,
        Ok(Err(error)) => {
            stream.stream().tell_failure(&error);
            stream.stream().end(CloseReason::Failed);
            IntervalEnd::Failed(error)
        }
        Err(_) => {
            stream.stream().end(CloseReason::Failed);
            IntervalEnd::Panicked
        }
    }
}

impl IntervalEnd {
    fn over(dropped: bool) -> Self {
        if dropped { Self::Dropped } else { Self::Closed }
    }
}

/// When calls are due.
struct Schedule {
    begin: Instant,
    period: Duration,
    /// The next call, counted from the beginning.
    due: Duration,
}

impl Schedule {
    fn new(period: Duration) -> Self {
        Self { begin: Instant::now(), period, due: Duration::ZERO }
    }

    /// Waits until the next call is due; false once it is over. Whoever brings that about unparks
    /// the thread.
    fn wait(&mut self, is_over: impl Fn() -> bool) -> bool {
        self.due = self.due.saturating_add(self.period);
        let late = self.begin.elapsed().saturating_sub(self.due);
        let left_out = late.as_nanos() / self.period.as_nanos();
        let left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
        self.due = self.due.saturating_add(self.period.saturating_mul(left_out));
        while !is_over() {
            let left = self.due.saturating_sub(self.begin.elapsed());
            if left.is_zero() {
                return true;
            }
            // Woken early by whoever ends it, or by nobody at all.
            thread::park_timeout(left);
        }
        false
    }
}

/// Starts a thread that calls a closure for a channel until it fails, the channel is closed or the
/// guard is dropped.
pub(crate) fn of_channel<F>(channel: Channel, period: Duration, mut call: F) -> Result<Interval>
where
    F: FnMut(&Channel) -> Result<()> + Send + 'static,
{
    check(period)?;
    let fate = Arc::<Fate>::default();
    let shared = Arc::clone(&fate);
    let life = move || {
        let is_over = || shared.is_stopped() || channel.is_closed();
        let outcome = repeat(period, is_over, || call(&channel));
        drop(call);
        let end = match outcome {
            Ok(Ok(())) => IntervalEnd::over(shared.is_stopped()),
            Ok(Err(error)) if error.is_channel_closed() && channel.is_closed() => {
                IntervalEnd::Closed
            }
            Ok(Err(error)) => IntervalEnd::Failed(error),
            Err(_) => IntervalEnd::Panicked,
        };
        shared.tell(|told| told.end = Some(end));
    };
    let handle = start(life)?;
    Ok(Interval { fate, handle: Some(handle) })
}

fn start(life: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let start = || {
        let place = Place::of(&RUNNING, MOST)?;
        thread::Builder::new().name("tidings-interval".into()).stack_size(STACK).spawn(move || {
            life();
            drop(place);
        })
    };
    start().map_err(|error| Error::io("can't start a thread for an interval", error))
}

/// One of a bounded number; given back on drop.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn of(taken: &'a AtomicUsize, most: usize) -> io::Result<Self> {
        let take = |now: usize| (now < most).then_some(now + 1);
        match taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(Self(taken)),
            Err(_) => Err(io::Error::other("there are too many intervals")),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_bound_an_interval_is_an_error_until_another_has_ended() {
        let taken = AtomicUsize::new(0);
        let places = [(); 2].map(|()| Place::of(&taken, 2).unwrap());
        assert!(Place::of(&taken, 2).is_err());
        drop(places);
        assert!(Place::of(&taken, 2).is_ok());
    }
}
