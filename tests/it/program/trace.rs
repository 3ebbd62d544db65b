//! `--trace`: what goes over each connection, and where in the source it comes from.

use std::collections::BTreeMap;
use std::net::Shutdown;

use tidings::trace::{Piece, places};

use super::*;
use crate::support::http::{Client, exchange};
use crate::support::process::{hub_path, signal};
use crate::support::strace::{Strace, calls_of_connections};
use crate::support::trace::{Call, calls};
use crate::support::{until, until_some};

/// The calls of the connections that are over, once so many are.
fn calls_of(hub: &Process, connections: usize) -> Vec<Call> {
    until_some("the connections' ends", || {
        let calls = calls(hub);
        let over = calls.iter().filter(|call| call.name == "close").count();
        (over >= connections).then_some(calls)
    })
}

/// Follows a channel until one event has come, and leaves.
fn follow(hub: &Process, target: &str) {
    let mut client = Client::to(hub.address());
    client.open(target);
    publish(hub, "/events/news?event=weather", "rain\nand more");
    let chunk = client.chunk().expect("an event");
    assert!(chunk.ends_with("event: weather\ndata: rain\ndata: and more\n\n"), "{chunk}");
    client.socket().shutdown(Shutdown::Both).expect("it is open");
}

#[test]
fn a_trace_of_one_stream_names_its_places_and_each_exists() {
    let hub = hub(&["--trace"]);
    follow(&hub, "/events/news");
    let calls = calls_of(&hub, 2);
    let rows = calls.iter().flat_map(|call| &call.rows);
    let named: Vec<&str> = rows.map(|row| &*row.place).collect();
    for (piece, text) in [
        (Piece::RequestLine, "split_space(line)"),
        (Piece::Host, "is_authority"),
        (Piece::EndOfRequestHead, "line.is_empty()"),
        (Piece::StatusLine, "HTTP/1.1 200 "),
        (Piece::EventStreamType, "Content-Type: text/event-stream"),
        (Piece::TransferEncoding, "Transfer-Encoding: chunked"),
        (Piece::ChunkSize, "hexadecimal"),
        (Piece::FirstId, "id: "),
        (Piece::Type, "event: "),
        (Piece::Data, "data: "),
        (Piece::EndOfEvent, "push(b'\\n')"),
        (Piece::ChunkEnd, "CRLF"),
        (Piece::RequestBody, "extend_from_slice"),
        (Piece::ContentLength, "Content-Length: "),
    ] {
        let place = piece.place();
        assert!(named.contains(&&*place.to_string()), "{piece:?} in {named:?}");
        assert!(line_of(&place.to_string()).contains(text), "{piece:?}: {place}");
    }
    for call in &calls {
        assert!(line_of(&call.place).contains('('), "{call:?}");
        for row in &call.rows {
            assert!(!line_of(&row.place).trim().is_empty(), "{row:?}");
        }
    }
    let known: Vec<String> = places().map(|(_, place)| place.to_string()).collect();
    assert!(named.iter().all(|place| known.iter().any(|known| known == place)), "{named:?}");
}

/// The line of the source that a place names.
#[track_caller]
fn line_of(place: &str) -> String {
    let (path, number) = place.split_once(':').unwrap_or_else(|| panic!("no place: {place:?}"));
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("a file of the source");
    text.lines().nth(number.parse::<usize>().expect("a number") - 1).expect("a line").to_owned()
}

#[test]
fn each_call_of_a_connection_is_named_from_its_accept_to_its_close() {
    let hub = hub(&["--trace"]);
    follow(&hub, "/events/news");
    let calls = calls_of(&hub, 2);
    let of_first: Vec<_> = calls.iter().filter(|call| call.connection == "1").collect();
    let names: Vec<&str> = of_first.iter().map(|call| &*call.name).collect();
    assert_eq!(names, ["accept4", "recvfrom", "sendto", "sendto", "recvfrom", "close"]);
    assert_eq!(of_first[4].what, "the peer has ended its side");
    let of_second = calls.iter().filter(|call| call.connection == "2");
    let writes = of_second.filter(|call| call.name == "writev").count();
    assert_eq!(writes, 1, "head and body go out in one call");
}

#[test]
fn the_trace_and_strace_tell_of_the_same_calls() {
    let Some(strace) = Strace::to("trace") else { return };
    let calls = "trace=accept4,recvfrom,sendto,writev,shutdown,close";
    let mut command = strace.command(&["-s", "0", "-e", calls], &hub_path());
    let mut hub = Process::start(command.args([LISTEN, "--trace"]));
    let mut client = Client::to(hub.address());
    client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2));
    assert_eq!([client.response().status, client.response().status], [200, 200]);
    client.send("POST /events/a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n");
    client.send("Transfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.head().status, 100);
    ["2\r", "\nhi\r\n0\r\n", "\r\n"].into_iter().for_each(|piece| client.send(piece));
    assert_eq!(client.response().status, 200);
    assert_eq!(exchange(hub.address(), b"GET\r\n\r\n").status, 400);
    follow(&hub, "/events/news");
    let mut stream = Client::to(hub.address());
    stream.open("/events/large");
    // One line, of which little is shown: of many, some lines of the trace could be dropped.
    publish(&hub, "/events/large", &"x".repeat(700_000));
    assert!(stream.chunk().is_some_and(|chunk| chunk.len() > 700_000));
    signal(hub.id(), "TERM");
    stream.rest();
    drop((client, stream));
    assert_eq!(hub.ended(), Some(0));
    let ends = format!("{} +++ exited with 0 +++", hub.id());
    let expected = calls_of_connections(&strace.lines(1, &ends));
    let closes = expected.values().flatten().filter(|(name, _)| name == "close").count();
    let mut told: BTreeMap<u16, Vec<(String, i64)>> = BTreeMap::new();
    for call in calls_of(&hub, closes) {
        let (_, port) = call.peer.rsplit_once(':').expect("an address");
        let moved = match &*call.what {
            "the system takes no more now" => -1,
            what if what.ends_with(" received") || what.ends_with(" sent") => {
                what.split(' ').next().expect("a word").parse().expect("how many bytes")
            }
            what if what.contains("(os error ") => -1,
            _ => 0,
        };
        told.entry(port.parse().expect("a port")).or_default().push((call.name, moved));
    }
    assert_eq!(told, expected);
    let names: Vec<&str> = told.values().flatten().map(|(name, _)| &**name).collect();
    for name in ["accept4", "recvfrom", "sendto", "writev", "shutdown", "close"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[test]
fn a_prefix_chooses_the_requests_that_are_traced() {
    let hub = hub(&["--trace=/events/news", "--log"]);
    let mut client = Client::to(hub.address());
    assert_eq!(client.get("/health").status, 200);
    drop(client);
    follow(&hub, "/events?channel=news");
    follow(&hub, "/events/news");
    calls_of(&hub, 3);
    until("the log of a stream", || {
        hub.stderr().iter().any(|line| line.starts_with("close peer="))
    });
    let targets: Vec<_> = calls(&hub).into_iter().flat_map(|call| call.rows).collect();
    let lines = targets.iter().filter(|row| row.means.starts_with("request line"));
    let lines: Vec<&str> = lines.map(|row| &*row.bytes).collect();
    let publish = "POST /events/news?event=weather HTTP/1.1␍␊";
    assert_eq!(lines.iter().filter(|line| **line == publish).count(), 2, "{lines:?}");
    assert!(lines.contains(&"GET /events/news HTTP/1.1␍␊"), "{lines:?}");
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[test]
fn row_48_no_secret_is_in_a_trace() {
    let token = TemporaryFile::new("traced", "SECRET1");
    let hub = hub(&["--trace", &token.argument()]);
    for fields in ["Authorization: Bearer SECRET1\r\n", "Cookie: tidings=SECRET2\r\n"] {
        post_with(&hub, "/events/news?token=SECRET3", fields);
    }
    calls_of(&hub, 2);
    let told = hub.stderr().join("\n");
    assert!(told.contains("Authorization: (14 bytes)␍␊"), "{told}");
    assert!(told.contains("?token=(7 bytes) HTTP/1.1␍␊") && !told.contains("SECRET"), "{told}");
}

#[test]
fn what_a_proxy_says_first_is_told_of_no_client_that_is_none() {
    for (proxy, means) in [
        ("127.0.0.1", "PROXY protocol: who the client is"),
        ("192.0.2.1", "the PROXY protocol is spoken here by none but listed proxies"),
    ] {
        let proxy = format!("--behind-proxy={proxy}");
        let hub = hub(&["--trace", "--proxy-protocol", &proxy]);
        let request = "PROXY UNKNOWN\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut client = Client::to(hub.address());
        client.send(request);
        client.response();
        drop(client);
        let calls = calls_of(&hub, 1);
        let rows: Vec<_> = calls.iter().flat_map(|call| &call.rows).collect();
        assert_eq!(rows[0].bytes, "PROXY UNKNOWN␍␊");
        assert!(rows[0].means.starts_with(means), "{rows:?}");
    }
}
