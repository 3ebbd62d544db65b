//! The second reader of segments: the format in the plainest words, all of it in memory.

/// An event as a segment has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    /// Where its block begins, and how long it is.
    pub(crate) at: usize,
    pub(crate) len: usize,
    pub(crate) id: (u64, u64),
    pub(crate) channel: String,
    pub(crate) time: u64,
    pub(crate) synced: Option<(u64, u64)>,
    pub(crate) batch: Option<u64>,
    pub(crate) key: Option<(String, u64)>,
    /// Its lines `event`, `retry` and `data`.
    pub(crate) event: Vec<u8>,
}

impl Plain {
    /// What a stream is sent.
    pub(crate) fn content(&self) -> Vec<u8> {
        let id = format!("id: {}-{}\n", self.id.0, self.id.1);
        [id.as_bytes(), &self.event, b"\n"].concat()
    }
}

/// All whole blocks of a segment, in the order in which they stand there.
pub(crate) fn blocks(segment: &[u8]) -> Vec<Plain> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in segment.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b"id: ") {
            found.extend(block_at(segment, at));
        }
        at += line.len();
    }
    found
}

/// The same bytes with the right sum wherever there is one: no fuzzer finds it.
pub(super) fn summed(segment: &[u8]) -> Vec<u8> {
    let mut summed = segment.to_vec();
    let mut start = None;
    let mut at = 0;
    for line in segment.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b"id: ") {
            start = Some(at);
        }
        if let (Some(start), true) = (start, line.starts_with(b"crc: ") && line.len() == 14) {
            let sum = format!("{:08x}", sum(&segment[start..at]));
            summed[at + 5..at + 13].copy_from_slice(sum.as_bytes());
        }
        at += line.len();
    }
    summed
}

/// The block that begins here, if there is one.
pub(crate) fn block_at(segment: &[u8], at: usize) -> Option<Plain> {
    let rest = &segment[at..];
    let len = rest.windows(2).position(|two| two == b"\n\n")? + 2;
    // Without the last line's LF and the blank line.
    let lines: Vec<&[u8]> = rest[..len - 2].split(|&byte| byte == b'\n').collect();
    let (crc, lines) = lines.split_last()?;
    let crc = crc.strip_prefix(b"crc: ").filter(|digits| is_hexadecimal(digits, 8))?;
    let summed = &rest[..len - 2 - "crc: 01234567".len()];
    if format!("{:08x}", sum(summed)).as_bytes() != crc {
        return None;
    }
    let mut lines = lines.iter().copied().peekable();
    let mut take = |name: &str| -> Option<String> {
        let value = lines.next_if(|line| line.starts_with(name.as_bytes()))?;
        Some(value[name.len()..].iter().map(|&byte| char::from(byte)).collect())
    };
    let id = id(&take("id: ")?)?;
    let channel = text(&take("channel: ")?, 1024)?;
    let time = number(&take("time: ")?)?;
    let synced = match take("synced: ") {
        Some(value) => Some(self::id(&value)?),
        None => None,
    };
    let batch = match take("batch: ") {
        Some(value) => Some(number(&value)?),
        None => None,
    };
    let key = match take("key: ") {
        Some(key) => {
            let digest = take("digest: ").filter(|digits| is_hexadecimal(digits.as_bytes(), 16))?;
            Some((text(&key, 255)?, u64::from_str_radix(&digest, 16).ok()?))
        }
        None => None,
    };
    let event = event(&lines.collect::<Vec<_>>())?;
    Some(Plain { at, len, id, channel, time, synced, batch, key, event })
}

/// The lines of an event: a type, a reconnection time, and data.
fn event(lines: &[&[u8]]) -> Option<Vec<u8>> {
    let mut rest = lines.iter().peekable();
    rest.next_if(|line| line.starts_with(b"event: "));
    if let Some(retry) = rest.next_if(|line| line.starts_with(b"retry: ")) {
        number(str::from_utf8(&retry["retry: ".len()..]).ok()?)?;
    }
    let is_whole = rest.len() > 0 && rest.all(|line| line.starts_with(b"data: "));
    is_whole.then(|| lines.iter().flat_map(|line| [*line, b"\n"].concat()).collect())
}

/// Bytes that were read as characters of their numbers, as UTF-8 again.
fn text(value: &str, most: usize) -> Option<String> {
    let bytes: Vec<u8> = value.chars().map(|c| c as u8).collect();
    let is_short = bytes.len() <= most && !bytes.contains(&b'\r') && !bytes.contains(&0);
    String::from_utf8(bytes).ok().filter(|_| is_short)
}

fn id(value: &str) -> Option<(u64, u64)> {
    let (epoch, sequence) = value.split_once('-')?;
    Some((number(epoch)?, number(sequence)?))
}

/// A number as it is written, and in no other form.
fn number(digits: &str) -> Option<u64> {
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

fn is_hexadecimal(digits: &[u8], many: usize) -> bool {
    digits.len() == many && digits.iter().all(|byte| b"0123456789abcdef".contains(byte))
}

/// CRC-32, bit by bit.
fn sum(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
