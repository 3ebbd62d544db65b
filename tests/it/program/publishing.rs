//! Who may publish, who may ask, and what the hub tells of itself.

use std::collections::HashSet;

use super::super::support::http::{Client, exchange, get};
use super::super::support::until;
use super::*;

#[track_caller]
fn refused(response: &HttpResponse, status: u16, said: &str) {
    assert_eq!(response.text(), said);
    assert_eq!(response.status, status);
}

#[test]
fn with_a_token_file_only_a_client_with_the_token_may_publish() {
    let file = TemporaryFile::new("token", "s3cret\n");
    let hub = hub(&[&file.argument()]);
    let without = post_with(&hub, "/events/a", "");
    let said = "401 Unauthorized: this needs a token in the field \
                'Authorization: Bearer TOKEN'\n";
    refused(&without, 401, said);
    assert_eq!(without.field("WWW-Authenticate"), Some("Bearer"));
    let wrong = post_with(&hub, "/events/a", "Authorization: Bearer s3creT\r\n");
    let said =
        "401 Unauthorized: this is not the token: send what the hub's --token-file contains\n";
    refused(&wrong, 401, said);
    assert_eq!(
        wrong.field("WWW-Authenticate"),
        Some("Bearer error=\"invalid_token\", error_description=\"this is not the token\""),
    );
    let twice = "Authorization: Bearer s3cret\r\nAuthorization: Bearer other\r\n";
    let said = "400 Bad Request: there may be only one field authorization\n";
    refused(&post_with(&hub, "/events/a", twice), 400, said);
    let right = post_with(&hub, "/events/a", "Authorization: bearer s3cret\r\n");
    assert_eq!(right.status, 200);
    assert!(right.text().ends_with("-1\n"), "nothing that was refused has drawn an id");
    assert_eq!(get(hub.address(), "/health").status, 200);
}

#[test]
fn a_client_without_the_token_is_told_so_before_anything_of_its_body_has_come() {
    let file = TemporaryFile::new("early-token", "s3cret\n");
    let hub = hub(&[&file.argument()]);
    for body in ["Content-Length: 60000", "Transfer-Encoding: chunked"] {
        let head = "POST /events/a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue";
        let mut client = Client::to(hub.address());
        client.send(format!("{head}\r\n{body}\r\n\r\n"));
        assert_eq!(client.response().status, 401, "{body}");
    }
}

#[test]
fn row_47_a_page_of_another_origin_may_not_publish_and_is_told_what_would_let_it() {
    let hub = hub(&[]);
    for (origin, remedy) in [
        ("https://evil.example", "start the hub with --cors https://evil.example to let them"),
        ("http://127.0.0.1:1", "start the hub with --cors http://127.0.0.1:1 to let them"),
        ("null", "start the hub with --cors '*' to let pages of all origins"),
    ] {
        let response = post_with(&hub, "/events/a", &format!("Origin: {origin}\r\n"));
        let said = format!(
            "403 Forbidden: pages of the origin \"{origin}\" may not publish here: {remedy}\n"
        );
        refused(&response, 403, &said);
    }
    let own = post_with(&hub, "/events/a", &format!("Origin: http://{}\r\n", hub.address()));
    assert_eq!(own.status, 200);
}

#[test]
fn a_request_that_names_no_host_is_no_pages_own() {
    let hub = hub(&[]);
    for origin in ["http://:80", "https://:443", "http://", "http://localhost", "null"] {
        let request =
            format!("POST /events/a HTTP/1.0\r\nOrigin: {origin}\r\nContent-Length: 1\r\n\r\nx");
        assert_eq!(exchange(hub.address(), request.as_bytes()).status, 403, "{origin}");
    }
}

#[test]
fn a_page_of_another_site_may_not_publish_without_an_origin_either() {
    let own = |hub: &Process| format!("Origin: http://{}\r\n", hub.address());
    let closed = hub(&[]);
    for (site, origin, status) in [
        ("cross-site", String::new(), 403),
        ("same-site", String::new(), 403),
        ("Cross-Site", String::new(), 403),
        ("none", String::new(), 200),
        ("same-origin", String::new(), 200),
        ("of-the-future", String::new(), 200),
        ("same-origin", own(&closed), 200),
        ("cross-site", own(&closed), 403),
    ] {
        let fields = format!("Sec-Fetch-Site: {site}\r\n{origin}");
        assert_eq!(post_with(&closed, "/events/a", &fields).status, status, "{fields}");
    }
    let said = "403 Forbidden: pages of other sites may not publish here, and this request does \
                not say of which origin its page is: start the hub with --cors '*' to let pages of \
                all origins\n";
    refused(&post_with(&closed, "/events/a", "Sec-Fetch-Site: cross-site\r\n"), 403, said);

    let listed = hub(&["--cors=https://a.example"]);
    let fields = "Sec-Fetch-Site: cross-site\r\nOrigin: https://a.example\r\n";
    assert_eq!(post_with(&listed, "/events/a", fields).status, 200);
    let fields = "Sec-Fetch-Site: cross-site\r\n";
    assert_eq!(post_with(&listed, "/events/a", fields).status, 403);
    assert_eq!(post_with(&hub(&["--cors=*"]), "/events/a", fields).status, 200);
}

#[test]
fn cors_lets_the_pages_of_an_origin_publish() {
    let hub = hub(&["--cors=https://a.example", "--cors", "https://b.example"]);
    for origin in ["https://a.example", "https://b.example"] {
        let response = post_with(&hub, "/events/a", &format!("Origin: {origin}\r\n"));
        assert_eq!(response.status, 200);
        assert_eq!(response.field("Access-Control-Allow-Origin"), Some(origin));
        assert_eq!(response.field("Access-Control-Allow-Credentials"), Some("true"));
    }
    let other = post_with(&hub, "/events/a", "Origin: https://c.example\r\n");
    assert_eq!((other.status, other.field("Access-Control-Allow-Origin")), (403, None));
}

#[test]
fn cors_with_a_wildcard_lets_the_pages_of_subdomains_publish_and_follow() {
    let hub = hub(&["--cors=https://*.example.com"]);
    for (origin, status) in [
        ("https://a.example.com", 200),
        ("https://a.b.example.com", 200),
        ("https://example.com", 403),
        ("https://evilexample.com", 403),
        ("https://a.example.com:8443", 403),
        ("http://a.example.com", 403),
    ] {
        let published = post_with(&hub, "/events/a", &format!("Origin: {origin}\r\n"));
        let request =
            format!("HEAD /events/a HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\r\n");
        let followed = exchange(hub.address(), request.as_bytes());
        assert_eq!((published.status, followed.status), (status, 200), "{origin}");
        let granted = (status == 200).then_some(origin);
        for response in [published, followed] {
            assert_eq!(response.field("Access-Control-Allow-Origin"), granted);
            assert_eq!(response.field("Access-Control-Allow-Credentials"), granted.map(|_| "true"));
            assert_eq!(response.field("Vary"), Some("Origin"));
        }
    }
}

#[test]
fn cors_for_any_origin_is_one_star() {
    let hub = hub(&["--cors=*"]);
    let response = post_with(&hub, "/events/a", "Origin: null\r\n");
    assert_eq!(response.status, 200);
    assert_eq!(response.field("Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(response.field("Access-Control-Allow-Credentials"), None);
    let asks = "OPTIONS /events/a HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example\r\n\
                Access-Control-Request-Method: POST\r\n\
                Access-Control-Request-Headers: authorization\r\n\r\n";
    let preflight = exchange(hub.address(), asks.as_bytes());
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.field("Access-Control-Allow-Headers"), Some("authorization"));
}

#[test]
fn a_host_that_is_not_the_hubs_is_refused() {
    let hub = hub(&["--allow-host=hub.example"]);
    let ask = |host: &str| {
        let request = format!("GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n");
        exchange(hub.address(), request.as_bytes()).status
    };
    for ours in ["localhost", "127.0.0.1:3000", "[::1]", "hub.example", "HUB.example:80"] {
        assert_eq!(ask(ours), 200, "{ours}");
    }
    for other in ["evil.example", "hub.example.evil.example"] {
        assert_eq!(ask(other), 421, "{other}");
    }
}

#[test]
fn row_47_a_refusal_names_the_option_that_would_avoid_it() {
    let hub = hub(&["--max-body=10"]);
    let request = b"GET /health HTTP/1.1\r\nHost: hub.example:80\r\n\r\n";
    let said = "421 Misdirected Request: \"hub.example:80\" is no name of this server: start the \
                hub with --allow-host NAME to add it\n";
    refused(&exchange(hub.address(), request), 421, said);
    let publish = |body: &str| super::super::support::http::post(hub.address(), "/events/a", body);
    assert_eq!(publish("0123456789").status, 200);
    let said = "413 Content Too Large: a body may have 10 bytes: start the hub with a larger \
                --max-body to take it\n";
    refused(&publish("0123456789a"), 413, said);
    let head = "POST /events/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    let response = exchange(hub.address(), format!("{head}b\r\n0123456789a\r\n").as_bytes());
    assert_eq!(response.status, 413);
    assert!(response.text().ends_with("a larger --max-body to take it\n"), "{response:?}");
}

#[test]
fn limit_history_event_is_set_by_max_event_and_past_it_a_publish_is_413() {
    let hub = hub(&["--max-event=20"]);
    let publish = |body: &str| super::super::support::http::post(hub.address(), "/events/a", body);
    // Beside the data, an event has "data: " and two line ends.
    assert_eq!(publish(&"x".repeat(12)).status, 200);
    let said = "413 Content Too Large: the event is too large: it takes 21 bytes as it is sent, and \
                may take 20: split it, or start the hub with a larger --max-event\n";
    refused(&publish(&"x".repeat(13)), 413, said);
    let said = "413 Content Too Large: the event is too large: it takes 25 bytes as it is sent, and \
                may take 20: split it, or start the hub with a larger --max-event\n";
    refused(&publish("x\ny\nz"), 413, said);
}

#[test]
fn row_47_a_full_hub_names_the_option_that_would_let_in_more() {
    let hub = hub(&["--max-connections=1"]);
    let held = Client::to(hub.address());
    until("the hub is full", || {
        let response = get(hub.address(), "/health");
        response.text()
            == "503 Service Unavailable: too many connections: start the hub with a \
                          larger --max-connections to serve more\n"
    });
    drop(held);
}

#[test]
fn what_cannot_be_an_event_is_refused_with_a_sentence() {
    let hub = hub(&[]);
    let publish = |target: &str| post_with(&hub, target, "");
    refused(
        &publish("/events/a?event=a%0Ab"),
        400,
        "400 Bad Request: an event type must not contain CR, LF or NUL, as they end a field: \
         \"a\\nb\"\n",
    );
    refused(
        &publish("/events/a?retry=1s"),
        400,
        "400 Bad Request: retry is a number of milliseconds from 0 to 86400000, and not \"1s\"\n",
    );
    refused(
        &publish("/events/a?event=tidings.gap"),
        400,
        "400 Bad Request: event types that begin with tidings. are the hub's own\n",
    );
    refused(
        &publish("/events/%2F"),
        400,
        "400 Bad Request: \"/\" is not a channel's name: a name is 1 to 128 of \
         A-Z a-z 0-9 . _ ~ -\n",
    );
    let bytes = b"POST /events/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\na\xFF";
    let said = "400 Bad Request: the body must be UTF-8, and is not from byte 1 on\n";
    refused(&exchange(hub.address(), bytes), 400, said);
}

#[test]
fn a_parameter_that_no_publish_has_is_refused_by_its_name() {
    let hub = hub(&[]);
    for (query, name) in [
        ("evnt=a", "evnt"),
        ("id=7", "id"),
        ("event=a&Retry=1", "Retry"),
        ("lastEventId=1-1", "lastEventId"),
        ("x%0A%22", "x\\n\\\""),
        ("=v", ""),
    ] {
        let response = post_with(&hub, &format!("/events/a?{query}"), "");
        let said = format!(
            "400 Bad Request: there is no parameter \"{name}\" here: those of a publish are event \
             and retry\n"
        );
        refused(&response, 400, &said);
    }
    for query in ["event=a&event=b", "retry=1&retry=2", "event=a&event="] {
        assert_eq!(post_with(&hub, &format!("/events/a?{query}"), "").status, 400, "{query}");
    }
    assert_eq!(post_with(&hub, "/events/a?event=a&event=a&", "").status, 200);
    let id = publish(&hub, "/events/a", "x");
    assert!(id.ends_with("-2"), "nothing that was refused has drawn an id: {id}");
}

#[test]
fn a_body_that_says_it_is_no_utf_8_is_refused() {
    let hub = hub(&[]);
    let content_type = |charset: &str| format!("Content-Type: text/plain; charset={charset}\r\n");
    for charset in ["utf-16le", "\"UTF-16\"", "ISO-8859-1"] {
        let response = post_with(&hub, "/events/a", &content_type(charset));
        let charset = charset.trim_matches('"');
        let said = format!(
            "415 Unsupported Media Type: the body must be UTF-8, and is said to be \"{charset}\"\n"
        );
        refused(&response, 415, &said);
        assert_eq!(response.field("Accept-Encoding"), None);
    }
    for charset in ["utf-8", "UTF-8", "\"utf-8\"", "us-ascii"] {
        assert_eq!(post_with(&hub, "/events/a", &content_type(charset)).status, 200, "{charset}");
    }
    let response = post_with(&hub, "/events/a", "Content-Encoding: gzip\r\n");
    let said = "415 Unsupported Media Type: the body must come without a coding, and is said to be \
                \"gzip\"\n";
    refused(&response, 415, said);
    assert_eq!(response.field("Accept-Encoding"), Some("identity"));
}

#[test]
fn health_is_a_word() {
    let hub = hub(&[]);
    let response = get(hub.address(), "/health");
    assert_eq!((response.status, response.text()), (200, "ok\n"));
}

#[test]
fn metrics_are_lines_that_prometheus_reads() {
    let hub = hub(&[]);
    publish(&hub, "/events/a", "x");
    publish(&hub, "/events/b", "y");
    let response = get(hub.address(), "/metrics");
    assert_eq!(response.field("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let mut lines = response.text().lines().peekable();
    while let Some(help) = lines.next() {
        let help = help.strip_prefix("# HELP ").expect("what it is comes first");
        let (name, _) = help.split_once(' ').expect("a name and a text");
        assert!(name.starts_with("tidings_"), "{name}");
        let kinds = ["gauge", "counter"].map(|kind| format!("# TYPE {name} {kind}"));
        let kind = lines.next().unwrap_or_default();
        assert!(kinds.iter().any(|known| known == kind), "{name}: {kind}");
        let mut series = HashSet::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let (of, value) = line.split_once(' ').expect("a series and a value");
            let labels = of.strip_prefix(name).expect(name);
            assert!(
                labels.is_empty() || labels.starts_with('{') && labels.ends_with("\"}"),
                "{of}"
            );
            assert!(series.insert(labels) && value.parse::<f64>().is_ok(), "{line}");
        }
        assert!(!series.is_empty(), "{name} has a value");
    }
    for value in [
        "tidings_channels 2",
        "tidings_events_published_total 2",
        "tidings_events_kept 2",
        "tidings_requests_total 3",
        "tidings_streams 0",
    ] {
        assert!(
            response.text().lines().any(|line| line == value),
            "{value} in {}",
            response.text()
        );
    }
}

#[test]
fn the_page_takes_nothing_from_elsewhere() {
    let hub = hub(&[]);
    let page = get(hub.address(), "/");
    assert_eq!(page.field("Content-Type"), Some("text/html; charset=utf-8"));
    let policy = page.field("Content-Security-Policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for part in ["/page.css", "/page.js"] {
        assert!(page.text().contains(&part[1..]), "{part} is not in the page");
        let part = get(hub.address(), part);
        assert_eq!(part.status, 200);
        assert!(!part.text().contains("://") && !part.text().contains("innerHTML"));
    }
    assert!(!page.text().contains("://") && !page.text().contains("<style"));
}

#[test]
fn strangers_that_may_publish_nothing_fill_no_memory_for_bodies() {
    let file = TemporaryFile::new("no-strangers", "s3cret\n");
    let hub = hub(&[&file.argument()]);
    let begin = |method: &str, target: &str, length: usize| {
        let mut client = Client::to(hub.address());
        let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
        client.send(format!("{head}Content-Length: {length}\r\n\r\n"));
        client
    };
    // All but the last byte of as many as would fill it, or of as much as is read of them.
    let mut open: Vec<Client> = Vec::new();
    for _ in 0..64 {
        for target in ["/health", "/events/a", "/missing"] {
            let mut refused = begin("GET", target, 1 << 20);
            let response = refused.response();
            assert_eq!((response.status, response.field("Connection")), (413, Some("close")));
        }
        assert_eq!(begin("POST", "/events/a", 1 << 20).response().status, 401);
        for method in ["GET", "DELETE", "OPTIONS"] {
            let mut client = begin(method, "/health", 1 << 16);
            client.send("x".repeat((1 << 16) - 1));
            open.push(client);
        }
    }
    let body = "x".repeat(1_000_000);
    let head = "POST /events/a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s3cret\r\n";
    let publish = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(exchange(hub.address(), publish.as_bytes()).status, 200);
    for (client, status) in open.iter_mut().zip([200, 405, 204].into_iter().cycle()) {
        client.send("x");
        assert_eq!(client.response().status, status);
        assert_eq!(client.get("/health").text(), "ok\n");
    }
}
