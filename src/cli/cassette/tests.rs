//! Cassettes byte by byte, and that everything comes back, however it was split.

use tidings::{MessageEvent, Parser};

use super::read::{Flaw, Reading};
use super::*;
use crate::cli::seeded::Random;

fn write(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut recorder = Recorder::begin(&[], &mut out);
    entries.iter().for_each(|entry| recorder.take(entry, &mut out));
    recorder.finish(&mut out);
    out
}

/// What a cassette contains that was not broken off.
fn read_whole(cassette: &[u8]) -> Vec<Entry> {
    let Reading { entries, broken_off } =
        read(cassette).unwrap_or_else(|flaw| panic!("{flaw:?} in {}", cassette.escape_ascii()));
    assert_eq!(broken_off, None, "{}", cassette.escape_ascii());
    entries
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn response(status: u16, content_type: &str) -> Option<Head> {
    let status = Status::new(status).expect("a status");
    Some(Head { status, content_type: content_type.into(), location: None })
}

fn open() -> Entry {
    Entry::Open { after: millis(1), response: response(200, "text/event-stream") }
}

fn piece(after: u64, bytes: impl AsRef<[u8]>) -> Entry {
    Entry::Read { after: millis(after), bytes: bytes.as_ref().to_vec() }
}

fn end(how: End) -> Entry {
    Entry::End { after: millis(2), how }
}

/// The events that a client sees: what a connection left unfinished is dropped.
fn events(entries: &[Entry]) -> Vec<MessageEvent> {
    let mut parser = Parser::new();
    let mut is_stream = false;
    for entry in entries {
        match entry {
            Entry::Open { response, .. } => {
                parser.start_over();
                is_stream = response.as_ref().is_some_and(Head::is_event_stream);
            }
            Entry::Read { bytes, .. } if is_stream => parser.feed(bytes).expect("short lines"),
            Entry::Read { .. } | Entry::End { .. } => {}
        }
    }
    parser.drain().collect()
}

/// The events of the cassette itself, as a client of event streams reads them.
fn events_of_file(cassette: &[u8]) -> Vec<MessageEvent> {
    let mut parser = Parser::new();
    parser.feed(cassette).expect("short lines");
    parser.drain().collect()
}

#[track_caller]
fn comes_back(entries: &[Entry]) -> Vec<u8> {
    let cassette = write(entries);
    let shown = cassette.escape_ascii();
    assert_eq!(read_whole(&cassette), entries, "{shown}");
    assert_eq!(events_of_file(&cassette), events(entries), "{shown}");
    cassette
}

#[test]
fn a_cassette_is_the_stream_with_comments() {
    let entries = [
        open(),
        piece(12, "data: a\n\n"),
        piece(3, "data"),
        piece(0, ": b\n\n"),
        piece(1000, b"data: c\n\ndata: \xc3"),
        end(End::Cut),
        Entry::Open { after: millis(2), response: response(204, "") },
        end(End::Close),
    ];
    let expected = ": tidings cassette 1\n\
        : open +1ms 200 text/event-stream\n\
        : read +12ms 9\n\
        data: a\n\
        \n\
        : part +3ms 4\n\
        : read +0ms 5\n\
        data: b\n\
        \n\
        : read +1s 9\n\
        data: c\n\
        \n\
        : part on 7\n\
        : rest data: \\xc3\n\
        : end +2ms cut\n\
        : open +2ms 204\n\
        : end +2ms close\n";
    assert_eq!(String::from_utf8(comes_back(&entries)).unwrap(), expected);
}

#[test]
fn what_looks_like_a_line_of_the_cassette_is_only_bytes_of_the_stream() {
    comes_back(&[
        open(),
        piece(1, ": read +1ms 5\n"),
        piece(1, ": end +1ms close\n\n: tidings cassette 1\n: bom\n"),
        piece(1, ": rest x"),
        end(End::Reset),
    ]);
}

#[test]
fn an_unfinished_event_does_not_join_the_next_connections_first() {
    let entries = [
        open(),
        piece(1, "id: 1\ndata: a\n\nid: 2\ndata: unfinished\n"),
        end(End::Cut),
        open(),
        piece(1, "data: b\n\n"),
    ];
    comes_back(&entries);
    let seen = events(&entries).into_iter().map(|event| (event.data, event.last_event_id));
    assert_eq!(seen.collect::<Vec<_>>(), [("a".into(), "1".into()), ("b".into(), "1".into())]);
}

#[test]
fn what_no_client_reads_events_out_of_has_none_in_the_cassette() {
    for response in
        [response(503, "text/event-stream"), response(200, "text/html"), response(200, "")]
    {
        comes_back(&[Entry::Open { after: millis(0), response }, piece(1, "data: a\n\n")]);
    }
    comes_back(&[Entry::Open { after: millis(0), response: None }, end(End::Reset)]);
    let charset = response(200, "Text/Event-Stream; charset=utf-8");
    let entries = [Entry::Open { after: millis(0), response: charset }, piece(1, "data: a\n\n")];
    comes_back(&entries);
    assert_eq!(events(&entries).len(), 1);
}

#[test]
fn a_byte_order_mark_is_one_again_at_the_start_of_its_stream_alone() {
    let mark = "\u{feff}";
    for stream in ["data: a\n\n", "\ndata: a\n\n", ": x\n\ndata: a\n\n", "\u{feff}data: a\n\n"] {
        let whole = format!("{mark}{stream}");
        comes_back(&[open(), piece(1, &whole), piece(1, &whole)]);
        let bytes = whole.as_bytes();
        comes_back(&[open(), piece(1, &bytes[..2]), piece(1, &bytes[2..]), end(End::Left)]);
    }
    comes_back(&[open(), piece(1, mark), end(End::Cut)]);
    comes_back(&[open(), piece(1, &mark.as_bytes()[..2]), piece(1, "\n\n")]);
}

#[test]
fn times_do_not_drift_and_a_piece_without_bytes_is_none() {
    let read = |nanos, bytes: &str| Entry::Read {
        after: Duration::from_nanos(nanos),
        bytes: bytes.into(),
    };
    let cassette = write(&[open(), read(1_400, ":\n"), read(600, ""), read(700, ":\n")]);
    let expected = [
        open(),
        Entry::Read { after: Duration::from_micros(1), bytes: ":\n".into() },
        Entry::Read { after: Duration::from_micros(1), bytes: ":\n".into() },
    ];
    assert_eq!(read_whole(&cassette), expected);
}

#[test]
fn about_says_where_a_cassette_is_from_in_one_line() {
    let mut out = Vec::new();
    Recorder::begin(&["GET /\r\ndata: x".into()], &mut out);
    assert_eq!(out, b": tidings cassette 1\n: about GET /  data: x\n");
    assert_eq!(read_whole(&out), []);
}

#[test]
fn a_flaw_is_told_with_its_line() {
    let flaw = |text: &str| {
        let cassette = format!(": tidings cassette 1\n{text}");
        let Flaw { line, what } = super::read(cassette.as_bytes()).expect_err("it is wrong");
        format!("{line}: {what}")
    };
    let open = ": open +0ms 200 text/event-stream\n";
    let misplaced = "a location must stand directly after the status";
    let edited = "has it been edited, or its line ends been changed?";
    for (text, said) in [
        (": read +1ms 3\n".into(), "2: ': open' must come before this".into()),
        (format!("{open}: read 1ms 3\n"), "3: a time such as +12ms was expected here".into()),
        (format!("{open}: read +1ms 0\n"), "3: a number of bytes was expected here".into()),
        (
            format!("{open}: bom\n: read +1ms 2\n"),
            "4: the byte order mark alone has more than 2".into(),
        ),
        (
            format!("{open}: read +1ms 3\na\n\n\n: end +0ms cut\n"),
            format!("6: a line of the cassette was expected here: {edited}"),
        ),
        (
            format!("{open}: part +1ms 3\n: rest a\n: end +0ms cut\n"),
            "5: 3 bytes should stand before this".into(),
        ),
        (
            format!("{open}: part +1ms 3\n: rest \\q\n"),
            "4: this is not escaped as it must be".into(),
        ),
        (
            format!("{open}: end +1ms gone\n"),
            "3: how it ended must be close, cut, reset, stall or left".into(),
        ),
        (
            format!("{open}: wait 1s\n"),
            "3: unexpected word: a cassette has about, open, location, \
             bom, part, read, rest and end"
                .into(),
        ),
        (
            ": open +1ms 100\n".into(),
            "2: a status and perhaps a content type were expected here".into(),
        ),
        (": open +0ms\n: location /\n".into(), format!("3: {misplaced}")),
        (format!("{open}: location /\n: location /\n"), format!("4: {misplaced}")),
        (format!("{open}: read +1ms 1\n\n: location /\n"), format!("5: {misplaced}")),
        (format!("{open}: location é\n"), "3: visible ASCII was expected here".into()),
        (format!("{open}: read on 3\na\n\n"), "5: there is no piece that could go on".into()),
    ] {
        assert_eq!(flaw(&text), said, "{text:?}");
    }
}

#[test]
fn what_the_file_does_not_contain_to_its_end_was_not_recorded() {
    let begin = ": tidings cassette 1\n: open +1ms 200 text/event-stream\n: read +1ms 2\n\n\n";
    let whole = read_whole(begin.as_bytes());
    for torn in [
        ": read +1ms 9\ndata: a\n",
        ": read +1ms 9",
        ": part +1ms 1\n",
        ": part +1ms 1\n: read +1ms 5\ndata",
        ": part +1ms 3\n: rest \\x0",
        ": part +1ms 3\n: rest ab\n",
        ": end",
        ":",
        ": part +0ms 18446744073709551615\n: read +0ms 9\n",
    ] {
        let read = read(format!("{begin}{torn}").as_bytes());
        assert_eq!(read, Ok(Reading { entries: whole.clone(), broken_off: Some(6) }), "{torn:?}");
    }
}

#[test]
fn a_recording_that_is_broken_off_anywhere_lacks_its_last_group_alone() {
    let mut random = Random::new(7);
    for _ in 0..20 {
        let cassette = write(&random_entries(&mut random));
        let whole = read_whole(&cassette);
        let mut before = 0;
        for length in FIRST_LINE.len()..=cassette.len() {
            let mut entries = read(&cassette[..length]).expect("it was not edited").entries;
            assert!(entries.len() >= before, "{}", cassette[..length].escape_ascii());
            before = entries.len();
            // What is left of the last piece is in the next group, and a location in the next line.
            match (entries.last_mut(), before.checked_sub(1).map(|last| &whole[last])) {
                (Some(Entry::Read { bytes, .. }), Some(Entry::Read { bytes: all, .. })) => {
                    assert!(all.starts_with(bytes));
                    bytes.clone_from(all);
                }
                (Some(last @ Entry::Open { .. }), Some(open)) => last.clone_from(open),
                _ => {}
            }
            assert_eq!(entries, whole[..before]);
        }
    }
}

/// What streams are made of; each stands for a way to go wrong.
const ALPHABET: [&[u8]; 22] = [
    b"\n",
    b"\n",
    b"\n\n",
    b"\r",
    b"\r\n",
    b"\r\n\r\n",
    b":",
    b": read +1ms 3\n",
    b"data: a",
    b"data",
    b"data:b\n\n",
    b"id: 1\n",
    b"id",
    b"event: x\n",
    b"retry: 5\n",
    b"\xef\xbb\xbf",
    b"\xef",
    b"\xff",
    b"\xc3\xa9",
    b"\xf0\x9f\xa6\x80",
    b"\0",
    b": end +0ms cut\n",
];

fn random_stream(random: &mut Random) -> Vec<u8> {
    (0..random.below(40)).flat_map(|_| random.pick(&ALPHABET)).copied().collect()
}

fn random_entries(random: &mut Random) -> Vec<Entry> {
    let mut entries = Vec::new();
    for _ in 0..=random.below(4) {
        let moved = Head {
            status: Status::FOUND,
            content_type: String::new(),
            location: Some("http://a.example/b c".into()),
        };
        let stream = response(200, "text/event-stream");
        let responses = [stream, response(503, "text/plain"), None, Some(moved)];
        let response = responses[[0, 0, 0, 0, 1, 2, 3][random.below(7)]].clone();
        entries.push(Entry::Open { after: millis(random.next() % 5), response });
        let stream = random_stream(random);
        let mut rest = stream.as_slice();
        while !rest.is_empty() {
            let longest = random.pick(&[1, 3, 20]);
            let (bytes, further) = rest.split_at(rest.len().min(1 + random.below(longest)));
            let after = Duration::from_micros(random.next() % 3_000_000);
            entries.push(Entry::Read { after, bytes: bytes.to_vec() });
            rest = further;
        }
        let (_, how) = random.pick(&End::ALL);
        entries.push(end(how));
    }
    if random.one_in(3) {
        entries.pop();
    }
    entries
}

#[test]
fn random_recordings_come_back_with_the_same_events_and_borders() {
    let mut random = Random::new(5);
    for _ in 0..3_000 {
        comes_back(&random_entries(&mut random));
    }
}

#[test]
fn a_cassette_that_is_damaged_is_read_or_refused_and_nothing_else() {
    let mut random = Random::new(6);
    let mut refused = 0;
    for _ in 0..3_000 {
        let mut cassette = write(&random_entries(&mut random));
        let at = random.below(cassette.len());
        match random.below(2) {
            0 => cassette[at] = random.pick(b"\n\r:+ 9x"),
            _ => drop(cassette.remove(at)),
        }
        refused += usize::from(super::read(&cassette).is_err());
    }
    assert!(refused > 1_000, "{refused}");
}
