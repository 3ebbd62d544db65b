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
//! The card does not judge what was not tried, or not watched for long enough; nor what several
//! clients did that can't be told apart (see [`tracks`]).

mod card;
pub(super) mod tracks;
mod visit;

use std::collections::VecDeque;
use std::time::Duration;

use tidings::http::masked_url;

use super::response::Seen;
use visit::{Visit, seconds};

pub(super) use visit::End;

/// The report judges so many connections: the last ones.
const JUDGED: usize = 10_000;

/// The connections, in the order in which they ended.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// At most [`JUDGED`].
    visits: VecDeque<Visit>,
    /// Those that have not ended.
    open: Vec<Visit>,
    pub(super) begun: u64,
}

impl Report {
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Takes a connection that begins with this request; returns its number.
    pub(super) fn begin(&mut self, request: &str, id: Option<&str>, now: Duration) -> u64 {
        self.begun += 1;
        self.open.push(Visit {
            number: self.begun,
            request: request.into(),
            last_event_id: id.map(Into::into),
            opened: now,
            closed: now,
            ..Visit::default()
        });
        self.begun
    }

    /// Takes the end of a connection; returns the line that tells of it.
    pub(super) fn end(&mut self, number: u64, seen: &Seen, end: End, now: Duration) -> String {
        let index = self.open.iter().position(|visit| visit.number == number);
        let visit = self.open.remove(index.expect("a connection ends once, after it has begun"));
        self.note(Visit { seen: seen.clone(), end, closed: now, ..visit })
    }

    fn note(&mut self, visit: Visit) -> String {
        let before = self.visits.iter().rev().find(|before| tracks::may_lead(before, &visit));
        let later = before.and_then(|before| visit.opened.checked_sub(before.closed));
        let later = later.map(|time| format!(" {} later", seconds(time))).unwrap_or_default();
        let id = visit.last_event_id.as_ref();
        let id = id.map(|id| format!(" with last event ID {id:?}")).unwrap_or_default();
        let (number, request) = (visit.number, masked_url(&visit.request));
        let line = format!("#{number} {request}{later}{id}: {}\n", visit.told());
        if self.visits.len() == JUDGED {
            self.visits.pop_front();
        }
        self.visits.push_back(visit);
        line
    }

    /// The whole card, and whether the client did as it should; the mock ends at `now`.
    pub(super) fn card(&self, now: Duration) -> (String, bool) {
        // A client that is still there has not ended anything, but it has come back.
        let open = self.open.iter().map(|visit| Visit { closed: now, ..visit.clone() });
        let visits: Vec<Visit> = self.visits.iter().cloned().chain(open).collect();
        card::card(&visits, self.begun, self.open.len(), now)
    }
}

#[cfg(test)]
mod tests;
