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
#[cfg(feature = "tools")]
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
