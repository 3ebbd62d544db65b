//! Redirects: where they lead, what they take along, and where they end.

use tidings::Status;
use tidings::client::StreamRequest;

use super::*;
use crate::support::script::{NO_MORE, STREAM};

fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} There\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

/// The first line of each request.
fn lines(script: &Script) -> Vec<String> {
    let first = |request: &String| request.lines().next().unwrap_or_default().to_owned();
    script.requests().iter().map(first).collect()
}

#[test]
fn each_kind_is_followed_and_the_next_connection_begins_where_the_first_did() {
    for status in [301, 302, 303, 307, 308] {
        let script = Script::responses([
            redirect(status, "/moved/../there?a=b#c"),
            format!("{STREAM}id: 1\ndata: a\n\n"),
            redirect(status, "elsewhere"),
            NO_MORE.into(),
        ]);
        let mut source = source(&script);
        assert_eq!(opened(&mut source), script.url("/there?a=b"));
        event(&mut source);
        lost(&mut source);
        assert!(matches!(update(&mut source), Update::Stopped));
        let asked = ["/events", "/there?a=b", "/events", "/elsewhere"];
        assert_eq!(lines(&script), asked.map(|target| format!("GET {target} HTTP/1.1")));
        let one = || Some("1".to_owned());
        assert_eq!(script.field("last-event-id"), [None, None, one(), one()]);
    }
}

#[test]
fn a_post_becomes_a_get_unless_the_status_says_to_keep_it() {
    for (status, second) in [(302, "GET /b HTTP/1.1"), (307, "POST /b HTTP/1.1")] {
        let script = Script::responses([redirect(status, "/b"), NO_MORE.into()]);
        let request = StreamRequest::post(&script.url("/a"), "text/plain", "x").unwrap();
        assert_eq!(data(EventSource::with(request)), [""; 0]);
        assert_eq!(lines(&script), ["POST /a HTTP/1.1", second]);
    }
}

#[test]
fn another_server_is_not_sent_the_fields_that_were_set_for_this_one() {
    let other = Script::responses([NO_MORE]);
    let script = Script::responses([redirect(302, "/b"), redirect(302, &other.url("/c"))]);
    let request = StreamRequest::get(&script.url("/a")).unwrap();
    let request = request.with_field("Authorization", "Bearer secret").unwrap();
    assert_eq!(data(EventSource::with(request)), [""; 0]);
    let secret = || Some("Bearer secret".to_owned());
    assert_eq!(script.field("authorization"), [secret(), secret()]);
    assert_eq!(other.field("authorization"), [None]);
    assert_eq!(other.field("host"), [Some(other.address().to_string())]);
}

#[test]
fn a_server_that_redirects_without_end_fails_it_for_good() {
    let script = Script::responses((0..4).map(|n| redirect(302, &format!("/{n}"))));
    let (_, error) = failure(source(&script).max_redirects(3));
    let url = script.url("/3");
    assert_eq!(error.to_string(), format!("the server redirects more than 3 times, now to {url}"));
    assert!(error.is_bad_response());
    let script = Script::responses([redirect(302, "/")]);
    assert!(failure(source(&script).max_redirects(0)).1.to_string().contains("more than 0 times"));
}

#[test]
fn a_redirect_that_leads_nowhere_fails_it_for_good() {
    for (response, said) in [
        (
            "HTTP/1.1 302 Found\r\n\r\n".into(),
            "responded with 302 Found and did not say where to go",
        ),
        (
            redirect(307, "/a\r\nLocation: /b"),
            "responded with 307 Temporary Redirect and did not say where to go",
        ),
        (redirect(304, "/"), "the server responded with 304 Not Modified"),
        (redirect(300, "/"), "the server responded with 300"),
    ] {
        let script = Script::responses([response]);
        let (_, error) = failure(source(&script));
        assert!(error.is_bad_response() && error.status().is_some());
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_redirect_to_what_is_no_url_is_told_as_the_servers_mistake() {
    for (location, said) in [
        ("ftp://h/", "URL must begin with http:// or https://: \"ftp://h/\""),
        ("http://a:b@h/", "URL must have no user name and no password"),
        ("http://h:99999/", "URL must name a host, in ASCII, and may have a port"),
        ("/a\tb", "URL must have no control characters"),
    ] {
        let script = Script::responses([redirect(302, location)]);
        let (_, error) = failure(source(&script));
        assert!(error.is_bad_response() && !error.is_invalid());
        assert_eq!(error.status(), Some(Status::FOUND));
        let begin = "the server redirects, and can't be followed: ";
        assert!(error.to_string().starts_with(begin), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_redirect_to_what_no_transport_carries_fails_it_for_good() {
    let script = Script::responses([redirect(302, "https://localhost/")]);
    let said = "can't connect to localhost: https is not spoken here";
    assert!(failure(source(&script)).1.to_string().starts_with(said));
}
