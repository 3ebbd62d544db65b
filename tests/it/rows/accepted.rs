//! Requests that are odd and valid: each must be served, and the next one on its connection too.

use super::{Site, answered, outcome};

/// Requests, and what the handler understood of each: its method, target and host.
const SEEN: &[(&[u8], &str)] = &[
    // Row 1: one or two empty lines before the request line.
    (b"\r\nGET /seen HTTP/1.1\r\nHost: h\r\n\r\n", "GET /seen h"),
    (b"\r\n\r\nGET /seen HTTP/1.1\r\nHost: h\r\n\r\n", "GET /seen h"),
    // Row 3: a later minor version.
    (b"GET /seen HTTP/1.2\r\nHost: h\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.9\r\nHost: h\r\n\r\n", "GET /seen h"),
    // Row 5: what browsers do not encode.
    (b"GET /seen? HTTP/1.1\r\nHost: h\r\n\r\n", "GET /seen? h"),
    (b"GET /seen?a?b=/c HTTP/1.1\r\nHost: h\r\n\r\n", "GET /seen?a?b=/c h"),
    (b"GET /seen?|{}^`[]\\\"<> HTTP/1.1\r\nHost: h\r\n\r\n", "GET /seen?|{}^`[]\\\"<> h"),
    (b"GET /seen?http://x/ HTTP/1.1\r\nHost: h\r\n\r\n", "GET /seen?http://x/ h"),
    // Row 6: the absolute form, whose authority wins over the field.
    (b"GET http://a/seen HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://a/seen a"),
    (b"GET HTTP://A:80/seen HTTP/1.1\r\nHost: h\r\n\r\n", "GET HTTP://A:80/seen A:80"),
    (
        b"GET https://[::1]:8443/seen?b HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET https://[::1]:8443/seen?b [::1]:8443",
    ),
    (b"GET http://a:/seen HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://a:/seen a:"),
    // Row 7: decoded once, for matching only.
    (b"GET /%73een HTTP/1.1\r\nHost: h\r\n\r\n", "GET /%73een h"),
    (b"GET /s%65%65%6E?%0d%0aX:%20y HTTP/1.1\r\nHost: h\r\n\r\n", "GET /s%65%65%6E?%0d%0aX:%20y h"),
    (b"GET /seen?a=%C3%A9 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /seen?a=%C3%A9 h"),
    // Row 8: all that one host can be.
    (b"GET /seen HTTP/1.1\r\nHost:h\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost:\t h \t\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nhOST: h\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nX: y\r\nHost: h\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h:\r\n\r\n", "GET /seen h:"),
    (b"GET /seen HTTP/1.1\r\nHost: h:0\r\n\r\n", "GET /seen h:0"),
    (b"GET /seen HTTP/1.1\r\nHost: h:65535\r\n\r\n", "GET /seen h:65535"),
    (b"GET /seen HTTP/1.1\r\nHost: h:00080\r\n\r\n", "GET /seen h:00080"),
    (b"GET /seen HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", "GET /seen 127.0.0.1:80"),
    (b"GET /seen HTTP/1.1\r\nHost: [::1]\r\n\r\n", "GET /seen [::1]"),
    (b"GET /seen HTTP/1.1\r\nHost: [2001:DB8::a]:80\r\n\r\n", "GET /seen [2001:DB8::a]:80"),
    (b"GET /seen HTTP/1.1\r\nHost: [::ffff:127.0.0.1]\r\n\r\n", "GET /seen [::ffff:127.0.0.1]"),
    (b"GET /seen HTTP/1.1\r\nHost: [v1.a:b]\r\n\r\n", "GET /seen [v1.a:b]"),
    (b"GET /seen HTTP/1.1\r\nHost: a%41b\r\n\r\n", "GET /seen a%41b"),
    (b"GET /seen HTTP/1.1\r\nHost: a_b~c!$&'()*+;=\r\n\r\n", "GET /seen a_b~c!$&'()*+;="),
    (
        b"GET /seen HTTP/1.1\r\nHost: xn--gre-6ka8i.example\r\n\r\n",
        "GET /seen xn--gre-6ka8i.example",
    ),
    // Rows 9 and 10: fields with odd names, and values that are empty or not ASCII.
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nX:\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nX: \t \r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nX:\ty\tz\t\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nX: \xFF\x80\xC3\xA9\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nX::y:\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\n!#$%&'*+-.^_`|~09: y\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nX: y\r\nx: z\r\nX: y\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nCookie: a=\"\r\nAccept: ;,q=\"\\\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nTE: trailers, deflate;q=0.5\r\n\r\n", "GET /seen h"),
    (
        b"GET /seen HTTP/1.1\r\nHost: h\r\nTransfer-Encodin: x\r\nContent-Length2: x\r\n\r\n",
        "GET /seen h",
    ),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nContent_Length: 3\r\n\r\n", "GET /seen h"),
    // Row 11: `Connection` is a list.
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nConnection: Keep-Alive, x\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nConnection:,, te ,,\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nConnection: closed, xclose\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nConnection: \"close\"\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.0\r\nConnection: x, KEEP-ALIVE\r\n\r\n", "GET /seen -"),
    (b"GET /seen HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", "GET /seen h"),
    // Row 12: no expectation at all, and one that is for nothing.
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nExpect:\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nExpect: , 100-continue ,\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.0\r\nConnection: keep-alive\r\nExpect: tea\r\n\r\n", "GET /seen -"),
    // Row 13: an upgrade is ignored.
    (
        b"GET /seen HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "GET /seen h",
    ),
    (
        b"GET /seen HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        "GET /seen h",
    ),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nUpgrade: TLS/1.0, HTTP/2.0\r\n\r\n", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nUpgrade:\r\n\r\n", "GET /seen h"),
    // Row 20: the body of a request that wants none.
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nGET", "GET /seen h"),
    (b"GET /seen HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "GET /seen h"),
    (
        b"GET /seen HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /seen h",
    ),
];

#[test]
fn rows_1_to_13_a_request_that_is_odd_and_valid_is_served() {
    let site = Site::new();
    for (request, expected) in SEEN {
        answered(&site, &[request], |request, response| {
            assert_eq!(response.text(), *expected, "{}", request.escape_ascii());
            assert_eq!(response.status, 200);
        });
    }
    // Each in three ways, and the one behind it each time.
    assert_eq!(site.calls(), SEEN.len() * 6);
}

/// Framings, with the body `abc` after them, or whatever else says that it is `abc`.
const BODIES: &[&[u8]] = &[
    // Row 14.
    b"Content-Length: 3\r\n\r\nabc",
    b"Content-Length:\t3 \r\n\r\nabc",
    b"CONTENT-LENGTH:3\r\n\r\nabc",
    b"Content-Length: 0003\r\n\r\nabc",
    b"Content-Length: 00000000000000000000000000000003\r\n\r\nabc",
    // Rows 15 and 16.
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"transfer-encoding:\tCHUNKED \r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    // Row 17.
    b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n03\r\nabc\r\n00000\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n0000000000000003\r\nabc\r\n0000000000000000\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3;a\r\nabc\r\n0;b\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3;a=b;c=\"d\";e\r\nabc\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3 ; a\t=\t\"b\" ;c\r\nabc\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3;a=\"\"\r\nabc\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3;a=\"\\\"\\\\;\xFF\"\r\nabc\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3;a='b\r\nabc\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3;0=0\r\nabc\r\n0\r\n\r\n",
    // Row 18: trailers, and among them those that must not count.
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\nC:\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nHost: other\r\nHost: other\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nContent-Length: 30\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nConnection: close\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nExpect: tea\r\n\r\n",
    b"Trailer: A\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
];

#[test]
fn rows_14_to_18_a_body_that_is_odd_and_valid_comes_as_it_is() {
    let site = Site::new();
    for framing in BODIES {
        let request = [b"POST /echo HTTP/1.1\r\nHost: h\r\n", *framing].concat();
        answered(&site, &[&request], |request, response| {
            assert_eq!(response.text(), "abc", "{}", request.escape_ascii());
            assert_eq!(response.status, 200);
        });
    }
    assert_eq!(site.calls(), BODIES.len() * 6);
}

#[test]
fn row_11_a_connection_closes_when_either_side_says_so() {
    let site = Site::new();
    let closing: &[&[u8]] = &[
        b"GET /seen HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        b"GET /seen HTTP/1.1\r\nHost: h\r\nConnection: CLOSE\r\n\r\n",
        b"GET /seen HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\n",
        b"GET /seen HTTP/1.1\r\nHost: h\r\nConnection: close, keep-alive\r\n\r\n",
        b"GET /seen HTTP/1.1\r\nHost: h\r\nConnection: x\r\nconnection: ,\tClose ,\r\n\r\n",
        b"GET /seen HTTP/1.0\r\nHost: h\r\n\r\n",
        b"GET /seen HTTP/1.0\r\nHost: h\r\nConnection: x\r\n\r\n",
        b"GET /seen HTTP/1.0\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\n",
        b"GET /seen HTTP/1.0\r\nHost: h\r\nKeep-Alive: timeout=5\r\n\r\n",
    ];
    for request in closing {
        for pieces in [vec![*request, super::BEHIND], request.chunks(1).collect()] {
            let response = outcome(site.address(), pieces);
            let shown = request.escape_ascii();
            assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{shown}\n{response}");
            assert!(response.contains("\r\nConnection: close\r\n"), "{shown}\n{response}");
            assert!(response.ends_with("\r\n\r\nGET /seen h"), "{shown}\n{response}");
        }
    }
    assert_eq!(site.calls(), closing.len() * 2);
}
