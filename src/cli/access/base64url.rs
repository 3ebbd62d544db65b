//! Base64 with the alphabet for URLs and without padding (RFC 4648, sections 3.2 and 5).
//!
//! ```text
//! 3 bytes = 4 characters of 6 bits;  2 bytes = 3;  1 byte = 2;  never 1 character alone
//! ```
//!
//! What is refused: padding, white space, other characters, and bits that are left over in the last
//! character and not zero (section 3.5). So there is one text for each value, and nobody can change
//! a text without changing what it says.

/// The bytes that a text stands for, or nothing if it is not of this form.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for four in text.as_bytes().chunks(4) {
        let mut bits = 0;
        for c in four {
            bits = bits << 6 | value(*c)?;
        }
        // The bits begin at the highest of three bytes.
        let [_, decoded @ ..] = (bits << (6 * (4 - four.len()))).to_be_bytes();
        let (decoded, rest) = decoded.split_at(four.len() - 1);
        if decoded.is_empty() || rest.iter().any(|left_over| *left_over != 0) {
            return None;
        }
        bytes.extend_from_slice(decoded);
    }
    Some(bytes)
}

fn value(c: u8) -> Option<u32> {
    let value = match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(value.into())
}

/// The text that stands for these bytes.
#[cfg(any(test, feature = "tools"))]
pub(super) fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
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
            assert_eq!(decode(text).as_deref(), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_not_written_by_the_rules_stands_for_nothing() {
        for text in [
            "A", "AAAAA", "Zg==", "Zg=", "=", "Zm8=", "A+z/", " Zg", "Zg\n", "Zm 9v", "Zm9v.",
            "Zé", // Bits are left over that are not zero.
            "Zh", "Zv", "Z_", "Zm9", "Zm-", "Zm9vYh",
        ] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn each_byte_comes_back_in_each_place() {
        for byte in 0..=255 {
            for bytes in [&[byte][..], &[byte, 0], &[0, byte], &[byte, 255, byte]] {
                assert_eq!(decode(&encode(bytes)).as_deref(), Some(bytes));
            }
        }
    }

    #[test]
    fn each_character_has_its_value_and_all_others_none() {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for c in 0..=255_u8 {
            let expected = alphabet.bytes().position(|known| known == c);
            assert_eq!(value(c).map(|value| value as usize), expected, "{c}");
        }
    }
}
