//! Cassettes over real sockets: true to the chunk, to the time, and to how it ended.

use std::time::{Duration, Instant};

use super::*;
use crate::support::process::run_hub;

const CASSETTE: &[u8] = b": tidings cassette 1\n\
    : about a test\n\
    : open +0ms 200 text/event-stream\n\
    : bom\n\
    : part +10ms 2\n\
    : read +10ms 11\n\
    data: a\r\n\n\
    : part +200ms 7\n\
    : part +0ms 4\n\
    : part +0ms 5\n\
    : read +0ms 15\n\
    id: 1\r\ndata:\xc3\xa9\n\r\
    : read +1ms 3\n\n\
    : part +0ms 8\n\
    : rest data: \\xf0\\x9f\n\
    : end +0ms reset\n\
    : open +0ms 307 text/html\n\
    : location /there\n\
    : part +0ms 3\n\
    : rest <p>\n\
    : end +0ms close\n\
    : open +0ms\n\
    : end +0ms cut\n";

/// The chunks that are on it, connection by connection.
const CHUNKS: [&[u8]; 7] = [
    b"\xef\xbb",
    b"\xbfdata: a\r\n\n",
    b"id: 1\r\n",
    b"data",
    b":\xc3\xa9\n\r",
    b": read +1ms 3\n\n",
    b"data: \xf0\x9f",
];

#[test]
fn a_cassette_is_played_back_true_to_the_chunk() {
    let mock = Mock::start("sse", CASSETTE, &[]);
    let begun = Instant::now();
    let first = mock.get("");
    assert!(begun.elapsed() >= Duration::from_millis(220), "{:?}", begun.elapsed());
    assert_eq!(first.split().0, HEAD);
    assert_eq!(
        (first.chunks(), first.close),
        ((CHUNKS.map(Vec::from).to_vec(), false), Close::Reset)
    );
    let second = mock.get("1");
    let moved =
        "HTTP/1.1 307 Temporary Redirect\r\nContent-Type: text/html\r\nLocation: /there\r\n";
    assert!(second.text().starts_with(moved), "{}", second.text());
    assert!(second.text().ends_with("\r\n\r\n3\r\n<p>\r\n0\r\n\r\n"));
    mock.get("1").assert("", "", Close::Closed);
}

#[test]
fn a_recording_that_was_broken_off_is_played_as_far_as_it_goes_and_cut() {
    let whole = ": tidings cassette 1\n: open +0ms 200 text/event-stream\n: read +0ms 3\n:a\n";
    let why = "the file ends within this, so it is left out: \
        was the recording broken off, or the file edited?";
    for (torn, said) in [("", None), (": read +0ms 9\ndata: b", Some(5)), (": end +0", Some(5))] {
        let cassette = format!("{whole}{torn}");
        let received = Mock::start("sse", &cassette, &[]).get("");
        assert_eq!(received.chunks(), (vec![b":a\n".to_vec()], false), "{torn:?}");
        assert_eq!(received.close, Close::Closed, "{torn:?}");
        let script = file("sse", &cassette);
        let path = script.0.display().to_string();
        let (_, stderr, status) = run_hub(&["mock", "--print", &path]);
        let said = said.map(|line| format!("tidings: {path}:{line}: {why}\n"));
        assert_eq!((stderr, status), (said.unwrap_or_default(), Some(0)), "{torn:?}");
    }
}

#[test]
fn a_cassette_can_be_played_faster() {
    let slow = ": tidings cassette 1\n: open +1m 200 text/event-stream\n: read +1m 3\n:a\n";
    let mock = Mock::start("sse", slow, &["--speed=1000"]);
    let begun = Instant::now();
    assert_eq!(mock.get("").content(), b":a\n");
    let taken = begun.elapsed();
    assert!((Duration::from_millis(120)..Duration::from_secs(60)).contains(&taken), "{taken:?}");
}

#[test]
fn a_cassette_that_is_printed_again_is_the_same() {
    let printed = print("cassette.sse", CASSETTE, &[]);
    let again = print("cassette.sse", &printed, &[]);
    let without_name = |cassette: &[u8]| {
        let lines = cassette.split(|&byte| byte == b'\n');
        let lines: Vec<_> = lines.filter(|line| !line.starts_with(b": about ")).collect();
        lines.join(&b'\n').escape_ascii().to_string()
    };
    assert_eq!(without_name(&again), without_name(&printed));
    assert_eq!(without_name(&printed), without_name(CASSETTE));
}

#[test]
fn what_a_seed_makes_of_a_script_can_be_kept_and_played_without_the_seed() {
    let script = "id: 1\ndata: größe\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\nid: 4\ndata: d\n\n";
    for seed in 0..10 {
        let chaos = format!("--chaos={seed}");
        let kept = print("sse", script, &[&chaos]);
        let with_seed = Mock::start("sse", script, &[&chaos, "--speed=100", "--stall=1"]);
        let from_tape = Mock::start("sse", &kept, &["--speed=100", "--stall=1"]);
        let opens = kept.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b": open"));
        for _ in opens {
            let [expected, seen] = [&with_seed, &from_tape].map(|mock| mock.get(""));
            assert_eq!(
                seen.bytes.escape_ascii().to_string(),
                expected.bytes.escape_ascii().to_string()
            );
            assert_eq!(seen.close, expected.close);
        }
    }
}
