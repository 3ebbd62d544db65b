//! Finding a place in a segment, which has no index: by binary search over its bytes.
//!
//! ```text
//! header │ 1 2 3 4 … bad … 70 71 … 98 99
//!                     ▲
//!                     the first whole block from here on says where to go on
//! ```
//!
//! Only a block whose sum is right, and whose id lies between those that were found so far, is
//! believed; so bytes that are bad, or that somebody added, can't mislead. Each step makes the
//! range smaller, so it ends whatever the bytes are.

use std::ops::ControlFlow;

use super::block::Id;
use super::disk::ReadFile;
use super::walk::{PEEK, Step, Walk};

/// A range that is so small is read through.
const NEAR: u64 = 16 * 1024;

/// How many bytes whoever looks for the last event of a segment looks through from its end. One
/// that is larger is found by reading from the beginning.
pub(crate) const LAST: u64 = 4 * 1024 * 1024;

/// How far each step looks for a block, but for the rest of one that is large.
const PROBE: u64 = 1024 * 1024;

/// The name of the segment whose first event has this id.
pub(crate) fn file_name(first: Id) -> String {
    format!("{first}{SUFFIX}")
}

/// The id of the first event, from the name of a segment; `None` if it is none's.
pub(crate) fn first_id(name: &str) -> Option<Id> {
    Id::parse(name.strip_suffix(SUFFIX)?)
}

const SUFFIX: &str = ".sse";

/// Where a segment of so many bytes has to be read on from, to come to all events after this id and
/// few others before. Where bytes are bad, and where events are large, there may be many.
pub(crate) fn find(file: &dyn ReadFile, len: u64, after: Id) -> u64 {
    let (mut low, mut high) = (0, len);
    let (mut lowest, mut highest) = (None, None);
    let mut buffer = Vec::new();
    while high.saturating_sub(low) > NEAR {
        let middle = low + (high - low) / 2;
        let until = high.min(middle + PROBE);
        let mut walk = match Walk::within(file, middle, until, buffer) {
            Ok(walk) => walk,
            Err(spare) => {
                (buffer, high) = (spare, middle);
                continue;
            }
        };
        let mut found = None;
        let mut is_over = false;
        while found.is_none() && !is_over {
            let stepped = walk.step(|step| {
                let Some((at, id)) = step.block() else {
                    return matches!(step, Step::Bad(bad, _) if bad.end < until);
                };
                let is_between = id.epoch == after.epoch
                    && lowest.is_none_or(|lowest| lowest < id)
                    && highest.is_none_or(|highest| id < highest);
                if at < until && is_between {
                    found = Some(id);
                }
                at < until
            });
            is_over = stepped != Some(true);
        }
        match found {
            Some(id) if id <= after => (low, lowest) = (walk.at(), Some(id)),
            Some(id) => (high, highest) = (middle, Some(id)),
            None => high = middle,
        }
        buffer = walk.into_buffer();
    }
    match lowest {
        Some(lowest) if !goes_on(file, low, lowest, buffer) => 0,
        _ => low,
    }
}

/// Whether the event after this one stands here, or nothing: else something is damaged or foreign
/// hereabouts, and the segment has to be read through.
fn goes_on(file: &dyn ReadFile, at: u64, id: Id, buffer: Vec<u8>) -> bool {
    let next = Id { sequence: id.sequence + 1, ..id };
    let step = Walk::new(file, at, PEEK, buffer).step(|step| match step {
        Step::Block(_, block) => block.head.id == next,
        Step::Large(large) => large.head.id == next,
        Step::Bad(..) => false,
    });
    step.unwrap_or(true)
}

/// The id of the last whole block of a segment.
pub(crate) fn last_id(file: &dyn ReadFile, len: u64, epoch: u64) -> Option<Id> {
    let mut last = None;
    let _ = backwards(file, len, len, |_, id, _| {
        if id.epoch == epoch {
            last = Some(id);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    last
}

/// Visits the blocks of a segment from its end, the last first, as far as they begin within the
/// last `most` bytes: where one begins, its id, and its channel.
pub(crate) fn backwards(
    file: &dyn ReadFile,
    len: u64,
    most: u64,
    mut visit: impl FnMut(u64, Id, &str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let least = len.saturating_sub(most);
    let (mut end, mut size) = (len, PEEK as u64);
    let mut buffer = Vec::new();
    while end > least {
        let begin = end.saturating_sub(size).max(least);
        let mut blocks: Vec<(u64, Id, Box<str>)> = Vec::new();
        match Walk::within(file, begin, end, buffer) {
            Ok(mut walk) => {
                let mut note = |at: u64, id: Id, channel: &str| {
                    let is_before = at < end;
                    if is_before {
                        blocks.push((at, id, channel.into()));
                    }
                    is_before
                };
                while walk.step(|step| match step {
                    Step::Block(at, block) => note(at, block.head.id, block.head.channel),
                    Step::Large(large) => note(large.at, large.head.id, large.head.channel),
                    Step::Bad(bad, _) => bad.end < end,
                }) == Some(true)
                {}
                buffer = walk.into_buffer();
            }
            Err(spare) => buffer = spare,
        }
        for (at, id, channel) in blocks.iter().rev() {
            visit(*at, *id, channel)?;
        }
        // What begins before the first of them is still to come; where none was found, that is all.
        end = blocks.first().map_or(begin, |(at, ..)| *at);
        size = (size * 2).min(256 * 1024);
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests;
