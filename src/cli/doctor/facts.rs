//! What one request brought: bytes and their times in, facts out. Nothing here judges, or waits.
//!
//! ```text
//! read at 3 ms       HTTP/1.1 200 OK ... : LF        head at 3 ms, a comment
//! read at 15.003 s   : LF                            a comment; 15 s of silence before
//! read at 21.2 s     data: he                        an event begins
//! read at 23.9 s     llo LF LF                       and is whole 2.7 s later
//! end at 25 s                                        how it ended
//! ```
//!
//! All times count from the moment when the request was sent. The facts don't grow with the stream.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use tidings::http::ResponseHead;
use tidings::{MessageEvent, Parser};

use crate::cli::client::{Ending, Part, Reader};

/// The type of the events that the doctor publishes.
pub(super) const OWN_TYPE: &str = "doctor";
/// More than it publishes, and longer.
const MOST_OWN: usize = 64;
const LONGEST_OWN: usize = 128;
/// A longer event needn't come at once: a new connection sends so much before it waits for the
/// other side.
const AT_ONCE: usize = 14 * 1024;

/// What one request has brought so far.
#[derive(Debug)]
pub(super) struct Visit {
    reader: Reader,
    parser: Parser,
    lines: Lines,
    /// The head, and when it was whole.
    pub(super) head: Option<(ResponseHead, Duration)>,
    pub(super) flow: Flow,
    pub(super) end: Option<End>,
    /// Until when it was watched, if it has not ended before.
    pub(super) watched: Duration,
}

/// What came after the head, and when.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// The first byte of content, and the last one so far.
    pub(super) first: Option<Duration>,
    pub(super) last: Option<Duration>,
    /// The longest time without content before some came.
    pub(super) longest_silence: Duration,
    /// How many reads brought content.
    pub(super) reads: u64,
    pub(super) comments: u64,
    /// Lines of text that should belong to an event: data, or no field that there is.
    pub(super) texts: u64,
    pub(super) events: u64,
    /// How long the slowest event took from the read with its beginning to the one with its end.
    /// Large events don't count.
    pub(super) slowest: Duration,
    /// The last event ID before the last event that came with another, and that event's.
    pub(super) ids: Ids,
    /// ID and type of the first event with an ID of its own. What a server sends before, to greet
    /// whoever comes, is no event that one could have missed.
    pub(super) first_event: Option<(String, String)>,
    /// The data of the doctor's own events, and when each came. The newest, as the stream may begin
    /// with those of an earlier run.
    pub(super) own: VecDeque<(String, Duration)>,
    /// The reconnection time that the stream names.
    pub(super) retry: Option<Duration>,
}

#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) before: String,
    pub(super) last: String,
    /// An event had the last one; if not, the stream only said where it begins.
    pub(super) has_event: bool,
}

/// How the connection ended before the doctor ended it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) at: Duration,
    pub(super) how: How,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Before there was a head.
    NoHead,
    /// As HTTP has it; also where only the end of the connection ends the body.
    Whole,
    /// Without the last chunk, or the length that was promised.
    Cut,
    /// There was none, or it failed, for this reason.
    Failed(String),
    /// The response broke the rules, for this reason.
    Broken(String),
}

impl Visit {
    pub(super) fn new() -> Self {
        Self {
            reader: Reader::new(),
            parser: Parser::new(),
            lines: Lines::default(),
            head: None,
            flow: Flow::default(),
            end: None,
            watched: Duration::ZERO,
        }
    }

    /// Takes the bytes of one read.
    pub(super) fn take(&mut self, bytes: &[u8], at: Duration) {
        let (mut rest, mut content) = (bytes, Vec::new());
        while self.end.is_none() {
            let Some((part, piece)) = self.reader.next(&mut rest) else { break };
            match part {
                Part::Begin(head) => self.head = Some((head, at)),
                Part::Content => content.extend_from_slice(piece),
                Part::End => self.end = Some(End { at, how: How::Whole }),
                Part::Broken(refusal) => {
                    let how = How::Broken(refusal.why().into());
                    self.end = Some(End { at, how });
                }
                Part::Head | Part::Frame | Part::Excess | Part::Unknown => {}
            }
        }
        if self.is_stream() && !content.is_empty() {
            self.content(&content, at);
        }
    }

    fn content(&mut self, content: &[u8], at: Duration) {
        let began = self.head.as_ref().map_or(at, |(_, at)| *at);
        let flow = &mut self.flow;
        let silence = at.saturating_sub(flow.last.unwrap_or(began));
        flow.longest_silence = flow.longest_silence.max(silence);
        flow.first.get_or_insert(at);
        flow.last = Some(at);
        flow.reads += 1;
        let Counted { comments, texts, slowest } = self.lines.count(content, at);
        flow.comments += comments;
        flow.texts += texts;
        flow.slowest = flow.slowest.max(slowest);
        // By lines, to see each id that the stream names.
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            // A line past the parser's bound ends what can be known of events.
            let _ = self.parser.feed(line);
            while let Some(event) = self.parser.next_event() {
                self.flow.event(event, at);
            }
            self.flow.ids.name(self.parser.last_event_id());
        }
        self.flow.retry = self.parser.reconnection_time();
    }

    /// The server has ended the connection.
    pub(super) fn ended(&mut self, at: Duration) {
        let how = match self.reader.ending() {
            Ending::NoHead => How::NoHead,
            Ending::Cut(_) => How::Cut,
            Ending::Whole | Ending::Done => How::Whole,
        };
        self.end.get_or_insert(End { at, how });
    }

    /// The connection has failed.
    pub(super) fn failed(&mut self, why: impl ToString, at: Duration) {
        self.end.get_or_insert(End { at, how: How::Failed(why.to_string()) });
    }

    pub(super) fn is_stream(&self) -> bool {
        self.head
            .as_ref()
            .is_some_and(|(head, _)| head.status().code() == 200 && head.is_event_stream())
    }

    /// How long a head may take on another request, if this one's is typical.
    pub(super) fn patience(&self, [least, most]: [Duration; 2]) -> Duration {
        self.head.as_ref().map_or(least, |(_, at)| (*at * 2).clamp(least, most))
    }

    /// When it ended, or when it was left.
    pub(super) fn over(&self) -> Duration {
        self.end.as_ref().map_or(self.watched, |end| end.at)
    }

    /// How long there had been no content when it was over. A head is none: some proxies hold it
    /// back until they give up.
    pub(super) fn last_silence(&self) -> Duration {
        self.over().saturating_sub(self.flow.last.unwrap_or_default())
    }

    /// How long an event had taken that was not whole when it was over. Large events don't count.
    pub(super) fn unfinished(&self) -> Option<Duration> {
        let began = self.lines.began.filter(|_| self.lines.length <= AT_ONCE)?;
        Some(self.over().saturating_sub(began))
    }
}

impl Flow {
    fn event(&mut self, event: MessageEvent, at: Duration) {
        self.events += 1;
        let has_own = self.ids.event(&event.last_event_id);
        if event.event_type == OWN_TYPE && event.data.len() <= LONGEST_OWN {
            if self.own.len() == MOST_OWN {
                self.own.pop_front();
            }
            self.own.push_back((event.data, at));
        }
        if has_own {
            self.first_event.get_or_insert((event.last_event_id, event.event_type));
        }
    }
}

impl Ids {
    /// An event has come with this last event ID. Returns whether it is another than before.
    fn event(&mut self, id: &str) -> bool {
        let is_other = id != self.last;
        if is_other {
            self.before = mem::replace(&mut self.last, id.to_owned());
            self.has_event = true;
        }
        is_other
    }

    /// The stream has named this last event ID; an event may have had it.
    fn name(&mut self, id: &str) {
        if id != self.last {
            self.before = mem::replace(&mut self.last, id.to_owned());
            self.has_event = false;
        }
    }
}

/// The lines of the content: which are comments, and how long events take to be whole.
#[derive(Debug, Default)]
struct Lines {
    /// The first byte of the line that isn't whole.
    first: Option<u8>,
    /// CR LF is one end of a line.
    after_cr: bool,
    /// The read in which the event began that isn't whole.
    began: Option<Duration>,
    /// How many of its bytes have come.
    length: usize,
}

#[derive(Debug, Default, PartialEq)]
struct Counted {
    comments: u64,
    texts: u64,
    slowest: Duration,
}

impl Lines {
    fn count(&mut self, content: &[u8], at: Duration) -> Counted {
        let mut counted = Counted::default();
        for &byte in content {
            if mem::replace(&mut self.after_cr, byte == b'\r') && byte == b'\n' {
                continue;
            }
            self.length += usize::from(self.began.is_some());
            match (byte, self.first) {
                (b'\n' | b'\r', first) => {
                    match first {
                        Some(b':') => counted.comments += 1,
                        // Of an id, a type and a reconnection time no event comes.
                        Some(b'i' | b'e' | b'r') => {}
                        Some(_) => counted.texts += 1,
                        None => self.is_whole(&mut counted, at),
                    }
                    self.first = None;
                }
                (byte, None) => {
                    self.first = Some(byte);
                    // A comment belongs to no event, and neither does `retry`.
                    if !matches!(byte, b':' | b'r') {
                        self.began.get_or_insert(at);
                    }
                }
                _ => {}
            }
        }
        counted
    }

    fn is_whole(&mut self, counted: &mut Counted, at: Duration) {
        let length = mem::take(&mut self.length);
        if let Some(began) = self.began.take().filter(|_| length <= AT_ONCE) {
            counted.slowest = counted.slowest.max(at.saturating_sub(began));
        }
    }
}

#[cfg(test)]
mod tests;
