//! The client: against servers that do as they are told, byte for byte, and against our own.

mod bounds;
mod closing;
mod deadlines;
mod faults;
mod framing;
mod hub;
mod reconnecting;
mod redirects;
mod requests;
mod responses;
mod tapping;
mod transports;
mod vectors;

use std::time::Duration;

use tidings::client::{EventSource, Update};
use tidings::{Error, MessageEvent};

use super::support::script::Script;

/// An event source that comes back at once.
fn source(script: &Script) -> EventSource {
    at(&script.url("/events"))
}

fn at(url: &str) -> EventSource {
    EventSource::new(url).expect("a URL").reconnection_time(Duration::ZERO)
}

/// The data of all events up to a clean end.
#[track_caller]
fn data(source: EventSource) -> Vec<String> {
    source.map(|event| event.expect("an event").data).collect()
}

/// The error with which a source ends, and the data of the events before it.
#[track_caller]
fn failure(mut source: EventSource) -> (Vec<String>, Error) {
    let mut data = Vec::new();
    loop {
        match source.next().expect("an event or an error") {
            Ok(event) => data.push(event.data),
            Err(error) => {
                assert!(source.next().is_none(), "nothing comes behind an error");
                assert!(source.next_update().is_none());
                return (data, error);
            }
        }
    }
}

/// The next update, which must be there and no error.
#[track_caller]
fn update(source: &mut EventSource) -> Update {
    source.next_update().expect("an update").expect("no error")
}

#[track_caller]
fn opened(source: &mut EventSource) -> String {
    match update(source) {
        Update::Opened { url, .. } => url.to_string(),
        other => panic!("not opened: {other:?}"),
    }
}

#[track_caller]
fn event(source: &mut EventSource) -> MessageEvent {
    match update(source) {
        Update::Event(event) => event,
        other => panic!("not an event: {other:?}"),
    }
}

#[track_caller]
fn lost(source: &mut EventSource) -> (Error, Duration) {
    match update(source) {
        Update::Lost { error, retry_in } => (error, retry_in),
        other => panic!("not lost: {other:?}"),
    }
}
