//! `tidings tail -`: an event stream from standard input.

use super::*;
use crate::support::process::run_fed;

#[test]
fn with_a_dash_the_stream_is_standard_input() {
    let stream = "\u{feff}id: 7\r\ndata: one\r\n\r\n: hi\n\nevent: x\ndata: two\n\n";
    let (stdout, stderr, status) = run_fed(&["tail", "-"], stream.as_bytes());
    assert_eq!(without_times(&stdout), ["message [7] one", "x [7] two"]);
    assert_eq!((&*stderr, status), ("", Some(0)));
    let (stdout, _, status) = run_fed(&["tail", "--json", "--event=x", "-"], stream.as_bytes());
    assert_eq!(stdout, "{\"event\":\"x\",\"data\":\"two\",\"id\":\"7\"}\n");
    assert_eq!(status, Some(0));
    let (stdout, _, status) = run_fed(&["tail", "-", "--count=1"], stream.as_bytes());
    assert_eq!((without_times(&stdout), status), (vec!["message [7] one"], Some(0)));
}

#[test]
fn what_lacks_its_blank_line_is_no_event_and_that_is_said() {
    let (stdout, stderr, status) = run_fed(&["tail", "-"], b"data: one\n\ndata: two\n");
    assert_eq!(without_times(&stdout), ["message one"]);
    let said = "tidings: standard input ends within an event, which is left out: a blank line \
                would end it\n";
    assert_eq!((&*stderr, status), (said, Some(0)));
    let (_, stderr, _) = run_fed(&["tail", "-", "--quiet"], b"data: two");
    assert_eq!(stderr, "");
    let (_, stderr, _) = run_fed(&["tail", "-"], b"data: one\n\n: a comment");
    assert_eq!(stderr, "");
}

#[test]
fn utf_16_is_refused() {
    let stream: Vec<u8> = "data: a\n\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (stdout, stderr, status) = run_fed(&["tail", "-"], &stream);
    assert_eq!(stderr, "tidings: standard input is UTF-16, and an event stream is UTF-8\n");
    assert_eq!((&*stdout, status), ("", Some(1)));
}

#[test]
fn an_event_past_its_bound_ends_it() {
    let stream = b"data: a\n\ndata: bcdefg\n\n";
    let (stdout, stderr, status) = run_fed(&["tail", "-", "--max-event=3"], stream);
    assert_eq!((without_times(&stdout), status), (vec!["message a"], Some(6)));
    assert!(stderr.contains("--max-event"), "{stderr}");
}

#[test]
fn what_is_about_a_connection_means_nothing_to_standard_input() {
    for option in ["--raw", "-Hx: y", "-dx", "--last-event-id=1", "--no-reconnect", "--silence=1"] {
        let (stdout, stderr, status) = run_fed(&["tail", "-", option], b"data: a\n\n");
        assert!(stderr.starts_with("tidings: standard input is no connection: "), "{stderr}");
        assert_eq!((&*stdout, status), ("", Some(2)));
    }
}

#[test]
fn nothing_that_can_not_be_seen_comes_through() {
    let event = [b"id: ", NASTY, b"\nevent: ", NASTY, b"\ndata: ", NASTY, b"\n\n"].concat();
    for mode in ["--json", "--quiet"] {
        let (stdout, _, _) = run_fed(&["tail", "-", mode], &event);
        assert!(stdout.contains("title"), "{stdout}");
        assert!(
            stdout.chars().all(|c| c == '\n' || c.is_ascii_graphic() || " \u{fffd}".contains(c))
        );
    }
    let (stdout, _, _) = run_fed(&["tail", "-"], "data: नमस्ते 👨\u{200d}👧\n\n".as_bytes());
    assert_eq!(without_times(&stdout), ["message नमस्ते 👨\u{200d}👧"]);
}

#[test]
fn with_few_columns_the_meanings_of_raw_bytes_stand_below_them() {
    let script = Script::responses([format!("{STREAM}data: one\n\n")]);
    let mut command = std::process::Command::new(crate::support::process::hub_path());
    command.args(["tail", "--raw", "--count=1", &script.url("/")]).env("COLUMNS", "40");
    let (stdout, _, _) = crate::support::process::run(&mut command, b"");
    assert!(stdout.contains("\n  data: one␊\n      data, a line of it\n"), "{stdout}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 40), "{stdout}");
}
