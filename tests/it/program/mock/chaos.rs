//! Chaos over real sockets: the same for the same seed, and harmless to a client that keeps to the standard.

use std::time::Duration;

use tidings::client::EventSource;
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
    let mock = Mock::start("sse", SCRIPT, &["--chaos", seed, "--speed=20", "--stall=1"]);
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
    let mut resets = 0;
    for seed in 0..25 {
        let (received, events) = run(&seed.to_string());
        assert_eq!(events[0].retry, Some(Duration::from_millis(10)));
        assert_eq!(seen(events), expected(), "seed {seed}");
        resets += received.iter().filter(|received| received.close == Close::Reset).count();
    }
    assert!(resets > 5, "{resets}");
}

/// What a client is to see: ids, types and data.
fn expected() -> Vec<[String; 3]> {
    let first = [
        ["1", "message", "größe 数 🦀"],
        ["2", "number", "a\n b"],
        ["3", "message", "hello"],
        ["4", "message", ""],
        ["5", "message", "{\"a\": \"🦀🦀🦀🦀\"}"],
    ];
    let rest = [("6", "f"), ("7", "g"), ("8", "h"), ("9", "i"), ("10", "j")];
    let rest = rest.map(|(id, data)| [id, "message", data]);
    first.into_iter().chain(rest).map(|event| event.map(str::to_owned)).collect()
}

fn seen(events: impl IntoIterator<Item = MessageEvent>) -> Vec<[String; 3]> {
    let events = events.into_iter();
    events.map(|event| [event.last_event_id, event.event_type, event.data]).collect()
}

#[test]
fn our_own_client_sees_every_event_once_and_gets_a_good_card() {
    for seed in 100..112 {
        let chaos = format!("--chaos={seed}");
        let mut mock =
            Mock::start("sse", SCRIPT, &[&chaos, "--speed=20", "--stall=1", "--until-eof"]);
        let url = format!("http://{}/events", mock.address());
        let source = EventSource::new(&url).unwrap();
        // Until an error says that this is no event stream, or a 204 that there is no more.
        let events: Vec<_> =
            source.reconnection_time(Duration::from_millis(10)).map_while(Result::ok).collect();
        assert_eq!(seen(events), expected(), "seed {seed}");
        std::thread::sleep(Duration::from_millis(50));
        drop(mock.process.child().stdin.take());
        let said = mock.said();
        assert!(said.len() > 7 && said.iter().all(|line| !line.contains(" NO ")), "{said:?}");
    }
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
    let printed = || {
        let cassette = print("sse", SCRIPT, &["--chaos=7"]);
        // Its script is a new file each time.
        let about = cassette.iter().position(|&byte| byte == b'\n').expect("a line") + 1;
        let rest = cassette[about..].iter().position(|&byte| byte == b'\n').expect("a line");
        cassette[about + rest..].escape_ascii().to_string()
    };
    assert_eq!(printed(), printed());
}

#[test]
fn heads_and_the_sizes_of_chunks_are_cut_as_well() {
    let (mut in_head, mut in_size) = (0, 0);
    for seed in 0..200 {
        let chaos = format!("--chaos={seed}");
        let mock = Mock::start("sse", SCRIPT, &[&chaos, "--speed=20", "--stall=1"]);
        let mut socket = mock.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut received = Received { bytes: Vec::new(), close: Close::Closed };
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = socket.read(&mut buffer) {
            received.bytes.extend_from_slice(&buffer[..length]);
            let Some(head) = received.bytes.windows(4).position(|end| end == b"\r\n\r\n") else {
                in_head += 1;
                continue;
            };
            // After all chunks there is one that has begun and whose size has not ended.
            let chunks = received.chunks().0;
            let whole: usize = chunks
                .iter()
                .map(|chunk| format!("{:x}", chunk.len()).len() + chunk.len() + 4)
                .sum();
            let rest = &received.bytes[head + 4 + whole..];
            in_size += usize::from(!rest.is_empty() && !rest.contains(&b'\n'));
        }
        if in_head > 1 && in_size > 1 {
            return;
        }
    }
    panic!("{in_head} heads and {in_size} sizes");
}

#[test]
fn some_seed_stalls_and_only_a_deadline_for_silence_ends_that() {
    let stalls = |chaos: &String| {
        let cassette = print("sse", SCRIPT, &[chaos]);
        cassette.windows(7).filter(|bytes| bytes == b" stall\n").count()
    };
    let seeds = (0..100).map(|seed| format!("--chaos={seed}"));
    let chaos = seeds.into_iter().find(|chaos| stalls(chaos) > 0).expect("some seed");
    assert_eq!(stalls(&chaos), 1);
    for (silence, limit, said) in [
        // What stalls for two minutes, at this speed, is left long before; and what is over soon
        // is not.
        (Duration::from_millis(500), "--stall=2400", " yes  after "),
        (Duration::from_secs(60), "--stall=4", " -    it stayed for "),
    ] {
        let options = [&*chaos, "--speed=20", limit, "--until-eof"];
        let mut mock = Mock::start("sse", SCRIPT, &options);
        let source = EventSource::new(&format!("http://{}/events", mock.address())).unwrap();
        let source = source.reconnection_time(Duration::from_millis(10)).silence(silence);
        assert_eq!(seen(source.map_while(Result::ok)), expected(), "{chaos}");
        drop(mock.process.child().stdin.take());
        let lines = mock.said();
        let row = lines.iter().find(|line| line.starts_with("  leaves a stalled stream"));
        assert!(row.expect("a row").contains(said), "{lines:?}");
    }
}
