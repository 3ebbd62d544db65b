//! What a client may do is known before any of its body is read.

use super::super::super::support::http::Client;
use super::*;

#[test]
fn whoever_may_not_publish_is_told_so_before_anything_of_the_body_has_come() {
    let (hub, _) = hub_with_keys("early", &[]);
    for (fields, status) in [
        (String::new(), 401),
        (bearer(EXPIRED), 401),
        (bearer(READER), 403),
        (format!("Cookie: tidings={}\r\nOrigin: http://a.example\r\n", token(ALL)), 403),
    ] {
        for body in ["Content-Length: 60000", "Transfer-Encoding: chunked"] {
            let head = format!("POST /events/a HTTP/1.1\r\nHost: localhost\r\n{body}\r\n{fields}");
            let mut client = Client::to(hub.address());
            client.send(format!("{head}Expect: 100-continue\r\n\r\n"));
            assert_eq!(client.response().status, status, "{head}");
        }
    }
}
