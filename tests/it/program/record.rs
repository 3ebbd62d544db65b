//! `tidings record`: what it keeps of a stream, and that what it keeps is played back the same.

mod endings;
mod replays;
mod secrets;

use std::path::Path;

use super::super::support::process::{Process, run_hub};
use super::super::support::script::{CHUNKED, NO_MORE, STREAM, Script, act};
use super::*;

/// A place for a file that is not there yet.
fn place() -> TemporaryFile {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let file = TemporaryFile::new(&format!("record-{number}.sse"), "");
    std::fs::remove_file(&file.0).unwrap();
    file
}

/// A recording that has come to its end.
struct Recorded {
    file: TemporaryFile,
    stderr: String,
    status: Option<i32>,
}

impl Recorded {
    fn of(url: &str, options: &[&str]) -> Self {
        let file = place();
        let path = file.0.display().to_string();
        let (stdout, stderr, status) = run_hub(&[&["record", url, &path], options].concat());
        assert_eq!(stdout, "");
        Self { file, stderr, status }
    }

    /// The line in which it says what it has recorded.
    fn said(&self, what: &str) -> String {
        format!("tidings: recorded {what} in {}\n", self.file.0.display())
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.file.0).expect("there is a recording")
    }

    fn lines(&self) -> Vec<String> {
        without_times(&self.bytes())
    }

    /// Starts a mock that plays it.
    fn mock(&self, options: &[&str]) -> Process {
        let path = self.file.0.display().to_string();
        Process::hub(&[&["mock", &path], options].concat())
    }
}

/// The lines, at whose end a CR is shown, but for the times of entries and what they are about.
fn without_times(cassette: &[u8]) -> Vec<String> {
    // Behind a CR of the stream a line of the cassette may stand.
    let lines = cassette.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')).map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let words: Vec<_> = line.split(|&byte| byte == b' ').collect();
        let kept = match words.as_slice() {
            [b":", b"open" | b"part" | b"read" | b"end", time, ..] if time.starts_with(b"+") => {
                [&words[..2], &[&b"+"[..]], &words[3..]].concat().join(&b' ')
            }
            _ => line.to_vec(),
        };
        kept.escape_ascii().to_string()
    });
    lines.filter(|line| !line.starts_with(": about ")).collect()
}

/// The events that a parser reads out of these bytes.
fn events(bytes: &[u8]) -> Vec<(String, String, String)> {
    let mut parser = tidings::Parser::new();
    parser.feed(bytes).expect("short lines");
    parser.drain().map(|event| (event.event_type, event.data, event.last_event_id)).collect()
}

#[test]
fn a_recording_is_the_stream_with_the_borders_of_its_chunks() {
    let stream = format!(
        "{CHUNKED}17\r\nid: 1\nretry: 0\ndata: a\n\r\n1\r\n\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n"
    );
    let script = Script::responses([&*stream, NO_MORE]);
    let recorded = Recorded::of(&script.url("/events"), &["--quiet"]);
    let expected = ": tidings cassette 1\n\
        : open + 200 text/event-stream\n\
        : part + 23\n\
        : read + 1\n\
        id: 1\n\
        retry: 0\n\
        data: a\n\
        \n\
        : read + 9\n\
        data: b\n\
        \n\
        : end + close\n\
        : open + 204\n\
        : end + close";
    assert_eq!(recorded.lines().join("\n"), expected);
    assert_eq!(recorded.stderr, "tidings: the server says that there is no more (204)\n");
    assert_eq!(recorded.status, Some(3));
    assert_eq!(script.field("last-event-id"), [None, Some("1".into())]);
    let said = format!(": about GET {}\n", script.url("/events"));
    assert!(String::from_utf8(recorded.bytes()).unwrap().contains(&said));
}

#[test]
fn a_recording_keeps_when_an_response_and_its_chunks_came() {
    let script = ": wait 300ms\n: flush\n: wait 600ms\n:x\n: flush\n: wait 300ms\ndata: a\n\n";
    let source = TemporaryFile::new("record-times.sse", script);
    let mock = Process::hub(&["mock", &source.0.display().to_string()]);
    let recorded = Recorded::of(&mock.address().to_string(), &["--count=1"]);
    let text = String::from_utf8(recorded.bytes()).unwrap();
    let micros = |begin: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(begin)).expect("such an entry");
        let time = line[begin.len()..].split(' ').next().expect("a time");
        let number = time.trim_end_matches(char::is_alphabetic);
        let unit = [("us", 1), ("ms", 1_000), ("s", 1_000_000)];
        let unit = unit.iter().find(|(name, _)| time.ends_with(name)).expect("a unit");
        number.parse::<u64>().expect("a whole number") * unit.1
    };
    // A machine that is busy may see the one a little late, and so the next seems early.
    for (begin, least) in [(": open +", 150), (": read +", 300)] {
        assert!(micros(begin) >= least * 1_000, "{text}");
    }
}

#[test]
fn standard_output_can_be_recorded_to() {
    let script = Script::responses([format!("{STREAM}data: a\n\n")]);
    let url = script.url("/");
    let (stdout, stderr, status) = run_hub(&["record", &url, "-", "--count=1"]);
    assert!(stdout.starts_with(": tidings cassette 1\n: about GET "), "{stdout}");
    assert!(stdout.ends_with("data: a\n\n: end +0ms left\n"), "{stdout}");
    let expected = format!(
        "tidings: connected to {url}\n\
         tidings: recorded 1 event in 9 bytes of 1 connection on standard output\n"
    );
    assert_eq!((stderr, status), (expected, Some(0)));
}

#[test]
fn a_recording_ends_with_the_chunk_of_the_last_event_that_was_asked_for() {
    let chunks = "8\r\ndata: a\n\r\n13\r\n\ndata: b\n\ndata: c\n\n\r\n9\r\ndata: d\n\n\r\n";
    for count in ["--count=2", "--count=3"] {
        let script = Script::acts(vec![act(move |peer| {
            peer.send(format!("{CHUNKED}{chunks}"));
            assert!(peer.is_left());
        })]);
        let recorded = Recorded::of(&script.url("/"), &[count, "--no-reconnect"]);
        assert_eq!(recorded.status, Some(0), "{}", recorded.stderr);
        let data: Vec<_> = events(&recorded.bytes()).into_iter().map(|event| event.1).collect();
        assert_eq!(data, ["a", "b", "c"]);
        assert_eq!(recorded.lines().last().unwrap(), ": end + left");
    }
}

#[test]
fn an_event_that_ends_with_a_read_of_one_byte_is_recorded_when_it_comes() {
    let script = Script::acts(vec![act(|peer| {
        for piece in [STREAM, "data: a\n", "\n"] {
            std::thread::sleep(std::time::Duration::from_millis(200));
            peer.send(piece);
        }
        assert!(peer.is_left(), "it waits for more");
    })]);
    let recorded = Recorded::of(&script.url("/"), &["--count=1"]);
    assert_eq!(events(&recorded.bytes()), [("message".into(), "a".into(), String::new())]);
    let said = recorded.said("1 event in 9 bytes of 1 connection");
    assert!(recorded.stderr.ends_with(&said), "{}", recorded.stderr);
    assert_eq!(recorded.status, Some(0));
}

#[test]
fn it_says_what_it_has_recorded_of_all_connections() {
    let stream = |data: &str| format!("{STREAM}retry: 0\ndata: {data}\n\n");
    let script = Script::responses([stream("a"), stream("b") + ": c\n", NO_MORE.into()]);
    let recorded = Recorded::of(&script.url("/"), &[]);
    let said = recorded.said("2 events in 40 bytes of 3 connections");
    let end = said + "tidings: the server says that there is no more (204)\n";
    assert!(recorded.stderr.ends_with(&end), "{}", recorded.stderr);
}

#[test]
fn a_link_that_leads_nowhere_yet_is_written_through() {
    let (link, file) = (place(), place());
    std::os::unix::fs::symlink(&file.0, &link.0).unwrap();
    let path = link.0.display().to_string();
    let script = Script::responses([format!("{STREAM}data: a\n\n")]);
    let arguments = ["record", "--no-reconnect", "--quiet", &script.url("/"), &path];
    // It may be somebody's, and who makes the file meanwhile does not expect a recording there.
    assert_eq!(run_hub(&arguments).2, Some(1));
    assert_eq!(run_hub(&[&arguments[..], &["--force"]].concat()).2, Some(0));
    assert!(link.0.symlink_metadata().unwrap().is_symlink());
    let written = std::fs::read_to_string(&file.0).unwrap();
    assert!(written.contains("data: a\n\n: end +"), "{written}");
}

#[test]
fn what_a_connection_left_unfinished_is_not_counted() {
    let script = Script::responses([
        format!("{CHUNKED}9\r\nretry: 0\n\r\n8\r\ndata: a\n\r\n"),
        format!("{CHUNKED}1\r\n\n\r\n9\r\ndata: b\n\n\r\n"),
    ]);
    let recorded = Recorded::of(&script.url("/"), &["--count=1"]);
    assert_eq!(recorded.status, Some(0), "{}", recorded.stderr);
    let data: Vec<_> = events(&recorded.bytes()).into_iter().map(|event| event.1).collect();
    assert_eq!(data, ["b"]);
}

#[test]
fn a_file_that_somebody_makes_meanwhile_is_not_written_over() {
    let file = place();
    let path = file.0.display().to_string();
    let made = file.0.clone();
    let script = Script::acts(vec![act(move |peer| {
        std::fs::write(made, "precious").unwrap();
        peer.send(STREAM);
    })]);
    let (_, stderr, status) = run_hub(&["record", "--no-reconnect", &script.url("/"), &path]);
    let said = format!("tidings: {path} is there already: --force writes over it\n");
    assert_eq!((stderr, status), (said, Some(1)));
    assert_eq!(std::fs::read(&file.0).unwrap(), b"precious");
}

#[test]
fn a_file_that_is_there_is_written_over_only_by_force() {
    let file = TemporaryFile::new("precious.sse", "precious");
    let path = file.0.display().to_string();
    let script = Script::responses([format!("{STREAM}data: a\n\n")]);
    let url = script.url("/");
    let (_, stderr, status) = run_hub(&["record", &url, &path]);
    let said = format!("tidings: {path} is there already: --force writes over it\n");
    assert_eq!((stderr, status), (said, Some(1)));
    assert_eq!(std::fs::read(&file.0).unwrap(), b"precious");
    assert!(script.requests().is_empty());

    // Where there is no response, there is nothing to write.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = nobody.to_string();
    let (_, _, status) = run_hub(&["record", &nobody, &path, "--force", "--attempts=1"]);
    assert_eq!(status, Some(5));
    assert_eq!(std::fs::read(&file.0).unwrap(), b"precious");

    let (_, _, status) = run_hub(&["record", &url, &path, "--force", "--count=1"]);
    assert_eq!(status, Some(0));
    assert_eq!(events(&std::fs::read(&file.0).unwrap()).len(), 1);
}

#[test]
fn where_there_is_no_response_there_is_no_file() {
    let file = place();
    let path = file.0.display().to_string();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_, _, status) = run_hub(&["record", &nobody.to_string(), &path, "--attempts=1"]);
    assert_eq!(status, Some(5));
    assert!(!Path::new(&path).exists());
}
