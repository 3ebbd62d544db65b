//! `tidings tail`: a stream, as it comes.
//!
//! ```text
//! EventSource ──► events ─────────► [`readable`] or [`json`] ──► standard output
//!      │     └──► connections ──► notes ─────────────────────► standard error
//!      └── Tap ──► bytes ──► [`explain`] ──► [`raw`] ──────────► standard output
//! ```
//!
//! Standard output holds what the stream brought and nothing else, so that it can be piped.

mod explain;
mod options;
mod raw;
mod readable;
mod words;

use std::io::{self, Read};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use tidings::client::{EventSource, StreamRequest, Tap, Tcp, Traffic, Update};
use tidings::{Error, MessageEvent};

use super::flags::{Parsed, Wrong};
use super::paint::Paint;
use super::{Arguments, Failure, Outcome, json, print, say, version, visible};
use options::{NO_CONNECTION, NO_MORE, NO_STREAM, Options, TABLE, TOO_LONG};

pub(super) fn run(arguments: Arguments<'_>) -> Outcome {
    match TABLE.parse(arguments).map_err(Failure::Usage)? {
        Parsed::Run(options, operands) => tail(&options, operands.first()),
        Parsed::Help => print(&TABLE.help()),
        Parsed::Version => version(),
    }
}

fn tail(options: &Options, url: Option<&String>) -> Outcome {
    let wrong = |what: String| Err(Failure::Usage(Wrong::new(what)));
    if options.json && options.raw {
        return wrong("--json and --raw are two ways to print the same: give one of them".into());
    }
    let Some(url) = url else {
        return wrong(format!("an URL is missing: {}", TABLE.usage));
    };
    let source = source(options, request(options, url)?);
    if options.raw { follow_raw(source, options) } else { follow(source, options) }
}

/// Shows the bytes as they are read. When they can't be printed, the source is closed.
fn follow_raw(source: EventSource, options: &Options) -> Outcome {
    let closer = source.closer();
    let mut view = raw::View::new(Paint::on(&io::stdout()));
    let (note, failures) = mpsc::channel();
    let tap = Tap::new(Tcp, move |traffic: Traffic<'_>| {
        if let Err(failure) = print(&view.show(traffic)) {
            closer.close();
            // Its receiver lives as long as the source.
            let _ = note.send(failure);
        }
    });
    let outcome = follow(source.transport(tap), options);
    failures.try_recv().map_or(outcome, Err)
}

/// What is asked of the server.
fn request(options: &Options, url: &str) -> Result<StreamRequest, Failure> {
    let wrong = |error: Error| Failure::Usage(Wrong::new(error.to_string()));
    // Nobody types the scheme.
    let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let mut request = match &options.data {
        None => StreamRequest::get(&whole),
        Some(data) => {
            let content_type = options.content_type.as_deref().unwrap_or("application/json");
            StreamRequest::post(&whole, content_type, content(data)?)
        }
    }
    .map_err(wrong)?;
    for (name, value) in &options.fields {
        request = request.with_field(name, value).map_err(wrong)?;
    }
    Ok(request)
}

/// What `--data` stands for.
fn content(data: &str) -> Result<Vec<u8>, Failure> {
    let Some(path) = data.strip_prefix('@') else { return Ok(data.into()) };
    let mut content = Vec::new();
    let read = match path {
        "-" => io::stdin().lock().read_to_end(&mut content),
        path => std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut content)),
    };
    let failed = |error| Failure::Failed(format!("can't read {path} to send it: {error}"));
    read.map(|_| content).map_err(failed)
}

fn source(options: &Options, request: StreamRequest) -> EventSource {
    let mut source = EventSource::with(request);
    if let Some(id) = &options.last_event_id {
        source = source.with_last_event_id(id.clone());
    }
    if let Some(silence) = options.silence {
        source = source.silence(silence);
    }
    if let Some(attempts) = options.attempts {
        source = source.give_up_after(attempts);
    }
    if options.no_reconnect {
        source = source.reconnects(false);
    }
    source
}

/// Prints until something ends it.
fn follow(mut source: EventSource, options: &Options) -> Outcome {
    let paint = Paint::on(&io::stdout());
    let mut left = options.count;
    while let Some(update) = source.next_update() {
        match update.map_err(ended)? {
            Update::Event(event) if is_wanted(&event, options) => {
                if !options.raw {
                    print(&written(&event, options, paint))?;
                }
                left = left.map(|left| left - 1);
                if left == Some(0) {
                    return Ok(());
                }
            }
            Update::Stopped => {
                let said = "the server says that there is no more (204)".into();
                return Err(Failure::Ended { status: NO_MORE, said });
            }
            update if !options.quiet => tell(&update, &source),
            _ => {}
        }
    }
    Ok(())
}

fn is_wanted(event: &MessageEvent, options: &Options) -> bool {
    options.types.is_empty() || options.types.contains(&event.event_type)
}

fn written(event: &MessageEvent, options: &Options, paint: Paint) -> String {
    if options.json { as_json(event) } else { readable::event(event, SystemTime::now(), paint) }
}

/// One line with one object.
fn as_json(event: &MessageEvent) -> String {
    let [event_type, data, id] =
        [&event.event_type, &event.data, &event.last_event_id].map(|text| json::string(text));
    let retry = event.retry.map(|retry| format!(",\"retry\":{}", retry.as_millis()));
    let retry = retry.unwrap_or_default();
    format!("{{\"event\":{event_type},\"data\":{data},\"id\":{id}{retry}}}\n")
}

/// Says on standard error what becomes of the connection.
fn tell(update: &Update, source: &EventSource) {
    match update {
        Update::Opened { url, .. } => {
            let behind = match source.last_event_id() {
                "" => String::new(),
                id => format!(", to go on behind {}", visible::line(id)),
            };
            say(&format!("connected to {url}{behind}"));
        }
        Update::Lost { error, retry_in } => {
            let error = visible::line(&error.to_string());
            say(&format!("{error}; connecting again in {}", seconds(*retry_in)));
        }
        Update::Ended => say("the server has ended the stream"),
        _ => {}
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// How an error that is for good becomes an exit status.
fn ended(error: Error) -> Failure {
    let status = if error.is_bad_response() {
        NO_STREAM
    } else if error.is_invalid() {
        TOO_LONG
    } else {
        NO_CONNECTION
    };
    Failure::Ended { status, said: visible::line(&error.to_string()) }
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
    }
}
