//! `tidings record`: a stream to a cassette, true to the chunk.
//!
//! ```text
//! EventSource ──► connections that are lost ──► notes ────────────────────► standard error
//!      │                       │
//!      │                       ▼
//!      └── Tap ──► bytes ──► [`pieces`] ──► entries ──► [`recording`] ──► FILE
//! ```
//!
//! The borders of chunks survive the way over TCP, and those of reads don't. So the recording has a
//! piece for each chunk, and a piece for each read only where a body has no chunks. A redirect is
//! followed and not recorded: played back, it would lead away from the mock.
//!
//! A signal, such as by Ctrl-C, ends the recording as `--duration` does. If the program is killed,
//! the mock can play what has been written: it lacks at most the last events, which were not yet
//! whole, and the connection's end.

mod options;
mod output;
mod pieces;
mod recording;

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tidings::Error;
use tidings::client::{Closer, Tap, Traffic, Update};
use tidings::http::{masked_url, masked_value};

use super::cassette::End;
use super::{Failure, Outcome, client, say};
use options::Options;
pub(super) use options::TABLE;
use output::Output;
use recording::Recording;

fn record(options: &Options) -> Outcome {
    if options.force && options.file == output::STANDARD_OUTPUT {
        let what = "--force writes over a file, and - is standard output: leave --force out, or \
                    name a file";
        return Err(Failure::Usage(what.into()));
    }
    let source = options.follow.source(&options.url)?;
    let output = Output::new(&options.file, options.force)?;
    let closer = source.closer();
    let count = options.follow.count;
    let recording = Recording::new(&about(options), count, output, closer.clone());
    let recording = Arc::new(Mutex::new(recording));
    if let Some(duration) = options.duration {
        close_after(duration, closer)?;
    }
    let watched = Arc::clone(&recording);
    let carrier = options.follow.carrier(source.request().url());
    let tap = Tap::new(carrier, move |traffic: Traffic<'_>| lock(&watched).take(traffic));
    let outcome = client::follow(source.transport(tap), options.follow.quiet, |update| {
        if let Ok(Update::Lost { error, .. }) | Err(error) = update {
            lock(&recording).lost(how(error));
        }
        Ok(lock(&recording).is_over())
    });
    let recorded = lock(&recording).finish();
    let summary = lock(&recording).summary().filter(|_| recorded.is_ok() && !options.follow.quiet);
    if let Some(summary) = summary {
        say(&summary);
    }
    // If the file can't be written, that is why the stream ended.
    recorded.and(outcome)
}

/// A panic elsewhere must not cost the end of the recording.
fn lock(recording: &Mutex<Recording>) -> MutexGuard<'_, Recording> {
    recording.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a connection ended that the server did not end: by a reset, or by the client, as nothing
/// came or for a reason of its own.
fn how(error: &Error) -> End {
    if error.is_timeout() {
        return End::Stall;
    }
    match client::io_kind(error) {
        Some(ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe) => {
            End::Reset
        }
        _ => End::Left,
    }
}

fn close_after(duration: Duration, closer: Closer) -> Outcome {
    let wait = move || {
        thread::sleep(duration);
        closer.close();
    };
    let thread = thread::Builder::new().name("record-timer".into()).spawn(wait);
    let failed = |error| Failure::Failed(format!("can't start a thread for --duration: {error}"));
    thread.map(drop).map_err(failed)
}

/// Where the recording is from, without what may be a secret, such as the content of a POST.
fn about(options: &Options) -> Vec<String> {
    let follow = &options.follow;
    let method = if follow.data.is_some() { "POST" } else { "GET" };
    let mut about = vec![format!("{method} {}", masked_url(&client::whole(&options.url)))];
    let field = |name: &str, value: &str| format!("{name}: {}", masked_value(name, value));
    about.extend(follow.fields.iter().map(|(name, value)| field(name, value)));
    let content_type = follow.data.as_ref().map(|_| follow.content_type());
    about.extend(content_type.map(|value| field("Content-Type", value)));
    let id = follow.last_event_id.as_ref().map(|id| id.as_str());
    about.extend(id.map(|id| field("Last-Event-ID", id)));
    about
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_says_where_it_is_from_and_keeps_secrets() {
        let url = "a.example/x?key=secret".into();
        let mut options = Options { url, ..Options::default() };
        assert_eq!(about(&options), ["GET http://a.example/x?key=..."]);
        options.follow.data = Some("secret".into());
        options.follow.fields =
            vec![("Authorization".into(), "secret".into()), ("Accept".into(), "*/*".into())];
        let expected = [
            "POST http://a.example/x?key=...",
            "Authorization: ...",
            "Accept: */*",
            "Content-Type: application/json",
        ];
        assert_eq!(about(&options), expected);
    }
}
