//! The bytes of a stream.

use std::io::{Read, Write};
use std::time::Duration;

use tidings::{Channel, Event, EventId, EventType, Limits, Status};

use super::site;
use crate::support::http::{Client, connect, read_head};
use crate::support::stream::EventStream;
use crate::support::{Gate, Notes, until_some};

const REQUEST: &str = "GET /sse HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";

/// Takes the one line out of a response that is different each time.
fn without_date(response: &str) -> String {
    let (before, rest) = response.split_once("Date: ").expect("a date");
    let (date, behind) = rest.split_once("\r\n").expect("a line");
    assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
    format!("{before}{behind}")
}

#[test]
fn rows_26_and_28_a_stream_is_these_bytes_and_no_others() {
    let server = site(Limits::default(), |stream| {
        stream.send("hi")?;
        stream.send(("greeting", "two\r\nlines"))?;
        stream.send(("7", "greeting", ""))?;
        stream.send(
            Event::new("all of it")
                .with_id(EventId::new("8")?)
                .with_type(EventType::new("greeting")?)
                .with_retry(Duration::from_secs(3)),
        )?;
        stream.comment("unseen")?;
        stream.retry(Duration::from_millis(1500))?;
        stream.close();
        Ok(())
    });
    let mut client = Client::to(server.address());
    client.send(REQUEST);
    assert_eq!(
        without_date(&client.rest()),
        "HTTP/1.1 200 OK\r\n\
         Content-Type: text/event-stream\r\n\
         Cache-Control: no-cache, no-transform\r\n\
         X-Accel-Buffering: no\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Transfer-Encoding: chunked\r\n\
         Connection: close\r\n\
         \r\n\
         2\r\n:\n\r\n\
         a\r\ndata: hi\n\n\r\n\
         27\r\nevent: greeting\ndata: two\ndata: lines\n\n\r\n\
         1e\r\nid: 7\nevent: greeting\ndata: \n\n\r\n\
         33\r\nid: 8\nevent: greeting\nretry: 3000\ndata: all of it\n\n\r\n\
         9\r\n: unseen\n\r\n\
         d\r\nretry: 1500\n\n\r\n\
         0\r\n\r\n",
    );
}

#[test]
fn row_27_http_1_0_gets_the_same_content_unframed_and_ended_by_the_close() {
    let server = site(Limits::default(), |stream| {
        stream.send("hi")?;
        stream.comment("unseen")?;
        stream.close();
        Ok(())
    });
    let mut client = Client::to(server.address());
    client.send("GET /sse HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(
        without_date(&client.rest()),
        "HTTP/1.1 200 OK\r\n\
         Content-Type: text/event-stream\r\n\
         Cache-Control: no-cache, no-transform\r\n\
         X-Accel-Buffering: no\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Connection: close\r\n\
         \r\n\
         :\ndata: hi\n\n: unseen\n",
    );
}

#[test]
fn row_27_head_gets_the_head_only_and_no_stream_begins() {
    let server = site(Limits::default(), |stream| stream.send("hi"));
    let mut client = Client::to(server.address());
    client.send(REQUEST.replace("GET", "HEAD"));
    assert_eq!(
        without_date(&client.rest()),
        "HTTP/1.1 200 OK\r\n\
         Content-Type: text/event-stream\r\n\
         Cache-Control: no-cache, no-transform\r\n\
         X-Accel-Buffering: no\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Transfer-Encoding: chunked\r\n\
         Connection: close\r\n\
         \r\n",
    );
    assert_eq!(server.stats().streams_begun, 0);
}

#[test]
fn row_41_the_first_write_of_a_stream_carries_bytes_of_its_body() {
    let held = super::Held::with(Limits::default());
    for (request, body) in
        [(REQUEST.to_owned(), "2\r\n:\n\r\n"), (REQUEST.replace("HTTP/1.1", "HTTP/1.0"), ":\n")]
    {
        let mut socket = connect(held.server.address());
        socket.write_all(request.as_bytes()).unwrap();
        // One `read` gives what one `send` brought.
        let mut first = vec![0; 4096];
        let len = socket.read(&mut first).unwrap();
        let first = String::from_utf8_lossy(&first[..len]);
        assert_eq!(first.split_once("\r\n\r\n").map(|(_, body)| body), Some(body), "{first}");
    }
}

#[test]
fn row_26_the_head_goes_out_at_once() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = site(Limits::default(), move |stream| {
        stream.open()?;
        held.pass();
        Ok(())
    });
    // Its handler still runs, and has sent nothing else.
    let mut stream = EventStream::open(server.address(), "/sse");
    gate.open();
    stream.end();
}

#[test]
fn a_handler_that_sends_nothing_opens_the_stream_when_it_returns() {
    let server = site(Limits::default(), |_stream| Ok(()));
    let mut client = Client::to(server.address());
    client.send(REQUEST);
    let response = client.rest();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\n2\r\n:\n\r\n0\r\n\r\n"), "{response}");
}

#[test]
fn the_status_and_fields_can_be_set_until_the_head_has_gone_out() {
    let server = site(Limits::default(), |stream| {
        stream.set_status(Status::ACCEPTED)?;
        stream.set_field("X-Sensor", "cellar")?;
        stream.set_field("X-Sensor", "attic")?;
        assert!(stream.set_field("X-Bad", "a\r\nb: c").unwrap_err().is_invalid());
        assert!(stream.set_field("Content-Length", "3").unwrap_err().is_invalid());
        stream.open()?;
        let status = stream.set_status(Status::OK).unwrap_err();
        assert!(status.is_already_open());
        assert_eq!(
            status.to_string(),
            "the status can't be set any more: the head of the stream has gone out",
        );
        assert!(stream.set_field("X-Late", "b").unwrap_err().is_already_open());
        stream.send("checked")?;
        stream.close();
        assert!(stream.set_status(Status::OK).unwrap_err().is_closed());
        Ok(())
    });
    let mut stream = Client::to(server.address());
    let head = stream.open("/sse");
    assert_eq!(head.status, 202);
    assert!(head.fields.contains(&"X-Sensor: attic".to_owned()), "{:?}", head.fields);
    assert!(!head.fields.iter().any(|line| line.contains("cellar") || line.contains("Late")));
    assert_eq!(stream.rest(), "f\r\ndata: checked\n\n\r\n0\r\n\r\n");
}

#[test]
fn requests_before_a_stream_are_answered_on_the_same_connection() {
    let server = site(Limits::default(), |stream| {
        stream.send("hi")?;
        stream.close();
        Ok(())
    });
    let mut client = Client::to(server.address());
    client.send(["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", REQUEST].concat());
    assert_eq!(client.response().text(), "hello");
    let stream = client.rest();
    assert!(stream.ends_with("\r\n\r\n2\r\n:\n\r\na\r\ndata: hi\n\n\r\n0\r\n\r\n"), "{stream}");
}

#[test]
fn limit_heartbeat_a_comment_goes_out_after_a_silence() {
    let limits = Limits::default().heartbeat(Duration::from_millis(50));
    let held = super::Held::with(limits);
    let mut stream = Client::to(held.server.address());
    stream.open("/sse");
    // A reader that dispatches an event at every blank line finds none here.
    assert_eq!(stream.chunk().as_deref(), Some(":\n"));
    assert_eq!(stream.chunk().as_deref(), Some(":\n"));
    held.writers.first().send("hi").unwrap();
    let next = until_some("the event", || stream.chunk().filter(|chunk| chunk != ":\n"));
    assert_eq!(next, "data: hi\n\n");
}

/// Python's httpx-sse is one: it would see an event without data every 15 seconds.
#[test]
fn row_42_a_heartbeat_is_no_event_to_a_reader_that_sees_one_at_each_blank_line() {
    let held = super::Held::with(Limits::default().heartbeat(Duration::from_millis(20)));
    let mut stream = Client::to(held.server.address());
    let mut content = stream.open("/sse").text().to_owned();
    for _ in 0..5 {
        content += &stream.chunk().expect("a heartbeat");
    }
    held.writers.first().close();
    content.extend(std::iter::from_fn(|| stream.chunk()));
    assert!(!content.contains("\n\n"), "{content:?}");
    assert!(content.starts_with(":\n:\n:\n:\n:\n:\n"), "{content:?}");
}

#[test]
fn rows_27_and_42_a_heartbeat_to_http_1_0_is_unframed() {
    use std::io::BufReader;
    let held = super::Held::with(Limits::default().heartbeat(Duration::from_millis(50)));
    let mut socket = connect(held.server.address());
    socket.write_all(b"GET /sse HTTP/1.0\r\n\r\n").unwrap();
    let mut reader = BufReader::new(socket);
    read_head(&mut reader);
    let mut begin_and_beats = [0; 6];
    reader.read_exact(&mut begin_and_beats).unwrap();
    assert_eq!(&begin_and_beats, b":\n:\n:\n");
}

/// Sends the request twice on one connection, and gives everything that comes.
fn pipelined(server: &tidings::Running) -> String {
    let mut client = Client::to(server.address());
    client.send(REQUEST.repeat(2));
    client.rest()
}

#[test]
fn row_44_a_status_without_a_body_ends_the_matter_and_the_connection() {
    for status in [Status::NO_CONTENT, Status::NOT_MODIFIED] {
        let (said, channel) = (Notes::new(), Channel::new());
        let (noted, followed) = (said.clone(), channel.clone());
        let server = site(Limits::default(), move |stream| {
            stream.on_close({
                let noted = noted.clone();
                move |reason| noted.add(reason.to_string())
            });
            stream.set_status(status)?;
            stream.set_field("X-Why", "stay away")?;
            for error in [stream.subscribe(&followed), stream.send("a"), stream.comment("b")] {
                assert!(error.unwrap_err().is_closed());
            }
            assert!(!stream.is_active());
            assert!(stream.set_status(Status::OK).unwrap_err().is_closed());
            Ok(())
        });
        let response = without_date(&pipelined(&server));
        assert_eq!(
            response,
            format!(
                "HTTP/1.1 {} {}\r\n\
                 Content-Type: text/event-stream\r\n\
                 Cache-Control: no-cache, no-transform\r\n\
                 X-Accel-Buffering: no\r\n\
                 X-Content-Type-Options: nosniff\r\n\
                 X-Why: stay away\r\n\
                 Connection: close\r\n\
                 \r\n",
                status.code(),
                status.reason(),
            ),
        );
        assert_eq!(said.first(), "the server closed the stream");
        assert_eq!((channel.streams(), server.stats().streams), (0, 0));
    }
}

#[test]
fn row_44_204_goes_out_when_the_handler_returns_or_opens_and_our_client_stays_away() {
    for opens in [true, false] {
        let server = site(Limits::default(), move |stream| {
            stream.set_status(Status::NO_CONTENT)?;
            if opens { stream.open() } else { Ok(()) }
        });
        let url = format!("http://{}/sse", server.address());
        let mut source = tidings::client::EventSource::new(&url).unwrap();
        assert!(matches!(source.next_update(), Some(Ok(tidings::client::Update::Stopped))));
        assert_eq!(server.stats().requests, 1);
    }
}

#[test]
fn row_44_a_status_that_can_not_head_a_stream_is_refused() {
    let server = site(Limits::default(), |stream| {
        let reset_content = Status::new(205)?;
        let error = stream.set_status(reset_content).unwrap_err();
        assert!(error.is_invalid());
        assert!(Status::new(100).is_err() && Status::new(101).is_err());
        stream.send(error.to_string())
    });
    let mut stream = EventStream::open(server.address(), "/sse");
    let said = "a stream can't have the status 205, which has no content: 204 ends it";
    assert_eq!(stream.data(), said);
}
