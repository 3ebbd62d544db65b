//! Answers that follow the grammar, or nearly do.

use super::dice::Dice;
use super::{http, sse};

const STATUSES: [&[u8]; 8] = [
    b"200 OK",
    b"200 ",
    b"200",
    b"204 No Content",
    b"302 Found",
    b"304 ",
    b"503 caf\xC3\xA9 \xFF\t",
    b"599 200 OK",
];
const NO_STATUSES: [&[u8]; 8] =
    [b"", b"20", b"2000 OK", b" 200 OK", b"600 ", b"099 ", b"101 Switching", b"200 \x0B"];

const INTERIM: [&[u8]; 3] = [b"100 Continue", b"103", b"199 "];

/// Field lines that may stand in any answer, without their end.
const FIELDS: [&[u8]; 8] = [
    b"Content-Type: text/event-stream",
    b"content-type:Text/Event-Stream ; charset=utf-8",
    b"Content-Type: text/html",
    b"Location: /there",
    b"Set-Cookie: a=\"b\"; c",
    b"X:",
    b"X: \t ",
    b"!#$%&'*+-.^_`|~09azAZ:\t\xA0caf\xC3\xA9\t\x80 \xFF\t",
];
/// Those that may not, or not with others.
const DOUBTFUL_FIELDS: [&[u8]; 9] = [
    b"Content-Length: 5, 5",
    b"Content-Length: +5",
    b"Content-Length: 0",
    b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: ,chunked",
    b" folded: line",
    b": no name",
    b"no colon",
    b"X: a\rY: b",
];

/// An answer, and perhaps interim ones before it.
pub(super) fn answer(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut answer = Vec::new();
    for _ in 0..dice.below(4).saturating_sub(1) {
        write_status_line(dice.pick(&INTERIM), dice, &mut answer);
        write_fields(dice, &mut answer);
        answer.extend_from_slice(dice.crlf());
    }
    let status = dice.pick_or(&STATUSES, &NO_STATUSES);
    write_status_line(status, dice, &mut answer);
    write_fields(dice, &mut answer);
    let body = match dice.below(3) {
        0 => write_length(dice, &mut answer),
        // Only HTTP/1.1 has chunks, so the version is set right.
        1 if answer.windows(8).all(|part| part != b"HTTP/1.0") => {
            answer.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
            http::chunked(dice)
        }
        _ => sse::stream(dice),
    };
    answer.extend_from_slice(dice.crlf());
    answer.extend(body);
    answer
}

fn write_status_line(status: &[u8], dice: &mut Dice<'_>, out: &mut Vec<u8>) {
    let version = dice.pick_or(
        &[b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.9"],
        &[b"HTTP/2.0", b"http/1.1", b"HTTP/1.", b"HTTP/1.10", b"ICY", b"\x15\x03\x01"],
    );
    let blank = dice.pick_or(&[b" "], &[b"  ", b"\t", b""]);
    out.extend([version, blank, status, dice.crlf()].concat());
}

fn write_fields(dice: &mut Dice<'_>, out: &mut Vec<u8>) {
    for _ in 0..dice.below(4) {
        let line = dice.pick_or(&FIELDS, &DOUBTFUL_FIELDS);
        out.extend([line, dice.crlf()].concat());
    }
}

/// Writes a length, and gives a stream that is as long, or is cut, or goes on.
fn write_length(dice: &mut Dice<'_>, out: &mut Vec<u8>) -> Vec<u8> {
    let stream = sse::stream(dice);
    let length = (stream.len() + dice.below(3)).saturating_sub(1);
    out.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
    stream
}
