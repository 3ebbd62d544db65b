//! `--via`: a command as the way to a server, for every tool that follows a stream.

use super::super::support::process::run_hub;
use super::super::support::script::STREAM;
use super::*;

/// A command that reads the head of a request and prints this file: a server of its own.
fn server(file: &TemporaryFile) -> String {
    let path = file.0.display();
    format!("sh -c 'while read -r line && [ ${{#line}} -gt 1 ]; do :; done; cat {path}'")
}

fn via(command: &str, arguments: &[&str]) -> (String, String, Option<i32>) {
    let via = format!("--via={command}");
    run_hub(&[arguments, &[&via]].concat())
}

#[test]
fn a_command_is_the_way_to_the_server_of_any_url() {
    let file = TemporaryFile::new("via-stream", format!("{STREAM}id: 7\ndata: hello\n\n"));
    for url in ["https://hub.example/events", "http://hub.example/events"] {
        let tail = ["tail", "--json", "--no-reconnect", url];
        let (stdout, stderr, status) = via(&server(&file), &tail);
        assert_eq!(stdout, "{\"event\":\"message\",\"data\":\"hello\",\"id\":\"7\"}\n");
        let connected = format!("tidings: connected to {url}\n");
        assert_eq!(stderr, connected + "tidings: the server has ended the stream\n");
        assert_eq!(status, Some(0));
    }
    let record = ["record", "--count=1", "--quiet", "https://hub.example/events", "-"];
    let (cassette, _, status) = via(&server(&file), &record);
    assert!(cassette.contains("\nid: 7\ndata: hello\n\n"), "{cassette}");
    assert_eq!(status, Some(0));
    let tail = ["tail", "--raw", "--no-reconnect", "https://hub.example/events"];
    let (raw, ..) = via(&server(&file), &tail);
    assert!(raw.contains(" s  connected to hub.example port 443\n"), "{raw}");
    assert!(raw.contains("           Host: hub.example␍␊ "), "{raw}");
    assert!(raw.contains(" s  the server ends the connection: "), "{raw}");
}

#[test]
fn it_runs_again_for_each_connection() {
    let file = TemporaryFile::new("via-again", format!("{STREAM}retry: 0\ndata: hello\n\n"));
    let (stdout, _, status) =
        via(&server(&file), &["tail", "--json", "--count=3", "https://hub.example/"]);
    assert_eq!((stdout.lines().count(), status), (3, Some(0)));
}

#[test]
fn a_command_that_fails_is_told_with_what_it_said() {
    let failed = "the command of --via ended with exit status: ";
    for (command, said) in [
        ("sh -c 'echo no route >&2; exit 3'", format!("{failed}3: no route")),
        ("there-is-none", format!("{failed}127: ")),
    ] {
        let (stdout, stderr, status) = via(command, &["tail", "--attempts=1", "https://h/"]);
        assert!(stderr.contains(&said), "{stderr}");
        assert_eq!((&*stdout, stderr.lines().count(), status), ("", 1, Some(5)));
    }
    let (_, stderr, status) = via("true", &["tail", "--attempts=1", "https://h/"]);
    let early = "tidings: the connection was cut before the server responded: ";
    assert!(
        stderr.starts_with(early) || stderr.starts_with("tidings: can't send the request: "),
        "{stderr}"
    );
    assert_eq!(status, Some(5));
}

#[test]
fn a_redirect_to_another_server_is_not_followed_through_it() {
    let leads =
        "HTTP/1.1 302 Found\r\nLocation: https://b/x?token=secret\r\nContent-Length: 0\r\n\r\n";
    let file = TemporaryFile::new("via-redirect", leads);
    let (_, stderr, status) = via(&server(&file), &["tail", "https://a/"]);
    let said = "tidings: can't connect to b: --via leads to another server: give \
                https://b/x?token=... and a command that leads there\n";
    assert_eq!((&*stderr, status), (said, Some(5)));
}

#[test]
fn what_it_does_not_go_with_is_told() {
    for (command, arguments, said) in [
        ("nc", &["tail", "-"][..], "standard input is no connection: "),
        ("nc", &["tail", "unix:/run/a.sock:/x"], "unix: names a socket, and --via a command"),
        (" ", &["tail", "h"], "--via: it must be a command, such as "),
        ("nc", &["bench", "https://h/", "--publish=https://other/"], "the URL begins with https: "),
    ] {
        let (_, stderr, status) = via(command, arguments);
        assert!(stderr.starts_with(&format!("tidings: {said}")), "{stderr}");
        assert_eq!(status, Some(2));
    }
}

/// A command that is still there when the program has ended would stay for ever, as signals don't
/// reach it and it doesn't read.
#[cfg(target_os = "linux")]
#[test]
fn no_command_outlives_the_program() {
    use std::process::{Command, Stdio};

    use super::super::support::process::{hub_path, signal};

    for arguments in [&["tail"][..], &["bench", "--streams=3"], &["doctor", "--wait=1h"]] {
        let file = TemporaryFile::new(&format!("via-pid-{}", arguments[0]), "");
        let path = file.0.display();
        let via = format!("--via=sh -c 'echo $$ >>{path}; exec sleep 1000'");
        let mut command = Command::new(hub_path());
        command.args(arguments).args([&via, "https://h/x"]);
        let mut program = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pids = || std::fs::read_to_string(&file.0).unwrap();
        super::super::support::until("a command", || pids().ends_with('\n'));
        signal(program.id(), "TERM");
        program.wait().unwrap();
        for pid in pids().lines() {
            super::super::support::until("the end of the command", || {
                let state = std::fs::read_to_string(format!("/proc/{pid}/stat"));
                state.is_err() || state.is_ok_and(|state| state.contains(") Z "))
            });
        }
    }
}
