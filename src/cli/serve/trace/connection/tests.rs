//! Tests of what is shown of the calls on a connection.

use std::io;

use super::*;
use crate::cli::paint::Paint;

const GET: &[u8] = b"GET /events/a HTTP/1.1\r\nHost: h\r\n\r\n";
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";

/// What a connection shows, one string for each call.
struct Shown(Connection);

impl Shown {
    fn of(prefix: &str) -> Self {
        Self(Connection::new(1, Peer::Unix, &prefix.into(), false))
    }

    fn tell(&mut self, name: &'static str, outcome: Outcome<'_>) -> String {
        let layout = Layout { paint: Paint::none(), columns: usize::MAX, places: true };
        self.0.tell(name, outcome, 0.0, layout)
    }

    fn read(&mut self, bytes: &[u8]) -> String {
        self.tell("recvfrom", Outcome::Received(bytes))
    }

    fn write(&mut self, bytes: &[u8]) -> String {
        self.tell("sendto", Outcome::Sent { bytes, of: bytes.len() })
    }
}

/// The lines, each without its place, and with one space where there are more.
fn short(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let line = line.split("  src/").next().unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect()
}

#[test]
fn a_call_is_told_with_its_bytes_and_where_they_come_from() {
    let mut shown = Shown::of("");
    let accepted = shown.tell("accept4", Outcome::Accepted);
    let place = Piece::Accept.place();
    assert_eq!(accepted, format!("  0.000 s  #1 unix accept4: the connection is there  {place}\n"));
    let read = shown.read(GET);
    assert_eq!(
        short(&read),
        [
            "0.000 s #1 unix recvfrom: 35 bytes received",
            "GET /events/a HTTP/1.1␍␊ request line: method, target, version",
            "Host: h␍␊ the server's name, as the URL has it",
            "␍␊ end of the head",
        ]
    );
    let place = format!("{}  RFC 9112, section 3", Piece::RequestLine.place());
    assert!(read.lines().nth(1).is_some_and(|line| line.ends_with(&place)), "{read}");
    let sent = shown.tell("writev", Outcome::Sent { bytes: HEAD, of: 40 });
    assert_eq!(short(&sent)[0], "0.000 s #1 unix writev: 38 bytes of 40 sent");
}

#[test]
fn a_check_that_finds_nothing_is_not_shown_and_a_full_socket_is() {
    let mut shown = Shown::of("");
    let waits = || io::Error::from(ErrorKind::WouldBlock);
    assert_eq!(shown.tell("recvfrom", Outcome::Failed(&waits())), "");
    let full = shown.tell("sendto", Outcome::Failed(&waits()));
    assert_eq!(short(&full), ["0.000 s #1 unix sendto: the system takes no more now"]);
    let reset = shown.tell("recvfrom", Outcome::Failed(&ErrorKind::ConnectionReset.into()));
    assert_eq!(short(&reset), ["0.000 s #1 unix recvfrom: connection reset"]);
}

#[test]
fn each_call_names_its_place_whatever_became_of_it() {
    let mut shown = Shown::of("");
    let waits = &io::Error::from(ErrorKind::WouldBlock);
    let broken = &io::Error::from(ErrorKind::BrokenPipe);
    for (call, outcome, piece) in [
        ("accept4", Outcome::Accepted, Piece::Accept),
        ("recvfrom", Outcome::Received(GET), Piece::Read),
        ("recvfrom", Outcome::Failed(broken), Piece::Read),
        ("writev", Outcome::Failed(waits), Piece::WriteBoth),
        ("writev", Outcome::Sent { bytes: HEAD, of: 40 }, Piece::WriteBoth),
        ("sendto", Outcome::Failed(waits), Piece::Write),
        ("sendto", Outcome::Failed(broken), Piece::Write),
        ("shutdown", Outcome::HalfClosed, Piece::HalfClose),
        ("recvfrom", Outcome::Received(b""), Piece::Read),
        ("close", Outcome::Closed, Piece::Close),
    ] {
        let told = shown.tell(call, outcome);
        let title = told.lines().next().unwrap_or_default();
        assert!(title.contains(&format!("  {}", piece.place())), "{piece:?}: {told}");
    }
}

#[test]
fn what_comes_where_no_request_is_read_is_dropped_and_shows_no_secret() {
    const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    const MORE: &[u8] = b"GET /?token=SECRET HTTP/1.1\r\nCookie: SECRET\r\n";
    let dropped = |first: &str| {
        let lines = [first, "Cookie: (6 bytes)␍␊"];
        lines.map(|line| format!("{line} dropped: no request is read here any more"))
    };
    // A stream without chunks has no end before that of its connection.
    let mut shown = Shown::of("");
    shown.read(GET);
    shown.write(STREAM);
    let told = shown.read(MORE);
    assert!(told.lines().next().unwrap().ends_with(&Piece::Check.place().to_string()), "{told}");
    assert_eq!(short(&told)[1..], dropped("GET /?token=(6 bytes) HTTP/1.1␍␊"));
    shown.tell("shutdown", Outcome::HalfClosed);
    let told = shown.read(MORE);
    assert!(told.lines().next().unwrap().ends_with(&Piece::Read.place().to_string()), "{told}");
    assert_eq!(short(&told)[1..], dropped("GET (23 bytes)␍␊"));
}

#[test]
fn each_response_on_a_connection_is_told_from_its_first_byte() {
    let mut shown = Shown::of("");
    shown.read(GET);
    shown.write(&[HEAD, b"ok"].concat());
    // A response to a HEAD has no body, though its head says how long one would be.
    shown.read(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    shown.write(HEAD);
    shown.read(GET);
    let third = short(&shown.write(HEAD));
    assert_eq!(third[1], "HTTP/1.1 200 OK␍␊ status line: version, status, reason");
}

#[test]
fn with_a_prefix_a_request_is_shown_from_its_accept_on_or_not_at_all() {
    let mut shown = Shown::of("/events/a");
    assert_eq!(shown.tell("accept4", Outcome::Accepted), "");
    assert_eq!(shown.read(&GET[..9]), "");
    let shown_now = short(&shown.read(&GET[9..]));
    assert_eq!(shown_now[0], "0.000 s #1 unix accept4: the connection is there");
    assert_eq!(shown_now[1], "0.000 s #1 unix recvfrom: 9 bytes received");
    assert_eq!(shown_now[3], "0.000 s #1 unix recvfrom: 26 bytes received");
    assert!(!shown.write(&[HEAD, b"ok"].concat()).is_empty());
    // The next is of no interest, and the one after it is.
    assert_eq!(shown.read(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"), "");
    assert_eq!(shown.write(&[HEAD, b"ok"].concat()), "");
    assert_eq!(short(&shown.read(GET))[0], "0.000 s #1 unix recvfrom: 35 bytes received");
    assert!(!shown.write(&[HEAD, b"ok"].concat()).is_empty());
    // What comes after it is not known before its target has come.
    assert_eq!(shown.read(b"GET /he"), "");
    assert_eq!(shown.read(b"alth HTTP/1.1\r\nHost: h\r\n\r\n"), "");
}

#[test]
fn with_a_prefix_pipelined_requests_are_told_apart() {
    const OTHER: &[u8] = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
    let whole = [HEAD, b"ok"].concat();
    let mut shown = Shown::of("/events/a");
    shown.tell("accept4", Outcome::Accepted);
    assert!(!shown.read(&[GET, OTHER].concat()).is_empty());
    assert!(!shown.write(&whole).is_empty(), "the first is shown");
    assert_eq!(shown.write(&whole), "", "the second is not");
    // The first bytes of one that is shown come with another's.
    assert_eq!(shown.read(&[OTHER, &GET[..9]].concat()), "");
    assert_eq!(shown.write(&whole), "");
    let told = short(&shown.read(&GET[9..]));
    assert_eq!(told[0], "0.000 s #1 unix recvfrom: 42 bytes received");
    assert!(told.contains(&"GET /even ...".to_owned()), "{told:?}");
    assert_eq!(
        short(&shown.write(&whole))[1],
        "HTTP/1.1 200 OK␍␊ status line: version, status, reason"
    );
}

#[test]
fn the_head_of_a_response_to_head_says_that_nothing_follows() {
    let mut shown = Shown::of("");
    shown.read(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(short(&shown.write(HEAD))[3], "␍␊ end of the head; nothing follows");
}

#[test]
fn what_waits_for_a_target_is_bounded() {
    let mut shown = Shown::of("/events/a");
    for _ in 0..500 {
        assert_eq!(shown.read(&[b'\n'; 200]), "");
    }
    assert!(shown.0.waiting.len() <= MOST_WAITING);
}

#[test]
fn a_large_body_is_cut_short() {
    let mut shown = Shown::of("");
    shown.read(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    let long = shown.read(&[b'x'; 50_000]);
    assert!(long.contains("x(and 49000 bytes more)"), "{}", long.len());
    let many = shown.read(&[b'\n'; 50_000]);
    assert_eq!(short(&many).last().map(|line| &**line), Some("and 49900 more lines"));
    assert_eq!(many.lines().count(), 1 + MOST_ROWS + 1);
}

#[test]
fn row_48_a_trace_shows_no_secret() {
    let mut shown = Shown::of("");
    let request = b"GET /events/a?token=SECRET HTTP/1.1\r\nHost: h\r\n\
        Authorization: Bearer SECRET\r\nCookie: tidings=SECRET\r\n\r\n";
    let mut text = shown.read(request);
    text += &shown.write(b"HTTP/1.1 204 No Content\r\nSet-Cookie: tidings=SECRET\r\n\r\n");
    for bytes in request.chunks(1) {
        text += &shown.read(bytes);
    }
    assert!(text.contains("Authorization: (13 bytes)") && !text.contains("SECRET"), "{text}");
    assert!(!text.replace(char::is_whitespace, "").contains("RET"), "{text}");
}
