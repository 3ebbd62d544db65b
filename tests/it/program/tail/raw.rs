//! The learner's view.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::*;
use crate::support::http::Client;
use crate::support::process::hub_path;
use crate::support::script::act;
use crate::support::until_some;

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

/// The lines of the README's picture: in each, the words from left to right.
fn picture() -> Vec<String> {
    let svg = concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc/tail-raw.svg");
    let svg = std::fs::read_to_string(svg).expect("the picture");
    let mut lines: Vec<String> = Vec::new();
    for text in svg.lines().filter_map(|line| line.strip_prefix("<text ")?.strip_suffix("</text>"))
    {
        let (attributes, words) = text.split_once('>').expect("the end of its tag");
        let y = attributes.split_once(" y=\"").expect("its height").1;
        // One for each letter of CR and LF, which are small: each line has 19 from top to bottom.
        let y: f32 = y.split(['"', ' ']).next().and_then(|y| y.parse().ok()).expect("a number");
        let number = ((y - 22.0) / 19.0) as usize;
        lines.resize(lines.len().max(number + 1), String::new());
        let line = &mut lines[number];
        match words {
            "CR" => line.push('␍'),
            "LF" => line.push('␊'),
            _ => *line = format!("{line} {words}").trim_start().to_owned(),
        }
    }
    lines
}

#[test]
fn the_picture_in_the_readme_has_its_words() {
    // How long a chunk is depends on the epoch, which is drawn by lot: most have twelve digits.
    const EPOCH: &str = "966966073838";
    let (hub, epoch) = until_some("an epoch of twelve digits", || {
        let hub = hub(&[]);
        let first = Client::to(hub.address()).open("/events/probe").body;
        let epoch = String::from_utf8(first).ok()?.strip_prefix("id: ")?.split('-').next()?.into();
        (String::len(&epoch) == EPOCH.len()).then_some((hub, epoch))
    });
    let url = format!("{}/events/news", hub.address());
    let mut tail = Command::new(hub_path())
        .args(["tail", "--raw", "--quiet", "--count=1", &url])
        .stdout(Stdio::piped())
        .spawn()
        .expect("tail");
    let mut printed = String::new();
    for line in
        BufReader::new(tail.stdout.take().expect("it is piped")).lines().map_while(Result::ok)
    {
        if line.ends_with("end of the chunk") && !printed.contains("end of the chunk") {
            publish(&hub, "/events/news", "hello");
        }
        printed += &(line + "\n");
    }
    assert_eq!(tail.wait().expect("its status").code(), Some(0));

    let without_date = |line: &str| match line.split_once(" GMT") {
        Some((_, rest)) => format!("Date: {rest}"),
        None => line.to_owned(),
    };
    let printed: Vec<String> = lines(&printed.replace(&epoch, EPOCH))
        .iter()
        .map(|line| without_date(line))
        .skip_while(|line| !line.starts_with("received"))
        .collect();
    let picture = picture();
    assert_eq!(picture[..2], ["$ tidings tail --raw localhost:3000/events/news", "⋮"]);
    let shown: Vec<String> = picture[2..]
        .iter()
        .map(|line| {
            line.split_once(" s received").map_or(line.clone(), |(_, n)| format!("received{n}"))
        })
        .map(|line| without_date(&line))
        .collect();
    assert_eq!(shown, printed);
}
