//! Pieces are the server's chunks, however the reads were split.

use super::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nSet-Cookie: k=secret\r\n";

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn open(after: u64, status: u16, content_type: &str) -> Entry {
    let status = tidings::Status::new(status).expect("a status");
    let response = Some(Head { status, content_type: content_type.into(), location: None });
    Entry::Open { after: millis(after), response }
}

fn read(after: u64, bytes: &str) -> Entry {
    Entry::Read { after: millis(after), bytes: bytes.into() }
}

fn end(after: u64, how: End) -> Entry {
    Entry::End { after: millis(after), how }
}

/// The request at 10 ms and each read a millisecond later than the one before; how it ended is
/// known a millisecond after the last.
fn entries<B: AsRef<[u8]>>(reads: &[B], how: Option<End>) -> Vec<Entry> {
    let mut pieces = Pieces::default();
    pieces.connected(millis(7));
    pieces.sent(millis(10));
    let mut now = 10;
    for bytes in reads {
        now += 1;
        pieces.received(bytes.as_ref(), millis(now));
    }
    match how {
        Some(how) => pieces.end(how, millis(now + 1)),
        None => pieces.ended(millis(now + 1)),
    }
    pieces.take()
}

#[test]
fn each_chunk_is_a_piece_with_the_time_of_its_last_byte() {
    let head = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\ndata");
    let reads = [&*head, ": a\n\n", "\r\n9;x=1\r\ndata: b\n\n\r\n2\r\n:\n\r\n0\r\n", "\r\n"];
    let expected = [
        open(1, 200, "text/event-stream"),
        read(1, "data: a\n\n"),
        read(1, "data: b\n\n"),
        read(0, ":\n"),
        end(1, End::Close),
    ];
    assert_eq!(entries(&reads, None), expected);
}

#[test]
fn pieces_are_the_same_however_the_reads_are_split() {
    let whole = format!(
        "{HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n4\r\ndata\r\n3\r\n: b"
    );
    let bare = |entries: Vec<Entry>| -> Vec<_> {
        let bytes = entries.into_iter().filter_map(|entry| match entry {
            Entry::Read { bytes, .. } => Some(bytes),
            _ => None,
        });
        bytes.collect()
    };
    let expected = [b"data: a\n\n".to_vec(), b"data".to_vec(), b": b".to_vec()];
    for step in 1..=whole.len() {
        let reads: Vec<_> = whole.as_bytes().chunks(step).collect();
        assert_eq!(bare(entries(&reads, None)), expected, "{step}");
    }
}

#[test]
fn without_chunks_each_read_is_a_piece() {
    let head = format!("{}\r\n:x\n", HEAD.replace("1.1", "1.0"));
    let expected = [
        open(1, 200, "text/event-stream"),
        read(0, ":x\n"),
        read(1, "data: a"),
        read(1, "\n\n"),
        end(1, End::Close),
    ];
    assert_eq!(entries(&[&*head, "data: a", "\n\n"], None), expected);
    // However little it was.
    let expected = [
        open(1, 200, "text/event-stream"),
        read(0, ":x\n"),
        read(1, "data\n"),
        read(1, "\n"),
        end(1, End::Close),
    ];
    assert_eq!(entries(&[&*head, "data\n", "\n"], None), expected);
    let head = format!("{HEAD}Content-Length: 4\r\n\r\n");
    let expected = [open(1, 200, "text/event-stream"), read(1, ":x\n\n"), end(0, End::Close)];
    assert_eq!(entries(&[&*head, ":x\n\nbehind"], None), expected);
}

#[test]
fn how_it_ended_is_told_once() {
    let chunked = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\ndata");
    let opened = open(1, 200, "text/event-stream");
    for (how, told) in
        [(None, End::Cut), (Some(End::Reset), End::Reset), (Some(End::Left), End::Left)]
    {
        let expected = [opened.clone(), read(0, "data"), end(1, told)];
        assert_eq!(entries(&[&chunked], how), expected);
    }
    let no_content = ["HTTP/1.1 204 No Content\r\n\r\n"];
    assert_eq!(entries(&no_content, None), [open(1, 204, ""), end(0, End::Close)]);
}

#[test]
fn a_connection_without_a_head_has_no_response() {
    let none = Entry::Open { after: millis(2), response: None };
    assert_eq!(entries(&["HTTP/1.1 200"], None), [none.clone(), end(0, End::Cut)]);
    assert_eq!(entries(&["nonsense\r\n\r\n"], Some(End::Left)), [none, end(0, End::Left)]);
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(entries(&[interim], None), [open(1, 204, ""), end(0, End::Close)]);
}

#[test]
fn a_redirect_is_not_recorded_and_what_is_none_is() {
    let there = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /there?key=secret\r\n\r\n<p>";
    assert_eq!(entries(&[there], None), []);
    let nowhere = "HTTP/1.1 307 Temporary Redirect\r\n\r\n";
    assert_eq!(entries(&[nowhere], None), [open(1, 307, ""), end(1, End::Close)]);
}

#[test]
fn a_content_type_is_made_visible() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\xff;\t charset=x\r\n\r\n";
    assert_eq!(entries(&[head], None)[0], open(1, 200, "text/html ; charset=x"));
    let secret = b"HTTP/1.1 200 OK\r\nContent-Type: a/b; k=secret\r\n\r\n";
    assert_eq!(entries(&[secret], None)[0], open(1, 200, "a/b"));
}

#[test]
fn row_46_a_content_type_that_is_told_twice_alike_is_recorded_once() {
    let head = b"HTTP/1.1 200 OK\nContent-Type: text/event-stream, text/event-stream\n\n";
    assert_eq!(entries(&[head], None)[0], open(1, 200, "text/event-stream"));
    let other = b"HTTP/1.1 200 OK\nContent-Type: text/event-stream, text/html\n\n";
    assert_eq!(entries(&[other], None)[0], open(1, 200, "text/html"));
}

#[test]
fn what_breaks_the_rules_of_chunks_ends_the_pieces() {
    let broken = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\n:\n\r\nx\r\n:\n");
    let expected = [open(1, 200, "text/event-stream"), read(0, ":\n"), end(1, End::Left)];
    assert_eq!(entries(&[&broken], Some(End::Left)), expected);
}

#[test]
fn a_chunk_that_is_larger_than_what_is_kept_is_several_pieces() {
    let size = LONGEST_PIECE + 5;
    let head = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n");
    let chunk = format!("{}\r\n0\r\n\r\n", ":".repeat(size));
    let lengths: Vec<_> = entries(&[head, chunk], None)
        .into_iter()
        .map(|entry| if let Entry::Read { bytes, .. } = entry { bytes.len() } else { 0 })
        .collect();
    assert_eq!(lengths, [0, LONGEST_PIECE, 5, 0]);
}
