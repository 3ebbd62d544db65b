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
//! to wait and then go on as if nothing had been due would be coordinated omission. What of that
//! is the bench's own lateness ([`pace`](super::pace)) is recorded apart and goes with the event.

use std::sync::{Arc, Mutex};

use tidings::http::ResponseHead;

use super::exchange::{Answer, Exchange, Fault, Patience};
use super::marker::Marker;
use super::pace::Pace;
use super::runs::Runs;
use super::stream::lock;
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
    /// If none of the publishers has got an event in until then, none of them will.
    pub(super) patience: u64,
    /// A server that is this late gets no more events.
    pub(super) give_up: u64,
}

/// What has been published, for the accounts of the streams.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) acknowledged: Runs,
    /// How many events have been sent.
    sent: u64,
    /// When, and with which number: one of them for each [`SPACING`], as a run may be long.
    marks: Vec<(u64, u64)>,
    /// Why the last event that was not taken was not.
    trouble: Option<String>,
}

impl Published {
    /// An event is sent at that time; gives its number.
    pub(super) fn send(&mut self, time: u64) -> u64 {
        let number = self.sent;
        if self.marks.last().is_none_or(|(last, _)| time >= last + SPACING) {
            self.marks.push((time, number));
        }
        self.sent += 1;
        number
    }

    /// The number of an event from which on all were sent at that time or later.
    pub(super) fn first_since(&self, time: u64) -> u64 {
        let next = self.marks.partition_point(|(sent, _)| *sent < time);
        self.marks.get(next).map_or(self.sent, |(_, number)| *number)
    }
}

/// Nobody knows to the moment from when on a stream was there.
const SPACING: u64 = 100_000_000;

pub(super) type Log = Arc<Mutex<Published>>;

pub(super) struct Publisher {
    plan: Plan,
    sink: Arc<Sink>,
    tally: Arc<Tally>,
    log: Log,
    /// `None` where the next event needs a new one.
    exchange: Option<Exchange>,
    /// An event's data, and the request that carries it.
    data: String,
    request: Vec<u8>,
}

/// What has become of an event.
enum Fate {
    Taken,
    /// What the server said.
    Refused(String),
    /// It may have come to the server, or not.
    InDoubt(Fault),
}

impl Publisher {
    pub(super) fn new(plan: Plan, sink: Arc<Sink>, tally: Arc<Tally>, log: Log) -> Self {
        Self { plan, sink, tally, log, exchange: None, data: String::new(), request: Vec::new() }
    }

    /// Publishes all events, and gives how many of them it could not even try.
    pub(super) fn run(mut self) -> u64 {
        let mut pace = Pace::default();
        for count in 0..self.plan.events {
            let due = self.plan.start + (self.plan.interval * count as f64) as u64;
            if self.tally.clock.now() > self.plan.give_up || !self.tally.wait_until(due) {
                return self.plan.events - count;
            }
            let sent = self.tally.clock.now();
            let late = pace.send(due, sent);
            if due >= get(&self.tally.timed_from) {
                self.tally.times.late.record(late);
            }
            self.publish(due, late);
            pace.answer(self.tally.clock.now() - sent);
        }
        0
    }

    /// Publishes an event, and counts what becomes of it.
    ///
    /// Where the server has ended a connection that was kept, nobody knows whether it has taken
    /// what was sent there (RFC 9110, section 9.2.2). So the event goes out once more as another
    /// one, with a number of its own: if both arrive, none of them is a double.
    fn publish(&mut self, due: u64, late: u64) {
        let mut fate = self.send(due, late);
        if matches!(fate, Fate::InDoubt(Fault::Stale)) {
            add(&self.tally.counts.again, 1);
            fate = self.send(due, late);
        }
        let counts = &self.tally.counts;
        match fate {
            Fate::Taken => add(&counts.published, 1),
            Fate::Refused(said) => {
                add(&counts.refused, 1);
                self.failed(said);
            }
            Fate::InDoubt(fault) => {
                add(&counts.in_doubt, 1);
                self.failed(fault.to_string());
            }
        }
    }

    /// Sends the event with the next number.
    fn send(&mut self, due: u64, late: u64) -> Fate {
        let Plan { lane, size, give_up, .. } = self.plan;
        let sent = self.tally.clock.now();
        let number = lock(&self.log).send(sent);
        Marker { run: self.tally.run, lane, number, due, sent, late }.write(size, &mut self.data);
        self.sink.encode(&self.data, &mut self.request);
        let patience = Patience::new(&self.tally, give_up);
        let exchange = match self.exchange.take() {
            Some(exchange) => Ok(exchange),
            None => Exchange::connect(&self.sink.address, patience),
        };
        match exchange.and_then(|exchange| exchange.ask(&self.request, patience)) {
            Ok(Answer { head, kept }) => {
                self.exchange = kept;
                if !matches!(head.status().code(), 200..=299) {
                    return Fate::Refused(said(&head));
                }
                lock(&self.log).acknowledged.insert(number);
                self.tally.times.publish.record(self.tally.clock.now() - sent);
                Fate::Taken
            }
            Err(fault) => Fate::InDoubt(fault),
        }
    }

    /// An event was not taken. When several were not and none has been for a while, that ends the
    /// run.
    fn failed(&self, why: String) {
        lock(&self.log).trouble = Some(why);
        let counts = &self.tally.counts;
        let several = get(&counts.refused) + get(&counts.in_doubt) > 1;
        if several && self.tally.clock.now() > self.plan.patience {
            let ended = check(&self.tally, &self.sink, [&self.log]);
            if ended.is_err() {
                self.tally.end(ended);
            }
        }
    }
}

/// Fails if not a single event was taken, and says why that was.
pub(super) fn check<'a>(
    tally: &Tally,
    sink: &Sink,
    logs: impl IntoIterator<Item = &'a Log>,
) -> Result<(), String> {
    if get(&tally.counts.published) > 0 {
        return Ok(());
    }
    let trouble = logs.into_iter().find_map(|log| lock(log).trouble.clone());
    Err(format!(
        "the server takes no events by {}: {}: say with --publish how they get in, or follow only \
         with --listen-only",
        sink.name,
        trouble.unwrap_or_else(|| "none could be sent".into())
    ))
}

/// The status of an answer, and where it points to.
fn said(head: &ResponseHead) -> String {
    let status = head.status();
    let elsewhere = head.field_text("location").filter(|_| status.code() / 100 == 3);
    let elsewhere = elsewhere.map(|place| format!(", which is at {place}"));
    format!("it answers {status}{}", elsewhere.unwrap_or_default())
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
    let (patience, give_up) = (start + PATIENCE, start + 2 * nanoseconds(duration) + GRACE);
    let plan = |lane: usize| Plan {
        lane,
        start: start + (interval * lane as f64) as u64,
        interval: interval * publishers as f64,
        events: (total + (publishers - 1 - lane) as u64) / publishers as u64,
        size,
        patience,
        give_up,
    };
    (0..publishers).map(plan).collect()
}

/// A server may need a moment at first; one that has taken nothing for so long takes no events.
const PATIENCE: u64 = 1_000_000_000;
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
        let mut published = Published::default();
        assert_eq!([10, 20, 30].map(|seconds| published.send(seconds * SPACING)), [0, 1, 2]);
        let first = |spacings: f64| published.first_since((spacings * SPACING as f64) as u64);
        assert_eq!([0.0, 10.0, 10.1, 30.0, 30.1].map(first), [0, 0, 1, 2, 3]);
    }

    #[test]
    fn a_long_run_takes_no_memory_for_each_event() {
        let mut published = Published::default();
        (0..10_000).for_each(|n| assert_eq!(published.send(n * SPACING / 1000), n));
        assert_eq!(published.marks.len(), 10);
        // Nothing that was sent before is owed, and but for a moment all behind it.
        assert_eq!(published.first_since(SPACING / 2), 1000);
        assert_eq!(published.first_since(u64::MAX), 10_000);
    }
}
