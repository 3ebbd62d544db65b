//! From entries to bytes: the recorder.
//!
//! It holds back what came since the last [border](super::border), and writes it as one group at
//! the next. So a recording that is broken off is a cassette, and lacks at most the last block.

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::Duration;

use super::border::Border;
use super::{BYTE_ORDER_MARK, End, Entry, FIRST_LINE, Head, ON};
use crate::cli::duration::exact;

/// How many bytes one `: rest` line carries: escaped they still fit a terminal.
const REST_LINE: usize = 60;

/// Writes a cassette, entry by entry; what is ready is appended to `out`.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    is_stream: bool,
    border: Border,
    /// A group of this connection has been written.
    has_begun: bool,
    /// The pieces since the last border; the first may be the rest of one.
    pieces: VecDeque<Piece>,
    held: Vec<u8>,
    /// The time that no line has carried yet.
    untold: Duration,
}

/// What came at once, or what is left of it after a border.
#[derive(Debug)]
struct Piece {
    /// As it is written; "on" for the rest of a piece.
    time: String,
    length: usize,
}

impl Recorder {
    /// Begins a cassette. Each of `about` becomes a line that says where the recording is from.
    pub(crate) fn begin(about: &[String], out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(FIRST_LINE);
        for text in about {
            line("about", text, out);
        }
        Self::default()
    }

    /// Takes the next entry of a connection: open, reads, end.
    pub(crate) fn take(&mut self, entry: &Entry, out: &mut Vec<u8>) {
        match entry {
            Entry::Open { after, response } => self.open(*after, response.as_ref(), out),
            Entry::Read { after, bytes } => self.read(*after, bytes, out),
            Entry::End { after, how } => self.end(*after, *how, out),
        }
    }

    fn open(&mut self, after: Duration, response: Option<&Head>, out: &mut Vec<u8>) {
        self.finish(out);
        self.is_stream = response.is_some_and(Head::is_event_stream);
        self.border = Border::default();
        self.has_begun = false;
        let said = response.map(|Head { status, content_type, .. }| {
            let separator = if content_type.is_empty() { "" } else { " " };
            format!(" {}{separator}{content_type}", status.code())
        });
        line("open", format!("{}{}", self.time(after), said.unwrap_or_default()), out);
        if let Some(location) = response.and_then(|response| response.location.as_ref()) {
            line("location", location, out);
        }
    }

    /// A piece without bytes is not written, but its time counts.
    fn read(&mut self, after: Duration, bytes: &[u8], out: &mut Vec<u8>) {
        if bytes.is_empty() {
            self.untold += after;
            return;
        }
        let time = self.time(after);
        let before = self.held.len();
        self.pieces.push_back(Piece { time, length: bytes.len() });
        self.held.extend_from_slice(bytes);
        let border = self.border.pass(bytes).filter(|_| self.is_stream);
        if let Some(at) = border {
            self.write_verbatim(before + at, out);
        }
    }

    fn end(&mut self, after: Duration, how: End, out: &mut Vec<u8>) {
        self.finish(out);
        line("end", format!("{} {}", self.time(after), how.word()), out);
    }

    /// Writes what is held back. Call it when the recording ends before the connection.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.pieces.is_empty() {
            return;
        }
        if self.is_stream && self.border.is_here_if_nothing_comes() {
            return self.write_verbatim(self.held.len(), out);
        }
        for Piece { time, length } in self.pieces.drain(..) {
            line("part", format!("{time} {length}"), out);
        }
        for bytes in self.held.chunks(REST_LINE) {
            line("rest", bytes.escape_ascii(), out);
        }
        self.held.clear();
    }

    /// About how much memory the bytes that are held back take, with their pieces.
    pub(crate) fn held(&self) -> usize {
        self.held.len() + self.pieces.len() * size_of::<Piece>()
    }

    fn write_verbatim(&mut self, border: usize, out: &mut Vec<u8>) {
        let mark = if self.has_begun { &[] } else { BYTE_ORDER_MARK };
        let verbatim = self.held[..border].strip_prefix(mark);
        if verbatim.is_some_and(|_| !mark.is_empty()) {
            out.extend_from_slice(b": bom\n");
        }
        let verbatim = verbatim.unwrap_or(&self.held[..border]);
        let mut left = border;
        while left > 0 {
            let piece = &mut self.pieces[0];
            let length = piece.length.min(left);
            left -= length;
            let word = if left > 0 { "part" } else { "read" };
            line(word, format!("{} {length}", piece.time), out);
            if length < piece.length {
                *piece = Piece { time: ON.into(), length: piece.length - length };
            } else {
                self.pieces.pop_front();
            }
        }
        out.extend_from_slice(verbatim);
        self.held.drain(..border);
        self.has_begun = true;
    }

    /// A time in whole microseconds. What is less is kept for the next.
    fn time(&mut self, after: Duration) -> String {
        let total = self.untold + after;
        self.untold = Duration::from_nanos(u64::from(total.subsec_nanos() % 1_000));
        format!("+{}", exact(total))
    }
}

/// Appends a line of the cassette's own, with spaces in place of line ends.
fn line(word: &str, text: impl Display, out: &mut Vec<u8>) {
    let text = text.to_string().replace(['\r', '\n'], " ");
    out.extend_from_slice(format!(": {word} {text}\n").as_bytes());
}
