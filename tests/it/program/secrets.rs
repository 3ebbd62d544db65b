//! A secret is planted wherever there may be one; no command prints, logs or writes it.

use std::net::TcpListener;

use super::super::support::process::run_hub;
use super::super::support::script::{NO_MORE, STREAM, Script};
use super::*;

/// Stands wherever a secret may stand, and nowhere else.
const SECRET: &str = "hunter2";

/// All that a run of the program prints, and its exit status.
fn run(arguments: &[&str]) -> (String, Option<i32>) {
    let (stdout, stderr, status) = run_hub(arguments);
    (format!("{stdout}{stderr}"), status)
}

#[track_caller]
fn assert_kept(printed: &str, what: &str) {
    assert!(!printed.contains(SECRET), "{what}: {printed}");
}

/// A server's responses, by what they have in them.
fn responses(there: &str) -> Vec<(&'static str, Vec<String>)> {
    let fields = format!(
        "Set-Cookie: sid={SECRET}\r\nX-Token: {SECRET}\r\nWWW-Authenticate: Negotiate {SECRET}\r\n"
    );
    let head = |status: &str, more: &str| format!("HTTP/1.1 {status}\r\n{fields}{more}\r\n");
    let moved = |to: &str| head("302 Found", &format!("Location: {to}\r\n"));
    let stream = format!("{fields}Content-Type: text/event-stream; k={SECRET}\r\n");
    let looped = format!("/?token={SECRET}");
    vec![
        ("a stream", vec![head("200 OK", &stream) + "data: a\n\n", NO_MORE.into()]),
        ("a refusal that quotes", vec![head("401 ", "") + &format!("unknown token: {SECRET}")]),
        ("another type", vec![head("200 OK", &format!("Content-Type: a/b; k={SECRET}\r\n"))]),
        ("a redirect elsewhere", vec![moved(there)]),
        ("a redirect to a user", vec![moved(&format!("http://me:{SECRET}@127.0.0.1:1/"))]),
        ("a redirect to nonsense", vec![moved(&format!("ftp:/me:{SECRET}@h/?a={SECRET}"))]),
        ("a loop", vec![moved(&looped); 21]),
        ("a redirect to nobody", vec![moved(&format!("http://127.0.0.1:1/?t={SECRET}"))]),
        ("half a head", vec![format!("HTTP/1.1 200 OK\r\nX-Token: {SECRET}\r\nX")]),
        (
            "a head that breaks the rules",
            vec![head("200 OK", &format!("Location : /?a={SECRET}\r\n"))],
        ),
    ]
}

#[test]
fn row_48_no_command_that_follows_a_stream_prints_or_writes_a_secret() {
    let (mut masked, mut raw) = (String::new(), String::new());
    for n in 0..responses("").len() {
        for command in ["tail", "tail --raw", "tail --json", "record", "bench", "doctor"] {
            let there = Script::responses([format!("{STREAM}data: a\n\n"), NO_MORE.into()]);
            let (what, responses) =
                responses(&there.url(&format!("/?token={SECRET}"))).swap_remove(n);
            let script = Script::responses(responses);
            let url =
                script.url(&format!("/events;s={SECRET}?channel=news&token={SECRET}#{SECRET}"));
            let fields = ["Authorization: Bearer", "Cookie: k=", "X-Api-Key:"];
            let fields = fields.map(|field| format!("--header={field} {SECRET}"));
            let file = TemporaryFile::new("secrets.sse", "");
            let path = file.0.display().to_string();
            let mut arguments: Vec<&str> = command.split(' ').chain([&*url]).collect();
            arguments.extend(fields.iter().map(|field| &**field));
            arguments.extend_from_slice(match command {
                "bench" => &["--listen-only", "--duration=1", "--warm-up=0", "--drain=1", "--html"],
                "record" => &["--no-reconnect", "--force"],
                "doctor" => &["--wait=100ms"],
                _ => &["--no-reconnect"],
            });
            if matches!(command, "bench" | "record") {
                arguments.push(&path);
            }
            let (mut printed, _) = run(&arguments);
            printed += &std::fs::read_to_string(&file.0).unwrap_or_default();
            if matches!(command, "tail --raw" | "record") {
                // The content is kept as it came, whatever the server puts there.
                printed = printed.replace(&format!("unknown token: {SECRET}"), "");
            }
            assert_kept(&printed, &format!("{command}, {what}"));
            (if command == "tail --raw" { &mut raw } else { &mut masked }).push_str(&printed);
        }
    }
    // It was there to be seen.
    for shown in ["/events;...?channel=news&token=...", "unknown token: ...", "/?token=..."] {
        assert!(masked.contains(shown), "{shown}: {masked}");
    }
    for shown in ["?channel=news&token=(7 bytes) HTTP/1.1", "X-Token: (7 bytes)"] {
        assert!(raw.contains(shown), "{shown}: {raw}");
    }
}

#[test]
fn row_48_a_command_line_that_is_wrong_is_not_quoted_with_its_secret() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}/?token={SECRET}");
    let with_user = format!("http://me:{SECRET}@{nobody}/");
    let file = TemporaryFile::new("never.sse", "");
    let path = file.0.display().to_string();
    let header = format!("--header=Authorization Bearer {SECRET}");
    let odd = format!("--header=X-Key: {SECRET}\u{7}");
    let host = format!("--header=Host: me:{SECRET}@h");
    let publish = format!("--publish=POST  {with_user}");
    let body = format!("--body={SECRET}");
    for arguments in [
        &[&*url][..],
        &[&with_user],
        &["serve", &url],
        &["tail", &with_user],
        &["tail", &with_user[7..]],
        &["tail", &with_user.replace('@', "/@")],
        &["tail", "localhost", &url],
        &["tail", &url, "--no-reconnect"],
        &["tail", &url, &header],
        &["tail", &url, &odd],
        &["tail", &url, &host],
        &["record", &with_user, &path, "--force"],
        &["record", &url, &path, &with_user],
        &["record", &url, &path, "--force", "--no-reconnect"],
        &["bench", &with_user],
        &["bench", &url],
        &["bench", &url.replace("http", "https")],
        &["bench", "localhost", &publish],
        &["bench", "localhost", &body],
        &["doctor", &with_user],
        &["doctor", &url.replace("http", "https")],
        &["doctor", &url, &header],
        &["mock", &path, &url],
    ] {
        let (printed, status) = run(arguments);
        assert!(printed.starts_with("tidings: ") && status != Some(0), "{arguments:?}: {printed}");
        assert_kept(&printed, &format!("{arguments:?}"));
    }
}

#[test]
fn row_48_no_server_logs_a_secret() {
    let request = format!(
        "GET /events/news;s={SECRET}?history=1&token={SECRET} HTTP/1.0\r\nHost: localhost\r\n\
         Authorization: Bearer {SECRET}\r\nAccept: text/event-stream\r\n\r\n"
    );
    let mut hub = hub(&["--log"]);
    let target = request.replace(&format!(";s={SECRET}"), "");
    let socket = super::super::support::http::connect(hub.address());
    std::io::Write::write_all(&mut &socket, target.as_bytes()).unwrap();
    crate::support::until("a line", || !hub.stderr().is_empty());
    drop(socket);
    crate::support::until("its end", || hub.stderr().iter().any(|line| line.contains("close ")));
    let logged = hub.stderr().join("\n") + &hub.stdout().join("\n");
    assert!(logged.contains("/events/news?history=1&token=..."), "{logged}");
    assert_kept(&logged, "the log");
    hub.kill();

    let script = TemporaryFile::new("script.sse", "data: a\n\n: close\n");
    let mut mock = Process::hub(&["mock", &script.0.display().to_string(), "--until-eof"]);
    exchange(mock.address(), request.as_bytes());
    drop(mock.child().stdin.take());
    mock.ended();
    mock.line("report card");
    let printed = mock.stdout().join("\n") + &mock.stderr().join("\n");
    assert!(printed.contains("GET /events/news;...?history=1&token=..."), "{printed}");
    assert_kept(&printed, "the mock");
}

#[test]
fn row_48_a_report_does_not_tell_how_to_get_in() {
    let hub = hub(&[]);
    let url = format!("http://{}/events/news?token={SECRET}", hub.address());
    let publish = format!("--publish=POST /events/news?retry=1000&token={SECRET}");
    let header = format!("--publish-header=X-Key: {SECRET}");
    let file = TemporaryFile::new("report.html", "");
    let html = format!("--html={}", file.0.display());
    for form in ["--json", &html] {
        let arguments = ["bench", &url, &publish, &header, "--duration=1", "--warm-up=0", form];
        // The hub refuses what it does not know with a 400, and that is told as well.
        let (mut printed, _) = run(&arguments);
        printed += &std::fs::read_to_string(&file.0).unwrap();
        assert!(printed.contains("token=..."), "{printed}");
        assert_kept(&printed, form);
    }
}
