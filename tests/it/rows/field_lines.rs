//! Rows 8 to 10 and 12: field lines, and those that a server has to understand.

use super::{BAD_REQUEST, refused, with_fields, with_host_and};

#[test]
fn row_8_a_host_that_is_missing_or_twice_is_refused() {
    let bad: &[&[u8]] = &[
        b"",
        b"X-Host: h\r\n",
        b"Hos: h\r\n",
        b"Host-: h\r\n",
        b"Host: h\r\nHost: h\r\n",
        b"Host: h\r\nhost: h\r\n",
        b"Host: h\r\nX: y\r\nHOST: i\r\n",
        b"Host: h\r\nHost:\r\n",
        b"Host:\r\nHost: h\r\n",
    ];
    refused(BAD_REQUEST, &with_fields(bad));
    let requests: &[&[u8]] = &[
        b"GET http://h/seen HTTP/1.1\r\n\r\n",
        b"GET http://h/seen HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET http://h/seen HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET http://h/seen HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
        b"GET /seen HTTP/1.2\r\n\r\n",
        b"GET /seen HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n",
        b"GET /seen HTTP/1.0\r\nHost: h,i\r\n\r\n",
        b"GET /seen HTTP/1.0\r\nHost:\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
    ];
    refused(BAD_REQUEST, requests);
}

#[test]
fn row_8_a_host_that_is_not_one_host_is_refused() {
    let bad: &[&[u8]] = &[
        b"",
        b" ",
        b":",
        b":80",
        b"/",
        b"h/",
        b"h/path",
        b"h?a",
        b"h#a",
        b"h\\i",
        b"@h",
        b"user@h",
        b"user:word@h",
        b"h@",
        b"h,i",
        b"h, i",
        b",",
        b"h,",
        b"h i",
        b"h\ti",
        b"h: 80",
        b"h :80",
        b"h:80 80",
        b"h:80:80",
        b"h::80",
        b"h:-1",
        b"h:+80",
        b"h:0x50",
        b"h:80a",
        b"h:8_0",
        b"h:65536",
        b"h:99999999999999999999",
        b"::1",
        b"[::1",
        b"::1]",
        b"[]",
        b"[::1]:x",
        b"[::1]x",
        b"[::1]80",
        b"[[::1]]",
        b"[127.0.0.1]",
        b"[::g]",
        b"[1:2:3]",
        b"[::1%25eth0]",
        b"[fe80::1%eth0]",
        b"[v.x]",
        b"[v1.]",
        b"http://h",
        b"http://h/",
        b"h%",
        b"h%zz",
        b"<h>",
        b"\"h\"",
        b"h;i\"",
        b"h\xC3\xA9",
        b"\x80",
        b"h\0",
        b"h\x0B",
        b"h\x7F",
    ];
    let bad: Vec<Vec<u8>> = bad.iter().map(|host| [b"Host: ", *host, b"\r\n"].concat()).collect();
    refused(BAD_REQUEST, &with_fields(&bad.iter().map(Vec::as_slice).collect::<Vec<_>>()));
}

#[test]
fn row_9_what_is_not_a_name_and_a_colon_is_refused() {
    let bad: &[&[u8]] = &[
        b"X : y\r\n",
        b"X\t: y\r\n",
        b"X \t : y\r\n",
        b"Content-Length : 0\r\n",
        b"Content-Length\t: 0\r\n",
        b"Content-Length\0: 0\r\n",
        b"Content-Length\x0B: 0\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding\t:chunked\r\n",
        b"Transfer-Encoding\x0C: chunked\r\n",
        b"Transfer-Encoding\xA0: chunked\r\n",
        b"Transfer\xADEncoding: chunked\r\n",
        b"Transfer Encoding: chunked\r\n",
        b"\x0BTransfer-Encoding: chunked\r\n",
        b"\"Transfer-Encoding\": chunked\r\n",
        b"X\r\n",
        b"X y\r\n",
        b"chunked\r\n",
        b"GET /behind HTTP/1.1\r\n",
        b": y\r\n",
        b":\r\n",
        b"X Y: z\r\n",
        b"X(: y\r\n",
        b"X@: y\r\n",
        b"X/Y: z\r\n",
        b"X=Y: z\r\n",
        b"X;Y: z\r\n",
        b"X,Y: z\r\n",
        b"X[]: y\r\n",
        b"{X}: y\r\n",
        b"X\xC3\xA9: y\r\n",
        b"\xEF\xBB\xBFX: y\r\n",
        b"X\0: y\r\n",
        b"X\x7F: y\r\n",
        b"X\r: y\r\n",
        b"\0\r\n",
        b"\x0B\r\n",
    ];
    refused(BAD_REQUEST, &with_host_and(bad));
}

#[test]
fn row_9_a_line_that_begins_with_white_space_is_refused() {
    let folded: &[&[u8]] = &[
        b"X: y\r\n z\r\n",
        b"X: y\r\n\tz\r\n",
        b"X: y\r\n  Y: z\r\n",
        b"X:\r\n y\r\n",
        b"X: y\r\n \r\n",
        b"X: y\r\n\t\r\n",
        b"Content-Length:\r\n 3\r\n",
        b"Content-Length: 3\r\n 3\r\n",
        b"Transfer-Encoding:\r\n chunked\r\n",
        b"Transfer-Encoding: x\r\n\tchunked\r\n",
        b"Transfer-Encoding: chu\r\n nked\r\n",
    ];
    refused(BAD_REQUEST, &with_host_and(folded));
    let before_the_first: &[&[u8]] =
        &[b" Host: h\r\n", b"\tHost: h\r\n", b" X: y\r\nHost: h\r\n", b" \r\nHost: h\r\n"];
    refused(BAD_REQUEST, &with_fields(before_the_first));
}

#[test]
fn row_10_a_control_byte_but_the_tab_is_refused_in_a_value() {
    let controls = (0..b' ').chain([0x7F]).filter(|byte| *byte != b'\t');
    let anywhere = |byte| {
        // In the middle, at the beginning, and at the end where others would trim it.
        let values = [vec![b'a', byte, b'b'], vec![byte, b'a'], vec![b'a', byte, b'\t']];
        values.map(|value| [b"X: ", &value[..], b"\r\n"].concat())
    };
    let bad: Vec<Vec<u8>> = controls.flat_map(anywhere).collect();
    refused(BAD_REQUEST, &with_host_and(&bad.iter().map(Vec::as_slice).collect::<Vec<_>>()));
    let fields: &[&[u8]] = &[
        b"Content-Length: 0\0\r\n",
        b"Content-Length:\x0B0\r\n",
        b"Transfer-Encoding:\x0Bchunked\r\n",
        b"Transfer-Encoding: chunked\x0C\r\n",
        b"Transfer-Encoding: chunked\0\r\n",
        b"Connection: close\rX: y\r\n",
        b"Last-Event-ID: 1\r2\r\n",
        b"Cookie: a=\"\x01\"\r\n",
    ];
    refused(BAD_REQUEST, &with_host_and(fields));
}

#[test]
fn row_12_an_expectation_that_is_not_known_is_417() {
    let unknown: &[&[u8]] = &[
        b"Expect: 200-ok\r\n",
        b"Expect: 100\r\n",
        b"Expect: continue\r\n",
        b"Expect: 100-continued\r\n",
        b"Expect: 100-continue;a=b\r\n",
        b"Expect: \"100-continue\"\r\n",
        b"Expect: 100-continue, tea\r\n",
        b"Expect: tea, 100-continue\r\n",
        b"Expect: 100-continue\r\nExpect: tea\r\n",
        b"Content-Length: 3\r\nExpect: 100 continue\r\n",
        b"Transfer-Encoding: chunked\r\nExpect: tea\r\n",
    ];
    refused("417 Expectation Failed", &with_host_and(unknown));
}
