//! SHA-256 (FIPS 180-4), and HMAC with it (RFC 2104).
//!
//! ```text
//! SHA-256(m)   = the state after all blocks of m, 0x80, zeros, and m's length in bits
//! HMAC(key, m) = SHA-256(key ^ 5c5c… || SHA-256(key ^ 3636… || m))
//! ```
//!
//! A block has 64 bytes, and so have the two pads `key ^ 3636…` and `key ^ 5c5c…`. A key is kept as
//! the two states after them: a message then costs its own blocks and one more.

/// How many bytes go into the state at once.
const BLOCK: usize = 64;

/// How many bytes a digest has.
pub(super) const DIGEST: usize = 32;

/// What has been digested so far, as eight words (FIPS 180-4, section 5.3.3).
#[derive(Clone, Copy)]
struct State([u32; 8]);

/// The first 32 bits of the fractions of the square roots of the first 8 primes.
const EMPTY: State = State([
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

/// The first 32 bits of the fractions of the cube roots of the first 64 primes (section 4.2.2).
const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

impl State {
    /// Digests a block (FIPS 180-4, section 6.2.2). The six functions of section 4.1.2 are written
    /// with as few operations as they need.
    fn digest(&mut self, block: &[u8; BLOCK]) {
        let mut words = [0; K.len()];
        for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        // Eight words at a time, from the sixteen before them.
        for from in (0..K.len() - 16).step_by(8) {
            let Some(words) = words[from..].first_chunk_mut::<24>() else { break };
            for t in 16..24 {
                let (early, late) = (words[t - 15], words[t - 2]);
                let early = (early ^ early.rotate_right(11)).rotate_right(7) ^ (early >> 3);
                let late = (late ^ late.rotate_right(2)).rotate_right(17) ^ (late >> 10);
                let sum = words[t - 16].wrapping_add(early);
                words[t] = sum.wrapping_add(words[t - 7]).wrapping_add(late);
            }
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = self.0;
        let mut differ = b ^ c;
        // After eight rounds each word is back in its variable, so that none has to be moved.
        for (words, k) in words.as_chunks::<8>().0.iter().zip(K.as_chunks::<8>().0) {
            for (word, k) in words.iter().zip(k) {
                let sum_of_a = (a ^ (a ^ a.rotate_right(9)).rotate_right(11)).rotate_right(2);
                let sum_of_e = (e ^ (e ^ e.rotate_right(14)).rotate_right(5)).rotate_right(6);
                let choice = g ^ (e & (f ^ g));
                let majority = b ^ ((a ^ b) & differ);
                differ = a ^ b;
                let sum = h.wrapping_add(*k).wrapping_add(*word);
                let sum = sum.wrapping_add(choice).wrapping_add(sum_of_e);
                (h, g, f, e) = (g, f, e, d.wrapping_add(sum));
                (d, c, b, a) = (c, b, a, sum.wrapping_add(sum_of_a).wrapping_add(majority));
            }
        }
        for (word, more) in self.0.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word = word.wrapping_add(more);
        }
    }

    /// The digest of a message that ends with these bytes, of which this state has digested the
    /// first `before`. They are whole blocks.
    fn finish(mut self, before: usize, bytes: &[u8]) -> [u8; DIGEST] {
        let (blocks, rest) = bytes.as_chunks();
        blocks.iter().for_each(|block| self.digest(block));
        // The mark and the length of 8 bytes may need a block of their own.
        let mut last = [0; 2 * BLOCK];
        let length = if rest.len() < BLOCK - 8 { BLOCK } else { 2 * BLOCK };
        last[..rest.len()].copy_from_slice(rest);
        last[rest.len()] = 0x80;
        let bits = (before as u64 + bytes.len() as u64) * 8;
        last[length - 8..length].copy_from_slice(&bits.to_be_bytes());
        last[..length].as_chunks().0.iter().for_each(|block| self.digest(block));
        let mut digest = [0; DIGEST];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.0) {
            *bytes = word.to_be_bytes();
        }
        digest
    }
}

/// A key of HMAC: the states after its inner and its outer pad.
pub(super) struct Key {
    inner: State,
    outer: State,
}

impl Key {
    /// A key that is longer than a block is replaced by its digest.
    pub(super) fn new(key: &[u8]) -> Self {
        let digest = EMPTY.finish(0, key);
        let key = if key.len() > BLOCK { &digest } else { key };
        let after = |pad| {
            let mut block = [pad; BLOCK];
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            let mut state = EMPTY;
            state.digest(&block);
            state
        };
        Self { inner: after(0x36), outer: after(0x5c) }
    }

    /// The HMAC of a message.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; DIGEST] {
        self.outer.finish(BLOCK, &self.inner.finish(BLOCK, message))
    }
}

#[cfg(test)]
mod tests;
