//! The events of the load, and the check that each stream got each of them once and in order.
//!
//! ```text
//! @000000001234 00000001763704496123456789 .............$      64 bytes of data
//!  └ sequence   └ when it was published, in ns, for whoever reads a dump
//! ```
//!
//! No server writes `@` elsewhere, so the check looks for nothing but the mark, the number and the
//! end. It does not care how a server frames its events.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use memchr::memchr;

/// How many bytes of data an event has.
pub(super) const SIZE: usize = 64;
const DIGITS: usize = 12;

/// Writes the data of one event.
pub(super) fn write(sequence: u64, out: &mut Vec<u8>) {
    let end = out.len() + SIZE - 1;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    write!(out, "@{sequence:012} {now:026} ").expect("writing to a Vec can't fail");
    out.resize(end, b'.');
    out.push(b'$');
}

/// What one stream has to be sent next.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) next: u64,
    /// The beginning of an event whose rest is not here yet.
    partial: Vec<u8>,
}

/// How much room a reader leaves before the bytes that it reads, for [`Check::take`].
pub(super) const ROOM: usize = SIZE;

impl Check {
    pub(super) fn new(next: u64) -> Self {
        Self { next, partial: Vec::new() }
    }

    /// Checks what was read into `buffer[ROOM..ROOM + read]`. Writes over the room.
    pub(super) fn take(&mut self, buffer: &mut [u8], read: usize) -> Result<(), String> {
        let start = ROOM - self.partial.len();
        buffer[start..ROOM].copy_from_slice(&self.partial);
        self.partial.clear();
        let mut rest = &buffer[start..ROOM + read];
        while let Some(at) = memchr(b'@', rest) {
            rest = &rest[at..];
            if rest.len() < SIZE {
                self.partial.extend_from_slice(rest);
                return Ok(());
            }
            let sequence = number(&rest[1..=DIGITS]);
            if sequence != Some(self.next) || rest[SIZE - 1] != b'$' {
                let got = String::from_utf8_lossy(&rest[..SIZE]);
                return Err(format!("event {} expected, but got {got}", self.next));
            }
            self.next += 1;
            rest = &rest[SIZE..];
        }
        Ok(())
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| match digit {
        b'0'..=b'9' => Some(number * 10 + u64::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(check: &mut Check, bytes: &[u8]) -> Result<(), String> {
        let mut buffer = vec![0; ROOM];
        buffer.extend_from_slice(bytes);
        check.take(&mut buffer, bytes.len())
    }

    fn events(sequences: &[u64]) -> Vec<u8> {
        let mut out = Vec::new();
        for &sequence in sequences {
            out.extend_from_slice(b"data: ");
            write(sequence, &mut out);
            out.extend_from_slice(b"\n\n");
        }
        out
    }

    #[test]
    fn events_are_found_wherever_the_bytes_are_cut() {
        let bytes = events(&[7, 8, 9]);
        for cut in 0..bytes.len() {
            let mut check = Check::new(7);
            take(&mut check, &bytes[..cut]).unwrap();
            take(&mut check, &bytes[cut..]).unwrap();
            assert_eq!(check.next, 10);
        }
    }

    #[test]
    fn loss_doubles_and_disorder_are_errors() {
        for wrong in [&[7, 9][..], &[7, 7], &[8, 7]] {
            assert!(take(&mut Check::new(7), &events(wrong)).is_err());
        }
    }
}
