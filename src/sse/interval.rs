//! A closure that a thread of its own calls again and again, as long as a stream lives.
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
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle, Thread, ThreadId};
use std::time::{Duration, Instant};

use super::stream::end::OnClose;
use super::writer::SseWriter;
use crate::error::{CloseReason, Error, Result};

/// Enough for formatting an event, small enough for thousands of intervals. It is reserved, not
/// taken.
const STACK: usize = 128 * 1024;

/// An interval that its owner can end before its stream does.
///
/// Dropping it ends the interval: its closure is not called again, and the thread is joined, so
/// the drop waits for a call that is under way. Dropped by that very call, it does not wait. When
/// the stream ends the interval ends by itself.
#[must_use = "an interval ends when it is dropped; `SseWriter::every` leaves it to the stream"]
pub struct Interval {
    stop: Arc<AtomicBool>,
    handle: Option<JoinHandle<()>>,
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval").finish_non_exhaustive()
    }
}

impl Drop for Interval {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
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
    let stop = Arc::new(AtomicBool::new(false));
    let give = stream.stream().attach(|intervals| {
        let (handle, give) = spawn(stream.clone(), period, stop)?;
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
    let stop = Arc::new(AtomicBool::new(false));
    let (interval, give) = stream.stream().attach(|intervals| {
        let (handle, give) = spawn(stream.clone(), period, Arc::clone(&stop))?;
        intervals.push(Running { thread: handle.thread().clone(), handle: None });
        Ok((Interval { stop, handle: Some(handle) }, give))
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
    stop: Arc<AtomicBool>,
) -> Result<(JoinHandle<()>, Sender<F>)>
where
    F: FnMut(&SseWriter) -> Result<()> + Send + 'static,
{
    let counted = stream.stream().server().counts.interval();
    let (give, take) = mpsc::channel::<F>();
    let life = move || {
        if let Ok(mut call) = take.recv() {
            repeat(&stream, period, &stop, &mut call);
            // What the closure holds is given back here, before the thread is joined.
        }
        stream.stream().detach(thread::current().id());
        drop((stream, counted));
    };
    let handle = thread::Builder::new()
        .name("tidings-interval".into())
        .stack_size(STACK)
        .spawn(life)
        .map_err(|error| Error::io("can't start a thread for an interval", error))?;
    Ok((handle, give))
}

/// Calls the closure on time until it fails, the stream ends or somebody says stop.
fn repeat<F>(stream: &SseWriter, period: Duration, stop: &AtomicBool, call: &mut F)
where
    F: FnMut(&SseWriter) -> Result<()>,
{
    let begin = Instant::now();
    let mut due = period;
    loop {
        while begin.elapsed() < due {
            if stop.load(Ordering::Acquire) || !stream.is_active() {
                return;
            }
            // Woken early by whoever ends the stream or drops the guard, or by nobody at all.
            thread::park_timeout(due.saturating_sub(begin.elapsed()));
        }
        if stop.load(Ordering::Acquire) || !stream.is_active() {
            return;
        }
        match catch_unwind(AssertUnwindSafe(|| call(stream))) {
            Ok(Ok(())) => {}
            // The stream's own end is told by its callbacks.
            Ok(Err(error)) if error.is_closed() => return,
            Ok(Err(error)) => {
                stream.stream().tell_failure(&error);
                return stream.stream().end(CloseReason::Failed);
            }
            Err(_) => return stream.stream().end(CloseReason::Failed),
        }
        due = due.saturating_add(period);
        let late = begin.elapsed().saturating_sub(due);
        let left_out = late.as_nanos() / period.as_nanos();
        let left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
        due = due.saturating_add(period.saturating_mul(left_out));
    }
}
