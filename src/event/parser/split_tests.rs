//! Splits of the bytes don't matter. That what was encoded comes back is a property of `fuzz`.

use super::tests::{parse, parse_pieces};

/// Streams in which every rule of the parser has its turn.
const CORPUS: [&[u8]; 12] = [
    b"",
    b"data: a\n\n",
    b"data: a\r\n\r\ndata: b\r\rdata: c\n\n",
    b"\xef\xbb\xbfdata: a\n\n",
    b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n",
    b"\xef\xbb\xbf\r\ndata:\xef\xbb\xbf\r\n\r\n",
    b"\xef\xbbdata: a\n\ndata: b\n\n",
    b"id: 1\r\nevent: x\r\nretry: 20\r\ndata: a\r\ndata:b\r\n\r\n: c\r\nid\r\ndata\r\n\r\n",
    b"id: 1\r\r\n\r\ndata: a\n\r\n\r\rdata\n\rid: \0\rdata: 2\r\r",
    "data: größe 数 🦀\nevent: é\nid: ü\n\ndata: 🦀\r\r".as_bytes(),
    b"data: \xf0\x9f\xa6\ndata:\xe2\x82\rid:\xff\r\n\r\ndata\xc3\ndata\xc3:\n\n",
    b"data: a\nunknown\n:\n data: b\nretry: x\nretry: 7\n\ndata: unfinished\nid: 9",
];

#[test]
fn row_25_byte_by_byte_and_every_split_in_two_give_what_the_whole_gives() {
    for stream in CORPUS {
        let whole = parse(stream);
        assert_eq!(parse_pieces(stream.chunks(1)), whole, "{:?}", stream.escape_ascii());
        for at in 0..=stream.len() {
            let (first, second) = stream.split_at(at);
            assert_eq!(parse_pieces([first, second]), whole, "{:?} at {at}", stream.escape_ascii());
        }
    }
}
