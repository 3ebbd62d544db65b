//! What a client gets: responses, and where redirects lead.

use super::dice::Dice;
use super::http::{chunked, write_fields};

/// A response, perhaps after interim ones, and what comes after its head.
pub(super) fn response(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut response = Vec::new();
    for _ in 0..dice.below(3) {
        let line = dice.pick_or(&[b"100 Continue", b"103 ", b"199"], &[b"101 ", b"099 ", b"10"]);
        response.extend([b"HTTP/1.1 ", line, dice.crlf()].concat());
        write_fields(dice, &mut response);
        response.extend_from_slice(dice.crlf());
    }
    let version = dice.pick_or(
        &[b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.9"],
        &[b"HTTP/2.0", b"http/1.1", b"HTTP/1.10", b"ICY", b"\x15\x03\x01", b""],
    );
    let status = dice.pick_or(
        &[b"200 OK", b"200", b"204 ", b"304 Not Modified", b"404 caf\xE9", b"599   "],
        &[b"600 ", b"20", b"2000", b"200OK", b"+20 ", b" 200 ", b"200 \x7F", b""],
    );
    let blank = dice.pick_or(&[b" "], &[b"  ", b"\t", b""]);
    response.extend([version, blank, status, dice.crlf()].concat());
    let types: [&[u8]; 6] = [
        b"",
        b"text/event-stream",
        b"Text/Event-Stream ;a=\";\"",
        b"text/html",
        b"text/event-stream, text/event-stream",
        b"text/event-stream,text/html",
    ];
    let content_type = dice.pick(&types);
    if !content_type.is_empty() {
        response.extend([b"Content-Type: ", content_type, dice.crlf()].concat());
    }
    write_fields(dice, &mut response);
    let (framing, body): (&[u8], Vec<u8>) = match dice.below(3) {
        0 => (b"Content-Length: 10\r\n", b"data: some more".into()),
        1 => {
            let body = chunked(dice);
            let once = b"Transfer-Encoding: chunked\r\n";
            let twice = b"Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n";
            (dice.pick(&[once, twice]), if dice.once_in(4) { padded(body) } else { body })
        }
        _ => (b"", b"data: until the end".into()),
    };
    response.extend([framing, dice.crlf(), &body].concat());
    response
}

/// A body whose first size is padded.
fn padded(mut body: Vec<u8>) -> Vec<u8> {
    let end = body.windows(2).position(|two| two == b"\r\n").unwrap_or(0);
    body.splice(end..end, *b" \t ");
    body
}

/// A URL, a reference and a last event ID, each on a line.
pub(super) fn url(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut lines = absolute(dice);
    lines.push(b'\n');
    match dice.below(6) {
        0 => lines.extend(absolute(dice)),
        1 => {
            lines.extend_from_slice(b"//");
            lines.extend(authority(dice));
        }
        2 => {}
        _ => lines.extend(target(dice)),
    }
    lines.push(b'\n');
    let ids: [&[u8]; 6] = [b"", b"1f-7", b" a ", b"caf\xC3\xA9", b"\t", b"17: 18"];
    lines.extend_from_slice(dice.pick_or(&ids, &[b"\x01", b"\x7F", b"a\rb", b"\0"]));
    lines
}

fn absolute(dice: &mut Dice<'_>) -> Vec<u8> {
    let scheme = dice.pick_or(&[b"http://", b"HTTPS://"], &[b"ftp://", b"http:/", b"http:", b""]);
    let begins = dice.pick(&[b"", b"/", b"?"]);
    let rest = if begins.is_empty() { Vec::new() } else { target(dice) };
    [scheme, &authority(dice), begins, &rest].concat()
}

fn authority(dice: &mut Dice<'_>) -> Vec<u8> {
    let hosts: [&[u8]; 6] = [b"h", b"localhost", b"192.0.2.1", b"[::1]", b"[V1.a:b]", b"A-b.%41_~"];
    let host = dice.pick_or(&hosts, &[b"", b"a@b", b"a b", b"::1", b"[::1", b"\xC3\xA9", b"h\r"]);
    let port = dice.pick_or(&[b"", b":", b":80", b":443", b":3000"], &[b":65536", b":+1", b":a"]);
    [host, port].concat()
}

fn target(dice: &mut Dice<'_>) -> Vec<u8> {
    let parts: [&[u8]; 16] = [
        b"/",
        b"/",
        b"/",
        b".",
        b"..",
        b"a",
        b"b:c",
        b"?",
        b"#",
        b"%41",
        b"%C3%A9",
        b" ",
        b"\xC3\xA9",
        b"\"<>`{|}\\^",
        b"@",
        b"a=b&c",
    ];
    let wrong: [&[u8]; 5] = [b"%", b"%00", b"\0", b"\t", b"\xC2\x85"];
    let count = dice.below(9);
    (0..count).flat_map(|_| dice.pick_or(&parts, &wrong)).copied().collect()
}
