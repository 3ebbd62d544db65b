//! A publisher: one connection, one request at a time, each due at its own moment.
//!
//! ```text
//! due      |0       |1       |2       |3
//! sent      ▐█▌      ▐████████████▌▐█▌ ▐█▌
//!           └┬┘                 └─┬┘
//!         late: the bench's     behind: the server's
//! ```
//!
//! The plan is made before: event *n* is due at start + *n* / rate, whether or not the answers keep
//! up. So a server that stalls makes all the events late that were due meanwhile, and they say so;
//! to wait and then go on as if nothing had been due would be coordinated omission. What passes
//! between the moment when an event could have been sent and its first byte is the bench's own
//! lateness, which is recorded apart and goes with the event.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::exchange::Exchange;
use super::marker::Marker;
use super::runs::Runs;
use super::tally::{Tally, add, get, nanoseconds};
use super::target::Sink;

/// When a publisher does what. Times are in nanoseconds since the bench began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) lane: usize,
    pub(super) start: u64,
    /// Between two events of this publisher; what is left of a nanosecond adds up.
    pub(super) interval: f64,
    pub(super) events: u64,
    pub(super) size: usize,
    /// A server that is this late gets no more events.
    pub(super) give_up: u64,
}

/// What has been published, for the accounts of the streams.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) acknowledged: Runs,
    /// When each event was sent, by its number.
    pub(super) sent: Vec<u64>,
}

impl Published {
    /// The number of the first event that was sent at that time or later.
    pub(super) fn first_since(&self, time: u64) -> u64 {
        self.sent.partition_point(|sent| *sent < time) as u64
    }
}

pub(super) type Log = Arc<Mutex<Published>>;

pub(super) fn lock(log: &Mutex<Published>) -> MutexGuard<'_, Published> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct Publisher {
    pub(super) plan: Plan,
    pub(super) sink: Arc<Sink>,
    pub(super) tally: Arc<Tally>,
    pub(super) log: Log,
    /// `None` where the next event needs a new one.
    pub(super) exchange: Option<Exchange>,
}

impl Publisher {
    /// Publishes all events, and gives how many of them it could not even try.
    pub(super) fn run(mut self) -> u64 {
        let (mut data, mut request) = (String::new(), Vec::new());
        for number in 0..self.plan.events {
            let due = self.plan.start + (self.plan.interval * number as f64) as u64;
            let free = self.tally.clock.now();
            if free > self.plan.give_up || self.tally.is_over() {
                return self.plan.events - number;
            }
            self.tally.clock.sleep_until(due);
            let sent = self.tally.clock.now();
            let late = sent.saturating_sub(due.max(free));
            let Plan { lane, size, .. } = self.plan;
            Marker { run: self.tally.run, lane, number, due, late }.write(size, &mut data);
            self.sink.encode(&data, &mut request);
            if due >= get(&self.tally.timed_from) {
                self.tally.times.late.record(late);
            }
            self.publish(number, sent, &request);
        }
        0
    }

    fn publish(&mut self, number: u64, sent: u64, request: &[u8]) {
        lock(&self.log).sent.push(sent);
        let answer = self.post(request);
        let counts = &self.tally.counts;
        match answer {
            Ok(None) => {
                lock(&self.log).acknowledged.insert(number);
                add(&counts.published, 1);
                self.tally.times.publish.record(self.tally.clock.now() - sent);
            }
            Ok(Some(said)) => {
                add(&counts.refused, 1);
                if counts.published.load(Relaxed) == 0 {
                    let name = &self.sink.name;
                    self.tally.end(Err(format!(
                        "the server takes no events: it answers {said} to {name}: say with \
                         --publish how they get in, or follow only with --listen-only"
                    )));
                }
            }
            // It may have come to the server, or not.
            Err(_) => add(&counts.in_doubt, 1),
        }
    }

    /// Sends a request; what the server said if it did not take it.
    fn post(&mut self, request: &[u8]) -> io::Result<Option<String>> {
        let mut exchange = match self.exchange.take() {
            Some(exchange) => exchange,
            None => Exchange::connect(&self.sink.address)?,
        };
        let (head, reusable) = exchange.ask(request)?;
        let closes = head.field("connection").is_some_and(|value| {
            value
                .split(|byte| *byte == b',')
                .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
        });
        if reusable && !closes {
            self.exchange = Some(exchange);
        }
        let taken = matches!(head.status().code(), 200..=299);
        Ok((!taken).then(|| head.status().to_string()))
    }
}

/// The plans of so many publishers that together send `rate` events a second, one after the other.
pub(super) fn plans(
    publishers: usize,
    rate: u32,
    duration: std::time::Duration,
    size: usize,
    start: u64,
) -> Vec<Plan> {
    let total = (f64::from(rate) * duration.as_secs_f64()).round() as u64;
    let interval = 1e9 / f64::from(rate);
    let give_up = start + 2 * nanoseconds(duration) + GRACE;
    let plan = |lane: usize| Plan {
        lane,
        start: start + (interval * lane as f64) as u64,
        interval: interval * publishers as f64,
        events: (total + (publishers - 1 - lane) as u64) / publishers as u64,
        size,
        give_up,
    };
    (0..publishers).map(plan).collect()
}

/// A server that needs this much longer than twice the time is not measured any better by waiting.
const GRACE: u64 = 10_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn publishers_share_the_events_and_take_turns() {
        let plans = plans(3, 100, Duration::from_secs(1), 0, 500);
        assert_eq!(plans.iter().map(|plan| plan.events).collect::<Vec<_>>(), [34, 33, 33]);
        let starts: Vec<u64> = plans.iter().map(|plan| plan.start).collect();
        assert_eq!(starts, [500, 10_000_500, 20_000_500]);
        assert!(plans.iter().all(|plan| plan.interval == 3e7));
    }

    #[test]
    fn the_first_event_since_a_time_is_found() {
        let published = Published { sent: vec![10, 20, 30], ..Published::default() };
        assert_eq!([0, 10, 11, 30, 31].map(|time| published.first_since(time)), [0, 0, 1, 2, 3]);
    }
}
