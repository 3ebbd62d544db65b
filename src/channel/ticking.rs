//! Closures on threads of their own: those of channels and hubs, which no stream holds.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Channel;
use super::hub::{Hub, Inner};
use crate::error::{Error, Result};
use crate::net::ticker::{self, Interval, IntervalEnd, Owner};

impl Channel {
    /// Calls a closure again and again, on one thread for all the streams of the channel: a ticker.
    /// The first call comes after one period; later ones don't drift, and one that would come a
    /// whole period late is left out. What it returns in `Ok` counts for nothing.
    ///
    /// The interval holds the channel, and goes on until the channel is closed or the closure fails
    /// or panics. **An error ends it for good, and nobody is told**, as a channel has no server and
    /// so no hooks: one event that is too large, and the rest never comes. A closure that shall go
    /// on handles its errors; or use [`interval`](Self::interval) to learn of the end. Its thread
    /// has a stack of 128 KiB.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidings::Channel;
    ///
    /// let time = Channel::new();
    /// time.every(Duration::from_millis(1), |time| time.send("tick"))?;
    ///
    /// let log = Channel::new();
    /// # let read_lines = |log: &Channel| log.send("a line").map(drop);
    /// log.every(Duration::from_millis(1), move |log| {
    ///     read_lines(log).unwrap_or_else(|error| eprintln!("the log: {error}"));
    ///     Ok(())
    /// })?;
    ///
    /// while time.kept() == 0 || log.kept() == 0 {
    ///     std::thread::yield_now();
    /// }
    /// time.close();
    /// log.close();
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the period is zero, the channel is closed, or the system gives no thread.
    pub fn every<T>(
        &self,
        period: Duration,
        call: impl FnMut(&Channel) -> Result<T> + Send + 'static,
    ) -> Result<()> {
        self.interval(period, call).map(Interval::leave)
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
        mut call: impl FnMut(&Channel) -> Result<T> + Send + 'static,
    ) -> Result<Interval> {
        if self.is_closed() {
            return Err(Error::channel_closed());
        }
        ticker::start(self.clone(), period, move |channel: &Channel| call(channel).map(drop))
    }

    /// Runs a closure once, on a thread of its own, and closes the channel when that returns, fails
    /// or panics: so whoever follows a job finds its end, whatever comes of it.
    ///
    /// Nobody is told of an error or a panic: those who follow see an end without a result. To tell
    /// them, publish a last event for these too, as below. The thread is not joined. It has a stack
    /// of 1 MiB; a process can have 12,000 such threads and intervals.
    ///
    /// ```
    /// use std::panic::{AssertUnwindSafe, catch_unwind};
    /// use tidings::{Channel, Result, Start};
    ///
    /// fn work(job: &Channel) -> Result<u32> {
    ///     job.send(("percent", 50))?;
    ///     # if true { std::panic::resume_unwind(Box::new("no answer")) }
    ///     Ok(42)
    /// }
    ///
    /// let job = Channel::new();
    /// job.spawn(|job| match catch_unwind(AssertUnwindSafe(|| work(job))) {
    ///     Ok(Ok(result)) => job.send(("done", result)),
    ///     Ok(Err(error)) => job.send(("failed", error)),
    ///     Err(_panic) => job.send(("failed", "a fault of the program")),
    /// })?;
    /// let told = job.reader(Start::Newest(100))?.collect::<Result<Vec<_>>>()?;
    /// assert_eq!(told.len(), 2);
    /// # assert_eq!(told[1].event_type, "failed");
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the channel is closed, or the system gives no thread.
    pub fn spawn<T>(&self, run: impl FnOnce(&Channel) -> Result<T> + Send + 'static) -> Result<()> {
        if self.is_closed() {
            return Err(Error::channel_closed());
        }
        let (thread, give) = ticker::spawn_once(Job(self.clone()))?;
        let _ = give.send(move |Job(channel): &Job| run(channel).map(drop));
        thread.leave();
        Ok(())
    }
}

impl Hub {
    /// Calls a closure again and again, on a thread of its own, as [`Channel::every`] does. The
    /// interval does not hold the hub: at the first call that is due once the hub and its clones
    /// have gone, it ends, and so it does if the closure fails or panics, which nobody is told of.
    /// The first call comes after one period.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidings::Hub;
    ///
    /// let hub = Hub::new();
    /// hub.every(Duration::from_millis(1), |hub| {
    ///     let streams: usize = hub.channels().iter().map(|(_, channel)| channel.streams()).sum();
    ///     hub.channel("streams").send(("streams", streams))
    /// })?;
    /// while hub.kept() == 0 {
    ///     std::thread::yield_now();
    /// }
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the period is zero, or the system gives no thread.
    pub fn every<T>(
        &self,
        period: Duration,
        call: impl FnMut(&Hub) -> Result<T> + Send + 'static,
    ) -> Result<()> {
        self.interval(period, call).map(Interval::leave)
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
        mut call: impl FnMut(&Hub) -> Result<T> + Send + 'static,
    ) -> Result<Interval> {
        let owner = OfHub(Arc::downgrade(&self.0));
        ticker::start(owner, period, move |OfHub(hub): &OfHub| match hub.upgrade().map(Hub) {
            Some(hub) => call(&hub).map(drop),
            None => Ok(()),
        })
    }
}

impl Owner for Channel {
    fn is_over(&self) -> bool {
        self.is_closed()
    }

    /// An error that says no more than that this channel is closed is no failure.
    fn interval_ended(&self, end: IntervalEnd) -> IntervalEnd {
        match end {
            IntervalEnd::Failed(error) if error.is_channel_closed() && self.is_closed() => {
                IntervalEnd::Closed
            }
            end => end,
        }
    }
}

/// A channel that ends with its thread.
struct Job(Channel);

impl Owner for Job {
    fn is_over(&self) -> bool {
        self.0.is_closed()
    }

    fn interval_ended(&self, end: IntervalEnd) -> IntervalEnd {
        end
    }

    fn let_go(self) {
        self.0.close();
    }
}

/// A hub that may go meanwhile.
struct OfHub(Weak<Inner>);

impl Owner for OfHub {
    fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }

    fn interval_ended(&self, end: IntervalEnd) -> IntervalEnd {
        end
    }
}
