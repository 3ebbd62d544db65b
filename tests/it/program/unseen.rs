//! What a server sends that can't be seen, in whatever place: no command writes it out as it is.

use super::super::support::process::run_hub;
use super::super::support::script::{STREAM, Script};
use super::*;

/// Turns text around, is a tag, a filler, an invisible sign and a command to the terminal.
const PLANTED: &str = "x\u{202e}\u{e0041}\u{3164}\u{2062}\u{9b}2Jy";

/// Responses with this in each place that a message may quote.
fn responses() -> Vec<String> {
    vec![
        format!("HTTP/1.1 403 {PLANTED}\r\nContent-Length: 0\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/{PLANTED}\r\n\r\n"),
        format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/{PLANTED}\r\n\r\n"),
        format!("HTTP/1.1 302 Found\r\nLocation: http://{PLANTED}/\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\n{PLANTED}: {PLANTED}\r\n\r\n"),
        format!("{PLANTED}\r\n\r\n"),
        format!("{STREAM}id: {PLANTED}\nevent: {PLANTED}\ndata: {PLANTED}\n\n"),
    ]
}

#[track_caller]
fn assert_seen(text: &str, what: &str) {
    let unseen = |c: char| c.is_control() && c != '\n' || PLANTED[1..].contains(c) && !c.is_ascii();
    assert!(!text.contains(unseen), "{what}: {}", text.escape_debug());
}

#[test]
fn nothing_unseen_of_a_server_comes_out_of_any_command() {
    for response in responses() {
        for command in [
            &["tail", "--no-reconnect"][..],
            &["tail", "--no-reconnect", "--json"],
            &["tail", "--no-reconnect", "--raw"],
            &["bench", "--listen-only", "--streams=1", "--duration=100ms", "--drain=100ms"],
            &["bench", "--streams=1", "--duration=100ms", "--drain=100ms"],
            &["doctor", "--wait=100ms"],
        ] {
            let script = Script::responses([&response, &response, &response]);
            let (stdout, stderr, _) = run_hub(&[command, &[&script.url("/")]].concat());
            let what = format!("{command:?} {}", response.escape_debug());
            assert_seen(&stdout, &what);
            assert_seen(&stderr, &what);
        }
        let script = Script::responses([&response]);
        let file = TemporaryFile::new("unseen.sse", "");
        let path = file.0.display().to_string();
        let record = ["record", "--no-reconnect", "--force", &script.url("/"), &path];
        let (_, stderr, _) = run_hub(&record);
        assert_seen(&stderr, "record");
    }
}
