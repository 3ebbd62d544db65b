//! What Redis sends.

use super::dice::Dice;

/// Up to seven replies.
pub(super) fn replies(dice: &mut Dice<'_>) -> Vec<u8> {
    (0..1 + dice.below(7)).flat_map(|_| reply(dice)).collect()
}

/// A reply, by the grammar.
pub(super) fn reply(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write_reply(dice, 0, &mut out);
    out
}

fn write_reply(dice: &mut Dice<'_>, depth: usize, out: &mut Vec<u8>) {
    let kinds = if depth < 4 { 7 } else { 5 };
    match dice.below(kinds) {
        0 => write_line(b"+", &[b"OK", b"QUEUED", b""], &[b"O\rK", b"O\nK"], dice, out),
        1 => write_line(b"-", &[b"ERR no such key", b"\xFF"], &[b"ERR\r"], dice, out),
        2 => {
            let right = [&b"0"[..], b"-7", b"9223372036854775807", b"007"];
            let wrong = [&b""[..], b"+1", b"9223372036854775808", b"1.5", b" 1", b"--1"];
            write_line(b":", &right, &wrong, dice, out);
        }
        3 => write_line(b"$", &[b"-1"], &[b"-2", b"", b"1", b"99999999999999999999"], dice, out),
        4 => {
            let text = dice.pick(&[b"", b"c", b"7-100017", b"\r\n", b"rain\0", &[b'x'; 300]]);
            let longer = usize::from(dice.is_wrong(2));
            let length = (text.len() + longer).to_string();
            write_line(b"$", &[length.as_bytes()], &[b"-2", b"1x"], dice, out);
            out.extend_from_slice(text);
            out.extend_from_slice(dice.crlf());
        }
        _ => {
            let count = dice.below(5);
            let counts: [&[u8]; 4] = [b"-2", b"x", b"8", b"1048577"];
            write_line(b"*", &[count.to_string().as_bytes()], &counts, dice, out);
            (0..count).for_each(|_| write_reply(dice, depth + 1, out));
        }
    }
}

fn write_line(
    kind: &'static [u8],
    right: &[&[u8]],
    wrong: &[&[u8]],
    dice: &mut Dice<'_>,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(dice.pick_or(&[kind], &[b"%", b"_", b"", b"\r\n", b"++"]));
    out.extend_from_slice(dice.pick_or(right, wrong));
    out.extend_from_slice(dice.crlf());
}
