//! One stream of a run: a thread that reads it, over as many connections as it takes.
//!
//! ```text
//! connect ──► read ──► read ──► … ──► the end ──► connect, with the last event ID
//!                                └──► cut by the bench: the same, or as somebody new
//! ```
//!
//! A thread for each stream, since a thread that waits in a read is woken by the system the moment
//! that something comes. The other way without `epoll`, few threads that sweep over non-blocking
//! sockets, was measured on two cores with a stamp written into each of 4,000 sockets: threads
//! noticed after 21 µs at the median (p99 9 ms), a sweep after 5.2 ms (p99 23 to 180 ms), for as
//! much of a core; with 200 sockets 22 µs against 450 µs. Their stacks are small, and of them only
//! what is used takes memory.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tidings::{MessageEvent, Parser, Status};

use super::account::Account;
use super::exchange::{Exchange, Read};
use super::marker::Marker;
use super::probe::Probe;
use super::stream::{Door, Stream};
use super::tally::{Tally, add, get};
use super::target::Source;

/// Enough for a reader, in a build without optimisation as well.
pub(super) const STACK: usize = 128 * 1024;
/// How long a stream that the server ended stays away, if the server has not said it.
const COME_BACK: Duration = Duration::from_millis(250);
/// A slow reader takes so much at once, and then pauses: 4 KiB a second.
const SLOW_BYTES: usize = 1024;
const SLOW_PAUSE: Duration = Duration::from_millis(250);

/// A stream's thread.
pub(super) struct Follower {
    pub(super) stream: Arc<Stream>,
    pub(super) source: Arc<Source>,
    pub(super) tally: Arc<Tally>,
    pub(super) probe: Arc<Probe>,
    pub(super) door: Arc<Door>,
    pub(super) resumes: bool,
    pub(super) slow: bool,
    pub(super) lanes: usize,
    pub(super) parser: Parser,
    /// When the connection of now was opened.
    pub(super) opened: u64,
}

/// Why there is no stream.
enum Refused {
    /// The server has said that there is nothing more, or the run is over.
    NoMore,
    Because(String),
}

impl Follower {
    /// Follows the stream until the run is over. A first connection that brings no stream ends the
    /// run.
    pub(super) fn run(mut self) {
        let mut ended = None;
        while !self.tally.is_over() {
            match self.door.clone().pass(|| self.open(ended)) {
                Ok(exchange) => {
                    self.read(exchange);
                    ended = Some(self.tally.clock.now());
                    self.pause();
                }
                Err(Refused::Because(why)) if ended.is_none() => return self.tally.end(Err(why)),
                Err(Refused::NoMore) => return,
                Err(Refused::Because(_)) => {
                    add(&self.tally.counts.refusals, 1);
                    self.tally.wait(COME_BACK);
                }
            }
        }
    }

    /// Connects and asks; `ended` is when the connection before ended.
    fn open(&mut self, ended: Option<u64>) -> Result<Exchange, Refused> {
        if self.tally.is_over() {
            return Err(Refused::NoMore);
        }
        let begin = self.tally.clock.now();
        let because = |what: &dyn std::fmt::Display| {
            let url = self.source.request.url();
            Refused::Because(format!("can't open a stream of {url}: {what}"))
        };
        let mut exchange =
            Exchange::connect(&self.source.address).map_err(|error| because(&error))?;
        let request = self.source.request.encode(self.parser.last_event_id());
        let (head, bytes) = exchange.ask(&request).map_err(|error| because(&error))?;
        match head.status() {
            Status::NO_CONTENT => return Err(Refused::NoMore),
            Status::OK if head.is_event_stream() => {}
            Status::OK => return Err(because(&"the answer is not text/event-stream")),
            status => return Err(because(&format_args!("the server answers {status}"))),
        }
        exchange.be_patient().map_err(|error| because(&error))?;
        let Tally { clock, times, counts, .. } = &*self.tally;
        self.opened = clock.now();
        times.connect.record(self.opened - begin);
        if let Some(ended) = ended {
            times.reconnect.record(self.opened - ended);
        }
        add(&counts.connects, 1);
        add(&counts.bytes, bytes as u64);
        Ok(exchange)
    }

    /// Reads to the end of the connection.
    fn read(&mut self, mut exchange: Exchange) {
        self.stream.account().arrive(self.opened);
        self.stream.set_connection(Some(exchange.connection()));
        add(&self.tally.counts.open, 1);
        let mut content = Vec::new();
        while !self.tally.is_over() {
            let slow = self.slow && !self.tally.draining.load(Relaxed);
            let most = if slow { SLOW_BYTES } else { usize::MAX };
            let mut at = 0;
            let read = exchange.read(most, &mut content, || at = self.tally.clock.now());
            if !self.take(&mut content, at) {
                break;
            }
            match read {
                Read::Bytes(length) => add(&self.tally.counts.bytes, length as u64),
                Read::End | Read::Cut => break,
            }
            if slow {
                self.tally.wait(SLOW_PAUSE);
            }
        }
        self.tally.counts.open.fetch_sub(1, Relaxed);
        self.stream.set_connection(None);
    }

    /// Gives what came to the parser, and enters the events; whether it could be understood.
    fn take(&mut self, content: &mut Vec<u8>, at: u64) -> bool {
        let fed = self.parser.feed(content);
        content.clear();
        let mut account = self.stream.account();
        let mut arrived = false;
        while let Some(event) = self.parser.next_event() {
            self.enter(&mut account, &event, at);
            arrived = true;
        }
        drop(account);
        if arrived {
            self.probe.arrival(&self.tally.clock);
        }
        fed.is_ok()
    }

    fn enter(&self, account: &mut Account, event: &MessageEvent, at: u64) {
        let counts = &self.tally.counts;
        if event.event_type == "tidings.gap" {
            add(&counts.gaps, 1);
            return account.enter_gap(&event.data, self.lanes);
        }
        if self.lanes == 0 {
            account.enter_id(event);
        }
        let marker = Marker::find(&event.data);
        let ours = |marker: &Marker| marker.run == self.tally.run && marker.lane < self.lanes;
        let Some(marker) = marker.filter(ours) else {
            return add(&counts.foreign, 1);
        };
        add(&counts.deliveries, 1);
        let new = account.ledger.enter(marker.lane, marker.number);
        if marker.due < self.opened {
            add(&counts.replayed, 1);
        } else if new && !self.slow && marker.due >= get(&self.tally.timed_from) {
            let latency = at.saturating_sub(marker.due);
            self.tally.times.latency.record(latency);
            self.tally.times.served.record(latency.saturating_sub(marker.late));
        }
    }

    /// What lies between two connections.
    fn pause(&mut self) {
        self.parser.start_over();
        if self.stream.was_cut() {
            add(&self.tally.counts.cuts, 1);
            let mut account = self.stream.account();
            // Without an id it can only begin anew. If it has had events and they had none, that is
            // the server's fault; if it has had none, it is nobody's.
            let unknown = self.parser.last_event_id().is_empty() && account.is_untouched();
            if !self.resumes || unknown {
                // Somebody else comes in its place.
                self.parser = Parser::new();
                account.leave();
            }
        } else if !self.tally.is_over() {
            add(&self.tally.counts.drops, 1);
            let wait = self.parser.reconnection_time().unwrap_or(COME_BACK);
            self.tally.wait(wait);
        }
    }
}
