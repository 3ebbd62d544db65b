//! Rows 14 to 16: where the body of a request ends. What two parsers could see differently here is
//! how requests are smuggled.

use super::{BAD_REQUEST, NOT_IMPLEMENTED, refused, with_host_and};

/// These values of this field, each in a line of its own.
fn values(name: &str, values: &[&[u8]]) -> Vec<Vec<u8>> {
    let line = |value: &&[u8]| [name.as_bytes(), b": ", *value, b"\r\n"].concat();
    let lines: Vec<Vec<u8>> = values.iter().map(line).collect();
    with_host_and(&lines.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

#[test]
fn row_14_a_content_length_that_is_not_plain_digits_is_refused() {
    let bad: &[&[u8]] = &[
        b"",
        b" ",
        b"\t",
        b"+3",
        b"-3",
        b"+0",
        b"-0",
        b"--3",
        b"0x3",
        b"0X3",
        b"0b11",
        b"0o3",
        b"3h",
        b"3f",
        b"a",
        b"1_0",
        b"_3",
        b"3_",
        b"3.0",
        b"3.",
        b".3",
        b"3e0",
        b"1e1",
        b"3 3",
        b"3\t3",
        b"3 ;a",
        b"3;a=b",
        b"'3'",
        b"\"3\"",
        b"(3)",
        b"3\xA0",
        b"\xA03",
        b"\xD9\xA3",
        b"\xEF\xBC\x93",
        b"\xE2\x85\xA2",
        b"\xEF\xBB\xBF3",
        b"NaN",
        b"chunked",
        b"null",
        b"18446744073709551616",
        b"18446744073709551619",
        b"99999999999999999999",
        b"36893488147419103232",
        b"340282366920938463463374607431768211459",
        b"000000000000000000000000000018446744073709551616",
        b"-18446744073709551613",
    ];
    refused(BAD_REQUEST, &values("Content-Length", bad));
}

#[test]
fn row_14_a_content_length_twice_or_as_a_list_is_refused() {
    let lists: &[&[u8]] =
        &[b"3, 3", b"3,3", b"3,", b",3", b",", b"3, 4", b"0, 3", b"3,,3", b"3 , 3", b"\"3,3\""];
    refused(BAD_REQUEST, &values("Content-Length", lists));
    let twice: &[&[u8]] = &[
        b"Content-Length: 3\r\nContent-Length: 3\r\n",
        b"Content-Length: 3\r\ncontent-length: 3\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: 0\r\nX: y\r\nCONTENT-LENGTH: 40\r\n",
        b"Content-Length: 3\r\nContent-Length:\r\n",
        b"Content-Length:\r\nContent-Length: 3\r\n",
        b"Content-Length: 3\r\nContent-Length: x\r\n",
    ];
    refused(BAD_REQUEST, &with_host_and(twice));
}

#[test]
fn row_15_both_fields_at_once_are_refused() {
    let both: &[&[u8]] = &[
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        b"Content-Length: 3\r\nX: y\r\nTRANSFER-ENCODING: CHUNKED\r\n",
        b"Content-Length: 3\r\nTransfer-Encoding: identity\r\n",
        b"Content-Length: 3\r\nTransfer-Encoding: xchunked\r\n",
        b"Content-Length: 3\r\nTransfer-Encoding: gzip, chunked\r\n",
        b"Content-Length: 3\r\nTransfer-Encoding:\r\n",
        b"Content-Length: 3\r\nTransfer-Encoding: ,\r\n",
        b"Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length:\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
    ];
    refused(BAD_REQUEST, &with_host_and(both));
}

#[test]
fn row_15_http_1_0_has_no_transfer_encoding() {
    let requests: &[&[u8]] = &[
        b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.0\r\nTransfer-Encoding: identity\r\n\r\n",
        b"POST /echo HTTP/1.0\r\nTransfer-Encoding:\r\n\r\n",
        b"POST /echo HTTP/1.0\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"GET /seen HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    refused(BAD_REQUEST, requests);
}

#[test]
fn row_15_chunked_that_is_not_last_or_not_once_or_not_plain_is_refused() {
    let bad: &[&[u8]] = &[
        b"chunked, gzip",
        b"chunked, identity",
        b"chunked,identity",
        b"chunked, x",
        b"chunked, chunked",
        b"chunked,chunked",
        b"gzip, chunked, chunked",
        b"chunked, gzip, chunked",
        b"chunked;",
        b"chunked;q=1",
        b"chunked; q=0.5",
        b"chunked ;a=b",
        b"gzip, chunked;a",
        b"chunked\r\nTransfer-Encoding: chunked",
        b"chunked\r\nTransfer-Encoding: identity",
        b"chunked\r\nTransfer-Encoding: x",
        b"chunked\r\nTransfer-Encoding:",
        b"chunked\r\ntransfer-encoding: CHUNKED",
    ];
    refused(BAD_REQUEST, &values("Transfer-Encoding", bad));
}

#[test]
fn row_15_a_transfer_encoding_that_is_empty_or_no_token_is_refused() {
    let bad: &[&[u8]] = &[
        b"",
        b" ",
        b",",
        b", ,",
        b", chunked",
        b"chunked,",
        b"chunked, ",
        b"gzip,, chunked",
        b"\r\nTransfer-Encoding: chunked",
        b"\"chunked\"",
        b"\"chunked",
        b"(chunked)",
        b"[chunked]",
        b"<chunked>",
        b"{chunked}",
        b"chun ked",
        b"chun\tked",
        b"chunked chunked",
        b"chunked x",
        b"x chunked",
        b"chunked/1",
        b"=chunked",
        b":chunked",
        b";chunked",
        b"a=chunked",
        b"chunked=",
        b"chunked:",
        b"chunked\\",
        b"\xFFchunked",
        b"chunked\xA0",
        b"\xC2\xA0chunked",
        b"\xEF\xBB\xBFchunked",
        b"chun\xC4\xB1ked",
    ];
    refused(BAD_REQUEST, &values("Transfer-Encoding", bad));
}

#[test]
fn row_16_a_coding_that_is_not_known_is_501() {
    let unknown: &[&[u8]] = &[
        b"xchunked",
        b"x-chunked",
        b"chunkedx",
        b"chunked-",
        b"chunke",
        b"'chunked'",
        b"`chunked`",
        b"identity",
        b"gzip",
        b"deflate",
        b"compress",
        b"br",
        b"gzip, chunked",
        b"identity, chunked",
        b"xchunked, chunked",
        b"gzip;level=9, chunked",
        b"gzip;a=\"b, chunked\", chunked",
        b"gzip\r\nTransfer-Encoding: chunked",
        b"0",
    ];
    refused(NOT_IMPLEMENTED, &values("Transfer-Encoding", unknown));
}
