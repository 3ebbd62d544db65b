//! `tidings doctor`: what it says of servers that each do one thing wrong.

use std::time::Duration;

use super::super::support::http::get;
use super::super::support::process::run_hub;
#[cfg(target_os = "linux")]
use super::super::support::process::{hub_path, signal};
use super::super::support::script::{CHUNKED, STREAM, Script, act};
use super::*;

/// What it says of a server whose first response is this one, in lines; and its exit status.
fn doctor(script: &Script, options: &[&str]) -> (Vec<String>, Option<i32>) {
    let url = script.url("/events");
    let (stdout, stderr, status) = run_hub(&[&["doctor", &url], options].concat());
    let lines = stdout.lines().chain(stderr.lines()).filter(|line| !line.is_empty());
    (lines.map(str::to_owned).collect(), status)
}

#[track_caller]
fn row<'a>(lines: &'a [String], begin: &str) -> &'a str {
    lines.iter().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{lines:#?}"))
}

#[test]
fn nothing_stands_in_the_way_of_a_hub() {
    let hub = hub(&["--heartbeat=100ms", "--cors=https://a.example"]);
    publish(&hub, "/events/news", "one");
    let url = format!("{}/events/news?history=1", hub.address());
    let run = ["doctor", &url, "--wait=1", "--origin=https://a.example"];
    let (stdout, stderr, status) = run_hub(&run);
    let title = format!("http://{url}, watched for 1s\n\n");
    let rest = stdout.strip_prefix(&title).expect("a title");
    // A slow machine may be told that it is late, by a note.
    let rows = rest.lines().filter(|line| line.starts_with("ok ") || line.starts_with("note "));
    let begins: Vec<_> = rows.map(|line| line[7..20].trim_end()).collect();
    let topics = ["response", "proxies", "framing", "caching", "first byte", "buffering"];
    let topics = [&topics[..], &["heartbeat", "end", "resume", "compression", "CORS"]].concat();
    assert_eq!(begins, topics, "{stdout}");
    assert!(rest.contains("after Last-Event-ID comes the event that was missed"), "{rest}");
    assert_eq!((&*stderr, status), ("", Some(0)));
}

#[test]
fn what_it_publishes_is_seen_to_come() {
    let hub = hub(&[]);
    let url = format!("{}/events/news?history=1", hub.address());
    let (stdout, stderr, _) = run_hub(&["doctor", &url, "--wait=6", "--publish"]);
    // On a slow machine they are late.
    let came = ["ok     buffering    events came ", "fault  buffering    each event came "];
    assert!(came.iter().any(|came| stdout.contains(came)), "{stdout}{stderr}");
    let token = TemporaryFile::new("doctor-token", "2YotnFZFEjr1zCsicMWpAA\n");
    let hub = self::hub(&[&token.argument()]);
    let url = format!("{}/events/news", hub.address());
    let (stdout, _, status) = run_hub(&["doctor", &url, "--wait=3", "--publish"]);
    let said = "\nnote   buffering    no event could be published to see when it comes: ";
    assert!(stdout.contains(said.trim_end_matches(' ')), "{stdout}");
    assert!(stdout.contains("server: give the token with --header"), "{stdout}");
    assert_eq!(status, Some(0));
    // The stream, one event, a resume, three times compression, a page's, and this request.
    let metrics = get(hub.address(), "/metrics").text().to_owned();
    assert!(metrics.contains("\ntidings_requests_total 8\n"), "{metrics}");
}

#[test]
fn a_response_that_is_no_stream_is_a_fault_and_all_there_is_to_say() {
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nServer: nginx\r\n\r\n<html>";
    let script = Script::responses([page, page]);
    let (lines, status) = doctor(&script, &["--publish"]);
    let said = "fault  response     200 OK, after ";
    assert!(row(&lines, said).contains("ms: the type is text/html, and an"), "{lines:#?}");
    assert_eq!(script.requests().len(), 1, "and nothing is published there");
    row(&lines, "ok     proxies      HTTP/1.1; Server: nginx");
    assert_eq!(lines.last().unwrap(), "tidings: 1 fault stands in the way of this stream");
    assert_eq!(status, Some(3));
    // It is left, however long it goes on.
    let goes_on = act(move |peer| {
        peer.send(page);
        assert!(peer.is_left());
    });
    let (_, status) = doctor(&Script::acts(vec![goes_on]), &["--wait=1h"]);
    assert_eq!(status, Some(3));
}

#[test]
fn of_a_stream_that_can_not_be_read_or_is_none_nothing_more_is_said() {
    let topics = |response: &str| {
        let (lines, status) = doctor(&Script::responses([response]), &["--wait=100ms"]);
        assert_eq!(status, Some(3), "{lines:#?}");
        let rows = lines.into_iter().filter(|line| line.as_bytes().get(7) != Some(&b' '));
        let topics: Vec<_> = rows.filter_map(|line| Some(line.get(..20)?.to_owned())).collect();
        topics[1..topics.len() - 1].iter().map(|row| row.trim_end().to_owned()).collect::<Vec<_>>()
    };
    let compressed = CHUNKED.replacen("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n", 1);
    let expected = ["ok     response", "ok     proxies", "ok     framing", "fault  compression"];
    assert_eq!(topics(&compressed), expected);
    let away = format!("{CHUNKED}d\r\nretry: 2000\n\n\r\n0\r\n\r\n");
    assert_eq!(topics(&away), ["ok     response", "ok     proxies", "fault  end"]);
}

#[test]
fn a_server_that_serves_one_client_at_a_time_is_not_taken_for_one_that_compresses() {
    let (told, is_over) = std::sync::mpsc::channel::<()>();
    let stream = act(|peer| {
        peer.send(format!("{CHUNKED}2\r\n:\n\r\n"));
        assert!(peer.is_left());
    });
    let silent = act(move |_peer| {
        let _ = is_over.recv();
    });
    let script = Script::acts(vec![stream, silent]);
    let (lines, status) = doctor(&script, &["--wait=100ms"]);
    drop(told);
    row(&lines, "fault  compression  not known: a further request gets no response within ");
    assert_eq!(status, Some(3));
}

#[test]
fn a_server_that_is_not_there_is_a_fault_too() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (stdout, stderr, status) = run_hub(&["doctor", &nobody.to_string()]);
    let said = format!("fault  response     can't connect to {nobody}: ");
    assert!(stdout.contains(said.trim_end()), "{stdout}");
    assert_eq!(stderr, "tidings: 1 fault stands in the way of this stream\n");
    assert_eq!(status, Some(3));
}

/// Each connection after the first gets a stream that is as it should be.
fn with_first(
    first: impl FnOnce(&mut super::super::support::script::Peer) + Send + 'static,
) -> Script {
    let others = (0..5).map(|_| act(|peer| peer.send(format!("{STREAM}id: 2\ndata\n\n"))));
    Script::acts([act(first)].into_iter().chain(others).collect())
}

#[test]
fn an_event_in_two_parts_is_told_to_have_been_in_a_buffer() {
    let script = with_first(|peer| {
        peer.send(format!("{STREAM}id: 1\ndata: a\n\nid: 2\nda"));
        std::thread::sleep(Duration::from_secs(1));
        peer.send("ta: b\n\n");
        assert!(peer.is_left());
    });
    let (lines, status) = doctor(&script, &["--wait=3", "--header=Origin: https://a.example"]);
    row(&lines, "fault  buffering    an event came in two parts, ");
    row(&lines, "ok     resume       after Last-Event-ID comes the event");
    row(&lines, "note   framing      no chunks");
    assert_eq!(status, Some(3));
    assert_eq!(script.field("Last-Event-ID")[1].as_deref(), Some("1"));
    assert_eq!(script.field("Accept-Encoding")[2].as_deref(), Some("gzip, deflate, br, zstd"));
    assert_eq!(script.field("Origin")[5].as_deref(), Some("https://doctor.invalid"));
}

#[test]
fn a_redirect_is_followed_and_noted() {
    let there = with_first(|peer| {
        peer.send(format!("{STREAM}data: a\n\n"));
        assert!(peer.is_left());
    });
    let to = there.url("/there?token=secret");
    let leads = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {to}\r\n\r\n");
    let here = Script::responses([leads]);
    let (lines, status) = doctor(&here, &["--wait=100ms", "--header=A: b"]);
    let said = format!("note   redirect     to {}", there.url("/there?token=..."));
    row(&lines, &said);
    assert_eq!(status, Some(0), "{lines:#?}");
    assert_eq!(here.field("A"), [Some("b".to_owned())]);
    assert!(there.field("A").iter().all(Option::is_none));
}

#[test]
fn redirects_that_lead_in_a_circle_are_not_followed_again() {
    let leads = |to: &str| format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\n\r\n");
    let script = Script::responses([leads("/a"), leads("/b"), leads("/a")]);
    let (lines, status) = doctor(&script, &[]);
    let rows: Vec<_> = lines.iter().map(|line| line.get(7..20).unwrap_or_default()).collect();
    let redirects = rows.iter().filter(|row| **row == "redirect     ").count();
    assert_eq!(redirects, 2, "{lines:#?}");
    row(&lines, "fault  response     302 Found, after ");
    assert_eq!(status, Some(3));
}

#[test]
fn text_that_is_no_event_is_a_fault() {
    let script = with_first(|peer| {
        peer.send(format!("{STREAM}{{\"a\": 1}}\n\n{{\"a\": 2}}\n\n"));
        assert!(peer.is_left());
    });
    let (lines, status) = doctor(&script, &["--wait=1"]);
    row(&lines, "fault  events       text came, and no event: ");
    assert_eq!(status, Some(3));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_the_watch_and_what_was_seen_is_judged() {
    use std::process::{Command, Stdio};

    let (told, hears) = std::sync::mpsc::channel();
    let script = with_first(move |peer| {
        peer.send(format!("{STREAM}id: 1\ndata: a\n\n"));
        told.send(()).unwrap();
        assert!(peer.is_left());
    });
    let mut command = Command::new(hub_path());
    command.args(["doctor", "--wait=1h", &script.url("/")]).stdout(Stdio::piped());
    let doctor = command.spawn().unwrap();
    hears.recv().unwrap();
    signal(doctor.id(), "TERM");
    let ended = doctor.wait_with_output().unwrap();
    let report = String::from_utf8(ended.stdout).unwrap();
    assert!(report.contains("\nok     end          still open after "), "{report}");
    assert!(report.contains("\nok     compression  none, "), "{report}");
    assert!(ended.status.code().is_some_and(|status| [0, 3].contains(&status)), "{report}");
}

#[test]
fn a_wrong_command_line_is_told_what_was_meant() {
    for (arguments, said) in [
        (&["doctor"][..], "a URL is missing: tidings doctor [options] URL"),
        (&["doctor", "https://h/"], "the URL begins with https: tidings speaks no TLS: "),
        (&["doctor", "--header=x", "h"], "--header: it must be of the form 'Name: value'"),
    ] {
        let (stdout, stderr, status) = run_hub(arguments);
        assert!(stderr.starts_with(&format!("tidings: {said}")), "{stderr}");
        assert_eq!((&*stdout, status), ("", Some(2)));
    }
}

#[cfg(unix)]
#[test]
fn it_asks_through_a_command_and_at_a_socket() {
    let file = TemporaryFile::new("doctor-via", format!("{STREAM}id: 7\ndata: hello\n\n"));
    let path = file.0.display();
    let via = format!(
        "--via=sh -c 'while read -r line && [ ${{#line}} -gt 1 ]; do :; done; cat {path}; exec sleep 9'"
    );
    let (stdout, _, status) =
        run_hub(&["doctor", &via, "--wait=100ms", "https://hub.example/events"]);
    assert!(stdout.contains("\nok     response     200 and text/event-stream, "), "{stdout}");
    assert!(stdout.contains("\nok     end          still open "), "{stdout}");
    // It begins with the same event again, whatever it is asked.
    assert!(
        stdout.contains("\nfault  resume       the event that Last-Event-ID names"),
        "{stdout}"
    );
    assert_eq!(status, Some(3));
    let (stdout, _, status) = run_hub(&["doctor", "unix:/there/is/none.sock:/events"]);
    assert!(stdout.contains("can't connect to unix:/there/is/none.sock: "), "{stdout}");
    assert_eq!(status, Some(3));
}
