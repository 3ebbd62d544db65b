//! The cassette of a cassette's replay has the same events and the same borders of chunks, over
//! real sockets and through the real programs.

use super::*;

/// Records what a mock plays of it, with the same options, and compares all but times.
#[track_caller]
fn comes_back(recorded: &Recorded, options: &[&str]) {
    let mock = recorded.mock(&["--speed=100"]);
    let again = Recorded::of(&mock.address().to_string(), options);
    assert_eq!(again.lines(), recorded.lines(), "{}", again.stderr);
    assert_eq!(events(&again.bytes()), events(&recorded.bytes()));
    assert_eq!(again.status, recorded.status, "{}", again.stderr);
}

#[test]
fn the_hub() {
    let hub = hub(&[]);
    for data in ["one", "two\nlines", "größe"] {
        publish(&hub, "/events/news", data);
    }
    let url = format!("{}/events/news?history=9", hub.address());
    let recorded = Recorded::of(&url, &["--count=3"]);
    let data: Vec<_> = events(&recorded.bytes()).into_iter().map(|event| event.1).collect();
    assert_eq!(data, ["one", "two\nlines", "größe"]);
    comes_back(&recorded, &["--count=3"]);
}

#[test]
fn chunks_of_all_kinds() {
    let chunks: [&[u8]; 7] = [
        b"\xef\xbb",
        b"\xbfdata: a\r\n\r",
        b"\n: x\n",
        b"id: 1\rdata: \xc3",
        b"\xa9\r\r",
        b"data: b\n\n: read +1ms 3\n",
        b"data: unfinished",
    ];
    let script = Script::acts(vec![act(move |peer| {
        peer.send(CHUNKED);
        for chunk in chunks {
            peer.send(format!("{:x}\r\n", chunk.len()));
            peer.send(chunk);
            peer.send("\r\n");
        }
    })]);
    let recorded = Recorded::of(&script.url("/"), &["--no-reconnect"]);
    let data: Vec<_> = events(&recorded.bytes()).into_iter().map(|event| event.1).collect();
    assert_eq!(data, ["a", "é", "b"]);
    assert_eq!(recorded.status, Some(5), "{}", recorded.stderr);
    let lines = recorded.lines();
    let is_piece = |line: &&String| line.starts_with(": part +") || line.starts_with(": read +");
    // One that looks like it came with the stream.
    assert_eq!(lines.iter().filter(is_piece).count(), chunks.len() + 1, "{lines:?}");
    comes_back(&recorded, &["--no-reconnect"]);
}

#[test]
fn a_mock_in_chaos() {
    let script = "retry: 1\nid: 1\ndata: größe\n\nid: 2\ndata: b\n\nevent: x\nid: 3\ndata: c\n\n\
        id: 4\ndata: d\ndata: e\n\nid: 5\ndata: f\n\nid: 6\ndata: g\n\n: no-content\n";
    let source = TemporaryFile::new("record-chaos.sse", script);
    let path = source.0.display().to_string();
    let expected = ["größe", "b", "c", "d\ne", "f", "g"];
    let check = |seed: u32| {
        let chaos = format!("--chaos={seed}");
        let mock = Process::hub(&["mock", &path, &chaos, "--speed=100"]);
        let recorded = Recorded::of(&mock.address().to_string(), &["--quiet"]);
        assert_eq!(recorded.status, Some(3), "{seed}: {}", recorded.stderr);
        let data: Vec<_> = events(&recorded.bytes()).into_iter().map(|event| event.1).collect();
        assert_eq!(data, expected, "{seed}");
        comes_back(&recorded, &["--quiet"]);
    };
    // Seed 7 ends a stream before the reconnection time has come, and so takes seconds.
    let seeds: Vec<u32> = (0..=20).filter(|seed| *seed != 7).collect();
    // Most of the time is spent on waiting for clients to come back.
    std::thread::scope(|scope| {
        for seeds in seeds.chunks(4) {
            scope.spawn(|| seeds.iter().copied().for_each(check));
        }
    });
}

/// A mock that plays this, recorded.
fn of_mock(name: &str, script: &str, options: &[&str]) -> Recorded {
    let source = TemporaryFile::new(name, script);
    let mock = Process::hub(&["mock", &source.0.display().to_string(), "--speed=100"]);
    Recorded::of(&mock.address().to_string(), options)
}

#[test]
fn a_reset_within_an_event() {
    let script = "retry: 1\nid: 1\ndata: a\n\n: flush\nid: 2\ndata: cut\n: wait 5s\n: reset\n\
        id: 2\ndata: b\n\n: no-content\n";
    let recorded = of_mock("record-reset.sse", script, &[]);
    let lines = recorded.lines();
    assert!(lines.contains(&": end + reset".into()), "{lines:?}");
    assert!(lines.contains(&": rest id: 2\\\\ndata: cut\\\\n".into()), "{lines:?}");
    assert_eq!(recorded.status, Some(3), "{}", recorded.stderr);
    comes_back(&recorded, &[]);
}

#[test]
fn a_204_at_once() {
    let recorded = of_mock("record-204.sse", ": no-content\n", &[]);
    let expected = [": tidings cassette 1", ": open + 204", ": end + close"];
    assert_eq!((recorded.lines(), recorded.status), (expected.map(String::from).into(), Some(3)));
    comes_back(&recorded, &[]);
}

#[test]
fn a_response_that_is_no_stream() {
    let full = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
        Content-Length: 5\r\n\r\nfull\n";
    let recorded = Recorded::of(&Script::responses([full]).url("/"), &[]);
    let expected = ": tidings cassette 1\n\
        : open + 503 text/plain\n\
        : part + 5\n\
        : rest full\\\\n\n\
        : end + close";
    assert_eq!((&*recorded.lines().join("\n"), recorded.status), (expected, Some(4)));
    comes_back(&recorded, &[]);
}

#[test]
fn http_1_0() {
    let script = Script::responses([format!(
        "{}retry: 0\nid: 1\ndata: a\n\n",
        STREAM.replace("HTTP/1.1", "HTTP/1.0")
    )]);
    let recorded = Recorded::of(&script.url("/"), &["--no-reconnect"]);
    assert_eq!(recorded.status, Some(0), "{}", recorded.stderr);
    assert_eq!(recorded.lines().last().unwrap(), ": end + close");
    comes_back(&recorded, &["--no-reconnect"]);
}

#[test]
fn no_response_at_all() {
    let first = format!("{CHUNKED}a\r\nretry: 0\n\n\r\n0\r\n\r\n");
    let script = Script::responses([&*first, "", NO_MORE]);
    let recorded = Recorded::of(&script.url("/"), &[]);
    let lines = recorded.lines();
    let expected = [": open +", ": end + cut", ": open + 204", ": end + close"];
    assert_eq!(
        (&lines[lines.len() - 4..], recorded.status),
        (&expected.map(String::from)[..], Some(3))
    );
    comes_back(&recorded, &[]);
}
