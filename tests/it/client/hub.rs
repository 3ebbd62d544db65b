//! The client and our own server together.

use std::thread::{sleep, spawn};

use tidings::client::StreamRequest;
use tidings::{Channel, Event, Limits, Response, Server};

use super::*;
use crate::support::until;

#[test]
fn nothing_is_lost_or_doubled_over_many_cut_connections() {
    const EVENTS: usize = 1000;
    const CUTS: usize = 20;
    let channel = Channel::new();
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .sse("/events", {
            let channel = channel.clone();
            move |stream, _| stream.subscribe(&channel)
        })
        .start()
        .unwrap();
    let start = channel.send("start").unwrap();
    let publisher = spawn({
        let channel = channel.clone();
        move || {
            for n in 0..EVENTS {
                channel.send(n.to_string()).unwrap();
                sleep(Duration::from_micros(300));
            }
        }
    });

    let url = format!("http://{}/events", server.address());
    let mut last = start;
    let mut received = Vec::new();
    // Each source is dropped with its connection, as a program that is killed would do it.
    for _ in 0..CUTS {
        let source = at(&url).with_last_event_id(last.clone());
        for event in source.take(EVENTS / CUTS) {
            let event = event.unwrap();
            last = tidings::EventId::new(event.last_event_id).unwrap();
            received.push(event.data);
        }
    }
    publisher.join().unwrap();
    let expected: Vec<_> = (0..EVENTS).map(|n| n.to_string()).collect();
    assert_eq!(received, expected);
    server.stop().unwrap();
}

#[test]
fn a_stream_that_the_server_ends_is_gone_on_with() {
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .sse("/events", |stream, request| {
            let next = request.last_event_id().map_or(1, |id| id.parse::<u32>().unwrap() + 1);
            let event = Event::new(next.to_string());
            stream.send(event.with_id(tidings::EventId::new(next.to_string())?)).map(drop)
        })
        .start()
        .unwrap();
    let source = at(&format!("http://{}/events", server.address()));
    let numbers: Vec<_> = source.take(5).map(|event| event.unwrap().data).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5"]);
    server.stop().unwrap();
}

#[test]
fn heartbeats_keep_a_quiet_stream_from_being_taken_for_dead() {
    let channel = Channel::new();
    let limits = Limits::default().heartbeat(Duration::from_millis(100));
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .limits(limits)
        .sse("/events", {
            let channel = channel.clone();
            move |stream, _| stream.subscribe(&channel)
        })
        .start()
        .unwrap();
    let url = format!("http://{}/events", server.address());
    let mut source = at(&url).silence(Duration::from_secs(2));
    opened(&mut source);
    until("the stream", || server.stats().streams == 1);
    spawn(move || {
        sleep(Duration::from_secs(3));
        channel.send("at last").unwrap();
    });
    assert_eq!(event(&mut source).data, "at last");
    server.stop().unwrap();
}

#[test]
fn a_post_is_answered_with_a_stream() {
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .post("/words", |request| {
            let words = request.body_text()?.split(' ').map(|word| format!("data: {word}\n\n"));
            Ok(Response::bytes("text/event-stream", words.collect::<String>()))
        })
        .start()
        .unwrap();
    let url = format!("http://{}/words", server.address());
    let request = StreamRequest::post(&url, "text/plain", "one two").unwrap();
    assert_eq!(data(EventSource::with(request)), ["one", "two"]);
    server.stop().unwrap();
}
