//! Cursors over logs whose clock the test sets: where a stream starts, and what it is sent next.

use super::*;
use crate::log::History;
use crate::log::id::Epochs;
use std::time::Duration;

fn epochs() -> Epochs {
    Epochs::one(171)
}

/// A log with one event for each number, whose data is its number.
fn log(history: History, sequences: &[u64]) -> Log {
    let mut log = Log::new(history, 0);
    push(&mut log, sequences);
    log
}

fn push(log: &mut Log, sequences: &[u64]) {
    for place in sequences {
        put(log, *place, format!("data: {place}\n\n").as_bytes());
    }
}

fn put(log: &mut Log, place: u64, content: &[u8]) {
    log.push(place, Duration::ZERO, content.len(), |out| out.extend_from_slice(content));
}

/// Everything that a stream is sent, without framing, batch after batch.
fn sent(logs: &[&Log], mut cursor: Cursor) -> String {
    let mut text = String::new();
    let mut batch = Batch::default();
    loop {
        read(logs, &epochs(), cursor, OnLag::Gap, true, &mut batch).unwrap();
        let Some((next, end)) = batch.cursor_at(batch.bytes().len()) else { return text };
        assert_eq!(end, batch.bytes().len());
        text.push_str(std::str::from_utf8(batch.bytes()).unwrap());
        cursor = next;
    }
}

fn begin(logs: &[&Log], newest: u64, from: Start<'_>) -> (Cursor, Option<String>) {
    let (cursor, gap) = start(logs, &epochs(), newest, from, false);
    (cursor, gap.map(|gap| String::from_utf8(gap.content()).unwrap()))
}

#[test]
fn a_live_stream_is_sent_what_comes_after_it() {
    let mut log = log(History::default(), &[1, 2]);
    let (cursor, gap) = begin(&[&log], 2, Start::Live);
    assert_eq!((cursor.place, gap), (2, None));
    push(&mut log, &[3, 4]);
    assert_eq!(sent(&[&log], cursor), "data: 3\n\ndata: 4\n\n");
}

#[test]
fn a_batch_is_the_chunks_of_the_log_in_one_piece() {
    let log = log(History::default(), &[1, 2]);
    let mut batch = Batch::default();
    read(&[&log], &epochs(), Cursor::default(), OnLag::Gap, false, &mut batch).unwrap();
    assert_eq!(batch.bytes(), b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n");
    assert_eq!(batch.events(), 2);
    assert!(!batch.full);
}

#[test]
fn a_cut_batch_says_which_event_was_begun_and_where_it_ends() {
    let log = log(History::default(), &[1, 2]);
    let mut batch = Batch::default();
    read(&[&log], &epochs(), Cursor::default(), OnLag::Gap, false, &mut batch).unwrap();
    assert_eq!(batch.cursor_at(0), None);
    assert_eq!(batch.cursor_at(1), Some((Cursor { place: 1, seen: 1 }, 14)));
    assert_eq!(batch.cursor_at(14), Some((Cursor { place: 1, seen: 1 }, 14)));
    assert_eq!(batch.cursor_at(15), Some((Cursor { place: 2, seen: 2 }, 28)));
    let whole = |sent| (batch.whole_at(sent).events, batch.whole_at(sent).bytes);
    assert_eq!([13, 14, 27, 28].map(whole), [(0, 0), (1, 14), (1, 14), (2, 28)]);
}

#[test]
fn a_resumed_stream_is_sent_what_it_missed_once() {
    let log = log(History::default(), &[1, 2, 3]);
    let (cursor, gap) = begin(&[&log], 3, Start::After("171-1"));
    assert_eq!(gap, None);
    assert_eq!(sent(&[&log], cursor), "data: 2\n\ndata: 3\n\n");
}

#[test]
fn one_last_event_id_resumes_all_channels_in_one_order() {
    let a = log(History::default(), &[1, 4, 5]);
    let b = log(History::default(), &[2, 3, 6]);
    let (cursor, gap) = begin(&[&a, &b], 6, Start::After("171-2"));
    assert_eq!(gap, None);
    assert_eq!(sent(&[&a, &b], cursor), "data: 3\n\ndata: 4\n\ndata: 5\n\ndata: 6\n\n");
}

#[test]
fn who_comes_back_too_late_is_told_how_much_is_gone() {
    let log = log(History::default().events(2), &[1, 2, 3, 4, 5]);
    let (cursor, gap) = begin(&[&log], 5, Start::After("171-1"));
    let data = r#"{"from":"171-1","to":"171-3","missed":2,"reason":"evicted"}"#;
    assert_eq!(gap, Some(format!("id: 171-3\nevent: tidings.gap\ndata: {data}\n\n")));
    assert_eq!(sent(&[&log], cursor), "data: 4\n\ndata: 5\n\n");
}

#[test]
fn a_second_gap_begins_where_the_first_one_ended() {
    let mut log = log(History::default().events(1), &[1, 2]);
    let mut batch = Batch::default();
    let mut gap = |log: &Log, cursor| {
        read(&[log], &epochs(), cursor, OnLag::Gap, true, &mut batch).unwrap();
        let text = String::from_utf8(batch.bytes().to_vec()).unwrap();
        // The gap event has gone out, and the socket took nothing more.
        (text, batch.cursor_at(1).unwrap().0)
    };
    let (first, cursor) = gap(&log, Cursor::default());
    assert!(first.contains(r#"{"from":"171-0","to":"171-1","missed":1,"reason":"lagged"}"#));
    push(&mut log, &[3, 4]);
    let (second, _) = gap(&log, cursor);
    assert!(second.contains(r#"{"from":"171-1","to":"171-3","missed":2,"reason":"lagged"}"#));

    let (cursor, told) = begin(&[&log], 4, Start::After("171-1"));
    let told = told.unwrap();
    assert!(told.contains(r#"{"from":"171-1","to":"171-3","missed":2,"reason":"evicted"}"#));
    push(&mut log, &[5]);
    let (third, _) = gap(&log, cursor);
    assert!(third.contains(r#"{"from":"171-3","to":"171-4","missed":1,"reason":"lagged"}"#));
}

#[test]
fn what_is_gone_is_not_counted_where_other_channels_lie_between() {
    let a = log(History::default().events(1), &[1, 3, 5]);
    let (_, gap) = begin(&[&a], 5, Start::After("171-1"));
    let data = r#"{"from":"171-1","to":"171-3","missed":null,"reason":"evicted"}"#;
    assert_eq!(gap, Some(format!("id: 171-3\nevent: tidings.gap\ndata: {data}\n\n")));
}

#[test]
fn an_id_from_before_a_restart_is_told_so_and_sent_everything() {
    let log = log(History::default(), &[1, 2]);
    for id in ["205-9", "171-3", "7", "", "-", "171-", "171-+1", "171-01", "ab-1", "x\u{FFFD}"] {
        let (cursor, gap) = begin(&[&log], 2, Start::After(id));
        let data = format!(r#"{{"from":"{id}","to":"171-0","missed":null,"reason":"restarted"}}"#);
        assert_eq!(gap, Some(format!("id: 171-0\nevent: tidings.gap\ndata: {data}\n\n")));
        assert_eq!(sent(&[&log], cursor), "data: 1\n\ndata: 2\n\n");
    }
}

#[test]
fn a_stream_that_lagged_is_told_and_goes_on_with_what_is_there() {
    let mut log = log(History::default().events(2), &[1]);
    let (cursor, _) = begin(&[&log], 1, Start::Live);
    push(&mut log, &[2, 3, 4, 5]);
    let data = r#"{"from":"171-1","to":"171-3","missed":2,"reason":"lagged"}"#;
    assert_eq!(
        sent(&[&log], cursor),
        format!("id: 171-3\nevent: tidings.gap\ndata: {data}\n\ndata: 4\n\ndata: 5\n\n"),
    );
}

#[test]
fn a_gap_in_one_channel_keeps_what_the_other_still_has() {
    let mut a = log(History::default().events(1), &[1]);
    let mut b = log(History::default(), &[]);
    let (cursor, _) = begin(&[&a, &b], 1, Start::Live);
    push(&mut a, &[2]);
    push(&mut b, &[3]);
    push(&mut a, &[4, 5]);
    // Whoever has read the gap event and no more must still be given 3: it resumes from 2.
    let data = r#"{"from":"171-1","to":"171-4","missed":2,"reason":"lagged"}"#;
    assert_eq!(
        sent(&[&a, &b], cursor),
        format!(
            "id: {}\nevent: tidings.gap\ndata: {data}\n\ndata: 3\n\ndata: 5\n\n",
            after_gap(&[&a, &b], 2, 3)
        ),
    );
}

/// The id of a gap event that was told ahead of what other logs have, as its client sends it back.
fn after_gap(logs: &[&Log], place: u64, seen: u64) -> String {
    format!("171-{place}-{seen}-{}", mark_of(logs))
}

/// Two logs, of which the first has let go of 2 and 4 and the second has 3. A client that comes
/// from 1 is told, and the id of what it is told is given.
fn told_across() -> (Log, Log, String) {
    let mut a = log(History::default().events(1), &[1]);
    let mut b = log(History::default().events(1), &[]);
    push(&mut a, &[2]);
    push(&mut b, &[3]);
    push(&mut a, &[4, 5]);
    let (_, gap) = begin(&[&a, &b], 5, Start::After("171-1"));
    let gap = gap.expect("2 and 4 are gone");
    let id = gap.strip_prefix("id: ").and_then(|gap| gap.split('\n').next()).unwrap().to_owned();
    assert_eq!(id, after_gap(&[&a, &b], 2, 3));
    (a, b, id)
}

#[test]
fn a_client_that_resumes_from_a_gap_event_is_told_once_and_loses_nothing() {
    let (mut a, b, id) = told_across();
    let (cursor, gap) = begin(&[&a, &b], 5, Start::After(&id));
    assert_eq!(gap, None, "it was told");
    assert_eq!(sent(&[&a, &b], cursor), "data: 3\n\ndata: 5\n\n");
    // It begins with the same place, so that it is told no more if it is cut off again.
    let first = First::at(&[&a, &b], &epochs(), Start::Live, cursor, None);
    assert_eq!(first.content, format!("id: {id}\n\n").as_bytes());

    // What goes after it was told is new to it, and counted.
    push(&mut a, &[6, 7]);
    let (cursor, gap) = begin(&[&a, &b], 7, Start::After(&id));
    assert!(gap.is_some_and(|gap| gap.contains(r#""to":"171-6","missed":2,"reason":"evicted""#)));
    assert_eq!(sent(&[&a, &b], cursor), "data: 3\n\ndata: 7\n\n");
}

#[test]
fn what_another_log_lets_go_of_after_a_gap_event_is_told() {
    let (a, mut b, id) = told_across();
    push(&mut b, &[6]);
    let (cursor, gap) = begin(&[&a, &b], 6, Start::After(&id));
    assert!(gap.is_some_and(|gap| gap.contains(r#""missed":1,"reason":"evicted""#)));
    assert_eq!(sent(&[&a, &b], cursor), "data: 5\n\ndata: 6\n\n");
}

#[test]
fn with_other_logs_a_gap_events_id_is_a_place_and_no_more() {
    let (a, b, id) = told_across();
    // Whoever asks for others, or makes something up, is told again rather than not at all.
    let other = log(History::default(), &[6]);
    for logs in [&[&a][..], &[&a, &other], &[&a, &b, &other], &[&b, &a]] {
        let (_, gap) = begin(logs, 6, Start::After(&id));
        assert!(gap.is_some_and(|gap| gap.contains(r#""reason":"evicted""#)), "{}", logs.len());
    }
    let too_much = after_gap(&[&a, &b], 2, 99);
    let (_, gap) = begin(&[&a, &b], 5, Start::After(&too_much));
    assert!(gap.is_some_and(|gap| gap.contains(r#""reason":"evicted""#)));
    for malformed in ["171-2-3", "171-2-3-", "171-2--1", "171-2-03-1", "171-2-3-01", "171-2-3-1-1"]
    {
        let (_, gap) = begin(&[&a, &b], 5, Start::After(malformed));
        assert!(gap.is_some_and(|gap| gap.contains(r#""reason":"restarted""#)), "{malformed}");
    }
}

#[test]
fn a_log_that_had_no_events_yet_is_not_taken_for_one_that_replaces_it() {
    let a = log(History::default().events(1), &[1, 2, 4, 5]);
    let b = log(History::default(), &[3]);
    let empty = Log::new(History::default(), 0);
    let (cursor, _) = begin(&[&a, &b, &empty], 5, Start::After("171-1"));
    let id = id_at(&[&a, &b, &empty], &epochs(), cursor);
    assert_eq!(begin(&[&a, &b, &empty], 5, Start::After(&id)).1, None);
    // It had 6, was forgotten, and came back.
    let (_, gap) = begin(&[&a, &b, &Log::new(History::default(), 6)], 6, Start::After(&id));
    assert!(gap.is_some_and(|gap| gap.contains(r#""missed":null,"reason":"evicted""#)));
}

#[test]
fn a_channel_may_close_streams_that_lag_instead() {
    let log = log(History::default().events(1), &[1, 2]);
    let read =
        read(&[&log], &epochs(), Cursor::default(), OnLag::Close, true, &mut Batch::default());
    assert_eq!(read, Err(Evicted::Lagged));
}

#[test]
fn a_stream_may_begin_with_the_newest_events() {
    let a = log(History::default(), &[1, 4, 5]);
    let b = log(History::default(), &[2, 3]);
    let newest = |count| sent(&[&a, &b], begin(&[&a, &b], 5, Start::Newest(count)).0);
    assert_eq!(newest(0), "");
    assert_eq!(newest(3), "data: 3\n\ndata: 4\n\ndata: 5\n\n");
    assert_eq!(newest(99).lines().filter(|line| !line.is_empty()).count(), 5);
}

#[test]
fn a_stream_that_begins_with_the_newest_events_is_told_of_those_gone_among_them() {
    let a = log(History::default().events(1), &[1, 3, 4]);
    let b = log(History::default(), &[2]);
    let newest = |logs: &[&Log], count| begin(logs, 4, Start::Newest(count)).1;
    let data = r#"{"from":"171-1","to":"171-3","missed":null,"reason":"evicted"}"#;
    let gap = newest(&[&a, &b], 2).expect("3 is gone");
    assert!(gap.ends_with(&format!("event: tidings.gap\ndata: {data}\n\n")), "{gap}");
    assert_eq!(newest(&[&a, &b], 1), None, "nothing is gone after 4");
    assert_eq!(newest(&[&a], 99), None, "a history that is shorter than asked for has no gap");
}

#[test]
fn a_batch_is_bounded_but_takes_one_event_of_any_size() {
    let mut log = Log::new(History::default(), 0);
    for place in 1..=3 {
        put(&mut log, place, &[b'x'; 100_000]);
    }
    let mut batch = Batch::default();
    read(&[&log], &epochs(), Cursor::default(), OnLag::Gap, true, &mut batch).unwrap();
    assert_eq!((batch.events(), batch.bytes().len()), (1, 100_000));
    assert!(batch.full);
}

#[test]
fn the_log_is_bounded_by_count_bytes_and_age() {
    let by_count = log(History::default().events(3), &[1, 2, 3, 4]);
    assert_eq!((by_count.len(), by_count.evicted_through), (3, 1));

    // Each chunk has 14 bytes: "9 CRLF data: 1 LF LF CRLF".
    let by_bytes = log(History::default().bytes(29), &[1, 2, 3, 4]);
    assert_eq!((by_bytes.len(), by_bytes.evicted_through), (2, 2));
    assert_eq!(log(History::default().bytes(0), &[1, 2]).len(), 1, "the newest stays");

    let mut by_age = log(History::default().age(Duration::from_secs(60)), &[1, 2]);
    by_age.evict(Duration::from_secs(60));
    assert_eq!(by_age.len(), 2);
    by_age.evict(Duration::from_secs(61));
    assert_eq!((by_age.len(), by_age.evicted_through), (0, 2));
}

#[test]
fn nothing_is_lost_doubled_or_swapped_over_the_ring_of_the_log() {
    let mut log = Log::new(History::default().events(7).bytes(120), 0);
    let (mut cursor, _) = begin(&[&log], 0, Start::Live);
    let mut text = String::new();
    let mut batch = Batch::default();
    for place in 1..=500_u64 {
        let content = format!("{}\n\n", "x".repeat((place * 7 % 13) as usize + 1));
        put(&mut log, place, content.as_bytes());
        read(&[&log], &epochs(), cursor, OnLag::Close, true, &mut batch).unwrap();
        cursor = batch.cursor_at(batch.bytes().len()).unwrap().0;
        text.push_str(std::str::from_utf8(batch.bytes()).unwrap());
        assert_eq!(batch.bytes(), content.as_bytes());
        assert_eq!(cursor, Cursor { place, seen: place });
    }
    assert_eq!(text.matches("\n\n").count(), 500);
}

#[test]
fn a_log_that_replaces_another_can_not_know_what_was_in_it() {
    let mut log = Log::new(History::default(), 10);
    push(&mut log, &[12]);
    let (_, gap) = begin(&[&log], 12, Start::After("171-9"));
    assert!(gap.is_some_and(|gap| gap.contains(r#""missed":null,"reason":"evicted""#)));
    assert_eq!(begin(&[&log], 12, Start::After("171-11")).1, None);
}

#[test]
fn an_age_that_means_never_overflows_no_clock() {
    let mut log = log(History::default().age(Duration::MAX), &[1]);
    log.evict(Duration::MAX);
    assert_eq!(log.len(), 1);
}
