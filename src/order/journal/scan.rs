//! Walking from block to block through bytes of a segment, which may begin and end anywhere.
//!
//! Whatever is no block is skipped up to the next line that begins with `id: `, and told as bad.
//! The walk asks for more bytes where a block may go on after the last. It ends at the end of the
//! bytes and never turns back, whatever they are.

use std::ops::Range;

use super::block::{Block, FIRST, Fault};
use crate::search::first_of;

/// The first line of a segment: a comment, with the number of the format.
pub(crate) const HEADER: &[u8] = b": tidings journal 1\n";

/// What every format begins with.
const ANY_HEADER: &[u8] = b": tidings journal ";

/// Why a file is no segment that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadHeader {
    /// It has another number, as a later version of tidings may write it.
    Format(String),
    /// It doesn't begin as a segment, and is no beginning of one.
    Foreign,
}

/// Checks what a segment begins with. Returns where its blocks begin; zero if the bytes end within
/// the first line, as those of a file do whose making was interrupted.
pub(crate) fn check_header(bytes: &[u8]) -> Result<usize, BadHeader> {
    if bytes.starts_with(HEADER) {
        return Ok(HEADER.len());
    }
    if HEADER.starts_with(bytes) {
        return Ok(0);
    }
    let other = bytes.strip_prefix(ANY_HEADER).ok_or(BadHeader::Foreign)?;
    let digits = other.iter().take(20).take_while(|byte| byte.is_ascii_digit());
    Err(BadHeader::Format(digits.map(|byte| char::from(*byte)).collect()))
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
