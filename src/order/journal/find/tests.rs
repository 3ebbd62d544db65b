//! Tests of the search: every place in segments of many shapes, good and bad.

use super::*;
use crate::order::journal::scan::Header;
use crate::order::journal::walk::tests::{Bytes, block};

fn id(sequence: u64) -> Id {
    Id { epoch: 5, sequence }
}

/// Events 1, 2, … with so many bytes, and where each begins; the end comes last.
fn segment(lens: impl IntoIterator<Item = usize>) -> (Vec<u8>, Vec<u64>) {
    let (mut out, mut starts) = (Header::line(Id::default()).into_bytes(), Vec::new());
    for (sequence, len) in (1..).zip(lens) {
        starts.push(out.len() as u64);
        block(id(sequence), if sequence % 3 == 0 { "rare" } else { "news" }, len, &mut out);
    }
    starts.push(out.len() as u64);
    (out, starts)
}

/// What comes after `after` when the segment is read from where it is found, and what before.
fn around(file: &Bytes, after: u64) -> (Option<u64>, usize) {
    let len = file.bytes.len() as u64;
    let mut walk = Walk::new(file, find(file, len, id(after)), PEEK, Vec::new());
    let (mut before, mut next) = (0, None);
    while next.is_none()
        && walk
            .step(|step| match step {
                Step::Block(_, block) if block.head.id > id(after) => {
                    next = Some(block.head.id.sequence);
                }
                Step::Large(large) if large.head.id > id(after) => {
                    next = Some(large.head.id.sequence);
                }
                Step::Bad(..) => {}
                _ => before += 1,
            })
            .is_some()
    {}
    (next, before)
}

#[test]
fn every_place_is_found_near_to_where_it_is() {
    let lens = [
        vec![20; 2_000],
        vec![3_000; 60],
        vec![700_000; 3],
        (0..120).map(|n| [10, 70_000, 300_000][n % 3] / (1 + n % 7)).collect(),
        vec![10],
        vec![],
    ];
    for lens in lens {
        let (bytes, _) = segment(lens.iter().copied());
        let file = Bytes::new(bytes);
        let count = lens.len() as u64;
        for after in (0..=count).step_by(1 + lens.len() / 20) {
            let (next, before) = around(&file, after);
            assert_eq!(next, Some(after + 1).filter(|next| *next <= count));
            assert!(before <= 300, "{before} before {after}");
        }
    }
}

#[test]
fn bad_bytes_and_foreign_lines_do_not_mislead() {
    let (good, starts) = segment(vec![200; 2_000]);
    let middle = starts[1_000] as usize;
    let mut foreign = Vec::new();
    block(id(1_999), "news", 10, &mut foreign);
    block(Id { epoch: 4, sequence: 1_001 }, "news", 10, &mut foreign);
    block(id(1), "news", 10, &mut foreign);
    let zeros = vec![0; 100_000];
    let lines = b"\nid: 5-1\nid: 5-9\nid: \n".repeat(3_000);
    for (removed, added) in [
        (0, foreign.clone()),
        (0, foreign.repeat(30)),
        (0, zeros),
        (100_000, lines),
        (1, vec![]),
        (150, vec![b'x']),
    ] {
        let bytes = [&good[..middle], &added, &good[middle + removed..]].concat();
        let file = Bytes::new(bytes);
        let end = (middle + removed) as u64;
        let gone = |number: u64| {
            let at = number as usize - 1;
            starts[at] < end && starts[at + 1] > middle as u64 && removed > 0
        };
        for after in (7..1_990).step_by(61) {
            let next = (after + 1..).find(|number| !gone(*number)).unwrap();
            let there = whatever_comes(&file, after);
            assert!(there.contains(&next), "{next} after {after}, {removed} {}", added.len());
        }
    }
}

/// The first of this epoch that come after it.
fn whatever_comes(file: &Bytes, after: u64) -> Vec<u64> {
    let mut walk =
        Walk::new(file, find(file, file.bytes.len() as u64, id(after)), PEEK, Vec::new());
    let mut next = Vec::new();
    while next.len() < 700
        && walk
            .step(|step| match step {
                Step::Block(_, block) if block.head.id > id(after) => {
                    next.push(block.head.id.sequence);
                }
                _ => {}
            })
            .is_some()
    {}
    next
}

#[test]
fn blocks_are_visited_from_the_last_to_the_first() {
    for lens in [vec![20; 1_000], vec![100, 1_000_000, 5, 300_000, 7_000, 10], vec![]] {
        let (bytes, starts) = segment(lens.iter().copied());
        let len = bytes.len() as u64;
        let file = Bytes::new(bytes);
        let visited = |most| {
            let mut all = Vec::new();
            let _ = backwards(&file, len, most, |at, id, channel| {
                assert_eq!(channel, if id.sequence % 3 == 0 { "rare" } else { "news" });
                assert_eq!(at, starts[id.sequence as usize - 1]);
                all.push(id.sequence);
                ControlFlow::Continue(())
            });
            all
        };
        let all: Vec<u64> = (1..=lens.len() as u64).rev().collect();
        assert_eq!(visited(u64::MAX), all);
        let most = len / 2;
        let within = all.iter().filter(|number| starts[**number as usize - 1] >= len - most);
        assert_eq!(visited(most), within.copied().collect::<Vec<_>>());
        assert_eq!(last_id(&file, len, 5), all.first().map(|number| id(*number)));
        assert_eq!(last_id(&file, len, 6), None);
    }
}

#[test]
fn the_last_that_is_whole_is_found_before_bytes_that_are_not() {
    let (good, _) = segment(vec![200; 100]);
    for bad in [vec![0; 300_000], b"id: 5-101\nchannel: news\ntime: 7\ndata: x\n".to_vec()] {
        let bytes = [&good[..], &bad].concat();
        let len = bytes.len() as u64;
        assert_eq!(last_id(&Bytes::new(bytes), len, 5), Some(id(100)));
    }
}

#[test]
fn a_segment_has_the_name_of_its_first_event() {
    let first = Id { epoch: 1_764_314_275_000, sequence: 17 };
    assert_eq!(file_name(first), "1764314275000-17.sse");
    assert_eq!(first_id("1764314275000-17.sse"), Some(first));
    for other in ["lock", "17.sse", "01-7.sse", "1-7.sse.old", "1-7", ".sse", "-.sse"] {
        assert_eq!(first_id(other), None, "{other}");
    }
}
