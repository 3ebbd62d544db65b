//! What may be a secret is never in the file.

use super::*;

/// Stands wherever a secret may stand.
const SECRET: &str = "hunter2";

#[track_caller]
fn keeps(recorded: &Recorded) -> String {
    let text = String::from_utf8(recorded.bytes()).unwrap();
    assert!(!text.contains(SECRET), "{text}");
    text
}

#[test]
fn no_field_and_no_query_brings_one_in() {
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; k={SECRET}\r\nSet-Cookie: k={SECRET}\r\n\
         X-Token: {SECRET}\r\nWWW-Authenticate: Basic realm={SECRET}\r\n\r\ndata: a\n\n"
    );
    let script = Script::responses([response]);
    let url = script.url(&format!("/events;s={SECRET}?token={SECRET}&{SECRET}#{SECRET}"));
    let fields = ["Authorization: Bearer", "Cookie: k=", "X-Api-Key:", "Proxy-Authorization:"];
    let fields = fields.map(|field| format!("--header={field} {SECRET}"));
    let mut options: Vec<&str> = fields.iter().map(|field| &**field).collect();
    let content_type = format!("--header=Content-Type: text/plain; k={SECRET}");
    let content = format!("--data={SECRET}");
    options.extend(["--header=Accept: */*", &content_type, &content, "--count=1"]);
    let recorded = Recorded::of(&url, &options);
    assert_eq!(recorded.status, Some(0), "{}", recorded.stderr);
    let about: String = keeps(&recorded)
        .lines()
        .filter(|line| line.starts_with(": about "))
        .map(|line| format!("{line}\n"))
        .collect();
    let public = script.url("/events;...?token=...&...");
    let expected = format!(
        ": about POST {public}#...\n\
         : about Authorization: ...\n\
         : about Cookie: ...\n\
         : about X-Api-Key: ...\n\
         : about Proxy-Authorization: ...\n\
         : about Accept: */*\n\
         : about Content-Type: text/plain;...\n"
    );
    assert_eq!(about, expected);
    let said = recorded.said("1 event in 9 bytes of 1 connection");
    assert_eq!(recorded.stderr, format!("tidings: connected to {public}\n{said}"));
    // They have been sent, though.
    let request = script.requests().remove(0);
    assert_eq!(request.matches(SECRET).count(), 9, "{request}");
}

#[test]
fn a_redirect_brings_none_in() {
    let there = Script::responses([format!("{STREAM}data: a\n\n")]);
    let location = there.url(&format!("/there?key={SECRET}"));
    let moved = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\n\r\n");
    let here = Script::responses([moved]);
    let recorded = Recorded::of(&here.url("/"), &["--count=1"]);
    assert_eq!(recorded.status, Some(0), "{}", recorded.stderr);
    assert!(!recorded.stderr.contains(SECRET), "{}", recorded.stderr);
    let text = keeps(&recorded);
    assert!(text.contains(&here.url("/")) && !text.contains(&there.url("/")), "{text}");
    assert_eq!(text.matches(": open ").count(), 1, "{text}");
}

#[test]
fn a_user_in_the_url_is_refused_before_there_is_a_file() {
    let script = Script::responses([NO_MORE]);
    let url = script.url("/").replace("http://", &format!("http://me:{SECRET}@"));
    let file = place();
    let (_, stderr, status) = run_hub(&["record", &url, &file.0.display().to_string()]);
    assert!(stderr.contains("Authorization"), "{stderr}");
    assert_eq!(status, Some(2));
    assert!(!file.0.exists() && script.requests().is_empty());
}
