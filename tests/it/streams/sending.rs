//! What a handler can send and know.

use std::time::Duration;

use tidings::client::{EventSource, Update};
use tidings::{CloseReason, Limits, Peer, Reply, Response, Server};

use super::{Held, site};
use crate::support::http::{Client, get};
use crate::support::stream::EventStream;
use crate::support::{Notes, until};

#[test]
fn each_way_of_sending_arrives_as_what_it_is() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    writer.send("only data").unwrap();
    writer.send(("type", "data")).unwrap();
    writer.send(("id", "type", "data")).unwrap();
    writer.comment("nobody sees this\nnor this").unwrap();
    writer.retry(Duration::from_secs(7)).unwrap();
    writer.try_send("last").unwrap();
    let event = stream.next().unwrap();
    assert_eq!(
        (&*event.event_type, &*event.data, &*event.last_event_id),
        ("message", "only data", "")
    );
    let event = stream.next().unwrap();
    assert_eq!((&*event.event_type, &*event.data, &*event.last_event_id), ("type", "data", ""));
    let event = stream.next().unwrap();
    assert_eq!((&*event.event_type, &*event.data, &*event.last_event_id), ("type", "data", "id"));
    assert_eq!(stream.data(), "last");
}

#[test]
fn a_reconnection_time_is_what_its_client_waits() {
    let server = site(Limits::default(), |stream| {
        stream.retry(Duration::from_secs(7))?;
        stream.send("last")
    });
    let url = format!("http://{}/sse", server.address());
    let mut source = EventSource::new(&url).unwrap();
    let lost = std::iter::from_fn(|| source.next_update()).find_map(|update| match update {
        Ok(Update::Lost { error, retry_in }) => Some((error.close_reason(), retry_in.as_millis())),
        _ => None,
    });
    // And up to a quarter more, by chance.
    assert!(matches!(lost, Some((Some(CloseReason::Server), 7000..8750))), "{lost:?}");
}

#[test]
fn row_24_what_cannot_be_said_on_the_wire_is_refused_and_nothing_of_it_sent() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    for bad in ["a\nb", "a\rb", "a\0b"] {
        assert!(writer.send((bad, "data")).unwrap_err().is_invalid());
        assert!(writer.send((bad, "type", "data")).unwrap_err().is_invalid());
    }
    writer.send("data: a\r\rid: b").unwrap();
    let event = stream.next().unwrap();
    assert_eq!(event.data, "data: a\n\nid: b");
    assert_eq!(event.last_event_id, "");
}

#[test]
fn sending_after_the_end_says_how_it_ended() {
    let held = Held::with(Limits::default());
    let mut stream = Client::to(held.server.address());
    stream.open("/sse");
    let writer = held.writers.first();
    assert!(writer.is_active());
    writer.close();
    assert!(!writer.is_active());
    let error = writer.send("too late").unwrap_err();
    assert_eq!(error.close_reason(), Some(CloseReason::Server));
    assert_eq!(error.to_string(), "the server closed the stream");
    assert!(writer.try_send("too late").unwrap_err().is_closed());
    assert!(writer.comment("too late").unwrap_err().is_closed());
    assert!(writer.open().unwrap_err().is_closed());
    let period = Duration::from_millis(1);
    assert!(writer.every(period, |_stream| Ok(())).unwrap_err().is_closed());
    assert_eq!(stream.rest(), "0\r\n\r\n");
}

#[test]
fn a_stream_knows_its_client() {
    let known = Notes::new();
    let note = known.clone();
    let server = site(Limits::default(), move |stream| {
        let last = stream.last_event_id().map(str::to_owned);
        note.add((stream.target().to_owned(), last, stream.peer()));
        Ok(())
    });
    let open = |target: &str, id: &str| {
        let stream = EventStream::resume(server.address(), target, id);
        (Peer::Tcp(stream.socket().local_addr().unwrap()), target.to_owned())
    };
    let (first, target) = open("/sse?a=b%0a", "17");
    until("the first", || known.len() == 1);
    assert_eq!(known.all()[0], (target, Some("17".to_owned()), first));
    let (second, target) = open("/sse", "");
    until("the second", || known.len() == 2);
    assert_eq!(known.all()[1], (target, None, second));
}

#[test]
fn row_29_a_huge_last_event_id_is_an_unknown_one() {
    let known = Notes::new();
    let note = known.clone();
    let server = site(Limits::default(), move |stream| {
        note.add(stream.last_event_id().map(str::to_owned));
        Ok(())
    });
    let id = "9".repeat(20_000);
    let request = format!("GET /sse HTTP/1.1\r\nHost: h\r\nLast-Event-ID: {id}\r\n\r\n");
    let mut client = Client::to(server.address());
    client.send(request);
    assert_eq!(known.first(), Some("\u{FFFD}".to_owned()));
}

#[test]
fn a_handler_can_give_a_stream_to_those_who_want_one() {
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .get("/news", |request| {
            if !request.wants_event_stream() {
                return Ok(Response::text("ask for a stream").into());
            }
            Ok(Reply::event_stream(|stream| stream.send("a stream")))
        })
        .start()
        .unwrap();
    assert_eq!(get(server.address(), "/news").text(), "ask for a stream");
    assert_eq!(EventStream::open(server.address(), "/news").data(), "a stream");
}
