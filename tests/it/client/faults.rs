//! What a connection does that no socket does at will: a call that is interrupted, a write that
//! takes a byte, a reset at a chosen moment. Each step of it is written down.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};

use tidings::client::{Connection, StreamRequest, Transport, Url};

use super::*;
use crate::support::Notes;
use crate::support::script::STREAM;

/// What a read gives.
type Step = Result<Vec<u8>, ErrorKind>;

/// One connection that goes like this; there is no second.
struct Course {
    reads: Mutex<VecDeque<Step>>,
    /// What the first writes do: how much they take at most, or why they fail. Others take all.
    writes: Mutex<VecDeque<Result<usize, ErrorKind>>>,
    written: Notes<Vec<u8>>,
    /// For how long each read would have waited.
    patience: Notes<Option<Duration>>,
    made: Mutex<bool>,
}

impl Course {
    fn of(reads: impl IntoIterator<Item = Step>) -> Arc<Self> {
        Self::with([], reads)
    }

    fn with(
        writes: impl IntoIterator<Item = Result<usize, ErrorKind>>,
        reads: impl IntoIterator<Item = Step>,
    ) -> Arc<Self> {
        Arc::new(Self {
            reads: Mutex::new(reads.into_iter().collect()),
            writes: Mutex::new(writes.into_iter().collect()),
            written: Notes::new(),
            patience: Notes::new(),
            made: Mutex::new(false),
        })
    }

    fn source(self: &Arc<Self>) -> EventSource {
        at("http://h/").transport(Once(Arc::clone(self)))
    }

    /// Which reads have not been asked for.
    fn left(&self) -> usize {
        self.reads.lock().unwrap().len()
    }
}

struct Once(Arc<Course>);

impl Transport for Once {
    fn connect(&self, _: &Url, _: Duration) -> io::Result<Arc<dyn Connection>> {
        let made = std::mem::replace(&mut *self.0.made.lock().unwrap(), true);
        if made { Err(ErrorKind::Unsupported.into()) } else { Ok(Arc::new(Run(self.0.clone()))) }
    }
}

struct Run(Arc<Course>);

impl Connection for Run {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(step) = self.0.reads.lock().unwrap().pop_front() else { return Ok(0) };
        let bytes = step?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let most = self.0.writes.lock().unwrap().pop_front().unwrap_or(Ok(usize::MAX))?;
        let taken = &bytes[..bytes.len().min(most)];
        self.0.written.add(taken.to_vec());
        Ok(taken.len())
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.patience.add(timeout);
        Ok(())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self) {}
}

fn bytes(text: &str) -> Step {
    Ok(text.into())
}

#[test]
fn a_call_that_is_interrupted_is_made_again() {
    let interrupted = ErrorKind::Interrupted;
    let course = Course::with(
        [Err(interrupted), Ok(1), Err(interrupted)],
        [
            Err(interrupted),
            bytes("HTTP/1.1 200 OK\r\n"),
            Err(interrupted),
            bytes("Content-Type: text/event-stream\r\n\r\nda"),
            Err(interrupted),
            bytes("ta: a\n\n"),
        ],
    );
    let mut source = course.source();
    opened(&mut source);
    assert_eq!(event(&mut source).data, "a");
}

#[test]
fn a_request_that_is_taken_byte_by_byte_goes_out_whole() {
    let course = Course::with([Ok(1); 40], [bytes(STREAM)]);
    opened(&mut course.source());
    let expected = StreamRequest::get("http://h/").unwrap().encode("");
    assert_eq!(course.written.all().concat(), expected);
}

#[test]
fn a_reset_is_no_silence_and_no_slow_response() {
    let reset = || Err(ErrorKind::ConnectionReset);
    for before in [vec![], vec![bytes("HTTP/1.1 200 OK\r\n")], vec![bytes(STREAM)]] {
        let is_open = before.iter().any(|read| *read == bytes(STREAM));
        let course = Course::of(before.into_iter().chain([reset()]));
        let mut source = course.source().silence(Duration::from_secs(60));
        if is_open {
            opened(&mut source);
        }
        let (error, _) = lost(&mut source);
        assert!(!error.is_timeout(), "{error}");
        assert!(error.to_string().starts_with("the connection failed"), "{error}");
    }
}

#[test]
fn a_write_that_times_out_is_a_slow_server_and_one_that_fails_is_not() {
    for (kind, is_timeout) in
        [(ErrorKind::WouldBlock, true), (ErrorKind::TimedOut, true), (ErrorKind::BrokenPipe, false)]
    {
        let course = Course::with([Err(kind)], []);
        let (error, _) = lost(&mut course.source());
        assert_eq!(error.is_timeout(), is_timeout, "{kind:?}: {error}");
    }
}

#[test]
fn a_response_is_waited_for_a_second_where_the_request_was_not_taken() {
    let refusal = "HTTP/1.1 413 \r\nContent-Length: 0\r\n\r\n";
    let course = Course::with([Err(ErrorKind::BrokenPipe)], [bytes(refusal)]);
    let error = course.source().next().expect("an error").expect_err("it is refused");
    assert_eq!(error.status().map(|status| status.code()), Some(413));
    let patience = course.patience.first().expect("a deadline");
    assert!(patience > Duration::from_millis(500), "{patience:?}");
}

#[test]
fn what_a_server_says_instead_of_a_stream_is_waited_for_and_no_more_than_is_told() {
    let head = "HTTP/1.1 404 \r\n\r\n";
    let said = |course: &Arc<Course>| {
        let error = course.source().next().expect("an error").expect_err("no stream");
        error.to_string()
    };
    let course =
        Course::of([bytes(head), bytes("come "), Err(ErrorKind::Interrupted), bytes("in")]);
    assert!(said(&course).ends_with(": come in"));
    let patience = course.patience.all().last().copied().flatten().expect("a deadline");
    assert!(patience > Duration::from_millis(500), "{patience:?}");
    // As much as is told is read, and then nothing.
    let course = Course::of([bytes(head), bytes(&"x".repeat(240)), bytes("y")]);
    assert!(said(&course).ends_with(&format!(": {}", "x".repeat(240))));
    assert_eq!(course.left(), 1);
}

#[test]
fn a_deadline_of_nothing_leaves_time_for_one_write_and_one_read() {
    let course = Course::of([bytes(STREAM)]);
    opened(&mut course.source().response_deadline(Duration::ZERO));
    assert_eq!(course.written.len(), 1, "it was asked");
    let course = Course::with([Ok(1)], []);
    let (error, _) = lost(&mut course.source().response_deadline(Duration::ZERO));
    assert!(error.is_timeout(), "{error}");
}
