//! Hubs that would follow themselves, around any corner.

use std::thread;
use std::time::Instant;

use super::*;

/// How many of these hubs follow one at the moment.
fn reachable(hubs: &[&Served]) -> usize {
    let is_reachable = |served: &&&Served| served.hub.order_stats().is_some_and(|of| of.reachable);
    hubs.iter().filter(is_reachable).count()
}

/// Waits until all but one of these hubs follow, and stay so; then none spins.
fn settle(hubs: &[&Served]) {
    let mut since = None;
    until("one that refuses, and all others that follow", || {
        let is_settled = reachable(hubs) == hubs.len() - 1;
        since = if is_settled { since.or(Some(Instant::now())) } else { None };
        since.is_some_and(|since| since.elapsed() > 2 * SOON_AGAIN)
    });
    let reconnects = || -> u64 {
        hubs.iter().map(|served| served.hub.order_stats().map_or(0, |of| of.reconnects)).sum()
    };
    let before = reconnects();
    thread::sleep(SOON_AGAIN);
    assert!(reconnects() - before < 10, "they follow and let go of each other all the time");
    // What is published where it goes round comes back to nobody.
    for served in hubs {
        let begun = Instant::now();
        let sent = served.hub.channel("a").send("x");
        assert!(sent.is_err_and(|error| error.is_unavailable()), "nobody is the root any more");
        assert!(begun.elapsed() < Duration::from_secs(4));
    }
}

#[test]
fn row_60_a_hub_that_follows_itself_refuses() {
    let root = Served::new(Hub::new());
    let address = root.address();
    let hub = follow(address).unwrap();
    root.server.stop().unwrap();
    // Now the hub is where it has found the other one.
    let served = Served::at(hub, address);
    until("a refusal", || !served.hub.order_stats().unwrap().reachable);
    settle(&[&served]);
}

#[test]
fn row_60_two_hubs_that_follow_each_other_end_with_one_that_refuses() {
    let root = Served::new(Hub::new());
    let address = root.address();
    let first = root.follower();
    let second = follow(first.address()).unwrap();
    root.server.stop().unwrap();
    // The first has followed the root, and follows the second now, which follows it.
    let second = Served::at(second, address);
    settle(&[&first, &second]);
}

#[test]
fn row_60_three_hubs_that_follow_one_another_in_a_circle_end_with_one_that_refuses() {
    let root = Served::new(Hub::new());
    let address = root.address();
    let first = root.follower();
    let second = first.follower();
    let third = follow(second.address()).unwrap();
    root.server.stop().unwrap();
    let third = Served::at(third, address);
    settle(&[&first, &second, &third]);
}

#[test]
fn row_60_two_hubs_that_begin_to_follow_each_other_at_once_end_with_one_that_refuses() {
    let roots = [(); 2].map(|()| Served::new(Hub::new()));
    let addresses = [0, 1].map(|at| roots[at].address());
    let hubs = [follow(addresses[1]).unwrap(), follow(addresses[0]).unwrap()];
    roots.into_iter().for_each(|root| root.server.stop().unwrap());
    let [first, second] = hubs;
    let [first, second] = [(first, addresses[0]), (second, addresses[1])]
        .map(|(hub, address)| thread::spawn(move || Served::at(hub, address)))
        .map(|thread| thread.join().unwrap());
    settle(&[&first, &second]);
}

#[test]
fn row_60_a_request_of_a_hub_that_is_followed_gets_508() {
    let root = root(&[]);
    let middle = follower(root.address(), &[]);
    let request = |hub: &Process, line: &str, names: &str| {
        let host = hub.address();
        let fields = format!("Host: {host}\r\nTidings-Hubs: {names}\r\nContent-Length: 1\r\n");
        let request = format!("{line} HTTP/1.1\r\n{fields}\r\nx");
        super::super::support::http::exchange(host, request.as_bytes())
    };
    let names = EventStream::open(middle.address(), "/feed");
    let names = names
        .fields()
        .into_iter()
        .find_map(|field| field.strip_prefix("Tidings-Hubs: ").map(str::to_owned));
    let names = names.expect("the names of the middle and the root");
    let (own, of_root) = names.split_once(", ").expect("two names");
    for name in [own, of_root, &format!("a, {of_root}")] {
        let refused = request(&middle, "POST /events/a", name);
        assert_eq!(refused.status, 508, "{name}: {}", refused.text());
        assert_eq!(request(&middle, "GET /feed", name).status, 508, "{name}");
    }
    assert_eq!(request(&root, "GET /feed", of_root).status, 508);
    assert_eq!(request(&root, "POST /events/a", own).status, 200);
}
