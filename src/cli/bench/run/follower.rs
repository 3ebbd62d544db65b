//! One stream of a run: a thread that follows it with the library's `EventSource`.
//!
//! ```text
//! Opened ──► Event ──► Event ──► … ──► Lost ──► the event source reconnects
//!                                 └──► cut by the bench: soon, with the last event ID, or at
//!                                      once, as a new reader
//! ```
//!
//! Each stream has a thread, as the system wakes a thread in a read the moment that bytes come.
//! With 4,000 streams on two cores, threads noticed bytes after 21 µs at the median. A few threads
//! that sweep over non-blocking sockets took 5.2 ms. The stacks are small, and only their used
//! pages take memory.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::Duration;

use tidings::client::{EventSource, Update};
use tidings::{Error, EventId, MessageEvent};

use super::stream::{Place, Stream};
use crate::cli::bench::books::account::Account;
use crate::cli::bench::books::counts::{Count, Time, add, get, nanoseconds};
use crate::cli::bench::values::marker::Marker;
use crate::cli::bench::wire::exchange::DEADLINE;
use crate::cli::bench::wire::gauge::Gauge;
use crate::cli::bench::wire::probe::Probe;
use crate::cli::bench::wire::tally::Tally;
use crate::cli::bench::wire::target;

/// Enough for a reader, even in a build without optimisation.
pub(crate) const STACK: usize = 128 * 1024;
/// How long a stream that the server ended stays away, if the server didn't say.
const COME_BACK: Duration = Duration::from_millis(250);
/// How long a stream stays away that `--resume` has cut: long enough to miss events.
const ABSENCE: Duration = Duration::from_millis(100);
/// The bounds of a line and an event of other publishers: the library's own.
const LONGEST_LINE: usize = 4 * 1024 * 1024;
const LONGEST_EVENT: usize = 16 * 1024 * 1024;
/// A server may wrap an event in data several times as large.
const ROOM: usize = 8;

pub(crate) struct Follower {
    pub(crate) stream: Arc<Stream>,
    pub(crate) source: Arc<target::Source>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) probe: Arc<Probe>,
    pub(crate) gauge: Gauge,
    pub(crate) slow: bool,
    pub(crate) lanes: usize,
    /// How large this run's events may be.
    pub(crate) size: usize,
    pub(crate) state: State,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    open: bool,
    /// When the latest connection was opened.
    opened: u64,
    /// When the one before ended; 0 if there was none.
    ended: u64,
    /// The bench has cut it, and it has not been open since.
    cut: bool,
    /// When it was open again after the last cut. Events sent before may be late by the bench's
    /// fault.
    resumed: u64,
    /// The last read of which the probe knows.
    told: u64,
}

impl Follower {
    /// Follows the stream until the run is over. A first attempt that brings no stream ends the
    /// run.
    pub(crate) fn run(mut self) {
        let _alarm = self.tally.alarm();
        let mut events = self.events("");
        while !self.tally.is_over() {
            match events.next_update() {
                Some(Ok(Update::Event(event))) => self.event(&event),
                Some(Ok(Update::Opened { .. })) => self.opened(),
                Some(Ok(Update::IdLeftOut { error })) => self.tally.note(&error),
                Some(Ok(Update::Lost { error, retry_in })) => self.lost(&error, retry_in),
                Some(Err(error)) if self.state.open && error.is_invalid() => {
                    return self.give_up(&error);
                }
                Some(Err(error)) => {
                    self.lost(&error, COME_BACK);
                    self.tally.wait(COME_BACK);
                    events = self.events(events.last_event_id());
                }
                None => {
                    let absence = if self.stream.resumes { ABSENCE } else { Duration::ZERO };
                    self.closed_on_purpose(absence);
                    self.tally.wait(absence);
                    // A stream that doesn't resume is a new reader.
                    events =
                        self.events(if self.stream.resumes { events.last_event_id() } else { "" });
                }
                Some(Ok(_)) => return self.no_more(),
            }
        }
    }

    fn events(&self, last_event_id: &str) -> EventSource {
        let events = EventSource::with(self.source.request.clone())
            .transport(self.gauge.clone())
            .connect_deadline(DEADLINE)
            .response_deadline(DEADLINE)
            .reconnection_time(COME_BACK)
            .longest_backoff(COME_BACK)
            .max_line(LONGEST_LINE + ROOM * self.size)
            .max_event(LONGEST_EVENT + ROOM * self.size);
        self.stream.source().closer = Some(events.closer());
        match EventId::new(last_event_id) {
            Ok(id) => events.with_last_event_id(id),
            Err(_) => events,
        }
    }

    fn opened(&mut self) {
        let now = self.tally.clock.now();
        let Tally { times, counts, .. } = &*self.tally;
        let took = now - self.gauge.attempted(true);
        if self.state.ended > 0 {
            times[Time::Reconnect].record(took);
            times[Time::Away].record(now - self.state.ended);
        } else {
            times[Time::Connect].record(took);
        }
        self.state.open = true;
        self.state.opened = now;
        if mem::take(&mut self.state.cut) {
            self.state.resumed = now;
        }
        self.stream.account().arrive(now);
        add(&counts[Count::Connects], 1);
        add(&self.tally.open, 1);
        self.stream.source().place = Place::Open;
        if self.state.ended == 0 {
            self.tally.ready_at.fetch_max(now, Relaxed);
            // A thread that sees all streams ready must also see since when.
            self.tally.ready.fetch_add(1, Release);
        }
    }

    /// The connection is over, and the next one follows after this pause. Returns whether there was
    /// a connection.
    fn closed(&mut self, pause: Duration) -> bool {
        let was_open = mem::take(&mut self.state.open);
        self.gauge.attempted(false);
        if was_open {
            let (now, pause) = (self.tally.clock.now(), nanoseconds(pause));
            self.state.ended = now;
            self.stream.source().place = Place::Outside { asks: now.saturating_add(pause), pause };
            self.tally.open.fetch_sub(1, Relaxed);
        }
        was_open
    }

    /// The server ended the stream, or gave none.
    fn lost(&mut self, error: &Error, pause: Duration) {
        if self.closed(pause) {
            add(&self.tally.counts[Count::Drops], 1);
        } else if self.state.ended > 0 {
            add(&self.tally.counts[Count::InVain], 1);
        } else {
            self.give_up(error);
        }
    }

    /// The server has responded with 204: there is nothing more.
    fn no_more(&mut self) {
        if self.state.ended == 0 {
            return self.give_up(&"the server responds with 204 No Content: there is none");
        }
        add(&self.tally.counts[Count::InVain], 1);
        self.stream.source().place = Place::Gone;
    }

    fn give_up(&self, why: &dyn std::fmt::Display) {
        let url = target::shown(self.source.request.url());
        self.tally.end(Err(format!("can't follow a stream of {url}: {why}")));
    }

    /// The bench has closed the source: the stream is cut, or the run is over.
    fn closed_on_purpose(&mut self, absence: Duration) {
        self.closed(absence);
        if !self.stream.was_cut() {
            return;
        }
        self.state.cut = true;
        add(&self.tally.counts[Count::Cuts], 1);
        // A stream that resumes is the same reader, even if the server gave it no ids for that.
        if !self.stream.resumes {
            self.stream.account().leave(self.tally.clock.now());
        }
    }

    fn event(&mut self, event: &MessageEvent) {
        let at = self.gauge.read_at();
        if !event.last_event_id.is_empty() {
            self.tally.ids.store(true, Relaxed);
        }
        self.tally.last_at.fetch_max(at, Relaxed);
        self.enter(&mut self.stream.account(), event, at);
        if at > self.state.told {
            self.state.told = at;
            self.probe.arrival(&self.tally.clock);
        }
    }

    fn enter(&self, account: &mut Account, event: &MessageEvent, at: u64) {
        let counts = &self.tally.counts;
        if event.event_type == "tidings.gap" {
            add(&counts[Count::GapEvents], 1);
            return account.enter_gap(&event.data, self.lanes);
        }
        if self.lanes == 0 {
            account.ids.enter(event);
        }
        let ours = |marker: &Marker| marker.run == self.tally.run && marker.lane < self.lanes;
        let mut markers = Marker::all(&event.data).filter(ours).peekable();
        if markers.peek().is_none() {
            add(&counts[Count::Foreign], 1);
        }
        markers.for_each(|marker| self.enter_ours(account, &marker, at));
    }

    fn enter_ours(&self, account: &mut Account, marker: &Marker, at: u64) {
        let (counts, times) = (&self.tally.counts, &self.tally.times);
        add(&counts[Count::Deliveries], 1);
        let new = account.ledger.enter(marker.lane, marker.number);
        add(&self.tally.fresh, new.into());
        add(&counts[Count::CaughtUp], (marker.sent < self.state.opened).into());
        if marker.sent < self.state.resumed {
            add(&counts[Count::NotTimed], 1);
        } else if new && !self.slow && marker.due >= get(&self.tally.timed_from) {
            let latency = at.saturating_sub(marker.due);
            times[Time::Latency].record(latency);
            times[Time::Served].record(latency.saturating_sub(marker.late));
        }
    }
}
