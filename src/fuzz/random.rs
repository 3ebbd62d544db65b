//! Choices: random enough to mix tests, and the same on every run.

/// Marsaglia's xorshift. Its state is never zero, from which it would not move.
#[derive(Debug)]
pub(crate) struct Random(u64);

/// The basis and the prime of FNV-1a.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

impl Random {
    /// The choices that belong to these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let hash =
            bytes.iter().fold(BASIS, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        Self(hash.max(1))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Yes, once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// Cuts `bytes` into pieces of up to `longest` bytes. Some are empty.
    pub(crate) fn cut<'a>(&mut self, bytes: &'a [u8], longest: usize) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(self.below(longest + 1)));
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}

/// Three ways to cut `bytes`: into single bytes, into small pieces, and into a few large ones.
pub(crate) fn cuts(bytes: &[u8]) -> [Vec<&[u8]>; 3] {
    let mut random = Random::of(bytes);
    let single = bytes.chunks(1).collect();
    [single, random.cut(bytes, 9), random.cut(bytes, 1 + bytes.len() / 2)]
}
