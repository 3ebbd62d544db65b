//! One stream of a run: a thread that follows it with the library's `EventSource`.
//!
//! ```text
//! Opened ──► Event ──► Event ──► … ──► Lost ──► the event source comes back, in time
//!                                 └──► cut by the bench: at once, with the last event ID, or as
//!                                      somebody new
//! ```
//!
//! A thread for each stream, since a thread that waits in a read is woken by the system the moment
//! that something comes. The other way without `epoll`, few threads that sweep over non-blocking
//! sockets, was measured on two cores with a stamp written into each of 4,000 sockets: threads
//! noticed after 21 µs at the median (p99 9 ms), a sweep after 5.2 ms (p99 23 to 180 ms), for as
//! much of a core; with 200 sockets 22 µs against 450 µs. Their stacks are small, and of them only
//! what is used takes memory.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tidings::client::{EventSource, Update};
use tidings::{Error, EventId, MessageEvent};

use super::account::Account;
use super::exchange::DEADLINE;
use super::gauge::Gauge;
use super::marker::Marker;
use super::probe::Probe;
use super::stream::Stream;
use super::tally::{Tally, add, get};
use super::target;

/// Enough for a reader, in a build without optimisation as well.
pub(super) const STACK: usize = 128 * 1024;
/// How long a stream that the server ended stays away, if the server has not said it.
const COME_BACK: Duration = Duration::from_millis(250);

/// A stream's thread.
pub(super) struct Follower {
    pub(super) stream: Arc<Stream>,
    pub(super) source: Arc<target::Source>,
    pub(super) tally: Arc<Tally>,
    pub(super) probe: Arc<Probe>,
    pub(super) gauge: Gauge,
    pub(super) resumes: bool,
    pub(super) slow: bool,
    pub(super) lanes: usize,
    pub(super) state: State,
}

/// How far a stream is.
#[derive(Debug, Default)]
pub(super) struct State {
    /// There is a connection.
    open: bool,
    /// When the connection of now was opened.
    opened: u64,
    /// When the one before ended; 0 if there was none.
    ended: u64,
    /// The read that the probe was told of last.
    told: u64,
}

impl Follower {
    /// Follows the stream until the run is over. A first attempt that brings no stream ends the
    /// run.
    pub(super) fn run(mut self) {
        let mut events = self.events("");
        while !self.tally.is_over() {
            match events.next_update() {
                Some(Ok(Update::Event(event))) => self.event(&event),
                Some(Ok(Update::Opened { .. })) => self.opened(),
                Some(Ok(Update::Lost { error, .. })) => self.lost(&error),
                Some(Err(error)) => {
                    self.lost(&error);
                    self.tally.wait(COME_BACK);
                    events = self.events(events.last_event_id());
                }
                None => {
                    let resumes = self.was_cut(&events);
                    events = self.events(if resumes { events.last_event_id() } else { "" });
                }
                Some(Ok(_)) => return self.no_more(),
            }
        }
    }

    /// A source that goes on behind this id.
    fn events(&self, last_event_id: &str) -> EventSource {
        let events = EventSource::with(self.source.request.clone())
            .transport(self.gauge.clone())
            .connect_deadline(DEADLINE)
            .answer_deadline(DEADLINE)
            .reconnection_time(COME_BACK)
            .longest_backoff(COME_BACK);
        self.stream.set_source(events.closer());
        match EventId::new(last_event_id) {
            Ok(id) => events.with_last_event_id(id),
            Err(_) => events,
        }
    }

    fn opened(&mut self) {
        let now = self.tally.clock.now();
        let Tally { times, counts, .. } = &*self.tally;
        times.connect.record(now - self.gauge.attempted(true));
        if self.state.ended > 0 {
            times.reconnect.record(now - self.state.ended);
        }
        self.state = State { open: true, opened: now, ..mem::take(&mut self.state) };
        self.stream.account().arrive(now);
        add(&counts.connects, 1);
        add(&counts.open, 1);
        self.stream.set_open(true);
    }

    /// The connection is over; whether there was one.
    fn closed(&mut self) -> bool {
        let was_open = mem::take(&mut self.state.open);
        self.gauge.attempted(false);
        self.stream.set_open(false);
        if was_open {
            self.state.ended = self.tally.clock.now();
            self.tally.counts.open.fetch_sub(1, Relaxed);
        }
        was_open
    }

    /// The server ended the stream, or there was none to be had.
    fn lost(&mut self, error: &Error) {
        if self.closed() {
            add(&self.tally.counts.drops, 1);
        } else if self.state.ended > 0 {
            add(&self.tally.counts.refusals, 1);
        } else {
            self.give_up(error);
        }
    }

    /// The server has said that there is nothing more.
    fn no_more(&mut self) {
        self.closed();
        if self.state.ended == 0 {
            self.give_up(&"the server answers 204 No Content, which says that there is none");
        }
    }

    fn give_up(&self, why: &dyn std::fmt::Display) {
        let url = self.source.request.url();
        self.tally.end(Err(format!("can't open a stream of {url}: {why}")));
    }

    /// Somebody closed the source; whether who comes now is the same reader.
    fn was_cut(&mut self, events: &EventSource) -> bool {
        self.closed();
        if !self.stream.was_cut() {
            return true;
        }
        add(&self.tally.counts.cuts, 1);
        let mut account = self.stream.account();
        // Without an id it can only begin anew. If it has had events and they had none, that is
        // the server's fault; if it has had none, it is nobody's.
        let unknown = events.last_event_id().is_empty() && account.is_untouched();
        let same = self.resumes && !unknown;
        if !same {
            account.leave();
        }
        same
    }

    fn event(&mut self, event: &MessageEvent) {
        let at = self.gauge.read_at();
        self.enter(&mut self.stream.account(), event, at);
        if at > self.state.told {
            self.state.told = at;
            self.probe.arrival(&self.tally.clock);
        }
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
        if marker.due < self.state.opened {
            add(&counts.replayed, 1);
        } else if new && !self.slow && marker.due >= get(&self.tally.timed_from) {
            let latency = at.saturating_sub(marker.due);
            self.tally.times.latency.record(latency);
            self.tally.times.served.record(latency.saturating_sub(marker.late));
        }
    }
}
