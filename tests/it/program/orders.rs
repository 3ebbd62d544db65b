//! Where a hub's events get their ids: what the command line may say of it, and how the hub tells
//! how that place is.

use super::super::support::http::{Client, exchange, get, post};
use super::super::support::process::run_hub;
use super::super::support::{until, until_some};
use super::*;

#[track_caller]
fn usage_error(arguments: &[&str], said: &str) {
    let (stdout, stderr, status) = run_hub(arguments);
    assert_eq!(stderr, format!("tidings: {said}\n'tidings --help' lists the options\n"));
    assert_eq!((&*stdout, status), ("", Some(2)));
}

#[test]
fn events_get_their_ids_in_one_place() {
    let [journal, redis, follow] =
        ["--journal=/there/is/none", "--redis=redis://127.0.0.1:1", "--follow=http://127.0.0.1:1"];
    for (arguments, one, other) in [
        (&[journal, redis][..], "--journal", "--redis"),
        (&[redis, journal], "--journal", "--redis"),
        (&[journal, follow], "--journal", "--follow"),
        (&[follow, redis], "--redis", "--follow"),
        (&[redis, redis, follow], "--redis", "--follow"),
        (&[journal, redis, follow], "--journal", "--redis"),
    ] {
        let said = format!(
            "{one} and {other} both say where the hub's events get their ids: give one of them"
        );
        usage_error(arguments, &said);
    }
}

#[test]
fn a_flag_that_says_how_is_refused_where_nothing_is_done() {
    for flag in ["--journal-sync=none", "--journal-bytes=131072", "--journal-age=1h"] {
        let name = flag.split('=').next().unwrap();
        let said = "says how a journal is kept, and there is none: name its folder with \
                    --journal DIR";
        usage_error(&[flag], &format!("{name} {said}"));
        usage_error(&["--redis=redis://127.0.0.1:1", flag], &format!("{name} {said}"));
    }
    for flag in
        ["--redis-name=a", "--redis-password-file=/a", "--redis-wait=1", "--redis-length=1000"]
    {
        let name = flag.split('=').next().unwrap();
        let said = "says how Redis is used, and none is: name its address with --redis URL";
        usage_error(&[flag], &format!("{name} {said}"));
    }
    usage_error(
        &["--follow-token-file=/a"],
        "--follow-token-file says how another hub is followed, and none is: name it with \
         --follow URL",
    );
}

#[test]
fn a_hub_of_this_process_alone_is_healthy_and_ready() {
    let hub = hub(&[]);
    for target in ["/health", "/health?ready", "/health?ready=", "/health?ready&ready"] {
        let response = get(hub.address(), target);
        assert_eq!((response.status, response.text()), (200, "ok\n"), "{target}");
        let head = format!("HEAD {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = exchange(hub.address(), head.as_bytes());
        assert_eq!((response.status, response.field("Content-Length")), (200, Some("3")));
    }
    let mut client = Client::to(hub.address());
    for (target, said) in [
        ("/health?redy", "there is no parameter \"redy\" here: that of a health check is ready"),
        ("/health?ready&x=1", "there is no parameter \"x\" here: that of a health check is ready"),
        ("/health?ready=no", "ready takes no value: ask for /health?ready"),
    ] {
        let response = client.get(target);
        let said = format!("400 Bad Request: {said}\n");
        assert_eq!((response.status, response.text()), (400, &*said), "{target}");
    }
}

#[test]
fn the_metrics_say_where_events_get_their_ids() {
    let metrics = get(hub(&[]).address(), "/metrics");
    let metrics = metrics.text();
    let info = "# TYPE tidings_order_info gauge\ntidings_order_info{order=\"memory\"} 1\n";
    assert!(metrics.contains(info), "{metrics}");
    assert!(!metrics.contains("tidings_order_reachable"), "{metrics}");
}

#[test]
fn a_hub_that_follows_another_says_how_that_is() {
    let mut followed = hub(&["--max-event=100"]);
    let id = publish(&followed, "/events/a", "x");
    let url = format!("http://{}", followed.address());
    let follower = hub(&["--follow", &url]);
    let said = format!("tidings: the hub at {url} keeps 1 event, up to the event {id}");
    until_some(&said, || follower.stderr().into_iter().find(|line| *line == said));
    let health = |target: &str| get(follower.address(), target);
    let reachable = "ok\nthe hub that this one follows can be reached\n";
    assert_eq!((health("/health").status, health("/health?ready").text()), (200, reachable));
    let metrics = health("/metrics");
    for line in ["tidings_order_info{order=\"hub\"} 1", "tidings_order_reachable 1"] {
        assert!(metrics.text().lines().any(|metric| metric == line), "{}", metrics.text());
    }

    // What it refuses is refused in its words.
    let large = "x".repeat(200);
    let [own, passed_on] =
        [&followed, &follower].map(|hub| post(hub.address(), "/events/a", &large));
    assert_eq!((passed_on.status, passed_on.text()), (413, own.text()));

    followed.kill();
    until("the follower to notice", || health("/health?ready").status == 503);
    let alive = health("/health");
    let begins = "ok\nthe hub that this one follows can't be reached, and was last heard from ";
    assert!(alive.status == 200 && alive.text().starts_with(begins), "{}", alive.text());
    let refused = post(follower.address(), "/events/a", "y");
    assert_eq!((refused.status, refused.field("Retry-After")), (503, Some("1")));
    let ends = ": nothing was published, so send it again later\n";
    assert!(refused.text().ends_with(ends), "{}", refused.text());
}
