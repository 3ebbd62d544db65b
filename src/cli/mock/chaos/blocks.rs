//! Blocks: the lines of a stream up to each blank line, and what a client learns from them.

use std::collections::HashSet;
use std::mem;
use std::str;
use std::time::Duration;

use crate::cli::cassette::BYTE_ORDER_MARK;
use crate::cli::lines::{field, lines};
use crate::cli::mock::step::Step;

/// The bytes and waits between two directives.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    pub(super) bytes: Vec<u8>,
    /// How long the mock waits, and after how many bytes.
    pub(super) waits: Vec<(usize, Duration)>,
}

/// The lines up to and with a blank one, which only the last block of a stretch may lack.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) lines: Vec<Line>,
}

#[derive(Debug)]
pub(super) struct Line {
    /// How long the mock waits before it; a wait within a line moves there.
    pub(super) wait: Duration,
    pub(super) content: Vec<u8>,
    pub(super) has_end: bool,
}

impl Stretch {
    /// The lines, block by block, without a byte order mark at the start of a connection. A wait
    /// after all lines is a line without anything.
    pub(super) fn blocks(self, may_have_mark: bool) -> Vec<Block> {
        let mark = if may_have_mark { BYTE_ORDER_MARK } else { &[] };
        let stream = self.bytes.strip_prefix(mark).unwrap_or(&self.bytes);
        let mut after = self.bytes.len() - stream.len();
        let mut waits = self.waits.into_iter().peekable();
        let mut wait_until = |after| {
            let mut total = Duration::ZERO;
            while let Some((_, time)) = waits.next_if(|(at, _)| *at < after) {
                total += time;
            }
            total
        };
        let (mut blocks, mut block) = (Vec::new(), Block::default());
        for line in lines(stream) {
            after += line.content.len() + line.end.len();
            let (wait, has_end) = (wait_until(after), !line.end.is_empty());
            block.lines.push(Line { wait, content: line.content.to_vec(), has_end });
            if line.content.is_empty() {
                blocks.push(mem::take(&mut block));
            }
        }
        let wait = wait_until(usize::MAX);
        if !wait.is_zero() {
            block.lines.push(Line { wait, content: Vec::new(), has_end: false });
        }
        if !block.lines.is_empty() {
            blocks.push(block);
        }
        blocks
    }
}

impl Block {
    pub(super) fn is_complete(&self) -> bool {
        self.lines.last().is_some_and(|line| line.content.is_empty() && line.has_end)
    }

    /// Whether a client dispatches it.
    pub(super) fn is_event(&self) -> bool {
        self.is_complete() && self.fields().any(|(name, _)| name == b"data")
    }

    pub(super) fn id(&self) -> Option<&[u8]> {
        let ids = self.fields().filter(|(name, id)| *name == b"id" && !id.contains(&0));
        ids.last().map(|(_, id)| id).filter(|_| self.is_complete())
    }

    fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines.iter().map(|line| field(&line.content))
    }
}

/// Whether a client can send this id in a field line, and it arrives as it was. A client sends no
/// empty id.
pub(super) fn can_come_back(id: &[u8]) -> bool {
    let is_text = str::from_utf8(id).is_ok_and(|id| !id.contains(char::is_control));
    is_text && id.trim_ascii().len() == id.len()
}

/// The id with which a client comes into later rounds of an endless repeat, if a round sets one.
/// The first round begins with another, or none.
pub(super) fn id_of_later_rounds(steps: &[Step]) -> Option<Vec<u8>> {
    let start = steps.iter().position(|step| *step == Step::Forever)?;
    let blocks = blocks_of(&steps[start..]);
    blocks.iter().rev().find_map(|block| block.id().map(<[u8]>::to_vec))
}

/// Whether every event has an id of its own that can come back, so that a client can tell exactly
/// what it has received, whatever it has lost.
pub(super) fn ids_are_good(steps: &[Step]) -> bool {
    let mut seen = HashSet::new();
    !steps.contains(&Step::Forever)
        && blocks_of(steps).iter().all(|block| {
            let id = block.id().filter(|id| !id.is_empty() && can_come_back(id));
            let is_good = id.is_some_and(|id| seen.insert(id.to_vec()));
            is_good || !block.is_event()
        })
}

fn blocks_of(steps: &[Step]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut stretch = Stretch::default();
    for step in steps {
        match step {
            Step::Bytes(bytes) => stretch.bytes.extend_from_slice(bytes),
            Step::Head(_) | Step::End(_) => blocks.extend(mem::take(&mut stretch).blocks(true)),
            _ => {}
        }
    }
    blocks.extend(stretch.blocks(true));
    blocks
}
