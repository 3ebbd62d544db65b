//! Noise: every way to write a block that does not change what it says.

use super::blocks::{Block, Stretch};
use crate::cli::lines::field;
use crate::cli::seeded::Random;

/// Once in so many lines there is one before it that means nothing.
const NOISE: usize = 5;
/// Once in so many ids another one is given first.
const DOUBLED: usize = 3;
/// Once in so many blocks every byte is a chunk, if there are not too many.
const ALL_BORDERS: usize = 16;
const MANY: usize = 200;
/// The most borders in other blocks.
const BORDERS: usize = 4;

/// Lines that may stand anywhere, and that mean nothing to any client.
const NOTHING: [&[u8]; 12] = [
    b":",
    b": a comment",
    b":data: not an event",
    ": größe 数 🦀".as_bytes(),
    b"unknown: field",
    b"unknown",
    b"DATA: not data",
    b" data: not data",
    b"data : not data",
    b"retry: soon",
    b"retry: -1",
    b"id: no\0id",
];

/// Adds noise to a block; returns it, and how many of its bytes can be sent without completing the
/// block. `id` is what the client has, if that is known; `after_cr` is whether the last byte is CR,
/// before and after.
pub(super) fn add_to(
    block: &Block,
    id: Option<&[u8]>,
    after_cr: &mut bool,
    random: &mut Random,
) -> (Stretch, usize) {
    let mut writer = Writer { out: Stretch::default(), after_cr, random };
    writer.add_empty_block(id);
    let mut unfinished = 0;
    for line in &block.lines {
        if !line.wait.is_zero() {
            writer.out.waits.push((writer.out.bytes.len(), line.wait));
        }
        if writer.random.one_in(NOISE) {
            let nothing = writer.random.pick(&NOTHING);
            writer.add_line(nothing, true);
        }
        unfinished = writer.out.bytes.len();
        writer.double_id(&line.content, id.unwrap_or_default());
        let content = writer.spelled(&line.content);
        writer.add_line(&content, line.has_end);
    }
    if !block.is_complete() {
        unfinished = writer.out.bytes.len();
    }
    (writer.out, unfinished)
}

struct Writer<'a> {
    out: Stretch,
    after_cr: &'a mut bool,
    random: &'a mut Random,
}

impl Writer<'_> {
    /// Adds a blank line, a type without data, or the same id again: none is an event.
    fn add_empty_block(&mut self, id: Option<&[u8]>) {
        match (self.random.below(NOISE * 3), id) {
            (0, _) => {}
            (1, _) => self.add_line(b"event: never", true),
            (2, Some(id)) => self.add_line(&[b"id: ", id].concat(), true),
            _ => return,
        }
        self.add_line(b"", true);
    }

    /// Adds another id before one, as the last id of a block counts.
    fn double_id(&mut self, line: &[u8], id: &[u8]) {
        let (name, value) = field(line);
        if name == b"id" && !value.contains(&0) && self.random.one_in(DOUBLED) {
            let other = if self.random.one_in(2) { id } else { b"another" };
            self.add_line(&[b"id: ", other].concat(), true);
        }
    }

    /// The same field, with or without the space after the colon; if the value is empty, the colon
    /// may be missing, too.
    fn spelled(&mut self, line: &[u8]) -> Vec<u8> {
        let (name, value) = field(line);
        if name.is_empty() {
            return line.to_vec();
        }
        let separators: [&[u8]; 3] = [b": ", b":", b""];
        let separator = match value {
            [] => self.random.pick(&separators),
            // A space of the value's own must not be taken for that of the colon.
            [b' ', ..] => separators[0],
            _ => self.random.pick(&separators[..2]),
        };
        [name, separator, value].concat()
    }

    /// Adds a line and any end. After a CR, an LF alone would be the other half of that end and
    /// no blank line.
    fn add_line(&mut self, content: &[u8], has_end: bool) {
        self.out.bytes.extend_from_slice(content);
        *self.after_cr &= content.is_empty();
        if has_end {
            let ends: [&[u8]; 3] = [b"\r", b"\r\n", b"\n"];
            let end = self.random.pick(if *self.after_cr { &ends[..2] } else { &ends });
            self.out.bytes.extend_from_slice(end);
            *self.after_cr = end == b"\r";
        }
    }
}

/// Where chunks end, in order. The end of the bytes is among them half of the time only, as a chunk
/// may hold the end of one event and the beginning of the next.
pub(super) fn borders(bytes: &[u8], random: &mut Random) -> Vec<usize> {
    let length = bytes.len();
    if length == 0 {
        return Vec::new();
    }
    if length < MANY && random.one_in(ALL_BORDERS) {
        return (1..=length).collect();
    }
    let mut borders: Vec<usize> =
        (0..random.below(BORDERS + 1)).map(|_| 1 + random.below(length)).collect();
    let tight: Vec<usize> = (1..length).filter(|&at| is_tight(&bytes[at - 1..=at])).collect();
    if !tight.is_empty() && random.one_in(2) {
        borders.push(random.pick(&tight));
    }
    if random.one_in(2) {
        borders.push(length);
    }
    borders.sort_unstable();
    borders.dedup();
    borders
}

/// Whether a border between these two bytes would part a line end or a character.
fn is_tight(pair: &[u8]) -> bool {
    pair == b"\r\n" || pair[1] & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_in_order_and_also_where_it_is_tight() {
        let bytes = "data: ß\r\n\r\n".as_bytes();
        let mut seen = vec![0; bytes.len() + 1];
        let mut random = Random::new(1);
        for _ in 0..1000 {
            let borders = borders(bytes, &mut random);
            assert!(borders.is_sorted() && !borders.contains(&0), "{borders:?}");
            borders.iter().for_each(|&at| seen[at] += 1);
        }
        assert!(seen[1..].iter().all(|&n| n > 50), "{seen:?}");
        assert!([7, 9, 11].iter().all(|&at| seen[at] > seen[3]), "{seen:?}");
    }
}
