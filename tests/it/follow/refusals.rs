//! What a hub says that can't follow another one, or can't publish there.

use std::net::TcpListener;
use std::path::PathBuf;

use super::super::support::http::{HttpResponse, get};
use super::super::support::process::{run_hub, signal};
use super::*;

/// A file with a token, which goes with the test.
struct TokenFile(PathBuf);

impl TokenFile {
    fn new(token: &str) -> Self {
        let name = format!("tidings-{}-follow-token-{token}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, format!("{token}\n")).unwrap();
        Self(path)
    }

    fn argument(&self, flag: &str) -> String {
        format!("{flag}={}", self.0.display())
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn run(arguments: &[&str]) -> (String, Option<i32>) {
    let (_, stderr, status) = run_hub(&[&[ANYWHERE], arguments].concat());
    (stderr, status)
}

#[test]
fn a_wrong_token_is_told_at_the_start_and_the_right_one_is_passed_on() {
    let [token, other, theirs] = ["right", "wrong", "theirs"].map(TokenFile::new);
    let root = root(&[&token.argument("--token-file")]);
    let follow = format!("--follow=http://{}", root.address());
    let wrong = other.argument("--follow-token-file");
    let none = "give this hub a token that it takes, with --follow-token-file";
    let another = "write a token that it takes into the --follow-token-file";
    for (arguments, why, remedy) in [
        (vec![&*follow], "401 Unauthorized: ", none),
        (vec![&*follow, &*wrong], "401 Unauthorized: this is not the token", another),
    ] {
        let (said, status) = run(&arguments);
        assert_eq!(status, Some(1), "{said}");
        let begin = format!("tidings: can't follow the hub at http://{}/: ", root.address());
        assert!(said.starts_with(&begin) && said.contains(why), "{said}");
        assert!(said.ends_with(&format!(": {remedy}\n")), "{said}");
    }
    // The publishers of the follower have a token of their own.
    let flags = [theirs.argument("--token-file"), token.argument("--follow-token-file")];
    let middle = follower(root.address(), &flags.each_ref().map(|flag| &**flag));
    let authorized = |token: &str| {
        let host = middle.address();
        let request = format!(
            "POST /events/a HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: 1\r\n\r\nx"
        );
        super::super::support::http::exchange(host, request.as_bytes())
    };
    assert_eq!((authorized("theirs").status, authorized("right").status), (200, 401));
}

#[test]
fn a_token_that_holds_no_more_is_told_and_one_that_does_is_taken_from_the_same_file() {
    let [first, second, own] = ["first-one", "second-one", "first-copy"].map(TokenFile::new);
    std::fs::write(&own.0, "first-one\n").unwrap();
    let mut root = Process::hub(&[ANYWHERE, &first.argument("--token-file")]);
    let leaf = follower(root.address(), &[&own.argument("--follow-token-file")]);
    publish(leaf.address(), "/events/a", "x");
    let listen = format!("--listen={}", root.address());
    root.kill();
    let root = Process::hub(&[&listen, &second.argument("--token-file")]);

    let begin = "tidings: the hub that this one follows refuses this hub: the server responded \
                 with 401 Unauthorized: this is not the token: send what the hub's --token-file \
                 contains: write a token that it takes into the --follow-token-file; trying again";
    let told = || leaf.stderr().iter().any(|line| line == begin);
    until("a line that says what to do", told);
    let health = || get(leaf.address(), "/health").text().to_owned();
    let said =
        "ok\nthe hub that this one follows refuses this hub's token, and was last heard from ";
    until("the same of the health", || health().starts_with(said));
    let denied = post(leaf.address(), "/events/a", "y");
    refused(&denied, 503, "the hub that this one follows refuses this hub: 401 Unauthorized: ");
    let metrics = get(leaf.address(), "/metrics").text().to_owned();
    assert!(metrics.contains("\ntidings_order_reachable 0\n"), "{metrics}");

    std::fs::write(&own.0, "second-one\n").unwrap();
    publish(leaf.address(), "/events/a", "z");
    until("the feed", || health() == "ok\nthe hub that this one follows can be reached\n");
    assert!(leaf.stderr().iter().all(|line| !line.contains("-one")), "{:?}", leaf.stderr());
    drop(root);
}

#[test]
fn a_hub_that_is_not_there_at_the_start_is_told_with_what_to_do() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (said, status) = run(&[&format!("--follow=http://{nobody}")]);
    assert_eq!(status, Some(1), "{said}");
    let begin = format!("tidings: can't follow the hub at http://{nobody}/");
    assert!(said.contains(&begin) && said.contains("check that it runs"), "{said}");
}

#[track_caller]
fn refused(response: &HttpResponse, status: u16, said: &str) {
    assert_eq!(response.status, status, "{}", response.text());
    assert!(response.text().contains(said), "{}", response.text());
}

#[test]
fn what_the_root_refuses_is_refused_in_its_words() {
    let root = root(&["--max-event=100"]);
    let middle = follower(root.address(), &[]);
    let leaf = follower(middle.address(), &[]);
    let large = "x".repeat(200);
    let responses = [&root, &middle, &leaf].map(|hub| post(hub.address(), "/events/a", &large));
    for response in &responses {
        refused(response, 413, "start the hub with a larger --max-event");
        assert_eq!(response.text(), responses[0].text());
    }
}

#[test]
fn a_publish_while_the_root_is_away_is_503_and_while_it_is_silent_504() {
    let mut root = root(&[]);
    let middle = follower(root.address(), &[]);
    let leaf = follower(middle.address(), &[]);
    publish(leaf.address(), "/events/a", "x");
    signal(root.id(), "STOP");
    let silent = post(leaf.address(), "/events/a", "y");
    signal(root.id(), "CONT");
    refused(&silent, 504, "it may have been published, or not");
    root.kill();
    let away = post(leaf.address(), "/events/a", "z");
    refused(&away, 503, "can't be reached");
    assert_eq!(away.field("Retry-After"), Some("1"));
}
