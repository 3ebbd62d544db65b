//! The intervals of a stream: closures that are called again and again until it ends.

use std::time::Duration;

use super::writer::SseWriter;
use crate::error::{CloseReason, Result};
use crate::net::counts::Slot;
use crate::net::threads as thread;
use crate::net::ticker::{self, Interval, IntervalEnd, Owner};

impl SseWriter {
    /// Calls a closure again and again, on a thread of its own, until the stream ends. The first
    /// call comes after one period; later ones don't drift, and one that would come a whole period
    /// late is left out. What it returns in `Ok` counts for nothing.
    ///
    /// The interval holds the stream. An error of the closure ends it: one that says that this
    /// stream has ended does so quietly. Any other cuts the stream off, also one that says that
    /// another stream has ended or a channel is closed, and [`Hooks::failed`](crate::Hooks::failed)
    /// is told of it. So does a panic.
    ///
    /// # Errors
    ///
    /// When the period is zero, the stream has ended, or the system gives no thread.
    pub fn every<T>(
        &self,
        period: Duration,
        call: impl FnMut(&SseWriter) -> Result<T> + Send + 'static,
    ) -> Result<()> {
        self.begin_interval(period, call, |interval| (Some(interval), ()))
    }

    /// The same as [`every`](Self::every), with a guard that ends the interval when it is dropped,
    /// and that tells you when it ends by itself ([`Interval::on_end`]).
    ///
    /// # Errors
    ///
    /// As for `every`.
    pub fn interval<T>(
        &self,
        period: Duration,
        call: impl FnMut(&SseWriter) -> Result<T> + Send + 'static,
    ) -> Result<Interval> {
        self.begin_interval(period, call, |interval| (None, interval))
    }

    /// Begins an interval while the stream can't end. `split` says whether the stream keeps its
    /// guard. The thread comes to [`Owner::let_go`] in the end, and waits there until it is
    /// attached.
    fn begin_interval<T, K>(
        &self,
        period: Duration,
        mut call: impl FnMut(&SseWriter) -> Result<T> + Send + 'static,
        split: impl FnOnce(Interval) -> (Option<Interval>, K),
    ) -> Result<K> {
        let call = move |owner: &Ticking| call(&owner.stream).map(drop);
        let (kept, give) = self.stream().attach(|attached| {
            let slot = self.stream().runtime().counts.interval();
            let owner = Ticking { stream: self.clone(), _slot: slot };
            let (interval, give) = ticker::spawn(owner, period)?;
            let thread = interval.thread().cloned();
            let (guard, kept) = split(interval);
            attached.intervals.extend(thread.map(|thread| (thread, guard)));
            Ok((kept, give))
        })?;
        // Without the lock: see `spawn`.
        let _ = give.send(call);
        Ok(kept)
    }
}

/// A stream for one interval, which is counted.
struct Ticking {
    stream: SseWriter,
    _slot: Slot,
}

impl Owner for Ticking {
    fn is_over(&self) -> bool {
        !self.stream.is_active()
    }

    /// Cuts the stream off if its interval failed. An error that says no more than that the stream
    /// has ended is no failure: its own callbacks tell of that. One that says so of another stream
    /// is.
    fn interval_ended(&self, end: IntervalEnd) -> IntervalEnd {
        match &end {
            IntervalEnd::Failed(error) if error.is_closed() && self.is_over() => {
                return IntervalEnd::Closed;
            }
            IntervalEnd::Failed(error) => {
                self.stream.stream().tell_failure(error);
                self.stream.stream().end(CloseReason::Failed);
            }
            IntervalEnd::Panicked => self.stream.stream().end(CloseReason::Failed),
            IntervalEnd::Dropped | IntervalEnd::Closed => {}
        }
        end
    }

    fn let_go(self) {
        self.stream.stream().detach(thread::current().id());
    }
}
