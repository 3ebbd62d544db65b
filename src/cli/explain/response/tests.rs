//! Tests of what the bytes of a response are said to mean.

use super::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";

/// The rows of each read, as text.
fn explained(reads: &[&[u8]]) -> Vec<Vec<(Layer, String, String)>> {
    let mut explainer = Response::new();
    let told = |row: Row| (row.layer, row.bytes.escape_ascii().to_string(), row.means);
    reads.iter().map(|read| explainer.read(read).into_iter().map(told).collect()).collect()
}

/// The rows of a stream that ends with its connection, without those of its head.
fn stream(reads: &[&[u8]]) -> Vec<Vec<(String, String)>> {
    let head = format!("{HEAD}\r\n");
    let reads = [&[head.as_bytes()], reads].concat();
    let short = |rows: Vec<(Layer, String, String)>| {
        rows.into_iter().map(|(layer, bytes, means)| {
            assert_eq!(layer, Layer::Stream);
            (bytes, means)
        })
    };
    explained(&reads).split_off(1).into_iter().map(|rows| short(rows).collect()).collect()
}

fn row(bytes: &str, means: &str) -> (String, String) {
    (bytes.into(), means.into())
}

#[test]
fn a_response_in_chunks_is_told_line_by_line() {
    let response =
        format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n0\r\nA: b\r\n\r\nx");
    let expected = [
        (Layer::Head, "HTTP/1.1 200 OK\\r\\n", "status line: version, status, reason"),
        (Layer::Head, "Content-Type: text/event-stream\\r\\n", "what the content is"),
        (
            Layer::Head,
            "Transfer-Encoding: chunked\\r\\n",
            "in chunks, as the length isn't known yet",
        ),
        (Layer::Head, "\\r\\n", "end of the head; chunks follow"),
        (Layer::Frame, "9\\r\\n", "chunk: 9 bytes"),
        (Layer::Stream, "data: a\\n", "data, a line of it"),
        (Layer::Stream, "\\n", "blank line: dispatch \"message\", 1 byte of data"),
        (Layer::Frame, "\\r\\n", "end of the chunk"),
        (Layer::Frame, "0\\r\\n", "last chunk: the stream is whole"),
        (Layer::Frame, "A: b\\r\\n", "a trailer: dropped"),
        (Layer::Frame, "\\r\\n", "end of the stream"),
        (Layer::Unknown, "x", "after the end"),
    ];
    let expected = expected.map(|(layer, bytes, means)| (layer, bytes.into(), means.into()));
    assert_eq!(explained(&[response.as_bytes()]), [expected]);
}

#[test]
fn row_46_a_head_whose_lines_end_in_lf_is_told_line_by_line() {
    let interim = "HTTP/1.1 103 Early Hints\n\n";
    let response = format!("{interim}HTTP/1.1 200 OK\nContent-Type: text/event-stream\n\n");
    let rows = explained(&[response.as_bytes()]).remove(0);
    let told: Vec<_> = rows.iter().map(|(_, bytes, means)| (&**bytes, &**means)).collect();
    let status = "status line: version, status, reason";
    let expected = [
        ("HTTP/1.1 103 Early Hints\\n", status),
        ("\\n", "end of an interim response; another follows"),
        ("HTTP/1.1 200 OK\\n", status),
        ("Content-Type: text/event-stream\\n", "what the content is"),
        ("\\n", "end of the head; what follows ends with the connection"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn each_line_of_a_stream_is_told() {
    for (line, means) in [
        ("channel: x", "the channel, for a hub that follows: clients ignore it"),
        ("data: x", "data, a line of it"),
        ("data", "data, a line of it"),
        ("event: x", "event type"),
        ("id: 7", "id: the client resumes after it"),
        ("id", "id: resets the last event ID"),
        ("id: \0", "an id with NUL in it: ignored"),
        ("retry: 3000", "reconnection time: 3000 ms"),
        ("retry: 3s", "a reconnection time that is not all digits: ignored"),
        ("retry", "a reconnection time that is not all digits: ignored"),
        (": x", "comment: says only that the server is there"),
        ("", "blank line: no data, so no event"),
        (" data: x", "an unknown field: ignored"),
        ("\u{feff}data: x", "byte order mark, dropped; data, a line of it"),
        ("\u{feff}", "byte order mark, dropped; blank line: no data, so no event"),
    ] {
        let read = format!("{line}\n");
        let bytes = read.as_bytes().escape_ascii().to_string();
        assert_eq!(stream(&[read.as_bytes()]), [[row(&bytes, means)]]);
    }
}

#[test]
fn a_line_in_pieces_is_told_at_its_last() {
    let rows = stream(&[b"data: a\nda", b"ta: ", b"b\n\n"]);
    assert_eq!(rows[0], [row("data: a\\n", "data, a line of it"), row("da", "")]);
    assert_eq!(rows[1], [row("ta: ", "")]);
    let end = "blank line: dispatch \"message\", 3 bytes of data";
    assert_eq!(rows[2], [row("b\\n", "data, a line of it"), row("\\n", end)]);
}

#[test]
fn cr_and_lf_are_one_line_end_also_in_two_reads() {
    let rows = stream(&[b"data: a\r\nid: 1\r", b"\ndata\r\r", b"\n"]);
    let id = "id: the client resumes after it";
    assert_eq!(rows[0], [row("data: a\\r\\n", "data, a line of it"), row("id: 1\\r", id)]);
    let lf = row("\\n", "belongs to the CR before: one line end");
    let end = "blank line: dispatch \"message\", 2 bytes of data";
    assert_eq!(rows[1], [lf.clone(), row("data\\r", "data, a line of it"), row("\\r", end)]);
    assert_eq!(rows[2], [lf]);
}

#[test]
fn a_line_across_chunks_is_shown_with_the_frame_between() {
    let response = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nid:\r\n3\r\n 1\n\r\n");
    let rows = explained(&[response.as_bytes()]).remove(0).split_off(4);
    let expected = [
        (Layer::Frame, "3\\r\\n", "chunk: 3 bytes"),
        (Layer::Stream, "id:", ""),
        (Layer::Frame, "\\r\\n", "end of the chunk"),
        (Layer::Frame, "3\\r\\n", "chunk: 3 bytes"),
        (Layer::Stream, " 1\\n", "id: the client resumes after it"),
        (Layer::Frame, "\\r\\n", "end of the chunk"),
    ];
    assert_eq!(rows, expected.map(|(layer, bytes, means)| (layer, bytes.into(), means.into())));
}

#[test]
fn what_breaks_the_rules_is_told_where_it_does() {
    let rows = explained(&[b"HTTP/1.1 200 OK\r\nLocation : b\r\nC: d\r\n"]).remove(0);
    assert_eq!(rows[1].1, "Location : b\\r\\n");
    assert!(rows[1].2.contains("no white space"), "{rows:?}");
    assert_eq!(rows[2], (Layer::Unknown, "C: d\\r\\n".into(), String::new()));

    let response = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\nab");
    let rows = explained(&[response.as_bytes()]).remove(0);
    let (layer, bytes, means) = rows.last().unwrap();
    assert_eq!((*layer, &**bytes), (Layer::Unknown, "b"));
    assert!(means.contains("as long as its size says"), "{means}");
}

#[test]
fn what_is_no_event_stream_is_not_read_as_one() {
    let response = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\ndata: a\n\nid";
    let rows = explained(&[response]).remove(0).split_off(3);
    let no_stream = "content, but no event stream";
    assert_eq!(rows[0], (Layer::Stream, "data: a\\n".into(), no_stream.into()));
    assert_eq!(rows[1], (Layer::Stream, "\\n".into(), no_stream.into()));
    assert_eq!(rows[2], (Layer::Stream, "id".into(), no_stream.into()));
    let response = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n\
        2\r\nid\r\n0\r\n\r\n";
    let rows = explained(&[response]).remove(0).split_off(3);
    let row = |layer, bytes: &str, means: &str| (layer, bytes.to_owned(), means.to_owned());
    let expected = [
        row(Layer::Frame, "2\\r\\n", "chunk: 2 bytes"),
        row(Layer::Stream, "id", no_stream),
        row(Layer::Frame, "\\r\\n", "end of the chunk"),
        row(Layer::Frame, "0\\r\\n", "last chunk: the response is whole"),
        row(Layer::Frame, "\\r\\n", "end of the response"),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn an_end_is_told_from_a_cut() {
    let whole = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    let body = whole.find("\r\n\r\n").unwrap() + 4;
    for end in 0..=whole.len() {
        let expected = match end {
            _ if end == whole.len() => "all of the response is here",
            _ if end < body => "before the head was whole",
            _ => "it was cut, as the last chunk has not come",
        };
        assert_eq!(ended(&whole.as_bytes()[..end]), expected, "{end}");
    }
    let head = format!("{HEAD}Content-Length: 2\r\n\r\n");
    assert_eq!(ended(format!("{head}a").as_bytes()), "it was cut, as its length says");
    assert_eq!(ended(format!("{head}ab").as_bytes()), "all of the response is here");
    assert_eq!(ended(format!("{HEAD}\r\na").as_bytes()), "and the response with it");
}

#[test]
fn only_the_first_line_of_a_stream_has_a_byte_order_mark() {
    let rows = stream(&["data: a\n\u{feff}data: b\n\u{feff}\n".as_bytes()]).remove(0);
    let unknown = "an unknown field: ignored";
    assert_eq!(rows[0], row("data: a\\n", "data, a line of it"));
    assert_eq!(rows[1], row("\\xef\\xbb\\xbfdata: b\\n", unknown));
    assert_eq!(rows[2], row("\\xef\\xbb\\xbf\\n", unknown));
}

/// All that is not secret of a response that comes in these reads.
fn public(reads: &[&[u8]]) -> String {
    let mut explainer = Response::new();
    let rows = reads.iter().flat_map(|read| explainer.read(read));
    let public = rows.flat_map(|row| row.public().concat());
    String::from_utf8(public.collect()).expect("text")
}

#[test]
fn row_48_a_secret_is_told_wherever_a_read_cuts_it() {
    let head = "HTTP/1.1 200 OK\r\nSet-Cookie: \tsid=SECRET; a: SECRET \r\n\
                SET-COOKIE:SECRET\r\nX-Unheard-Of: SECRET\r\n SECRET\r\nServer: y\r\n\
                Location: http://me:SECRET@h/?token=SECRET&channel=z\r\n\r\n";
    let expected = "HTTP/1.1 200 OK\r\nSet-Cookie: \t\r\nSET-COOKIE:\r\nX-Unheard-Of: \r\n \r\n\
                    Server: y\r\nLocation: http://@h/?token=&channel=z\r\n\r\n";
    let whole = public(&[head.as_bytes()]).replace(" \r\nSET", "\r\nSET");
    assert_eq!(whole, expected);
    for end in 0..head.len() {
        let (one, other) = head.as_bytes().split_at(end);
        let public = public(&[one, other]);
        assert!(!public.contains("SEC") && !public.contains("RET"), "cut at {end}: {public}");
    }
    let public = public(&head.as_bytes().chunks(1).collect::<Vec<_>>());
    assert!(!public.contains("SEC") && !public.contains("RET"), "{public}");
}

#[test]
fn row_48_a_secret_stays_one_in_what_is_no_head_any_more() {
    let head = "HTTP/1.1 200 OK\r\nLocation : SECRET@\r\nA: b\r\nCookie: SECRET\r\n SECRET\r\n";
    let expected = "HTTP/1.1 200 OK\r\nLocation : @\r\nA: \r\nCookie: \r\n \r\n";
    assert_eq!(public(&[head.as_bytes()]), expected);
}

#[test]
fn row_48_trailers_and_extensions_of_chunks_show_no_secret() {
    let head =
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = "1;a=SECRET\r\nx\r\n0\r\nSet-Cookie: SECRET\r\nSet-Cookie SECRET\r\n";
    let expected = format!("{head}1\r\nx\r\n0\r\nSet-Cookie: \r\nSet-Cookie \r\n");
    assert_eq!(public(&[head.as_bytes(), body.as_bytes()]), expected);
}

fn ended(bytes: &[u8]) -> &'static str {
    let mut explainer = Response::new();
    explainer.read(bytes);
    explainer.end()
}

/// The pieces of the rows of one call.
fn pieces_of(bytes: &[u8]) -> Vec<Option<Piece>> {
    Response::new().read(bytes).into_iter().map(|row| row.piece).collect()
}

#[test]
fn each_piece_of_a_response_is_one_of_the_library_s() {
    let response = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\
        X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nContent-Length: 3\r\n\
        Connection: keep-alive\r\n\r\nhi\n";
    let expected = [
        Piece::Continue,
        Piece::Continue,
        Piece::StatusLine,
        Piece::ContentType,
        Piece::Sniffing,
        Piece::ResponseField,
        Piece::ContentLength,
        Piece::KeepAlive,
        Piece::EndOfHead,
        Piece::Content,
    ];
    assert_eq!(pieces_of(response), expected.map(Some));
    let stream = format!("{HEAD}\r\n:\n: a\nretry: 1\n\n");
    let expected = [
        Piece::StatusLine,
        Piece::EventStreamType,
        Piece::EndOfHead,
        Piece::FirstComment,
        Piece::Comment,
        Piece::Retry,
        Piece::EndOfRetry,
    ];
    assert_eq!(pieces_of(stream.as_bytes()), expected.map(Some));
}
