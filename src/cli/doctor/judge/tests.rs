//! Each judgement on facts as they would be seen, good and bad.

use std::time::Duration;

use tidings::Status;
use tidings::http::ResponseHead;

use super::super::facts::{Ids, Visit};
use super::super::finding::{Finding, Level};
use super::super::proxies::{Proxy, Seen};
use super::super::publish::{Publication, Refused};
use super::super::remedy::Remedy;
use super::{browser, flow, response, resume};

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\nCache-Control: no-cache\r\n";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A visit with this head at 2 ms, these chunks at their times, and so long.
fn watched(head: &str, chunks: &[(u64, &str)], until: u64) -> Visit {
    let mut visit = Visit::new();
    visit.take(format!("{head}\r\n").as_bytes(), ms(2));
    for (at, chunk) in chunks {
        visit.take(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes(), ms(*at));
    }
    visit.watched = ms(until);
    visit
}

fn head_of(text: &str) -> ResponseHead {
    watched(text, &[], 0).head.expect("a head").0
}

#[track_caller]
fn assert_good(finding: &Finding, said: &str) {
    assert_eq!((finding.level, &*finding.said, finding.remedy), (Level::Good, said, None));
}

#[track_caller]
fn assert_fault(finding: &Finding, said: &str, remedy: Remedy) {
    assert!(finding.said.starts_with(said), "{finding:?}");
    assert_eq!((finding.level, finding.remedy), (Level::Fault, Some(remedy)), "{finding:?}");
}

#[track_caller]
fn assert_note(finding: &Finding, said: &str) {
    assert!(finding.said.starts_with(said), "{finding:?}");
    assert_eq!(finding.level, Level::Note, "{finding:?}");
}

#[test]
fn a_response_that_is_no_stream_is_told_what_to_do_about_it() {
    assert_good(
        &response::response(&watched(STREAM, &[], 9)),
        "200 and text/event-stream, after 2 ms",
    );
    for (head, said, remedy) in [
        (
            "HTTP/1.1 204 No Content\r\n",
            "204 No Content, after 2 ms: an EventSource takes",
            Remedy::Url,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n",
            "200 OK, after 2 ms: the type is text/html",
            Remedy::Type,
        ),
        ("HTTP/1.1 200 OK\r\n", "200 OK, after 2 ms: it has no Content-Type", Remedy::Type),
        (
            "HTTP/1.1 401 Unauthorized\r\n",
            "401 Unauthorized, after 2 ms: it does not let",
            Remedy::Credentials,
        ),
        ("HTTP/1.1 421 Misdirected Request\r\n", "421 Misdirected Request, after", Remedy::Name),
        (
            "HTTP/1.1 502 Bad Gateway\r\n",
            "502 Bad Gateway, after 2 ms: a browser's",
            Remedy::ComeBack,
        ),
        ("HTTP/1.1 302 Found\r\n", "302 Found, after 2 ms: it redirects in a circle", Remedy::Url),
        (
            "HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\n",
            "405 Method Not Allowed, after 2 ms: it takes no GET",
            Remedy::Method,
        ),
        ("HTTP/1.1 500 Oh\r\n", "500 Internal Server Error, after 2 ms: the server", Remedy::Log),
        ("HTTP/1.1 404 Not Found\r\n", "404 Not Found, after 2 ms: a browser's", Remedy::Url),
        ("HTTP/1.1 400 Oh\r\n", "400 Bad Request, after 2 ms: a browser's", Remedy::Tls),
        ("HTTP/1.1 426 Oh\r\n", "426, after 2 ms: it speaks another protocol", Remedy::Url),
        ("HTTP/1.1 429 Oh\r\n", "429 Too Many Requests, after 2 ms: it was", Remedy::Log),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/event-stream\r\n",
            "404 Not Found, after 2 ms: a browser's",
            Remedy::Url,
        ),
        ("HTTP/1.1 403 Forbidden\r\n", "403 Forbidden, after 2 ms: it", Remedy::Credentials),
    ] {
        assert_fault(&response::response(&watched(head, &[], 9)), said, remedy);
    }
    let mut late = Visit::new();
    late.take(format!("{STREAM}\r\n").as_bytes(), ms(2_100));
    assert_note(&response::response(&late), "200 and text/event-stream, after 2.1 s: a head that");
}

#[test]
fn a_response_that_does_not_come_is_told_by_how_it_failed() {
    let mut silent = Visit::new();
    silent.watched = ms(5_000);
    assert_fault(&response::response(&silent), "none within 5.0 s", Remedy::Flush);
    let mut closed = Visit::new();
    closed.ended(ms(2_000));
    let said = "the connection was closed after 2.0 s, before there was a response";
    assert_fault(&response::response(&closed), said, Remedy::Flush);
    let mut closed = Visit::new();
    closed.ended(ms(3));
    let said = "the connection was closed after 3 ms, before there was a response";
    assert_fault(&response::response(&closed), said, Remedy::Tls);
    let mut other = Visit::new();
    other.take(b"\x15\x03\x01\0\x02\x02\x16\r\n\r\n", ms(3));
    let said = "a response must begin with HTTP/; something else is spoken here";
    assert_fault(&response::response(&other), said, Remedy::Tls);
    let mut refused = Visit::new();
    refused.failed("can't connect to h: refused", ms(1));
    assert_fault(&response::response(&refused), "can't connect to h: refused", Remedy::Look);
}

#[test]
fn a_body_that_is_not_in_chunks_is_no_stream_whose_end_is_known() {
    assert_good(&response::framing(&head_of(STREAM)), "chunked");
    let length = head_of("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n");
    assert_fault(&response::framing(&length), "its length is 7 bytes", Remedy::NoLength);
    for (head, said) in
        [("HTTP/1.1 200 OK\r\n", "no chunks: "), ("HTTP/1.0 200 OK\r\n", "HTTP/1.0 has")]
    {
        assert_note(&response::framing(&head_of(head)), said);
    }
}

#[test]
fn a_cache_is_found_by_what_it_adds() {
    assert_good(&response::caching(&head_of(STREAM)), "Cache-Control has no-cache");
    let plain = "HTTP/1.1 200 OK\r\n";
    assert_note(&response::caching(&head_of(plain)), "Cache-Control has neither");
    // Several lines are one list.
    let lines = "Cache-Control: no-transform\r\ncache-control: a, NO-STORE\r\n";
    let both = head_of(&format!("{plain}{lines}"));
    assert_good(&response::caching(&both), "Cache-Control has no-store");
    let own = head_of(&format!("{plain}Cache-Control: private\r\n"));
    assert_good(&response::caching(&own), "Cache-Control has private");
    for field in ["Age: 7", "X-Cache: HIT from cdn", "CF-Cache-Status: HIT", "X-Proxy-Cache: HIT"] {
        let head = head_of(&format!("{STREAM}{field}\r\n"));
        assert_fault(&response::caching(&head), "it comes from a cache", Remedy::NoCache);
    }
    for field in ["Age: 0", "X-Cache: MISS", "CF-Cache-Status: DYNAMIC"] {
        let head = head_of(&format!("{STREAM}{field}\r\n"));
        assert_eq!(response::caching(&head).level, Level::Good, "{field}");
    }
}

#[test]
fn proxies_are_seen_by_their_fields() {
    let fields =
        "Server: nginx/1.22.1\r\nVia: 2.0 Caddy\r\nCF-RAY: 1\r\nX-Varnish: 5\r\nX-Other: y\r\n";
    let head = head_of(&format!("{STREAM}{fields}"));
    let seen = Seen::of(&head);
    assert_eq!(seen.proxies, [Proxy::Nginx, Proxy::Caddy, Proxy::Cloudflare]);
    // The one policy shows the values of few fields.
    let said = "HTTP/1.1; Server: nginx/1.22.1; Via: ...; CF-RAY: ...; X-Varnish: ...";
    assert_good(&response::proxies(&head, &seen), said);
    let bare = head_of(STREAM);
    let said = "HTTP/1.1; no field tells of a proxy";
    assert_good(&response::proxies(&bare, &Seen::of(&bare)), said);
    let old = head_of("HTTP/1.0 200 OK\r\n");
    let said = "HTTP/1.0; no field tells of a proxy";
    assert_good(&response::proxies(&old, &Seen::of(&old)), said);
}

#[test]
fn a_buffer_is_found_by_events_that_come_in_parts() {
    let stream = [(3, ":\n"), (500, "data: a\n\n")];
    let said = "2 reads over 498 ms, and no event in parts";
    assert_good(&flow::buffering(&watched(STREAM, &stream, 900), &[]), said);
    let parts = [(3, "data: a\n\nda"), (1_503, "ta: b\n\n")];
    let finding = flow::buffering(&watched(STREAM, &parts, 3_000), &[]);
    assert_fault(&finding, "an event came in two parts, 1.5 s apart", Remedy::Flush);
    let silent = flow::buffering(&watched(STREAM, &[(3, ":\n")], 900), &[]);
    assert_note(&silent, "nothing more came in 900 ms: ");
    assert_eq!(silent.remedy, None);
    let silent = flow::buffering(&watched(STREAM, &[], 900), &[]);
    assert_note(&silent, "nothing came in 900 ms: ");
    assert_eq!(silent.remedy, Some(Remedy::Flush));
}

#[test]
fn a_stream_that_is_far_away_or_large_is_not_held_back() {
    // Its head took 400 ms to come, and so does each further part of what it sends at once.
    let mut far = Visit::new();
    far.take(format!("{STREAM}\r\n").as_bytes(), ms(400));
    far.take(b"c\r\ndata: a\n\ndat\r\n", ms(401));
    far.take(b"6\r\na: b\n\n\r\n", ms(801));
    far.watched = ms(3_000);
    assert_good(&flow::buffering(&far, &[]), "2 reads over 401 ms, and no event in parts");
    // That goes for half a second of it.
    let mut slow = Visit::new();
    slow.take(format!("{STREAM}\r\n").as_bytes(), ms(2_000));
    slow.take(b"c\r\ndata: a\n\ndat\r\n", ms(2_001));
    slow.take(b"6\r\na: b\n\n\r\n", ms(3_001));
    let said = "an event came in two parts, 1.0 s apart";
    assert_fault(&flow::buffering(&slow, &[]), said, Remedy::Flush);
    let large = "x".repeat(20_000);
    let stream = [(3, "data: "), (400, &large), (1_900, "\n\n")];
    assert_eq!(flow::buffering(&watched(STREAM, &stream, 3_000), &[]).level, Level::Good);
    let unfinished = [(3, "data: "), (400, &large)];
    let finding = flow::buffering(&watched(STREAM, &unfinished, 3_000), &[]);
    assert_eq!(finding.level, Level::Good);
    // A reconnection time is no event, and may stand by itself for long.
    let retry = [(3, "retry: 2000\n"), (2_003, ":\n\n")];
    assert_eq!(flow::buffering(&watched(STREAM, &retry, 3_000), &[]).level, Level::Good);
}

#[test]
fn events_that_all_come_with_the_end_have_been_held_back() {
    let ended = |chunks: &[(u64, &str)], at: u64| {
        let mut visit = watched(STREAM, chunks, at);
        visit.take(b"0\r\n\r\n", ms(at));
        flow::buffering(&visit, &[])
    };
    let two = "id: 1\ndata: a\n\nid: 2\ndata: b\n\n";
    let said = "all events came together with the end, after 4.0 s";
    assert_fault(&ended(&[(4_000, two)], 4_000), said, Remedy::Flush);
    // There was no time to send them apart, or only one, or they came before.
    let said = "nothing more came before the end, after 3 ms";
    assert_note(&ended(&[(3, two)], 3), said);
    assert_eq!(ended(&[(4_000, "data: a\n\n")], 4_000).level, Level::Note);
    assert_eq!(ended(&[(4_000, two), (5_000, two)], 5_000).level, Level::Good);
}

fn published(number: u64, sent: u64, taken: u64) -> Publication {
    Publication { data: number.to_string(), sent: ms(sent), taken: Ok(ms(taken)) }
}

#[test]
fn what_was_published_tells_whether_events_are_held_back() {
    let came = |at: u64, number: u64| (at, format!("event: doctor\ndata: {number}\n\n"));
    let judge = |came: &[(u64, String)], published: &[Publication]| {
        let came: Vec<_> = came.iter().map(|(at, event)| (*at, &**event)).collect();
        flow::buffering(&watched(STREAM, &came, 5_000), published)
    };
    let two = || [published(1, 300, 303), published(2, 600, 604)];
    let good = judge(&[came(302, 1), came(606, 2)], &two());
    assert_good(&good, "events came 2 ms after they were published");
    let late = judge(&[came(510, 1), came(780, 2)], &two());
    assert_fault(&late, "each event came 180 ms or more after it was published", Remedy::NoDelay);
    // Less than 40 ms more than the response took are none.
    assert_eq!(judge(&[came(342, 1), came(642, 2)], &two()).level, Level::Good);
    assert_eq!(judge(&[came(343, 1), came(643, 2)], &two()).level, Level::Fault);
    let held = judge(&[came(302, 1)], &two());
    assert_fault(&held, "of 2 events that the server took, 1 had not come", Remedy::Flush);
    // What was taken in the last second need not have come.
    let last = [published(1, 300, 303), published(2, 4_000, 4_500)];
    assert_eq!(judge(&[came(302, 1)], &last).level, Level::Good);
    let refused = |status: Option<u16>, why: &str| {
        let status = status.map(|code| Status::new(code).unwrap());
        let taken = Err(Refused { why: why.into(), status });
        judge(&[], &[Publication { data: "1".into(), sent: ms(300), taken }])
    };
    for code in [401, 403] {
        let finding = refused(Some(code), "it says no");
        assert_note(&finding, "no event could be published to see when it comes: it says no");
        assert_eq!(finding.remedy, Some(Remedy::Credentials));
    }
    assert_eq!(refused(Some(405), "it says no").remedy, None);
    assert_eq!(refused(None, "can't connect to h:401").remedy, None);
}

#[test]
fn a_first_byte_that_is_late_is_noted() {
    assert_good(&flow::first_byte(&watched(STREAM, &[(40, ":\n")], 900)), "after 40 ms");
    assert_note(&flow::first_byte(&watched(STREAM, &[(1_500, ":\n")], 1_900)), "after 1.5 s: ");
    let mut far = Visit::new();
    far.take(format!("{STREAM}\r\n2\r\n:\n\r\n").as_bytes(), ms(1_500));
    assert_good(&flow::first_byte(&far), "after 1.5 s");
    assert_note(&flow::first_byte(&watched(STREAM, &[], 900)), "none came: ");
}

#[test]
fn a_long_silence_is_noted_and_a_short_watch_proves_nothing() {
    let beats = [(3, ":\n"), (15_003, ":\n")];
    let said = "2 comments; silent for 15 s at most";
    assert_good(&flow::heartbeat(&watched(STREAM, &beats, 20_000)), said);
    let said = "1 comment; silent for 40 s at most: some proxies close";
    let mut long = watched(STREAM, &[(40_002, ":\n")], 41_000);
    assert_note(&flow::heartbeat(&long), said);
    assert_eq!(flow::heartbeat(&long).remedy, Some(Remedy::KeepOpen));
    // Its end has the remedy.
    long.ended(ms(41_000));
    assert_eq!(flow::heartbeat(&long).remedy, None);
    let said = "no comments; silent for 20 s at most; --wait 70s";
    assert_note(&flow::heartbeat(&watched(STREAM, &[], 20_000)), said);
    assert_note(&flow::heartbeat(&watched(STREAM, &[], 70_000)), "no comments; silent for 70 s");
    // There is nothing more to wait for.
    let mut ended = watched(STREAM, &[(3, "data\n\n")], 9);
    ended.ended(ms(1_003));
    let heartbeat = flow::heartbeat(&ended);
    assert_eq!(heartbeat, Finding::note("heartbeat", "no comments; silent for 1.0 s at most"));
}

#[test]
fn an_end_is_told_by_what_came_before_it() {
    let ended = |chunks: &[(u64, &str)], last: &str, at: u64| {
        let mut visit = watched(STREAM, chunks, at);
        visit.take(last.as_bytes(), ms(at));
        visit.ended(ms(at));
        flow::end(&visit)
    };
    const LAST: &str = "0\r\n\r\n";
    assert_good(&flow::end(&watched(STREAM, &[], 20_000)), "still open after 20 s");
    let broken = ended(&[(3, "data\n\n")], "oops\r\n", 1_003);
    assert_fault(&broken, "after 1.0 s, the response breaks the rules: a chunk", Remedy::Rules);
    // Its head came when a proxy gave up.
    let mut held = Visit::new();
    held.take(format!("{STREAM}\r\n").as_bytes(), ms(60_002));
    held.ended(ms(60_003));
    assert_fault(&flow::end(&held), "cut off after 60 s of silence", Remedy::KeepOpen);
    let silent = ended(&[(3, ":\n")], "", 60_003);
    assert_fault(&silent, "cut off after 60 s of silence", Remedy::KeepOpen);
    let away = ended(&[(3, "retry: 2000\n\n")], LAST, 5);
    assert_fault(
        &away,
        "ended after 5 ms, and told the client to come back in 2.0 s",
        Remedy::ComeBack,
    );
    // A stream may begin so, and end after a while.
    let said = "ended after 20 s; an EventSource reconnects";
    assert_note(&ended(&[(3, "retry: 2000\n\n")], LAST, 20_003), said);
    // One that has sent something was there; and one that was cut off has not told that.
    let said = "ended after 5 ms; an EventSource reconnects";
    assert_note(&ended(&[(3, "retry: 2000\ndata: a\n\n")], LAST, 5), said);
    let said = "cut off after 5 ms, though it was not silent";
    assert_fault(&ended(&[(3, "retry: 2000\n\n")], "", 5), said, Remedy::Last);
    // Half a second of silence closes nothing.
    let said = "ended after 503 ms; an EventSource reconnects";
    assert_note(&ended(&[(3, ":\n")], LAST, 503), said);
    let lively = [(1_000, ":\n"), (2_000, ":\n"), (3_000, ":\n")];
    assert_note(&ended(&lively, LAST, 3_500), "ended after 3.5 s; an EventSource reconnects");
    // A job that takes a while at its end; but no job that takes as long as proxies wait.
    let said = "ended after 6.0 s; an EventSource reconnects";
    assert_note(&ended(&lively, LAST, 6_000), said);
    let silent = ended(&lively, LAST, 63_000);
    assert_fault(&silent, "ended after 60 s of silence", Remedy::KeepOpen);
    let cut = ended(&lively, "", 3_500);
    assert_fault(&cut, "cut off after 3.5 s, though it was not silent", Remedy::Last);
    // The silence before the end is as long as the others.
    let beats = [(3, "data\n\n"), (1_003, "data\n\n")];
    assert_note(&ended(&beats, LAST, 2_010), "ended after 2.0 s; an EventSource reconnects");
}

fn ids(before: &str, last: &str, has_event: bool) -> Ids {
    Ids { before: before.into(), last: last.into(), has_event }
}

#[test]
fn a_client_asks_for_what_the_server_has_sent_already() {
    assert_eq!(resume::asks_after(&ids("1", "2", true)), Some("1"));
    assert_eq!(resume::asks_after(&ids("", "2", true)), Some("2"));
    assert_eq!(resume::asks_after(&ids("1", "2", false)), Some("2"));
    assert_eq!(resume::asks_after(&ids("", "", false)), None);
    assert_note(&resume::no_ids(&watched(STREAM, &[(3, "data\n\n")], 9)), "no event has an id");
}

#[test]
fn a_server_that_resumes_sends_what_was_missed_and_nothing_twice() {
    let after = |chunk: &str, ids: &Ids, asked: &str| {
        resume::resume(ids, asked, &watched(STREAM, &[(3, chunk)], 2_000))
    };
    let two = ids("1", "2", true);
    assert_good(
        &after("id: 2\ndata\n\n", &two, "1"),
        "after Last-Event-ID comes the event that was missed",
    );
    let lost = "an event that came after Last-Event-ID does not come again";
    assert_fault(&after(":\n", &two, "1"), lost, Remedy::Resume);
    let other = "after Last-Event-ID comes another event than the one that was missed";
    assert_fault(&after("id: 3\ndata\n\n", &two, "1"), other, Remedy::Resume);
    // The missed one comes then, but this one comes twice.
    let again = "the event that Last-Event-ID names comes again";
    assert_fault(&after("id: 1\ndata\n\nid: 2\ndata\n\n", &two, "1"), again, Remedy::Resume);
    // What greets whoever comes is neither.
    let greeted = after("event: hello\ndata\n\nid: 2\ndata\n\n", &two, "1");
    assert_eq!(greeted.level, Level::Good, "{greeted:?}");
    let named = after("id: 1\n\nevent: hello\ndata\n\nid: 2\ndata\n\n", &two, "1");
    assert_eq!(named.level, Level::Good, "{named:?}");
    assert_fault(&after("event: hello\ndata\n\n", &two, "1"), lost, Remedy::Resume);
    let gap = "event: tidings.gap\nid: 2\ndata: {}\n\n";
    assert_fault(&after(gap, &two, "1"), "the server tells a gap", Remedy::Resume);
    let one = ids("", "2", true);
    assert_fault(&after("id: 2\ndata\n\n", &one, "2"), again, Remedy::Resume);
    assert_eq!(after(":\n", &ids("", "2", false), "2").level, Level::Good);
    let mut full = watched(STREAM, &[(3, "retry: 2000\n\n")], 9);
    full.take(b"0\r\n\r\n", ms(4));
    let said = "not known: the server had no room for a request with Last-Event-ID";
    assert_note(&resume::resume(&two, "1", &full), said);
    let refused = watched("HTTP/1.1 400 Bad Request\r\n", &[], 9);
    let said = "a request with Last-Event-ID gets no stream: 400 Bad Request";
    assert_fault(&resume::resume(&two, "1", &refused), said, Remedy::Resume);
}

#[test]
fn text_of_which_no_event_comes_is_a_fault() {
    let judge = |chunks: &[(u64, &str)]| flow::no_events(&watched(STREAM, chunks, 5_000));
    for text in ["id: 1\ndata: a\n", "{\"a\": 1}\n\n", " data: a\n\n", "data: a\r\n"] {
        let finding = judge(&[(3, text), (1_003, text)]).expect(text);
        assert_fault(&finding, "text came, and no event", Remedy::Events);
    }
    for text in ["id: 1\n\n", ": a\n", "retry: 7\n\n", "event: ping\n\n", "data: a\n\n"] {
        assert_eq!(judge(&[(3, text), (1_003, text)]), None, "{text:?}");
    }
    // It has just begun; or what holds it back is a buffer.
    assert_eq!(judge(&[(3, ":\n"), (4_500, "data: a\n")]), None);
    assert_eq!(judge(&[(3, "data: a\ndata: b")]), None);
}

#[test]
fn an_event_that_is_still_not_whole_is_held_back() {
    let judge = |at: u64| {
        flow::buffering(&watched(STREAM, &[(3, "data: a\n\n"), (at, "data: b")], 5_000), &[])
    };
    assert_fault(&judge(1_000), "an event began, and was not whole 4.0 s later", Remedy::Flush);
    assert_eq!(judge(4_500).level, Level::Good);
}

#[test]
fn a_stream_that_is_held_in_a_compressor_is_a_fault() {
    let lively: Vec<_> = (0..10).map(|n| (n * 500, ":\n")).collect();
    let lively = watched(STREAM, &lively, 5_000);
    let judge = |fields: &str, chunks: &[(u64, &str)], before: &Visit| {
        browser::compression(&watched(&format!("{STREAM}{fields}"), chunks, 2_000), before)
    };
    const GZIP: &str = "Content-Encoding: gzip\r\n";
    assert_good(&judge("", &[], &lively), "none, for a client that accepts any");
    assert_eq!(judge("Content-Encoding: identity\r\n", &[], &lively).level, Level::Good);
    let said = "a client that accepts it, as every browser, gets the stream in gzip: ";
    let waits = format!("{said}events wait in the compressor");
    assert_fault(&judge(GZIP, &[(3, "\x1f")], &lively), &waits, Remedy::Plain);
    // It comes bit by bit.
    let flushed = judge(GZIP, &[(3, "\x1f"), (503, "\0")], &lively);
    assert_note(&flushed, &format!("{said}events come at once"));
    assert_eq!(flushed.remedy, Some(Remedy::Plain));
    // Nothing can be said of a stream that is silent, or that was watched for a moment.
    for before in [5_000, 900].map(|until| watched(STREAM, &[(3, ":\n")], until)) {
        let unknown = judge(GZIP, &[(3, "\x1f")], &before);
        assert_note(&unknown, &format!("{said}events may wait in the compressor"));
    }
    let mut held = Visit::new();
    held.watched = ms(5_000);
    let said = "a client that accepts it, as every browser, gets no response within 5.0 s";
    assert_fault(&browser::compression(&held, &lively), said, Remedy::Plain);
    let said = "not known: a further request gets no response within 5.0 s, whatever it accepts";
    assert_fault(&browser::no_response(&held), said, Remedy::Many);
    let unasked =
        |fields: &str| browser::compressed_unasked(&head_of(&format!("{STREAM}{fields}")));
    assert_eq!(unasked("Content-Encoding: identity\r\n"), None);
    let said = "the stream comes in gzip, even to a client that accepts none";
    assert_fault(&unasked("Content-Encoding: GZip\r\n").unwrap(), &said[..19], Remedy::Plain);
    let refused = watched("HTTP/1.1 400 Bad Request\r\n", &[], 9);
    assert_note(&browser::compression(&refused, &lively), "not known");
}

#[test]
fn a_page_of_another_origin_may_read_it_if_one_field_says_so() {
    const ALLOW: &str = "Access-Control-Allow-Origin: ";
    const COOKIES: &str = "Access-Control-Allow-Credentials: true\r\n";
    let page = "https://a.example";
    let judge = |fields: &str, origin| {
        browser::cors(&watched(&format!("{STREAM}{fields}"), &[], 9), origin)
    };
    let own = format!("{ALLOW}{page}\r\n");
    let said = "pages of https://a.example may read it, without cookies";
    assert_good(&judge(&own, Some(page)), said);
    let said = "pages of https://a.example may read it, also with cookies";
    assert_good(&judge(&format!("{own}{COOKIES}"), Some(page)), said);
    let all = format!("{ALLOW}*\r\n");
    assert_good(&judge(&all, Some(page)), "pages of all origins may read it");
    assert_good(&judge(&all, None), "pages of all origins may read it");
    assert_eq!(judge("", None).level, Level::Good);
    let fault = |fields: &str, origin, said| {
        assert_fault(&judge(fields, origin), said, Remedy::Origin);
    };
    fault("", Some(page), "pages of https://a.example may not read it");
    let other = format!("{ALLOW}https://b.example\r\n");
    fault(&other, Some(page), "pages of https://a.example may not read it");
    let refused = watched("HTTP/1.1 403 Forbidden\r\n", &[], 9);
    let said = "a page of another origin gets 403 Forbidden";
    assert_fault(&browser::cors(&refused, Some(page)), said, Remedy::Origin);
    assert_note(&browser::cors(&refused, None), said);
    for twice in [format!("{own}{own}"), format!("{ALLOW}{page}, {page}\r\n")] {
        let said = "Access-Control-Allow-Origin has more";
        assert_fault(&judge(&twice, Some(page)), said, Remedy::OneOrigin);
    }
    // These matter only to requests with cookies.
    let both = judge(&format!("{all}{COOKIES}"), None);
    assert_note(&both, "Access-Control-Allow-Origin is * beside");
    let any = format!("{ALLOW}{}\r\n{COOKIES}", browser::STRANGER);
    assert_note(&judge(&any, None), "pages of any origin may read it with the cookies");
}
