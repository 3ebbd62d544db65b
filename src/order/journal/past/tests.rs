//! Tests of the past: against the reference from many places, and single cases.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::model::{Files, Journal, at, check, even, journal, of, spoil};
use super::*;
use crate::event::parser::Parser;
use crate::fuzz::random::Random;
use crate::log::id::Epochs;
use crate::order::journal::walk::tests::{Bytes, block};

#[test]
fn everything_after_any_place_comes_once_and_in_order() {
    let mut random = Random::of(&[13]);
    for round in 0..4 {
        let journal = journal(&mut random, &[(5, 3), (7, 1), (8, 2)], 60, false, round % 3);
        for names in
            [&["a"][..], &["rare"], &["b", "rare", "a"], &["nothing"], &[], &["*"], &["a", "ra*"]]
        {
            check(&journal, names, 0);
            let from = journal.place(journal.events[random.below(journal.events.len())].id);
            check(&journal, names, from);
        }
    }
}

#[test]
fn row_58_bad_bytes_are_skipped_and_told_and_all_else_comes() {
    let mut random = Random::of(&[58]);
    for _ in 0..6 {
        let journal = journal(&mut random, &[(5, 2), (7, 2)], 60, true, 0);
        for names in [&["a", "b"][..], &["rare"], &[]] {
            // A spoiled last byte of a block may take the next one with it; so the reference is
            // what a second look at the files finds.
            let journal = journal.with_what_is_there();
            check(&journal, names, 0);
            let from = journal.place(journal.events[random.below(journal.events.len())].id);
            check(&journal, names, from);
        }
    }
}

#[test]
fn where_segments_are_gone_a_stream_is_told_and_goes_on_with_the_oldest() {
    let mut random = Random::of(&[3]);
    let mut journal = journal(&mut random, &[(5, 3), (7, 2)], 30, false, 0);
    let names = ["a", "b", "rare"];
    let start = journal.place(journal.events[0].id);
    // One read of it leaves the file open, which is no segment any more.
    journal.past.read(&of(&names), at(0), true, &mut Batch::default()).unwrap();
    assert!(!journal.past.has_lost(0) && !journal.past.has_lost(start));
    for removed in 1..=3 {
        journal.remove_oldest();
        let oldest = journal.segments[0];
        let gone = journal.events.iter().rfind(|event| event.id < oldest).unwrap().id;
        let before = journal.place(gone);
        assert_eq!(journal.past.beginning(), before);
        assert!(journal.past.has_lost(0) && journal.past.has_lost(start));
        assert!(!journal.past.has_lost(before) && !journal.past.has_lost(before + 1));
        for from in [0, start] {
            let text = String::from_utf8(journal.read(&names, from, true)).unwrap();
            let [from, to] = [from, before].map(|place| journal.past.sequence.id(place));
            let gap = format!(
                "id: {to}\nevent: tidings.gap\ndata: {{\"from\":\"{from}\",\"to\":\"{to}\",\
                 \"missed\":null,\"reason\":\"evicted\"}}\n\n"
            );
            let kept = journal.events.iter().filter(|event| event.id >= oldest);
            let kept = kept.map(|event| String::from_utf8(event.content.clone()).unwrap());
            assert!(text == gap + &kept.collect::<String>(), "{removed} are gone");
        }
        // Whoever has everything up to there has lost nothing.
        check(&journal, &names, before);
    }
}

#[test]
fn where_nothing_was_ever_written_nothing_is_gone() {
    let sequence = Sequence::resumed(Epochs::rising(vec![0], 5), 0, Duration::ZERO);
    let segments = Arc::new(Segments::new(Vec::new()));
    let past = JournalPast::new(Arc::new(Files::default()), segments, Arc::new(sequence));
    assert!(!past.has_lost(0));
}

#[test]
fn a_stream_resumes_from_an_id_that_was_given_to_an_event_or_comes_before_one() {
    let mut random = Random::of(&[4]);
    let mut journal = journal(&mut random, &[(5, 2), (7, 1)], 30, false, 3);
    let id = |epoch, sequence| Id { epoch, sequence };
    let newest = journal.past.sequence.id(journal.past.sequence.newest());
    let last = journal.events.iter().rfind(|event| event.id.epoch == 5).unwrap().id;
    let after = |id: Id| Id { sequence: id.sequence + 1, ..id };
    for known in [Id::default(), id(5, 0), id(5, 1), last, newest] {
        assert_eq!(journal.past.resume(known), Ok(journal.place(known)), "{known}");
    }
    let unknown = [id(0, 1), id(4, 1), after(last), id(6, 1), after(newest), id(u64::MAX, 1)];
    for unknown in unknown {
        assert_eq!(journal.past.resume(unknown), Err(Reason::Restarted), "{unknown}");
    }
    (0..2).for_each(|_| journal.remove_oldest());
    for evicted in [Id::default(), id(4, 1), id(5, 1), id(5, last.sequence - 1)] {
        assert_eq!(journal.past.resume(evicted), Err(Reason::Evicted), "{evicted}");
    }
    for known in [last, id(7, 0), newest] {
        assert_eq!(journal.past.resume(known), Ok(journal.place(known)), "{known}");
    }
    assert_eq!(journal.past.resume(after(last)), Err(Reason::Restarted));
}

#[test]
fn a_segment_that_somebody_has_removed_from_the_middle_is_told() {
    let mut random = Random::of(&[5]);
    let mut journal = journal(&mut random, &[(5, 1), (7, 1), (8, 1)], 30, false, 0);
    let removed = journal.past.segments.list()[1].clone();
    journal.past.segments.remove(&removed);
    journal.events.iter_mut().for_each(|event| event.is_good &= event.id.epoch != 7);
    let expected = String::from_utf8(journal.expected(&["a"], 0)).unwrap();
    let expected = expected.replace("damaged", "evicted");
    assert_eq!(String::from_utf8(journal.read(&["a"], 0, true)).unwrap(), expected);
    assert!(expected.contains("tidings.gap"));
}

#[test]
fn the_newest_events_are_found_from_the_end() {
    let mut random = Random::of(&[6]);
    let journal = journal(&mut random, &[(5, 3), (7, 2)], 40, false, 2);
    for names in [&["a"][..], &["rare"], &["a", "b", "rare"], &["nothing"], &["*"], &["b", "ra*"]] {
        let places: Vec<u64> = journal
            .events
            .iter()
            .filter(|event| of(names).iter().any(|of| of.has(event.channel)))
            .map(|event| journal.place(event.id))
            .collect();
        for count in [1, 2, 7, 50, 10_000] {
            let first = places.len().saturating_sub(count);
            let newest = journal.past.sequence.newest();
            let expected = places.get(first).map(|place| place - 1);
            let found = journal.past.before_newest(&of(names), count, newest);
            assert_eq!(found, expected, "{names:?} {count}");
            // Of those up to one of them.
            let until = journal.place(journal.events[random.below(journal.events.len())].id);
            let up_to = places.partition_point(|place| *place <= until);
            let expected = places[..up_to].get(up_to.saturating_sub(count)).map(|place| place - 1);
            let found = journal.past.before_newest(&of(names), count, until);
            assert_eq!(found, expected, "{names:?} {count} up to {until}");
        }
        assert_eq!(journal.past.before_newest(&of(names), 0, journal.past.sequence.newest()), None);
    }
}

#[test]
fn blocks_that_are_no_events_of_the_hub_are_not_among_the_newest() {
    let mut random = Random::of(&[10]);
    let journal = journal(&mut random, &[(5, 1)], 40, false, 0);
    let newest = journal.events.iter().rfind(|event| event.channel == "a").unwrap().id;
    let mut bytes = journal.disk.0.lock().unwrap()["5-1.sse"].bytes.clone();
    for id in [Id::default(), Id { epoch: 4, sequence: 1 }, Id { epoch: 5, sequence: u64::MAX }] {
        block(id, "a", 10, &mut bytes);
    }
    let len = bytes.len() as u64;
    journal.disk.0.lock().unwrap().insert("5-1.sse".into(), Arc::new(Bytes::new(bytes)));
    journal.past.segments.list()[0].grow(len, journal.events.len() as u64, 7);
    let until = journal.past.sequence.newest();
    let found = journal.past.before_newest(&of(&["a"]), 1, until);
    assert_eq!(found, Some(journal.place(newest) - 1));
}

#[test]
fn a_stream_of_a_rare_channel_comes_along_although_it_is_sent_nothing() {
    let mut random = Random::of(&[8]);
    let journal = journal(&mut random, &[(5, 4)], 1_000, false, 0);
    let mut batch = Batch::default();
    let (mut cursor, mut reads) = (at(0), 0);
    let newest = journal.past.sequence.newest();
    while cursor.place < newest {
        journal.past.read(&of(&["nothing"]), cursor, false, &mut batch).unwrap();
        assert!(batch.bytes().is_empty() && batch.cursor.place > cursor.place);
        cursor = batch.cursor;
        reads += 1;
    }
    let bytes: u64 = journal.past.segments.list().iter().map(|segment| segment.end()).sum();
    let most = bytes / MOST_READ + 5;
    assert!((2..=most).contains(&reads), "{reads} of {most}");
}

#[test]
fn a_stream_that_begins_before_everything_searches_for_nothing() {
    let mut random = Random::of(&[11]);
    let journal = journal(&mut random, &[(5, 1), (6, 1)], 5_000, false, 0);
    let reads = || journal.disk.1.swap(0, Ordering::Relaxed);
    journal.past.read(&of(&["a"]), at(0), true, &mut Batch::default()).unwrap();
    let few = reads();
    assert!(few <= MOST_READ, "{few}");
    journal.disk.remove("5-1.sse").unwrap();
    let segments = &journal.past.segments;
    segments.remove(&segments.list()[0]);
    journal.past.read(&of(&["a"]), at(0), true, &mut Batch::default()).unwrap();
    let few = reads();
    assert!(few <= MOST_READ, "{few}");
}

#[test]
fn however_many_segments_are_read_few_files_are_open() {
    let mut random = Random::of(&[9]);
    let journal = journal(&mut random, &[(5, 20)], 10, false, 0);
    journal.read(&["a"], 0, true);
    assert!(journal.past.cache().files.len() <= OPEN);
    for event in &journal.events {
        let from = at(journal.place(event.id));
        journal.past.read(&of(&["a"]), from, true, &mut Batch::default()).unwrap();
    }
    assert!(journal.past.cache().hints.len() <= HINTS);
}

#[test]
fn row_58_however_many_bytes_are_bad_one_read_takes_a_piece_and_the_next_goes_on() {
    // With a search for where to begin.
    const MOST: u64 = MOST_READ + 7 * 512 * 1024;
    let len =
        |journal: &Journal, number: usize| journal.past.segments.list()[number].end() as usize;
    // Beginnings, ends and middles of segments, and all of one.
    let (begin, middle) = (|_| 0..2_000_000, |len: usize| 700_000..len - 700_000);
    let (end, all) = (|len: usize| 700_000..len, |len: usize| 0..len);
    type Bad = fn(usize) -> Range<usize>;
    let shapes: [[Option<Bad>; 3]; 4] = [
        [Some(middle), None, Some(middle)],
        [Some(end), Some(all), Some(begin)],
        [Some(begin), Some(end), Some(all)],
        [None, Some(begin), None],
    ];
    let mut random = Random::of(&[12]);
    for (number, shape) in shapes.into_iter().enumerate() {
        let journal = even(3, 700);
        for (number, bad) in shape.into_iter().enumerate() {
            if let Some(bad) = bad {
                spoil(&journal, number, bad(len(&journal, number)));
            }
        }
        let journal = journal.with_what_is_there();
        let good: Vec<u64> = journal
            .events
            .iter()
            .filter(|event| event.is_good)
            .map(|event| event.id.sequence)
            .collect();
        // Now and then others come in between, so that nobody's place is remembered.
        let newest = journal.past.sequence.newest();
        let (mut cursor, mut batch, mut told) = (at(0), Batch::default(), Vec::new());
        while cursor.place < newest {
            let before = journal.disk.1.load(Ordering::Relaxed);
            journal.past.read(&of(&["a"]), cursor, true, &mut batch).unwrap();
            let read = journal.disk.1.load(Ordering::Relaxed) - before;
            assert!(read <= MOST, "{read} bytes at once, {number}");
            assert!(batch.cursor != cursor, "it goes on");
            cursor = batch.cursor;
            if random.once_in(4) {
                journal.past.cache().hints.clear();
            }
            told.extend_from_slice(batch.bytes());
        }
        // Each event that is whole, and what is gone between two of them: nothing twice.
        let mut parser = Parser::new();
        parser.feed(&told).unwrap();
        let (mut last, mut come) = (Id { epoch: 5, sequence: 0 }, Vec::new());
        while let Some(event) = parser.next_event() {
            let id = Id::parse(&event.last_event_id).unwrap();
            if event.event_type == "tidings.gap" {
                let from = if last.sequence == 0 { Id::default() } else { last };
                assert!(event.data.contains(&format!(r#""from":"{from}""#)), "{}", event.data);
                assert!(event.data.contains(r#""reason":"damaged""#), "{}", event.data);
                assert!(id > last);
            } else {
                assert_eq!(id.sequence, last.sequence + 1, "{number}");
                come.push(id.sequence);
            }
            last = id;
        }
        assert!(come == good, "{} of {}, {number}", come.len(), good.len());
        assert_eq!(journal.place(last), newest);
    }
}

#[test]
fn a_read_that_ends_with_a_segment_goes_on_at_the_beginning_of_the_next() {
    // Of one of these, the last event takes the read past what it may read.
    for events in 76..=80 {
        check(&even(3, events), &["nothing"], 0);
    }
}

#[test]
fn the_newest_events_are_not_searched_where_the_logs_have_all_of_them_or_too_many_ask() {
    let journal = even(2, 1_600);
    let until = |back: u64| journal.past.sequence.newest() - back;
    let search = |until, names: &[&str]| {
        let before = journal.disk.1.load(Ordering::Relaxed);
        let found = journal.past.before_newest(&of(names), 10, until);
        (found, journal.disk.1.load(Ordering::Relaxed) - before)
    };
    // 16 MiB are some 2,600 events.
    let few = 1024 * 1024;
    for (back, is_found) in [(0, true), (1_590, true), (1_610, true), (3_100, false)] {
        let (found, read) = search(until(back), &["a"]);
        assert_eq!(found, is_found.then_some(until(back) - 10), "{back}");
        assert!(read <= few, "{read} for {back}");
    }
    let (found, read) = search(until(3_100), &["b"]);
    assert!(found.is_none() && read <= few, "{read}");
    assert!(search(until(0), &["b"]).1 > 16 * 1024 * 1024, "of a channel without any");

    let turns: Vec<_> = journal.past.turns.iter().map(|turn| turn.lock().unwrap()).collect();
    assert_eq!(search(until(0), &["a"]), (None, 0));
    drop(turns);
    assert!(search(until(0), &["a"]).0.is_some());
}
