//! Where a line of an event stream ends: at CR LF, at LF, or at CR.
//!
//! ```text
//! "one\r\ntwo\nthree\rfour"  is  "one", "two", "three", "four"
//! "one\n\rtwo"               is  "one", "", "two": only CR before LF makes one end of two bytes
//! ```
//!
//! Both bytes are ASCII, so neither can be a part of another character's UTF-8 form, and a text may
//! be searched, and cut, as bytes. A parser has every byte of a stream looked at here, so it is
//! done eight bytes at a time.

use std::iter;

/// What is searched in one step.
type Word = u64;

const LOWEST_BITS: Word = Word::from_ne_bytes([0x01; 8]);
const HIGHEST_BITS: Word = Word::from_ne_bytes([0x80; 8]);
const ALL_CR: Word = Word::from_ne_bytes([b'\r'; 8]);
const ALL_LF: Word = Word::from_ne_bytes([b'\n'; 8]);

/// The place of the first CR or LF.
pub(super) fn end(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    while let Some((word, behind)) = rest.split_first_chunk() {
        let word = Word::from_le_bytes(*word);
        let found = zeros(word ^ ALL_CR) | zeros(word ^ ALL_LF);
        if found != 0 {
            // The first byte in memory is the lowest of the number.
            let before = found.trailing_zeros() as usize / 8;
            return Some(bytes.len() - rest.len() + before);
        }
        rest = behind;
    }
    let last = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    Some(bytes.len() - rest.len() + last)
}

/// Sets the highest bit of each byte that is zero. A borrow can set it in bytes *above* a zero
/// byte too, so that only the lowest bit that is set tells a place.
fn zeros(word: Word) -> Word {
    word.wrapping_sub(LOWEST_BITS) & !word & HIGHEST_BITS
}

/// All lines of a text. One that ends with a line end has an empty last line, as `split` has it:
/// for an event, `"a\n"` is other data than `"a"`.
pub(super) fn all(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let text = rest?;
        let Some(end) = end(text.as_bytes()) else {
            return rest.take();
        };
        let behind = &text[end..];
        rest = Some(behind.strip_prefix("\r\n").unwrap_or(&behind[1..]));
        Some(&text[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_end_is_found_wherever_it_stands() {
        for length in 0..40 {
            let mut bytes = vec![b'x'; length];
            assert_eq!(end(&bytes), None);
            for place in (0..length).rev() {
                for byte in *b"\r\n" {
                    bytes[place] = byte;
                    assert_eq!(end(&bytes), Some(place));
                }
            }
        }
    }

    #[test]
    fn bytes_that_are_nearly_an_end_are_none() {
        for byte in (0..=u8::MAX).filter(|byte| !b"\r\n".contains(byte)) {
            let mut bytes = [byte; 19];
            assert_eq!(end(&bytes), None, "{byte:#04x}");
            bytes[17] = b'\n';
            assert_eq!(end(&bytes), Some(17), "{byte:#04x}");
        }
    }

    #[test]
    fn cr_lf_and_both_together_are_one_end_each() {
        let lines: Vec<_> = all("one\r\ntwo\nthree\rfour\n\rfive\r\n").collect();
        assert_eq!(lines, ["one", "two", "three", "four", "", "five", ""]);
    }

    #[test]
    fn an_empty_text_is_one_empty_line() {
        assert_eq!(all("").collect::<Vec<_>>(), [""]);
    }
}
