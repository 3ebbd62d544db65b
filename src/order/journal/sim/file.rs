//! What one file of a simulated disk holds: what a process sees, and what of it is on the medium.

use std::collections::BTreeMap;

use crate::fuzz::random::Random;

#[derive(Default)]
pub(super) struct Content {
    /// As a process sees it.
    pub(super) seen: Vec<u8>,
    medium: Medium,
    /// What each block has been since the last sync, of those that are not clean: any of these may
    /// be on the medium.
    blocks: BTreeMap<usize, Vec<Vec<u8>>>,
    /// And what the length has been.
    lens: Vec<usize>,
}

/// What is there for sure.
#[derive(Default)]
struct Medium {
    /// Whole blocks.
    bytes: Vec<u8>,
    len: usize,
}

impl Medium {
    fn put(&mut self, number: usize, block: &[u8]) {
        let start = number * block.len();
        let end = start + block.len();
        if self.bytes.len() < end {
            self.bytes.extend(vec![0; end - self.bytes.len()]);
        }
        self.bytes[start..end].copy_from_slice(block);
    }
}

impl Content {
    pub(super) fn write(&mut self, bytes: &[u8], offset: usize, block: usize) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len();
        if end > self.seen.len() {
            self.seen.resize(end, 0);
            self.lens.push(end);
        }
        self.seen[offset..end].copy_from_slice(bytes);
        self.note(offset, end, block);
    }

    pub(super) fn set_len(&mut self, len: usize, block: usize) {
        let was = self.seen.len();
        self.seen.resize(len, 0);
        self.lens.push(len);
        // What is past the new end is zeros where the file grows again.
        self.note(len, was.max(len), block);
    }

    /// Notes what the blocks of this range are now.
    fn note(&mut self, start: usize, end: usize, block: usize) {
        for number in start / block..end.div_ceil(block) {
            let now = self.block(number, block);
            self.blocks.entry(number).or_default().push(now);
        }
    }

    /// A block as a process sees it, with zeros past the file's end.
    fn block(&self, number: usize, block: usize) -> Vec<u8> {
        let start = self.seen.len().min(number * block);
        let end = self.seen.len().min(start + block);
        let mut whole = vec![0; block];
        whole[..end - start].copy_from_slice(&self.seen[start..end]);
        whole
    }

    pub(super) fn sync(&mut self) {
        for (number, versions) in std::mem::take(&mut self.blocks) {
            self.medium.put(number, versions.last().expect("one for each change"));
        }
        if let Some(len) = std::mem::take(&mut self.lens).pop() {
            self.medium.len = len;
        }
    }

    /// Writes some of what is to be written. No later sync writes the rest.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        for (number, versions) in std::mem::take(&mut self.blocks) {
            if random.once_in(2) {
                self.medium.put(number, versions.last().expect("one for each change"));
            }
        }
        if let Some(len) = std::mem::take(&mut self.lens).pop().filter(|_| random.once_in(2)) {
            self.medium.len = len;
        }
    }

    /// The power has gone: what was not synced is there in part.
    pub(super) fn lose(&mut self, random: &mut Random) {
        for (number, mut versions) in std::mem::take(&mut self.blocks) {
            // One in place of what the medium has for sure.
            let choice = random.below(versions.len() + 1);
            if choice < versions.len() {
                self.medium.put(number, &versions.swap_remove(choice));
            }
        }
        let lens = std::mem::take(&mut self.lens);
        if let Some(&len) = lens.get(random.below(lens.len() + 1)) {
            self.medium.len = len;
        }
        self.seen = self.medium.bytes.clone();
        self.seen.resize(self.medium.len, 0);
    }

    /// Changes what was synced. Nothing may be left to be synced.
    pub(super) fn spoil(&mut self, block: usize, spoil: impl FnOnce(&mut Vec<u8>)) {
        spoil(&mut self.seen);
        self.medium = Medium { bytes: self.seen.clone(), len: self.seen.len() };
        self.medium.bytes.resize(self.seen.len().next_multiple_of(block), 0);
    }
}
