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
use crate::cli::client::TOO_LONG;
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
    counter: Counter,
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
            pieces: Pieces::default(),
            recorder,
            ready,
            output,
            counter: Counter::new(count),
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

    /// What has been recorded, for whoever waits for the end; `None` if nothing.
    pub(super) fn summary(&self) -> Option<String> {
        let Counter { connections, events, bytes, .. } = self.counter;
        let counted = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let [events, bytes, connections] =
            [(events, "event"), (bytes, "byte"), (connections, "connection")]
                .map(|(n, what)| counted(n, what));
        let place = self.output.place();
        let said = format!("recorded {events} in {bytes} of {connections} {place}");
        (self.counter.connections > 0).then_some(said)
    }

    fn write(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            if self.over.is_some() {
                return;
            }
            self.recorder.take(&entry, &mut self.ready);
            if self.counter.is_last(&entry) {
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

/// Counts what is recorded, up to as many events as were asked for.
struct Counter {
    /// Without end, if `None`.
    left: Option<u64>,
    connections: u64,
    events: u64,
    /// Of content, without the frame around it.
    bytes: u64,
    parser: Parser,
    /// Whether the answer is an event stream.
    is_stream: bool,
}

impl Counter {
    fn new(count: Option<u32>) -> Self {
        let (left, parser) = (count.map(u64::from), Parser::new());
        Self { left, connections: 0, events: 0, bytes: 0, parser, is_stream: false }
    }

    /// Whether the last of the events that were asked for is in this entry.
    fn is_last(&mut self, entry: &Entry) -> bool {
        match entry {
            Entry::Open { answer, .. } => {
                self.connections += 1;
                self.parser.start_over();
                self.is_stream = answer.as_ref().is_some_and(Answer::is_event_stream);
            }
            Entry::Read { bytes, .. } => {
                self.bytes += bytes.len() as u64;
                if self.is_stream {
                    // The event source says so if it is too long, and ends.
                    let _ = self.parser.feed(bytes);
                    self.events += self.parser.drain().count() as u64;
                }
            }
            Entry::End { .. } => {}
        }
        self.left.is_some_and(|left| self.events >= left)
    }
}
