//! Hubs over one Redis, as a user starts them: what they say, and what they say when it goes.

use super::super::support::http::{get, post};
use super::super::support::process::{run_hub, signal};
use super::super::support::redis::Redis;
use super::super::support::stream::EventStream;
use super::super::support::{until, until_some};
use super::*;

fn hub_over(redis: &Redis, arguments: &[&str]) -> Process {
    hub(&[&["--redis", &redis.url()], arguments].concat())
}

fn has_metric(hub: &Process, line: &str) -> bool {
    let metrics = get(hub.address(), "/metrics");
    metrics.text().lines().any(|metric| metric == line)
}

#[track_caller]
fn said(hub: &Process, begin: &str) -> String {
    let find = || hub.stderr().into_iter().find(|line| line.starts_with(begin));
    until_some(&format!("{begin:?} on standard error"), find)
}

#[test]
fn hubs_over_one_redis_are_one_hub() {
    let Some(redis) = Redis::start("one") else { return };
    let [one, other] = [&[][..], &["--redis-length=1000"]].map(|more| hub_over(&redis, more));
    let url = redis.url();
    let name = format!("tidings: Redis at {url}, under the name \"default\", has ");
    assert_eq!(said(&one, "tidings: Redis"), format!("{name}no events"));
    let mut stream = EventStream::open(other.address(), "/events/a");
    let id = publish(&one, "/events/a", "x");
    let event = stream.next().expect("the event");
    assert_eq!((event.last_event_id, &*event.data), (id.clone(), "x"));
    let third = hub_over(&redis, &[]);
    assert_eq!(said(&third, "tidings: Redis"), format!("{name}1 event, up to the event {id}"));
    assert_eq!(EventStream::open(third.address(), "/events/a?history=1").data(), "x");

    // A retry may go to any of them.
    let responses = [&one, &other, &third].map(|hub| {
        let response = post_with(hub, "/events/a", "Idempotency-Key: \"a\"\r\n");
        (response.status, response.text().to_owned())
    });
    assert_eq!(responses[0].0, 200);
    assert!(responses.iter().all(|response| *response == responses[0]), "{responses:?}");

    let apart = hub_over(&redis, &["--redis-name=apart"]);
    let name = format!("tidings: Redis at {url}, under the name \"apart\", has no events");
    assert_eq!(said(&apart, "tidings: Redis"), name);
    assert_eq!(redis.command("EXISTS tidings:apart"), ":0");
    publish(&apart, "/events/a", "y");
    // Beside events there is the mark of each epoch: two hubs may begin one at once.
    assert_eq!(redis.command("XLEN tidings:apart"), ":2");
    assert!([":3", ":4"].contains(&&*redis.command("XLEN tidings:default")));
}

#[test]
fn redis_keeps_about_as_many_events_as_it_is_told_to() {
    let Some(redis) = Redis::start("length") else { return };
    let hub = hub_over(&redis, &["--redis-length=100"]);
    (0..500).for_each(|_| drop(publish(&hub, "/events/a", "x")));
    let length = redis.command("XLEN tidings:default");
    let length: u32 = length.strip_prefix(':').and_then(|length| length.parse().ok()).unwrap();
    assert!((100..=300).contains(&length), "{length}");
}

#[test]
fn row_59_a_redis_that_goes_and_comes_back_is_told_and_streams_stay() {
    let Some(mut redis) = Redis::start("goes") else { return };
    let hub = hub_over(&redis, &[]);
    let mut stream = EventStream::open(hub.address(), "/events/a");
    publish(&hub, "/events/a", "x");
    assert_eq!(stream.data(), "x");
    let ready = || get(hub.address(), "/health?ready");
    for target in ["/health", "/health?ready"] {
        let response = get(hub.address(), target);
        assert_eq!((response.status, response.text()), (200, "ok\nRedis can be reached\n"));
    }
    assert!(has_metric(&hub, "tidings_order_info{order=\"redis\"} 1"));
    assert!(has_metric(&hub, "tidings_order_reachable 1"));

    redis.kill();
    until("the hub to notice", || ready().status == 503);
    let response = ready();
    assert_eq!(response.field("Retry-After"), Some("1"));
    let begins = "503 Service Unavailable: Redis can't be reached, and was last heard from ";
    assert!(response.text().starts_with(begins), "{}", response.text());
    let alive = get(hub.address(), "/health");
    assert!(alive.text().starts_with("ok\nRedis can't be reached, "), "{}", alive.text());
    assert_eq!(alive.status, 200);
    for _ in 0..2 {
        let refused = post(hub.address(), "/events/a", "y");
        assert_eq!((refused.status, refused.field("Retry-After")), (503, Some("1")));
        let ends = ": nothing was published, so send it again later\n";
        assert!(refused.text().ends_with(ends), "{}", refused.text());
    }
    let told = "tidings: a publish was refused: Redis at ";
    said(&hub, told);
    assert_eq!(hub.stderr().iter().filter(|line| line.starts_with(told)).count(), 1);
    assert!(has_metric(&hub, "tidings_order_reachable 0"));
    assert!(has_metric(&hub, "tidings_publishes_refused_total 2"));

    let is_told = |line: &String| line.ends_with("; streams stay open, and it is tried again");
    until("it is said", || hub.stderr().iter().any(is_told));

    redis.run();
    until("the hub to be ready", || ready().status == 200);
    said(&hub, "tidings: Redis can be read again");
    let id = publish(&hub, "/events/a", "z");
    // It came back empty.
    let gap = stream.next().expect("the gap");
    assert_eq!(gap.event_type, "tidings.gap");
    assert!(gap.data.contains("\"reason\":\"failover\""), "{}", gap.data);
    let event = stream.next().expect("the event");
    assert_eq!((event.last_event_id, &*event.data), (id, "z"));
    assert!(has_metric(&hub, "tidings_order_gaps_total{reason=\"failover\"} 1"));
    assert!(!has_metric(&hub, "tidings_order_reconnects_total 0"));
}

#[test]
fn row_59_a_publish_that_redis_does_not_respond_to_is_told_to_be_unknown() {
    let Some(redis) = Redis::start("stops") else { return };
    let hub = hub_over(&redis, &[]);
    publish(&hub, "/events/a", "x");
    signal(redis.id(), "STOP");
    let response = post(hub.address(), "/events/a", "y");
    signal(redis.id(), "CONT");
    assert_eq!(response.status, 504, "{}", response.text());
    let ends = ": it may have been published, or not, so send the same request again with the same \
                Idempotency-Key; without one, it may be published twice\n";
    assert!(response.text().ends_with(ends), "{}", response.text());
    assert_eq!(response.field("Retry-After"), None);
    said(&hub, "tidings: a publish has an unknown outcome: Redis at ");
    assert!(has_metric(&hub, "tidings_publishes_unknown_total 1"));
    assert!(has_metric(&hub, "tidings_publishes_refused_total 0"));
}

#[test]
fn an_event_that_too_few_replicas_have_may_not_last() {
    let Some(redis) = Redis::start("wait") else { return };
    let hub = hub_over(&redis, &["--redis-wait=1"]);
    let response = post(hub.address(), "/events/a", "x");
    assert_eq!(response.status, 504, "{}", response.text());
    assert!(response.text().contains("too few of its replicas do"), "{}", response.text());
}

#[test]
fn a_redis_that_wants_a_password_gets_that_of_the_file() {
    let Some(redis) = Redis::start("password") else { return };
    assert_eq!(redis.command("CONFIG SET requirepass pass:word"), "+OK");
    let url = redis.url();
    let failure = |more: &[&str]| {
        let (_, stderr, status) = run_hub(&[&[LISTEN, "--redis", &url], more].concat());
        assert_eq!(status, Some(1), "{stderr}");
        stderr
    };
    let said = failure(&[]);
    assert!(said.contains(&format!("Redis at {url} refuses a command: NOAUTH ")), "{said}");
    assert!(said.ends_with("; give its password with --redis-password-file\n"), "{said}");
    let wrong = TemporaryFile::new("wrong-password", "word\n");
    let said = failure(&["--redis-password-file", &wrong.0.display().to_string()]);
    assert!(said.ends_with("; give the right one with --redis-password-file\n"), "{said}");
    assert!(!said.contains("word\""), "{said}");
    let said = failure(&["--redis-password-file=/there/is/none"]);
    let missing = "tidings: can't read the password file /there/is/none: No such file or directory \
                   (os error 2): write the password of Redis into it\n";
    assert_eq!(said, missing);
    let right = TemporaryFile::new("password", "pass:word\n");
    let hub = hub_over(&redis, &["--redis-password-file", &right.0.display().to_string()]);
    publish(&hub, "/events/a", "x");
}

/// It waits for ten seconds, as Redis may start at the same time.
#[test]
fn a_hub_that_finds_no_redis_says_what_to_do() {
    let (stdout, stderr, status) = run_hub(&[LISTEN, "--redis=redis://user:secret@127.0.0.1:1"]);
    let said = "tidings: Redis at redis://127.0.0.1:1 can't be connected to: Connection refused (os \
                error 111): start it, or name another one with --redis\n";
    assert_eq!((&*stdout, &*stderr, status), ("", said, Some(1)));
}

#[test]
fn a_redis_that_can_not_be_is_told_at_once() {
    let wrong = |arguments: &[&str]| {
        let (_, stderr, status) = run_hub(arguments);
        assert_eq!(status, Some(2), "{stderr}");
        stderr.lines().next().expect("a line").to_owned()
    };
    assert_eq!(
        wrong(&["--redis=127.0.0.1:6379"]),
        "tidings: --redis: a Redis must be given as redis://HOST:PORT or unix:PATH: \
         \"127.0.0.1:6379\"",
    );
    let said = wrong(&["--redis=redis://:secret@127.0.0.1:1/x"]);
    assert!(!said.contains("secret"), "{said}");
    let said = wrong(&["--redis=rediss://127.0.0.1"]);
    assert!(said.contains("needs TLS"), "{said}");
    assert_eq!(
        wrong(&["--redis=redis://127.0.0.1:1", "--redis-name=a b"]),
        "tidings: --redis-name: \"a b\" can't be the name of hubs in Redis: a name is 1 to 128 of \
         A-Z a-z 0-9 . _ ~ -",
    );
}
