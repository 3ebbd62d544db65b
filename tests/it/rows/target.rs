//! Rows 5 to 7: the target of a request.

use super::{BAD_REQUEST, NOT_IMPLEMENTED, lines, refused};

/// Requests for these targets.
fn targets(targets: &[&[u8]]) -> Vec<Vec<u8>> {
    let line = |target: &&[u8]| [b"GET ", *target, b" HTTP/1.1\r\nHost: h\r\n\r\n"].concat();
    targets.iter().map(line).collect()
}

#[test]
fn row_5_a_byte_that_is_not_visible_ascii_is_refused_in_a_target() {
    let bytes = (0..=b' ').chain([0x7F, 0x80, 0x85, 0xA0, 0xC3, 0xFF]);
    let anywhere = |byte| [vec![b'/', b's', byte, b'n'], vec![b'/', b'?', byte], vec![byte, b'/']];
    let bad: Vec<Vec<u8>> = bytes.flat_map(anywhere).collect();
    refused(BAD_REQUEST, &targets(&bad.iter().map(Vec::as_slice).collect::<Vec<_>>()));
    let words: &[&[u8]] = &["/größe".as_bytes(), "/数".as_bytes(), b"/\xED\xA0\x80", b"\xFF"];
    refused(BAD_REQUEST, &targets(words));
}

#[test]
fn row_5_a_fragment_is_refused() {
    let bad: &[&[u8]] =
        &[b"/seen#", b"/seen#top", b"/seen?a#b", b"/#/seen", b"#", b"#/seen", b"http://h/seen#a"];
    refused(BAD_REQUEST, &targets(bad));
}

#[test]
fn row_6_a_target_of_no_form_that_its_method_has_is_refused() {
    let bad: &[&[u8]] = &[
        b"*",
        b"seen",
        b"?a",
        b".",
        b"../seen",
        b"\\seen",
        b"%2Fseen",
        b"h:80",
        b"h:80/seen",
        b"example.com",
        b"http:",
        b"http:/seen",
        b"http:seen",
        b"http://",
        b"http:///seen",
        b"http://?a",
        b"http://:80/seen",
        b"http:\\\\h\\seen",
        b"http%3A//h/seen",
        b"http://user@h/seen",
        b"http://user:word@h/seen",
        b"http://@h/seen",
        b"http://h:x/seen",
        b"http://h:65536/seen",
        b"http://h:80:80/seen",
        b"http://a,b/seen",
        b"http://a%2/seen",
        b"http://[::1/seen",
        b"http://::1/seen",
        b"http://[::1]x/seen",
        b"http://[]/seen",
        b"ftp://h/seen",
        b"ws://h/seen",
        b"httpx://h/seen",
        b"file:///etc/passwd",
        b"javascript:alert(1)",
        b"://h/seen",
    ];
    refused(BAD_REQUEST, &targets(bad));
    let other: &[&[u8]] = &[
        b"POST * HTTP/1.1",
        b"OPTIONS ** HTTP/1.1",
        b"OPTIONS *?a HTTP/1.1",
        b"OPTIONS */ HTTP/1.1",
        b"OPTIONS h:80 HTTP/1.1",
    ];
    refused(BAD_REQUEST, &lines(other));
}

#[test]
fn row_6_connect_is_501() {
    let tunnels: &[&[u8]] = &[
        b"CONNECT h:80 HTTP/1.1",
        b"CONNECT h HTTP/1.1",
        b"CONNECT /seen HTTP/1.1",
        b"CONNECT http://h/ HTTP/1.1",
        b"CONNECT * HTTP/1.1",
        b"CONNECT h:80 HTTP/1.0",
    ];
    refused(NOT_IMPLEMENTED, &lines(tunnels));
}

#[test]
fn row_7_a_target_that_does_not_decode_is_refused() {
    let bad: &[&[u8]] = &[
        b"/%",
        b"/%4",
        b"/seen%4",
        b"/%4x",
        b"/%x4",
        b"/%%41",
        b"/%+1",
        b"/%-1",
        b"/%0",
        b"/%u0041",
        b"/%00",
        b"/seen%00",
        b"/seen%00.html",
        b"/%ff",
        b"/%c3",
        b"/%e2%82",
        b"/%c0%80",
        b"/%c0%ae%c0%ae/",
        b"/%ed%a0%80",
        b"/%f8%88%80%80%80",
        b"/seen?%",
        b"/seen?a=%zz",
        b"/seen?%00",
        b"/seen?a=%FF",
        b"http://h/seen?%zz",
        b"http://h/%00",
    ];
    refused(BAD_REQUEST, &targets(bad));
}
