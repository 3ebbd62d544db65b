//! A response that is a stream, and what stands before it.

use super::super::response;
use super::*;

#[test]
fn a_response_that_is_no_stream_is_told_what_to_do_about_it() {
    assert_good(
        &response::response(&watched(STREAM, &[], 9)),
        "200 and text/event-stream, after 2 ms",
    );
    for (head, said, remedy) in [
        (
            "HTTP/1.1 204 No Content\r\n",
            "204 No Content, after 2 ms: an EventSource takes",
            Remedy::Url,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n",
            "200 OK, after 2 ms: the type is text/html",
            Remedy::Type,
        ),
        ("HTTP/1.1 200 OK\r\n", "200 OK, after 2 ms: it has no Content-Type", Remedy::Type),
        (
            "HTTP/1.1 401 Unauthorized\r\n",
            "401 Unauthorized, after 2 ms: it does not let",
            Remedy::Credentials,
        ),
        ("HTTP/1.1 421 Misdirected Request\r\n", "421 Misdirected Request, after", Remedy::Name),
        (
            "HTTP/1.1 502 Bad Gateway\r\n",
            "502 Bad Gateway, after 2 ms: a browser's",
            Remedy::ComeBack,
        ),
        ("HTTP/1.1 302 Found\r\n", "302 Found, after 2 ms: it redirects in a circle", Remedy::Url),
        (
            "HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\n",
            "405 Method Not Allowed, after 2 ms: it takes no GET",
            Remedy::Method,
        ),
        ("HTTP/1.1 500 Oh\r\n", "500 Internal Server Error, after 2 ms: the server", Remedy::Log),
        ("HTTP/1.1 404 Not Found\r\n", "404 Not Found, after 2 ms: a browser's", Remedy::Url),
        ("HTTP/1.1 400 Oh\r\n", "400 Bad Request, after 2 ms: a browser's", Remedy::Tls),
        ("HTTP/1.1 426 Oh\r\n", "426, after 2 ms: it speaks another protocol", Remedy::Url),
        ("HTTP/1.1 429 Oh\r\n", "429 Too Many Requests, after 2 ms: it was", Remedy::Log),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/event-stream\r\n",
            "404 Not Found, after 2 ms: a browser's",
            Remedy::Url,
        ),
        ("HTTP/1.1 403 Forbidden\r\n", "403 Forbidden, after 2 ms: it", Remedy::Credentials),
    ] {
        assert_fault(&response::response(&watched(head, &[], 9)), said, remedy);
    }
    let mut late = Visit::new();
    late.take(format!("{STREAM}\r\n").as_bytes(), ms(2_100));
    assert_note(&response::response(&late), "200 and text/event-stream, after 2.1 s: a head that");
}

#[test]
fn a_response_that_does_not_come_is_told_by_how_it_failed() {
    let mut silent = Visit::new();
    silent.watched = ms(5_000);
    assert_fault(&response::response(&silent), "none within 5.0 s", Remedy::Flush);
    let mut closed = Visit::new();
    closed.ended(ms(2_000));
    let said = "the connection was closed after 2.0 s, before there was a response";
    assert_fault(&response::response(&closed), said, Remedy::Flush);
    let mut closed = Visit::new();
    closed.ended(ms(3));
    let said = "the connection was closed after 3 ms, before there was a response";
    assert_fault(&response::response(&closed), said, Remedy::Tls);
    let mut other = Visit::new();
    other.take(b"\x15\x03\x01\0\x02\x02\x16\r\n\r\n", ms(3));
    let said = "a response must begin with HTTP/; something else is spoken here";
    assert_fault(&response::response(&other), said, Remedy::Tls);
    let mut refused = Visit::new();
    refused.failed("can't connect to h: refused", ms(1));
    assert_fault(&response::response(&refused), "can't connect to h: refused", Remedy::Look);
}

#[test]
fn a_body_that_is_not_in_chunks_is_no_stream_whose_end_is_known() {
    assert_good(&response::framing(&head_of(STREAM)), "chunked");
    let length = head_of("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n");
    assert_fault(&response::framing(&length), "its length is 7 bytes", Remedy::NoLength);
    for (head, said) in
        [("HTTP/1.1 200 OK\r\n", "no chunks: "), ("HTTP/1.0 200 OK\r\n", "HTTP/1.0 has")]
    {
        assert_note(&response::framing(&head_of(head)), said);
    }
}

#[test]
fn a_cache_is_found_by_what_it_adds() {
    assert_good(&response::caching(&head_of(STREAM)), "Cache-Control has no-cache");
    let plain = "HTTP/1.1 200 OK\r\n";
    assert_note(&response::caching(&head_of(plain)), "Cache-Control has neither");
    // Several lines are one list.
    let lines = "Cache-Control: no-transform\r\ncache-control: a, NO-STORE\r\n";
    let both = head_of(&format!("{plain}{lines}"));
    assert_good(&response::caching(&both), "Cache-Control has no-store");
    let own = head_of(&format!("{plain}Cache-Control: private\r\n"));
    assert_good(&response::caching(&own), "Cache-Control has private");
    for field in ["Age: 7", "X-Cache: HIT from cdn", "CF-Cache-Status: HIT", "X-Proxy-Cache: HIT"] {
        let head = head_of(&format!("{STREAM}{field}\r\n"));
        assert_fault(&response::caching(&head), "it comes from a cache", Remedy::NoCache);
    }
    for field in ["Age: 0", "X-Cache: MISS", "CF-Cache-Status: DYNAMIC"] {
        let head = head_of(&format!("{STREAM}{field}\r\n"));
        assert_eq!(response::caching(&head).level, Level::Good, "{field}");
    }
}

#[test]
fn proxies_are_seen_by_their_fields() {
    let fields =
        "Server: nginx/1.22.1\r\nVia: 2.0 Caddy\r\nCF-RAY: 1\r\nX-Varnish: 5\r\nX-Other: y\r\n";
    let head = head_of(&format!("{STREAM}{fields}"));
    let seen = Seen::of(&head);
    assert_eq!(seen.proxies, [Proxy::Nginx, Proxy::Caddy, Proxy::Cloudflare]);
    // The one policy shows the values of few fields.
    let said = "HTTP/1.1; Server: nginx/1.22.1; Via: ...; CF-RAY: ...; X-Varnish: ...";
    assert_good(&response::proxies(&head, &seen), said);
    let bare = head_of(STREAM);
    let said = "HTTP/1.1; no field tells of a proxy";
    assert_good(&response::proxies(&bare, &Seen::of(&bare)), said);
    let old = head_of("HTTP/1.0 200 OK\r\n");
    let said = "HTTP/1.0; no field tells of a proxy";
    assert_good(&response::proxies(&old, &Seen::of(&old)), said);
}
