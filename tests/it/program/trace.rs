//! `--trace`: what goes over each connection, and where in the source it comes from.

use std::net::Shutdown;

use tidings::trace::{Piece, places};

use super::*;
use crate::support::http::Client;
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
        assert!(call.place.is_empty() || line_of(&call.place).contains('('), "{call:?}");
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
