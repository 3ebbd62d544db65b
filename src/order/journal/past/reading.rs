//! One read of the past, as it goes from event to event, and how parts of large events are read.

use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::{Hint, JournalPast, Visible};
use crate::http::chunk;
use crate::log::batch::Batch;
use crate::log::cursor::Cursor;
use crate::log::gap::{Gap, Reason};
use crate::log::large::{LARGE, PastPart};
use crate::order::journal::block::{self, Head};
use crate::order::journal::disk::ReadFile;
use crate::order::journal::segments::Segment;
use crate::order::journal::walk::{READ, Step, Walk};
use crate::order::past::Of;
use crate::order::shared_log::view;

/// Whether a stream of these channels is sent the events of this one.
pub(super) fn is_among(of: &[Of<'_>], channel: &str) -> bool {
    of.iter().any(|of| of.has(channel))
}

/// What comes before the lines of an event: that of its id, and in the feed that of its channel
/// before.
pub(super) fn first_lines<'a>(of: &[Of<'_>], head: &Head<'_>, id_line: &'a [u8]) -> Cow<'a, [u8]> {
    match of {
        [Of::Feed] => {
            let [field, name, end] = view::channel_line(head.channel);
            [field, name, end, id_line].concat().into()
        }
        _ => id_line.into(),
    }
}

/// Appends the first bytes of a part of a chunk, whose event begins here in the file after these
/// lines.
pub(super) fn read_chunk(
    file: &Visible,
    first_lines: &[u8],
    event: u64,
    part: &PastPart,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let mut start = Vec::new();
    let content = chunk::content_len(part.chunk);
    chunk::encode_size_line(content, &mut start);
    start.extend_from_slice(first_lines);
    let end = part.range.end.min(part.range.start + LARGE);
    // The lines of the event are between these, and after them its blank line and the chunk's end.
    let lines = start.len()..part.chunk - b"\n\r\n".len();
    let within = |of: Range<usize>| of.start.max(part.range.start)..of.end.min(end);
    let from = |of: Range<usize>, at: usize| of.start - at..of.end - at;
    let head = within(0..lines.start);
    if !head.is_empty() {
        out.extend_from_slice(&start[head]);
    }
    let middle = within(lines.clone());
    if !middle.is_empty() {
        let offset = event + (middle.start - lines.start) as u64;
        let mut at = out.len();
        out.resize(at + middle.len(), 0);
        while at < out.len() {
            let offset = offset + (middle.len() - (out.len() - at)) as u64;
            match file.read_at(&mut out[at..], offset)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                len => at += len,
            }
        }
    }
    let tail = within(lines.end..part.chunk);
    if !tail.is_empty() {
        out.extend_from_slice(&b"\n\r\n"[from(tail, lines.end)]);
    }
    Ok(())
}

/// One read, as far as it has come.
pub(super) struct Reading<'a> {
    pub(super) past: &'a JournalPast,
    /// The segments, as they were when the read began.
    pub(super) list: &'a [Arc<Segment>],
    pub(super) of: &'a [Of<'a>],
    pub(super) newest: u64,
    pub(super) batch: &'a mut Batch,
    /// The place of the last event, of whatever channel.
    pub(super) place: u64,
    /// Whether bytes came after it that are none.
    pub(super) is_bad: bool,
    /// How many bytes may still be read.
    pub(super) left: u64,
}

/// What a step makes of the read.
enum Next {
    GoOn,
    /// Another read goes on at this position.
    Stop(u64),
    Failed(io::Error),
}

impl Reading<'_> {
    /// Reads a segment on from a position. It breaks where the batch is full, or everything has
    /// been read.
    pub(super) fn segment(
        &mut self,
        segment: &Segment,
        file: &Visible,
        from: u64,
    ) -> io::Result<ControlFlow<()>> {
        let buffer = std::mem::take(&mut self.past.cache().buffer);
        let mut walk = Walk::new(file, from, READ, buffer);
        let limit = from + self.left;
        let mut stopped = None;
        let mut result = Ok(());
        while let Some(next) = walk.step(|step| self.step(segment, file, step)) {
            match next {
                Next::GoOn
                    if self.place >= self.newest || (limit..file.end).contains(&walk.at()) =>
                {
                    stopped = Some(walk.at());
                }
                Next::GoOn => {}
                Next::Stop(at) => stopped = Some(at),
                Next::Failed(error) => result = Err(error),
            }
            if stopped.is_some() || result.is_err() {
                break;
            }
        }
        self.left = limit.saturating_sub(walk.at());
        self.batch.reach(self.place);
        self.past.cache().buffer = walk.into_buffer();
        result?;
        let Some(at) = stopped else { return Ok(ControlFlow::Continue(())) };
        if at >= limit && self.place < self.newest {
            self.stop(segment, at);
            return Ok(ControlFlow::Break(()));
        }
        self.past.remember(Hint { place: self.place, segment: segment.first, at });
        Ok(ControlFlow::Break(()))
    }

    fn step(&mut self, segment: &Segment, file: &Visible, step: Step<'_>) -> Next {
        let (at, end, head, id_line, event, lines) = match step {
            Step::Bad(..) => {
                self.is_bad = true;
                return Next::GoOn;
            }
            Step::Block(at, block) => {
                let end = at + block.len as u64;
                let lines = end - block::END - block.event.len() as u64..end - block::END;
                (at, end, block.head, block.id_line, lines, Some(block.event))
            }
            Step::Large(large) => {
                (large.at, large.at + large.len, large.head, large.id_line, large.event, None)
            }
        };
        let place = self.past.place(head.id);
        if place > self.newest {
            self.end();
            return Next::Stop(at);
        }
        if place > self.place {
            let before = self.past.place_before(segment, head.id);
            if self.place < before {
                self.push_gap(before);
            }
            if is_among(self.of, head.channel) {
                let first = first_lines(self.of, &head, id_line);
                match lines {
                    Some(lines) if self.batch.push_past(place, [&first, lines, b"\n"]) => {}
                    _ if self.batch.events() > 0 => {
                        self.batch.full = true;
                        return Next::Stop(at);
                    }
                    _ => {
                        let content = first.len() + (event.end - event.start) as usize + 1;
                        let read = |part: &PastPart, out: &mut Vec<u8>| {
                            read_chunk(file, &first, event.start, part, out)
                        };
                        if let Err(error) = self.batch.push_large(place, content, read) {
                            return Next::Failed(error);
                        }
                        self.place = place;
                        return Next::Stop(end);
                    }
                }
            }
            self.place = place;
        }
        // What is bad before it has been told, or comes before what is read.
        self.is_bad = false;
        Next::GoOn
    }

    /// Has the next read go on here, unless it begins with another segment: bytes that are none
    /// have no place, and may be many.
    fn stop(&mut self, segment: &Segment, at: u64) {
        let before = self.past.place_before(segment, segment.first);
        // What is gone of the segments before this one is known.
        if self.place < before {
            self.push_gap(before.min(self.newest));
        }
        let begin = JournalPast::segment_after(self.list, self.past.sequence.id(self.place));
        if self.place < self.newest && self.list[begin].first == segment.first {
            self.batch.cursor.set_position(at);
        }
    }

    /// Everything there is has been read. What was not found is gone.
    pub(super) fn end(&mut self) {
        if self.place < self.newest {
            self.push_gap(self.newest);
        }
        self.batch.reach(self.place);
    }

    fn push_gap(&mut self, to: u64) {
        let text = |place| self.past.sequence.id(place).text().into_string();
        let reason = if self.is_bad { Reason::Damaged } else { Reason::Evicted };
        let resume = Cursor { place: to, ..self.batch.cursor };
        let (id, from, to) = (text(to), text(self.place), text(to));
        self.batch.push_gap(&Gap { id, from, to, resume, missed: None, reason });
        self.place = resume.place;
        self.is_bad = false;
    }
}
