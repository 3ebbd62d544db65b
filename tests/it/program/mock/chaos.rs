//! Chaos over real sockets: the same for the same seed, and harmless to who keeps to the standard.

use tidings::{MessageEvent, Parser};

use super::*;

const SCRIPT: &str = "retry: 10\nid: 1\ndata: größe 数 🦀\n\n\
    id: 2\nevent: number\ndata: a\ndata:  b\n\n\
    : wait 20ms\n\
    id: 3\ndata: hel\n: cut\nid: 3\ndata: hello\n\n\
    id: 4\ndata\n\n\
    id: 5\ndata: {\"a\": \"🦀🦀🦀🦀\"}\n\n\
    id: 6\ndata: f\n\nid: 7\ndata: g\n\nid: 8\ndata: h\n\nid: 9\ndata: i\n\nid: 10\ndata: j\n\n";

/// A run of a client that keeps to the standard: all that it received, and all events.
fn run(seed: &str) -> (Vec<Received>, Vec<MessageEvent>) {
    let mock = Mock::start("sse", SCRIPT, &["--chaos", seed, "--speed=20"]);
    let mut parser = Parser::new();
    let mut all = Vec::new();
    loop {
        assert!(all.len() < 100, "it is never told to stop");
        parser.start_over();
        let received = mock.get(parser.last_event_id());
        let head = (!received.bytes.is_empty()).then(|| received.split().0);
        let is_stream = head.is_none_or(|head| {
            let content_type = head.to_lowercase();
            let types = ["text/event-stream\r", "text/event-stream;"];
            head.starts_with("HTTP/1.1 200 ")
                && types.iter().any(|of| content_type.contains(&format!("content-type: {of}")))
        });
        if is_stream && head.is_some() {
            parser.feed(&received.content()).expect("short lines");
        }
        all.push(received);
        if !is_stream {
            return (all, parser.drain().collect());
        }
    }
}

#[test]
fn a_client_that_keeps_to_the_standard_sees_every_event_once() {
    let event = |id: &str, event_type: &str, data: &str| {
        (id.to_owned(), event_type.to_owned(), data.to_owned())
    };
    let mut expected = vec![
        event("1", "message", "größe 数 🦀"),
        event("2", "number", "a\n b"),
        event("3", "message", "hello"),
        event("4", "message", ""),
        event("5", "message", "{\"a\": \"🦀🦀🦀🦀\"}"),
    ];
    let rest = ["f", "g", "h", "i", "j"];
    expected.extend((6..).zip(rest).map(|(id, data)| event(&format!("{id}"), "message", data)));
    let mut resets = 0;
    for seed in 0..25 {
        let (received, events) = run(&seed.to_string());
        assert_eq!(events[0].retry, Some(std::time::Duration::from_millis(10)));
        let events =
            events.into_iter().map(|event| (event.last_event_id, event.event_type, event.data));
        assert_eq!(events.collect::<Vec<_>>(), expected, "seed {seed}");
        resets += received.iter().filter(|received| received.close == Close::Reset).count();
    }
    assert!(resets > 5, "{resets}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_every_connection() {
    for seed in ["3", "7", "4294967295"] {
        let (first, _) = run(seed);
        let (second, _) = run(seed);
        assert_eq!(first, second, "seed {seed}");
        assert!(first.len() > 2);
    }
    assert_ne!(run("8").0, run("9").0);
    assert_eq!(
        print("sse", SCRIPT, &["--chaos=7"]).len(),
        print("sse", SCRIPT, &["--chaos=7"]).len()
    );
}
