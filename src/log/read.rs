//! Reading one or several logs: where a stream begins in them, and what it is sent next.
//!
//! Resume is no path of its own: [`start`] sets the cursor and finds what the client has missed;
//! from there on [`read`] serves the stream like any other.
//!
//! Loss is found by counting. A cursor knows how many events of its channels it has `seen`; what
//! was pushed, less what was seen, less what can still be read, is what was missed. The client is
//! told in band, by a [gap event](super::gap).

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Deref;

use super::Log;
use super::batch::Batch;
use super::cursor::{Cursor, Epoch, Lag, Lagged, Start};
use super::gap::{Gap, Reason};
use crate::event::encode;

/// What a stream begins with, after its head.
#[derive(Debug)]
pub(crate) struct First {
    pub(crate) content: Cow<'static, [u8]>,
    pub(crate) is_event: bool,
}

impl First {
    /// For a stream that follows no channel yet.
    pub(crate) const NOTHING: Self =
        Self { content: Cow::Borrowed(encode::NOTHING), is_event: false };

    /// What sets its client's last event ID to where it begins: the gap event that it has to be
    /// told, or a block that is no event.
    pub(crate) fn at(
        logs: &[impl Deref<Target = Log>],
        epoch: &Epoch,
        cursor: Cursor,
        gap: Option<&Gap>,
    ) -> Self {
        let mut content = Vec::new();
        match gap {
            Some(gap) => content = gap.content(),
            None => encode::encode_id(&place(logs, epoch, cursor), &mut content),
        }
        Self { content: content.into(), is_event: gap.is_some() }
    }
}

/// The id of a place, for a client that has been sent every event up to it, or told that it is
/// lost. Usually that is the id of the event there. But one of the logs may have evicted events
/// that come after it: then the client has been told of these already, ahead of what the other logs
/// still have. In that case the id also says how much the client has `seen` of which logs, as
/// `<epoch>-<sequence>-<seen>-<logs>`, so that it is told of them only once.
fn place(logs: &[impl Deref<Target = Log>], epoch: &Epoch, cursor: Cursor) -> String {
    let id = epoch.id(cursor.sequence);
    match logs.iter().all(|log| log.evicted_through <= cursor.sequence) {
        true => id,
        false => format!("{id}-{}-{:x}", cursor.seen, mark_of(logs)),
    }
}

/// Tells these logs from others: each that has had events has a first one that no other has.
fn mark_of(logs: &[impl Deref<Target = Log>]) -> u32 {
    logs.iter()
        .fold(logs.len() as u32, |mark, log| mark.wrapping_mul(0x0100_0193) ^ log.first as u32)
}

/// An id, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    sequence: u64,
    /// How much was seen, and of which logs, if it says so.
    seen: Option<(u64, u32)>,
}

impl Place {
    /// Reads an id of this epoch as [`Epoch::id`] and [`place`] write it, and no other form.
    fn parse(text: &str, epoch: &Epoch) -> Option<Self> {
        let mut parts = epoch.strip(text)?.split('-');
        let sequence = parts.next()?.parse().ok()?;
        let mut again = epoch.id(sequence);
        let mut seen = None;
        if let Some(part) = parts.next() {
            let counted = (part.parse().ok()?, u32::from_str_radix(parts.next()?, 16).ok()?);
            again = format!("{again}-{}-{:x}", counted.0, counted.1);
            seen = Some(counted);
        }
        (again == text).then_some(Self { sequence, seen })
    }

    /// How many events came after it that it was not told of, and that are gone; `None` where that
    /// can't be known.
    fn missed(self, logs: &[impl Deref<Target = Log>]) -> Option<u64> {
        // A log without a first event bears no mark, and may replace one that had events since.
        let known = logs.iter().all(|log| log.first > 0 || log.evicted_through <= self.sequence);
        let seen = self.seen.filter(|(_, mark)| known && *mark == mark_of(logs)).map(|of| of.0);
        seen.and_then(|seen| reached(logs, self.sequence).checked_sub(seen))
            .or_else(|| logs.iter().map(|log| log.evicted_after(self.sequence)).sum())
    }
}

/// How many events of the logs are no longer ahead of a stream that stands here.
fn reached(logs: &[impl Deref<Target = Log>], sequence: u64) -> u64 {
    let pushed: u64 = logs.iter().map(|log| log.pushed).sum();
    let ahead: usize = logs.iter().map(|log| log.len() - log.after(sequence)).sum();
    pushed - ahead as u64
}

/// Fills the batch with what comes after the cursor. Where events have left the log unread, a gap
/// event comes first.
pub(crate) fn read(
    logs: &[impl Deref<Target = Log>],
    epoch: &Epoch,
    cursor: Cursor,
    lag: Lag,
    plain: bool,
    batch: &mut Batch,
) -> Result<(), Lagged> {
    batch.begin(cursor, plain);
    let missed = reached(logs, cursor.sequence) - cursor.seen;
    if missed > 0 {
        if lag == Lag::Close {
            return Err(Lagged);
        }
        batch.push_gap(&gap_after(logs, epoch, cursor.sequence, Some(missed), Reason::Lagged));
    }
    match logs {
        [log] => {
            let mut at = log.after(cursor.sequence);
            while log.event_at(at).is_some_and(|event| batch.push(&event)) {
                at += 1;
            }
        }
        _ => merge(logs, cursor.sequence, batch),
    }
    Ok(())
}

/// Adds what comes after `sequence` in several logs, in the order of the sequence.
fn merge(logs: &[impl Deref<Target = Log>], sequence: u64, batch: &mut Batch) {
    let mut heads: Vec<usize> = logs.iter().map(|log| log.after(sequence)).collect();
    loop {
        let next = logs
            .iter()
            .zip(&mut heads)
            .filter_map(|(log, head)| Some((log.sequence_at(*head)?, log, head)))
            .min_by_key(|(sequence, ..)| *sequence);
        let Some((_, log, head)) = next else { return };
        if !log.event_at(*head).is_some_and(|event| batch.push(&event)) {
            return;
        }
        *head += 1;
    }
}

/// Finds where a stream begins, and what it has to be told where what it asks for is gone.
/// `newest` is the hub's newest sequence number.
pub(crate) fn start(
    logs: &[impl Deref<Target = Log>],
    epoch: &Epoch,
    newest: u64,
    start: Start<'_>,
) -> (Cursor, Option<Gap>) {
    let at = |sequence| Some(Place { sequence, seen: None });
    let place = match start {
        Start::Live => at(newest),
        Start::Newest(count) => at(before_the_newest(logs, newest, count)),
        Start::After(id) => Place::parse(id, epoch).filter(|place| place.sequence <= newest),
    };
    let sequence = place.map_or(0, |place| place.sequence);
    let missed = place.and_then(|place| place.missed(logs));
    let told = match start {
        // An id from before this hub's start, or none of ours at all.
        Start::After(id) if place.is_none() => {
            Some(Gap { from: id.into(), ..gap_after(logs, epoch, 0, None, Reason::Restarted) })
        }
        _ if missed == Some(0) => None,
        _ => Some(gap_after(logs, epoch, sequence, missed, Reason::Evicted)),
    };
    // Whoever is told of a gap goes on after it.
    let begin = || Cursor { sequence, seen: reached(logs, sequence) };
    (told.as_ref().map_or_else(begin, |gap| gap.resume), told)
}

/// Describes what is gone after `sequence`.
fn gap_after(
    logs: &[impl Deref<Target = Log>],
    epoch: &Epoch,
    sequence: u64,
    missed: Option<u64>,
    reason: Reason,
) -> Gap {
    let to = logs.iter().map(|log| log.evicted_through).max().unwrap_or(0).max(sequence);
    // What another of the channels still has from before `to` comes after the gap event, so a
    // client that has read no further than this must resume before it.
    let next = logs.iter().filter_map(|log| log.sequence_at(log.after(sequence)));
    let resume = next.min().map_or(to, |next| to.min(next - 1));
    let resume = Cursor { sequence: resume, seen: reached(logs, resume) };
    let id = place(logs, epoch, resume);
    Gap { id, from: epoch.id(sequence), to: epoch.id(to), resume, missed, reason }
}

/// The sequence number after which the newest `count` events of all logs come.
fn before_the_newest(logs: &[impl Deref<Target = Log>], newest: u64, count: usize) -> u64 {
    let newest_of = |log: &Log| log.len().saturating_sub(count)..log.len();
    // The oldest is on top. A heap is far less code than a sort.
    let mut sequences = BinaryHeap::new();
    for log in logs {
        for sequence in newest_of(log).filter_map(|at| log.sequence_at(at)) {
            sequences.push(Reverse(sequence));
            if sequences.len() > count {
                sequences.pop();
            }
        }
    }
    sequences.peek().map_or(newest, |Reverse(sequence)| sequence - 1)
}

#[cfg(test)]
mod tests;
