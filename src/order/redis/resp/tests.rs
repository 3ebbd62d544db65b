//! Replies, whole and in pieces.

use super::*;

/// Gives its bytes one at a time.
struct Dribble<'a>(&'a [u8]);

impl Read for Dribble<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let length = self.0.len().min(1);
        self.0.read(&mut room[..length])
    }
}

/// All the replies that there are, and what ends them.
fn replies(bytes: &[u8], most: usize) -> (Vec<Reply>, String) {
    fn all(mut from: Replies<impl Read>, most: usize) -> (Vec<Reply>, String) {
        let mut replies = Vec::new();
        loop {
            match from.reply(most) {
                Ok(reply) => replies.push(reply),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return (replies, end()),
                Err(error) => return (replies, error.to_string()),
            }
        }
    }
    let whole = all(Replies::new(bytes), most);
    assert_eq!(all(Replies::new(Dribble(bytes)), most), whole, "{}", bytes.escape_ascii());
    whole
}

fn end() -> String {
    "the end".into()
}

fn text(text: &str) -> Reply {
    Reply::Text(text.into())
}

fn bulk_of(length: usize) -> Vec<u8> {
    [format!("${length}\r\n").as_bytes(), &vec![b'x'; length], b"\r\n"].concat()
}

#[test]
fn a_command_is_an_array_of_bulks() {
    let mut out = b"before".to_vec();
    command(&mut out, &[b"XADD", b"", b"two\r\nlines"]);
    assert_eq!(out, b"before*3\r\n$4\r\nXADD\r\n$0\r\n\r\n$10\r\ntwo\r\nlines\r\n");
}

#[test]
fn each_kind_of_reply_is_read() {
    let bytes = b"+OK\r\n-ERR \xFF\r\n:-7\r\n\
        $0\r\n\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n+\r\n:1\r\n";
    let found = [
        text("OK"),
        Reply::Error("ERR \u{FFFD}".into()),
        Reply::Integer(-7),
        text(""),
        text("a\r\n"),
        Reply::Null,
        Reply::Null,
        Reply::Array(vec![]),
        Reply::Array(vec![text(""), Reply::Integer(1)]),
    ];
    assert_eq!(replies(bytes, 1000), (found.into(), end()));
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
        (b"$1\r\nab\r\n", "a bulk does not end where its length says"),
        (
            b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
            "arrays are nested deeper than 8",
        ),
    ] {
        assert_eq!(replies(bytes, 1000).1, why, "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_line_is_bounded_to_the_byte() {
    let line = |length: usize| [&b"+"[..], &vec![b'x'; length - 1], b"\r\n"].concat();
    assert_eq!(replies(&line(LONGEST_LINE), LONGEST_LINE).0.len(), 1);
    let fault = "a line is longer than 64 KiB";
    assert_eq!(replies(&line(LONGEST_LINE + 1), LONGEST_LINE).1, fault);
    assert_eq!(replies(&vec![b'-'; LONGEST_LINE + 2], LONGEST_LINE).1, fault);
}

#[test]
fn what_is_too_large_is_left_out_as_it_comes() {
    let bytes = [bulk_of(100), bulk_of(101), b"+OK\r\n".to_vec()].concat();
    let found = [Reply::Text(vec![b'x'; 100]), Reply::Oversized, text("OK")];
    assert_eq!(replies(&bytes, 100), (found.into(), end()));

    // A text that is too long, and an entry of too many fields, in an array that is kept.
    let most = 64 * 1024;
    let many = [&b"*100000\r\n"[..], &b"$1\r\na\r\n".repeat(100_000)].concat();
    for part in [bulk_of(most), many] {
        let tree = replies(&[&b"*3\r\n:1\r\n"[..], &part, b":2\r\n"].concat(), most);
        let parts = vec![Reply::Integer(1), Reply::Oversized, Reply::Integer(2)];
        assert_eq!(tree, (vec![Reply::Array(parts)], end()));
    }

    // Errors are kept in part, and as many as there is room for.
    let error = [&b"-ERR "[..], &[b'x'; 300], b"\r\n"].concat();
    let kept = Reply::Error(format!("ERR {}", "x".repeat(LONGEST_ERROR - 4)));
    assert_eq!(replies(&error, LONGEST_ERROR), (vec![kept], end()));
    let errors = [&b"*1000\r\n"[..], &error.repeat(1000)].concat();
    assert_eq!(replies(&errors, most), (vec![Reply::Oversized], end()));
}

#[test]
fn what_is_in_an_array_leaves_room_for_what_follows_it() {
    let most = 1024;
    for length in 0..most {
        let entry = [b"*2\r\n$3\r\n1-0\r\n*2\r\n+d\r\n", &*bulk_of(length)].concat();
        let bytes = [b"*4\r\n+first\r\n", &*entry, b"+last\r\n", &entry].concat();
        let (found, _) = replies(&bytes, most);
        assert_eq!(found[0].parts().len(), 4, "with {length} bytes");
    }
}

#[test]
fn nothing_is_allocated_by_a_length_that_the_peer_names() {
    let bytes = b"*9000000000000000000\r\n$9000000000000000000\r\nxyz";
    assert_eq!(replies(bytes, usize::MAX), (vec![], end()));
    assert_eq!(replies(bytes, 1000), (vec![], end()));
}

#[test]
fn a_large_array_is_read_one_reply_after_the_other() {
    let mut from = Replies::new(&b"*2\r\n:1\r\n$1\r\na\r\n*-1\r\n"[..]);
    assert_eq!(from.head().unwrap(), Head::Array(2));
    assert_eq!(from.reply(0).unwrap(), Reply::Integer(1));
    assert_eq!(from.reply(1).unwrap(), text("a"));
    assert_eq!(from.head().unwrap(), Head::Whole(Reply::Null));
}

#[test]
fn a_reply_gives_what_follows_a_name() {
    let last = Reply::Array(vec![text("1-2"), Reply::Null]);
    let tree = Reply::Array(vec![text("length"), Reply::Integer(2), text("last"), last.clone()]);
    assert_eq!(tree.value("length"), Some(&Reply::Integer(2)));
    assert_eq!(tree.value("last"), Some(&last));
    assert_eq!(tree.value("1-2"), None);
    assert_eq!((last.parts()[0].text(), tree.parts().len(), tree.len()), (Some("1-2"), 4, 13));
}
