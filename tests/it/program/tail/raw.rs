//! The learner's view.

use std::thread::sleep;
use std::time::Duration;

use super::*;
use crate::support::script::act;

/// The lines without the times, and with one space where there are more.
fn lines(stdout: &str) -> Vec<String> {
    let short = |line: &str| line[11..].split_whitespace().collect::<Vec<_>>().join(" ");
    stdout.lines().map(short).collect()
}

#[test]
fn every_byte_is_shown_as_it_came_with_what_it_means() {
    let script = Script::acts(vec![act(|peer| {
        peer.send(CHUNKED);
        for piece in ["14\r\nid: 7\nda", "ta: hello\r\n\n\r\n0\r\n\r\n"] {
            sleep(Duration::from_millis(200));
            peer.send(piece);
        }
        assert!(peer.is_left());
    })]);
    let (stdout, _, status) = tail(&script, &["--raw", "--no-reconnect", "--header=Cookie: abc"]);
    assert_eq!(status, Some(0));
    let lines = lines(&stdout);
    let address = script.address();
    assert_eq!(lines[0], format!("connected to 127.0.0.1 port {}", address.port()));
    assert_eq!(lines[1], format!("sent {} bytes", script.requests()[0].len()));
    assert_eq!(lines[2], "GET /events HTTP/1.1␍␊ request line: method, target, version");
    assert_eq!(lines[3], format!("Host: {address}␍␊ the server's name, as the URL has it"));
    assert_eq!(lines[8], "Cookie: (3 bytes)␍␊ who the client is");
    assert_eq!(lines[10], "␍␊ end of the head");
    assert_eq!(
        lines[11..],
        [
            "received 80 bytes",
            "HTTP/1.1 200 OK␍␊ status line: version, status, reason",
            "Content-Type: text/event-stream␍␊ what the content is",
            "Transfer-Encoding: chunked␍␊ in chunks, as the length isn't known yet",
            "␍␊ end of the head; chunks follow",
            "received 12 bytes",
            "14␍␊ chunk: 20 bytes",
            "id: 7␊ id: the client resumes after it",
            "da ...",
            "received 19 bytes",
            "ta: hello␍␊ data, a line of it",
            "␊ blank line: dispatch \"message\", 5 bytes of data",
            "␍␊ end of the chunk",
            "0␍␊ last chunk: the stream is whole",
            "␍␊ end of the stream",
        ]
    );
}

#[test]
fn each_connection_begins_anew_and_its_end_is_shown() {
    let script = Script::responses([&*format!("{STREAM}retry: 0\ndata: a\n\n"), NO_MORE]);
    let (stdout, _, status) = tail(&script, &["--raw"]);
    assert_eq!(status, Some(3));
    let lines = lines(&stdout);
    let end = lines.iter().position(|line| line.starts_with("the server ends")).expect("an end");
    assert_eq!(lines[end], "the server ends the connection: and the response with it");
    assert!(lines[end + 1].starts_with("connected to "), "{lines:?}");
    assert_eq!(lines[lines.len() - 1], "␍␊ end of the head; nothing follows");
}

#[test]
fn times_are_seconds_since_the_start() {
    let script = Script::acts(vec![act(|peer| {
        sleep(Duration::from_millis(300));
        peer.send(NO_MORE);
    })]);
    let (stdout, _, _) = tail(&script, &["--raw"]);
    let received = stdout.lines().find(|line| line.contains("received")).expect("a response");
    let time: f64 = received[..7].trim().parse().expect("a number");
    assert!((0.3..10.0).contains(&time), "{received}");
    assert_eq!(&received[7..11], " s  ");
}

#[test]
fn a_secret_that_comes_in_two_reads_is_shown_in_neither() {
    let script = Script::acts(vec![act(|peer| {
        for piece in ["HTTP/1.1 204 \r\nSet-Coo", "kie: sid=AB", "CDEF; Secure\r\n", "\r\n"] {
            sleep(Duration::from_millis(200));
            peer.send(piece);
        }
        assert!(peer.is_left());
    })]);
    let (stdout, _, _) = tail(&script, &["--raw"]);
    let lines = lines(&stdout);
    let response =
        lines.iter().position(|line| line.starts_with("HTTP/1.1 204")).expect("a response");
    assert_eq!(
        lines[response + 1..],
        [
            "Set-Coo ...",
            "received 11 bytes",
            "kie: (6 bytes) ...",
            "received 14 bytes",
            "(12 bytes)␍␊ what to send with the next request",
            "received 2 bytes",
            "␍␊ end of the head; nothing follows",
        ]
    );
}
