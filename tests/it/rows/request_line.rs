//! Rows 1 to 4: line ends, and the parts of the request line.

use super::{BAD_REQUEST, NOT_IMPLEMENTED, lines, refused};

#[test]
fn row_1_a_line_that_ends_in_anything_but_crlf_is_refused() {
    let requests: &[&[u8]] = &[
        b"GET /seen HTTP/1.1\nHost: h\n\n",
        b"GET /seen HTTP/1.1\nHost: h\r\n\r\n",
        b"GET /seen HTTP/1.1\r\nHost: h\n\r\n",
        b"GET /seen HTTP/1.1\r\nHost: h\r\n\n",
        b"GET /seen HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
        b"GET /seen HTTP/1.1\r\nX: y\nHost: h\r\n\r\n",
        b"GET /seen HTTP/1.1\n\rHost: h\n\r\n\r",
        b"GET /seen HTTP/1.1\rHost: h\r\n\r\n",
        b"GET /seen HTTP/1.1\r\r\nHost: h\r\n\r\n",
        b"GET /seen HTTP/1.1\r\nHost: h\r\r\n\r\n",
        b"GET /seen HTTP/1.1\r\nHost: h\r\n\r\r\n",
        b"GET /seen HTTP/1.1\r\nHost: h\r\n\rX: y\r\n\r\n",
        b"GET /seen HTTP/1.1\r\nHost: h\rX: y\r\n\r\n",
        b"GET /seen HTTP/1.1\x0B\nHost: h\r\n\r\n",
        b"GET /seen HTTP/1.1\xE2\x80\xA8\r\nHost: h\r\n\r\n",
        b"GET /seen HTTP/1.1\xC2\x85\r\nHost: h\r\n\r\n",
        b"GET /seen HTTP/1.1\0\r\nHost: h\r\n\r\n",
    ];
    refused(BAD_REQUEST, requests);
}

#[test]
fn row_1_a_third_empty_line_before_the_request_line_is_refused() {
    let requests: &[&[u8]] = &[
        b"\r\n\r\n\r\nGET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\r\n\r\n\r\n\r\n\r\n\r\nGET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\nGET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\n\nGET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\r\n\nGET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\rGET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\r\rGET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\r\r\nGET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\r\n\rGET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        b" \r\nGET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\0GET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\xEF\xBB\xBFGET /seen HTTP/1.1\r\nHost: h\r\n\r\n",
        // The first bytes of TLS, and of version 2 of the protocol before it.
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03",
        b"\x80\x2E\x01\x03\x01\x00\x15\x00\x00\x00\x10",
    ];
    refused(BAD_REQUEST, requests);
}

#[test]
fn row_2_parts_that_are_missing_or_not_one_space_apart_are_refused() {
    let bad: &[&[u8]] = &[
        b"GET  /seen HTTP/1.1",
        b"GET /seen  HTTP/1.1",
        b"GET /seen HTTP/1.1 ",
        b"GET /seen HTTP/1.1\t",
        b" GET /seen HTTP/1.1",
        b"\tGET /seen HTTP/1.1",
        b"GET\t/seen HTTP/1.1",
        b"GET /seen\tHTTP/1.1",
        b"GET\x0B/seen HTTP/1.1",
        b"GET\x0C/seen HTTP/1.1",
        b"GET\xA0/seen HTTP/1.1",
        b"GET /seen\x0BHTTP/1.1",
        b"GET /seen\xA0HTTP/1.1",
        b"GET /se en HTTP/1.1",
        b"GET /seen?a b HTTP/1.1",
        b"GET /seen HTTP/1.1 HTTP/1.1",
        b"GET /seen HTTP/1.1 x",
        b"GET /seen HTTP/ 1.1",
        b"GET /seen HTTP /1.1",
        b"GET /seen",
        b"GET /seen ",
        b"GET",
        b"GET ",
        b"GET  ",
        b"GET HTTP/1.1",
        b"GET  HTTP/1.1",
        b"/seen HTTP/1.1",
        b"HTTP/1.1 200 OK",
        b"Host: h",
    ];
    refused(BAD_REQUEST, &lines(bad));
}

#[test]
fn row_3_a_version_that_is_not_to_the_letter_is_refused() {
    let bad: &[&[u8]] = &[
        b"GET /seen http/1.1",
        b"GET /seen Http/1.1",
        b"GET /seen hTTP/1.1",
        b"GET /seen HTTP/1",
        b"GET /seen HTTP/1.",
        b"GET /seen HTTP/.1",
        b"GET /seen HTTP/",
        b"GET /seen HTTP",
        b"GET /seen HTTP/2",
        b"GET /seen HTTP/11",
        b"GET /seen HTTP/01.1",
        b"GET /seen HTTP/1.01",
        b"GET /seen HTTP/1.10",
        b"GET /seen HTTP/10.1",
        b"GET /seen HTTP/1.1x",
        b"GET /seen HTTP/1.1.1",
        b"GET /seen HTTP/1,1",
        b"GET /seen HTTP/+1.1",
        b"GET /seen HTTP/-1.1",
        b"GET /seen HTTP/1.+1",
        b"GET /seen HTTP/1.x",
        b"GET /seen HTTP/x.1",
        b"GET /seen HTTP/1.\xD9\xA1",
        b"GET /seen HTTP\\1.1",
        b"GET /seen HTTP//1.1",
        b"GET /seen HTTPS/1.1",
        b"GET /seen XHTTP/1.1",
        b"GET /seen ICY/1.1",
        b"GET /seen RTSP/1.0",
        b"GET /seen HTTP/1.1\x7F",
    ];
    refused(BAD_REQUEST, &lines(bad));
}

#[test]
fn row_3_a_major_version_that_is_not_spoken_here_is_505() {
    let other: &[&[u8]] = &[
        b"GET /seen HTTP/2.0",
        b"GET /seen HTTP/2.1",
        b"GET /seen HTTP/3.0",
        b"GET /seen HTTP/9.9",
        b"GET /seen HTTP/0.9",
        b"GET /seen HTTP/0.0",
        b"PRI * HTTP/2.0",
        b"BREW /pot HTTP/2.0",
    ];
    refused("505 HTTP Version Not Supported", &lines(other));
    let preface: &[&[u8]] = &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"];
    refused("505 HTTP Version Not Supported", preface);
}

#[test]
fn row_4_a_method_that_is_no_token_is_refused() {
    let bad: &[&[u8]] = &[
        b"G(T /seen HTTP/1.1",
        b"G)T /seen HTTP/1.1",
        b"G@T /seen HTTP/1.1",
        b"GE,T /seen HTTP/1.1",
        b"GET, /seen HTTP/1.1",
        b"G\"E\"T /seen HTTP/1.1",
        b"G[T /seen HTTP/1.1",
        b"G/T /seen HTTP/1.1",
        b"GET: /seen HTTP/1.1",
        b"GET; /seen HTTP/1.1",
        b"G=T /seen HTTP/1.1",
        b"G{T /seen HTTP/1.1",
        b"G?T /seen HTTP/1.1",
        b"G\\T /seen HTTP/1.1",
        b"G\0T /seen HTTP/1.1",
        b"G\x7FT /seen HTTP/1.1",
        b"G\xC9T /seen HTTP/1.1",
        b"<GET> /seen HTTP/1.1",
        b"{\"a\": 1} /seen HTTP/1.1",
    ];
    refused(BAD_REQUEST, &lines(bad));
}

#[test]
fn row_4_a_method_that_is_not_known_in_this_case_is_501() {
    let unknown: &[&[u8]] = &[
        b"get /seen HTTP/1.1",
        b"Get /seen HTTP/1.1",
        b"gET /seen HTTP/1.1",
        b"GETS /seen HTTP/1.1",
        b"GE /seen HTTP/1.1",
        b"G /seen HTTP/1.1",
        b"BREW /pot HTTP/1.1",
        b"QUERY /seen HTTP/1.1",
        b"PROPFIND /seen HTTP/1.1",
        b"M-SEARCH * HTTP/1.1",
        b"PRI * HTTP/1.1",
        b"!#$%&'*+-.^_`|~09 /seen HTTP/1.1",
    ];
    refused(NOT_IMPLEMENTED, &lines(unknown));
}
