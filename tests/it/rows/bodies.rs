//! Rows 20 to 23: bodies that nobody reads, that are too large, or that break off, and responses that
//! have none.

use std::io::Write;
use std::net::Shutdown;

use tidings::{Limits, Response, Server, Status};

use super::{BAD_REQUEST, LINES, Site, answered, outcome, refused};
use crate::support::http::{Client, connect};

#[test]
fn row_20_a_body_that_nobody_reads_is_never_the_next_request() {
    let site = Site::new();
    let smuggled = "GET /behind HTTP/1.1\r\nHost: h\r\n\r\n";
    let length = smuggled.len();
    let by_length = format!("Host: h\r\nContent-Length: {length}\r\n\r\n{smuggled}");
    let in_a_chunk = format!(
        "Host: h\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{smuggled}\r\n0\r\n\r\n"
    );
    for (line, status) in [
        ("GET /missing HTTP/1.1", 404),
        ("POST /missing HTTP/1.1", 404),
        ("HEAD /missing HTTP/1.1", 404),
        ("DELETE /seen HTTP/1.1", 405),
        ("POST /sse HTTP/1.1", 405),
        ("TRACE /echo HTTP/1.1", 405),
        ("OPTIONS /seen HTTP/1.1", 204),
        ("OPTIONS * HTTP/1.1", 204),
        ("GET /seen HTTP/1.1", 200),
        ("HEAD /seen HTTP/1.1", 200),
    ] {
        for rest in [&by_length, &in_a_chunk] {
            let request = format!("{line}\r\n{rest}");
            answered(&site, &[request.as_bytes()], |request, response| {
                assert_eq!(response.status, status, "{}", request.escape_ascii());
            });
        }
    }
}

#[test]
fn row_20_an_unread_body_that_breaks_a_rule_ends_its_connection_behind_the_response() {
    let site = Site::new();
    let behind = "0\r\n\r\nGET /behind HTTP/1.1\r\nHost: h\r\n\r\n";
    for chunk in ["x\r\n", "0x3\r\nabc\r\n", "3\nabc\r\n", "3\r\nabcd\r\n", "3;\r\nabc\r\n", "\n"] {
        let head = "POST /missing HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        let request = [head, chunk, behind].concat();
        for pieces in [vec![request.as_bytes()], request.as_bytes().chunks(1).collect()] {
            let response = outcome(site.address(), pieces);
            assert!(response.starts_with("HTTP/1.1 404 Not Found\r\n"), "{chunk:?}\n{response}");
            assert_eq!(response.matches("HTTP/1.1").count(), 1, "{chunk:?}\n{response}");
        }
    }
    assert_eq!(site.calls(), 0);
}

#[test]
fn row_21_a_body_whose_size_is_over_the_limit_is_refused_before_it_comes() {
    let framings: &[&[u8]] = &[
        b"Content-Length: 1048577\r\n\r\n",
        b"Content-Length: 4294967296\r\n\r\n",
        b"Content-Length: 9223372036854775808\r\n\r\n",
        b"Content-Length: 18446744073709551615\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n100001\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n100000001\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n7FFFFFFFFFFFFFFF\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n8000000000000000\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFD\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nFFFFFFFFFFFFFFFF\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nFFFFE\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n100000\r\n",
    ];
    let on_each = |framing: &&[u8]| LINES.map(|line| [line, b"\r\nHost: h\r\n", framing].concat());
    let requests: Vec<Vec<u8>> = framings.iter().flat_map(on_each).collect();
    refused("413 Content Too Large", &requests);
}

#[test]
fn row_22_a_request_that_breaks_off_anywhere_calls_nobody() {
    let site = Site::new();
    let requests: [&[u8]; 3] = [
        b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabcdefghi",
        b"POST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
          3;a=\"b\"\r\nabc\r\n0;c\r\nA: b\r\n\r\n",
    ];
    for request in requests {
        for end in 0..request.len() {
            let mut socket = connect(site.address());
            socket.write_all(&request[..end]).unwrap();
            socket.shutdown(Shutdown::Write).unwrap();
            let shown = request[..end].escape_ascii();
            assert_eq!(Client::over(socket).rest(), "", "{shown}");
        }
    }
    assert_eq!(site.calls(), 0);
}

/// The whole response to a request that closes its connection, as its head and what is behind it.
#[track_caller]
fn head_and_body(server: &tidings::Running, request: &[u8]) -> (String, String) {
    let response = outcome(server.address(), [request]);
    let (head, body) = response.split_once("\r\n\r\n").expect(&response);
    assert_eq!(head.matches("\r\nDate: ").count(), 1, "{head}");
    (head.to_owned(), body.to_owned())
}

#[test]
fn row_23_no_response_to_a_head_has_a_body() {
    let site = Site::new();
    let requests: [(&[u8], &str); 12] = [
        (b"HEAD /seen HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200 OK"),
        (b"HEAD /sse HTTP/1.1\r\nHost: h\r\n\r\n", "200 OK"),
        (b"HEAD /sse HTTP/1.0\r\n\r\n", "200 OK"),
        (b"HEAD /missing HTTP/1.0\r\n\r\n", "404 Not Found"),
        (b"HEAD /echo HTTP/1.0\r\n\r\n", "405 Method Not Allowed"),
        (b"HEAD /seen HTTP/1.1\r\n\r\n", BAD_REQUEST),
        (b"HEAD  /seen HTTP/1.1\r\nHost: h\r\n\r\n", BAD_REQUEST),
        (b"\r\nHEAD /seen HTTP/1.1\nHost: h\r\n\r\n", BAD_REQUEST),
        (b"HEAD /seen HTTP/2.0\r\nHost: h\r\n\r\n", "505 HTTP Version Not Supported"),
        (b"HEAD /seen HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n", "417 Expectation Failed"),
        (
            b"HEAD /seen HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n",
            "413 Content Too Large",
        ),
        (b"HEAD /seen HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx", BAD_REQUEST),
    ];
    for (request, status) in requests {
        let (head, body) = head_and_body(&site.server, request);
        let shown = request.escape_ascii();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{shown}\n{head}");
        assert_eq!(body, "", "{shown}\n{head}");
        assert!(head.contains("\r\nConnection: close"), "{shown}\n{head}");
    }
}

#[test]
fn row_23_no_content_and_not_modified_have_neither_body_nor_framing() {
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .limits(Limits::default())
        .get("/204", |_request| Ok(Response::text("x").with_status(Status::NO_CONTENT)))
        .get("/304", |_request| Ok(Response::text("x").with_status(Status::NOT_MODIFIED)))
        .start()
        .unwrap();
    for (target, status) in [("/204", "204 No Content"), ("/304", "304 Not Modified")] {
        for method in ["GET", "HEAD"] {
            let request = format!("{method} {target} HTTP/1.0\r\n\r\n");
            let (head, body) = head_and_body(&server, request.as_bytes());
            assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{head}");
            assert!(!head.contains("\r\nContent-Length:"), "{head}");
            assert!(!head.contains("\r\nTransfer-Encoding:"), "{head}");
            assert_eq!(body, "", "{head}");
        }
        let mut client = Client::to(server.address());
        assert_eq!(client.get(target).status.to_string(), target[1..]);
        assert_eq!(client.get(target).status.to_string(), target[1..]);
    }
}
