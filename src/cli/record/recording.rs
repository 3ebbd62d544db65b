//! The recording: traffic in, a cassette out, up to `--count` events.
//!
//! Events are counted here, before the event source yields them: by then, more may have been read.
//! So the recording ends with the chunk that brings the last event, however the reads were split.

use std::mem;
use std::time::{Duration, Instant};

use tidings::Parser;
use tidings::client::{Closer, Traffic};

use super::output::Output;
use super::pieces::Pieces;
use crate::cli::cassette::{End, Entry, Head, Recorder};
use crate::cli::client::TOO_LONG;
use crate::cli::{Failure, Outcome, plural};

/// The recording ends if more than this comes without the end of a block. It is more than the
/// longest event that the client takes, so only a block of endless fields gets here.
const LONGEST_BLOCK: usize = 32 * 1024 * 1024;

pub(super) struct Recording {
    start: Instant,
    pieces: Pieces,
    recorder: Recorder,
    ready: Vec<u8>,
    output: Output,
    counter: Counter,
    /// Ends the event source when recording fails; it may be waiting for bytes.
    closer: Closer,
    /// Why the recording is over; `None` while it goes on.
    over: Option<Outcome>,
}

impl Recording {
    /// Each of `about` says where the recording is from. Without a `count` it has no end.
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
            counter: Counter { most: count.map(u64::from), ..Counter::default() },
            closer,
            over: None,
        }
    }

    pub(super) fn take(&mut self, traffic: Traffic<'_>) {
        let now = self.start.elapsed();
        match traffic {
            Traffic::Connected(_) => self.pieces.connected(now),
            Traffic::Sent(_) => self.pieces.sent(now),
            Traffic::Received(bytes) => self.pieces.received(bytes, now),
            // Perhaps this side ended it.
            Traffic::Ended if self.closer.is_closed() => {}
            Traffic::Ended => self.pieces.ended(now),
            _ => {}
        }
        self.write();
    }

    /// The connection is lost. Does nothing if its end is known already.
    pub(super) fn lost(&mut self, how: End) {
        self.pieces.end(how, self.start.elapsed());
        self.write();
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// Ends the recording, and returns whether it could be written.
    pub(super) fn finish(&mut self) -> Outcome {
        self.lost(End::Left);
        self.over.replace(Ok(())).unwrap_or(Ok(()))
    }

    /// What has been recorded, in words; `None` if nothing.
    pub(super) fn summary(&self) -> Option<String> {
        let Counter { connections, events, bytes, .. } = self.counter;
        let (events, bytes) = (plural(events, "event"), plural(bytes, "byte"));
        let (of, place) = (plural(connections, "connection"), self.output.place());
        (connections > 0).then(|| format!("recorded {events} in {bytes} of {of} {place}"))
    }

    fn write(&mut self) {
        for entry in self.pieces.take() {
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

#[derive(Default)]
struct Counter {
    /// How many events to record; `None` without an end.
    most: Option<u64>,
    connections: u64,
    events: u64,
    /// Content, without the frame around it.
    bytes: u64,
    parser: Parser,
    is_stream: bool,
}

impl Counter {
    /// Counts an entry, and returns whether the last wanted event is in it.
    fn is_last(&mut self, entry: &Entry) -> bool {
        match entry {
            Entry::Open { response, .. } => {
                self.connections += 1;
                self.parser.start_over();
                self.is_stream = response.as_ref().is_some_and(Head::is_event_stream);
            }
            Entry::Read { bytes, .. } => {
                self.bytes += bytes.len() as u64;
                if self.is_stream {
                    // The event source ends the stream if an event is too long.
                    let _ = self.parser.feed(bytes);
                    self.events += self.parser.drain().count() as u64;
                }
            }
            Entry::End { .. } => {}
        }
        self.most.is_some_and(|most| self.events >= most)
    }
}
