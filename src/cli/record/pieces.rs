//! From bytes on the wire to entries: where a response begins, its chunks, and how it ends.
//!
//! ```text
//! sent        GET /events/news HTTP/1.1 ...                       0 ms
//! received    HTTP/1.1 200 OK ... 9 CRLF data                     2 ms   open +2ms 200
//! received    : a LF LF CRLF 9 CRLF data: b LF LF CRLF 0 CRLF     5 ms   read +3ms 9, read +0ms 9
//! received    CRLF                                                6 ms   end +1ms close
//! ```
//!
//! A chunk ends where its frame goes on. Its entry has the time of its last byte. The part that
//! came of a chunk that was cut off is a piece too.
//!
//! The time of an entry counts from the entry before it on the same connection, or from the
//! request.

use std::mem;
use std::time::Duration;

use tidings::http::{Framing, ResponseHead, secrets_in_value};

use crate::cli::cassette::{End, Entry, Head};
use crate::cli::client::{Ending, Part, Reader};

/// A chunk is kept until it is whole, and may be as large as the server likes. A larger one than
/// this becomes several pieces. Events come in smaller chunks.
const LONGEST_PIECE: usize = 1024 * 1024;

/// Follows one connection after another.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// `None` without a connection, or if nothing more of it is recorded.
    reader: Option<Reader>,
    /// The head has come.
    is_open: bool,
    is_chunked: bool,
    /// What has come of a chunk, and when.
    piece: Vec<u8>,
    came: Duration,
    /// When the last entry was, or the request.
    last: Duration,
    entries: Vec<Entry>,
}

impl Pieces {
    pub(super) fn connected(&mut self, now: Duration) {
        let entries = self.take();
        *self = Self { reader: Some(Reader::new()), last: now, entries, ..Self::default() };
    }

    /// More of the request has been sent; the time of its response begins after it.
    pub(super) fn sent(&mut self, now: Duration) {
        self.last = now;
    }

    pub(super) fn received(&mut self, bytes: &[u8], now: Duration) {
        let mut rest = bytes;
        while let Some((part, bytes)) =
            self.reader.as_mut().and_then(|reader| reader.next(&mut rest))
        {
            match part {
                Part::Begin(head) if is_redirect(&head) => self.reader = None,
                Part::Begin(head) => {
                    (self.is_open, self.is_chunked) = (true, head.framing() == Framing::Chunked);
                    let response = Some(response(&head));
                    self.add(now, |after| Entry::Open { after, response });
                }
                Part::Content => {
                    self.piece.extend_from_slice(bytes);
                    self.came = now;
                    if !self.is_chunked || self.piece.len() >= LONGEST_PIECE {
                        self.end_piece();
                    }
                }
                Part::Frame => self.end_piece(),
                Part::End => self.end(End::Close, now),
                // The client ends a connection that breaks the rules, and says why.
                Part::Head | Part::Broken(_) | Part::Excess | Part::Unknown => {}
            }
        }
    }

    fn end_piece(&mut self) {
        let bytes = mem::take(&mut self.piece);
        if !bytes.is_empty() {
            self.add(self.came, |after| Entry::Read { after, bytes });
        }
    }

    /// The server has ended the connection.
    pub(super) fn ended(&mut self, now: Duration) {
        let is_whole = self.reader.as_ref().is_some_and(|reader| reader.ending() == Ending::Whole);
        self.end(if is_whole { End::Close } else { End::Cut }, now);
    }

    /// The connection has ended like this; nothing happens where its end is known already.
    pub(super) fn end(&mut self, how: End, now: Duration) {
        if self.reader.take().is_none() {
            return;
        }
        if self.is_open {
            self.end_piece();
        } else {
            self.add(now, |after| Entry::Open { after, response: None });
        }
        self.add(now, |after| Entry::End { after, how });
    }

    pub(super) fn take(&mut self) -> Vec<Entry> {
        mem::take(&mut self.entries)
    }

    fn add(&mut self, at: Duration, entry: impl FnOnce(Duration) -> Entry) {
        let after = at.saturating_sub(mem::replace(&mut self.last, at));
        self.entries.push(entry(after));
    }
}

/// Whether the client follows the response to another URL.
fn is_redirect(head: &ResponseHead) -> bool {
    head.status().is_redirect() && head.field("location").is_some()
}

/// What a cassette says of a head: nothing that may be a secret. The mock plays the content type
/// back, so its parameters that may be one are left out.
fn response(head: &ResponseHead) -> Head {
    let given = head.content_type().unwrap_or_default();
    let public = secrets_in_value("content-type", given).first().map_or(given.len(), |secret| {
        secret.start - usize::from(given[..secret.start].ends_with(b";"))
    });
    let visible: Vec<u8> = given[..public]
        .iter()
        .map(|&byte| if byte.is_ascii_graphic() { byte } else { b' ' })
        .collect();
    let text = String::from_utf8(visible).expect("visible ASCII is UTF-8");
    let content_type = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    Head { status: head.status(), content_type, location: None }
}

#[cfg(test)]
mod tests;
