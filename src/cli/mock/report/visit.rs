//! Visits: each connection that has sent a request, and what the report has to know of it.

use std::time::Duration;

use tidings::Status;

use crate::cli::mock::chaos::Opening;
use crate::cli::mock::response::Seen;
use crate::cli::mock::step::{Ending, Head};
use crate::cli::plural;

#[derive(Clone, Debug, Default)]
pub(super) struct Visit {
    /// From 1.
    pub(super) number: u64,
    /// `GET /events`
    pub(super) request: String,
    pub(super) last_event_id: Option<String>,
    pub(super) opened: Duration,
    /// When the client can have noticed the end at the latest.
    pub(super) closed: Duration,
    pub(super) seen: Seen,
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cli::mock) enum End {
    /// The client went. A connection that is still open counts as one of these.
    #[default]
    Left,
    /// The mock ended it, in any way but a stall.
    Ended(Ending),
    /// The client stayed for so long when nothing came any more; then it went, or the mock ended
    /// it.
    Stalled { stayed: Duration, has_left: bool },
    /// It came when there had been enough, and was closed without a response.
    TurnedAway,
}

impl Visit {
    pub(super) fn is_stream(&self) -> bool {
        self.seen.head.as_ref().is_some_and(Head::is_event_stream)
    }

    /// The client went by itself.
    pub(super) fn was_left(&self) -> bool {
        matches!(self.end, End::Left | End::TurnedAway | End::Stalled { has_left: true, .. })
    }

    /// The response told the client for good not to come back.
    pub(super) fn is_final(&self) -> bool {
        self.seen.head.as_ref().is_some_and(|head| !head.is_event_stream() && !head.is_redirect())
    }

    /// The connection ended so that the client should come back, to a mock that is still there. A
    /// client that got no response at all may take that for futile; and one that posts something to
    /// get a stream does not post it again by itself.
    pub(super) fn should_return(&self) -> bool {
        let was_ended = match self.end {
            End::Ended(ending) => ending != Ending::Finish,
            End::Stalled { .. } => true,
            End::Left | End::TurnedAway => false,
        };
        self.request.starts_with("GET ") && was_ended && self.is_stream()
    }

    /// What came of it, in a few words.
    pub(super) fn told(&self) -> String {
        let end = match self.end {
            End::TurnedAway => return "not served, as there have been enough".into(),
            End::Left => "the client went".into(),
            // The words of the directives that end a connection so.
            End::Ended(Ending::Close) => "close".into(),
            End::Ended(Ending::Cut) => "cut".into(),
            End::Ended(Ending::Reset) => "reset".into(),
            End::Ended(Ending::Stall) => "stall".into(),
            End::Ended(Ending::Finish) => "end".into(),
            End::Stalled { stayed, has_left } => {
                let what = if has_left { "went after" } else { "stayed for" };
                format!("stall, the client {what} {}", seconds(stayed))
            }
        };
        let Some(Head { status, content_type, .. }) = &self.seen.head else {
            return format!("no response, {end}");
        };
        let odd = match content_type.as_str() {
            usual if usual == Opening::PLAIN.content_type => String::new(),
            odd => format!(" of type {odd:?}"),
        };
        match self.is_stream() {
            true => {
                let events = plural(self.seen.events as u64, "event");
                format!("{}{odd}, {events}, {end}", status.code())
            }
            false if *status == Status::OK => format!("200{odd}"),
            false => status.code().to_string(),
        }
    }
}

pub(super) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
