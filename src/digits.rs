//! Numbers as digits on the stack: std's formatting takes some hundred instructions for each, and
//! an event has several.

/// The digits of a number, without leading zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digits {
    bytes: [u8; ROOM],
    /// They are written from the end, the lowest first.
    start: usize,
}

/// More than the 20 decimal digits of the largest number. As a power of two it needs no check of
/// places, and so the loop stays a loop: unrolled it is slower, and a kilobyte.
const ROOM: usize = 32;

impl Digits {
    #[inline]
    pub(crate) fn decimal(number: u64) -> Self {
        Self::of::<10>(number)
    }

    /// In lower case.
    pub(crate) fn hexadecimal(number: u64) -> Self {
        Self::of::<16>(number)
    }

    fn of<const RADIX: u64>(number: u64) -> Self {
        let (mut bytes, mut start, mut rest) = ([0; ROOM], ROOM, number);
        loop {
            start -= 1;
            bytes[start % ROOM] = b"0123456789abcdef"[(rest % RADIX) as usize];
            rest /= RADIX;
            if rest == 0 {
                return Self { bytes, start };
            }
        }
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("digits are ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_every_digit_and_no_leading_zero() {
        for number in [0, 1, 9, 10, 15, 16, 99, 255, 256, 4096, 0xdead_beef, u64::MAX] {
            assert_eq!(Digits::decimal(number).as_bytes(), number.to_string().as_bytes());
            let hexadecimal = format!("{number:x}");
            assert_eq!(Digits::hexadecimal(number).as_bytes(), hexadecimal.as_bytes());
        }
    }
}
