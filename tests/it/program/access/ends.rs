//! Hubs that follow with a token, and that nothing tells one.

use super::super::super::support::http::Client;
use super::super::super::support::stream::{EventStream, next};
use super::super::super::support::until;
use super::*;

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
