//! Segments of a journal, as they are written, and as power cuts and bad disks leave them.

use std::time::Duration;

use super::dice::Dice;
use crate::event::{Event, EventType};
use crate::fuzz::random::Random;
use crate::order::journal::block::{Head, Id};
use crate::order::journal::scan::Header;

/// A segment, whole, or with one mistake.
pub(super) fn segment(dice: &mut Dice<'_>) -> Vec<u8> {
    let headers: [&[u8]; 5] = [
        b": tidings journal 2\n",
        b"",
        b": tidings",
        b": tidings journal 1, after 0-0",
        b": tidings journal 1, after \n",
    ];
    let header = Header::line(Id { epoch: dice.below(3) as u64, sequence: 7 });
    let mut segment = dice.pick_or(&[header.as_bytes()], &headers).to_vec();
    let epoch = [0, 1, 1_764_314_275_000, u64::MAX][dice.below(4)];
    let mut sequence = [1, 9, 99_998, u64::MAX - 40][dice.below(4)];
    for _ in 0..dice.below(5) {
        let mut block = Vec::new();
        head(dice, Id { epoch, sequence }, &mut block);
        sequence += 1 + dice.below(2) as u64;
        if dice.is_wrong(8) {
            let at = dice.below(block.len());
            match dice.below(5) {
                0 => block.truncate(at),
                // A part that was never written.
                1 => {
                    let end = block.len().min(at + 64);
                    block[at..end].fill(0);
                }
                // One that was written elsewhere.
                2 => drop(block.splice(..at, segment.iter().rev().take(64).copied())),
                3 => block.extend_from_within(at..),
                _ => block[at] ^= 1 << dice.below(8),
            }
        }
        segment.extend_from_slice(&block);
    }
    segment
}

/// Appends a block of any event.
fn head(dice: &mut Dice<'_>, id: Id, out: &mut Vec<u8>) {
    let channels = ["news", "a", "id: 1-1", "crc: 00000000", "é 数", ""];
    let keys = ["key", "\"", "digest: 0", "synced: 1-1"];
    let key = *dice.random.pick(&[&keys]).get(dice.below(8)).unwrap_or(&"");
    let head = Head {
        id,
        channel: dice.random.pick(&channels),
        time: [0, 1_764_314_275_123, u64::MAX][dice.below(3)],
        synced: dice.once_in(4).then(|| Id { sequence: id.sequence - 1, ..id }),
        batch: dice.once_in(4).then(|| dice.random.next() >> dice.random.below(64)),
        key: (!key.is_empty()).then(|| (key, dice.random.next() >> dice.random.below(64))),
    };
    head.encode(&event(dice), out);
}

fn event(dice: &mut Dice<'_>) -> Event {
    let parts = ["\n", "id: 1-1", "crc: ", "data: ", ": ", "a", "é", "\0", "🦀", "\n\n"];
    let text = |random: &mut Random, parts: &[&str]| -> String {
        let length = [0, 1, 3, 12][random.below(4)];
        (0..length).map(|_| random.pick(parts)).collect()
    };
    let mut event = Event::new(text(dice.random, &parts));
    if dice.once_in(3) {
        let name = text(dice.random, &parts[1..7]);
        event = event.with_type(EventType::new(name).expect("it fits a line"));
    }
    if dice.once_in(3) {
        event = event.with_retry(Duration::from_millis(dice.random.next() >> dice.below(64)));
    }
    event
}
