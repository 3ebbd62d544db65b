//! The same bytes as a file, read in pieces, and the places that are found in it.

use std::io;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use super::plain::Plain;
use super::to_plain;
use crate::fuzz::random::Random;
use crate::order::journal::block::{Block, Id};
use crate::order::journal::disk::ReadFile;
use crate::order::journal::find::{backwards, find, last_id};
use crate::order::journal::walk::{PEEK, Step, Walk};

/// A file that gives less than it is asked for, now and then.
pub(super) struct File<'a> {
    bytes: &'a [u8],
    random: Mutex<Random>,
}

impl<'a> File<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, random: Mutex::new(Random::of(bytes)) }
    }
}

impl ReadFile for File<'_> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = &self.bytes[self.bytes.len().min(offset as usize)..];
        let mut len = rest.len().min(buffer.len());
        if len > 1 && random.once_in(2) {
            len = 1 + random.below(len);
        }
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }
}

/// All blocks from a place on, and where the walk ends.
fn walk(file: &File<'_>, from: u64, read: usize) -> (Vec<Plain>, u64) {
    let mut walk = Walk::new(file, from, read, Vec::new());
    let (mut found, mut end) = (Vec::new(), from);
    while walk
        .step(|step| match step {
            Step::Block(at, block) => {
                assert_eq!(at, end);
                end += block.len as u64;
                found.push(to_plain(at as usize, &block));
            }
            Step::Large(large) => {
                assert_eq!(large.at, end);
                end += large.len;
                let whole = &file.bytes[large.at as usize..end as usize];
                let block = Block::parse(whole).expect("it is whole");
                assert_eq!((block.head, block.id_line), (large.head, large.id_line));
                assert_eq!(block.event.len() as u64, large.event.end - large.event.start);
                found.push(to_plain(large.at as usize, &block));
            }
            Step::Bad(bad, fault) => {
                assert_eq!(bad.start, end, "{fault}");
                assert!(bad.end > end, "{fault}");
                end = bad.end;
            }
        })
        .is_some()
    {}
    assert!(walk.into_buffer().len() < 1024 * 1024, "a buffer stays small");
    (found, end)
}

/// Read in pieces of any size, the file has the same blocks.
pub(super) fn check_walk(bytes: &[u8], expected: &[Plain]) {
    let mut random = Random::of(bytes);
    let read = [1 + random.below(20), 100 + random.below(100), PEEK][random.below(3)];
    let (found, end) = walk(&File::new(bytes), 0, read);
    assert_eq!((found.as_slice(), end), (expected, bytes.len() as u64), "by {read}");
}

/// Whatever the bytes are, a search ends within them. Where ids rise, it leads to just before what
/// is searched for.
pub(super) fn check_places(bytes: &[u8], random: &mut Random) -> usize {
    let file = File::new(bytes);
    let len = bytes.len() as u64;
    let (all, _) = walk(&file, 0, PEEK);
    let ids: Vec<Id> =
        all.iter().map(|block| Id { epoch: block.id.0, sequence: block.id.1 }).collect();
    let epoch = ids.first().map_or(1, |id| id.epoch);
    let is_sound = ids.is_sorted_by(|one, next| one < next && next.epoch == epoch);
    let whole: usize = all.iter().map(|block| block.len).sum();
    let largest = all.iter().map(|block| block.len).max().unwrap_or(0);
    let near = (NEAR + largest + bytes.len() - whole) as u64;
    for _ in 0..6 {
        let known = ids.get(random.below(ids.len() + 1)).copied().unwrap_or_default();
        let sequence = known.sequence.saturating_add(random.below(3) as u64).saturating_sub(1);
        let after = Id { epoch, sequence };
        let place = find(&file, len, after);
        assert!(place <= len, "{place} of {len}");
        if !is_sound {
            continue;
        }
        let next = ids.iter().position(|id| *id > after).unwrap_or(ids.len());
        let linear = all.get(next).map_or(len, |block| block.at as u64);
        assert!(place <= linear, "{after:?} is read on from {place}, and not {linear}");
        let too_early = linear - place;
        // Where what it has found may mislead, it reads on from the beginning.
        let is_safe = place == 0;
        assert!(
            is_safe || too_early <= near,
            "the place for {after:?} is {too_early} bytes too early, and not {near} at most"
        );
    }
    if is_sound {
        assert_eq!(last_id(&file, len, epoch), ids.last().copied());
        let mut found = Vec::new();
        let _ = backwards(&file, len, len, |at, id, channel| {
            found.push((at, id, channel.to_owned()));
            ControlFlow::Continue(())
        });
        let each = ids.iter().zip(&all).rev();
        let expected = each.map(|(id, block)| (block.at as u64, *id, block.channel.clone()));
        assert_eq!(found, expected.collect::<Vec<_>>());
    }
    if is_sound { ids.len() } else { 0 }
}

/// What is read through rather than searched. The block in which the search ends, and what is bad,
/// come to it.
const NEAR: usize = 16 * 1024;
