//! How bodies come: in chunks, with a length, until the connection ends; and in any pieces.

use super::*;
use crate::support::memory::{Memory, Reads};
use crate::support::script::{NO_MORE, STREAM};

/// A stream in chunks, with what a proxy may add: interim answers, extensions, trailers.
const WHOLE: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
    HTTP/1.1 200 OK\r\n\
    Content-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\n\
    \r\n\
    7;a=\"b\"\r\nid: 1\r\n\r\n\
    00f\r\ndata: \u{1f5de}\r\ndat\r\n\
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
    let script = Script::answers([&*format!("{head}data: a\n\ndata: b\n\n"), NO_MORE]);
    let mut source = source(&script);
    opened(&mut source);
    assert_eq!(event(&mut source).data, "a");
    assert!(lost(&mut source).0.close_reason().is_some());
}

#[test]
fn http_1_0_ends_with_the_connection() {
    let answer = STREAM.replace("1.1", "1.0") + "data: a\n\n";
    let script = Script::answers([&*answer, NO_MORE]);
    assert_eq!(data(source(&script)), ["a"]);
}

#[test]
fn a_stream_of_no_length_is_no_stream_for_long() {
    let head = STREAM.replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n");
    let script = Script::answers([&*head, NO_MORE]);
    let mut source = source(&script);
    opened(&mut source);
    assert!(lost(&mut source).0.close_reason().is_some());
}

#[test]
fn chunks_that_break_the_rules_lose_the_connection_and_nothing_before_them() {
    for chunks in ["9\r\ndata: a\n\nX", "9\r\ndata: a\n\n\r\nx\r\n", "9\r\ndata: a\n\n\r\n0\r\n\n"]
    {
        let head = STREAM.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
        let script = Script::answers([&*(head + chunks), NO_MORE]);
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
    let script = Script::answers([&*format!("{STREAM}{many}"), NO_MORE]);
    let expected: Vec<_> = (0..2000).map(|n| n.to_string()).collect();
    assert_eq!(data(source(&script)), expected);
}
