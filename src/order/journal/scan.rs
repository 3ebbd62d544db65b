//! Walking from block to block through bytes of a segment, which may begin and end anywhere.
//!
//! Whatever is no block is skipped up to the next line that begins with `id: `, and told as bad.
//! The walk asks for more bytes where a block may go on after the last. It ends at the end of the
//! bytes and never turns back, whatever they are.

use std::io;
use std::ops::Range;

use super::block::{Block, FIRST, Fault, Id};
use super::disk::{ReadFile, read_begin};
use crate::search::first_of;

/// What every format begins with.
pub(crate) const ANY_FORMAT: &[u8] = b": tidings journal ";

/// The first line of a segment: a comment, with the number of the format, and the newest id before
/// the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The id of the newest event before the first one of the segment, or `0-0`: there was none.
    /// Where the line doesn't say, it may be anything up to this, the id before the first.
    pub(crate) after: Id,
    /// How many bytes the line has. A damaged one counts as none: it is bad, like all that is no
    /// block.
    pub(crate) len: u64,
}

/// The number of another format, as a later version of tidings may write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtherFormat(pub(crate) String);

impl Header {
    /// More than the line of any format has up to its number, and than that of this one.
    const LONGEST: usize = 80;

    pub(crate) fn new(after: Id) -> Self {
        Self { after, len: Self::line(after).len() as u64 }
    }

    pub(crate) fn line(after: Id) -> String {
        format!(": tidings journal 1, after {after}\n")
    }

    /// Reads the first line of the segment whose first event has this id.
    pub(crate) fn read(file: &dyn ReadFile, first: Id) -> io::Result<Result<Self, OtherFormat>> {
        let mut bytes = [0; Self::LONGEST];
        let have = read_begin(file, &mut bytes)?;
        Ok(Self::parse(&bytes[..have], first))
    }

    /// Reads the line that these bytes begin with, in a segment whose first event has this id.
    pub(crate) fn parse(bytes: &[u8], first: Id) -> Result<Self, OtherFormat> {
        let before = Id { sequence: first.sequence.saturating_sub(1), ..first };
        let damaged = Ok(Self { after: before, len: 0 });
        let end = first_of([b'\n'], bytes).unwrap_or(bytes.len());
        let Some(line) = bytes[..end].strip_prefix(ANY_FORMAT) else { return damaged };
        let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = line.split_at(digits);
        let is_whole = digits > 0 && rest.first().map_or(end < bytes.len(), |byte| *byte == b',');
        if is_whole && number != b"1" {
            return Err(OtherFormat(String::from_utf8_lossy(number).into_owned()));
        }
        let text = rest.strip_prefix(b", after ").and_then(|id| str::from_utf8(id).ok());
        let text = text.filter(|_| is_whole && end < bytes.len());
        let Some(after) = text.and_then(Id::parse) else { return damaged };
        // Within an epoch there is no hole, and else it is of an earlier one.
        let after = if before.sequence > 0 { before } else { after.min(before) };
        Ok(Self { after, len: end as u64 + 1 })
    }
}

/// The walk. All places are counted from the first of the bytes.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether nothing comes after these bytes.
    is_all: bool,
}

/// What is found next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// A block, which begins here.
    Block(usize, Block<'a>),
    /// Bytes that are none. What comes after them may be bad as well.
    Bad(Range<usize>, Fault),
    /// What begins here needs more bytes than there are. Only where these are not all.
    More(usize),
}

impl<'a> Scan<'a> {
    /// Begins at `at`, where a block should begin.
    pub(crate) fn new(bytes: &'a [u8], at: usize, is_all: bool) -> Self {
        Self { bytes, at, is_all }
    }

    /// Begins with the first block that begins at `at` or after, wherever that is: it is not
    /// expected to be a place between two.
    pub(crate) fn within(bytes: &'a [u8], at: usize, is_all: bool) -> Self {
        let at = if is_first(bytes, at) { at } else { next_first(bytes, at) };
        Self { bytes, at, is_all }
    }

    /// Where the walk stands.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The next block, or what stands in its place; `None` at the end of the bytes.
    pub(crate) fn step(&mut self) -> Option<Found<'a>> {
        let start = self.at;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let fault = match Block::parse(rest) {
            Ok(block) => {
                self.at += block.len;
                return Some(Found::Block(start, block));
            }
            Err(Fault::Cut) if !self.is_all => return Some(Found::More(start)),
            Err(fault) => fault,
        };
        let end = match (next_first(self.bytes, start + 1), self.is_all) {
            (at, false) if at == self.bytes.len() => at - undecided(self.bytes),
            (at, _) => at,
        };
        if end <= start {
            return Some(Found::More(start));
        }
        self.at = end;
        Some(Found::Bad(start..end, fault))
    }
}

/// How many of the last bytes have to be kept with those that come after them: all that may be the
/// beginning of a line `id: `; and where there are none, enough to see that what comes after them
/// is in the middle of a line.
fn undecided(bytes: &[u8]) -> usize {
    let begun = (1..BREAK.len()).rev().find(|len| bytes.ends_with(&BREAK[..*len]));
    begun.unwrap_or(if bytes.ends_with(&FIRST[..1]) { 2 } else { 1 })
}

/// Whether a line that begins with `id: ` begins here.
fn is_first(bytes: &[u8], at: usize) -> bool {
    let is_line = at == 0 || bytes.get(at - 1) == Some(&b'\n');
    is_line && bytes.get(at..).is_some_and(|rest| rest.starts_with(FIRST))
}

/// What the first line of a block begins with, and the line end before it.
const BREAK: &[u8] = b"\nid: ";

/// Where the first line begins, at or after `from`, that begins with `id: ` and that a line end
/// comes before; the end of the bytes if there is none.
pub(crate) fn next_first(bytes: &[u8], from: usize) -> usize {
    let mut at = from.saturating_sub(1);
    while let Some(found) = bytes.get(at..).and_then(|rest| first_of([b'\n'], rest)) {
        at += found;
        if bytes[at..].starts_with(BREAK) {
            return at + 1;
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests;
