//! Base64 with the alphabet for URLs and without padding (RFC 4648, sections 3.2 and 5).
//!
//! ```text
//! 3 bytes = 4 characters of 6 bits;  2 bytes = 3;  1 byte = 2;  never 1 character alone
//! ```
//!
//! What is refused: padding, white space, other characters, and bits that are left over in the last
//! character and not zero (section 3.5). So there is one text for each value, and nobody can change
//! a text without changing what it says.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The value of each character; of those that are not in the alphabet, [`NONE`].
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
};

const NONE: u8 = 64;

/// The bytes that a text stands for, at the beginning of `room`. Nothing if the text is not of this
/// form, or if there is too little room.
pub(super) fn decode<'r>(text: &str, room: &'r mut [u8]) -> Option<&'r [u8]> {
    let (fours, rest) = text.as_bytes().as_chunks();
    let (whole, after) = room.split_at_mut_checked(3 * fours.len())?;
    for (three, four) in whole.as_chunks_mut().0.iter_mut().zip(fours) {
        *three = three_of(*four)?;
    }
    let mut length = whole.len();
    if !rest.is_empty() {
        let mut four = [ALPHABET[0]; 4];
        four[..rest.len()].copy_from_slice(rest);
        let three = three_of(four)?;
        let (last, left_over) = three.split_at(rest.len() - 1);
        if last.is_empty() || left_over.iter().any(|byte| *byte != 0) {
            return None;
        }
        after.get_mut(..last.len())?.copy_from_slice(last);
        length += last.len();
    }
    room.get(..length)
}

fn three_of(four: [u8; 4]) -> Option<[u8; 3]> {
    let values = four.map(|c| u32::from(VALUES[usize::from(c)]));
    let [a, b, c, d] = values;
    let [_, three @ ..] = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
    ((a | b | c | d) < u32::from(NONE)).then_some(three)
}

/// The text that stands for these bytes.
#[cfg(any(test, feature = "tools"))]
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |at| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let characters = [18, 12, 6, 0].map(|at| ALPHABET[(bits >> at & 63) as usize]);
        text.extend(characters[..=three.len()].iter().copied().map(char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_stands_for_its_bytes_and_for_no_others() {
        // RFC 4648, section 10, without the padding; and RFC 7515, appendix C.
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"fooba", "Zm9vYmE"),
            (b"foobar", "Zm9vYmFy"),
            (&[3, 236, 255, 224, 193], "A-z_4ME"),
            (&[0, 0, 0], "AAAA"),
            (&[255, 255, 255], "____"),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text, &mut [0; 8]), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_not_written_by_the_rules_stands_for_nothing() {
        for text in [
            "A", "AAAAA", "Zg==", "Zg=", "=", "Zm8=", "A+z/", " Zg", "Zg\n", "Zm 9v", "Zm9v.",
            "Zé", // Bits are left over that are not zero.
            "Zh", "Zv", "Z_", "Zm9", "Zm-", "Zm9vYh",
        ] {
            assert_eq!(decode(text, &mut [0; 8]), None, "{text:?}");
        }
    }

    #[test]
    fn what_has_too_little_room_is_not_written() {
        for (text, room) in [("Zg", 0), ("Zm8", 1), ("Zm9v", 2), ("Zm9vYg", 3), ("Zm9vYmE", 4)] {
            assert_eq!(decode(text, &mut [0; 8][..room]), None, "{text}");
            assert!(decode(text, &mut [0; 8][..=room]).is_some(), "{text}");
        }
    }

    #[test]
    fn each_byte_comes_back_in_each_place() {
        for byte in 0..=255 {
            for bytes in [&[byte][..], &[byte, 0], &[0, byte], &[byte, 255, byte]] {
                assert_eq!(decode(&encode(bytes), &mut [0; 3]), Some(bytes));
            }
        }
    }

    #[test]
    fn each_character_has_its_value_and_all_others_none() {
        for c in 0..=255 {
            let value = ALPHABET.iter().position(|known| *known == c).unwrap_or(64);
            assert_eq!(usize::from(VALUES[usize::from(c)]), value, "{c}");
        }
    }
}
