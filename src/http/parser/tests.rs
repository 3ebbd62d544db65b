//! Tests of line ends, limits, and the one promise of the parser: splits don't matter.

use super::*;
use crate::http::support::{head, parse, refused, with_fields};

/// What comes of `bytes` when they arrive in pieces that end at these places: the target and the
/// number of bytes taken, or the refusal, or nothing yet.
type Outcome = Result<Option<(String, Vec<(String, Vec<u8>)>, usize)>, Refusal>;

fn outcome(limits: &Limits, bytes: &[u8], ends: impl IntoIterator<Item = usize>) -> Outcome {
    let mut parser = HeadParser::new(limits);
    for end in ends {
        if let Some((head, consumed)) = parser.parse(&bytes[..end])? {
            let fields = head.fields().map(|(name, value)| (name.to_owned(), value.to_vec()));
            return Ok(Some((head.target().to_owned(), fields.collect(), consumed)));
        }
    }
    Ok(None)
}

fn corpus() -> Vec<Vec<u8>> {
    let mut corpus: Vec<Vec<u8>> = [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\n"[..],
        b"\r\n\r\nGET /a?b HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nX:\r\n\r\n",
        b"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\r\nGET / HTTP/1.1\r\n\r\n",
        b" GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n",
        b"GET / HTTP/1.1\rHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"BREW / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\nx",
    ]
    .map(<[u8]>::to_vec)
    .into();
    // Around each limit of `small_limits`, good and bad, ended and not.
    for length in 25..36 {
        let path = "p".repeat(length - 14);
        corpus.push(format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes());
        corpus.push(format!("GET /{path} HTTP/9.1\n").into_bytes());
        corpus.push("g".repeat(length).into_bytes());
    }
    for length in 30..45 {
        let value = "v".repeat(length - 14);
        for end in ["\r\n\r\n", "\n", "\r\n\n", "\0\r\n\r\n", "\r\nA: b\r\n\r\n", "\r\n\rX", ""] {
            corpus.push(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {value}{end}").into_bytes());
        }
    }
    for lines in 1..5 {
        let fields = "A:\r\n".repeat(lines);
        corpus.push(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes());
        corpus.push(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}bad\r\n").into_bytes());
    }
    corpus
}

fn small_limits() -> Limits {
    Limits::default().request_line(30).field_section(40).field_lines(4)
}

#[test]
fn any_split_gives_the_same_as_one_piece() {
    for limits in [Limits::default(), small_limits()] {
        for bytes in corpus() {
            let whole = outcome(&limits, &bytes, [bytes.len()]);
            for at in 0..bytes.len() {
                let split = outcome(&limits, &bytes, [at, bytes.len()]);
                assert_eq!(split, whole, "{} at {at}", bytes.escape_ascii());
            }
            let single = outcome(&limits, &bytes, 0..=bytes.len());
            assert_eq!(single, whole, "{} byte by byte", bytes.escape_ascii());
        }
    }
}

#[test]
fn the_small_limits_of_the_corpus_are_met_and_passed() {
    let statuses: Vec<_> = corpus()
        .iter()
        .map(|bytes| outcome(&small_limits(), bytes, [bytes.len()]))
        .map(|outcome| {
            outcome.map(|head| head.is_some()).map_err(|refusal| refusal.status().code())
        })
        .collect();
    for expected in [Ok(true), Ok(false), Err(400), Err(414), Err(431), Err(501), Err(505)] {
        assert!(statuses.contains(&expected), "{expected:?}");
    }
}

#[test]
fn row_1_a_line_ends_in_crlf_and_in_nothing_else() {
    assert_eq!(refused(b"GET / HTTP/1.1\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a\r\n\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\rHost: a\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"), 400);
}

#[test]
fn row_1_two_empty_lines_before_a_request_line_are_passed_over_and_no_third() {
    for empty in ["", "\r\n", "\r\n\r\n"] {
        head(format!("{empty}GET / HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    }
    assert_eq!(refused(b"\r\n\r\n\r\n"), 400);
    assert_eq!(refused(b"\n"), 400);
    assert_eq!(refused(b"\rG"), 400);
}

#[test]
fn row_1_a_bad_beginning_is_refused_with_what_is_wrong_about_it() {
    for (bytes, wrong) in [
        (&b"\r\n\r\n\r\n"[..], "not with empty lines"),
        (b"\r\n\r\n\r\nGET", "not with empty lines"),
        (b"\rG", "a CR must be followed by LF"),
        (b"\r\n\r\r", "a CR must be followed by LF"),
        (b"\n", "not in LF alone"),
        (b"\r\n\nG", "not in LF alone"),
        (b"\x16\x03", "without TLS"),
    ] {
        let refusal = parse(bytes).expect_err("a bad beginning");
        assert!(refusal.why().contains(wrong), "{}: {refusal}", bytes.escape_ascii());
    }
}

#[test]
fn a_first_byte_that_begins_no_method_is_refused_at_once() {
    assert_eq!(refused(b"\x16"), 400);
    assert_eq!(refused(b" "), 400);
    assert_eq!(refused(b"\0"), 400);
    assert_eq!(refused(b"\r\n\r\n\x80"), 400);
}

#[test]
fn row_9_white_space_before_the_first_field_is_refused() {
    assert_eq!(refused(b"GET / HTTP/1.1\r\n Host: a\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\n \r\n"), 400);
}

#[test]
fn row_9_a_folded_line_is_refused() {
    assert_eq!(refused(&with_fields(b"X: a\r\n b\r\n")), 400);
    assert_eq!(refused(&with_fields(b"X: a\r\n\tb\r\n")), 400);
    assert_eq!(refused(&with_fields(b"X: a\r\n \r\n")), 400);
}

#[test]
fn row_19_what_is_pipelined_is_left_in_the_input() {
    let bytes = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\nrest";
    let mut parser = HeadParser::new(&Limits::default());
    let (first, consumed) = parser.parse(bytes).expect("valid").expect("whole");
    assert_eq!((first.path(), consumed), ("/a", 28));
    assert!(!parser.started());
    let (second, more) = parser.parse(&bytes[consumed..]).expect("valid").expect("whole");
    assert_eq!((second.path(), more), ("/b", 30));
    assert_eq!(&bytes[consumed + more..], b"rest");
}

#[test]
fn a_head_has_started_with_the_first_byte_of_its_method() {
    let mut parser = HeadParser::new(&Limits::default());
    for (input, started) in [
        (&b""[..], false),
        (b"\r", false),
        (b"\r\n", false),
        (b"\r\n\r", false),
        (b"\r\n\r\nG", true),
    ] {
        assert_eq!(parser.parse(input).expect("valid").map(|(_, consumed)| consumed), None);
        assert_eq!(parser.started(), started, "{}", input.escape_ascii());
    }
}

#[test]
fn a_long_request_line_is_414_as_soon_as_it_is_too_long() {
    let limits = Limits::default();
    let line = |length: usize| format!("GET /{} HTTP/1.1", "a".repeat(length - 14));
    let longest = format!("{}\r\nHost: a\r\n\r\n", line(limits.request_line));
    head(longest.as_bytes());
    let longer = format!("{}\r\nHost: a\r\n\r\n", line(limits.request_line + 1));
    assert_eq!(refused(longer.as_bytes()), 414);
    assert_eq!(refused(line(limits.request_line + 2).as_bytes()), 414);
}

#[test]
fn long_field_lines_are_431_as_soon_as_they_are_too_long() {
    let limits = Limits::default();
    let fields = |length: usize| format!("Host: a\r\nX: {}\r\n", "v".repeat(length - 14));
    let request = |length: usize| format!("GET / HTTP/1.1\r\n{}\r\n", fields(length));
    head(request(limits.field_section).as_bytes());
    assert_eq!(refused(request(limits.field_section + 1).as_bytes()), 431);
    let unended = &request(limits.field_section + 4)[..16 + limits.field_section];
    assert_eq!(refused(unended.as_bytes()), 431);
}

#[test]
fn many_field_lines_are_431() {
    let request = |lines: usize| with_fields("A:b\r\n".repeat(lines - 1).as_bytes());
    head(&request(100));
    assert_eq!(refused(&request(101)), 431);
}

#[test]
fn an_input_that_shrinks_is_no_panic() {
    let mut parser = HeadParser::new(&Limits::default());
    assert!(parser.parse(b"\r\nGET / HTTP/1.1\r\nHost").expect("valid").is_none());
    for length in 0..10 {
        assert!(parser.parse(&b"\r\nGET / HTTP"[..length]).expect("valid").is_none());
    }
}
