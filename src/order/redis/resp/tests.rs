//! The parser, whole and in pieces.

use super::*;

/// A parser that is fed these pieces, and what ends it.
struct Fed<'a> {
    parser: Parser,
    pieces: Vec<&'a [u8]>,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    /// There are no more pieces.
    Dry,
    Fault(Fault),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<'a> Fed<'a> {
    fn new(longest_bulk: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut pieces: Vec<&[u8]> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        pieces.reverse();
        Self { parser: Parser::new(longest_bulk), pieces }
    }

    fn token(&mut self) -> Result<Token<Vec<u8>>, End> {
        let pieces = &mut self.pieces;
        let token = self.parser.token(&mut |room| fill(pieces, room))?;
        Ok(token.map(<[u8]>::to_vec))
    }

    fn reply(&mut self) -> Result<Reply, End> {
        let pieces = &mut self.pieces;
        self.parser.reply(&mut |room| fill(pieces, room))
    }

    fn all(mut self) -> (Vec<Token<Vec<u8>>>, End) {
        let mut tokens = Vec::new();
        loop {
            match self.token() {
                Ok(token) => tokens.push(token),
                Err(end) => return (tokens, end),
            }
        }
    }
}

fn fill(pieces: &mut Vec<&[u8]>, room: &mut [u8]) -> Result<usize, End> {
    let piece = pieces.pop().ok_or(End::Dry)?;
    let length = piece.len().min(room.len());
    room[..length].copy_from_slice(&piece[..length]);
    if length < piece.len() {
        pieces.push(&piece[length..]);
    }
    Ok(length)
}

fn tokens(bytes: &[u8]) -> (Vec<Token<Vec<u8>>>, End) {
    let whole = Fed::new(100, [bytes]).all();
    assert_eq!(Fed::new(100, bytes.chunks(1)).all(), whole, "{}", bytes.escape_ascii());
    whole
}

fn reply(bytes: &[u8]) -> Result<Reply, End> {
    Fed::new(LARGEST_REPLY, [bytes]).reply()
}

#[test]
fn a_command_is_an_array_of_bulks() {
    let mut out = b"before".to_vec();
    command(&mut out, &[b"XADD", b"", b"two\r\nlines"]);
    assert_eq!(out, b"before*3\r\n$4\r\nXADD\r\n$0\r\n\r\n$10\r\ntwo\r\nlines\r\n");
}

#[test]
fn each_kind_of_reply_is_a_token() {
    let bytes =
        b"+OK\r\n-ERR no\r\n:-7\r\n$0\r\n\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n+\r\n:1\r\n";
    let found = [
        Token::Simple(b"OK".to_vec()),
        Token::Error(b"ERR no".to_vec()),
        Token::Integer(-7),
        Token::Bulk(vec![]),
        Token::Bulk(b"a\r\n".to_vec()),
        Token::Null,
        Token::Null,
        Token::Array(0),
        Token::Array(2),
        Token::Simple(vec![]),
        Token::Integer(1),
    ];
    assert_eq!(tokens(bytes), (found.into(), End::Dry));
}

#[test]
fn what_is_no_resp2_is_a_fault() {
    for (bytes, why) in [
        (&b"HTTP/1.1 400 Bad Request\r\n"[..], "what was received is not Redis' protocol, RESP2"),
        (b"%1\r\n", "what was received is not Redis' protocol, RESP2"),
        (b"\r\n", "what was received is not Redis' protocol, RESP2"),
        (b"+a\rb\r\n", "a line does not end in CRLF"),
        (b"+a\nb\r\n", "a line does not end in CRLF"),
        (b":\r\n", "a number is none"),
        (b":+1\r\n", "a number is none"),
        (b":9223372036854775808\r\n", "a number is none"),
        (b"$ 1\r\n", "a number is none"),
        (b"$-2\r\n", "a length is negative"),
        (b"*-2\r\n", "a length is negative"),
        (b"*1048577\r\n", "an array has more than 1,048,576 elements"),
        (b"$1\r\nab\r\n", "a bulk does not end where its length says"),
        (
            b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
            "arrays are nested deeper than 8",
        ),
    ] {
        assert_eq!(tokens(bytes).1, End::Fault(Fault(why)), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_line_is_bounded_to_the_byte() {
    let line = |length: usize| [&b"+"[..], &vec![b'x'; length - 1], b"\r\n"].concat();
    assert_eq!(tokens(&line(LONGEST_LINE)).0.len(), 1);
    let fault = End::Fault(Fault("a line is longer than 64 KiB"));
    assert_eq!(tokens(&line(LONGEST_LINE + 1)).1, fault);
    assert_eq!(tokens(&vec![b'-'; LONGEST_LINE + 1]).1, fault);
}

#[test]
fn a_bulk_that_is_too_long_is_skipped_as_it_comes() {
    let bulk = |length: usize| {
        [format!("${length}\r\n").as_bytes(), &vec![b'x'; length], b"\r\n"].concat()
    };
    let bytes = [bulk(100), bulk(101), b"+OK\r\n".to_vec()].concat();
    let found = [Token::Bulk(vec![b'x'; 100]), Token::Oversized(101), Token::Simple(b"OK".into())];
    assert_eq!(tokens(&bytes), (found.into(), End::Dry));

    let (large, x) = (50_000_000, [b'x'; 10_000]);
    let head = format!("${large}\r\n").into_bytes();
    let pieces =
        [&head[..]].into_iter().chain((0..5000).map(|_| &x[..])).chain([&b"\r\n:1\r\n"[..]]);
    let mut fed = Fed::new(100, pieces);
    assert_eq!(fed.token(), Ok(Token::Oversized(large)));
    assert_eq!(fed.token(), Ok(Token::Integer(1)));
    assert_eq!(fed.parser.buffer.len(), READ);
}

#[test]
fn nothing_is_allocated_by_a_length_that_the_peer_names() {
    let mut fed = Fed::new(usize::MAX, [&b"*1048576\r\n$9000000000000000000\r\nxyz"[..]]);
    assert_eq!(fed.token(), Ok(Token::Array(LONGEST_ARRAY as usize)));
    assert_eq!(fed.token(), Err(End::Dry));
    assert_eq!(fed.parser.buffer.capacity(), READ);
    let mut fed = Fed::new(usize::MAX, [&b"*1048576\r\n:1\r\n"[..]]);
    assert_eq!(fed.reply(), Err(End::Dry));
}

#[test]
fn the_buffer_is_small_again_after_a_large_bulk() {
    let x = vec![b'x'; 1_000_000];
    let mut fed = Fed::new(1_000_000, [&b"$1000000\r\n"[..], &x, b"\r\n", b":1\r\n"]);
    assert_eq!(fed.token(), Ok(Token::Bulk(x.clone())));
    assert!(fed.parser.buffer.capacity() <= 2 * 1_048_576);
    assert_eq!(fed.token(), Ok(Token::Integer(1)));
    assert_eq!(fed.parser.buffer.capacity(), READ);
}

#[test]
fn a_reply_is_whole_after_its_last_token() {
    let mut fed = Fed::new(9, [&b"*2\r\n*1\r\n:1\r\n*1\r\n*0\r\n:2\r\n"[..]]);
    for is_whole in [false, false, false, false, true, true] {
        fed.token().unwrap();
        assert_eq!(fed.parser.is_whole(), is_whole);
    }
}

#[test]
fn a_short_reply_is_a_tree() {
    let bytes = b"*5\r\n+length\r\n:2\r\n$4\r\nlast\r\n*2\r\n$3\r\n1-2\r\n$-1\r\n-ERR \xFF\r\n";
    let last = Reply::Array(vec![Reply::Text(b"1-2"[..].into()), Reply::Null]);
    let tree = reply(bytes).unwrap();
    assert_eq!(tree.parts().len(), 5);
    assert_eq!(tree.parts()[4], Reply::Error("ERR \u{FFFD}".into()));
    assert_eq!(tree.value("length"), Some(&Reply::Integer(2)));
    assert_eq!(tree.value("last"), Some(&last));
    assert_eq!(tree.value("1-2"), None);
    assert_eq!(last.parts()[0].text(), Some("1-2"));
}

#[test]
fn what_is_too_large_for_a_tree_is_left_out_of_it() {
    let bulk = |length: usize| {
        [format!("${length}\r\n").as_bytes(), &vec![b'x'; length], b"\r\n"].concat()
    };
    // Text that is too long, in an entry that is otherwise short; and an entry of too many fields.
    let many = [&b"*100000\r\n"[..], &b"$1\r\na\r\n".repeat(100_000)].concat();
    for (part, length) in [(bulk(LARGEST_REPLY), LARGEST_REPLY), (many, 100_000)] {
        let tree = reply(&[&b"*3\r\n:1\r\n"[..], &part, b":2\r\n"].concat()).unwrap();
        let oversized = Reply::Oversized(length as u64);
        assert_eq!(tree, Reply::Array(vec![Reply::Integer(1), oversized, Reply::Integer(2)]));
    }
    // Errors are kept in part, and as many as there is room for.
    let errors =
        [&b"*10000\r\n"[..], &[&b"-ERR "[..], &[b'x'; 300], b"\r\n"].concat().repeat(10_000)];
    assert_eq!(reply(&errors.concat()), Ok(Reply::Oversized(10_000)));
    let one = [&b"-"[..], &[b'x'; 300], b"\r\n"].concat();
    assert_eq!(reply(&one), Ok(Reply::Error("x".repeat(LONGEST_ERROR).into())));
}
