//! A closure that a thread of its own calls again and again, for as long as its owner lives.
//!
//! ```text
//! begin      +period    +2 periods            +4 periods
//!   │           │            │                     │
//!   └───────────┴─ closure ──┴─ closure that takes ┴─ closure …
//!                              more than a period: the third call is left out
//! ```
//!
//! Calls are due at whole periods after the beginning, so a closure's own time does not add up to
//! a drift. A call that would come late by a whole period is left out. This module does not know
//! whether a stream or a channel owns an interval: it only knows an [`Owner`].
//!
//! A closure that is called once, and works for as long as it likes, has such a thread too: it
//! begins, fails and is joined as an interval does.

use std::fmt;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::counts::Place;
use super::threads::{self as thread, JoinHandle, Thread};
use crate::error::{Error, Result};

/// Enough for formatting an event, small enough for thousands of intervals. It is reserved, not
/// taken.
const INTERVAL: Life = Life { name: "tidings-interval", stack: 128 * 1024 };

/// What it runs may be anything, as with a handler.
const SPAWNED: Life = Life { name: "tidings-spawned", stack: 1024 * 1024 };

/// A kind of thread.
struct Life {
    name: &'static str,
    stack: usize,
}

/// How many of these threads a process may have. A thread costs four memory maps, of which Linux
/// gives a process 65,530; and where it has none left for a thread that has begun already, std
/// can't but abort the process. So the error comes before.
const MOST: usize = 12_000;

/// How many there are.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// An interval that ends when this is dropped, if not before.
///
/// The drop joins the thread, so it waits for a call that is under way; the closure is not called
/// again. Dropped by that very call, it does not wait. When the stream ends, or at the first call
/// due after the channel was closed, the interval ends by itself; and so it does when its closure
/// fails or panics. [`on_end`](Self::on_end) tells you of its end.
#[must_use = "an interval ends when it is dropped; `every` leaves it to the stream or the channel"]
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
    /// Its stream had ended, its channel was closed, or its hub had gone.
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
            Self::Closed => f.write_str("the stream, channel or hub of the interval has ended"),
            Self::Failed(error) => write!(f, "the interval's closure failed: {error}"),
            Self::Panicked => f.write_str("the interval's closure panicked"),
        }
    }
}

type OnEnd = Box<dyn FnOnce(IntervalEnd) + Send>;

/// What an interval belongs to.
pub(crate) trait Owner: Send + 'static {
    /// Whether it has ended, and its intervals with it. Whoever ends it may unpark their threads;
    /// else they find out when the next call is due.
    fn is_over(&self) -> bool;

    /// Does what follows from an end of an interval, and returns that end as its user is to see it.
    /// The closure is gone by then, and no lock is held.
    fn interval_ended(&self, end: IntervalEnd) -> IntervalEnd;

    /// The last act of an interval's thread.
    fn let_go(self)
    where
        Self: Sized,
    {
    }
}

/// What an interval's thread and its guard share.
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
            // A panic in it ends here; the panic hook has printed it.
            let _ = catch_unwind(AssertUnwindSafe(|| to(end)));
        }
    }
}

impl Interval {
    /// Has a callback run, once, when the interval ends, with the reason: on the interval's own
    /// thread, or here and now if it has ended. It replaces one that was set before and was not
    /// called.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use tidings::{Channel, Error, IntervalEnd};
    ///
    /// let (say, said) = mpsc::channel();
    /// let fails = |_: &Channel| Err::<(), _>(Error::other("no response"));
    /// let ticker = Channel::new().interval(Duration::from_millis(1), fails)?;
    /// ticker.on_end(move |end| say.send(end).unwrap());
    /// assert!(matches!(said.recv(), Ok(IntervalEnd::Failed(_))));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn on_end(&self, callback: impl FnOnce(IntervalEnd) + Send + 'static) {
        let mut replaced = None;
        self.fate.tell(|told| replaced = told.to.replace(Box::new(callback)));
    }

    /// Leaves it to its owner, to go on after this guard is gone.
    pub(crate) fn leave(mut self) {
        self.handle = None;
    }

    /// The thread, which whoever ends the owner unparks.
    pub(crate) fn thread(&self) -> Option<&Thread> {
        self.handle.as_ref().map(JoinHandle::thread)
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval").finish_non_exhaustive()
    }
}

impl Drop for Interval {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else { return };
        self.fate.stop.store(true, Ordering::Release);
        handle.thread().unpark();
        if handle.thread().id() != thread::current().id() {
            // A closure that panics is caught in the thread.
            let _ = handle.join();
        }
    }
}

/// Starts an interval.
pub(crate) fn start<O: Owner>(
    owner: O,
    period: Duration,
    call: impl FnMut(&O) -> Result<()> + Send + 'static,
) -> Result<Interval> {
    let (interval, give) = spawn(owner, period)?;
    // The thread waits for it.
    let _ = give.send(call);
    Ok(interval)
}

/// Starts an interval's thread, which waits to be sent its closure: so whoever holds a lock here
/// drops no closure under it where there is no thread to be had. What a closure holds may come back
/// for the lock.
pub(crate) fn spawn<O, C>(owner: O, period: Duration) -> Result<(Interval, Sender<C>)>
where
    O: Owner,
    C: FnMut(&O) -> Result<()> + Send + 'static,
{
    if period.is_zero() {
        return Err(Error::invalid("the period of an interval must be longer than zero"));
    }
    begin(INTERVAL, owner, move |fate, owner, call| fate.repeat(owner, period, call))
}

/// Starts a thread for a closure that is called once, in the same way. Its guard tells nobody of
/// an end.
pub(crate) fn spawn_once<O, C>(owner: O) -> Result<(Interval, Sender<C>)>
where
    O: Owner,
    C: FnOnce(&O) -> Result<()> + Send + 'static,
{
    begin(SPAWNED, owner, |_, owner, call: C| {
        match catch_unwind(AssertUnwindSafe(|| call(owner))) {
            Ok(Ok(())) => IntervalEnd::Closed,
            Ok(Err(error)) => IntervalEnd::Failed(error),
            Err(_) => IntervalEnd::Panicked,
        }
    })
}

fn begin<O: Owner, C: Send + 'static>(
    kind: Life,
    owner: O,
    live: impl FnOnce(&Fate, &O, C) -> IntervalEnd + Send + 'static,
) -> Result<(Interval, Sender<C>)> {
    let fate = Arc::<Fate>::default();
    let (shared, (give, take)) = (Arc::clone(&fate), mpsc::channel::<C>());
    let life = move || {
        if let Ok(call) = take.recv() {
            // What the closure holds is given back with it, before the thread is joined.
            let end = owner.interval_ended(live(&shared, &owner, call));
            shared.tell(|told| told.end = Some(end));
        }
        owner.let_go();
    };
    let place = Place::of(&RUNNING, MOST);
    let place = place.ok_or_else(|| io::Error::other("there are too many of them"));
    let spawned = place.and_then(|place| {
        thread::Builder::new().name(kind.name.into()).stack_size(kind.stack).spawn(move || {
            life();
            drop(place);
        })
    });
    let handle = spawned.map_err(|error| {
        Error::io("can't start a thread for an interval, or one of a stream", error)
    })?;
    Ok((Interval { fate, handle: Some(handle) }, give))
}

impl Fate {
    /// Calls the closure on time until it fails or it is over, and drops it.
    fn repeat<O: Owner>(
        &self,
        owner: &O,
        period: Duration,
        mut call: impl FnMut(&O) -> Result<()>,
    ) -> IntervalEnd {
        let end = self.call_on_time(owner, period, &mut call);
        // What the closure holds is the application's too, and may panic as it is dropped.
        catch_unwind(AssertUnwindSafe(|| drop(call))).map_or(IntervalEnd::Panicked, |()| end)
    }

    fn call_on_time<O: Owner>(
        &self,
        owner: &O,
        period: Duration,
        mut call: impl FnMut(&O) -> Result<()>,
    ) -> IntervalEnd {
        let is_over = || self.is_stopped() || owner.is_over();
        let mut schedule = Schedule::new(period);
        while schedule.wait(is_over) {
            match catch_unwind(AssertUnwindSafe(|| call(owner))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return IntervalEnd::Failed(error),
                Err(_) => return IntervalEnd::Panicked,
            }
        }
        if self.is_stopped() { IntervalEnd::Dropped } else { IntervalEnd::Closed }
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
