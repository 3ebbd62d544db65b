//! Connections one after the other.

use std::net::TcpListener;
use std::time::Instant;

use tidings::client::StreamRequest;
use tidings::{CloseReason, EventId};

use super::*;
use crate::support::script::{CHUNKED, NO_MORE, STREAM};

#[test]
fn a_stream_that_is_cut_and_one_that_ends_are_both_gone_on_with_behind_the_last_event_id() {
    let script = Script::responses([
        format!("{CHUNKED}11\r\nid: 1\ndata: one\n\n\r\n"), // cut: no last chunk
        format!("{CHUNKED}11\r\nid: 2\ndata: two\n\n\r\n0\r\n\r\n"),
        format!("{STREAM}data: three\n\nid: 4\ndata: never whole\n"),
        NO_MORE.into(),
    ]);
    let mut source = source(&script);
    opened(&mut source);
    assert_eq!(event(&mut source).data, "one");
    let (error, _) = lost(&mut source);
    assert_eq!(error.close_reason(), None);
    assert!(error.to_string().contains("cut in the middle of the stream"), "{error}");
    opened(&mut source);
    assert_eq!(event(&mut source).data, "two");
    let (error, retry_in) = lost(&mut source);
    assert_eq!(error.close_reason(), Some(CloseReason::Server));
    assert!(retry_in <= Duration::from_millis(100), "{retry_in:?}");
    opened(&mut source);
    let three = event(&mut source);
    assert_eq!((&*three.data, &*three.last_event_id), ("three", "2"));
    lost(&mut source);
    assert_eq!(source.last_event_id(), "2");
    assert!(matches!(update(&mut source), Update::Stopped));
    assert!(source.next_update().is_none());
    let ids = [None, Some("1".into()), Some("2".into()), Some("2".into())];
    assert_eq!(script.field("last-event-id"), ids);
}

#[test]
fn an_empty_id_is_not_sent_and_one_beyond_ascii_is_sent_as_utf_8() {
    let script = Script::responses([
        format!("{STREAM}id: 1\n\n"),
        format!("{STREAM}id: …é\ndata: a\n\n"),
        format!("{STREAM}id\n\n"),
        NO_MORE.into(),
    ]);
    assert_eq!(data(source(&script)), ["a"]);
    let ids = [None, Some("1".into()), Some("…é".into()), None];
    assert_eq!(script.field("last-event-id"), ids);
}

#[test]
fn what_was_unfinished_does_not_reach_into_the_next_stream() {
    let script = Script::responses([
        format!("{STREAM}event: x\nid: 1\ndata: lost\nda"),
        format!("{STREAM}\u{feff}ta: never\ndata: a\r"),
        format!("{STREAM}\ndata: b\n\n"),
        NO_MORE.into(),
    ]);
    let events: Vec<_> = source(&script).map(Result::unwrap).collect();
    let told: Vec<_> =
        events.iter().map(|e| (&*e.event_type, &*e.data, &*e.last_event_id)).collect();
    assert_eq!(told, [("message", "b", "")]);
}

#[test]
fn the_reconnection_time_is_what_the_stream_says_and_outlives_the_connection() {
    let script = Script::responses([
        format!("{STREAM}retry: 300\ndata: a\n\n"),
        format!("{STREAM}data: b\n\n"),
        format!("{STREAM}data: c\n\n"),
    ]);
    let mut source = source(&script);
    let mut wait = Duration::ZERO;
    for _ in 0..3 {
        let start = Instant::now();
        opened(&mut source);
        assert!(start.elapsed() + Duration::from_millis(5) > wait, "{:?}", start.elapsed());
        event(&mut source);
        wait = lost(&mut source).1;
        assert!((300..=375).contains(&wait.as_millis()), "{wait:?}");
    }
}

#[test]
fn a_server_that_asks_for_no_wait_is_not_asked_in_a_tight_loop() {
    let script = Script::responses((0..5).map(|_| format!("{STREAM}retry: 0\ndata: a\n\n")));
    let mut source = source(&script);
    let start = Instant::now();
    for attempt in 0..5 {
        opened(&mut source);
        let apart = Duration::from_millis(100) * attempt;
        assert!(start.elapsed() >= apart, "{:?}", start.elapsed());
        event(&mut source);
        lost(&mut source);
    }
}

#[test]
fn a_server_that_is_not_there_is_tried_ever_more_seldom_until_it_is_given_up() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut source = at(&format!("http://{nobody}/")).give_up_after(3);
    for least in [250, 500] {
        let (error, retry_in) = lost(&mut source);
        let said = error.to_string();
        assert!(said.starts_with(&format!("can't connect to {nobody}: ")), "{said}");
        assert!((least..=least * 5 / 4).contains(&retry_in.as_millis()), "{retry_in:?}");
    }
    assert!(source.next_update().expect("an error").is_err());
    assert!(source.next_update().is_none());
}

#[test]
fn a_stream_that_opens_makes_good_for_failures_before_it() {
    let script = Script::responses(["", "HTTP/1.1 200 OK\r\nCont", STREAM, "", NO_MORE]);
    let mut source = source(&script).give_up_after(3);
    for what in ["before the server responded", "before the server responded"] {
        let (error, _) = lost(&mut source);
        assert!(error.to_string().contains(what), "{error}");
    }
    opened(&mut source);
    // It opened and brought nothing, so it is not come back to at once.
    let (error, retry_in) = lost(&mut source);
    assert_eq!(error.close_reason(), Some(CloseReason::Server));
    assert!((250..=313).contains(&retry_in.as_millis()), "{retry_in:?}");
    lost(&mut source);
    assert!(matches!(update(&mut source), Update::Stopped));
}

#[test]
fn without_reconnecting_a_clean_end_ends_it_and_anything_else_is_an_error() {
    let script = Script::responses([format!("{STREAM}data: a\n\n")]);
    assert_eq!(data(source(&script).reconnects(false)), ["a"]);
    let script = Script::responses([format!("{CHUNKED}9\r\ndata: a\n\n\r\n")]);
    assert_eq!(failure(source(&script).reconnects(false)).0, ["a"]);
    let script = Script::responses([""]);
    assert_eq!(failure(source(&script).reconnects(false)).0, [""; 0]);
}

#[test]
fn row_45_an_id_that_no_field_can_carry_is_kept_and_not_sent_and_that_is_told_once() {
    let odd = format!("{STREAM}id: a\u{1}b\ndata: one\n\n");
    let long = format!("{STREAM}id: {}\ndata: two\n\n", "x".repeat(8193));
    let good = format!("{STREAM}id: 7\ndata: three\n\n");
    let script = Script::responses([&*odd, &long, &good, NO_MORE]);
    let mut source = source(&script);
    opened(&mut source);
    assert_eq!(event(&mut source).data, "one");
    lost(&mut source);
    match update(&mut source) {
        Update::IdLeftOut { error } => {
            assert!(error.is_invalid() && error.to_string().contains("section 5.5"), "{error}");
        }
        other => panic!("not told: {other:?}"),
    }
    assert_eq!(source.last_event_id(), "a\u{1}b");
    for data in ["two", "three"] {
        opened(&mut source);
        assert_eq!(event(&mut source).data, data);
        lost(&mut source);
    }
    assert!(matches!(update(&mut source), Update::Stopped));
    assert_eq!(script.field("last-event-id"), [None, None, None, Some("7".into())]);
}

#[test]
fn row_45_an_id_that_was_given_is_judged_like_one_that_was_named() {
    let script = Script::responses([NO_MORE, NO_MORE]);
    for (id, told) in [("x".repeat(8192), false), ("x".repeat(8193), true)] {
        let mut source = source(&script).with_last_event_id(EventId::new(&id).unwrap());
        let is_told = matches!(update(&mut source), Update::IdLeftOut { .. });
        assert_eq!(is_told, told);
        if is_told {
            assert!(matches!(update(&mut source), Update::Stopped));
        }
    }
    assert_eq!(script.field("last-event-id"), [Some("x".repeat(8192)), None]);
}

fn busy(status: &str, fields: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{fields}Content-Length: 4\r\n\r\nbusy")
}

#[test]
fn a_busy_server_ends_it_unless_it_is_to_keep_trying() {
    for status in ["429 Too Many Requests", "502 ", "503 ", "504 "] {
        let responses = || [busy(status, ""), busy(status, ""), format!("{STREAM}data: a\n\n")];
        let (data, error) = failure(source(&Script::responses(responses())));
        assert!(
            data.is_empty()
                && error.status().is_some_and(|s| status.contains(&s.code().to_string()))
        );

        let script = Script::responses(responses().into_iter().chain([NO_MORE.into()]));
        let mut source = source(&script).keep_trying(true).longest_backoff(Duration::ZERO);
        for _ in 0..2 {
            let (error, retry_in) = lost(&mut source);
            assert!(error.to_string().ends_with(": busy") && retry_in < Duration::from_secs(1));
        }
        opened(&mut source);
        assert_eq!(event(&mut source).data, "a", "{status}");
    }
    for status in ["400 ", "401 ", "404 ", "500 ", "501 ", "505 "] {
        let script = Script::responses([busy(status, "Retry-After: 0\r\n")]);
        let (_, error) = failure(source(&script).keep_trying(true));
        assert!(error.is_bad_response(), "{status}");
    }
}

#[test]
fn a_busy_server_says_for_how_long_and_else_each_failure_doubles_the_wait() {
    let wait = |fields: &str, failures: usize| {
        let script = Script::responses(vec![busy("503 ", fields); failures]);
        let mut source =
            source(&script).reconnection_time(Duration::from_millis(1)).keep_trying(true);
        let waits: Vec<_> = (0..failures).map(|_| lost(&mut source).1).collect();
        waits.into_iter().last().expect("a failure").as_secs_f64()
    };
    let is_about = |least: f64, wait: f64| (least..=least * 1.25).contains(&wait);
    assert!(is_about(0.5, wait("", 2)));
    for (fields, seconds) in [
        ("Retry-After: 7\r\n", 7.0),
        (
            "Date: Sun, 06 Nov 1994 08:49:07 GMT\r\n\
          Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            30.0,
        ),
        ("Retry-After: 0\r\n", 0.25),
        ("Retry-After: 99999999999999999999\r\n", 86_400.0),
    ] {
        let wait = wait(fields, 1);
        assert!(is_about(seconds, wait), "{fields}: {wait}");
    }
    // It was named for this failure, so those before do not lengthen it.
    assert!(is_about(0.25, wait("Retry-After: 0\r\n", 3)));
}

#[test]
fn attempts_that_a_busy_server_refused_count() {
    let script = Script::responses(vec![busy("503 ", "Retry-After: 0\r\n"); 2]);
    let mut source = source(&script).keep_trying(true).give_up_after(2);
    lost(&mut source);
    let error = source.next_update().expect("an error").expect_err("it has had enough");
    assert_eq!(error.status().map(|status| status.code()), Some(503));
    assert!(source.next_update().is_none());
}

#[test]
fn a_post_is_kept_trying_until_there_is_a_stream_and_then_not_sent_again() {
    let responses = [busy("429 ", "Retry-After: 0\r\n"), format!("{STREAM}data: a\n\n")];
    let script = Script::responses(responses);
    let request = StreamRequest::post(&script.url("/"), "text/plain", "x").unwrap();
    assert_eq!(data(EventSource::with(request).keep_trying(true)), ["a"]);
    assert_eq!(script.requests().len(), 2);
}
