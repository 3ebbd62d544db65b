//! How bodies come: in chunks, with a length, until the connection ends; and in any pieces.

use std::io::ErrorKind;
use std::process::Command;

use super::*;
use crate::support::memory::{Memory, Reads};
use crate::support::script::{NO_MORE, STREAM};

/// A stream in chunks, with what a proxy may add: interim responses, extensions, trailers; and with
/// what embedded servers write: line ends of LF, padded sizes, and what is told twice.
const WHOLE: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
    HTTP/1.1 200 OK\n\
    Server : embedded\r\n\
    Content-Type: text/event-stream, text/event-stream\r\n\
    Transfer-Encoding: chunked\n\
    Transfer-Encoding: chunked\r\n\
    \n\
    7;a=\"b\"\r\nid: 1\r\n\r\n\
    00f \t\r\ndata: \u{1f5de}\r\ndat\r\n\
    6\r\na: b\n\r\r\n\
    0\r\nTrailer: x\r\n\r\n";

fn connections(reads: Reads) -> Memory {
    Memory::new([reads, vec![NO_MORE.into()]])
}

#[track_caller]
fn assert_whole(reads: Reads, why: &str) {
    let mut source = at("http://h/").transport(connections(reads));
    opened(&mut source);
    let event = event(&mut source);
    assert_eq!((&*event.data, &*event.last_event_id), ("\u{1f5de}\nb", "1"), "{why}");
    let (error, _) = lost(&mut source);
    assert_eq!(error.close_reason(), Some(tidings::CloseReason::Server), "{why}");
}

#[test]
fn wherever_a_stream_is_split_the_events_are_the_same() {
    let bytes = WHOLE.as_bytes();
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let reads = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            let reads = reads.iter().filter(|read| !read.is_empty()).map(|read| read.to_vec());
            assert_whole(reads.collect(), &format!("split at {first} and {second}"));
        }
    }
    assert_whole(bytes.iter().map(|&byte| vec![byte]).collect(), "byte by byte");
}

#[test]
fn a_stream_in_chunks_that_is_cut_anywhere_is_told_from_one_that_has_ended() {
    let bytes = WHOLE.as_bytes();
    for end in 1..bytes.len() {
        let mut source = at("http://h/").transport(connections(vec![bytes[..end].to_vec()]));
        let error = loop {
            if let Update::Lost { error, .. } = update(&mut source) {
                break error;
            }
        };
        assert_eq!(error.close_reason(), None, "cut at {end}");
        assert!(error.to_string().contains("the connection was cut"), "{error}");
    }
}

#[test]
fn a_body_ends_at_its_length_though_the_connection_goes_on() {
    let head = STREAM.replace("\r\n\r\n", "\r\nContent-Length: 9\r\n\r\n");
    let script = Script::responses([&*format!("{head}data: a\n\ndata: b\n\n"), NO_MORE]);
    let mut source = source(&script);
    opened(&mut source);
    assert_eq!(event(&mut source).data, "a");
    assert!(lost(&mut source).0.close_reason().is_some());
}

#[test]
fn http_1_0_ends_with_the_connection() {
    let response = STREAM.replace("1.1", "1.0") + "data: a\n\n";
    let script = Script::responses([&*response, NO_MORE]);
    assert_eq!(data(source(&script)), ["a"]);
}

#[test]
fn a_stream_of_no_length_is_no_stream_for_long() {
    let head = STREAM.replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n");
    let script = Script::responses([&*head, NO_MORE]);
    let mut source = source(&script);
    opened(&mut source);
    assert!(lost(&mut source).0.close_reason().is_some());
}

#[test]
fn chunks_that_break_the_rules_lose_the_connection_and_nothing_before_them() {
    for chunks in ["9\r\ndata: a\n\nX", "9\r\ndata: a\n\n\r\nx\r\n", "9\r\ndata: a\n\n\r\n0\r\n\n"]
    {
        let head = STREAM.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
        let script = Script::responses([&*(head + chunks), NO_MORE]);
        let mut source = source(&script);
        opened(&mut source);
        assert_eq!(event(&mut source).data, "a");
        let (error, _) = lost(&mut source);
        assert!(error.is_bad_response() && error.to_string().contains("section 7.1"), "{error}");
    }
}

#[test]
fn a_burst_of_many_events_in_one_read_is_given_one_by_one() {
    let many: String = (0..2000).map(|n| format!("id: {n}\ndata: {n}\n\n")).collect();
    let script = Script::responses([&*format!("{STREAM}{many}"), NO_MORE]);
    let expected: Vec<_> = (0..2000).map(|n| n.to_string()).collect();
    assert_eq!(data(source(&script)), expected);
}

/// What curl takes as well, each with the event `a`.
const TAKEN: [(&str, &str); 8] = [
    ("lines end in LF", "HTTP/1.1 200 OK\nContent-Type: text/event-stream\n\n"),
    ("both line ends", "HTTP/1.1 200 OK\nContent-Type: text/event-stream\r\n\n"),
    ("a fold behind LF", "HTTP/1.1 200 OK\nContent-Type:\n text/event-stream\n\n"),
    (
        "the type twice",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
        Content-Type: text/event-stream\r\n\r\n",
    ),
    (
        "the type in a list",
        "HTTP/1.1 200 OK\r\n\
        Content-Type: text/event-stream, text/event-stream\r\n\r\n",
    ),
    (
        "a blank before a colon",
        "HTTP/1.1 200 OK\r\nServer : x\r\n\
        Content-Type: text/event-stream\r\n\r\n",
    ),
    (
        "a padded size",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
        Transfer-Encoding: chunked\r\n\r\n",
    ),
    (
        "chunked twice",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
        Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
];

fn with_body(head: &str) -> String {
    let chunks = "9  \r\ndata: a\n\n\r\n0 \r\n\r\n";
    format!("{head}{}", if head.contains("chunked") { chunks } else { "data: a\n\n" })
}

#[test]
fn row_46_what_curl_takes_is_taken() {
    for (what, head) in TAKEN {
        let script = Script::responses([&*with_body(head), NO_MORE]);
        assert_eq!(data(source(&script)), ["a"], "{what}");
    }
}

/// The list above is what curl does, and not what somebody remembers of it. Where there is no curl
/// there is nothing to compare with.
#[test]
fn row_46_curl_takes_the_same() {
    for (what, head) in TAKEN {
        let script = Script::responses([with_body(head)]);
        let curl = Command::new("curl")
            .args(["-sSN", "--noproxy", "*", "--max-time", "20", &script.url("/")])
            .output();
        let output = match curl {
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            run => run.expect("curl runs"),
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((&*output.stdout, &*said), (&b"data: a\n\n"[..], ""), "{what}");
    }
}

#[test]
fn row_46_what_two_readers_would_read_in_two_ways_is_refused() {
    let head = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
    let stream = "Content-Type: text/event-stream\r\n";
    for (fields, rule) in [
        ("Content-Type: text/event-stream\r\nContent-Type: text/html\r\n", "but text/html"),
        ("Content-Type : text/event-stream\r\n", "no white space"),
        (&format!("{stream}Transfer-Encoding : chunked\r\n"), "no white space"),
        (&format!("{stream}Content-Length: 9\r\nContent-Length: 10\r\n"), "Content-Length"),
        (&format!("{stream}Transfer-Encoding: chunked;q=1\r\n"), "no parameters"),
        (&format!("{stream}X: a\rb\r\n"), "no control byte"),
    ] {
        let script = Script::responses([head(fields) + "data: a\n\n", NO_MORE.into()]);
        let (data, error) = failure(source(&script).reconnects(false));
        assert!(data.is_empty() && error.to_string().contains(rule), "{fields}: {error}");
    }
}
