//! Tests of the framing: the three rows that keep requests from being smuggled.

use super::Framing;
use crate::http::support::{head, refused, with_fields};

fn framing(fields: &[u8]) -> Framing {
    head(&with_fields(fields)).framing()
}

#[track_caller]
fn assert_refused(fields: &[u8], status: u16) {
    assert_eq!(refused(&with_fields(fields)), status, "{}", fields.escape_ascii());
}

#[test]
fn without_either_field_there_is_no_body() {
    assert_eq!(framing(b""), Framing::None);
}

#[test]
fn a_content_length_is_digits() {
    assert_eq!(framing(b"Content-Length: 0\r\n"), Framing::Length(0));
    assert_eq!(framing(b"content-length:\t5 \r\n"), Framing::Length(5));
    assert_eq!(framing(b"Content-Length: 0012\r\n"), Framing::Length(12));
    assert_eq!(framing(b"Content-Length: 18446744073709551615\r\n"), Framing::Length(u64::MAX));
}

#[test]
fn row_14_content_length_twice_is_refused() {
    assert_refused(b"Content-Length: 5\r\nContent-Length: 5\r\n", 400);
    assert_refused(b"Content-Length: 5\r\ncontent-length: 6\r\n", 400);
}

#[test]
fn row_14_content_length_that_is_not_plain_digits_is_refused() {
    let values: [&[u8]; 17] = [
        b"",
        b" ",
        b"5, 5",
        b"5,",
        b"+5",
        b"-5",
        b"0x5",
        b"5f",
        b"5 5",
        b"5_000",
        b"5.0",
        b"5e3",
        b"\"5\"",
        b"\xD9\xA5",
        b"18446744073709551616",
        b"99999999999999999999999999",
        b"5;a",
    ];
    for value in values {
        assert_refused(&[b"Content-Length: ", value, b"\r\n"].concat(), 400);
    }
}

#[test]
fn chunked_is_known_in_any_case() {
    assert_eq!(framing(b"Transfer-Encoding: chunked\r\n"), Framing::Chunked);
    assert_eq!(framing(b"transfer-encoding:\tChunKED \r\n"), Framing::Chunked);
}

#[test]
fn row_15_both_fields_at_once_are_refused() {
    assert_refused(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400);
    assert_refused(b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400);
    assert_refused(b"Transfer-Encoding:\r\nContent-Length: 0\r\n", 400);
    assert_refused(b"Transfer-Encoding: gzip\r\nContent-Length: 0\r\n", 400);
}

#[test]
fn row_15_http_1_0_has_no_transfer_encoding() {
    assert_eq!(refused(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    assert_eq!(refused(b"POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n"), 400);
}

#[test]
fn row_15_chunked_is_last_and_once_and_plain() {
    assert_refused(b"Transfer-Encoding: chunked, gzip\r\n", 400);
    assert_refused(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", 400);
    assert_refused(b"Transfer-Encoding: chunked, chunked\r\n", 400);
    assert_refused(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400);
    assert_refused(b"Transfer-Encoding: gzip, chunked, chunked\r\n", 400);
    assert_refused(b"Transfer-Encoding: chunked;q=1\r\n", 400);
    assert_refused(b"Transfer-Encoding: chunked;\r\n", 400);
}

#[test]
fn row_15_a_transfer_encoding_that_is_empty_or_no_token_is_refused() {
    assert_refused(b"Transfer-Encoding:\r\n", 400);
    assert_refused(b"Transfer-Encoding: ,\r\n", 400);
    assert_refused(b"Transfer-Encoding: , chunked\r\n", 400);
    assert_refused(b"Transfer-Encoding: chunked,\r\n", 400);
    assert_refused(b"Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", 400);
    assert_refused(b"Transfer-Encoding: \"chunked\"\r\n", 400);
    assert_refused(b"Transfer-Encoding: chun ked\r\n", 400);
    assert_refused(b"Transfer-Encoding: chunked chunked\r\n", 400);
    assert_refused(b"Transfer-Encoding: \xFFchunked\r\n", 400);
    assert_refused(b"Transfer-Encoding: \x0Bchunked\r\n", 400);
}

#[test]
fn row_16_a_coding_that_we_do_not_know_is_not_implemented() {
    assert_refused(b"Transfer-Encoding: gzip\r\n", 501);
    assert_refused(b"Transfer-Encoding: identity\r\n", 501);
    assert_refused(b"Transfer-Encoding: xchunked\r\n", 501);
    assert_refused(b"Transfer-Encoding: gzip, chunked\r\n", 501);
    assert_refused(b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501);
    assert_refused(b"Transfer-Encoding: gzip;level=\"9,9\", chunked\r\n", 501);
}
