//! What a log keeps, at exactly its bounds, and what it gives back.

use super::*;
use crate::log::batch::{Batch, Rest};
use crate::log::cursor::{Cursor, OnLag};
use crate::log::id::Epochs;

/// How many bytes the chunk of an event has beside its content.
fn framing(len: usize) -> usize {
    format!("{len:x}\r\n\r\n").len()
}

/// An event whose chunk has so many bytes.
fn push(log: &mut Log, place: u64, chunk_len: usize) {
    push_at(log, place, chunk_len, Duration::ZERO);
}

fn push_at(log: &mut Log, place: u64, chunk_len: usize, now: Duration) {
    let len = (0..chunk_len).rev().find(|len| len + framing(*len) == chunk_len).expect("a length");
    log.push(place, now, len, |out| out.resize(out.len() + len, b'x'));
}

fn with(history: History) -> Log {
    Log::new(history, 0)
}

/// What is kept after these chunks: how many events, and how many bytes.
fn kept(history: History, chunks: &[usize]) -> (usize, usize) {
    let mut log = with(history);
    (1..).zip(chunks).for_each(|(place, len)| push(&mut log, place, *len));
    (log.len(), log.kept_bytes())
}

fn read(log: &Log, after: u64, plain: bool) -> Batch {
    let mut batch = Batch::default();
    let cursor = Cursor { place: after, seen: after };
    read::read(&[log], &Epochs::one(1), cursor, OnLag::Gap, plain, &mut batch).unwrap();
    batch
}

#[test]
fn limit_history_bytes_is_what_is_kept_to_the_byte() {
    let bytes = |bytes| History::default().bytes(bytes);
    assert_eq!(kept(bytes(28), &[14, 14, 14]), (2, 28));
    assert_eq!(kept(bytes(27), &[14, 14, 14]), (1, 14));
    assert_eq!(kept(bytes(0), &[14, 14]), (1, 14), "the newest stays");
    // Large ones count like others, and so do both together.
    let large = LARGE + 1;
    assert_eq!(kept(bytes(2 * large), &[large, large, large]), (2, 2 * large));
    assert_eq!(kept(bytes(2 * large - 1), &[large, large, large]), (1, large));
    assert_eq!(kept(bytes(large + 28), &[14, large, 14, 14]), (3, large + 28));
    assert_eq!(kept(bytes(large + 13), &[large, 14]), (1, 14));
}

#[test]
fn limit_history_a_log_that_is_to_keep_less_lets_go_of_the_oldest() {
    let second = Duration::from_secs(1);
    let kept = |history: History| {
        let mut log = with(History::default());
        (1..=4).for_each(|place| push_at(&mut log, place, 14, second * place as u32));
        log.set_history(history, 4 * second);
        let before = (log.len(), log.evicted_through());
        push_at(&mut log, 5, 14, 4 * second);
        (before, log.len())
    };
    assert_eq!(kept(History::default()), ((4, 0), 5));
    assert_eq!(kept(History::default().events(2)), ((2, 2), 2));
    assert_eq!(kept(History::default().bytes(3 * 14)), ((3, 1), 3));
    assert_eq!(kept(History::default().events(0)), ((1, 3), 1), "the newest stays");
    assert_eq!(kept(History::default().bytes(0)), ((1, 3), 1));
    assert_eq!(kept(History::default().age(second)), ((2, 2), 3));
}

#[test]
fn large_events_and_the_room_of_others_keep_to_the_bytes_together() {
    let mut log = with(History::default().bytes(1_000_000));
    let mut place = 0;
    for _ in 0..3 {
        for (small, large) in [(20, 740_000), (9, 500_000), (12, 330_000), (3, 1_000_000)] {
            for chunk_len in [vec![50_000; small], vec![large], vec![50_000; 2]].concat() {
                place += 1;
                push(&mut log, place, chunk_len);
                let taken = log.bytes.capacity() + log.large_bytes;
                assert!(taken <= 1_000_000, "{taken} after {place}");
            }
        }
    }
}

#[test]
fn limit_history_events_is_how_many_are_kept() {
    let events = |events| History::default().events(events);
    assert_eq!(kept(events(2), &[14, 14, 14]), (2, 28));
    assert_eq!(kept(events(1), &[14, 14, 14]), (1, 14));
    assert_eq!(kept(events(0), &[14, 14, 14]), (1, 14), "the newest stays");
}

#[test]
fn what_tells_of_a_loss_pushes_out_no_event() {
    let mut log = with(History::default().events(2));
    let places = |log: &Log| (0..log.len()).filter_map(|at| log.place_at(at)).collect::<Vec<_>>();
    let mut kept = Vec::new();
    for (place, is_loss) in (1..).zip([false, false, true, true, false, false, true, false]) {
        match is_loss {
            true => log.lose(place, Duration::ZERO, 3, |out| out.extend_from_slice(b"gap")),
            false => push(&mut log, place, 14),
        }
        kept.push(places(&log));
    }
    let expected: [&[u64]; 8] = [
        &[1],
        &[1, 2],
        &[1, 2, 3],
        &[1, 2, 3, 4],
        &[2, 3, 4, 5],
        &[3, 4, 5, 6],
        &[3, 4, 5, 6, 7],
        &[6, 7, 8],
    ];
    assert_eq!(kept, expected);
    assert_eq!((log.losses, log.pushed, log.evicted_through), (1, 8, 5));
    log.set_history(History::default().events(2), Duration::ZERO);
    assert_eq!(places(&log), [6, 7, 8], "it keeps as much as before");
    log.set_history(History::latest(), Duration::ZERO);
    assert_eq!(places(&log), [7, 8]);
}

#[test]
fn limit_history_age_goes_by_each_event() {
    let mut log = with(History::default().age(Duration::from_secs(60)));
    let seconds = Duration::from_secs;
    push_at(&mut log, 1, 14, seconds(0));
    push_at(&mut log, 2, 14, seconds(1));
    push_at(&mut log, 3, 14, seconds(60));
    assert_eq!(log.len(), 3, "one is kept for exactly its age");
    push_at(&mut log, 4, 14, seconds(61));
    assert_eq!((log.len(), log.evicted_through), (3, 1));
    log.evict(seconds(62));
    assert_eq!((log.len(), log.evicted_through), (2, 2));
}

#[test]
fn the_oldest_go_before_the_new_one_comes() {
    let mut log = with(History::default().bytes(100_000));
    for place in 1..=100 {
        push(&mut log, place, 40_000);
        assert!(log.bytes.capacity() <= 100_000, "{}", log.bytes.capacity());
    }
    assert_eq!(log.kept_bytes(), 80_000);
}

#[test]
fn an_event_reads_back_at_every_length_of_its_size_line() {
    for len in [0xf, 0x10, 0xff, 0x100, 0xfff, 0x1000, 0xffff, 0x1_0000, 0xf_ffff, 0x10_0000] {
        let mut log = with(History::default());
        let content = vec![b'x'; len];
        log.push(1, Duration::ZERO, len, |out| out.extend_from_slice(&content));
        let chunk = [format!("{len:x}\r\n").as_bytes(), &content, b"\r\n"].concat();
        assert!(read(&log, 0, false).bytes() == chunk, "{len:#x}, framed");
        assert!(read(&log, 0, true).bytes() == content, "{len:#x}, plain");
    }
}

#[test]
fn a_batch_takes_64_kib_and_no_byte_more() {
    let mut log = with(History::default());
    for (place, len) in (1..).zip([LARGE - 100, 100, 14]) {
        push(&mut log, place, len);
    }
    let batch = read(&log, 0, false);
    assert_eq!((batch.events(), batch.bytes().len(), batch.full), (2, 65_536, true));

    let mut log = with(History::default());
    for (place, len) in (1..).zip([LARGE - 100, 101]) {
        push(&mut log, place, len);
    }
    let batch = read(&log, 0, false);
    assert_eq!((batch.events(), batch.full), (1, true));
    let batch = read(&log, 1, false);
    assert_eq!((batch.events(), batch.full), (1, false));
}

#[test]
fn an_event_larger_than_a_batch_is_one_and_is_not_copied() {
    let mut log = with(History::default());
    for (place, len) in (1..).zip([14, LARGE, LARGE + 1, 14]) {
        push(&mut log, place, len);
    }
    let shared = log.entries[2].large.as_ref().expect("it lies apart").part(1, 0..LARGE + 1);
    let sizes = [0, 1, 2, 3].map(|after| read(&log, after, false).bytes().len());
    assert_eq!(sizes, [14, LARGE, LARGE + 1, 14]);
    assert_eq!(read(&log, 2, false).bytes().as_ptr(), shared.bytes().as_ptr());
    assert!(!read(&log, 3, false).full);
    assert!(log.entries[1].large.is_none());
    // A gap event before it is a batch of its own.
    let mut log = with(History::default().events(1));
    push(&mut log, 1, 14);
    push(&mut log, 2, LARGE + 1);
    let batch = read(&log, 0, false);
    assert_eq!((batch.events(), batch.full), (1, true));
    assert!(String::from_utf8_lossy(batch.bytes()).contains("tidings.gap"));
}

#[test]
fn a_cut_event_is_kept_while_it_is_there_and_by_nobody_but_the_log() {
    let mut log = with(History::default().events(1).event(3 * LARGE));
    let mut cuts = Vec::new();
    for place in 1..=4 {
        push(&mut log, place, 2 * LARGE);
        // A stream took some of it.
        let batch = read(&log, place - 1, false);
        let Rest::Part(part) = batch.rest(10..2 * LARGE) else { panic!("it is shared") };
        cuts.push(part.cut());
    }
    // The newest is in the log; one more is within the bound of what may leave slowly.
    let there: Vec<bool> = cuts.iter().map(|cut| cut.part().is_some()).collect();
    assert_eq!(there, [false, false, true, true]);
    assert_eq!(cuts[2].part().map(|part| part.bytes().len()), Some(2 * LARGE - 10));
    assert_eq!(log.leaving.len(), 1);
    // Once no stream is within it, it goes.
    cuts.remove(2);
    log.evict(Duration::ZERO);
    assert_eq!(log.leaving.len(), 0);
}

#[test]
fn an_event_that_a_pass_still_has_does_not_leave() {
    let mut log = with(History::default().events(1));
    push(&mut log, 1, 2 * LARGE);
    let batch = read(&log, 0, false);
    push(&mut log, 2, 14);
    let Rest::Part(part) = batch.rest(1..2 * LARGE) else { panic!("it is shared") };
    let cut = part.cut();
    drop((part, batch));
    assert!(cut.part().is_some());
}

#[test]
fn where_events_have_no_bound_none_is_let_go_of_that_is_in_use() {
    let mut log = with(History::default().event(usize::MAX).events(1));
    push(&mut log, 1, LARGE + 1);
    let cut =
        log.entries.front().and_then(|entry| entry.large.as_ref()).unwrap().part(1, 0..9).cut();
    push(&mut log, 2, LARGE + 1);
    assert!(cut.part().is_some());
}

#[test]
fn what_a_log_needs_no_more_it_gives_back() {
    let mut log = with(History::default().events(100_000).age(Duration::from_secs(1)));
    for place in 1..=20_000 {
        push(&mut log, place, 40);
    }
    push(&mut log, 20_001, LARGE);
    assert!(log.scratch.capacity() <= 1024, "{}", log.scratch.capacity());
    assert!(log.bytes.capacity() >= 800_000);
    log.evict(Duration::from_secs(2));
    assert_eq!(log.len(), 0);
    assert!(log.bytes.capacity() <= 4096, "{}", log.bytes.capacity());
    assert!(log.entries.capacity() <= 64, "{}", log.entries.capacity());
}

#[test]
fn what_was_missed_is_counted_from_any_place_that_is_known() {
    let mut log = Log::new(History::default().events(1), 4);
    (5..=8).for_each(|place| push(&mut log, place, 14));
    assert_eq!(log.evicted_after(7), Some(0));
    assert_eq!(log.evicted_after(6), Some(1));
    // Whoever had everything up to where this log begins missed all that it has let go of.
    assert_eq!(log.evicted_after(4), Some(3));
    assert_eq!(log.evicted_after(3), None, "there may have been others");

    let mut log = Log::new(History::default().events(1), 0);
    (5..=8).for_each(|place| push(&mut log, place, 14));
    // What came before its first was of other channels.
    assert_eq!(log.evicted_after(1), Some(3));
}
