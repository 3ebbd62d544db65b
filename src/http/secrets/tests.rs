//! Tests of what is shown: the same for every output, so each rule is a row here.

use super::*;

#[test]
fn row_48_a_url_keeps_where_and_what_and_loses_who() {
    for (url, shown) in [
        ("", ""),
        ("/", "/"),
        ("*", "*"),
        ("http://a.example/events", "http://a.example/events"),
        ("http://[::1]:3000/events", "http://[::1]:3000/events"),
        ("localhost:3000/events/x@y", "localhost:3000/events/x@y"),
        ("http://me:pass@a.example:80/x#frag", "http://...@a.example:80/x#..."),
        ("http://a@b@c/x?token=1&k", "http://...@c/x?token=...&..."),
        ("me:pass@a.example", "...@a.example"),
        ("//me:pass@a.example/x", "//...@a.example/x"),
        ("http://a.example?key=a?b=c", "http://a.example?key=..."),
        ("/events/x@y?z=1", "/events/x@y?z=..."),
        ("?a=1&channel=news", "?a=...&channel=news"),
        ("/x?a=&b&&c=1#", "/x?a=&...&&c=...#"),
        ("http://a.example/e;jsessionid=7?a", "http://a.example/e;...?..."),
        ("http://a.example/a;b=1;c/d;/e;f", "http://a.example/a;.../d;/e;..."),
        ("/caf\u{e9}?\u{e9}=\u{e9}#\u{e9}", "/caf\u{e9}?\u{e9}=...#..."),
    ] {
        assert_eq!(masked_url(url), shown, "{url}");
    }
}

#[test]
fn row_48_what_the_hub_is_asked_is_shown_in_any_spelling() {
    for name in [
        "channel",
        "history",
        "latest",
        "event",
        "retry",
        "lastEventId",
        "last-event-id",
        "Last_Event_ID",
        "Idempotency-Key",
    ] {
        let url = format!("/events?{name}=value");
        assert_eq!(masked_url(&url), url);
    }
    for name in ["token", "key", "channels", "channe", "c%68annel", "", "x-channel", "id"] {
        assert_eq!(masked_url(&format!("/events?{name}=value")), format!("/events?{name}=..."));
    }
}

#[test]
fn row_48_a_text_that_is_no_url_hides_what_was_meant_to_be_user_information() {
    for url in [
        "http:/me:SECRET@h/",
        "http:me:SECRET@h/",
        "http:///me:SECRET@h/",
        "http://me:SEC/RET@h/",
        "http://me:SEC?RET@h/",
        "http://me:SEC#RET@h/",
        "http://me:SEC/R@T@h/",
        "http:\\\\me:SECRET@h\\",
        "ftp://me:SECRET@h/",
        "me:SECRET@h:3000/x?y",
        "http://h /x?token=SECRET",
        "http://http://me:SECRET@h/",
        "://me:SECRET@h",
    ] {
        let shown = masked_url(url);
        assert!(!shown.contains("SEC") && !shown.contains("RET"), "{url}: {shown}");
    }
}

#[test]
fn row_48_a_field_shows_its_value_only_if_it_is_known_to_be_harmless() {
    for (name, value) in [
        ("Last-Event-ID", "7"),
        ("accept", "text/event-stream"),
        ("Content-Type", "text/event-stream"),
        ("Content-Type", "text/event-stream;CharSet=utf-8"),
        ("Content-Type", "a/b; charset=\"utf-8\""),
        ("Content-Type", "a/b;"),
        ("Host", "localhost:3000"),
        ("Location", "https://h/there?channel=a"),
        ("WWW-Authenticate", "Bearer"),
    ] {
        assert_eq!(masked_value(name, value), value, "{name}");
    }
    for name in ["Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "x-unheard-of", ""] {
        assert_eq!(masked_value(name, "Bearer secret"), "...", "{name}");
    }
    for (name, value, shown) in [
        ("Location", "/x?token=SECRET", "/x?token=..."),
        ("Referer", "http://me:SECRET@h/", "http://...@h/"),
        ("Content-Type", "a/b; boundary=SECRET", "a/b;..."),
        ("Content-Type", "a/b; charset=\"SECRET; x\"", "a/b;..."),
        ("Content-Type", "a/b; k=\";charset=SECRET;\"", "a/b;..."),
        ("Content-Type", "a/b; charset=utf-8; k=SECRET", "a/b;..."),
        ("WWW-Authenticate", "Negotiate SECRET", "Negotiate ..."),
        ("WWW-Authenticate", "SEC=RET", "..."),
    ] {
        assert_eq!(masked_value(name, value), shown, "{name}: {value}");
    }
}

#[test]
fn row_48_what_is_masked_are_ranges_in_order_within_the_text() {
    let marks = b"a:/@?#&=;. \\";
    // Every text of five marks.
    for n in 0..marks.len().pow(5) {
        let mark = |at: u32| marks[n / marks.len().pow(at) % marks.len()];
        let url = [mark(0), mark(1), mark(2), mark(3), mark(4)];
        let secrets = secrets_in_url(&url);
        let ends = secrets.iter().flat_map(|secret| [secret.start, secret.end]);
        assert!(ends.clone().is_sorted() && ends.clone().all(|end| end <= url.len()), "{url:?}");
        assert!(secrets.iter().all(|secret| !secret.is_empty()), "{url:?}");
    }
}
