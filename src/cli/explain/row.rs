//! The rows of an explanation: bytes with their meaning, and in the lines of a head what may be
//! a secret.
//!
//! A line may come in several reads, cut anywhere. So all that has come of a line decides what is a
//! secret in its rows:
//!
//! ```text
//! "Set-Coo"                    Set-Coo                  ...
//! "kie: sid=31d4"              kie: (8 bytes)           ...
//! "d96e; Secure\r\n"           (12 bytes)␍␊             what to send with the next request
//! ```

use std::iter;
use std::mem;
use std::ops::Range;

use tidings::http::{secrets_in_url, secrets_in_value};
use tidings::trace::Piece;

/// How much of a line is kept to find its secrets; all that comes after that in it is one. No line
/// of a head that anybody reads is longer, and what nobody reads may have no end.
const LONGEST_LINE: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// What a proxy says before the first request.
    Preface,
    Head,
    /// What stands around the data of chunks.
    Frame,
    Stream,
    /// Bytes without a known meaning.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) layer: Layer,
    pub(crate) bytes: Vec<u8>,
    /// Which of the bytes must not be shown, in order.
    pub(crate) secrets: Vec<Range<usize>>,
    pub(crate) means: String,
    /// Which piece it is of what the library writes and reads, as far as that is known.
    pub(crate) piece: Option<Piece>,
    /// How many bytes it had beside these.
    pub(crate) left_out: usize,
}

/// What a row means, and which piece it is.
pub(super) struct Means(pub(super) String, pub(super) Option<Piece>);

impl From<&str> for Means {
    fn from(words: &str) -> Self {
        Self(words.into(), None)
    }
}

impl From<String> for Means {
    fn from(words: String) -> Self {
        Self(words, None)
    }
}

impl<W: Into<String>, P: Into<Option<Piece>>> From<(W, P)> for Means {
    fn from((words, piece): (W, P)) -> Self {
        Self(words.into(), piece.into())
    }
}

impl Row {
    /// The bytes before, between and after the secrets.
    pub(crate) fn public(&self) -> Vec<&[u8]> {
        let starts = [0].into_iter().chain(self.secrets.iter().map(|secret| secret.end));
        let ends = self.secrets.iter().map(|secret| secret.start).chain([self.bytes.len()]);
        starts.zip(ends).map(|(start, end)| &self.bytes[start..end]).collect()
    }

    /// Leaves out all but the first bytes.
    pub(crate) fn cut(&mut self, most: usize) {
        if self.bytes.len() > most {
            self.left_out += self.bytes.len() - most;
            self.bytes.truncate(most);
            self.secrets.retain_mut(|secret| {
                secret.end = secret.end.min(most);
                secret.start < secret.end
            });
        }
    }
}

/// The rows of one read or write, as they grow.
#[derive(Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    lines: Lines,
    /// How many of the rows have their secrets marked.
    marked: usize,
}

impl Rows {
    pub(super) fn of_request() -> Self {
        Self { lines: Lines::of_request(), ..Self::default() }
    }

    /// The next row begins another request.
    pub(super) fn begin_request(&mut self) {
        self.lines.mark(&mut self.rows[self.marked..]);
        self.marked = self.rows.len();
        self.lines = Lines::of_request();
    }

    /// Puts bytes into the row that is open, or into a new one. With a meaning, that closes it.
    pub(super) fn add(&mut self, layer: Layer, bytes: &[u8], means: impl Into<Means>) {
        self.extend(layer, bytes);
        self.close(means);
    }

    /// The same for bytes whose meaning is not known yet.
    pub(super) fn extend(&mut self, layer: Layer, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.push(layer, byte));
    }

    pub(super) fn push(&mut self, layer: Layer, byte: u8) {
        // Bytes without a meaning are split at line ends too.
        let ended = |row: &Row| layer == Layer::Unknown && row.bytes.ends_with(b"\n");
        let open = |row: &&mut Row| row.layer == layer && row.means.is_empty() && !ended(row);
        match self.rows.last_mut().filter(open) {
            Some(row) => row.bytes.push(byte),
            None => {
                let (bytes, secrets, means) = (vec![byte], Vec::new(), String::new());
                self.rows.push(Row { layer, bytes, secrets, means, piece: None, left_out: 0 });
            }
        }
    }

    /// Says what the row that is open means, and closes it.
    pub(super) fn close(&mut self, means: impl Into<Means>) {
        if let Some(row) = self.rows.last_mut().filter(|row| row.means.is_empty()) {
            let Means(words, piece) = means.into();
            (row.means, row.piece) = (words, piece);
        }
    }

    /// How many rows there are since they were taken.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows from the one on that was the `first` to be added.
    pub(super) fn since(&mut self, first: usize) -> &mut [Row] {
        let first = first.min(self.rows.len());
        &mut self.rows[first..]
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Row> {
        self.rows.last_mut()
    }

    /// Takes the rows, with their secrets marked.
    pub(super) fn take(&mut self) -> Vec<Row> {
        self.lines.mark(&mut self.rows[mem::take(&mut self.marked)..]);
        mem::take(&mut self.rows)
    }
}

/// Follows the lines of a head, of trailers and of what is neither, and finds bytes in them that
/// may be a secret. What breaks the rules may hold one as well, so nothing here relies on them.
#[derive(Default)]
struct Lines {
    /// The current line as far as it has come, with the lines that it continues.
    line: Vec<u8>,
    /// The line is whole, unless the next one continues it.
    is_whole: bool,
    kind: Kind,
}

/// What a line is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    /// The first of a request: a method, a target, a version.
    Request,
    /// One that should be a field line.
    Field,
    /// The first of a response. If it is none, the others are of no protocol that is known here.
    #[default]
    Response,
}

impl Lines {
    fn of_request() -> Self {
        Self { kind: Kind::Request, ..Self::default() }
    }

    /// Marks the secrets in rows, each of which lies within a line.
    fn mark(&mut self, rows: &mut [Row]) {
        let has_lines = |layer| matches!(layer, Layer::Head | Layer::Frame | Layer::Unknown);
        for row in rows.iter_mut().filter(|row| has_lines(row.layer)) {
            let goes_on = row.bytes.starts_with(b" ") || row.bytes.starts_with(b"\t");
            if self.is_whole && !goes_on {
                self.begin_line();
            }
            let start = self.line.len();
            let is_long = start >= LONGEST_LINE;
            if !is_long {
                self.line.extend_from_slice(&row.bytes);
            }
            self.is_whole = row.bytes.ends_with(b"\n");
            // Neither the fold nor the line end is part of a value.
            let trimmed = row.bytes.trim_ascii_end().len();
            let blanks = row.bytes.len() - row.bytes.trim_ascii_start().len();
            let first = if goes_on { blanks } else { 0 };
            let secrets = match is_long {
                true => iter::once(start..start + row.bytes.len()).collect(),
                false => self.secrets(),
            };
            let within = secrets.into_iter().map(|secret| {
                let [from, to] = [secret.start, secret.end].map(|at| at.saturating_sub(start));
                from.max(first)..to.min(trimmed)
            });
            row.secrets = within.filter(|secret| !secret.is_empty()).collect();
        }
    }

    /// Empty lines may stand before a request.
    fn begin_line(&mut self) {
        let is_over = match self.kind {
            Kind::Request => !self.line.trim_ascii().is_empty(),
            Kind::Response => self.line.starts_with(b"HTTP/"),
            Kind::Field => true,
        };
        if is_over {
            self.kind = Kind::Field;
        }
        self.line.clear();
    }

    fn secrets(&self) -> Vec<Range<usize>> {
        let line = self.line.trim_ascii_end();
        // Whoever sent a bare CR may have meant it to end the line.
        let end = line.windows(2).position(|two| two[0] == b'\r' && two[1] != b'\n');
        let Some(end) = end else { return self.secrets_in(line, self.is_whole) };
        let mut secrets = self.secrets_in(&line[..end], true);
        secrets.push(end + 1..line.len());
        secrets
    }

    fn secrets_in(&self, line: &[u8], is_whole: bool) -> Vec<Range<usize>> {
        let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let name = line.iter().position(|byte| !is_of_name(byte)).unwrap_or(line.len());
        let blanks = |at: usize| line.len() - line[at..].trim_ascii_start().len();
        let (from, after) = (blanks(name), &line[blanks(name)..]);
        // A line that isn't whole may be user information, which ends in an @.
        let with_end = |value| [value, if is_whole { b"" } else { &b"@"[..] }].concat();
        let (from, secrets) = if self.kind == Kind::Request {
            (from, secrets_in_url(&with_end(target(after))))
        } else if after.starts_with(b":") {
            let from = blanks(from + 1);
            let name = String::from_utf8_lossy(&line[..name]);
            (from, secrets_in_value(&name, &with_end(&line[from..])))
        } else if self.kind == Kind::Response || line.starts_with(b"HTTP/") || after.is_empty() {
            return Vec::new();
        } else {
            // It may be a field that lacks its colon, or a target.
            return iter::once(from..line.len()).collect();
        };
        secrets.into_iter().map(|secret| from + secret.start..from + secret.end).collect()
    }
}

/// What stands before the version in a request line, after its method.
fn target(rest: &[u8]) -> &[u8] {
    let last = rest.iter().rposition(|byte| matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
    let version = rest[last..].get(..5).unwrap_or_default();
    if version.eq_ignore_ascii_case(b"HTTP/") { rest[..last].trim_ascii_end() } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_line_without_an_end_a_bounded_part_is_kept_and_the_rest_is_a_secret() {
        let mut rows = Rows::of_request();
        let shown = |rows: &mut Rows, bytes: &[u8]| {
            rows.add(Layer::Unknown, bytes, "dropped");
            rows.take().iter().flat_map(|row| row.public().concat()).collect::<Vec<u8>>()
        };
        assert_eq!(shown(&mut rows, b"GET /aaa"), b"GET /aaa");
        for _ in 0..2 * LONGEST_LINE / 1024 {
            shown(&mut rows, &[b'a'; 1024]);
        }
        assert!(rows.lines.line.len() < LONGEST_LINE + 1024, "{}", rows.lines.line.len());
        assert_eq!(shown(&mut rows, b"aaaa"), b"");
        assert_eq!(shown(&mut rows, b"a\r\n"), b"\r\n");
        assert_eq!(shown(&mut rows, b"Host: h\r\n"), b"Host: h\r\n");
    }
}
