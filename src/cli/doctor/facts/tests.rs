//! Facts out of bytes and times, however the reads cut them.

use super::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What these reads bring, each at its time in milliseconds.
fn visit(reads: &[(u64, &str)]) -> Visit {
    let mut visit = Visit::new();
    for (at, bytes) in reads {
        visit.take(bytes.as_bytes(), ms(*at));
    }
    visit
}

#[test]
fn the_times_of_head_first_byte_and_silences_are_kept() {
    let visit = visit(&[(3, HEAD), (10, ":\n"), (15_010, ":\n"), (15_020, "data: a\n\n")]);
    let (_, at) = visit.head.as_ref().expect("a head");
    assert_eq!((*at, visit.flow.first, visit.flow.last), (ms(3), Some(ms(10)), Some(ms(15_020))));
    assert_eq!(visit.flow.longest_silence, ms(15_000));
    let Flow { reads, comments, events, .. } = visit.flow;
    assert_eq!((reads, comments, events), (3, 2, 1));
}

#[test]
fn an_event_in_two_reads_is_as_slow_as_they_are_apart() {
    let slowest =
        |reads: &[(u64, &str)]| visit(&[&[(0, HEAD)], reads].concat()).flow.slowest.as_millis();
    assert_eq!(slowest(&[(5, "data: a\n\n"), (900, "data: b\n\n")]), 0);
    assert_eq!(slowest(&[(5, "data: a\n\ndata: "), (905, "b\n\n")]), 900);
    assert_eq!(slowest(&[(5, "data: a\r\n"), (15, "\r\n"), (905, "data: b\r\n\r\n")]), 10);
    assert_eq!(slowest(&[(5, "data: a\r"), (15, "\ndata: b\r"), (25, "\n\r"), (35, "\n")]), 20);
    // A comment is no part of an event, and no event is whole by one.
    assert_eq!(slowest(&[(5, ": a"), (905, " b\n")]), 0);
    assert_eq!(slowest(&[(5, "data: a\n"), (305, ":\n"), (905, "\n")]), 900);
}

#[test]
fn the_last_two_ids_are_kept_and_whether_an_event_had_the_last() {
    let ids = |stream: &str| {
        let ids = visit(&[(0, HEAD), (1, stream)]).flow.ids;
        (ids.before, ids.last, ids.has_event)
    };
    assert_eq!(ids("id: 1\n\n"), ("".into(), "1".into(), false));
    assert_eq!(ids("id: 1\n\nid: 2\ndata\n\n"), ("1".into(), "2".into(), true));
    assert_eq!(ids("id: 1\ndata\n\nid: 2\ndata\n\ndata\n\n"), ("1".into(), "2".into(), true));
    assert_eq!(ids("data\n\n"), ("".into(), "".into(), false));
}

#[test]
fn the_first_event_is_the_first_with_an_id_of_its_own() {
    let first = |stream: &str| visit(&[(0, HEAD), (1, stream)]).flow.first_event;
    let two = Some(("2".into(), "message".into()));
    assert_eq!(first("event: hello\ndata\n\nid: 2\ndata\n\nid: 3\ndata\n\n"), two);
    assert_eq!(first("id: 1\n\nevent: hello\ndata\n\nid: 2\ndata\n\n"), two);
    assert_eq!(first("data\n\n"), None);
}

#[test]
fn lines_of_text_are_counted_apart_from_those_of_which_no_event_comes() {
    let texts = |stream: &str| visit(&[(0, HEAD), (1, stream)]).flow.texts;
    assert_eq!(texts(": a\nid: 1\nevent: b\nretry: 7\n\n"), 0);
    assert_eq!(texts("data: a\n{}\r\n data: b\r\r\n\n"), 3);
}

#[test]
fn the_doctors_own_events_are_kept_with_their_times() {
    let own = "event: doctor\ndata: x 1\n\n";
    let visit = visit(&[(0, HEAD), (7, own), (8, "data: y\n\n"), (9, own)]);
    assert_eq!(visit.flow.own, [("x 1".into(), ms(7)), ("x 1".into(), ms(9))]);
    assert_eq!(visit.flow.first_event, None);
}

#[test]
fn how_it_ended_is_told_with_its_time() {
    let chunked = HEAD.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
    let ended = |bytes: &str| {
        let mut visit = visit(&[(3, bytes)]);
        visit.ended(ms(9));
        let End { at, how } = visit.end.expect("an end");
        (at, how)
    };
    assert_eq!(ended("HTTP/1.1 200"), (ms(9), How::NoHead));
    assert_eq!(ended(HEAD), (ms(9), How::Whole));
    assert_eq!(ended(&chunked), (ms(9), How::Cut));
    assert_eq!(ended(&format!("{chunked}0\r\n\r\n")), (ms(3), How::Whole));
    let why = "a chunk size is not a hexadecimal number".to_owned();
    let (at, how) = ended(&format!("{chunked}zz\r\n"));
    assert!(at == ms(3) && matches!(&how, How::Broken(_)), "{how:?}, such as {why}");
}

#[test]
fn what_is_no_stream_is_not_read_as_one() {
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
    let visit = visit(&[(0, page), (1, "data: a\n\n")]);
    assert_eq!((visit.flow.reads, visit.flow.events, visit.is_stream()), (0, 0, false));
}

#[test]
fn the_last_silence_lasts_until_it_ended_or_was_left() {
    let mut open = visit(&[(3, HEAD), (10, ":\n")]);
    open.watched = ms(100);
    assert_eq!(open.last_silence(), ms(90));
    open.ended(ms(60));
    assert_eq!(open.last_silence(), ms(50));
    let mut silent = visit(&[(3, HEAD)]);
    silent.watched = ms(100);
    // A head is no content.
    assert_eq!(silent.last_silence(), ms(100));
}

#[test]
fn the_facts_are_the_same_however_the_reads_are_split() {
    let begin = ":\n: b\r\nid: 1\n\nid: 2\r\ndata: a\r\n\r\n";
    let stream = format!("{HEAD}{begin}event: doctor\nid: 3\ndata: c\n\nretry: 7\n\n");
    for step in 1..=stream.len() {
        let mut visit = Visit::new();
        for piece in stream.as_bytes().chunks(step) {
            visit.take(piece, ms(5));
        }
        let Flow { comments, events, ids, own, retry, .. } = visit.flow;
        assert_eq!((comments, events, retry), (2, 2, Some(ms(7))), "by {step}");
        assert_eq!((&*ids.before, &*ids.last, ids.has_event), ("2", "3", true), "by {step}");
        assert_eq!(own, [("c".into(), ms(5))], "by {step}");
    }
}

#[test]
fn the_newest_of_the_doctors_own_events_are_kept_after_those_of_earlier_runs() {
    let event = |data: &str| format!("event: doctor\ndata: {data}\n\n");
    let mut visit = visit(&[(0, HEAD)]);
    for number in 0..100 {
        visit.take(event(&number.to_string()).as_bytes(), ms(number));
    }
    visit.take(event(&"x".repeat(1000)).as_bytes(), ms(100));
    assert_eq!(visit.flow.own.len(), MOST_OWN);
    assert_eq!(visit.flow.own.back(), Some(&("99".into(), ms(99))));
}

#[test]
fn a_head_that_is_late_gives_the_others_time() {
    let patience = |at| visit(&[(at, HEAD)]).patience([ms(5_000), ms(30_000)]);
    assert_eq!(patience(3), ms(5_000));
    assert_eq!(patience(8_000), ms(16_000));
    assert_eq!(patience(29_000), ms(30_000));
}
