//! Walking from block to block through a file, with a buffer that stays small whatever the file
//! holds.
//!
//! ```text
//!            ┌─ buffer ──────────────┐
//! ───────────┴─────▲─────────────────┴──── file
//!  walked          at    filled, and read on as it is walked through
//! ```
//!
//! A block that doesn't fit is *large*: it is read through in pieces for its sum, and told with the
//! place of its event in the file. What can't be read is told as bad, like what is no block.

use std::ops::Range;

use super::block::{Block, FIRST, Fault, Head, Id, LARGEST};
use super::crc::Crc;
use super::disk::ReadFile;
use super::scan::{Found, Scan, next_first};
use crate::search::first_of;

/// How much is read at once by whoever reads on from there: what one batch is made of, with the
/// journal's own lines.
pub(crate) const READ: usize = 128 * 1024;

/// How much is read at once by whoever only looks what is there.
pub(crate) const PEEK: usize = 4 * 1024;

/// A block that has more bytes is large.
const WINDOW: usize = 256 * 1024;

/// How much is skipped at first where the disk can't read. It doubles from there, as each try may
/// take a bad disk seconds.
const UNREAD: u64 = 4 * 1024;
const MOST_UNREAD: u64 = 1024 * 1024;

/// What is found next, and where in the file.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    Block(u64, Block<'a>),
    Large(Large<'a>),
    /// More bad bytes may follow.
    Bad(Range<u64>, Fault),
}

impl Step<'_> {
    /// Where a block begins, and its id.
    pub(crate) fn block(&self) -> Option<(u64, Id)> {
        match self {
            Self::Block(at, block) => Some((*at, block.head.id)),
            Self::Large(large) => Some((large.at, large.head.id)),
            Self::Bad(..) => None,
        }
    }
}

/// A whole block that is too large to be held.
#[derive(Clone, Debug)]
pub(crate) struct Large<'a> {
    pub(crate) at: u64,
    pub(crate) head: Head<'a>,
    pub(crate) id_line: &'a [u8],
    /// Where the lines of its event are, in the file.
    pub(crate) event: Range<u64>,
    pub(crate) len: u64,
}

pub(crate) struct Walk<'a> {
    file: &'a dyn ReadFile,
    /// How much is read at once.
    read: usize,
    /// Its first `filled` bytes are those of the file from `start` on; up to `at` they have been
    /// walked through.
    buffer: Vec<u8>,
    filled: usize,
    at: usize,
    start: u64,
    /// Nothing comes after what is filled: there the file ends, or can't be read.
    is_all: bool,
    /// Why it can't be read, and how much is skipped.
    unread: Option<std::io::ErrorKind>,
    skip: u64,
}

impl<'a> Walk<'a> {
    /// Begins at `from`, where a block should begin. The buffer may be one that was used before.
    pub(crate) fn new(file: &'a dyn ReadFile, from: u64, read: usize, buffer: Vec<u8>) -> Self {
        Self {
            file,
            read,
            buffer,
            filled: 0,
            at: 0,
            start: from,
            is_all: false,
            unread: None,
            skip: UNREAD,
        }
    }

    /// Begins with the first line `id: ` that begins at `from` or after, and before `until`; `None`
    /// if there is none. What comes before it is no news.
    pub(crate) fn within(
        file: &'a dyn ReadFile,
        from: u64,
        until: u64,
        buffer: Vec<u8>,
    ) -> Result<Self, Vec<u8>> {
        // The line end before it belongs to it. No block begins a file.
        let mut walk = Self::new(file, from.max(1) - 1, PEEK, buffer);
        loop {
            walk.fill();
            walk.at = next_first(walk.bytes(), 1);
            let found = walk.at < walk.filled;
            if walk.at() >= until || !found && walk.is_all {
                return Err(walk.buffer);
            }
            if found {
                return Ok(walk);
            }
            // Its last bytes may be the beginning of such a line.
            walk.at = walk.filled.saturating_sub(FIRST.len());
            walk.read = (walk.read * 2).min(READ);
        }
    }

    /// Where the walk stands in the file.
    pub(crate) fn at(&self) -> u64 {
        self.start + self.at as u64
    }

    /// Gives back the buffer, for another walk.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// Gives `take` what is next, and returns what it makes of that; `None` at the end of the file.
    pub(crate) fn step<T>(&mut self, take: impl FnOnce(Step<'_>) -> T) -> Option<T> {
        loop {
            let (start, at) = (self.start, self.at);
            let mut scan = Scan::new(self.bytes(), at, self.is_all);
            let found = scan.step();
            let next = scan.at();
            match found {
                Some(Found::Block(at, block)) => {
                    let taken = take(Step::Block(start + at as u64, block));
                    self.at = next;
                    return Some(taken);
                }
                Some(Found::Bad(bad, fault)) => {
                    self.at = next;
                    let bad = start + bad.start as u64..start + bad.end as u64;
                    return Some(take(Step::Bad(bad, fault)));
                }
                Some(Found::More(_)) if at == 0 && self.filled >= WINDOW => {
                    return Some(self.large(take));
                }
                Some(Found::More(_)) => self.fill(),
                None if !self.is_all => self.fill(),
                None => {
                    let kind = self.unread.take()?;
                    let bad = self.skip();
                    return Some(take(Step::Bad(bad, Fault::Unread(kind))));
                }
            }
        }
    }

    /// Goes on after bytes that the disk can't read.
    fn skip(&mut self) -> Range<u64> {
        let from = self.start + self.filled as u64;
        // Of a file whose length nobody can tell, nothing more can be read.
        let end = self.file.len().unwrap_or(from).max(from);
        let to = ((from / UNREAD * UNREAD) + self.skip).min(end);
        self.skip = (self.skip * 2).min(MOST_UNREAD);
        (self.start, self.filled, self.at, self.is_all) = (to, 0, 0, to == end);
        from..to
    }

    /// Reads on, after the bytes that have not been walked through.
    fn fill(&mut self) {
        self.buffer.copy_within(self.at..self.filled, 0);
        self.start += self.at as u64;
        self.filled -= self.at;
        self.at = 0;
        let room = self.filled + self.read;
        if self.buffer.len() < room {
            let filled = std::mem::replace(&mut self.buffer, vec![0; room]);
            self.buffer[..self.filled].copy_from_slice(&filled[..self.filled]);
        }
        let from = self.start + self.filled as u64;
        match self.file.read_at(&mut self.buffer[self.filled..room], from) {
            Ok(len) => {
                self.filled += len;
                self.is_all = len == 0;
                if len > 0 {
                    self.skip = UNREAD;
                }
            }
            Err(error) => (self.is_all, self.unread) = (true, Some(error.kind())),
        }
    }

    /// Reads a block through that begins the buffer and is larger than that.
    fn large<T>(&mut self, take: impl FnOnce(Step<'_>) -> T) -> T {
        let begin = self.start;
        // It is cut, and so far a block: there is a head.
        let (id_line, head_len) = match Head::parse(self.bytes()) {
            Ok((_, id_line, head_len)) => (id_line, head_len),
            Err(fault) => return self.bad(begin, fault, take),
        };
        // With the first byte of the event, which shows that the head ends there.
        let head = self.bytes()[..=head_len].to_vec();
        let mut crc = Crc::new();
        let end = loop {
            let line = last_line(self.bytes());
            crc.add(&self.bytes()[..line.at]);
            self.at = line.at;
            if line.is_last {
                break self.at();
            }
            if self.at() - begin > LARGEST as u64 {
                return self.bad(begin, Fault::TooLarge, take);
            }
            if self.is_all {
                return self.bad(begin, Fault::Cut, take);
            }
            self.fill();
        };
        // The line of the sum, and the blank line.
        while self.filled - self.at < b"crc: 01234567\n\n".len() && !self.is_all {
            self.fill();
        }
        let last = &self.bytes()[self.at..];
        let computed = crc.sum();
        let expected = format!("crc: {computed:08x}\n\n");
        if !last.starts_with(expected.as_bytes()) {
            let written = last.get(5..13).and_then(|digits| str::from_utf8(digits).ok());
            let written = written.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            let fault = Fault::Crc { written: written.unwrap_or_default(), computed };
            return self.bad(begin, fault, take);
        }
        self.at += expected.len();
        let Ok((parsed, ..)) = Head::parse(&head) else {
            return self.bad(begin, Fault::Line(0), take);
        };
        take(Step::Large(Large {
            at: begin,
            head: parsed,
            id_line: &head[..id_line],
            event: begin + head_len as u64..end,
            len: self.at() - begin,
        }))
    }

    /// What began here is no block. Goes on with the next line that may be the first of one, of
    /// those that have not been read through as parts of it.
    fn bad<T>(&mut self, begin: u64, fault: Fault, take: impl FnOnce(Step<'_>) -> T) -> T {
        take(Step::Bad(begin..self.at(), fault))
    }
}

/// A place within the bytes of a large block.
struct Line {
    at: usize,
    /// Whether the block's event ends there.
    is_last: bool,
}

/// Finds the line that comes after the lines of data: the sum, or the first of another block. Where
/// neither is there, gives the place up to which that is certain.
fn last_line(bytes: &[u8]) -> Line {
    let mut at = 0;
    while let Some(found) = first_of([b'\n'], &bytes[at..]) {
        at += found;
        let line = &bytes[at + 1..];
        if line.starts_with(b"crc: ") || line.starts_with(FIRST) {
            return Line { at: at + 1, is_last: true };
        }
        if b"crc: ".starts_with(line) || FIRST.starts_with(line) {
            return Line { at, is_last: false };
        }
        at += 1;
    }
    Line { at: bytes.len(), is_last: false }
}

#[cfg(test)]
pub(super) mod tests;
