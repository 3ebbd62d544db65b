//! Bytes that follow a grammar: each part is picked from those that may stand in its place.

use crate::fuzz::random::Random;

const METHODS: [&[u8]; 7] = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"TRACE"];

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

/// Field lines that may stand in any request without a body.
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

/// From one to three requests, one behind the other.
pub(super) fn requests(random: &mut Random) -> Vec<u8> {
    (0..=random.below(3)).flat_map(|_| request(random)).collect()
}

/// A request, and perhaps empty lines before it.
pub(super) fn request(random: &mut Random) -> Vec<u8> {
    let empty_lines: &[u8] = random.pick(&[b"", b"", b"", b"\r\n", b"\r\n\r\n"]);
    let (version, is_1_0): (&[u8], _) = match random.below(8) {
        0 => (b"HTTP/1.0", true),
        1 => (b"HTTP/1.7", false),
        _ => (b"HTTP/1.1", false),
    };
    let (method, target): (&[u8], &[u8]) = match random.below(10) {
        0 => (b"OPTIONS", b"*"),
        _ => (random.pick(&METHODS), random.pick(&TARGETS)),
    };
    let mut fields = Vec::new();
    if !is_1_0 || random.once_in(2) {
        let name: &[u8] = random.pick(&[b"Host: ", b"host:", b"HOST:\t"]);
        fields.push([name, random.pick(&HOSTS)].concat());
    }
    fields.extend((0..random.below(5)).map(|_| random.pick(&FIELDS).to_vec()));
    let (framing, body) = framing_and_body(is_1_0, random);
    if !framing.is_empty() {
        fields.insert(random.below(fields.len() + 1), framing);
    }
    fields.push(Vec::new());
    let fields = fields.join(&b"\r\n"[..]);
    let head = [empty_lines, method, b" ", target, b" ", version, b"\r\n", &fields, b"\r\n"];
    [head.concat(), body].concat()
}

/// A field line that says where the body ends, and the body.
fn framing_and_body(is_1_0: bool, random: &mut Random) -> (Vec<u8>, Vec<u8>) {
    match random.below(4) {
        0 => {
            let body = content(random);
            let name = ["Content-Length: ", "content-length:00", "CONTENT-LENGTH: \t"];
            (format!("{}{} ", random.pick(&name), body.len()).into(), body)
        }
        1 if !is_1_0 => {
            let name: &[u8] =
                random.pick(&[b"Transfer-Encoding: chunked", b"transfer-encoding:CHUNKED\t"]);
            (name.into(), chunked(random))
        }
        _ => (Vec::new(), Vec::new()),
    }
}

/// Bytes that look like what could stand around them.
fn content(random: &mut Random) -> Vec<u8> {
    let parts: [&[u8]; 9] = [
        b"a",
        b"hello",
        b"\r\n",
        b"0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\n",
        b"\0",
        b"\xFF",
        b"5",
    ];
    (0..random.below(6)).flat_map(|_| random.pick(&parts)).copied().collect()
}

/// A chunked body.
pub(super) fn chunked(random: &mut Random) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 0..random.below(4) {
        let mut data = content(random);
        data.push(b'x');
        let zeros = random.below(8);
        let size = if random.once_in(2) {
            format!("{:0zeros$x}", data.len())
        } else {
            format!("{:0zeros$X}", data.len())
        };
        body.extend([size.as_bytes(), extension(random), b"\r\n", &data, b"\r\n"].concat());
    }
    let last: &[u8] = random.pick(&[b"0", b"0", b"000", b"0000000000000000"]);
    let trailers: &[u8] =
        random.pick(&[b"", b"", b"A: b\r\n", b"A:\r\nContent-Length:\t9 \xFF\r\n"]);
    body.extend([last, extension(random), b"\r\n", trailers, b"\r\n"].concat());
    body
}

fn extension(random: &mut Random) -> &'static [u8] {
    random.pick(&[
        b"",
        b"",
        b";a",
        b" ;\ta = b",
        b";a=b;c=\"d\"",
        b";a=\"\" ; b",
        b";a=\"\\\"\\\\;\xFF\t \"",
    ])
}

/// An event stream. What is no field is none of its errors, so this has everything in it.
pub(super) fn stream(random: &mut Random) -> Vec<u8> {
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
    let separators: [&[u8]; 4] = [b":", b": ", b": ", b":  "];
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
    let ends: [&[u8]; 3] = [b"\n", b"\r", b"\r\n"];
    let start: &[u8] = random.pick(&[b"", b"\xEF\xBB\xBF", b"\r\n"]);
    let mut stream = start.to_vec();
    for _ in 0..random.below(30) {
        let name = random.pick(&names);
        stream.extend_from_slice(name);
        if !name.is_empty() && !random.once_in(8) {
            stream.extend_from_slice(random.pick(&separators));
            stream.extend_from_slice(random.pick(&values));
        }
        stream.extend_from_slice(random.pick(&ends));
    }
    stream
}

/// A script of what to send: a byte says what, then come texts, each with its length before it.
pub(super) fn script(random: &mut Random) -> Vec<u8> {
    let parts = [
        "\r", "\n", "\r\n", "\n\n", "\0", " ", ":", ": ", "\u{feff}", "data", "id: ", "event:",
        "\t", "a", "0", "é", "数", "🦀", "\u{2028}", "\u{85}",
    ];
    let breaks = 5;
    let text = |from: usize, random: &mut Random| {
        let length = [0, 1, 3, 12, 40][random.below(5)];
        let text: String = (0..length).map(|_| random.pick(&parts[from..])).collect();
        [&[text.len() as u8], text.as_bytes()].concat()
    };
    let mut script = Vec::new();
    for _ in 0..random.below(8) {
        let what = random.below(256) as u8;
        script.push(what);
        script.extend(text(0, random));
        for flag in [0x80, 0x40] {
            if what & flag != 0 && what % 8 > 1 {
                let from = if random.once_in(4) { 0 } else { breaks };
                script.extend(text(from, random));
            }
        }
        if what & 0x20 != 0 && what % 8 > 1 {
            let seconds = if random.once_in(2) { random.next() } else { random.below(9) as u64 };
            script.extend(seconds.to_be_bytes());
            script.extend((random.next() as u32).to_be_bytes());
        }
    }
    script
}
