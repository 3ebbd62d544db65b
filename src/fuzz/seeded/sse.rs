//! Event streams, and scripts of what to send.

use super::dice::Dice;
use crate::fuzz::random::Random;

/// An event stream. Nothing is an error in one, so everything is here.
pub(super) fn stream(dice: &mut Dice<'_>) -> Vec<u8> {
    let names: [&[u8]; 14] = [
        b"data",
        b"data",
        b"data",
        b"data",
        b"event",
        b"id",
        b"retry",
        b"",
        b"",
        b"",
        b" data",
        b"Data",
        b"\xEF\xBB\xBFdata",
        b"dat",
    ];
    let values: [&[u8]; 16] = [
        b"",
        b"a",
        b"17",
        b" ",
        b"a b",
        b"a:b",
        b"\0",
        b"caf\xC3\xA9",
        b"\xC3",
        b"\xF0\x9F\xA6",
        b"\xFF",
        b"\xEF\xBB\xBF",
        b"3000",
        b"18446744073709551616",
        b"+1",
        b"one and more words",
    ];
    let mut stream = dice.pick(&[b"", b"\xEF\xBB\xBF", b"\r\n"]).to_vec();
    for _ in 0..dice.below(30) {
        let name = dice.pick(&names);
        stream.extend_from_slice(name);
        if (!name.is_empty() && !dice.once_in(8)) || dice.once_in(8) {
            stream.extend_from_slice(dice.pick(&[b":", b": ", b": ", b":  "]));
            stream.extend_from_slice(dice.pick(&values));
        }
        stream.extend_from_slice(dice.pick(&[b"\n", b"\r", b"\r\n"]));
    }
    stream
}

/// What texts are made of. What may not stand in an id or a type comes first.
const PARTS: [&str; 20] = [
    "\r", "\n", "\r\n", "\n\n", "\0", " ", ":", ": ", "\u{feff}", "data", "id: ", "event:", "\t",
    "a", "0", "é", "数", "🦀", "\u{2028}", "\u{85}",
];
const BREAKS: usize = 5;

/// A script of what to send: a byte says what, then come its parts.
pub(super) fn script(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut script = Vec::new();
    for _ in 0..dice.below(8) {
        let what = dice.below(256) as u8;
        script.push(what);
        if what % 8 == 1 {
            push_time(dice.random, &mut script);
            continue;
        }
        push_text(&PARTS, dice.random, &mut script);
        if what.is_multiple_of(8) {
            continue;
        }
        for flag in [0x80, 0x40] {
            if what & flag != 0 {
                let parts = if dice.once_in(4) { &PARTS } else { &PARTS[BREAKS..] };
                push_text(parts, dice.random, &mut script);
            }
        }
        if what & 0x20 != 0 {
            push_time(dice.random, &mut script);
        }
    }
    script
}

/// A text, with its length before it.
fn push_text(parts: &[&str], random: &mut Random, script: &mut Vec<u8>) {
    let length = [0, 1, 3, 12, 40][random.below(5)];
    let text: String = (0..length).map(|_| random.pick(parts)).collect();
    script.push(u8::try_from(text.len()).expect("forty times the longest part"));
    script.extend_from_slice(text.as_bytes());
}

/// A time that is usual, or any.
fn push_time(random: &mut Random, script: &mut Vec<u8>) {
    let seconds = if random.once_in(2) { random.next() } else { random.below(9) as u64 };
    script.extend(seconds.to_be_bytes());
    script.extend((random.next() as u32).to_be_bytes());
}
