//! What a server can't make grow.

use super::*;
use crate::support::script::{NO_MORE, STREAM};

#[test]
fn a_line_past_its_bound_fails_it_for_good_and_keeps_the_events_before() {
    for long in ["data: 6789\n\n", ": 3456789x", "data: 6789x"] {
        let script = Script::responses([format!("{STREAM}data: a\n\n{long}")]);
        let (before, error) = failure(source(&script).max_line(9));
        assert_eq!(before, ["a"]);
        assert!(error.is_invalid());
        assert_eq!(error.to_string(), "a line of the event stream is longer than 9 bytes");
    }
}

#[test]
fn an_event_past_its_bound_fails_it_for_good_and_keeps_the_events_before() {
    let script = Script::responses([format!("{STREAM}data: abcd\n\ndata: ab\ndata: cd\n\n")]);
    let (before, error) = failure(source(&script).max_event(4));
    assert_eq!(before, ["abcd"]);
    assert!(error.is_invalid());
    assert_eq!(error.to_string(), "the data of an event is longer than 4 bytes");
}

#[test]
fn a_line_without_an_end_is_not_kept_past_its_bound() {
    // More than the test would live to see the end of, if the bound did not hold.
    let script = Script::responses([format!("{STREAM}data: {}", "x".repeat(1024 * 1024))]);
    let (_, error) = failure(source(&script).max_line(64 * 1024));
    assert_eq!(error.to_string(), "a line of the event stream is longer than 65536 bytes");
}

#[test]
fn a_head_past_its_bound_is_a_bad_response() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(2000));
    let script = Script::responses([&*long, &long.repeat(100), NO_MORE]);
    let mut source = source(&script).max_head(1000);
    for _ in 0..2 {
        let (error, _) = lost(&mut source);
        assert!(error.is_bad_response());
        assert!(error.to_string().contains("longer than this client accepts"), "{error}");
    }
    assert!(matches!(update(&mut source), Update::Stopped));
}

#[test]
fn interim_responses_without_end_are_a_bad_response() {
    let script = Script::responses(["HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000)]);
    let (_, error) = failure(source(&script).give_up_after(1));
    assert!(error.to_string().contains("longer than this client accepts"), "{error}");
}
