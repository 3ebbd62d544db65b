//! What a cache in front may keep. It sees no token in a cookie or in a URL, and could give what it
//! has kept to whoever asks next.

use super::super::super::support::http::Client;
use super::*;

/// What the head of a stream says to caches.
fn of_stream(hub: &Process, target: &str, fields: &str) -> String {
    let mut client = Client::to(hub.address());
    client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"));
    let head = client.head();
    assert_eq!(head.status, 200, "{target}");
    head.field("Cache-Control").expect("a word about caches").to_owned()
}

#[test]
fn no_cache_may_keep_what_a_token_was_needed_for() {
    let file = TemporaryFile::new("kept", "s3cret\n");
    let (open, _) = hub_with_keys("kept-open", &[&file.argument()]);
    let (private, _) = hub_with_keys("kept-private", &[&file.argument(), "--private"]);
    for token in [&token(ALL), "s3cret"] {
        let cookie = format!("Cookie: tidings={token}\r\n");
        for target in ["/events/*", "/events?channel=a&channel=*", "/feed"] {
            let said = of_stream(&open, target, &cookie);
            assert_eq!(said, "no-store, no-transform", "{target}");
        }
        let said = of_stream(&private, &format!("/events/news?token={token}"), "");
        assert_eq!(said, "no-store, no-transform");
        let head = ask(&private, "HEAD /events/news", &cookie);
        assert_eq!(head.field("Cache-Control"), Some("no-store, no-transform"));
        for hub in [&open, &private] {
            let channels = ask(hub, "GET /channels", &cookie);
            assert_eq!((channels.status, channels.field("Cache-Control")), (200, Some("no-store")));
        }
        // That needs none, so all are sent the same.
        assert_eq!(of_stream(&open, "/events/news", &cookie), "no-cache, no-transform");
    }
}
