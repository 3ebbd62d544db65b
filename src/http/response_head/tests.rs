//! Tests of the heads of responses: what they mean, what is refused, and that splits don't matter.

use super::*;

const LONGEST: usize = 200;

fn parse(bytes: &[u8]) -> Result<Option<(ResponseHead, usize)>, Refusal> {
    ResponseHeadParser::new(LONGEST).parse(bytes)
}

#[track_caller]
fn head(fields: &str) -> ResponseHead {
    let bytes = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
    let (head, consumed) = parse(bytes.as_bytes()).expect("a valid head").expect("a whole head");
    assert_eq!(consumed, bytes.len());
    head
}

#[track_caller]
fn refused(bytes: &[u8]) -> &'static str {
    match parse(bytes) {
        Err(refusal) => {
            assert_eq!(refusal.status(), Status::BAD_GATEWAY);
            refusal.why()
        }
        Ok(head) => panic!("not refused: {} gives {head:?}", bytes.escape_ascii()),
    }
}

#[test]
fn a_head_gives_back_what_was_sent() {
    let bytes = b"HTTP/1.0 404 Nothing h\xE9re\r\nA: b\r\nX-Odd:caf\xE9\r\na:c\r\n\r\nrest";
    let (head, consumed) = parse(bytes).unwrap().unwrap();
    assert_eq!(&bytes[consumed..], b"rest");
    assert_eq!((head.version(), head.status()), (Version::Http10, Status::NOT_FOUND));
    assert_eq!(head.reason(), "Nothing h\u{FFFD}re");
    assert_eq!((head.field("A"), head.field_text("a")), (Some(&b"b"[..]), Some("b")));
    assert_eq!(head.field_text("x-odd"), None);
    assert_eq!(head.elements("a").collect::<Vec<_>>(), [b"b", b"c"]);
    let fields: Vec<_> = head.fields().collect();
    assert_eq!(fields, [("A", &b"b"[..]), ("X-Odd", b"caf\xE9"), ("a", b"c")]);
    let shown = format!("{head:?}");
    assert!(shown.contains("X-Odd") && !shown.contains("caf"), "{shown}");
}

#[test]
fn the_framing_is_that_of_the_fields_and_else_the_end_of_the_connection() {
    assert_eq!(head("").framing(), Framing::UntilClose);
    assert_eq!(head("Content-Length: 0\r\n").framing(), Framing::Length(0));
    assert_eq!(head("Content-Length: 17\r\n").framing(), Framing::Length(17));
    assert_eq!(head("Transfer-Encoding: Chunked\r\n").framing(), Framing::Chunked);
    for status in ["204", "304"] {
        let bytes = format!("HTTP/1.1 {status} \r\nTransfer-Encoding: chunked\r\n\r\n");
        let (head, _) = parse(bytes.as_bytes()).unwrap().unwrap();
        assert_eq!(head.framing(), Framing::None);
    }
}

#[test]
fn a_framing_that_could_be_read_in_two_ways_is_refused() {
    for fields in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: 5,\r\n",
        "Content-Length: 5\r\nContent-Length:\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked, chunked;q=1\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length : 5\r\n",
        "Transfer-Encoding:\r\n",
    ] {
        refused(format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes());
    }
    refused(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    refused(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n");
}

#[test]
fn a_length_that_is_told_twice_is_a_length_and_one_beside_chunks_is_none() {
    for fields in ["Content-Length: 5\r\ncontent-length: 5\r\n", "Content-Length: 5 ,\t05, 5\r\n"] {
        assert_eq!(head(fields).framing(), Framing::Length(5), "{fields}");
    }
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: x\r\nContent-Length: 6\r\n",
    ] {
        assert_eq!(head(fields).framing(), Framing::Chunked, "{fields}");
    }
}

#[test]
fn a_field_line_that_goes_on_has_spaces_where_it_was_folded() {
    let head = head("A: b \t\r\n\tc\r\n d\r\nContent-Type:\r\n text/event-stream\r\nE: \r\n \r\n");
    let fields: Vec<_> = head.fields().collect();
    let kind = ("Content-Type", &b"text/event-stream"[..]);
    assert_eq!(fields, [("A", &b"b     c   d"[..]), kind, ("E", b"")]);
    assert!(head.is_event_stream());
    for line in ["\0", "\x7F", "x\ry"] {
        refused(format!("HTTP/1.1 200 OK\r\nA: b\r\n {line}\r\n").as_bytes());
    }
    // Only a field line can go on.
    assert!(refused(b"HTTP/1.1 200 OK\r\n A: b\r\n").contains("not folded"));
}

#[test]
fn an_event_stream_is_told_by_its_type_in_any_case_with_any_parameters() {
    for value in [
        "text/event-stream",
        "Text/Event-Stream",
        "text/event-stream;charset=utf-8",
        "text/event-stream ; charset=\"windows;1252\"",
        "text/event-stream;",
    ] {
        assert!(head(&format!("content-type: {value}\r\n")).is_event_stream(), "{value}");
    }
    for value in ["", "text/plain", "text/event-streams", "text/x-event-stream", "text", ";"] {
        assert!(!head(&format!("Content-Type: {value}\r\n")).is_event_stream(), "{value}");
    }
    assert!(!head("").is_event_stream());
    let two = "Content-Type: text/event-stream\r\nContent-Type: text/html\r\n";
    assert!(!head(two).is_event_stream());
}

#[test]
fn row_46_lines_of_a_head_may_end_in_lf_alone() {
    let expected = head("A: b\r\nContent-Type:\r\n text/event-stream\r\n");
    let lines = ["HTTP/1.1 200 OK", "A: b", "Content-Type:", " text/event-stream", ""];
    // Each line ends in CRLF or in LF, in every mixture.
    for ends in 0..1 << lines.len() {
        let end = |at: usize| if ends >> at & 1 == 1 { "\r\n" } else { "\n" };
        let text: String =
            (0..).zip(lines).map(|(at, line)| format!("{line}{}", end(at))).collect();
        let (head, consumed) = parse(format!("{text}\nrest").as_bytes()).unwrap().unwrap();
        assert_eq!(consumed, text.len(), "{text:?}");
        assert!(head.is_event_stream() && head.field("a") == Some(b"b"), "{text:?}");
        assert_eq!(head.fields().count(), expected.fields().count());
    }
    // CR alone ends no line.
    for text in ["HTTP/1.1 200 OK\rA: b\n\n", "HTTP/1.1 200 OK\nA: b\r\rC: d\n\n"] {
        refused(text.as_bytes());
    }
}

#[test]
fn row_46_what_is_told_twice_alike_is_told_once() {
    let once = "Content-Type: text/event-stream";
    for fields in [
        format!("{once}\r\n{once}\r\n"),
        format!("{once}, text/event-stream\r\n"),
        format!("{once}; a=\",\" , Text/Event-Stream\r\n"),
    ] {
        let head = head(&fields);
        assert!(head.is_event_stream(), "{fields}");
        assert!(head.content_type().unwrap().starts_with(b"text/event-stream"), "{fields}");
    }
    for other in [", text/html", "\r\nContent-Type: text/html", ", text/event-streams"] {
        let head = head(&format!("{once}{other}\r\n"));
        let told = head.content_type().unwrap();
        assert!(!head.is_event_stream() && told != b"text/event-stream", "{other}");
    }
    assert_eq!(head("Content-Type: a/b, c/d\r\n").content_type(), Some(&b"a/b"[..]));
    assert_eq!(head("").content_type(), None);
    for fields in [
        "Transfer-Encoding: chunked, Chunked\r\n",
        "Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n",
    ] {
        assert_eq!(head(fields).framing(), Framing::Chunked, "{fields}");
    }
}

#[test]
fn a_server_says_in_seconds_or_with_a_date_when_to_come_back() {
    let now = HttpDate::parse("Sun, 06 Nov 1994 08:49:07 GMT").unwrap();
    let after = |fields: &str| head(fields).retry_after(now).map(|after| after.as_secs());
    for (value, seconds) in [
        ("0", Some(0)),
        ("120", Some(120)),
        ("99999999999999999999", Some(u64::MAX)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
        ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
        ("-1", None),
        ("1.5", None),
        ("1, 2", None),
        ("", None),
        ("soon", None),
    ] {
        assert_eq!(after(&format!("Retry-After: {value}\r\n")), seconds, "{value}");
    }
    assert_eq!(after(""), None);
    // A server whose clock is wrong still says how long.
    let date = "Date: Sun, 06 Nov 1994 08:49:27 GMT\r\n";
    assert_eq!(after(&format!("{date}Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n")), Some(10));
    assert_eq!(after("Date: x\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), Some(30));
}

#[test]
fn interim_responses_are_passed_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let bytes = format!("{interim}HTTP/1.1 200 OK\r\nA: b\r\n\r\nrest");
    let (head, consumed) = parse(bytes.as_bytes()).unwrap().unwrap();
    assert_eq!((head.status(), head.field("link")), (Status::OK, None));
    assert_eq!(head.fields().collect::<Vec<_>>(), [("A", &b"b"[..])]);
    assert_eq!(&bytes[consumed..], "rest");
    assert!(refused(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").contains("101"));
}

#[test]
fn what_is_not_http_is_told_at_its_first_bytes() {
    for bytes in [&b"\x15\x03\x01"[..], b"S", b"HTTP 200", b"\r\n", b"HTTP/1.1 100 \r\n\r\n<"] {
        assert_eq!(refused(bytes), NOT_HTTP.why());
    }
    for bytes in [&b""[..], b"H", b"HTTP", b"HTTP/1.1 200 OK\r\n"] {
        assert!(parse(bytes).unwrap().is_none());
    }
}

#[test]
fn what_is_past_the_bound_is_not_judged() {
    for bytes in [&b"HT."[..], b"HTTP/1.1 100 \r\n\r\nx"] {
        let bound = bytes.len() - 1;
        for step in [1, bytes.len()] {
            let refusal = outcome(&mut ResponseHeadParser::new(bound), bytes, step);
            assert_eq!(refusal, Err(LONG_HEAD), "{} by {step}", bytes.escape_ascii());
        }
    }
}

#[test]
fn a_line_that_breaks_the_grammar_is_refused_when_it_ends() {
    for line in ["Location : b", " A: b", "A", ": b", "A: \0", "A: b\rc", "Ä: b"] {
        refused(format!("HTTP/1.1 200 OK\r\n{line}\r\n").as_bytes());
    }
}

#[test]
fn a_head_may_be_as_long_as_its_bound_and_no_longer() {
    let with_length = |length: usize| {
        let value = "x".repeat(length - "HTTP/1.1 200 OK\r\nA: \r\n\r\n".len());
        format!("HTTP/1.1 200 OK\r\nA: {value}\r\n\r\n")
    };
    assert!(parse(with_length(LONGEST).as_bytes()).unwrap().is_some());
    let long = with_length(LONGEST + 1);
    assert_eq!(refused(long.as_bytes()), LONG_HEAD.why());
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(9);
    assert_eq!(refused(interim.as_bytes()), LONG_HEAD.why());
    // One that never ends is told when it is too long.
    assert!(parse(&long.as_bytes()[..LONGEST]).unwrap().is_none());
    let endless = "HTTP/1.1 200 OK\r\nA:".to_owned() + &" ".repeat(LONGEST);
    assert_eq!(refused(&endless.as_bytes()[..LONGEST + 1]), LONG_HEAD.why());
}

#[test]
fn the_result_does_not_depend_on_the_pieces() {
    let heads: [&[u8]; 10] = [
        b"HTTP/1.1 200 OK\r\nA: b \r\n\t \r\n c\r\nB: \r\n d\r\n\r\nhello",
        b"HTTP/1.1 103 \r\nA: b\r\n c\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 5,\r\n 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\n\nhello",
        b"HTTP/1.1 103 \n\nHTTP/1.1 200 OK\nA: b\r\n c\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Type : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nhello",
    ];
    for bytes in heads {
        let whole = outcome(&mut ResponseHeadParser::new(LONGEST), bytes, bytes.len());
        for step in 1..bytes.len() {
            let pieces = outcome(&mut ResponseHeadParser::new(LONGEST), bytes, step);
            assert_eq!(pieces, whole, "{} by {step}", bytes.escape_ascii());
            let mut parser = ResponseHeadParser::new(LONGEST);
            let begun = parser.parse(&bytes[..step]).transpose();
            let rest = || parser.parse(bytes).transpose();
            let cut = begun.or_else(rest).transpose().map(|parsed| told(parsed.as_ref()));
            assert_eq!(cut, whole, "{} cut at {step}", bytes.escape_ascii());
        }
    }
}

/// What comes out when the bytes come so many at a time.
fn outcome(parser: &mut ResponseHeadParser, bytes: &[u8], step: usize) -> Result<String, Refusal> {
    let ends = (step..bytes.len()).step_by(step).chain([bytes.len()]);
    for end in ends {
        if let Some(parsed) = parser.parse(&bytes[..end])? {
            return Ok(told(Some(&parsed)));
        }
    }
    Ok(told(None))
}

/// All there is to a head, and how long it is.
fn told(parsed: Option<&(ResponseHead, usize)>) -> String {
    let fields = parsed.map(|(head, _)| head.fields().collect::<Vec<_>>());
    format!("{parsed:?} {fields:?}")
}
