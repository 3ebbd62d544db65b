//! Rows 17 and 18: chunks, their sizes and extensions, and the trailers behind them.

use super::{BAD_REQUEST, refused};

/// Requests with these chunked bodies, for a handler that wants one, for one that wants none, and
/// for a stream.
fn bodies<T: AsRef<[u8]>>(bodies: &[T]) -> Vec<Vec<u8>> {
    const HEADS: [&[u8]; 3] = [
        b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /seen HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /sse HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    let with = |body: &T| HEADS.map(|head| [head, body.as_ref()].concat());
    bodies.iter().flat_map(with).collect()
}

/// Bodies whose first line is each of these, and that are right in all else.
fn size_lines(lines: &[&[u8]]) -> Vec<Vec<u8>> {
    let body = |line: &&[u8]| [line, &b"\r\nabc\r\n0\r\n\r\n"[..]].concat();
    bodies(&lines.iter().map(body).collect::<Vec<_>>())
}

#[test]
fn row_17_a_chunk_size_that_is_not_plain_hex_digits_is_refused() {
    let bad: &[&[u8]] = &[
        b"",
        b" ",
        b";",
        b";a",
        b"+3",
        b"-3",
        b"-0",
        b"0x3",
        b"0X3",
        b"\\x3",
        b"x3",
        b"#3",
        b"$3",
        b" 3",
        b"\t3",
        b"\x0B3",
        b"\x003",
        b"3 ",
        b"3\t",
        b"3\x0B",
        b"3\0",
        b"3 3",
        b"3\xA0",
        b"3,",
        b"3,3",
        b"3.0",
        b"3e+0",
        b"3_0",
        b"0_3",
        b"3h",
        b"3g",
        b"g",
        b"\"3\"",
        b"'3'",
        b"(3)",
        b"\xEF\xBC\x93",
        b"\xD9\xA3",
        b"00000000000000003",
        b"10000000000000003",
        b"10000000000000000",
        b"FFFFFFFFFFFFFFFFF",
        b"fffffffffffffffff0000000000000003",
    ];
    refused(BAD_REQUEST, &size_lines(bad));
}

#[test]
fn row_17_a_size_line_that_ends_in_anything_but_crlf_is_refused() {
    let bad: &[&[u8]] = &[
        b"3\nabc\r\n0\r\n\r\n",
        b"3\rabc\r\n0\r\n\r\n",
        b"3\r\r\nabc\r\n0\r\n\r\n",
        b"3\n\rabc\r\n0\r\n\r\n",
        b"3\n\nabc\n0\n\n",
        b"3 \nabc\r\n0\r\n\r\n",
        b"3;a\nabc\r\n0\r\n\r\n",
        b"3;a\rabc\r\n0\r\n\r\n",
        b"3;a=b\nabc\r\n0\r\n\r\n",
        b"3;a=\"b\"\nabc\r\n0\r\n\r\n",
        b"3;\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\n\r\n",
        b"3\r\nabc\r\n0\n\n",
        b"3\r\nabc\r\n0\r\r\n",
        b"3\r\nabc\r\n0;a\n\r\n",
        b"3\r\nabc\r\n\r\n0\r\n\r\n",
    ];
    refused(BAD_REQUEST, &bodies(bad));
}

#[test]
fn row_17_data_that_is_not_followed_by_exactly_crlf_is_refused() {
    let bad: &[&[u8]] = &[
        b"3\r\nabc\n0\r\n\r\n",
        b"3\r\nabc\r0\r\n\r\n",
        b"3\r\nabc0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\r\nabc\r\r\n0\r\n\r\n",
        b"3\r\nabc \r\n0\r\n\r\n",
        b"3\r\nabc\n\r\n0\r\n\r\n",
        b"3\r\nabc\0\r\n0\r\n\r\n",
        b"3\r\nab\r\n0\r\n\r\n",
        b"3\r\nabcXX0\r\n\r\n",
        b"3\r\nabc0;\r\n0\r\n\r\n",
        b"2\r\nabc\r\n0\r\n\r\n",
        b"0\r\nabc\r\n\r\n",
    ];
    refused(BAD_REQUEST, &bodies(bad));
}

#[test]
fn row_17_an_extension_that_breaks_its_grammar_is_refused() {
    let bad: &[&[u8]] = &[
        b"3;",
        b"3; ",
        b"3 ;",
        b"3;;a",
        b"3;a;",
        b"3;a;;b",
        b"3;=b",
        b"3;a=",
        b"3;a= ",
        b"3;a=;b",
        b"3;a==b",
        b"3;a=b=c",
        b"3;a b",
        b"3;a=b c",
        b"3;a ",
        b"3;a\t",
        b"3;a=b ",
        b"3;a=\"b\" ",
        b"3;a=\"b\"c",
        b"3;a=\"b\"\"c\"",
        b"3;a=b\"c\"",
        b"3;a=\"",
        b"3;a=\"b",
        b"3;a=\"b\\\"",
        b"3;a=\"\x7F\"",
        b"3;a=\"\x01\"",
        b"3;a=\"\\\x01\"",
        b"3;a=\"\0\"",
        b"3;a={}",
        b"3;a=@",
        b"3;a=(b)",
        b"3;(a)",
        b"3;\"a\"",
        b"3;a,b",
        b"3;a:b",
        b"3;\xFF",
        b"3;a=\xFF",
        b"3;a\0",
        b"3;a\x0B",
        b"3,a",
        b"3:a",
        b"3=a",
        b"3\"a\"",
        b"3;a=\"\r\n\"",
        b"3;a=\"\n\"",
        b"3;a=\"\r\"",
    ];
    refused(BAD_REQUEST, &size_lines(bad));
}

#[test]
fn row_18_a_trailer_that_is_no_field_line_is_refused() {
    let bad: &[&[u8]] = &[
        b" A: b\r\n",
        b"\tA: b\r\n",
        b"A : b\r\n",
        b"A\t: b\r\n",
        b"A\0: b\r\n",
        b"A\x0B: b\r\n",
        b": b\r\n",
        b":\r\n",
        b"A\r\n",
        b"A b\r\n",
        b"A b: c\r\n",
        b"A(: b\r\n",
        b"\xFFA: b\r\n",
        b"A: b\n",
        b"A: b\rc\r\n",
        b"A: b\r\r\n",
        b"A: \0\r\n",
        b"A: \x7F\r\n",
        b"A: b\r\n c\r\n",
        b"A: b\r\n\tc\r\n",
        b"A: b\r\n\n",
        b"\n",
        b"\r\r\n",
        b"\rA: b\r\n",
        b"GET /behind HTTP/1.1\r\n",
        b"0\r\n",
    ];
    let body = |trailer: &&[u8]| [b"3\r\nabc\r\n0\r\n", *trailer, b"\r\n"].concat();
    refused(BAD_REQUEST, &bodies(&bad.iter().map(body).collect::<Vec<_>>()));
}
