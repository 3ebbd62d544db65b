//! `tidings tail`: what it prints of a stream and of its connections, and how it ends.

mod endings;
mod input;
mod raw;

use super::super::support::process::run_hub;
use super::super::support::script::{CHUNKED, NO_MORE, STREAM, Script};
use super::*;

/// Runs it to its end against a script: what it printed, what it said, and its exit status.
fn tail(script: &Script, arguments: &[&str]) -> (String, String, Option<i32>) {
    let url = script.url("/events");
    run_hub(&[&["tail", &url], arguments].concat())
}

/// The same without the first columns, where the times stand.
fn without_times(stdout: &str) -> Vec<&str> {
    let time = "01:02:03.042Z ".len();
    stdout.lines().map(|line| &line[time..]).collect()
}

#[test]
fn events_are_printed_as_they_come() {
    let hub = hub(&[]);
    let id = publish(&hub, "/events/news", "hello\nworld");
    publish(&hub, "/events/news?event=headline", "rain");
    let url = format!("{}/events/news", hub.address());
    let whole = format!("{url}?history=9");
    let (stdout, stderr, status) = run_hub(&["tail", "--count", "2", &whole]);
    let indent = " ".repeat(format!("message [{id}] ").len());
    let second = id.replace("-1", "-2");
    let expected =
        [format!("message [{id}] hello"), indent + "world", format!("headline [{second}] rain")];
    assert_eq!(without_times(&stdout), expected);
    assert_eq!(stderr, format!("tidings: connected to http://{url}?history=9\n"));
    assert_eq!(status, Some(0));
}

#[test]
fn as_json_each_event_is_an_object_on_a_line() {
    let script = Script::responses([format!(
        "{STREAM}id: 7\nretry: 0\ndata: {{\"a\": 1}}\ndata: \u{1b}é\n\nevent: x\ndata\n\n"
    )]);
    let (stdout, stderr, status) = tail(&script, &["--json", "--quiet", "--count=2"]);
    assert_eq!(
        stdout,
        "{\"event\":\"message\",\"data\":\"{\\\"a\\\": 1}\\n\\u001bé\",\"id\":\"7\",\"retry\":0}\n\
         {\"event\":\"x\",\"data\":\"\",\"id\":\"7\"}\n"
    );
    assert_eq!((&*stderr, status), ("", Some(0)));
}

#[test]
fn row_45_it_says_once_that_an_id_can_not_be_sent() {
    let odd = format!("{STREAM}retry: 0\nid: \u{1}\ndata: one\n\n");
    let again = format!("{STREAM}data: two\n\n");
    let script = Script::responses([&*odd, &again, NO_MORE]);
    let (stdout, stderr, status) = tail(&script, &[]);
    assert_eq!(without_times(&stdout), ["message [\\u{1}] one", "message [\\u{1}] two"]);
    assert_eq!(script.field("last-event-id"), [None, None, None]);
    let told = stderr.matches("the last event ID is not sent").count();
    assert!(told == 1 && !stderr.contains("behind"), "{stderr}");
    assert_eq!(status, Some(3));
    // It may cost events, so it is said even by one that is to be quiet.
    let script = Script::responses([&*odd, NO_MORE]);
    let (_, stderr, _) = tail(&script, &["--quiet"]);
    assert_eq!(stderr.lines().count(), 2, "{stderr}");
}

#[test]
fn it_comes_back_and_says_so() {
    let script = Script::responses([
        format!("{CHUNKED}1c\r\nid: 7\nretry: 200\ndata: one\n\n\r\n0\r\n\r\n"),
        format!("{CHUNKED}b\r\ndata: two\n\n\r\n"),
        NO_MORE.into(),
    ]);
    let (stdout, stderr, status) = tail(&script, &[]);
    assert_eq!(without_times(&stdout), ["message [7] one", "message [7] two"]);
    let url = script.url("/events");
    let expected = [
        format!("tidings: connected to {url}"),
        "tidings: the server closed the stream; connecting again in 0.2 s".into(),
        format!("tidings: connected to {url}, to resume after 7"),
        "tidings: the connection was cut in the middle of the stream: unexpected end of file; \
         connecting again in 0.2 s"
            .into(),
        "tidings: the server says that there is no more (204)".into(),
    ];
    assert_eq!(stderr.lines().collect::<Vec<_>>(), expected);
    assert_eq!(status, Some(3));
    let seven = || Some("7".to_owned());
    assert_eq!(script.field("last-event-id"), [None, seven(), seven()]);
}

#[test]
fn it_asks_for_what_it_is_told_to() {
    let script = Script::responses([NO_MORE]);
    tail(&script, &["--last-event-id=7", "-H", "X-Key: a: b", "-HAccept: */*"]);
    let field = |name: &str| script.field(name).remove(0).unwrap_or_default();
    assert_eq!((field("last-event-id"), field("x-key")), ("7".into(), "a: b".into()));
    assert_eq!(field("accept"), "*/*");
}

#[test]
fn with_data_it_posts_and_ends_with_the_stream() {
    let file = TemporaryFile::new("prompt", "from a file");
    let from_file = format!("--data=@{}", file.0.display());
    for (arguments, content_type, content) in [
        (&["--data", "{\"a\":1}"][..], "application/json", "{\"a\":1}"),
        (&["-d", "{\"a\":1}", "-H", "content-type: a/b"], "a/b", "{\"a\":1}"),
        (&[&*from_file, "--header=content-type: text/plain"], "text/plain", "from a file"),
    ] {
        let script = Script::responses([format!("{STREAM}data: one\n\n")]);
        let (stdout, stderr, status) = tail(&script, arguments);
        assert_eq!(without_times(&stdout), ["message one"]);
        assert!(stderr.ends_with("tidings: the server has ended the stream\n"), "{stderr}");
        assert_eq!(status, Some(0));
        assert_eq!(script.field("content-type"), [Some(content_type.to_owned())]);
        assert!(script.requests()[0].starts_with("POST /events HTTP/1.1\r\n"));
        assert!(script.requests()[0].ends_with(&format!("\r\n\r\n{content}")));
    }
}

#[test]
fn only_the_types_that_are_asked_for_are_printed_and_counted() {
    let stream = "event: a\ndata: 1\n\nevent: b\ndata: 2\n\ndata: 3\n\nevent: a\ndata: 4\n\n";
    let response = format!("{STREAM}{stream}");
    let script = Script::responses([&response]);
    let (stdout, _, status) = tail(&script, &["--event=a", "--event=message", "--count=2"]);
    assert_eq!((without_times(&stdout), status), (vec!["a 1", "message 3"], Some(0)));
}

/// What a server might send to a terminal: to clear it, to set its title, to type into it, to turn
/// a text around; what nobody sees (U+E0041, U+2062, U+3164); and what is no UTF-8.
const NASTY: &[u8] = b"\x1b[2J\x1b]0;title\x07\x9b\xc2\x9b5n\x08\x7f\0\t\xe2\x80\xae\
    \xf3\xa0\x81\x81\xe2\x81\xa2\xe3\x85\xa4\xff";

#[test]
fn nothing_that_a_server_sends_reaches_the_terminal_as_a_command() {
    let event = [b"id: ", NASTY, b"\nevent: ", NASTY, b"\ndata: ", NASTY, b"\n: ", NASTY, b"\n\n"];
    let no_nul = |bytes: &[u8]| bytes.iter().copied().filter(|&b| b != 0).collect::<Vec<_>>();
    let stream = [STREAM.as_bytes(), &no_nul(&event.concat()), b"retry: 0\n\n"].concat();
    let refusal = [b"HTTP/1.1 500 \xc2\x9b\r\nX: \xc2\x9b\r\n\r\n", NASTY].concat();
    for mode in ["--json", "--raw", "--quiet", "--count=9"] {
        let script = Script::responses([&stream, &refusal]);
        let (stdout, stderr, status) = tail(&script, &[mode]);
        assert_eq!(status, Some(4), "{mode}");
        assert!(stdout.contains("title") && stderr.contains("title"), "{mode}");
        let unseen = ['\u{202e}', '\u{e0041}', '\u{2062}', '\u{3164}'];
        let is_safe = |c: char| c == '\n' || !(c.is_control() || unseen.contains(&c));
        let safe = |text: &str| text.chars().all(is_safe);
        assert!(safe(&stdout), "{mode}: {stdout:?}");
        assert!(safe(&stderr), "{mode}: {stderr:?}");
    }
}
