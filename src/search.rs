//! Where the first of some bytes stands. Every byte of a head and of a stream is looked at here, so
//! it is done eight bytes at a time.

/// What is searched in one step.
type Word = u64;

const LOWEST_BITS: Word = Word::from_ne_bytes([0x01; 8]);
const HIGHEST_BITS: Word = Word::from_ne_bytes([0x80; 8]);

/// The place of the first byte that is one of these.
#[inline]
pub(crate) fn first_of<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> Option<usize> {
    let repeated = wanted.map(|byte| Word::from_ne_bytes([byte; 8]));
    let (words, rest) = bytes.as_chunks();
    for (number, word) in words.iter().enumerate() {
        let word = Word::from_le_bytes(*word);
        let mut found = 0;
        for byte in &repeated {
            found |= zeros(word ^ byte);
        }
        if found != 0 {
            // The first byte in memory is the lowest of the number.
            return Some(number * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let last = rest.iter().position(|byte| wanted.contains(byte))?;
    Some(bytes.len() - rest.len() + last)
}

/// Sets the highest bit of each byte that is zero. A borrow can set it in bytes *above* a zero
/// byte too, so that only the lowest bit that is set tells a place.
fn zeros(word: Word) -> Word {
    word.wrapping_sub(LOWEST_BITS) & !word & HIGHEST_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_found_wherever_it_stands() {
        for length in 0..40 {
            let mut bytes = vec![b'x'; length];
            assert_eq!(first_of(*b"\r\n", &bytes), None);
            for place in (0..length).rev() {
                for byte in *b"\r\n" {
                    bytes[place] = byte;
                    assert_eq!(first_of(*b"\r\n", &bytes), Some(place));
                }
            }
        }
    }

    #[test]
    fn bytes_that_are_nearly_a_wanted_one_are_none() {
        for byte in (0..=u8::MAX).filter(|byte| !b"\r\n".contains(byte)) {
            let mut bytes = [byte; 19];
            assert_eq!(first_of(*b"\r\n", &bytes), None, "{byte:#04x}");
            bytes[17] = b'\n';
            assert_eq!(first_of(*b"\r\n", &bytes), Some(17), "{byte:#04x}");
        }
    }
}
