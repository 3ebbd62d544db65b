//! What it costs to turn events to bytes and bytes to events, without a socket in sight.
//!
//! Each is measured beside the way one would write it in an afternoon, which does the same work for
//! input that is well-formed. So the numbers say what the care in `src/` costs, or saves.
//!
//!     cargo bench --bench wire

#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tidings::http::HeadParser;
use tidings::{Event, EventId, EventType, Limits, Parser};

criterion_group!(benches, encode_an_event, parse_an_event_stream, parse_a_request_head);
criterion_main!(benches);

/// What is read from a socket at once.
const PIECE: usize = 4 * 1024;
/// The length of the stream that is parsed.
const STREAM: usize = 64 * 1024;

fn encode_an_event(criterion: &mut Criterion) {
    let line = "a reading of fifty-one bytes, as sensors send them.";
    let cases = [
        ("64 bytes", "x".repeat(64)),
        ("1 KiB in 20 lines", [line; 20].join("\n")),
        ("1 KiB in one line", "x".repeat(1024)),
    ];
    let mut group = criterion.benchmark_group("encode an event");
    for (name, data) in cases {
        let event = Event::new(data)
            .with_id(EventId::new("624092-1024").unwrap())
            .with_type(EventType::new("reading").unwrap());
        assert_eq!(event.to_bytes(), naive::encode(&event).as_bytes());

        group.throughput(Throughput::Bytes(event.to_bytes().len() as u64));
        group.bench_function(format!("{name}, tidings, into a kept buffer"), |bencher| {
            let mut out = Vec::new();
            bencher.iter(|| {
                out.clear();
                black_box(&event).encode_into(&mut out);
                black_box(out.len())
            });
        });
        group.bench_function(format!("{name}, tidings, into a new buffer"), |bencher| {
            bencher.iter(|| black_box(&event).to_bytes());
        });
        group.bench_function(format!("{name}, naive"), |bencher| {
            bencher.iter(|| naive::encode(black_box(&event)));
        });
    }
    group.finish();
}

fn parse_an_event_stream(criterion: &mut Criterion) {
    let stream = typical_stream();
    let (mut events, mut expected) = (Vec::new(), Vec::new());
    parse(&stream, |event_type, data| events.push((event_type, data)));
    naive::parse(&stream, |event_type, data| expected.push((event_type, data)));
    assert_eq!(events, expected);

    let mut group = criterion.benchmark_group("parse an event stream");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function("64 KiB in pieces, tidings", |bencher| {
        bencher.iter(|| parse(black_box(&stream), |_, data| drop(black_box(data))));
    });
    group.bench_function("64 KiB in pieces, naive", |bencher| {
        bencher.iter(|| naive::parse(black_box(&stream), |_, data| drop(black_box(data))));
    });
    group.finish();
}

fn parse_a_request_head(criterion: &mut Criterion) {
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("parse a request head");
    for (name, head, fields) in [("curl's", CURL, 3), ("a browser's", BROWSER, 11)] {
        let bytes = head.replace('\n', "\r\n").into_bytes();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("{name}, tidings"), |bencher| {
            bencher.iter(|| HeadParser::new(&limits).parse(black_box(&bytes)).unwrap().unwrap());
        });
        group.bench_function(format!("{name}, naive"), |bencher| {
            bencher.iter(|| {
                let head = naive::head(black_box(&bytes)).unwrap();
                assert_eq!((head.method.len(), head.fields.len()), (3, fields));
                head.target
            });
        });
    }
    group.finish();
}

const CURL: &str = "\
GET /events/news HTTP/1.1
Host: localhost:3000
User-Agent: curl/7.88.1
Accept: */*

";

const BROWSER: &str = "\
GET /events?channel=weather&channel=traffic HTTP/1.1
Host: localhost:3000
Connection: keep-alive
Cache-Control: no-cache
Accept: text/event-stream
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Safari/537.36
Sec-Fetch-Site: same-origin
Sec-Fetch-Mode: cors
Sec-Fetch-Dest: empty
Referer: http://localhost:3000/
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-GB,en;q=0.9,de;q=0.8

";

/// Events of 30 bytes to 1 KiB, most of them small, with ids, types and a heartbeat now and then.
fn typical_stream() -> Vec<u8> {
    let mut stream = Vec::new();
    for number in 0.. {
        let data = match number % 10 {
            0 => "a longer line of text, as a log or a chat would have it\n".repeat(number % 18),
            1 | 2 => format!("{number}"),
            _ => format!(r#"{{"sensor":"kitchen","number":{number},"celsius":21.5,"ok":true}}"#),
        };
        let mut event = Event::new(data).with_id(EventId::new(format!("624092-{number}")).unwrap());
        if number % 2 == 0 {
            event = event.with_type(EventType::new("reading").unwrap());
        }
        if number % 50 == 0 {
            stream.extend_from_slice(b": \n");
        }
        event.encode_into(&mut stream);
        if stream.len() >= STREAM {
            break;
        }
    }
    stream
}

/// Hands on the type and the data of each event.
fn parse(stream: &[u8], mut to: impl FnMut(String, String)) {
    let mut parser = Parser::new();
    for piece in stream.chunks(PIECE) {
        parser.feed(piece).unwrap();
        parser.drain().for_each(|event| to(event.event_type, event.data));
    }
}

/// The obvious ways: `format!`, `lines` and a `String` for everything.
mod naive {
    use std::collections::HashMap;

    use tidings::Event;

    pub(super) struct Head {
        pub(super) method: String,
        pub(super) target: String,
        pub(super) fields: HashMap<String, String>,
    }

    /// Checks nothing but that there is a colon, and keeps one of several fields of a name.
    pub(super) fn head(bytes: &[u8]) -> Option<Head> {
        let text = String::from_utf8(bytes.to_vec()).ok()?;
        let mut lines = text.lines();
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let fields = lines
            .take_while(|line| !line.is_empty())
            .map(|line| line.split_once(": "))
            .map(|field| field.map(|(name, value)| (name.to_lowercase(), value.to_owned())))
            .collect::<Option<HashMap<_, _>>>()?;
        Some(Head { method, target, fields })
    }

    pub(super) fn encode(event: &Event) -> String {
        let mut out = String::new();
        if let Some(id) = event.id() {
            out += &format!("id: {id}\n");
        }
        if let Some(event_type) = event.event_type() {
            out += &format!("event: {event_type}\n");
        }
        for line in event.data().lines() {
            out += &format!("data: {line}\n");
        }
        out + "\n"
    }

    /// Knows no CR, no byte order mark and no malformed UTF-8, and copies each piece.
    pub(super) fn parse(stream: &[u8], mut to: impl FnMut(String, String)) {
        let mut unread = String::new();
        for piece in stream.chunks(super::PIECE) {
            unread += &String::from_utf8_lossy(piece);
            while let Some(end) = unread.find("\n\n") {
                let block: String = unread.drain(..end + 2).collect();
                if let Some((event_type, data)) = parse_block(&block) {
                    to(event_type, data);
                }
            }
        }
    }

    fn parse_block(block: &str) -> Option<(String, String)> {
        let mut event_type = String::from("message");
        let mut last_event_id = String::new();
        let mut data = Vec::new();
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("data", value)) => data.push(value.to_string()),
                Some(("event", value)) => event_type = value.to_string(),
                Some(("id", value)) => last_event_id = value.to_string(),
                _ => {}
            }
        }
        std::hint::black_box(last_event_id);
        (!data.is_empty()).then(|| (event_type, data.join("\n")))
    }
}
