//! The threads of a stream: those of its intervals, whose closures are called again and again until
//! it ends, and those of closures that are called once and work for as long as they like.

use std::sync::mpsc::Sender;
use std::time::Duration;

use super::writer::SseWriter;
use crate::error::{CloseReason, Result};
use crate::net::counts::Slot;
use crate::net::threads as thread;
use crate::net::ticker::{self, Interval, IntervalEnd, Owner};

impl SseWriter {
    /// Calls a closure again and again, on a thread of its own, until the stream ends. The first
    /// call comes after one period; later ones don't drift, and one that would come a whole period
    /// late is left out. What it returns in `Ok` counts for nothing; a closure that only fails says
    /// what it would be, as in `Err::<(), _>(error)`.
    ///
    /// Its thread has a stack of 128 KiB. One that works for longer, or waits for something else,
    /// is for [`spawn`](Self::spawn).
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

    /// Runs a closure once, on a thread of its own: for work that waits for something else, such as
    /// the lines of a program or the response of another server. A handler that waited for these
    /// would hold one of the server's [`workers`](crate::Limits::workers) for as long as that
    /// takes.
    ///
    /// The thread holds the stream: where nobody else does, the stream lives until the closure
    /// returns, and then ends with its last chunk. What it returns in `Ok` counts for nothing; an
    /// error or a panic is taken as that of an interval's closure is ([`every`](Self::every)). When
    /// the stream ends before that, the closure finds it by the error of its next send. To wait,
    /// use [`park_timeout`](std::thread::park_timeout), which the end of the stream cuts
    /// short, and not `thread::sleep`. The thread is joined after that, and a server that stops
    /// waits for it as it does for an interval, so the closure should not wait for anything for
    /// ever.
    ///
    /// Its stack may have 1 MiB, as that of a handler. A process can have 12,000 such threads and
    /// intervals; [`Stats::intervals`](crate::Stats::intervals) counts both.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidings::{Result, Server};
    /// # fn tokens() -> impl Iterator<Item = &'static str> { ["To", "be"].into_iter() }
    ///
    /// let server = Server::bind("127.0.0.1:0")?.sse("/tokens", |stream, _request| {
    ///     stream.spawn(|stream| {
    ///         for token in tokens() {
    ///             stream.send(("token", token))?;
    ///         }
    ///         stream.send(("done", ""))
    ///     })
    /// });
    ///
    /// // A closure that never returns by itself says what its result would be.
    /// let server = server.sse("/time", |stream, _request| {
    ///     stream.spawn(|stream| -> Result<()> {
    ///         loop {
    ///             stream.send("tick")?;
    ///             std::thread::park_timeout(Duration::from_secs(1));
    ///         }
    ///     })
    /// });
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the stream has ended, or the system gives no thread.
    pub fn spawn<T>(
        &self,
        run: impl FnOnce(&SseWriter) -> Result<T> + Send + 'static,
    ) -> Result<()> {
        let run = move |owner: &Ticking| run(&owner.stream).map(drop);
        self.begin_thread(ticker::spawn_once, run, |thread| (Some(thread), ()))
    }

    fn begin_interval<T, K>(
        &self,
        period: Duration,
        mut call: impl FnMut(&SseWriter) -> Result<T> + Send + 'static,
        split: impl FnOnce(Interval) -> (Option<Interval>, K),
    ) -> Result<K> {
        let call = move |owner: &Ticking| call(&owner.stream).map(drop);
        self.begin_thread(|owner| ticker::spawn(owner, period), call, split)
    }

    /// Begins a thread while the stream can't end. `split` says whether the stream keeps its guard.
    /// The thread comes to [`Owner::let_go`] in the end, and waits there until it is attached.
    fn begin_thread<C, K>(
        &self,
        spawn: impl FnOnce(Ticking) -> Result<(Interval, Sender<C>)>,
        call: C,
        split: impl FnOnce(Interval) -> (Option<Interval>, K),
    ) -> Result<K> {
        let (kept, give) = self.stream().attach(|attached| {
            let slot = self.stream().runtime().counts.interval();
            let (interval, give) = spawn(Ticking { stream: self.clone(), _slot: slot })?;
            let thread = interval.thread().cloned();
            let (guard, kept) = split(interval);
            attached.intervals.extend(thread.map(|thread| (thread, guard)));
            Ok((kept, give))
        })?;
        // Without the lock: see `ticker::spawn`.
        let _ = give.send(call);
        Ok(kept)
    }
}

/// A stream for one of its threads, which is counted.
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
