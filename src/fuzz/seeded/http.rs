//! Requests and chunked bodies that follow the grammar, or nearly do.

use std::ops::Range;

use super::dice::Dice;

const METHODS: [&[u8]; 7] = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"TRACE"];
const NO_METHODS: [&[u8]; 6] = [b"get", b"BREW", b"CONNECT", b"G(T", b"", b" GET"];

const TARGETS: [&[u8]; 14] = [
    b"/",
    b"/a",
    b"/events/news?history=5",
    b"/?",
    b"/a%20b%2Fc/%c3%A9?x=%26&y=+",
    b"/?a=1&a=2&a&&=b",
    b"//a//b",
    b"/a:b@c;d=e,f!$&'()*+[]{}|^~\"<>\\`",
    b"/a?b?c",
    b"http://h",
    b"HTTP://h:80?q",
    b"https://[::1]:3000/a/b?c=d",
    b"http://a-b.example/%61",
    b"http://%61:/",
];
const NO_TARGETS: [&[u8]; 18] = [
    b"",
    b"a",
    b"*",
    b"?",
    b"/#",
    b"/%",
    b"/%4",
    b"/?%0g",
    b"/%00",
    b"/?a=%00",
    b"/%FF",
    b"/a b",
    b"/\t",
    b"/\xC3\xA9",
    b"http://",
    b"http:///a",
    b"http://a@b/",
    b"ftp://h/",
];

const HOSTS: [&[u8]; 9] = [
    b"h",
    b"localhost:3000",
    b"192.0.2.1",
    b"[2001:db8::7]:65535",
    b"[v1.a:b]",
    b"a.b_c~d",
    b"%41%2c",
    b"h:",
    b"*!$&'()+;=",
];
const NO_HOSTS: [&[u8]; 9] =
    [b"", b"a,b", b"a b", b"a@b", b"a/b", b"a?b", b"h:65536", b"[::1", b"\xC3\xA9"];

/// Field lines that may stand in any request, without their end.
const FIELDS: [&[u8]; 20] = [
    b"Accept: text/event-stream",
    b"accept:text/html, text/event-stream;q=0.5 ,*/*;q=0",
    b"ACCEPT: ;q=\"\\\",\";;",
    b"Last-Event-ID: 1f-7",
    b"Last-Event-ID:\xFF",
    b"Last-Event-ID: ",
    b"Connection: close",
    b"Connection: , keep-alive ,Upgrade,,",
    b"Upgrade: h2c",
    b"Expect: 100-Continue",
    b"Expect:",
    b"Cookie: a=\"b\"; c",
    b"X:",
    b"X: \t ",
    b"!#$%&'*+-.^_`|~09azAZ:\t\xA0caf\xC3\xA9\t\x80 \xFF\t",
    b"Origin: null",
    b"Te: trailers",
    b"Content-Type: text/plain; charset=\"utf-8\"",
    b"Content-Lengths: 1",
    b"Host-: x",
];
/// Those that may not, or not with others.
const DOUBTFUL_FIELDS: [&[u8]; 20] = [
    b"Content-Length: 0",
    b"content-length: 5",
    b"Content-Length: 5, 5",
    b"Content-Length: +5",
    b"Content-Length:",
    b"Content-Length: 18446744073709551616",
    b"Content-Length : 5",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding:\x0Bchunked",
    b"Host: other",
    b"Expect: more",
    b" folded: line",
    b": no name",
    b"no colon",
    b"(comment): x",
    b"X: a\rHost: b",
];
const CODINGS: Range<usize> = 7..13;

/// Up to four requests, one after the other.
pub(super) fn requests(dice: &mut Dice<'_>) -> Vec<u8> {
    (0..=dice.below(4)).flat_map(|_| request(dice)).collect()
}

/// A request, and perhaps empty lines before it.
pub(super) fn request(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut request = Vec::new();
    for _ in 0..dice.below(3) {
        request.extend_from_slice(dice.crlf());
    }
    let is_1_0 = dice.once_in(8);
    write_request_line(is_1_0, dice, &mut request);
    if !is_1_0 || dice.once_in(2) {
        let name = dice.pick_or(&[b"Host: ", b"host:", b"HOST:\t"], &[b"Hos: ", b"Host : "]);
        let host = dice.pick_or(&HOSTS, &NO_HOSTS);
        request.extend([name, host, dice.crlf()].concat());
    }
    write_fields(dice, &mut request);
    let body = match dice.below(4) {
        0 => write_length(dice, &mut request),
        1 if !is_1_0 || dice.is_wrong(4) => write_coding(dice, &mut request),
        _ => Vec::new(),
    };
    write_fields(dice, &mut request);
    request.extend_from_slice(dice.crlf());
    request.extend(body);
    request
}

fn write_request_line(is_1_0: bool, dice: &mut Dice<'_>, out: &mut Vec<u8>) {
    let (method, target): (&[u8], &[u8]) = match dice.below(10) {
        0 => (b"OPTIONS", b"*"),
        _ => (dice.pick_or(&METHODS, &NO_METHODS), dice.pick_or(&TARGETS, &NO_TARGETS)),
    };
    let (mut version, wrong) = (*b"HTTP/1.0", [&b"HTTP/2.0"[..], b"http/1.1", b"HTTP/1.10", b""]);
    if !is_1_0 {
        version[7] = if dice.once_in(4) { b'1' + dice.below(9) as u8 } else { b'1' };
    }
    let blank: [&[u8]; 4] = [b"  ", b"\t", b"", b"\x0C"];
    let (first, second) = (dice.pick_or(&[b" "], &blank), dice.pick_or(&[b" "], &blank));
    let version = dice.pick_or(&[&version], &wrong);
    out.extend([method, first, target, second, version, dice.crlf()].concat());
}

/// Writes up to three field lines.
pub(super) fn write_fields(dice: &mut Dice<'_>, out: &mut Vec<u8>) {
    for _ in 0..dice.below(4) {
        let line = dice.pick_or(&FIELDS, &DOUBTFUL_FIELDS);
        out.extend([line, dice.crlf()].concat());
    }
}

/// Writes a length, and gives a body that is as long.
fn write_length(dice: &mut Dice<'_>, out: &mut Vec<u8>) -> Vec<u8> {
    let body = content(dice);
    let length = body.len().to_string();
    let name = dice.pick(&[b"Content-Length: ", b"content-length:00", b"CONTENT-LENGTH: \t"]);
    out.extend([name, length.as_bytes(), dice.pick(&[b"", b" \t"]), dice.crlf()].concat());
    body
}

/// Writes that the body comes in chunks, and gives one that does.
fn write_coding(dice: &mut Dice<'_>, out: &mut Vec<u8>) -> Vec<u8> {
    let right: [&[u8]; 2] = [b"Transfer-Encoding: chunked", b"transfer-encoding:CHUNKED\t"];
    let coding = dice.pick_or(&right, &DOUBTFUL_FIELDS[CODINGS]);
    out.extend([coding, dice.crlf()].concat());
    chunked(dice)
}

/// Bytes that look like what could stand around them.
fn content(dice: &mut Dice<'_>) -> Vec<u8> {
    let parts: [&[u8]; 8] =
        [b"a", b"hello", b"\r\n", b"0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\n", b"\0", b"\xFF"];
    (0..dice.below(6)).flat_map(|_| dice.pick(&parts)).copied().collect()
}

/// A chunked body.
pub(super) fn chunked(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 0..dice.below(4) {
        let data = [&content(dice)[..], b"x"].concat();
        let (digits, zeros) = (data.len(), dice.below(8));
        let lower = format!("{digits:0zeros$x}");
        let upper = format!("{digits:0zeros$X}");
        let no_sizes: [&[u8]; 8] =
            [b"", b"+1", b"-1", b"0x1", b" 1", b"1g", b"00000000000000001", b"ffffffffffffffff"];
        let size = dice.pick_or(&[lower.as_bytes(), upper.as_bytes()], &no_sizes);
        body.extend([size, extension(dice), dice.crlf(), &data, dice.crlf()].concat());
    }
    let last = dice.pick_or(&[b"0", b"000", b"0000000000000000"], &[b"", b"00000000000000000"]);
    body.extend([last, extension(dice), dice.crlf()].concat());
    let no_trailers: [&[u8]; 5] = [b":", b" A: b", b"A", b"A : b", b"A: \0"];
    for _ in 0..dice.below(3) {
        let right: [&[u8]; 3] = [b"A: b", b"A:", b"Content-Length:\t9 \xFF"];
        body.extend([dice.pick_or(&right, &no_trailers), dice.crlf()].concat());
    }
    body.extend_from_slice(dice.crlf());
    body
}

fn extension(dice: &mut Dice<'_>) -> &'static [u8] {
    dice.pick_or(
        &[
            b"",
            b"",
            b";a",
            b" ;\ta = b",
            b";a=b;c=\"d\"",
            b";a=\"\" ; b",
            b";a=\"\\\"\\\\;\xFF\t \"",
        ],
        &[b" ", b";", b";=", b";a=", b";a=\"", b";a=\"\\\"", b";a b", b";a=b=c", b";a=\"\"c"],
    )
}
