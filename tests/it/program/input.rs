//! Standard input as a source of events, and as the end of the hub.

use std::io::Write;
use std::process::ChildStdin;

use super::super::support::http::get;
use super::super::support::stream::{End, EventStream};
use super::super::support::until;
use super::*;

fn stdin(hub: &mut Process) -> ChildStdin {
    hub.child().stdin.take().expect("it is piped")
}

#[test]
fn each_line_of_standard_input_is_an_event() {
    let mut hub = hub(&["--stdin=lines"]);
    let mut input = stdin(&mut hub);
    let mut stream = EventStream::open(hub.address(), "/events/lines");
    input.write_all(b"one\n\ntwo \xFF\r\nthree").unwrap();
    drop(input);
    for expected in ["one", "", "two \u{FFFD}", "three"] {
        assert_eq!(stream.data(), expected);
    }
}

#[test]
fn the_end_of_standard_input_changes_nothing_unless_it_is_asked_to() {
    let mut hub = hub(&["--stdin=lines"]);
    let mut stream = EventStream::open(hub.address(), "/events/lines");
    stdin(&mut hub).write_all(b"the last line\n").unwrap();
    assert_eq!(stream.data(), "the last line");
    publish(&hub, "/events/lines", "still there");
    assert_eq!(stream.data(), "still there");
}

#[test]
fn until_eof_ends_streams_cleanly_after_the_last_line() {
    let mut hub = hub(&["--stdin=lines", "--until-eof"]);
    let mut stream = EventStream::open(hub.address(), "/events/lines");
    let mut input = stdin(&mut hub);
    input.write_all(b"a line\n").unwrap();
    assert_eq!(stream.data(), "a line");
    input.write_all(b"the last line").unwrap();
    drop(input);
    assert_eq!(stream.data(), "the last line");
    assert_eq!(stream.end(), End::Whole);
    assert_eq!(hub.ended(), Some(0));
    let said = "tidings: standard input has ended (--until-eof): the hub stops";
    assert_eq!(hub.stderr(), [said]);
}

#[test]
fn until_eof_needs_no_channel() {
    let mut hub = hub(&["--until-eof"]);
    let mut input = stdin(&mut hub);
    input.write_all(b"nobody reads this\n").unwrap();
    assert_eq!(get(hub.address(), "/health").status, 200);
    drop(input);
    assert_eq!(hub.ended(), Some(0));
}

#[test]
fn a_line_past_the_bound_is_left_out_and_told() {
    for (arguments, longest) in [(&[][..], 1024 * 1024), (&["--max-body=5"], 5)] {
        let mut hub = hub(&[&["--stdin=lines"], arguments].concat());
        let mut input = stdin(&mut hub);
        let mut stream = EventStream::open(hub.address(), "/events/lines");
        input.write_all(&vec![b'x'; longest + 1]).unwrap();
        input.write_all(b"\nshort\n").unwrap();
        assert_eq!(stream.data(), "short");
        let told =
            format!("tidings: a line was left out: it is over {longest} bytes long (--max-body)");
        until("the line on standard error", || hub.stderr() == [&*told]);
    }
}

#[test]
fn a_line_that_makes_too_large_an_event_is_left_out_and_told() {
    let mut hub = hub(&["--stdin=lines", "--max-event=20"]);
    let mut input = stdin(&mut hub);
    let mut stream = EventStream::open(hub.address(), "/events/lines");
    input.write_all(b"1234567890123\n123456789012\n").unwrap();
    assert_eq!(stream.data(), "123456789012");
    let told = "tidings: a line was left out: the event is too large: it takes 21 bytes as it is \
                sent, and may take 20 (--max-event)";
    until("the line on standard error", || hub.stderr() == [told]);
}
