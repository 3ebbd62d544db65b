//! What a tap sees: the bytes of every read and write, and nothing else.

use tidings::client::{Plain, Tap, Traffic, Transport, Url};

use super::*;
use crate::support::memory::Memory;
use crate::support::script::{NO_MORE, STREAM, act};
use crate::support::{Notes, SOON};

/// A tap around a transport, and what it has seen, in words.
fn tap<T: Transport>(transport: T) -> (Tap<T, impl FnMut(Traffic<'_>) + Send>, Notes<String>) {
    let notes = Notes::new();
    let noted = notes.clone();
    let tap = Tap::new(transport, move |traffic: Traffic<'_>| {
        noted.add(match traffic {
            Traffic::Connected(url) => format!("connected {url}"),
            Traffic::Sent(bytes) => format!("sent {}", bytes.escape_ascii()),
            Traffic::Received(bytes) => format!("received {}", bytes.escape_ascii()),
            Traffic::Ended => "ended".into(),
            other => format!("{other:?}"),
        });
    });
    (tap, notes)
}

#[test]
fn the_borders_of_reads_are_seen() {
    let pieces = ["HTTP/1.1 200 OK\r\nContent-Type: text/ev", "ent-stream\r\n\r\ndata:", " a\n\n"];
    let reads = pieces.map(|piece| piece.as_bytes().to_vec()).to_vec();
    let (tap, seen) = tap(Memory::new([reads, vec![NO_MORE.into()]]));
    assert_eq!(data(at("http://h/a").transport(tap)), ["a"]);
    let seen = seen.all();
    assert_eq!(seen[0], "connected http://h/a");
    assert!(seen[1].starts_with("sent GET /a HTTP/1.1\\r\\nHost: h\\r\\n"), "{}", seen[1]);
    let received: Vec<_> =
        pieces.iter().map(|p| format!("received {}", p.escape_debug())).collect();
    assert_eq!(seen[2..5], received);
    assert_eq!(seen[5..7], ["ended", "connected http://h/a"]);
    assert_eq!(seen[8..], ["received HTTP/1.1 204 No Content\\r\\n\\r\\n"]);
}

#[test]
fn over_tcp_every_byte_is_seen_once_and_in_order() {
    let response = format!("{STREAM}data: a\n\n");
    let script = Script::responses([&*response, NO_MORE]);
    let (tap, seen) = tap(Plain);
    assert_eq!(data(source(&script).transport(tap)), ["a"]);
    let with = |what: &str| -> String {
        seen.all().iter().filter_map(|note| note.strip_prefix(what)).collect()
    };
    assert_eq!(with("received "), format!("{response}{NO_MORE}").escape_debug().to_string());
    assert_eq!(with("sent "), script.requests().concat().escape_debug().to_string());
}

#[test]
fn an_end_that_is_our_own_is_not_shown_as_the_servers() {
    let script = Script::acts(vec![act(|peer| assert!(peer.is_left()))]);
    let (tap, seen) = tap(Plain);
    let connection = tap.connect(&Url::parse(&script.url("/")).unwrap(), SOON).unwrap();
    connection.write(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    connection.shutdown();
    assert_eq!(connection.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(seen.len(), 2, "{:?}", seen.all());
}
