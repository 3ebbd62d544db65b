//! Rows 25, 26 and 29: what a stream carries, what its head says, and where its client resumes.

use std::io::{BufReader, Read as _, Write};

use tidings::{Channel, Event, EventId, EventType, MessageEvent, Parser, Server};

use super::{Cuts, Site, outcome};
use crate::support::http::{Client, connect, read_head};
use crate::support::stream::{End, EventStream};

/// What texts are made of that a reader could take for something else.
const PIECES: [&str; 20] = [
    "\r",
    "\n",
    "\r\n",
    "\n\n",
    "\0",
    " ",
    ":",
    ": ",
    "\u{feff}",
    "data",
    "id: ",
    "event:",
    "\t",
    "a",
    "0\r\n\r\n",
    "é",
    "数",
    "🦀",
    "\u{2028}",
    "\u{85}",
];

/// An event's type, data and last event ID, as a client has them.
type Read = (String, String, String);

fn read(event: MessageEvent) -> Read {
    assert_eq!(event.retry, None);
    (event.event_type, event.data, event.last_event_id)
}

/// Events with any data, with what a reader must make of each.
fn events() -> Vec<(Event, Read)> {
    let mut random = Cuts::new();
    let mut last_event_id = String::new();
    let events = (0..300).map(|n| {
        let count = [0, 1, 2, 5, 40][random.below(5)];
        let data: String = (0..count).map(|_| PIECES[random.below(PIECES.len())]).collect();
        let mut event = Event::new(data.clone());
        let mut event_type = "message".to_owned();
        if n % 2 == 0 {
            event_type = format!(" {} {n}", PIECES[6 + random.below(3)]);
            event = event.with_type(EventType::new(event_type.clone()).unwrap());
        }
        if n % 3 == 0 {
            last_event_id = format!(" {}{n}", PIECES[15 + random.below(5)]);
            event = event.with_id(EventId::new(last_event_id.clone()).unwrap());
        }
        let data = data.replace("\r\n", "\n").replace('\r', "\n");
        (event, (event_type, data, last_event_id.clone()))
    });
    events.collect()
}

#[test]
fn row_25_every_event_comes_over_the_wire_as_it_was_under_any_split() {
    let (sent, expected): (Vec<Event>, Vec<Read>) = events().into_iter().unzip();
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .sse("/sse", move |stream, _request| {
            sent.iter().try_for_each(|event| stream.send(event.clone()))
        })
        .start()
        .unwrap();
    let mut framed = EventStream::open(server.address(), "/sse");
    for event in &expected {
        assert_eq!(framed.next().map(read).as_ref(), Ok(event));
    }
    assert_eq!(framed.next().unwrap_err(), End::Whole);

    // To HTTP/1.0 the same bytes come unframed, and may be cut anywhere.
    let mut socket = connect(server.address());
    socket.write_all(b"GET /sse HTTP/1.0\r\n\r\n").unwrap();
    let mut reader = BufReader::new(socket);
    read_head(&mut reader);
    let mut content = Vec::new();
    reader.read_to_end(&mut content).unwrap();
    let mut cuts = Cuts::new();
    for pieces in [content.chunks(1).collect(), cuts.cut(&content), vec![&content[..]]] {
        let mut parser = Parser::new();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(piece).expect("an event stream");
            events.extend(std::iter::from_fn(|| parser.next_event()).map(read));
        }
        assert_eq!(events, expected);
    }
}

#[test]
fn row_26_the_head_of_a_stream_is_the_same_whatever_is_asked_for() {
    let site = Site::new();
    let requests: &[&[u8]] = &[
        b"GET /sse HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /sse HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n",
        b"GET /sse HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream;charset=utf-16\r\n\r\n",
        b"GET /sse HTTP/1.1\r\nHost: h\r\nAccept: application/json;q=1, */*;q=0\r\n\r\n",
        b"GET /sse HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip, br\r\n\r\n",
        b"GET /sse HTTP/1.1\r\nHost: h\r\nRange: bytes=3-\r\n\r\n",
        b"GET /sse HTTP/1.1\r\nHost: h\r\nIf-None-Match: *\r\nIf-Modified-Since: x\r\n\r\n",
        b"GET /sse HTTP/1.1\r\nHost: h\r\nTE: gzip\r\nConnection: TE, keep-alive\r\n\r\n",
        b"GET /sse HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /sse HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ];
    for request in requests {
        let response = outcome(site.address(), [*request]);
        let (before, rest) = response.split_once("Date: ").expect(&response);
        let behind = rest.split_once("\r\n").expect(&response).1;
        assert_eq!(before, "HTTP/1.1 200 OK\r\n", "{}", request.escape_ascii());
        assert_eq!(
            behind,
            "Content-Type: text/event-stream\r\n\
             Cache-Control: no-cache, no-transform\r\n\
             X-Accel-Buffering: no\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Transfer-Encoding: chunked\r\n\
             Connection: close\r\n\
             \r\n\
             2\r\n:\n\r\n\
             a\r\ndata: hi\n\n\r\n\
             0\r\n\r\n",
            "{}",
            request.escape_ascii(),
        );
    }
}

#[test]
fn row_29_a_last_event_id_of_any_bytes_is_bounded_and_told_as_unknown() {
    let channel = Channel::new();
    let followed = channel.clone();
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .sse("/sse", move |stream, _request| stream.subscribe(&followed))
        .start()
        .unwrap();
    let id = channel.send("kept").unwrap().as_str().to_owned();
    let epoch = id.split_once('-').unwrap().0;
    let kept = format!("id: {id}\ndata: kept\n\n");
    let ids: [Vec<u8>; 14] = [
        b"\xFF".to_vec(),
        b"caf\xE9".to_vec(),
        b"\xED\xA0\x80".to_vec(),
        "\u{FFFD}".into(),
        "\u{202E}🦀".into(),
        vec![b'9'; 20_000],
        vec![0xFF; 20_000],
        b"\"},{\"a\":\"".to_vec(),
        b"-".to_vec(),
        b"1-1, 1-1".to_vec(),
        format!("{epoch}-").into(),
        format!("{epoch}--1").into(),
        format!("{epoch}-18446744073709551616").into(),
        format!(" {id} ;").into(),
    ];
    for id in ids {
        let mut socket = connect(server.address());
        let head = b"GET /sse HTTP/1.1\r\nHost: h\r\nLast-Event-ID: ";
        socket.write_all(&[head, &id[..], b"\r\n\r\n"].concat()).unwrap();
        let shown = id[..id.len().min(40)].escape_ascii().to_string();
        let mut stream = Client::over(socket);
        assert_eq!(stream.head().status, 200, "{shown}");
        let begin = format!("id: {epoch}-0\nevent: tidings.gap\ndata: ");
        let gap = stream.chunk().expect(&shown);
        let gap = gap.strip_prefix(&begin).expect(&gap);
        assert!(gap.len() < 200, "{shown}: {gap}");
        assert!(gap.ends_with("\"missed\":null,\"reason\":\"restarted\"}\n\n"), "{shown}: {gap}");
        assert_eq!(stream.chunk(), Some(kept.clone()), "{shown}");
    }
}
