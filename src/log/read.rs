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
use super::cursor::{Cursor, Evicted, OnLag, Start};
use super::gap::{Gap, Reason};
use super::id::{self, Found, Id, Ids};
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
        ids: &impl Ids,
        start: Start<'_>,
        cursor: Cursor,
        gap: Option<&Gap>,
    ) -> Self {
        let id = || match start {
            // It is among those that are lost here: another hub had them. Whoever has them already
            // doesn't go back.
            Start::After(text) if split(text).is_some_and(|(id, _)| ids.id(cursor.place) < id) => {
                Self::id(text)
            }
            _ => Self::id(&id_at(logs, ids, cursor)),
        };
        gap.map_or_else(id, Self::gap)
    }

    pub(crate) fn gap(gap: &Gap) -> Self {
        Self { content: gap.content().into(), is_event: true }
    }

    /// A block that is no event.
    pub(crate) fn id(id: &str) -> Self {
        let mut content = Vec::new();
        encode::encode_id(id, &mut content);
        Self { content: content.into(), is_event: false }
    }
}

/// The id of a place, for a client that has been sent every event up to it, or told that it is
/// lost. Usually that is the id of the event there. But one of the logs may have evicted events
/// that come after it: then the client has been told of these already, ahead of what the other logs
/// still have. In that case the id also says how much the client has `seen` of which logs, as
/// `<epoch>-<sequence>-<seen>-<logs>`, so that it is told of them only once.
fn id_at(logs: &[impl Deref<Target = Log>], ids: &impl Ids, cursor: Cursor) -> String {
    let id = ids.id(cursor.place).text().into_string();
    match logs.iter().all(|log| log.evicted_through <= cursor.place) {
        true => id,
        false => format!("{id}-{}-{}", cursor.seen, mark_of(logs)),
    }
}

/// Tells these logs from others: each that has had events has a first one that no other has, but
/// for those of views, which have a number of their own.
fn mark_of(logs: &[impl Deref<Target = Log>]) -> u64 {
    let first = |log: &Log| log.first as u32 ^ log.salt;
    let mark = |mark: u32, log: &Log| mark.wrapping_mul(0x0100_0193) ^ first(log);
    logs.iter().fold(logs.len() as u32, |so_far, log| mark(so_far, log)).into()
}

/// Where a stream is asked to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Begin {
    place: u64,
    /// How much was seen, and of which logs, if the id says so.
    seen: Option<(u64, u64)>,
    /// Why the client has to be told that something may be gone, if it is nowhere among the hub's.
    unsure: Option<(Id, Reason)>,
}

impl Begin {
    /// Reads an id as [`id_at`] writes it, and no other form.
    fn parse(text: &str, ids: &impl Ids) -> Option<Self> {
        let (id, rest) = split(text)?;
        let (place, unsure) = match ids.find(id) {
            Found::At(place) => (place, None),
            Found::After(place, reason) => (place, Some((id, reason))),
            Found::Ahead | Found::Unknown => return None,
        };
        let mut seen = None;
        if let Some(rest) = rest.strip_prefix('-') {
            let (count, mark) = rest.split_once('-')?;
            seen = Some((id::number(count)?, id::number(mark)?));
        }
        Some(Self { place, seen, unsure })
    }

    /// How many events came after it that it was not told of, and that are gone; `None` where that
    /// can't be known.
    fn missed(self, logs: &[impl Deref<Target = Log>]) -> Option<u64> {
        // A log without a first event bears no mark, and may replace one that had events since.
        let known = logs.iter().all(|log| log.first > 0 || log.evicted_through <= self.place);
        let seen = self.seen.filter(|(_, mark)| known && *mark == mark_of(logs)).map(|of| of.0);
        seen.and_then(|seen| reached(logs, self.place).checked_sub(seen))
            .or_else(|| logs.iter().map(|log| log.evicted_after(self.place)).sum())
    }
}

/// The id that a longer one begins with, and the rest.
pub(crate) fn split(text: &str) -> Option<(Id, &str)> {
    let longer = text.match_indices('-').nth(1).map(|(at, _)| at);
    let (id, rest) = text.split_at(longer.unwrap_or(text.len()));
    Some((Id::parse(id)?, rest))
}

/// How many events of the logs are no longer ahead of a stream that stands here.
fn reached(logs: &[impl Deref<Target = Log>], place: u64) -> u64 {
    let pushed: u64 = logs.iter().map(|log| log.pushed).sum();
    let ahead: usize = logs.iter().map(|log| log.len() - log.after(place)).sum();
    pushed - ahead as u64
}

/// Fills the batch with what comes after the cursor. Where events have left the log unread, a gap
/// event comes first.
pub(crate) fn read(
    logs: &[impl Deref<Target = Log>],
    ids: &impl Ids,
    cursor: Cursor,
    on_lag: OnLag,
    plain: bool,
    batch: &mut Batch,
) -> Result<(), Evicted> {
    batch.begin(cursor, plain);
    let reached = reached(logs, cursor.place);
    if matches!(on_lag, OnLag::Past | OnLag::Conflate) {
        // Nobody has to count: a stream may come from the past, which knows what there was, or is
        // told nothing.
        if logs.iter().any(|log| log.evicted_through > cursor.place) {
            let is_past = on_lag == OnLag::Past;
            return Err(if is_past { Evicted::Past } else { Evicted::Lagged });
        }
        batch.cursor.seen = reached;
    } else if reached > cursor.seen {
        if on_lag == OnLag::Close {
            return Err(Evicted::Lagged);
        }
        let missed = reached - cursor.seen;
        batch.push_gap(&gap_after(logs, ids, cursor.place, Some(missed), Reason::Lagged));
    }
    match logs {
        [log] => {
            // As many are ahead of it as were pushed and not reached.
            let mut at = log.len() - (log.pushed - reached) as usize;
            while log.event_at(at).is_some_and(|event| batch.push(&event)) {
                at += 1;
            }
        }
        _ => merge(logs, cursor.place, batch),
    }
    Ok(())
}

/// Adds what comes after `place` in several logs, in their order.
fn merge(logs: &[impl Deref<Target = Log>], place: u64, batch: &mut Batch) {
    let mut heads: Vec<usize> = logs.iter().map(|log| log.after(place)).collect();
    loop {
        let next = logs
            .iter()
            .zip(&mut heads)
            .filter_map(|(log, head)| Some((log.place_at(*head)?, log, head)))
            .min_by_key(|(place, ..)| *place);
        let Some((place, log, head)) = next else { return };
        if !log.event_at(*head).is_some_and(|event| batch.push(&event)) {
            return;
        }
        *head += 1;
        // What is told to all channels is in each of their logs.
        for (log, head) in logs.iter().zip(&mut heads) {
            if log.place_at(*head) == Some(place) {
                *head += 1;
                batch.see_another();
            }
        }
    }
}

/// Finds where a stream begins, and what it has to be told where what it asks for is gone: nothing,
/// if it `conflates`. `newest` is the hub's newest place.
pub(crate) fn start(
    logs: &[impl Deref<Target = Log>],
    ids: &impl Ids,
    newest: u64,
    start: Start<'_>,
    conflates: bool,
) -> (Cursor, Option<Gap>) {
    let at = |place| Some(Begin { place, seen: None, unsure: None });
    let begin = match start {
        // Those of each come before that.
        Start::Live | Start::NewestOfEach(_) => at(newest),
        Start::Newest(count) => at(before_the_newest(logs, newest, count)),
        Start::After(id) => Begin::parse(id, ids).filter(|begin| begin.place <= newest),
    };
    if conflates {
        // What is nowhere among the hub's may be of a present that is no more.
        let place = begin.filter(|begin| begin.unsure.is_none()).map_or(0, |begin| begin.place);
        return (Cursor { place, seen: reached(logs, place) }, None);
    }
    let place = begin.map_or(0, |begin| begin.place);
    let missed = begin.and_then(|begin| begin.missed(logs));
    let told = match (start, begin.and_then(|begin| begin.unsure)) {
        (Start::After(text), Some((id, reason))) => {
            let gap = gap_after(logs, ids, place, None, reason);
            Some(Gap { from: text.into(), ..gap }.after(id, ids))
        }
        // An id from before this hub's start, or none of ours at all.
        (Start::After(id), _) if begin.is_none() => {
            Some(Gap { from: id.into(), ..gap_after(logs, ids, 0, None, Reason::Restarted) })
        }
        _ if missed == Some(0) => None,
        _ => Some(gap_after(logs, ids, place, missed, Reason::Evicted)),
    };
    // Whoever is told of a gap goes on after it.
    let untold = || Cursor { place, seen: reached(logs, place) };
    (told.as_ref().map_or_else(untold, |gap| gap.resume), told)
}

impl Gap {
    /// The same for a client that has been sent everything up to this id: it doesn't go back.
    fn after(mut self, id: Id, ids: &impl Ids) -> Self {
        if ids.id(self.resume.place) < id {
            self.id = id.to_string();
        }
        if Id::parse(&self.to).is_none_or(|to| to < id) {
            self.to = id.to_string();
        }
        self
    }
}

/// What a client is told whose last event ID is none that its hub's past has everything after,
/// where that past begins at the place of this cursor.
pub(crate) fn gap_before(ids: &impl Ids, from: &str, begin: Cursor, reason: Reason) -> Gap {
    let to = ids.id(begin.place).to_string();
    let (id, from) = (to.clone(), from.into());
    Gap { id, from, to, resume: begin, missed: None, reason }
}

/// Describes what is gone after `place`.
fn gap_after(
    logs: &[impl Deref<Target = Log>],
    ids: &impl Ids,
    place: u64,
    missed: Option<u64>,
    reason: Reason,
) -> Gap {
    let to = logs.iter().map(|log| log.evicted_through).max().unwrap_or(0).max(place);
    // What another of the channels still has from before `to` comes after the gap event, so a
    // client that has read no further than this must resume before it.
    let next = logs.iter().filter_map(|log| log.place_at(log.after(place)));
    let resume = next.min().map_or(to, |next| to.min(next - 1));
    let resume = Cursor { place: resume, seen: reached(logs, resume) };
    let id = id_at(logs, ids, resume);
    let text = |place| ids.id(place).text().into_string();
    Gap { id, from: text(place), to: text(to), resume, missed, reason }
}

/// The place after which the newest `count` events of all logs come.
fn before_the_newest(logs: &[impl Deref<Target = Log>], newest: u64, count: usize) -> u64 {
    let newest_of = |log: &Log| log.len().saturating_sub(count)..log.len();
    // The oldest is on top. A heap is far less code than a sort.
    let mut places = BinaryHeap::new();
    for log in logs {
        for place in newest_of(log).filter_map(|at| log.place_at(at)) {
            places.push(Reverse(place));
            if places.len() > count {
                places.pop();
            }
        }
    }
    places.peek().map_or(newest, |Reverse(place)| place - 1)
}

/// Where a stream begins that is to be sent the newest `count` events, as far as the logs have
/// them; how many more it wants; and up to where those come that may have left the logs.
pub(crate) fn before_newest_kept(
    logs: &[impl Deref<Target = Log>],
    newest: u64,
    count: usize,
) -> (u64, usize, u64) {
    let gone = logs.iter().map(|log| log.evicted_through).max().unwrap_or(0);
    let place = before_the_newest(logs, newest, count).max(gone);
    let kept = logs.iter().map(|log| log.len() - log.after(place)).sum::<usize>();
    (place, count.saturating_sub(kept), gone)
}

#[cfg(test)]
mod tests;
