//! Which handler a request gets to.

use tidings::{Limits, Method, Response, Server};

use super::site;
use crate::support::http::{exchange, get};

#[test]
fn a_parameter_is_one_segment_decoded_once() {
    let server = site(Limits::default())
        .get("/users/{name}/posts/{number}", |request| {
            let param = |name| request.param(name).unwrap_or("none");
            Ok(Response::text(format!("{} {}", param("name"), param("number"))))
        })
        .get("/files/{path...}", |request| {
            Ok(Response::text(request.param("path").unwrap_or("none")))
        })
        .start()
        .unwrap();
    let text = |target| get(server.address(), target).text().to_owned();
    assert_eq!(text("/users/ann/posts/7"), "ann 7");
    assert_eq!(text("/users/a%20b%2fc%2541/posts/7?x=y"), "a b/c%41 7");
    assert_eq!(text("/files/a/b.txt"), "a/b.txt");
    assert_eq!(get(server.address(), "/users/ann/posts").status, 404);
    assert_eq!(get(server.address(), "/users//posts/7").status, 404);
}

#[test]
fn row_7_an_encoded_line_end_reaches_no_field() {
    let server = site(Limits::default())
        .get("/to/{place}", |request| {
            Response::no_content()
                .with_field("Location", request.param("place").unwrap().to_owned())
        })
        .start()
        .unwrap();
    let response = get(server.address(), "/to/a%0d%0aSet-Cookie:%20b");
    assert_eq!((response.status, response.field("Set-Cookie")), (400, None));
    assert_eq!(get(server.address(), "/to/a").field("Location"), Some("a"));
}

#[test]
fn the_fallback_answers_what_no_route_is_there_for() {
    let server = site(Limits::default())
        .fallback(|request| {
            let text = format!("{} {}", request.method(), request.path());
            Response::not_found().with_field("X-Asked", text)
        })
        .start()
        .unwrap();
    let response = get(server.address(), "/nowhere");
    assert_eq!((response.status, response.field("X-Asked")), (404, Some("GET /nowhere")));
    let request = b"DELETE /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(exchange(server.address(), request).field("X-Asked"), Some("DELETE /x"));
    assert_eq!(get(server.address(), "/").text(), "hello");
}

#[test]
fn any_method_can_have_a_route() {
    let server = site(Limits::default())
        .route(Method::Put, "/thing", |request| Ok(Response::text(request.body_text()?)))
        .route(Method::Delete, "/thing", |_request| Ok(Response::no_content()))
        .start()
        .unwrap();
    let put = b"PUT /thing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(exchange(server.address(), put).text(), "abc");
    let delete = b"DELETE /thing HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(exchange(server.address(), delete).status, 204);
    let response = get(server.address(), "/thing");
    assert_eq!((response.status, response.field("Allow")), (405, Some("PUT, DELETE, OPTIONS")));
}

#[test]
fn a_mistake_in_a_path_is_an_error_when_the_server_starts() {
    let bind = || Server::bind("127.0.0.1:0").unwrap();
    let twice = bind()
        .get("/a", |_request| Ok(Response::no_content()))
        .get("/a", |_request| Ok(Response::no_content()));
    assert!(twice.start().unwrap_err().is_invalid());
    let bad = bind().get("a", |_request| Ok(Response::no_content()));
    assert!(bad.run().unwrap_err().is_invalid());
}

#[test]
fn content_that_never_changes_is_served_as_it_is() {
    let server = site(Limits::default())
        .content("/style.css", "text/css", b"body {}".as_slice())
        .content("/made", "application/wasm", vec![0, 1, 2])
        .content("/text", "text/plain", "text")
        .content("/built", "text/plain", String::from("built"))
        .content("/array", "application/octet-stream", b"\0\x01")
        .start()
        .unwrap();
    let response = get(server.address(), "/style.css");
    assert_eq!((response.field("Content-Type"), response.text()), (Some("text/css"), "body {}"));
    assert_eq!(get(server.address(), "/made").body, [0, 1, 2]);
    assert_eq!(get(server.address(), "/text").text(), "text");
    assert_eq!(get(server.address(), "/built").text(), "built");
    assert_eq!(get(server.address(), "/array").body, [0, 1]);
}

/// A server whose routes are below a path, with a fallback.
fn below(prefix: &str) -> Server {
    site(Limits::default())
        .prefix(prefix)
        .get("/of/{name}", |request| {
            let name = request.param("name").unwrap_or("none");
            Ok(Response::text(format!("{name} {}", request.path())))
        })
        .fallback(|_request| Ok(Response::text("fallback")))
}

#[test]
fn below_a_prefix_is_all_that_there_is() {
    for prefix in ["/hub", "/hub/"] {
        let server = below(prefix).start().unwrap();
        let text = |target| {
            let response = get(server.address(), target);
            (response.status, response.text().to_owned())
        };
        let ok = |text: &str| (200, text.to_owned());
        // What was added before the prefix, and after it.
        assert_eq!(text("/hub/"), ok("hello"));
        assert_eq!(text("/hub/of/ann"), ok("ann /hub/of/ann"));
        assert_eq!(text("/%68ub/of/a%20b?x=y"), ok("a b /hub/of/a b"));
        assert_eq!(text("/hub/nowhere"), ok("fallback"));
        let nothing = (404, "404 Not Found: nothing is here\n".to_owned());
        for target in ["/", "/other", "/of/ann", "/hub", "/hubs/", "/hub%2f", "/x/hub/"] {
            assert_eq!(text(target), nothing, "{target}");
        }
    }
}

#[test]
fn a_prefix_leaves_methods_and_their_refusals_as_they_are() {
    let server = site(Limits::default()).prefix("/a/b").start().unwrap();
    let request = b"DELETE /a/b/echo HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let response = exchange(server.address(), request);
    assert_eq!((response.status, response.field("Allow")), (405, Some("POST, OPTIONS")));
    let request = b"DELETE /echo HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(exchange(server.address(), request).status, 404);
}

#[test]
fn a_prefix_of_nothing_is_none_and_one_that_is_no_path_is_an_error_when_the_server_starts() {
    let server = below("/").start().unwrap();
    assert_eq!(get(server.address(), "/").text(), "hello");
    assert_eq!(get(server.address(), "/nowhere").text(), "fallback");
    for bad in ["hub", "", "/{hub}"] {
        assert!(below(bad).start().unwrap_err().is_invalid(), "{bad}");
    }
}

#[test]
fn a_host_that_is_none_of_ours_is_421() {
    let server = site(Limits::default()).hosts(["hub.example"]).start().unwrap();
    let asked_as = |host: &str| {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        exchange(server.address(), request.as_bytes()).status
    };
    for ours in ["localhost", "127.0.0.1:3000", "[::1]:80", "hub.example", "HUB.example:8080"] {
        assert_eq!(asked_as(ours), 200, "{ours}");
    }
    for other in ["evil.example", "hub.example.evil.example", "xhub.example"] {
        assert_eq!(asked_as(other), 421, "{other}");
    }
    let absolute = b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(exchange(server.address(), absolute).status, 421);
}
