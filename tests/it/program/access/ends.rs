//! Streams that end with their tokens, whose streams they are, and hubs that follow with a token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::super::super::support::http::{Client, retry_behind};
use super::super::super::support::stream::{EventStream, next};
use super::super::super::support::{until, until_some};
use super::*;

/// Makes a token that holds for so many seconds.
fn made(keys: &str, seconds: u64) -> String {
    let holds = format!("--for={seconds}s");
    let (stdout, stderr, status) =
        run_hub(&["token", keys, "--subscribe=news", "--sub=ann", &holds]);
    assert_eq!(status, Some(0), "{stderr}");
    stdout.trim_end().to_owned()
}

/// Makes a token that holds for a moment, and opens a stream with it, which takes a slow machine
/// longer. Gives the token, and a time that is no later than its end.
#[track_caller]
fn opened(hub: &Process, keys: &str) -> (Client, String, Duration) {
    let mut seconds = 2;
    until_some("a stream with a token that holds", || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970");
        let end = Duration::from_secs(now.as_secs() + seconds);
        let token = made(keys, seconds);
        seconds *= 2;
        let mut client = Client::to(hub.address());
        let bearer = format!("Host: localhost\r\nAuthorization: Bearer {token}\r\n");
        client.send(format!("GET /events/news HTTP/1.1\r\n{bearer}\r\n"));
        (client.head().status == 200).then_some((client, token, end))
    })
}

#[test]
fn a_stream_ends_at_the_end_of_its_token_and_goes_on_with_the_next_one() {
    let file = TemporaryFile::new("ends.keys", KEYS);
    let keys = format!("--key-file={}", file.0.display());
    let mut hub = hub(&["--private", "--log", &keys]);
    let (mut client, token, end) = opened(&hub, &keys);
    let begin = client.chunk().expect("a first chunk");
    let time = retry_behind("", &client.rest());
    assert!((2_000..=4_000).contains(&time), "{time}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970");
    assert!(now >= end, "{now:?} is before {end:?}");

    let bearer = format!("Authorization: Bearer {token}\r\n");
    refused(
        &ask(&hub, "GET /events/news", &bearer),
        401,
        EXPIRED_TOKEN,
        "401 Unauthorized: the token has expired: make one with 'tidings token --key-file \
         FILE --subscribe NAME'\n",
    );
    // What was published meanwhile is there for the next token.
    let ids = ["a", "b"].map(|_| post_with(&hub, "/events/news", &super::bearer(ALL)));
    let last = begin.trim_end().strip_prefix("id: ").expect("where it begins");
    let target = format!("/events/news?token={}", made(&keys, 3600));
    let mut resumed = EventStream::resume(hub.address(), &target, last);
    let expected = ids.map(|id| (id.text().trim_end().to_owned(), "x".to_owned()));
    assert_eq!(next(&mut resumed, 2), expected);
    drop(resumed);

    // Whose streams they were, and no token, is in the log.
    let closed = || hub.stderr().iter().filter(|line| line.contains("close ")).count() == 2;
    until("the end of both", closed);
    let is_of_a_stream = |line: &String| line.contains("/events/news");
    let log: Vec<String> = hub.stderr().into_iter().filter(is_of_a_stream).collect();
    hub.kill();
    assert!(log.iter().all(|line| line.contains(" user=\"ann\"")), "{log:?}");
    assert!(log.iter().any(|line| line.contains("/events/news?token=...")), "{log:?}");
    assert!(!log.iter().any(|line| line.contains(HEADER)), "{log:?}");
}

#[test]
fn a_hub_follows_a_private_one_with_a_token_that_follows_all() {
    let (root, _) = hub_with_keys("root", &["--private"]);
    let follow = format!("--follow=http://{}", root.address());
    let with = |signed| {
        let file = TemporaryFile::new("follow-token", token(signed));
        (format!("--follow-token-file={}", file.0.display()), file)
    };
    for (signed, why) in [
        (EXPIRED, "401 Unauthorized: the token has expired"),
        (ANN, "403 Forbidden: this token does not let its bearer follow \"*\""),
    ] {
        let (flag, _file) = with(signed);
        let (_, stderr, status) = run_hub(&[LISTEN, &follow, &flag]);
        assert!(stderr.contains(why) && status == Some(1), "{why}: {stderr}");
    }
    let (flag, _file) = with(ALL);
    let middle = hub(&[&follow, &flag]);
    let mut leaf = EventStream::open(middle.address(), "/events/news");
    let first = post_with(&root, "/events/news", &bearer(ALL));
    let second = post_with(&middle, "/events/news", "");
    let ids = [first, second].map(|response| response.text().trim_end().to_owned());
    assert_eq!(next(&mut leaf, 2), ids.map(|id| (id, "x".to_owned())));
}

#[test]
fn row_48_nothing_tells_a_token() {
    let file = TemporaryFile::new("untold-token", "s3cret\n");
    let (mut hub, _) = hub_with_keys("untold", &["--private", "--log", &file.argument()]);
    let mut told = String::new();
    for token in [token(ANN), token(OTHER), token(EXPIRED), "s3cret".into(), "s3creT".into()] {
        for (query, fields) in [
            (String::new(), format!("Authorization: Bearer {token}\r\n")),
            (String::new(), format!("Cookie: tidings={token}\r\n")),
            (format!("?token={token}&x=y"), String::new()),
            (format!("?token={token}&token=s3crets"), String::new()),
        ] {
            for target in ["/events/news", "/events/*", "/events/weather", "/stop/", "/metrics"] {
                let target = format!("{target}{query}");
                let post = post_with(&hub, &target, &fields);
                let mut client = Client::to(hub.address());
                client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"));
                let got = client.head();
                told += &format!("{:?} {} {:?}\n", post.fields, post.text(), got.fields);
            }
        }
    }
    told += ask(&hub, "GET /metrics", "Authorization: Bearer s3cret\r\n").text();
    let opens = |hub: &Process| hub.stderr().iter().filter(|line| line.contains("open ")).count();
    let closes = |hub: &Process| hub.stderr().iter().filter(|line| line.contains("close ")).count();
    until("the end of each stream", || opens(&hub) > 0 && opens(&hub) == closes(&hub));
    told += &(hub.stderr().join("\n") + &hub.stdout().join("\n"));
    hub.kill();
    assert!(told.contains("/events/news?token=...&x=..."), "it was there to be told: {told}");
    for secret in ["s3cret", "s3creT", HEADER, ANN.0, ANN.1, OTHER.1, EXPIRED.0] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}
