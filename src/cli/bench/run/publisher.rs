//! A publisher: one connection, one request at a time, each due at its own moment.
//!
//! ```text
//! due      |0       |1       |2       |3
//! sent      ▐█▌      ▐████████████▌▐█▌ ▐█▌
//!           └┬┘                 └─┬┘
//!         late: the bench's     late: the server's
//! ```
//!
//! The plan is fixed: event *n* is due at start + *n* / rate, whether or not responses keep up. So
//! a server that stalls makes all events late that are due meanwhile, and they show it. To wait,
//! and then go on as if nothing had been due, would be coordinated omission. The part that is the
//! bench's own lateness ([`pace`](crate::cli::bench::books::pace)) travels with the event.

use std::io;
use std::sync::{Arc, Mutex};

use tidings::http::ResponseHead;

use crate::cli::bench::books::counts::{Count, Time, add, get, nanoseconds};
use crate::cli::bench::books::pace::Pace;
use crate::cli::bench::books::published::Published;
use crate::cli::bench::options::Options;
use crate::cli::bench::values::marker::Marker;
use crate::cli::bench::wire::exchange::{Exchange, Patience};
use crate::cli::bench::wire::tally::{Tally, lock};
use crate::cli::bench::wire::target::Sink;

/// When a publisher sends its events. Times are in nanoseconds since the bench began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) lane: usize,
    pub(crate) start: u64,
    /// Between two events of this publisher. Fractions of a nanosecond add up.
    pub(crate) interval: f64,
    pub(crate) events: u64,
    pub(crate) size: usize,
    /// If the server has taken no event until then, it takes none.
    pub(crate) patience: u64,
    /// A server that is this late gets no more events.
    pub(crate) give_up: u64,
}

pub(crate) type Log = Arc<Mutex<Published>>;

pub(crate) struct Publisher {
    plan: Plan,
    sink: Arc<Sink>,
    tally: Arc<Tally>,
    log: Log,
    exchange: Exchange,
    /// An event's data, and the request that carries it.
    data: String,
    request: Vec<u8>,
}

impl Publisher {
    pub(crate) fn new(plan: Plan, sink: Arc<Sink>, tally: Arc<Tally>, log: Log) -> Self {
        let exchange = Exchange::new(sink.address.clone(), sink.carrier.clone());
        Self { plan, sink, tally, log, exchange, data: String::new(), request: Vec::new() }
    }

    pub(crate) fn run(mut self) {
        let tally = Arc::clone(&self.tally);
        let _alarm = tally.alarm();
        let mut pace = Pace::default();
        for count in 0..self.plan.events {
            let due = self.plan.start + (self.plan.interval * count as f64) as u64;
            if self.tally.clock.now() > self.plan.give_up || !self.tally.wait_until(due) {
                // Nobody wanted the rest any more if the run was cut short.
                let not_sent = self.plan.events - count;
                let wanted = tally.cut_short_by().is_none();
                add(&tally.counts[Count::NotSent], if wanted { not_sent } else { 0 });
                return;
            }
            let sent = self.tally.clock.now();
            let late = pace.send(due, sent);
            if due >= get(&self.tally.timed_from) {
                self.tally.times[Time::Late].record(late);
            }
            self.publish(due, late);
            pace.respond(self.tally.clock.now() - sent);
        }
    }

    /// Publishes an event, and counts what becomes of it.
    ///
    /// If a kept connection has ended, the server may have taken the event or not (RFC 9110,
    /// section 9.2.2). So the event goes out again with a number of its own: if both arrive,
    /// neither is a double.
    fn publish(&mut self, due: u64, late: u64) {
        let mut response = self.send(due, late);
        if matches!(response, Ok(None)) {
            add(&self.tally.counts[Count::SentAgain], 1);
            response = self.send(due, late);
        }
        let (count, why) = match response {
            Ok(Some(head)) if is_taken(&head) => {
                return add(&self.tally.counts[Count::Published], 1);
            }
            Ok(Some(head)) => (Count::Refused, said(&head)),
            Ok(None) => (Count::InDoubt, "the connection had ended before the request".into()),
            Err(error) => (Count::InDoubt, error.to_string()),
        };
        add(&self.tally.counts[count], 1);
        self.failed(why);
    }

    /// Sends the event with the next number.
    fn send(&mut self, due: u64, late: u64) -> io::Result<Option<ResponseHead>> {
        let Plan { lane, size, give_up, .. } = self.plan;
        let sent = self.tally.clock.now();
        let number = lock(&self.log).send(sent);
        Marker { run: self.tally.run, lane, number, due, sent, late }.write(size, &mut self.data);
        self.sink.encode(&self.data, &mut self.request);
        let patience = Patience::new(&self.tally, give_up);
        let response = self.exchange.send(&self.request, patience)?;
        if response.as_ref().is_some_and(is_taken) {
            lock(&self.log).acknowledged.insert(number);
            self.tally.times[Time::Publish].record(self.tally.clock.now() - sent);
        }
        Ok(response)
    }

    /// The server did not take an event. If it has not taken several, and none at all, that ends
    /// the run.
    fn failed(&self, why: String) {
        lock(&self.log).trouble = Some(why);
        let counts = &self.tally.counts;
        let several = get(&counts[Count::Refused]) + get(&counts[Count::InDoubt]) > 1;
        if several && self.tally.clock.now() > self.plan.patience {
            let ended = check(&self.tally, &self.sink, [&self.log]);
            if ended.is_err() {
                self.tally.end(ended);
            }
        }
    }
}

/// Fails if the server took no event at all, and says why.
pub(crate) fn check<'a>(
    tally: &Tally,
    sink: &Sink,
    logs: impl IntoIterator<Item = &'a Log>,
) -> Result<(), String> {
    if get(&tally.counts[Count::Published]) > 0 {
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

fn is_taken(head: &ResponseHead) -> bool {
    matches!(head.status().code(), 200..=299)
}

fn said(head: &ResponseHead) -> String {
    let status = head.status();
    let elsewhere = head.field_text("location").filter(|_| status.code() / 100 == 3);
    let elsewhere = elsewhere.map(|place| format!(", which is at {place}"));
    format!("it responds with {status}{}", elsewhere.unwrap_or_default())
}

/// The plans of publishers that together send `--rate` events a second, one after another.
pub(crate) fn plans(options: &Options, start: u64) -> Vec<Plan> {
    let (publishers, size) = (options.publishers as usize, options.size as usize);
    let duration = options.warm_up + options.duration;
    let total = (f64::from(options.rate) * duration.as_secs_f64()).round() as u64;
    let interval = 1e9 / f64::from(options.rate);
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

/// A server may need a moment at first. One that has taken nothing for this long takes no events.
const PATIENCE: u64 = 1_000_000_000;
/// To wait longer than twice the time and this for a slow server would tell nothing more.
const GRACE: u64 = 10_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn publishers_share_the_events_and_take_turns() {
        let (warm_up, duration) = (Duration::ZERO, Duration::from_secs(1));
        let options = Options { publishers: 3, rate: 100, duration, warm_up, ..Options::default() };
        let plans = plans(&options, 500);
        assert_eq!(plans.iter().map(|plan| plan.events).collect::<Vec<_>>(), [34, 33, 33]);
        let starts: Vec<u64> = plans.iter().map(|plan| plan.start).collect();
        assert_eq!(starts, [500, 10_000_500, 20_000_500]);
        assert!(plans.iter().all(|plan| plan.interval == 3e7));
    }
}
