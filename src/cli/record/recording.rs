//! The recording: traffic in, a cassette out, up to as many events as were asked for.
//!
//! The events are counted here and not where the event source gives them out: that comes later,
//! when more may have been read. So a recording of so many events ends with the chunk that brings
//! the last of them, however the reads were split.

use std::mem;
use std::time::{Duration, Instant};

use tidings::Parser;
use tidings::client::{Closer, Traffic};

use super::output::Output;
use super::pieces::Pieces;
use crate::cli::cassette::{Answer, End, Entry, Recorder};
use crate::cli::follow::TOO_LONG;
use crate::cli::{Failure, Outcome};

/// So much may come without the end of a block; past it the recording ends. More than the longest
/// event that the client takes, so that only fields without an end come here.
const LONGEST_BLOCK: usize = 32 * 1024 * 1024;

pub(super) struct Recording {
    start: Instant,
    pieces: Pieces,
    recorder: Recorder,
    /// What is ready and not yet written.
    ready: Vec<u8>,
    output: Output,
    counter: Option<Counter>,
    /// Ends the event source, which may not give out anything any more, when recording fails.
    closer: Closer,
    /// Why nothing more is recorded; `None` while it goes on.
    over: Option<Outcome>,
}

impl Recording {
    /// Each of `about` says where it is from; without a `count` it has no end.
    pub(super) fn new(
        about: &[String],
        count: Option<u32>,
        output: Output,
        closer: Closer,
    ) -> Self {
        let mut ready = Vec::new();
        let recorder = Recorder::begin(about, &mut ready);
        Self {
            start: Instant::now(),
            pieces: Pieces::new(),
            recorder,
            ready,
            output,
            counter: count.map(Counter::new),
            closer,
            over: None,
        }
    }

    /// Takes what has just gone over the wire.
    pub(super) fn take(&mut self, traffic: Traffic<'_>) {
        let now = self.start.elapsed();
        let mut entries = Vec::new();
        match traffic {
            Traffic::Connected(_) => self.pieces.connected(now),
            Traffic::Sent(_) => self.pieces.sent(now),
            Traffic::Received(bytes) => self.pieces.received(bytes, now, &mut entries),
            // It may be we who have ended it.
            Traffic::Ended if self.closer.is_closed() => {}
            Traffic::Ended => self.pieces.ended(now, &mut entries),
            _ => {}
        }
        self.write(entries);
    }

    /// The connection is lost. Where its end is known already, nothing happens.
    pub(super) fn lost(&mut self, how: End) {
        let mut entries = Vec::new();
        self.pieces.end(how, self.start.elapsed(), &mut entries);
        self.write(entries);
    }

    /// Whether all that was asked for is recorded.
    pub(super) fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// Nothing more comes; says whether all could be recorded.
    pub(super) fn finish(&mut self) -> Outcome {
        self.lost(End::Left);
        self.over.replace(Ok(())).unwrap_or(Ok(()))
    }

    fn write(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            if self.over.is_some() {
                return;
            }
            self.recorder.take(&entry, &mut self.ready);
            if self.counter.as_mut().is_some_and(|counter| counter.is_last(&entry)) {
                let left = Entry::End { after: Duration::ZERO, how: End::Left };
                self.recorder.take(&left, &mut self.ready);
                self.over = Some(Ok(()));
            }
            let ready = mem::take(&mut self.ready);
            if let Err(failure) = self.output.write(&ready) {
                self.fail(failure);
            } else if self.recorder.held() > LONGEST_BLOCK {
                let said = "the stream goes on and on without the end of a block".into();
                self.fail(Failure::Ended { status: TOO_LONG, said });
            }
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.over = Some(Err(failure));
        self.closer.close();
    }
}

/// Counts events down.
struct Counter {
    left: u32,
    parser: Parser,
    /// Whether the answer is an event stream.
    is_stream: bool,
}

impl Counter {
    fn new(count: u32) -> Self {
        Self { left: count, parser: Parser::new(), is_stream: false }
    }

    /// Whether the last of the events is in this entry.
    fn is_last(&mut self, entry: &Entry) -> bool {
        match entry {
            Entry::Open { answer, .. } => {
                self.parser.start_over();
                self.is_stream = answer.as_ref().is_some_and(Answer::is_event_stream);
            }
            Entry::Read { bytes, .. } if self.is_stream => {
                // The event source says so if it is too long, and ends.
                let _ = self.parser.feed(bytes);
                let events = u32::try_from(self.parser.drain().count()).unwrap_or(u32::MAX);
                self.left = self.left.saturating_sub(events);
            }
            Entry::Read { .. } | Entry::End { .. } => {}
        }
        self.left == 0
    }
}
