//! Exit statuses, and what is said with them.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use super::*;
use crate::support::process::hub_path;
use crate::support::script::act;

#[track_caller]
fn ends(script: &Script, arguments: &[&str], status: i32, said: &str) {
    let (_, stderr, ended) = tail(script, &[arguments, &["--quiet"]].concat());
    assert!(stderr.starts_with(&format!("tidings: {said}")), "{stderr}");
    assert_eq!((stderr.lines().count(), ended), (1, Some(status)), "{stderr}");
}

#[test]
fn the_status_says_why_it_ended() {
    let no_more = "the server says that there is no more (204)";
    ends(&Script::responses([NO_MORE]), &[], 3, no_more);

    let full = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nfull\n";
    let said = "the server responded with 503 Service Unavailable: full\n";
    ends(&Script::responses([full]), &[], 4, said);
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
    ends(
        &Script::responses([page]),
        &[],
        4,
        "the response is not text/event-stream but text/html\n",
    );

    let cut = format!("{CHUNKED}9\r\ndata: a\n\n\r\n");
    let said = "the connection was cut in the middle of the stream";
    ends(&Script::responses([cut]), &["--no-reconnect"], 5, said);

    let broken = format!("{CHUNKED}9\r\ndata: a\n\n\r\nzz\r\n");
    let said = "the response breaks the rules of HTTP: ";
    ends(&Script::responses([broken]), &["--no-reconnect"], 4, said);

    let long = format!("{STREAM}data: {}", "x".repeat(5 * 1024 * 1024));
    let said = "a line of the event stream is longer than 4194304 bytes; --max-event says";
    ends(&Script::responses([long]), &[], 6, said);
}

#[test]
fn a_busy_server_is_tried_again_if_it_is_asked_to_keep_trying() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\n\r\nfull\n";
    let script = Script::responses([busy, &format!("{STREAM}data: a\n\n")]);
    let (stdout, stderr, status) = tail(&script, &["--keep-trying", "--count=1"]);
    assert_eq!((without_times(&stdout), status), (vec!["message a"], Some(0)));
    let said =
        "tidings: the server responded with 503 Service Unavailable: full; connecting again in 0.";
    assert!(stderr.starts_with(said), "{stderr}");
}

#[test]
fn how_long_an_event_may_be_can_be_said() {
    let long = |lines: usize| {
        let line = format!("data: {}\n", "x".repeat(4_999_999));
        Script::responses([format!("{STREAM}{}\n", line.repeat(lines))])
    };
    let (stdout, _, status) = tail(&long(1), &["--max-event=5000000", "--count=1", "--json"]);
    assert_eq!((stdout.len() > 5_000_000, status), (true, Some(0)));
    let said = "the data of an event is longer than 5000000 bytes; --max-event says how long it";
    ends(&long(2), &["--max-event=5000000", "--no-reconnect"], 6, said);
    let said = "a line of the event stream is longer than 4000007 bytes; --max-event";
    ends(&long(1), &["--max-event=4000000", "--raw", "--no-reconnect"], 6, said);
}

#[test]
fn a_stream_that_ends_well_ends_it_well_if_it_is_not_to_come_back() {
    let script = Script::responses([STREAM]);
    let (stdout, stderr, status) = tail(&script, &["--no-reconnect", "--quiet"]);
    assert_eq!((&*stdout, &*stderr, status), ("", "", Some(0)));
}

#[test]
fn a_server_that_is_not_there_is_given_up_after_so_many_attempts() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (_, stderr, status) = run_hub(&["tail", "--attempts=1", &nobody]);
    assert!(stderr.starts_with(&format!("tidings: can't connect to {nobody}: ")), "{stderr}");
    assert_eq!((stderr.lines().count(), status), (1, Some(5)));
}

#[test]
fn a_silent_server_is_left() {
    let script = Script::acts(vec![act(|peer| {
        peer.send(STREAM);
        assert!(peer.is_left());
    })]);
    ends(&script, &["--silence=1", "--no-reconnect"], 5, "nothing has come for 1s\n");
}

#[test]
fn a_wrong_command_line_is_told_what_was_meant() {
    for (arguments, said) in [
        (&["tail"][..], "a URL is missing: tidings tail [options] URL"),
        (&["tail", "--json", "--raw", "h"], "--json and --raw are two ways to print the same"),
        (&["tail", "--raw", "--event=a", "h"], "--raw shows all there is"),
        (&["tail", "--header=A: b", "--header=a: c", "h"], "--header: a is given twice"),
        (&["tail", "--header=Content-Type: a/b", "h"], "--header Content-Type says what is sent"),
        (&["tail", "--jsn", "h"], "unknown option --jsn: did you mean --json?"),
        (&["tail", "ftp://h/"], "a URL must begin with http:// or https://: \"ftp://h/\""),
        (&["tail", "h/", "i/"], "unexpected argument \"i/\": tidings tail [options] URL|-"),
        (&["tail", "--header=x", "h"], "--header: it must be of the form 'Name: value'"),
    ] {
        let (stdout, stderr, status) = run_hub(arguments);
        assert!(stderr.starts_with(&format!("tidings: {said}")), "{stderr}");
        let hint = "\n'tidings tail --help' lists the options\n";
        assert!(stderr.ends_with(hint), "{stderr}");
        assert_eq!((&*stdout, status), ("", Some(2)));
    }
    let (_, stderr, status) = run_hub(&["tail", "--data=@/there/is/none", "h"]);
    assert!(stderr.starts_with("tidings: can't read /there/is/none to send it: "), "{stderr}");
    assert_eq!(status, Some(1));
}

#[test]
fn a_stream_over_tls_is_told_what_to_do() {
    let no_tls = "tidings speaks no TLS: go through a command that does, with --via 'openssl \
                  s_client -quiet -verify_return_error -connect HOST:443', or pipe 'curl -N URL' \
                  into 'tidings tail -'";
    for command in [&["tail", "https://h/"][..], &["record", "https://h/", "-"]] {
        let (_, stderr, status) = run_hub(command);
        let said = format!("tidings: the URL begins with https: {no_tls}\n");
        assert!(stderr.starts_with(&said), "{stderr}");
        assert_eq!(status, Some(2));
    }
    let leads = "HTTP/1.1 302 Found\r\nLocation: https://h/\r\nContent-Length: 0\r\n\r\n";
    let script = Script::responses([leads]);
    let (_, stderr, status) = run_hub(&["tail", &script.url("/x")]);
    let said = format!("tidings: the server redirects to an https URL: {no_tls}\n");
    assert_eq!((stderr, status), (said, Some(5)));
}

#[test]
fn its_help_tells_its_options_and_its_statuses() {
    let (stdout, _, status) = run_hub(&["tail", "--help"]);
    assert!(stdout.starts_with("Usage: tidings tail [options] URL|-\n"), "{stdout}");
    assert!(stdout.contains("\nExit status:\n  0   "), "{stdout}");
    assert_eq!(status, Some(0));
}

#[cfg(unix)]
#[test]
fn a_closed_standard_output_ends_it_quietly() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    for mode in ["--json", "--raw", "--count=99"] {
        let script = Script::acts(vec![act(|peer| {
            peer.send(format!("{STREAM}data: a\n\n"));
            assert!(peer.is_left());
        })]);
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(ours);
        let output = Command::new(hub_path())
            .args(["tail", "--quiet", mode, &script.url("/")])
            .stdin(Stdio::null())
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{mode}");
        assert_eq!(output.status.code(), Some(0), "{mode}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn colours_are_for_terminals_alone() {
    let painted = |mode: &str, on_terminal: bool| {
        let script = Script::responses([format!("{STREAM}data: a\n\n")]);
        let program = hub_path();
        let url = script.url("/");
        let line = format!("'{}' tail --quiet --count=1 {mode} {url}", program.display());
        // It gives the program a terminal, where it is installed.
        let (runs, options) = if on_terminal { ("script", "-qec") } else { ("sh", "-c") };
        let mut command = Command::new(runs);
        command.args([options, &line]).args(on_terminal.then_some("/dev/null"));
        command.env("TERM", "xterm").env_remove("NO_COLOR").stdin(Stdio::null());
        let output = command.output().ok()?;
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.is_empty());
        Some(text.contains("\u{1b}["))
    };
    for (mode, has_colours) in [("", true), ("--raw", true), ("--json", false)] {
        assert!(painted(mode, true).is_none_or(|painted| painted == has_colours), "{mode}");
        assert_eq!(painted(mode, false), Some(false), "{mode}");
    }
}
