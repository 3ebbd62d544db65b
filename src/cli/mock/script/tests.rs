//! Scripts to steps, and what is told of one that is wrong.

use std::time::Duration;

use tidings::Status;

use super::super::step::{Ending, Head};
use super::*;

fn bytes(text: &str) -> Step {
    Step::Bytes(text.into())
}

fn wait(millis: u64) -> Step {
    Step::Wait(Duration::from_millis(millis))
}

#[track_caller]
fn wrong(script: &str) -> String {
    let Flaw { line, what } = parse(script.as_bytes()).expect_err("it is wrong");
    format!("{line}: {what}")
}

#[test]
fn a_stream_without_directives_goes_out_as_it_is_a_block_a_chunk() {
    let stream = "\u{feff}: hi\r\ndata: a\r\n\r\nid: 1\rdata\r\r\ndata: unfinished";
    let expected = [
        bytes("\u{feff}"),
        bytes(": hi\r\ndata: a\r\n\r\n"),
        Step::Flush,
        bytes("id: 1\rdata\r\r\n"),
        Step::Flush,
        bytes("data: unfinished"),
    ];
    assert_eq!(parse(stream.as_bytes()).as_deref(), Ok(&expected[..]));
    let not_text = b": \xff\ndata: \xff\n";
    assert_eq!(parse(not_text).as_deref(), Ok(&[Step::Bytes(not_text.to_vec())][..]));
}

#[test]
fn a_directive_is_done_and_not_sent() {
    let script =
        "data: a\n: wait 200ms\ndata: b\n\n:flush\n: cut\n: reset\r\n: stall\r: close\n: end";
    let expected = [
        bytes("data: a\n"),
        wait(200),
        bytes("data: b\n\n"),
        Step::Flush,
        Step::Flush,
        Step::End(Ending::Cut),
        Step::End(Ending::Reset),
        Step::End(Ending::Stall),
        Step::End(Ending::Close),
        Step::End(Ending::Finish),
    ];
    assert_eq!(parse(script.as_bytes()).as_deref(), Ok(&expected[..]));
    let first = parse("\u{feff}: wait 1s\ndata\n".as_bytes());
    assert_eq!(first.as_deref(), Ok(&[wait(1000), bytes("data\n")][..]));
}

#[test]
fn a_status_is_a_response_of_its_own() {
    let script = b": status 503\n: status 307 /there\n: no-content\n: status 204\n: type text/html";
    let head = |code, location: Option<&str>| {
        Step::Head(Head {
            status: Status::new(code).unwrap(),
            content_type: "text/plain".into(),
            location: location.map(Into::into),
        })
    };
    let close = || Step::End(Ending::Close);
    let expected = [
        head(503, None),
        bytes("503 Service Unavailable\n"),
        close(),
        head(307, Some("/there")),
        bytes("307 Temporary Redirect\n"),
        close(),
        Step::Head(Head::no_content()),
        close(),
        Step::Head(Head::no_content()),
        close(),
        Step::Head(Head::stream("text/html")),
    ];
    assert_eq!(parse(script).as_deref(), Ok(&expected[..]));
}

#[test]
fn a_directive_has_any_white_space_around_it() {
    for script in [":  wait 5s", ": wait\t5s", ":\twait  5s \n", ":wait 5s"] {
        assert_eq!(parse(script.as_bytes()).as_deref(), Ok(&[wait(5000)][..]), "{script:?}");
    }
    for script in [": WAIT 5s", ": Wait\t5s", ": no-Content", ": CLOES"] {
        assert!(wrong(script).contains("did you mean"), "{script:?}");
    }
}

#[test]
fn a_byte_order_mark_is_not_repeated() {
    let steps = parse("\u{feff}data: a\n\n: repeat 2".as_bytes());
    let once = [bytes("data: a\n\n"), Step::Flush];
    assert_eq!(steps.as_deref(), Ok(&[&[bytes("\u{feff}")], &once[..], &once].concat()[..]));
}

#[test]
fn a_repeat_is_as_if_its_lines_stood_there_so_many_times() {
    let steps = |script: &str| parse(script.as_bytes()).expect("a script");
    let section = "data: a\n\n: wait 1s\n:\n: close\n";
    for times in [1, 2, 5] {
        let repeated = format!("{section}: repeat {times}\n: flush\ndata: b\n\n: repeat 2");
        let written_out = format!("{}: flush\ndata: b\n\n", section.repeat(times));
        let last_again = ": flush\ndata: b\n\n";
        assert_eq!(steps(&repeated), steps(&(written_out + last_again)), "{times}");
    }
    // What follows is not repeated with it, though it goes out in the same chunk.
    let expected = [bytes(":\n"), bytes(":\n"), bytes("data\n\n"), Step::Flush];
    assert_eq!(steps(":\n: repeat 2\ndata\n\n: repeat 1"), expected);
    let endless = [bytes("data: a\n\n"), Step::Flush, Step::Forever, bytes(":\n")];
    assert_eq!(steps("data: a\n\n: repeat 1\n:\n: repeat\n\n"), endless);
}

#[test]
fn a_script_that_takes_too_much_when_unrolled_is_refused() {
    let most = |section: &str| {
        let size: usize = parse(section.as_bytes()).expect("a script").iter().map(size).sum();
        LARGEST / size
    };
    for section in [":\n", "data: a\n\n", &format!("data: {}\n\n", "x".repeat(1_000_000))] {
        let repeated = |times: usize| format!("{section}: repeat {times}");
        parse(repeated(most(section)).as_bytes()).expect("it fits");
        for times in [most(section) + 1, u32::MAX as usize] {
            let lines = section.lines().count() + 1;
            let said = format!(
                "{lines}: repeated {times} times, the script takes more than 16 MiB: give a \
                 smaller number, or none to repeat this for ever at the end of the script"
            );
            assert_eq!(wrong(&repeated(times)), said);
        }
    }
    // All repeats together count; a script that is as long without them is nobody's trap.
    let third = format!("data: a\n\n: repeat {}\n", most("data: a\n\n") * 2 / 5);
    parse(third.repeat(2).as_bytes()).expect("it fits");
    assert!(wrong(&third.repeat(3)).starts_with("9: repeated "));
    let long = format!("data: {}\n\n: repeat 1\n", "x".repeat(LARGEST));
    parse(long.as_bytes()).expect("a script");
}

#[test]
fn other_comments_are_sent() {
    for comment in [":", ": ", ": # wait for it", ":  # wait", ": ping", ": keep-alive", ": ok"] {
        let line = format!("{comment}\n");
        assert_eq!(parse(line.as_bytes()).as_deref(), Ok(&[bytes(&line)][..]));
    }
}

#[test]
fn a_directive_that_can_not_be_obeyed_is_told_with_its_line() {
    let known = "close, cut, end, flush, no-content, repeat, reset, stall, status, type, wait";
    assert_eq!(
        wrong("data: a\n\n: wiat 200ms\n"),
        format!(
            "3: unknown directive 'wiat': did you mean wait? Known are {known}; a comment to be \
             sent can begin with '#'"
        ),
    );
    for (script, said) in [
        (
            ": wait for it",
            "1: wait takes a duration such as 200ms, 1.5s or 2m, and not \"for it\"; a comment to \
             be sent can begin with '#': ': # wait for it'",
        ),
        (
            "\r\n: end of it",
            "2: end takes nothing, and was given \"of it\"; a comment to be sent can begin with \
             '#': ': # end of it'",
        ),
        (
            ": status 200",
            "1: status takes a status from 201 to 599, and not \"200\"; a comment to be sent can \
             begin with '#': ': # status 200'",
        ),
        (
            "\r: type",
            "2: type takes a content type such as text/html, and not \"\"; a comment to be sent \
             can begin with '#': ': # type'",
        ),
        (
            ": status 503 Service Unavailable",
            "1: status takes a status alone, or 301, 302, 303, 307 or 308 and a location, and not \
             \"503 Service Unavailable\"; a comment to be sent can begin \
             with '#': ': # status 503 Service Unavailable'",
        ),
        (":\n: repeat\n\n: close", "4: 'repeat' without a number never comes to an end"),
        (": wait 1s\n: repeat 3", "2: there is nothing to repeat"),
        (":\n: repeat 3\n: repeat", "3: there is nothing to repeat"),
        (
            "data\n:\n: repeat 3",
            "3: a blank line must come before 'repeat', as an event is unfinished",
        ),
    ] {
        assert_eq!(wrong(script), said);
    }
    for script in [": repeat 0", ": repeat -1", ": type t\u{e9}", ": status 99", ": wait"] {
        wrong(&format!("data\n{script}"));
    }
}

#[test]
fn directives_are_in_order_and_each_is_told_about() {
    assert!(DIRECTIVES.is_sorted_by(|a, b| a.name < b.name));
    assert!(DIRECTIVES.iter().all(|directive| !directive.doc.is_empty()));
}
