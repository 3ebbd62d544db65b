//! Several events in one publish: all of them, with none between, or none.

use super::super::support::http::{Client, HttpResponse, exchange};
use super::super::support::stream::EventStream;
use super::*;

const EVENT_STREAM: &str = "Content-Type: text/event-stream\r\n";

/// Sends this body with these field lines.
fn post(hub: &Process, target: &str, fields: &str, body: &str) -> HttpResponse {
    let length = body.len();
    let head = format!("POST {target} HTTP/1.1\r\nHost: localhost\r\n{fields}");
    exchange(hub.address(), format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes())
}

#[track_caller]
fn ids(response: &HttpResponse) -> Vec<String> {
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.text().ends_with('\n'), "{response:?}");
    response.text().lines().map(str::to_owned).collect()
}

#[track_caller]
fn refused(response: &HttpResponse, status: u16, said: &str) {
    assert_eq!((response.status, response.text()), (status, said));
}

#[test]
fn an_event_stream_is_published_as_its_events_and_their_ids_come_back_one_per_line() {
    let hub = hub(&[]);
    let mut stream = Client::to(hub.address());
    stream.open("/events/news");
    let body = "event: score\ndata: 1:0\n\nid: 17\nretry: 1500\ndata: half\ndata: time\n\n";
    let ids = ids(&post(&hub, "/events/news", EVENT_STREAM, body));
    let [first, second] = &ids[..] else { panic!("{ids:?}") };
    let (epoch, _) = first.split_once('-').expect("an epoch");
    assert_eq!((first, second), (&format!("{epoch}-1"), &format!("{epoch}-2")));
    assert_eq!(stream.chunk(), Some(format!("id: {first}\nevent: score\ndata: 1:0\n\n")));
    let wire = format!("id: {second}\nretry: 1500\ndata: half\ndata: time\n\n");
    assert_eq!(stream.chunk(), Some(wire));
}

#[test]
fn a_batch_may_have_any_line_ends_a_byte_order_mark_and_a_charset() {
    let hub = hub(&[]);
    let mut stream = EventStream::open(hub.address(), "/events/a");
    for content_type in [
        "text/event-stream",
        "text/event-stream; charset=utf-8",
        "TEXT/EVENT-STREAM;Charset=\"UTF-8\"",
        "text/event-stream ; a=b",
    ] {
        for end in ["\n", "\r\n", "\r"] {
            let body = "\u{feff}: c\ndata: 1\n\ndata: 2\ndata:\n\n".replace('\n', end);
            let fields = format!("Content-Type: {content_type}\r\n");
            let ids = ids(&post(&hub, "/events/a", &fields, &body));
            let events = [stream.next().expect("the first"), stream.next().expect("the second")];
            assert_eq!(events.each_ref().map(|event| event.data.as_str()), ["1", "2\n"]);
            assert_eq!(events.map(|event| event.last_event_id)[..], ids, "{content_type} {end:?}");
        }
    }
    let fields = "Content-Type: text/event-stream; charset=utf-16le\r\n";
    let said =
        "415 Unsupported Media Type: the body must be UTF-8, and is said to be \"utf-16le\"\n";
    refused(&post(&hub, "/events/a", fields, "data: 1\n\n"), 415, said);
}

#[test]
fn a_body_of_any_other_type_is_the_data_of_one_event() {
    let hub = hub(&[]);
    let mut stream = EventStream::open(hub.address(), "/events/a");
    let body = "data: 1\n\ndata: 2\n\n";
    for fields in ["", "Content-Type: text/plain\r\n", "Content-Type: text/event-streams\r\n"] {
        assert_eq!(ids(&post(&hub, "/events/a", fields, body)).len(), 1);
        assert_eq!(stream.data(), body);
    }
}

#[test]
fn a_recording_and_a_segment_of_a_journal_are_batches() {
    const RECORDING: &str = ": tidings cassette 1
: about GET http://127.0.0.1:3000/events/news
: open +1ms 200 text/event-stream
: read +1ms 8
id: 7-0

: read +12ms 19
id: 7-1
data: first

: rest data: \\xc3
: end +1ms cut
: open +2ms 200 text/event-stream
: part +3ms 4
: read +250us 11
data: second

: end +0ms close
";
    const SEGMENT: &str = ": tidings journal 1, after 0-0
id: 1764314275000-1
channel: news
time: 1764314275123
data: first
crc: 1a2b3c4d

id: 1764314275000-2
channel: other
time: 1764314275124
synced: 1764314275000-1
key: a key
digest: 0123456789abcdef
data: second
crc: 1a2b3c4d

";
    let hub = hub(&[]);
    for (name, body) in [("a", RECORDING), ("b", SEGMENT)] {
        let target = format!("/events/{name}");
        let mut stream = EventStream::open(hub.address(), &target);
        assert_eq!(ids(&post(&hub, &target, EVENT_STREAM, body)).len(), 2);
        assert_eq!([stream.data(), stream.data()], ["first", "second"], "{name}");
    }
}

#[test]
fn of_a_batch_that_is_wrong_nothing_is_published_and_the_event_is_named() {
    let hub = hub(&["--max-event=30", "--history=4", "--history-bytes=200"]);
    for (body, status, said) in [
        (
            "data: 1\n\nevent: tidings.gap\ndata: 2\n\n",
            400,
            "400 Bad Request: event 2 (line 3) can't be published: event types that begin with \
             tidings. are the hub's own\n",
        ),
        (
            "data: 1\n\ndata: 2\n",
            400,
            "400 Bad Request: event 2 (line 3) has no blank line after it: end the body with a \
             blank line, if this is all of it\n",
        ),
        (
            "data: 1data: 2",
            400,
            "400 Bad Request: event 1 (line 1) has no blank line after it, and the body has no \
             line end: with curl, send it as --data-binary, not as -d\n",
        ),
        (
            ": nothing\n\n",
            400,
            "400 Bad Request: the body has no event: give each one a data line, and a blank line \
             after it\n",
        ),
        (
            "data: 1\n\ndata: 23456789 123456789 123456789\n\n",
            413,
            "413 Content Too Large: event 2 (line 3) takes 36 bytes as it is sent, and may take \
             30: split it, or start the hub with a larger --max-event\n",
        ),
        (
            &"data: 1\n\n".repeat(5),
            413,
            "413 Content Too Large: a batch may have 4 events, as many as a channel keeps: publish \
             it in parts, or start the hub with a larger --history\n",
        ),
    ] {
        refused(&post(&hub, "/events/a", EVENT_STREAM, body), status, said);
    }
    let id = publish(&hub, "/events/a", "x");
    assert!(id.ends_with("-1"), "nothing that was refused has drawn an id: {id}");
}

#[test]
fn a_batch_of_more_bytes_than_a_channel_keeps_is_refused_with_what_would_help() {
    let hub = hub(&["--history-bytes=200"]);
    let body = format!("data: {}\n\n", "x".repeat(90)).repeat(2);
    let response = post(&hub, "/events/a", EVENT_STREAM, &body);
    assert_eq!(response.status, 413, "{}", response.text());
    assert!(response.text().ends_with("larger --history-bytes\n"), "{}", response.text());
    assert!(publish(&hub, "/events/a", "x").ends_with("-1"), "nothing has drawn an id");
}

#[test]
fn a_batch_has_its_types_and_times_in_it_and_not_in_the_query() {
    let hub = hub(&[]);
    for parameter in ["event", "retry"] {
        let target = format!("/events/a?{parameter}=1");
        let said = format!(
            "400 Bad Request: the events of a body of type text/event-stream have fields of their \
             own: leave the parameter {parameter} out, and write a line {parameter}: VALUE in each \
             event\n"
        );
        refused(&post(&hub, &target, EVENT_STREAM, "data: 1\n\n"), 400, &said);
    }
    let said = "400 Bad Request: there is no parameter \"id\" here: those of a publish are event \
                and retry\n";
    refused(&post(&hub, "/events/a?id=1", EVENT_STREAM, "data: 1\n\n"), 400, said);
    let twice = format!("{EVENT_STREAM}Content-Type: text/plain\r\n");
    let said = "400 Bad Request: there may be only one field Content-Type\n";
    refused(&post(&hub, "/events/a", &twice, "data: 1\n\n"), 400, said);
}

#[test]
fn nothing_comes_between_the_events_of_a_batch() {
    const BATCHES: usize = 50;
    let hub = hub(&[]);
    let mut stream = EventStream::open(hub.address(), "/events?channel=a&channel=b");
    let send = |name: &str, mark: &str| {
        let body = format!("data: {mark}1\n\ndata: {mark}2\n\ndata: {mark}3\n\n");
        for _ in 0..BATCHES {
            let ids = ids(&post(&hub, &format!("/events/{name}"), EVENT_STREAM, &body));
            assert_eq!(ids.len(), 3);
        }
    };
    std::thread::scope(|scope| {
        for (name, mark) in [("a", "x"), ("a", "y"), ("b", "z")] {
            scope.spawn(move || send(name, mark));
        }
    });
    for _ in 0..BATCHES * 3 {
        let three = [stream.data(), stream.data(), stream.data()];
        let mark = &three[0][..1];
        assert_eq!(three, [1, 2, 3].map(|n| format!("{mark}{n}")));
    }
}

#[test]
fn a_page_of_an_allowed_origin_may_publish_a_batch_with_a_key() {
    let hub = hub(&["--cors=https://a.example"]);
    let asks = "OPTIONS /events/a HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example\r\n\
                Access-Control-Request-Method: POST\r\n\
                Access-Control-Request-Headers: content-type,idempotency-key\r\n\r\n";
    let preflight = exchange(hub.address(), asks.as_bytes());
    let allowed = preflight.field("Access-Control-Allow-Headers");
    assert_eq!((preflight.status, allowed), (204, Some("content-type, idempotency-key")));
    let fields = format!("{EVENT_STREAM}Origin: https://a.example\r\nIdempotency-Key: \"k\"\r\n");
    let first = post(&hub, "/events/a", &fields, "data: 1\n\n");
    assert_eq!(first.field("Access-Control-Allow-Origin"), Some("https://a.example"));
    assert_eq!(ids(&first), ids(&post(&hub, "/events/a", &fields, "data: 1\n\n")));
}
