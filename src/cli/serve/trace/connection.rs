//! What has gone over one connection: which request is under way, and what its response is.
//!
//! With a prefix, only requests whose targets begin with it are shown, from their first byte to the
//! last of their response. Until a target is known, what there is to show waits:
//!
//! ```text
//! accept4 ─► waits ─► recvfrom "GET /events/a HTTP…" ─► shown, with what waited
//!                                                   └─► or dropped, up to the next request
//! ```

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::mem;
use std::sync::Arc;

use tidings::Peer;
use tidings::trace::{Outcome, Piece};

use crate::cli::explain::{Layout, Request, Response, Row};
use crate::cli::plural;

/// The most rows of one call that are shown, and the most bytes of each: enough for any head.
const MOST_ROWS: usize = 100;
const MOST_BYTES: usize = 1_000;

/// The most bytes that wait for a target. A head that would need more is refused.
const MOST_WAITING: usize = 256 * 1024;

pub(super) struct Connection {
    /// Its number, and who is at the other end.
    name: String,
    /// What the targets begin with of the requests that are shown.
    prefix: Arc<str>,
    request: Request,
    /// The requests that have no response yet.
    asked: VecDeque<Asked>,
    /// None before the first; and whether its request is shown.
    response: Option<(Response, Option<bool>)>,
    is_half_closed: bool,
    /// Whether the newest request is shown. None while its target is not known.
    is_shown: Option<bool>,
    /// What is to be shown if it is.
    waiting: String,
}

struct Asked {
    is_head: bool,
    is_shown: bool,
}

/// What is told of one call.
struct Told {
    what: String,
    rows: Vec<Row>,
    /// None while that is not known.
    is_shown: Option<bool>,
}

impl Connection {
    /// One that a proxy `may_begin` with the PROXY protocol.
    pub(super) fn new(number: u64, peer: Peer, prefix: &Arc<str>, may_begin: bool) -> Self {
        Self {
            name: format!("#{number} {peer}"),
            prefix: Arc::clone(prefix),
            request: if may_begin { Request::after_preface() } else { Request::new() },
            asked: VecDeque::new(),
            response: None,
            is_half_closed: false,
            is_shown: prefix.is_empty().then_some(true),
            waiting: String::new(),
        }
    }

    /// What is to be shown now, each line with its end; often nothing.
    pub(super) fn tell(
        &mut self,
        call: &str,
        outcome: Outcome<'_>,
        seconds: f64,
        layout: Layout,
    ) -> String {
        // The bytes may change what is read next.
        let place = layout.place(Some(self.piece(call)));
        let Some(Told { what, rows, is_shown }) = self.explain(call, outcome) else {
            return String::new();
        };
        let title = format!("{} {call}: {what}  {place}", self.name);
        let mut text = layout.title(seconds, &title);
        let more = rows.len().saturating_sub(MOST_ROWS);
        for mut row in rows.into_iter().take(MOST_ROWS) {
            row.cut(MOST_BYTES);
            text.push_str(&layout.row(&row));
        }
        if more > 0 {
            text.push_str(&layout.note(&format!("and {}", plural(more as u64, "more line"))));
        }
        self.show(text, is_shown)
    }

    /// What the call did, and what its bytes mean. None for one that is of no interest.
    fn explain(&mut self, call: &str, outcome: Outcome<'_>) -> Option<Told> {
        let bytes = |bytes: &[u8]| plural(bytes.len() as u64, "byte");
        let what = match outcome {
            Outcome::Accepted => "the connection is there".into(),
            Outcome::Received([]) => "the peer has ended its side".into(),
            Outcome::Received(received) => {
                let (rows, is_shown) = self.take(received);
                return Some(Told {
                    what: format!("{} received", bytes(received)),
                    rows,
                    is_shown,
                });
            }
            Outcome::Sent { bytes: sent, of } => {
                let all = if sent.len() < of { format!(" of {of}") } else { String::new() };
                let (rows, is_shown) = self.put(sent);
                return Some(Told { what: format!("{}{all} sent", bytes(sent)), rows, is_shown });
            }
            Outcome::HalfClosed => {
                self.is_half_closed = true;
                "nothing more is sent to the peer".into()
            }
            Outcome::Closed => "the connection is over".into(),
            Outcome::Failed(error) if error.kind() == ErrorKind::WouldBlock => match call {
                "sendto" | "send" | "writev" => "the system takes no more now".into(),
                // A read that finds nothing is how a check looks for the peer's end.
                _ => return None,
            },
            Outcome::Failed(error) => error.to_string(),
            _ => return None,
        };
        Some(Told { what, rows: Vec::new(), is_shown: self.is_shown })
    }

    /// Which code makes such a call now.
    fn piece(&self, call: &str) -> Piece {
        match call {
            "accept4" | "accept" => Piece::Accept,
            "sendto" | "send" => Piece::Write,
            "writev" => Piece::WriteBoth,
            "shutdown" => Piece::HalfClose,
            "close" => Piece::Close,
            _ if self.is_open_stream() => Piece::Check,
            _ => Piece::Read,
        }
    }

    /// On a stream, all that is read is dropped.
    fn is_open_stream(&self) -> bool {
        let response = self.response.as_ref().filter(|_| !self.is_half_closed);
        response.is_some_and(|(response, _)| response.is_open_stream())
    }

    fn take(&mut self, bytes: &[u8]) -> (Vec<Row>, Option<bool>) {
        if self.is_half_closed || self.is_open_stream() {
            self.request.end();
            return (self.request.take(bytes), self.is_shown);
        }
        if !self.prefix.is_empty() && self.request.is_new() {
            self.is_shown = None;
        }
        let mut is_shown = self.is_shown;
        let rows = self.request.take(bytes);
        for line in self.request.begun() {
            let this = line.target.starts_with(&*self.prefix);
            self.asked.push_back(Asked { is_head: line.method == "HEAD", is_shown: this });
            self.is_shown = Some(this);
            is_shown = Some(this || is_shown == Some(true));
        }
        if !self.prefix.is_empty() && self.request.waits_for_target() {
            self.is_shown = None;
            is_shown = is_shown.filter(|is_shown| *is_shown);
        }
        (rows, is_shown)
    }

    fn put(&mut self, bytes: &[u8]) -> (Vec<Row>, Option<bool>) {
        let response = self.response.take_if(|(response, _)| !response.is_over());
        let response = response.unwrap_or_else(|| match self.asked.pop_front() {
            Some(Asked { is_head: true, is_shown }) => (Response::to_head(), Some(is_shown)),
            Some(Asked { is_shown, .. }) => (Response::new(), Some(is_shown)),
            None => (Response::new(), self.is_shown),
        });
        let (response, is_shown) = self.response.insert(response);
        (response.read(bytes), *is_shown)
    }

    /// What is shown of this now, or with it.
    fn show(&mut self, text: String, is_shown: Option<bool>) -> String {
        match is_shown {
            Some(true) => mem::take(&mut self.waiting) + &text,
            Some(false) => {
                // What waits may be of the next request.
                if self.is_shown.is_some() {
                    self.waiting.clear();
                }
                String::new()
            }
            None => {
                if self.waiting.len() + text.len() <= MOST_WAITING {
                    self.waiting.push_str(&text);
                }
                String::new()
            }
        }
    }
}

#[cfg(test)]
mod tests;
