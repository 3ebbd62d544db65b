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
    /// None before the first.
    response: Option<Response>,
    /// For each request that has no response yet, whether it is a HEAD.
    heads: VecDeque<bool>,
    /// Whether the current request is shown. None while its target is not known.
    is_shown: Option<bool>,
    /// What is to be shown if it is.
    waiting: String,
}

impl Connection {
    pub(super) fn new(number: u64, peer: Peer, prefix: &Arc<str>) -> Self {
        Self {
            name: format!("#{number} {peer}"),
            prefix: Arc::clone(prefix),
            request: Request::new(),
            response: None,
            heads: VecDeque::new(),
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
        let Some((what, piece, rows)) = self.explain(call, outcome) else { return String::new() };
        let place = layout.place(piece);
        let between = if place.is_empty() { "" } else { "  " };
        let title = format!("{} {call}: {what}{between}{place}", self.name);
        let mut text = layout.title(seconds, &title);
        let more = rows.len().saturating_sub(MOST_ROWS);
        for mut row in rows.into_iter().take(MOST_ROWS) {
            row.cut(MOST_BYTES);
            text.push_str(&layout.row(&row));
        }
        if more > 0 {
            text.push_str(&layout.note(&format!("and {}", plural(more as u64, "more line"))));
        }
        self.show(text)
    }

    /// What the call did, the piece that made it, and what its bytes mean. None for one that is of
    /// no interest.
    fn explain(
        &mut self,
        call: &str,
        outcome: Outcome<'_>,
    ) -> Option<(String, Option<Piece>, Vec<Row>)> {
        let bytes = |bytes: &[u8]| plural(bytes.len() as u64, "byte");
        Some(match outcome {
            Outcome::Accepted => ("the connection is there".into(), Some(Piece::Accept), vec![]),
            Outcome::Received([]) => {
                ("the peer has ended its side".into(), Some(self.reader()), vec![])
            }
            Outcome::Received(received) => {
                let reader = self.reader();
                (format!("{} received", bytes(received)), Some(reader), self.take(received))
            }
            Outcome::Sent { bytes: sent, of } => {
                let all = if sent.len() < of { format!(" of {of}") } else { String::new() };
                (format!("{}{all} sent", bytes(sent)), writer(call), self.put(sent))
            }
            Outcome::HalfClosed => {
                ("nothing more is sent to the peer".into(), Some(Piece::HalfClose), vec![])
            }
            Outcome::Closed => ("the connection is over".into(), None, vec![]),
            // A read that finds nothing is how a check looks for the peer's end.
            Outcome::Failed(error) if error.kind() == ErrorKind::WouldBlock => {
                ("the system takes no more now".into(), Some(writer(call)?), vec![])
            }
            Outcome::Failed(error) => (error.to_string(), None, vec![]),
            _ => return None,
        })
    }

    /// Which code reads now: on a stream, only the check for a closed peer.
    fn reader(&self) -> Piece {
        match &self.response {
            Some(response) if response.is_open_stream() => Piece::Check,
            _ => Piece::Read,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<Row> {
        if !self.prefix.is_empty() && self.request.is_new() {
            self.is_shown = None;
        }
        let rows = self.request.take(bytes);
        let begun = self.request.begun();
        if !begun.is_empty() {
            self.is_shown = Some(begun.iter().any(|line| line.target.starts_with(&*self.prefix)));
        }
        self.heads.extend(begun.iter().map(|line| line.method == "HEAD"));
        rows
    }

    fn put(&mut self, bytes: &[u8]) -> Vec<Row> {
        let response = self.response.take_if(|response| !response.is_over());
        let response = response.unwrap_or_else(|| match self.heads.pop_front() {
            Some(true) => Response::to_head(),
            _ => Response::new(),
        });
        self.response.insert(response).read(bytes)
    }

    /// What is shown of this now, or with it.
    fn show(&mut self, text: String) -> String {
        match self.is_shown {
            Some(true) => mem::take(&mut self.waiting) + &text,
            Some(false) => {
                self.waiting.clear();
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

/// Which code makes this call, if it is one that writes.
fn writer(call: &str) -> Option<Piece> {
    match call {
        "sendto" | "send" => Some(Piece::Write),
        "writev" => Some(Piece::WriteBoth),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
