//! Tests of blocks: their bytes written out, and every way to spoil them.

use std::time::Duration;

use super::*;
use crate::event::EventType;

const PLAIN: &str = "\
id: 1764314275000-17
channel: news
time: 1764314275123
data: hi
crc: d895c250

";

const FULL: &str = "\
id: 1764314275000-17
channel: news
time: 1764314275123
synced: 1764314275000-12
batch: 3
key: order 66
digest: 0123456789abcdef
event: report
retry: 3000
data: one
data:  two
data: 
crc: ac1a76d1

";

const ID: Id = Id { epoch: 1_764_314_275_000, sequence: 17 };

fn plain() -> Head<'static> {
    Head { id: ID, channel: "news", time: 1_764_314_275_123, synced: None, batch: None, key: None }
}

fn full() -> Head<'static> {
    Head {
        synced: Some(Id { sequence: 12, ..ID }),
        batch: Some(3),
        key: Some(("order 66", 0x0123_4567_89ab_cdef)),
        ..plain()
    }
}

fn full_event() -> Event {
    let event_type = EventType::new("report").unwrap();
    Event::new("one\n two\n").with_type(event_type).with_retry(Duration::from_secs(3))
}

fn encoded(head: &Head<'_>, event: &Event) -> String {
    let mut out = Vec::new();
    head.encode(event, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_block_has_these_bytes() {
    assert_eq!(encoded(&plain(), &Event::new("hi")), PLAIN);
    assert_eq!(encoded(&full(), &full_event()), FULL);
    // What is there already is not part of the sum.
    let mut out = b": tidings journal 1, after 0-0\n".to_vec();
    plain().encode(&Event::new("hi"), &mut out);
    assert!(out.ends_with(PLAIN.as_bytes()));
}

#[test]
fn a_block_is_read_as_it_was_written() {
    let block = Block::parse(PLAIN.as_bytes()).unwrap();
    assert_eq!((block.head, block.len), (plain(), PLAIN.len()));
    let block = Block::parse(FULL.as_bytes()).unwrap();
    assert_eq!((block.head, block.len), (full(), FULL.len()));
}

#[test]
fn what_a_stream_is_sent_is_the_event_with_its_id() {
    let two = [FULL, PLAIN].concat();
    let block = Block::parse(two.as_bytes()).unwrap();
    let content = [block.id_line, block.event, b"\n"].concat();
    let mut expected = Vec::new();
    full_event().encode_with(Some("1764314275000-17"), &mut expected);
    assert_eq!(String::from_utf8(content).unwrap(), String::from_utf8(expected).unwrap());
    assert_eq!(block.content_len(), block.id_line.len() + block.event.len() + 1);
}

#[test]
fn a_block_that_is_not_all_there_is_cut_at_every_byte() {
    for text in [PLAIN, FULL] {
        for len in 0..text.len() {
            assert_eq!(Block::parse(&text.as_bytes()[..len]), Err(Fault::Cut), "{len}");
        }
    }
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    for at in 0..FULL.len() {
        for other in [0, b'\n', b' ', b'0', b'x', 0xff] {
            let mut bytes = FULL.as_bytes().to_vec();
            if bytes[at] != other {
                bytes[at] = other;
                // The rest may look like the beginning of another block.
                bytes.extend_from_slice(b"id: ");
                assert!(Block::parse(&bytes).is_err(), "{at} as {other:#04x}");
            }
        }
    }
}

/// The fault of a block in which this is replaced, its sum being that of what it is then.
fn fault(from: &str, to: &str) -> Fault {
    assert!(FULL.contains(from));
    let (before, _) = FULL.split_once("crc: ").unwrap();
    let mut bytes = before.replacen(from, to, 1).into_bytes();
    let crc = crc32(&bytes);
    bytes.extend_from_slice(format!("crc: {crc:08x}\n\n").as_bytes());
    Block::parse(&bytes).unwrap_err()
}

#[test]
fn each_line_says_what_is_wrong_with_it() {
    assert_eq!(fault("id: 1764314275000-17\n", ""), Fault::Line(0));
    for id in ["", "17", "1-", "-1", "01-1", "1-01", "+1-1", "1-18446744073709551616", "1-1-1"] {
        assert_eq!(fault("1764314275000-17", id), Fault::Value(0, "id: "), "{id}");
    }
    assert_eq!(fault("channel: news\n", ""), Fault::Line(21));
    assert_eq!(fault("news", "ne\0ws"), Fault::Value(21, "channel: "));
    assert_eq!(fault("news", "ne\rws"), Fault::Value(21, "channel: "));
    assert_eq!(fault("time: 1764314275123\n", ""), Fault::Line(35));
    assert_eq!(fault("1764314275123", "-1"), Fault::Value(35, "time: "));
    assert_eq!(fault("batch: 3", "batch: three"), Fault::Value(80, "batch: "));
    assert_eq!(fault("batch: 3", "batch: 3\nbatch: 3"), Fault::Line(89));
    assert_eq!(fault("digest: 0123456789abcdef\n", ""), Fault::Line(103));
    assert_eq!(fault("0123456789abcdef", "0123456789ABCDEF"), Fault::Value(103, "digest: "));
    assert_eq!(fault("0123456789abcdef", "123"), Fault::Value(103, "digest: "));
    assert_eq!(fault("retry: 3000", "retry: soon"), Fault::Value(142, "retry: "));
    assert_eq!(fault("data: one\ndata:  two\ndata: \n", ""), Fault::Line(154));
    assert_eq!(fault("data: one", "data:one"), Fault::Line(154));
    assert_eq!(fault("data: \n", "data: \nevent: x\n"), Fault::Line(182));
}

#[test]
fn a_sum_that_is_another_is_told() {
    let bytes = PLAIN.replace("data: hi", "data: ho");
    let computed = crc32(bytes.split_once("crc: ").unwrap().0.as_bytes());
    let written = crc32(PLAIN.split_once("crc: ").unwrap().0.as_bytes());
    assert_eq!(Block::parse(bytes.as_bytes()), Err(Fault::Crc { written, computed }));
}

#[test]
fn lines_that_never_end_are_not_waited_for() {
    let long = |line: &str| {
        let (before, after) = FULL.split_once(line).unwrap();
        let (name, _) = line.split_once(' ').unwrap();
        [before, name, " ", &"1".repeat(2000), after].concat()
    };
    for line in ["id: 1764314275000-17", "channel: news", "time: 1764314275123", "batch: 3"] {
        assert_eq!(Block::parse(long(line).as_bytes()), Err(Fault::TooLarge), "{line}");
    }
    assert_eq!(Block::parse(long("key: order 66").as_bytes()), Err(Fault::TooLarge));
}

#[test]
fn what_is_larger_than_a_block_may_be_is_not_cut_but_too_large() {
    let (before, _) = PLAIN.split_once("hi").unwrap();
    let mut bytes = before.as_bytes().to_vec();
    bytes.resize(LARGEST, b'x');
    assert_eq!(Block::parse(&bytes), Err(Fault::Cut));
    bytes.push(b'x');
    assert_eq!(Block::parse(&bytes), Err(Fault::TooLarge));
}

#[test]
fn the_head_of_the_longest_fits() {
    let longest = Id { epoch: u64::MAX, sequence: u64::MAX };
    let (name, key) = ("n".repeat(LONGEST_NAME), "k".repeat(LONGEST_KEY));
    let head = Head {
        id: longest,
        channel: &name,
        time: u64::MAX,
        synced: Some(longest),
        batch: Some(u64::MAX),
        key: Some((&key, u64::MAX)),
    };
    let mut out = Vec::new();
    head.encode(&Event::new(""), &mut out);
    let (read, _, begin) = Head::parse(&out).unwrap();
    assert_eq!(read, head);
    assert!(begin <= LONGEST_HEAD, "{begin}");
    assert_eq!(Block::parse(&out).map(|block| block.len), Ok(out.len()));
}

#[test]
fn names_that_would_break_a_line_are_none() {
    assert!(is_name("news") && is_name("") && is_name("Grüße, Welt"));
    assert!(!is_name("a\nb") && !is_name("a\rb") && !is_name("a\0b"));
    assert!(is_name(&"n".repeat(LONGEST_NAME)) && !is_name(&"n".repeat(LONGEST_NAME + 1)));
}
