//! What has to hold through every proxy.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::front::{Front, Kind, Running};
use crate::support::http::{Client, HttpResponse, exchange, post};
use crate::support::process::hub_path;
use crate::support::stream::{End, EventStream};
use crate::support::until;

/// The proxies close what is silent for two seconds. This hub is never silent for that long.
const LIVELY: &[&str] = &["--heartbeat", "400ms"];

/// This hub takes one stream of each client, and believes the proxy who that is.
pub(super) const BEHIND: &[&str] =
    &["--heartbeat", "400ms", "--max-streams-per-peer", "1", "--log", "--behind-proxy"];

/// What a client may write to be taken for another, for the proxy, or for nobody.
const SPOOFED: [&[&str]; 7] = [
    &[],
    &["X-Forwarded-For: 198.51.100.7"],
    &["X-Forwarded-For: 198.51.100.7, 127.0.0.1"],
    &["X-Forwarded-For: unknown", "X-Forwarded-For: \""],
    &["Forwarded: for=198.51.100.7"],
    &["X-Forwarded-For: 198.51.100.7", "Forwarded: for=198.51.100.7, for=\"a"],
    &["Connection: X-Forwarded-For", "X-Forwarded-For: 198.51.100.7"],
];

pub(super) fn each_client_has_its_own_bound_whatever_it_writes_itself(kind: &Kind) {
    let Some(front) = Front::start(kind, &[BEHIND, &["127.0.0.1"]].concat()) else { return };
    assert_each_client_is_seen(&front);
}

/// A stream that was asked for from this address and with these fields, for as long as it is held, and
/// the first line of it; `None` without curl.
pub(super) fn open_from(front: &Front, from: &str, fields: &[&str]) -> Option<(Running, String)> {
    let mut curl = front.curl()?;
    curl.args(fields.iter().flat_map(|field| ["-H", field]));
    curl.args(["--interface", from]).arg(format!("http://{}/events/news", front.place.plain()));
    let mut stream = Running::start(curl.stdout(Stdio::piped()));
    let mut line = String::new();
    let mut lines = BufReader::new(stream.0.stdout.take().expect("it is piped"));
    lines.read_line(&mut line).expect("text");
    stream.0.stdout = Some(lines.into_inner());
    Some((stream, line))
}

/// Clients from two addresses, each of which may have one stream.
pub(super) const CLIENTS: [&str; 2] = ["127.0.77.1", "127.0.77.2"];

pub(super) fn assert_each_client_is_seen(front: &Front) {
    let streams = CLIENTS.map(|client| open_from(front, client, &[]));
    for (client, stream) in CLIENTS.iter().zip(&streams) {
        let Some((_, line)) = stream else { return };
        assert!(line.starts_with("id: "), "{client}: {line}");
        let opened = format!("peer={client} ");
        until(&opened, || front.log().iter().any(|line| line.contains(&opened)));
    }
    for fields in SPOOFED {
        let (_, line) = open_from(front, CLIENTS[0], fields).expect("curl was there");
        assert!(line.starts_with("retry: "), "{fields:?}: {line}");
    }
}

/// Over TLS and HTTP/2, to a client that would take it compressed: each event is there before the
/// next one is published.
pub(super) fn events_come_one_by_one_as_they_are(kind: &Kind) {
    let Some(front) = Front::start(kind, LIVELY) else { return };
    let url = format!("https://hub.example:{}/events/news", front.place.tls().port());
    let Some(mut call) = front.curl() else { return };
    let call = call.args(["-i", "-H", "Accept-Encoding: gzip", &url]).stdout(Stdio::piped());
    let mut stream = Running::start(call);
    let mut lines = BufReader::new(stream.0.stdout.take().expect("it is piped")).lines();
    // Heartbeats come in between.
    let mut next = || loop {
        let line = lines.next().expect("a line").expect("text that is not compressed");
        if !line.starts_with(':') {
            return line;
        }
    };
    let head: Vec<_> =
        std::iter::from_fn(|| Some(next()).filter(|line| !line.is_empty())).collect();
    assert_eq!(head[0].trim_end(), "HTTP/2 200");
    assert!(head.contains(&"content-type: text/event-stream".into()), "{head:?}");
    assert!(!head.iter().any(|line| line.starts_with("content-encoding")), "{head:?}");
    let begin = (next(), next());
    assert!(begin.0.starts_with("id: ") && begin.1.is_empty(), "where it begins: {begin:?}");
    for n in 1..=3 {
        let mut call = front.curl().expect("it was there");
        let data = format!("event {n}");
        let published = call.args(["-d", &data, "-w", "%{http_version}", &url]).output();
        let said = String::from_utf8(published.expect("curl can be started").stdout).unwrap();
        assert!(said.ends_with(&format!("-{n}\n2")), "an id, and HTTP/2: {said}");
        assert!(next().starts_with("id: "));
        assert_eq!((next(), next()), (format!("data: event {n}"), String::new()));
    }
}

pub(super) fn heartbeats_keep_a_silent_stream_open(kind: &Kind) {
    let Some(front) = Front::start(kind, LIVELY) else { return };
    let mut client = Client::to(front.place.plain());
    let begin = client.open("/events/news");
    assert!(begin.body.starts_with(b"id: "), "{begin:?}");
    // So many that the time in which a silent stream is closed is well over.
    let mut heartbeats = 0;
    while heartbeats < 10 {
        let chunk = client.chunk().expect("the stream goes on");
        heartbeats += chunk.lines().filter(|line| line.starts_with(':')).count();
    }
    let id = post(front.place.plain(), "/events/news", "here");
    let expected = format!("id: {}\ndata: here\n\n", id.text().trim_end());
    let event = std::iter::from_fn(|| client.chunk()).find(|chunk| !chunk.starts_with(':'));
    assert_eq!(event, Some(expected));
}

pub(super) fn without_heartbeats_a_silent_stream_is_closed(kind: &Kind) {
    let Some(front) = Front::start(kind, &["--heartbeat", "0"]) else { return };
    let mut stream = EventStream::open(front.place.plain(), "/events/news");
    assert!(stream.next().is_err());
}

pub(super) fn a_client_resumes_and_its_end_is_noticed(kind: &Kind) {
    let Some(front) = Front::start(kind, LIVELY) else { return };
    let mut stream = EventStream::open(front.place.plain(), "/events/news");
    front.until_streams(1);
    post(front.place.plain(), "/events/news", "one");
    let one = stream.next().expect("an event");
    assert_eq!(one.data, "one");
    drop(stream);
    front.until_streams(0);
    post(front.place.plain(), "/events/news", "two");
    post(front.place.plain(), "/events/news", "three");
    let mut stream = EventStream::resume(front.place.plain(), "/events/news", &one.last_event_id);
    assert_eq!([stream.data(), stream.data()], ["two", "three"]);
}

/// One that gives up where a browser's `EventSource` would: at any status but 200.
pub(super) fn a_client_survives_that_the_hub_is_away(kind: &Kind) {
    survives(kind, &[]);
}

/// One that goes on after a 503.
pub(super) fn a_patient_client_survives_that_the_hub_is_away(kind: &Kind) {
    survives(kind, &["--keep-trying"]);
}

fn survives(kind: &Kind, options: &[&str]) {
    let Some(mut front) = Front::start(kind, LIVELY) else { return };
    let url = format!("http://{}/events/news", front.place.plain());
    let mut tail = Command::new(hub_path());
    tail.args(["tail", "--json", "--quiet", &url]).args(options).stdout(Stdio::piped());
    let mut tail = Running::start(&mut tail);
    let mut lines = BufReader::new(tail.0.stdout.take().expect("it is piped")).lines();
    let mut next = || lines.next().expect("it goes on").expect("text");
    front.until_streams(1);
    // From now on it comes back soon.
    post(front.place.hub(), "/events/news?retry=50", "before");
    assert!(next().contains("before"));
    front.kill_hub();
    std::thread::sleep(Duration::from_secs(1));
    front.start_hub(LIVELY);
    front.until_streams(1);
    post(front.place.hub(), "/events/news", "after");
    assert!(next().contains("tidings.gap"));
    assert!(next().contains("after"));
}

/// What the proxy says for a hub that is away, with this status where it tells the truth.
pub(super) fn only_a_stream_is_told_when_to_come_back(
    kind: &Kind,
    changes: &[(&str, &str)],
    status: u16,
) {
    let Some(mut front) = Front::with(kind, LIVELY, changes) else { return };
    front.kill_hub();
    let [stream, publish, other] = std::thread::scope(|scope| {
        let publish =
            "POST /events/news HTTP/1.1\r\nContent-Length: 1\r\nAccept: text/event-stream";
        let requests = [
            "GET /events/news HTTP/1.1\r\nAccept: text/event-stream",
            publish,
            "GET /metrics HTTP/1.1",
        ];
        let front = &front;
        requests
            .map(|request| scope.spawn(move || ask(front, request)))
            .map(|response| response.join().expect("a response"))
    });
    assert_eq!((stream.status, stream.text()), (200, "retry: 2000\n\n"));
    assert_eq!(stream.field("Content-Type"), Some("text/event-stream"));
    assert_eq!((publish.status, other.status), (status, status));
}

/// What the proxy says to a request for a stream that its client would close at once.
pub(super) fn ask_for_a_stream(front: &Front) -> HttpResponse {
    ask(front, "GET /events/news HTTP/1.1\r\nAccept: text/event-stream")
}

fn ask(front: &Front, request: &str) -> HttpResponse {
    let address = front.place.plain();
    let body = if request.starts_with("POST") { "x" } else { "" };
    let request = format!("{request}\r\nHost: {address}\r\nConnection: close\r\n\r\n{body}");
    exchange(address, request.as_bytes())
}

/// Without what a file has against it, a stream is compressed for a client that would take it so.
pub(super) fn assert_compressed(front: &Front) {
    let data = "more than is too little to compress ".repeat(30);
    post(front.place.hub(), "/events/news", &data);
    let host = front.place.plain();
    let request = format!(
        "GET /events/news?history=1 HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip\r\n\r\n"
    );
    // Caddy decides by how many bytes come at once, and so now and then otherwise.
    until("a stream that is compressed", || {
        let mut client = Client::to(host);
        client.send(&request);
        client.head().field("Content-Encoding") == Some("gzip")
    });
}

/// How a stream ends whose hub is killed.
pub(super) fn end_by_a_kill(front: &mut Front) -> End {
    let mut stream = EventStream::open(front.place.plain(), "/events/news");
    front.kill_hub();
    stream.end()
}

/// The shortest time that an event took of ten, each published when the one before had come.
pub(super) fn least_delay(front: &Front) -> Duration {
    let mut stream = EventStream::open(front.place.plain(), "/events/news");
    let delays = (0..10).map(|n| {
        let published = Instant::now();
        post(front.place.hub(), "/events/news", &n.to_string());
        assert_eq!(stream.data(), n.to_string());
        published.elapsed()
    });
    delays.min().expect("ten of them")
}
