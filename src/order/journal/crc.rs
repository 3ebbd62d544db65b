//! CRC-32 as Ethernet, gzip and zlib have it (IEEE 802.3, reflected): what tells a whole block from
//! one that a power cut or a bad disk has changed.
//!
//! Every byte of the past goes through here, so eight are taken in one step ("slicing by 8"): the
//! remainder of eight bytes is the sum of what each of them leaves, and eight tables have that.

/// The polynomial, its lowest power in the highest bit.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// `TABLES[n][b]`: what a byte `b` leaves that `n` zero bytes come after.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (POLYNOMIAL * (crc & 1));
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before: u32 = tables[table - 1][byte];
            tables[table][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

/// The sum of bytes that come in pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc(u32);

impl Crc {
    pub(crate) const fn new() -> Self {
        Self(!0)
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let mut crc = self.0;
        let (eights, rest) = bytes.as_chunks::<8>();
        for eight in eights {
            let [low, high] = [
                u32::from_le_bytes([eight[0], eight[1], eight[2], eight[3]]) ^ crc,
                u32::from_le_bytes([eight[4], eight[5], eight[6], eight[7]]),
            ];
            crc = of_four(low, 4) ^ of_four(high, 0);
        }
        for byte in rest {
            crc = (crc >> 8) ^ TABLES[0][((crc ^ u32::from(*byte)) & 0xff) as usize];
        }
        self.0 = crc;
    }

    pub(crate) const fn sum(self) -> u32 {
        !self.0
    }
}

/// What four bytes leave that so many zero bytes come after.
fn of_four(four: u32, after: usize) -> u32 {
    let [a, b, c, d] = four.to_le_bytes();
    let [a, b, c, d] = [a as usize, b as usize, c as usize, d as usize];
    TABLES[after + 3][a] ^ TABLES[after + 2][b] ^ TABLES[after + 1][c] ^ TABLES[after][d]
}

/// The sum of these bytes.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.add(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sum_that_zlib_computes() {
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc32(b"a"), 0xe8b7_be43);
        // The check value of every catalogue of sums.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b"The quick brown fox jumps over the lazy dog"), 0x414f_a339);
    }

    #[test]
    fn pieces_have_the_sum_of_the_whole_wherever_they_are_cut() {
        let bytes: Vec<u8> = (0..100_u8).map(|byte| byte.wrapping_mul(37)).collect();
        for first in 0..bytes.len() {
            let mut crc = Crc::new();
            crc.add(&bytes[..first]);
            crc.add(&bytes[first..]);
            assert_eq!(crc.sum(), crc32(&bytes), "{first}");
        }
    }

    #[test]
    fn each_bit_counts() {
        let bytes = b"id: 1-1\nchannel: news\n".to_vec();
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(crc32(&other), crc32(&bytes), "{bit}");
        }
    }
}
