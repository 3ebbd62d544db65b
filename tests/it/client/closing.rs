//! The end from another thread, in each state, and by dropping.

use std::io;
use std::sync::Arc;
use std::thread::{sleep, spawn};
use std::time::Instant;

use tidings::EventId;
use tidings::client::{Connection, Plain, StreamRequest, Transport, Url};

use super::*;
use crate::support::script::{STREAM, act};
use crate::support::{Gate, SOON};

/// Closes a source that is about to wait, and makes sure that it stops to at once.
#[track_caller]
fn closes(mut source: EventSource) {
    let closer = source.closer();
    let closing = spawn(move || {
        sleep(Duration::from_millis(100));
        assert!(!closer.is_closed());
        closer.clone().close();
        assert!(closer.is_closed());
        Instant::now()
    });
    while let Some(update) = source.next_update() {
        update.expect("no error");
    }
    let since = closing.join().unwrap().elapsed();
    assert!(since < Duration::from_secs(1), "{since:?}");
    assert!(source.next().is_none());
}

#[test]
fn before_it_has_connected() {
    let mut source = at("http://localhost:9/");
    source.closer().close();
    assert!(source.next_update().is_none());
}

#[test]
fn while_it_waits_for_an_event() {
    let script = Script::acts(vec![act(|peer| {
        peer.send(format!("{STREAM}data: a\n\n"));
        assert!(peer.is_left());
    })]);
    closes(source(&script));
}

#[test]
fn between_two_events_that_came_together_and_who_goes_on_gets_the_second() {
    let three = "id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\n\n";
    let script = Script::responses([format!("{STREAM}{three}")]);
    let mut source = source(&script);
    assert_eq!(source.next().unwrap().unwrap().data, "a");
    source.closer().close();
    assert!(source.next().is_none());
    assert_eq!(source.last_event_id(), "1");
}

#[test]
fn the_last_event_id_is_that_of_what_was_given_out() {
    let three = "id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\n\n";
    let script = Script::responses([format!("{STREAM}{three}")]);
    let first = EventId::new("0").unwrap();
    let mut source = source(&script).with_last_event_id(first);
    for (data, id) in [("a", "1"), ("b", "3")] {
        assert_eq!(source.last_event_id(), if data == "a" { "0" } else { "1" });
        assert_eq!(source.next().unwrap().unwrap().data, data);
        assert_eq!(source.last_event_id(), id, "a block without data names one as well");
    }
}

#[test]
fn while_it_waits_for_the_response() {
    let script = Script::acts(vec![act(|peer| assert!(peer.is_left()))]);
    closes(source(&script));
}

#[test]
fn while_it_waits_to_connect_again() {
    let script = Script::responses([STREAM]);
    closes(source(&script).reconnection_time(SOON));
}

#[test]
fn while_it_sends_more_than_the_server_takes() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let request = StreamRequest::post(&url, "text/plain", vec![b'x'; 64 * 1024 * 1024]).unwrap();
    closes(EventSource::with(request));
}

/// A transport that takes its time.
struct Slow(Gate);

impl Transport for Slow {
    fn connect(&self, url: &Url, within: Duration) -> io::Result<Arc<dyn Connection>> {
        self.0.pass();
        Plain.connect(url, within)
    }
}

#[test]
fn while_it_connects() {
    let script = Script::acts(vec![act(|peer| assert!(peer.is_left()))]);
    let gate = Gate::default();
    let mut source = source(&script).transport(Slow(gate.clone()));
    let closer = source.closer();
    let waiting = spawn(move || source.next_update().is_none());
    sleep(Duration::from_millis(50));
    closer.close();
    let start = Instant::now();
    gate.open();
    assert!(waiting.join().unwrap());
    assert!(start.elapsed() < SOON / 4, "{:?}", start.elapsed());
}

#[test]
fn what_has_come_and_was_not_taken_is_dropped() {
    let script = Script::responses([format!("{STREAM}data: a\n\ndata: b\n\n")]);
    let mut source = source(&script);
    assert_eq!(source.next().expect("an event").expect("no error").data, "a");
    source.closer().close();
    assert!(source.next().is_none());
}

#[test]
fn a_source_that_is_dropped_ends_its_connection_though_closers_live() {
    let left = Gate::default();
    let script = Script::acts(vec![act({
        let left = left.clone();
        move |peer| {
            peer.send(format!("{STREAM}data: a\n\n"));
            assert!(peer.is_left());
            left.open();
        }
    })]);
    let mut source = source(&script);
    let closer = source.closer();
    assert_eq!(source.next().expect("an event").expect("no error").data, "a");
    drop(source);
    left.pass();
    assert!(closer.is_closed());
    closer.close();
}
