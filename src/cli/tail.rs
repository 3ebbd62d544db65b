//! `tidings tail`: a stream, as it comes.
//!
//! ```text
//! EventSource ──► events ─────────► [`readable`] or [`json`] ──► standard output
//!      │     └──► connections ──► notes ─────────────────────► standard error
//!      └── Tap ──► bytes ──► [`explain`](super::explain) ──► [`raw`] ─► standard output
//! ```
//!
//! Standard output carries only what the stream brought, so it can be piped. With `-` in place of a
//! URL, the stream is standard input ([`input`]).

mod input;
mod options;
mod raw;
mod readable;

use std::io;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use tidings::MessageEvent;
use tidings::client::{EventSource, Tap, Traffic, Update};

use super::paint::Paint;
use super::{Failure, Outcome, client, json, print, width};
use options::Options;
pub(super) use options::TABLE;

fn tail(options: &Options) -> Outcome {
    let wrong = |what: &str| Err(Failure::Usage(what.into()));
    if options.json && options.raw {
        return wrong("--json and --raw are two ways to print the same: give one of them");
    }
    if options.raw && !options.types.is_empty() && options.follow.count.is_none() {
        return wrong("--raw shows all there is: beside it, --event says what --count counts");
    }
    if options.url == "-" {
        return input::show(options);
    }
    let mut source = options.follow.source(&options.url)?;
    if let Some((line, event)) = bounds(options) {
        source = source.max_line(line).max_event(event);
    }
    if options.raw { show_raw(source, options) } else { show(source, options) }
}

/// The longest name of a field with a meaning.
const LONGEST_NAME: usize = "event: ".len();

/// How many bytes a line and an event may have, if `--max-event` is given.
fn bounds(options: &Options) -> Option<(usize, usize)> {
    let event = usize::try_from(options.max_event?).unwrap_or(usize::MAX);
    Some((event.saturating_add(LONGEST_NAME), event))
}

/// Shows the bytes as they are read. Where they can't be printed, closes the source.
fn show_raw(source: EventSource, options: &Options) -> Outcome {
    let closer = source.closer();
    let mut view = raw::View::new(Paint::on(&io::stdout()), width::columns());
    let (note, failures) = mpsc::channel();
    let carrier = options.follow.carrier(source.request().url());
    let tap = Tap::new(carrier, move |traffic: Traffic<'_>| {
        if let Err(failure) = print(&view.show(traffic)) {
            closer.close();
            // Its receiver lives as long as the source.
            let _ = note.send(failure);
        }
    });
    let outcome = show(source.transport(tap), options);
    failures.try_recv().map_or(outcome, Err)
}

fn show(source: EventSource, options: &Options) -> Outcome {
    let mut printer = Printer::new(options);
    let followed = client::follow(source, options.follow.quiet, |update| match update {
        Ok(Update::Event(event)) => printer.take(event),
        _ => Ok(false),
    });
    followed.map_err(with_remedy)
}

/// Adds the option that helps, if there is one.
fn with_remedy(failure: Failure) -> Failure {
    match failure {
        Failure::Ended { status: client::TOO_LONG, said } => {
            let said = format!("{said}; --max-event says how long it may be");
            Failure::Ended { status: client::TOO_LONG, said }
        }
        failure => failure,
    }
}

/// Prints the events of the wanted types, up to `--count`.
struct Printer<'a> {
    options: &'a Options,
    paint: Paint,
    columns: usize,
    left: Option<u32>,
}

impl<'a> Printer<'a> {
    fn new(options: &'a Options) -> Self {
        let (paint, columns) = (Paint::on(&io::stdout()), width::columns());
        Self { options, paint, columns, left: options.follow.count }
    }

    /// Prints an event, and returns whether it was the last.
    fn take(&mut self, event: &MessageEvent) -> Result<bool, Failure> {
        let Options { types, json, raw, .. } = self.options;
        if !types.is_empty() && !types.contains(&event.event_type) {
            return Ok(false);
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        match (raw, json) {
            (true, _) => {}
            (_, true) => print(&as_json(event))?,
            _ => print(&readable::event(event, SystemTime::now(), self.paint, self.columns))?,
        }
        Ok(self.left == Some(0))
    }
}

/// The longest reconnection time that the client uses. Every reader of JSON can hold the number.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn as_json(event: &MessageEvent) -> String {
    let [event_type, data, id] =
        [&event.event_type, &event.data, &event.last_event_id].map(|text| json::string(text));
    let retry = event.retry.map(|retry| format!(",\"retry\":{}", retry.min(DAY).as_millis()));
    let retry = retry.unwrap_or_default();
    format!("{{\"event\":{event_type},\"data\":{data},\"id\":{id}{retry}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings::Parser;

    #[test]
    fn an_event_is_an_object_on_a_line() {
        let mut parser = Parser::new();
        parser.feed(b"id: 1\nevent: \"x\"\nretry: 3000\ndata: a\ndata: \x1b\n\ndata\n\n").unwrap();
        let written: String = parser.drain().map(|event| as_json(&event)).collect();
        assert_eq!(
            written,
            "{\"event\":\"\\\"x\\\"\",\"data\":\"a\\n\\u001b\",\"id\":\"1\",\"retry\":3000}\n\
             {\"event\":\"message\",\"data\":\"\",\"id\":\"1\"}\n"
        );
        parser.feed(b"retry: 99999999999999999999\ndata\n\n").unwrap();
        let written = as_json(&parser.next_event().expect("an event"));
        assert!(written.ends_with(",\"retry\":86400000}\n"), "{written}");
    }
}
