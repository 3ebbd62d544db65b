//! Scripts that come another way, or that no client would find an event in.

use super::*;
use crate::support::process::{hub_path, run_fed, run_hub};

#[test]
fn with_a_dash_the_script_is_standard_input() {
    let script = file("sse", "data: a\n\n");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "exec \"$0\" mock - < \"$1\""]).arg(hub_path()).arg(&script.0);
    let mock = Mock { process: Process::start(&mut command), _script: script };
    mock.get("").assert(HEAD, "9\r\ndata: a\n\n\r\n0\r\n\r\n", Close::Closed);
    // Its end is that of the script, and not of the mock.
    mock.get("").assert(HEAD, "9\r\ndata: a\n\n\r\n0\r\n\r\n", Close::Closed);

    let (stdout, stderr, status) = run_fed(&["mock", "-", "--print"], b"data: a\n\n");
    assert!(stdout.contains(": about tidings mock -\n"), "{stdout}");
    assert_eq!((&*stderr, status), ("", Some(0)));
    let (_, stderr, _) = run_fed(&["mock", "-"], b"data: a\n\n: wiat 1s\n");
    assert!(stderr.starts_with("tidings: standard input:3: unknown directive"), "{stderr}");
    let (_, stderr, status) = run_fed(&["mock", "-", "--until-eof"], b"data: a\n\n");
    let said = "tidings: --until-eof waits for the end of standard input, which is the script here";
    assert!(stderr.starts_with(said), "{stderr}");
    assert_eq!(status, Some(2));
}

#[test]
fn a_script_in_utf_16_is_refused() {
    let units: Vec<u16> = "\u{feff}data: a\r\n\r\n".encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for script in [&little[..], &big, &little[2..], &big[2..]] {
        for ending in ["sse", "txt"] {
            let script = file(ending, script);
            let path = script.0.display().to_string();
            let (stdout, stderr, status) = run_hub(&["mock", &path]);
            let why = "it is UTF-16: save it as UTF-8, as event streams are";
            assert_eq!(stderr, format!("tidings: can't read the script {path}: {why}\n"));
            assert_eq!((&*stdout, status), ("", Some(1)));
        }
    }
}

#[test]
fn a_cassette_that_was_changed_is_not_played_as_a_script() {
    let cassette = ": tidings cassette 1\n: open +1ms 200 text/event-stream\n: end +0ms close\n";
    for changed in [cassette.replace('\n', "\r\n"), format!("\u{feff}{cassette}")] {
        let (stdout, stderr, status) = run_fed(&["mock", "-"], changed.as_bytes());
        let why = "it is a cassette that was changed, such as its line ends";
        let said = format!("tidings: can't read the script standard input: {why}: ");
        assert!(stderr.starts_with(&said), "{stderr}");
        assert_eq!((&*stdout, status), ("", Some(1)));
    }
}

#[test]
fn a_script_without_an_event_is_told_unless_it_does_something_else() {
    let said = |script: &str| {
        let (stdout, stderr, status) = run_fed(&["mock", "-", "--print"], script.as_bytes());
        assert!(stdout.starts_with(": tidings cassette 1\n"), "{stdout}");
        assert_eq!(status, Some(0));
        stderr
    };
    let note = "tidings: standard input has no event: an event is a line such as 'data: hello', \
                and a blank line after it\n";
    for script in ["data: no blank line", ": hello\n\n", "hello\n\n", "{\"a\": 1}\n"] {
        assert_eq!(said(script), note, "{script:?}");
    }
    for script in [": no-content", ": status 503", ": reset", ": type text/html\n<p>\n", ": end"] {
        assert_eq!(said(script), "", "{script:?}");
    }
    let (stdout, stderr, status) = run_fed(&["mock", "-"], b"");
    let why = "it is empty: write an event into it, such as 'data: hello' and a blank line";
    assert_eq!(stderr, format!("tidings: can't read the script standard input: {why}\n"));
    assert_eq!((&*stdout, status), ("", Some(1)));
}

#[test]
fn what_a_client_sends_is_told_as_far_as_it_can_be_seen() {
    let mock = Mock::of_script("data: a\n\n");
    mock.get("a\u{202e}\u{3164}\u{e0041}b");
    let line = mock.process.line("#1 GET ");
    assert!(line.contains(r"a\u{202e}\u{3164}\u{e0041}b"), "{line}");
}
