//! The report card: what the client did, connection by connection, and what to think of it.
//!
//! ```text
//! #1 GET /events: 200, 2 events, reset
//! #2 GET /events 0.51 s later with last event ID "2": 200, 3 events, close
//! #3 GET /events 0.50 s later with last event ID "5": 204
//! report card, after 3 connections
//!   reconnects              yes  2 times
//!   sends its last event ID yes  2 times
//!   waits as long as told   yes  0.50 s to 0.51 s, first told 0.50 s
//!   leaves a stalled stream -    there was none
//!   stops at a 204          yes  nothing came for 2.00 s
//!   stops at other failures -    there was none
//! ```
//!
//! By the standard (HTML, section 9.2.3) a client comes back when a stream has ended in whatever
//! way, after the reconnection time at least, with the id that the last blank line left it with.
//! After a 204, another status or another content type it does not come back.
//! What was not tried, or not watched for long enough, is not judged; nor is what several clients
//! did who can't be told apart (see [`tracks`]).

mod card;
pub(super) mod tracks;

use std::collections::VecDeque;
use std::time::Duration;

use tidings::Status;
use tidings::http::masked_url;

use super::chaos::Opening;
use super::response::Seen;
use super::step::{Ending, Head};

/// A type that is not worth a word.
const PLAIN: &str = Opening::PLAIN.content_type;

/// One connection, which has sent a request.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    /// From 1.
    pub(super) number: u64,
    /// `GET /events`
    request: String,
    last_event_id: Option<String>,
    opened: Duration,
    /// The last that the client can have noticed.
    closed: Duration,
    seen: Seen,
    /// How the mock ended it; `None` if the client went.
    ending: Option<Ending>,
    /// It came when there had been enough, and was closed without an answer.
    was_turned_away: bool,
    /// Of a connection that stalled.
    stall: Option<Stall>,
}

/// What the client did when nothing came any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    pub(super) stayed: Duration,
    /// It went, before the stall was over.
    pub(super) has_left: bool,
}

impl Visit {
    pub(super) fn new(
        number: u64,
        request: &str,
        last_event_id: Option<&str>,
        opened: Duration,
    ) -> Self {
        Self {
            number,
            request: request.into(),
            last_event_id: last_event_id.map(Into::into),
            opened,
            closed: opened,
            seen: Seen::default(),
            ending: None,
            was_turned_away: false,
            stall: None,
        }
    }

    /// The same, if there have been enough.
    pub(super) fn turned_away(self) -> Self {
        Self { was_turned_away: true, ..self }
    }

    /// The same, stalled.
    pub(super) fn stalled(self, stall: Stall) -> Self {
        Self { stall: Some(stall), ..self }
    }

    /// The same, at its end.
    pub(super) fn over(self, seen: &Seen, ending: Option<Ending>, closed: Duration) -> Self {
        Self { seen: seen.clone(), ending, closed, ..self }
    }

    fn status(&self) -> Option<Status> {
        self.seen.head.as_ref().map(|head| head.status)
    }

    fn content_type(&self) -> &str {
        self.seen.head.as_ref().map(|head| &*head.content_type).unwrap_or_default()
    }

    fn of_type(&self) -> String {
        format!(" of type {:?}", self.content_type())
    }

    fn is_stream(&self) -> bool {
        self.seen.head.as_ref().is_some_and(Head::is_event_stream)
    }

    fn is_redirect(&self) -> bool {
        self.seen.head.as_ref().is_some_and(Head::is_redirect)
    }

    /// The client went by itself.
    fn was_left(&self) -> bool {
        self.stall.map_or(self.ending.is_none(), |stall| stall.has_left)
    }

    /// The client was told for good not to come back.
    fn is_final(&self) -> bool {
        self.status().is_some() && !self.is_stream() && !self.is_redirect()
    }

    /// The connection ended so that the client should come back, to a mock that is still there. Who
    /// got no answer at all may take that for futile; and who posts something to get a stream does
    /// not post it again by itself.
    fn should_return(&self) -> bool {
        let was_ended = !matches!(self.ending, None | Some(Ending::Finish));
        self.request.starts_with("GET ") && was_ended && self.is_stream()
    }

    /// How it ended, in the word of the directive that ends it so.
    fn ending_word(&self) -> String {
        if let Some(Stall { stayed, has_left }) = self.stall {
            let what = if has_left { "the client went after" } else { "the client stayed for" };
            return format!("stall, {what} {}", seconds(stayed));
        }
        let word = match self.ending {
            None => "the client went",
            Some(Ending::Close) => "close",
            Some(Ending::Cut) => "cut",
            Some(Ending::Reset) => "reset",
            Some(Ending::Stall) => "stall",
            Some(Ending::Finish) => "end",
        };
        word.into()
    }
}

/// So many connections are judged: the last ones.
const JUDGED: usize = 10_000;

/// The connections, in the order in which they ended.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// At most [`JUDGED`].
    visits: VecDeque<Visit>,
    /// Those that have not ended.
    open: Vec<Visit>,
    /// How many there have been.
    count: u64,
}

impl Report {
    /// Takes a connection that begins.
    pub(super) fn begin(&mut self, visit: &Visit) {
        self.open.push(visit.clone());
    }

    /// How many have begun and not ended.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Takes a connection that is over; gives the line that tells of it.
    pub(super) fn note(&mut self, visit: Visit) -> String {
        self.open.retain(|open| open.number != visit.number);
        let Visit { number, request, .. } = &visit;
        let before = self.visits.iter().rev().find(|before| tracks::may_lead(before, &visit));
        let later = before.and_then(|before| visit.opened.checked_sub(before.closed));
        let later = later.map(|time| format!(" {} later", seconds(time))).unwrap_or_default();
        let id = visit.last_event_id.as_ref();
        let id = id.map(|id| format!(" with last event ID {id:?}")).unwrap_or_default();
        let what = match (visit.status(), visit.is_stream()) {
            _ if visit.was_turned_away => "not served, as there have been enough".into(),
            (None, _) => format!("no answer, {}", visit.ending_word()),
            (Some(status), true) => {
                let events = counted(visit.seen.events as u64, "event");
                let odd =
                    if visit.content_type() == PLAIN { String::new() } else { visit.of_type() };
                format!("{}{odd}, {events}, {}", status.code(), visit.ending_word())
            }
            (Some(Status::OK), false) => format!("200{}", visit.of_type()),
            (Some(status), false) => status.code().to_string(),
        };
        let request = masked_url(request);
        let line = format!("#{number} {request}{later}{id}: {what}\n");
        self.count += 1;
        if self.visits.len() == JUDGED {
            self.visits.pop_front();
        }
        self.visits.push_back(visit);
        line
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn counted(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
