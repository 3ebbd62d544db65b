//! Dice over a grammar, which may make one mistake.

use crate::fuzz::random::Random;

/// A request has about as many mistakes to offer.
const MISTAKES: usize = 200;

pub(super) struct Dice<'a> {
    pub(super) random: &'a mut Random,
    /// So many mistakes are passed over, and the next one is made.
    pass: Option<usize>,
}

impl<'a> Dice<'a> {
    /// Dice that follow the grammar.
    pub(super) fn right(random: &'a mut Random) -> Self {
        Self { random, pass: None }
    }

    /// Dice of which one throw is wrong, if there are enough. A parser need find only one of two
    /// mistakes, so that each would hide the other.
    pub(super) fn wrong(random: &'a mut Random) -> Self {
        let pass = Some(random.below(MISTAKES));
        Self { random, pass }
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound)
    }

    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.random.once_in(times)
    }

    /// One of what may stand in this place.
    pub(super) fn pick<'b>(&mut self, right: &[&'b [u8]]) -> &'b [u8] {
        self.random.pick(right)
    }

    /// One of what may stand in this place, or what may not and is near it.
    pub(super) fn pick_or<'b>(&mut self, right: &[&'b [u8]], wrong: &[&'b [u8]]) -> &'b [u8] {
        let choices = if self.is_wrong(wrong.len()) { wrong } else { right };
        self.random.pick(choices)
    }

    /// Whether the mistake is to be made in this place, where so many are possible.
    pub(super) fn is_wrong(&mut self, mistakes: usize) -> bool {
        let wrong = self.pass.is_some_and(|pass| pass < mistakes);
        self.pass = self.pass.and_then(|pass| pass.checked_sub(mistakes));
        wrong
    }

    /// The end of a line.
    pub(super) fn crlf(&mut self) -> &'static [u8] {
        self.pick_or(&[b"\r\n"], &[b"\n", b"\r", b"\n\n", b"\r\r\n", b"\0\r\n", b"\r\nx"])
    }
}

/// What parsers care about, and what they should not.
const FRAGMENTS: [&[u8]; 12] = [
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b"\t",
    b"\x0B",
    b"\x7F",
    b"\x80",
    b"\xFF",
    b"\xEF\xBB\xBF",
    b"\xC3\xA9",
    b"\r\n\r\n",
];

/// Changes bytes in up to four places.
pub(super) fn spoil(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let start = random.below(bytes.len() + 1);
        let end = bytes.len().min(start + random.below(4));
        let put: Vec<u8> = match random.below(5) {
            0 => Vec::new(),
            1 => vec![random.below(256) as u8],
            2 => vec![b' ' + random.below(95) as u8],
            3 => bytes[start..].iter().take(random.below(40)).copied().collect(),
            _ => random.pick(&FRAGMENTS).to_vec(),
        };
        bytes.splice(start..end, put);
    }
}
