//! Chaos: a stream as badly as it may be sent, the same for the same seed.
//!
//! ```text
//! data: größe LF LF        ─►   :data: not an event CR | data:gr\xc3 | \xb6ße CR LF | CR | (reset)
//! ```
//!
//! All of this is within the standard, and a correct client sees the same events in the end:
//!
//! - borders of chunks anywhere, also in a character and between CR and LF; some chunks come late,
//!   and some in two parts (the [`link`](super::link) does that);
//! - line ends of all three kinds, byte order marks, other spellings of the content type;
//! - comments, blank lines, and fields that mean nothing; fields without the space after the colon;
//!   ids that are given twice, of which the second counts; blocks without data;
//! - connections that end, cleanly or not, also in the middle of a block or after a silence, but
//!   only where the mock can send a client that comes back exactly what it lacks. A reset may
//!   destroy what the client had not read yet, so there is one only where the client's id will
//!   tell;
//! - once at most, a connection that does not end but stays silent until the client leaves it;
//! - at the very end, unless the script has no end, a response that tells a client for good not to
//!   come back: a 204, or another status or content type, under which nothing is an event.

mod blocks;
mod noise;

use std::mem;
use std::time::Duration;

use tidings::Status;

use self::blocks::{Block, Stretch};
use super::step::{Ending, Head, Step};
use crate::cli::cassette::BYTE_ORDER_MARK;
use crate::cli::seeded::Random;

/// Once in so many blocks a connection ends before it.
const FAULTS: usize = 6;
/// Once in so many borders a chunk comes late.
const LATE: usize = 4;
/// Once in so many ends of a connection it does not end, but stays silent.
const STALLS: usize = 8;
/// The latest, in milliseconds; longer would only make a run long.
const LATEST: usize = 40;
/// The longest silence before a connection ends, in milliseconds.
const LONGEST_SILENCE: usize = 1_000;

/// A reset may destroy what the client's system has received and the client has not read, the head
/// included. So the client is given time.
const BEFORE_RESET: Duration = Duration::from_millis(50);

/// Disturbs a script that has not been marked yet. Only if a client comes back for the stream may
/// connections end that the script does not end.
pub(super) fn disturb(steps: Vec<Step>, seed: u64, may_end: bool) -> Vec<Step> {
    let mut chaos = Chaos::new(seed, &steps, may_end);
    let mut stretch = Stretch::default();
    for step in steps {
        match step {
            Step::Bytes(bytes) => stretch.bytes.extend(bytes),
            Step::Wait(time) => stretch.waits.push((stretch.bytes.len(), time)),
            // The seed decides where chunks end.
            Step::Flush | Step::Block(_) | Step::Retry(_) => {}
            step => {
                chaos.take_stretch(mem::take(&mut stretch));
                chaos.take_directive(step);
            }
        }
    }
    chaos.take_stretch(stretch);
    chaos.finish()
}

/// How a connection begins, before the first byte of the script. It is no step, as a connection may
/// begin anywhere in the script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) content_type: &'static str,
    pub(super) has_mark: bool,
}

impl Opening {
    /// The opening of every connection without chaos.
    pub(super) const PLAIN: Self = Self { content_type: "text/event-stream", has_mark: false };

    /// The opening of one connection, numbered from 1.
    pub(super) fn of(seed: Option<u64>, connection: u64) -> Self {
        let Some(seed) = seed else { return Self::PLAIN };
        let mut random = Random::new(seed ^ connection.rotate_right(16));
        let content_type = random.pick(&[
            "text/event-stream",
            "text/event-stream;charset=utf-8",
            "Text/Event-Stream; charset=UTF-8",
            "text/event-stream; charset=\"utf-8\"",
        ]);
        Self { content_type, has_mark: random.one_in(2) }
    }
}

struct Chaos {
    random: Random,
    may_end: bool,
    out: Vec<Step>,
    /// A client reads events out of this connection.
    is_stream: bool,
    at_start: bool,
    /// The last byte of this connection is CR, and an LF after it would belong to it.
    after_cr: bool,
    /// Every event has an id of its own.
    ids_are_good: bool,
    /// No connection has stalled yet, and none can stall in each round of an endless repeat. A
    /// client without a deadline for silence waits for the end of a stall, which is long: once is
    /// enough.
    may_stall: bool,
    /// No client has seen an event.
    is_first: bool,
    /// A client surely has an id: it has come to an end that destroys nothing.
    has_id: bool,
    /// The id that a client has; within an endless repeat, in the first round.
    id: Vec<u8>,
    /// The id that it has here in later rounds, if that is another.
    later_id: Option<Vec<u8>>,
    /// The id with which later rounds begin, if a round sets one.
    id_of_later_rounds: Option<Vec<u8>>,
}

impl Chaos {
    fn new(seed: u64, steps: &[Step], may_end: bool) -> Self {
        Self {
            random: Random::new(seed),
            may_end,
            out: Vec::new(),
            is_stream: true,
            at_start: true,
            after_cr: false,
            ids_are_good: blocks::ids_are_good(steps),
            may_stall: !steps.contains(&Step::Forever),
            is_first: true,
            has_id: false,
            id: Vec::new(),
            later_id: None,
            id_of_later_rounds: blocks::id_of_later_rounds(steps),
        }
    }

    /// Keeps what the script itself directs.
    fn take_directive(&mut self, step: Step) {
        match &step {
            Step::Head(head) => self.start_connection(head.is_event_stream()),
            Step::End(ending) => {
                self.note_end(*ending);
                self.start_connection(true);
            }
            Step::Forever => self.later_id = self.id_of_later_rounds.take(),
            _ => {}
        }
        self.out.push(step);
    }

    fn start_connection(&mut self, is_stream: bool) {
        self.is_stream = is_stream;
        self.at_start = true;
        self.after_cr = false;
    }

    fn take_stretch(&mut self, stretch: Stretch) {
        if !self.is_stream {
            self.out.extend(stretch.waits.iter().map(|(_, time)| Step::Wait(*time)));
            self.out.push(Step::Bytes(stretch.bytes));
            return;
        }
        let may_have_mark = self.at_start;
        self.at_start &= stretch.bytes.is_empty();
        for block in stretch.blocks(may_have_mark) {
            self.take_block(&block);
        }
    }

    fn take_block(&mut self, block: &Block) {
        let is_sure = self.later_id.is_none();
        let id = Some(&*self.id).filter(|id| is_sure && !id.is_empty());
        let (Stretch { bytes, waits }, unfinished) =
            noise::add_to(block, id, &mut self.after_cr, &mut self.random);
        let ids = [Some(&self.id), self.later_id.as_ref()];
        let ids_can = ids.into_iter().flatten().all(|id| blocks::can_come_back(id));
        // At the start of a connection, bytes that look like a byte order mark would be one.
        let id_allows = ids_can && !bytes.starts_with(BYTE_ORDER_MARK);
        if self.may_end && id_allows && self.random.one_in(FAULTS) {
            self.end_within(&bytes[..unfinished]);
        }
        let mut start = 0;
        for (at, time) in waits {
            self.send(&bytes[start..at]);
            self.out.push(Step::Wait(time));
            start = at;
        }
        self.send(&bytes[start..]);
        self.is_first &= !block.is_event();
        if let Some(id) = block.id() {
            self.id = id.to_vec();
            self.later_id = None;
        }
    }

    /// Ends the connection after a part of a block; the block begins again on the next connection.
    fn end_within(&mut self, unfinished: &[u8]) {
        if self.random.one_in(2) {
            let length = self.random.below(unfinished.len() + 1);
            self.send(&unfinished[..length]);
        }
        if self.random.one_in(3) {
            self.wait(LONGEST_SILENCE);
        }
        let ending = self.ending();
        // A client that has not even received a head may take it for futile to come back.
        self.out.push(Step::Flush);
        if ending == Ending::Reset {
            self.out.push(Step::Wait(BEFORE_RESET));
        }
        self.note_end(ending);
        self.out.push(Step::End(ending));
    }

    fn ending(&mut self) -> Ending {
        if self.may_stall && self.random.one_in(STALLS) {
            self.may_stall = false;
            return Ending::Stall;
        }
        let endings = [Ending::Close, Ending::Cut, Ending::Reset];
        let reset_is_safe = self.ids_are_good && (self.is_first || self.has_id);
        let choices = if reset_is_safe { 3 } else { 2 };
        self.random.pick(&endings[..choices])
    }

    fn note_end(&mut self, ending: Ending) {
        self.has_id |= !self.is_first && ending != Ending::Reset;
    }

    fn send(&mut self, bytes: &[u8]) {
        let mut start = 0;
        for border in noise::borders(bytes, &mut self.random) {
            self.push_bytes(&bytes[start..border]);
            self.out.push(Step::Flush);
            if self.random.one_in(LATE) {
                self.wait(LATEST);
            }
            start = border;
        }
        self.push_bytes(&bytes[start..]);
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.out.push(Step::Bytes(bytes.to_vec()));
        }
    }

    fn wait(&mut self, most: usize) {
        let millis = 1 + self.random.below(most) as u64;
        self.out.push(Step::Wait(Duration::from_millis(millis)));
    }

    /// Tells the client not to come back, if the script's own end doesn't.
    fn finish(mut self) -> Vec<Step> {
        if !self.may_end || self.out.contains(&Step::Forever) {
            return self.out;
        }
        match self.out.last() {
            Some(Step::End(Ending::Finish)) => return self.out,
            Some(Step::End(_)) => {}
            _ => self.out.push(Step::End(Ending::Close)),
        }
        let last_head = self.out.iter().rev().find_map(|step| match step {
            Step::Head(head) => Some(head),
            _ => None,
        });
        if last_head.is_none_or(Head::is_event_stream) {
            let head = self.last_head();
            let has_content = head.status != Status::NO_CONTENT;
            self.out.push(Step::Head(head));
            if has_content {
                self.out.push(Step::Bytes(b"id: 0\ndata: this is no event\n\n".to_vec()));
            }
            self.out.push(Step::End(Ending::Close));
        }
        self.out
    }

    fn last_head(&mut self) -> Head {
        let types = ["text/plain", "text/html", "application/json", "text/event-streams", ""];
        let failures = [Status::NOT_FOUND, Status::INTERNAL_SERVER_ERROR, Status::CREATED];
        match self.random.below(3) {
            0 => Head::no_content(),
            1 => Head::stream(self.random.pick(&types)),
            _ => {
                let status = self.random.pick(&failures);
                Head { status, ..Head::stream(Opening::PLAIN.content_type) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
