//! The feed of a hub: the events of all channels on one stream, each with its channel's name.

use std::collections::HashMap;
use std::thread;

use super::super::support::http::{Client, exchange, post};
use super::journal::Folder;
use super::*;

/// Opens the feed with these field lines, each with its CRLF, and gives its first block.
#[track_caller]
fn open(hub: &Process, target: &str, fields: &str) -> (Client, String) {
    let mut client = Client::to(hub.address());
    client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"));
    let head = client.head();
    assert_eq!((head.status, head.field("Content-Type")), (200, Some("text/event-stream")));
    let first = client.chunk().expect("a first block");
    (client, first)
}

#[track_caller]
fn next(client: &mut Client, count: usize) -> Vec<String> {
    (0..count).map(|_| client.chunk().expect("an event")).collect()
}

/// Publishes on these channels, and gives the blocks of the feed and the ids.
#[track_caller]
fn publish_on(hub: &Process, channels: &[&str]) -> (Vec<String>, Vec<String>) {
    let publish = |name: &&str| {
        let id = publish(hub, &format!("/events/{name}"), "x");
        (format!("channel: {name}\nid: {id}\ndata: x\n\n"), id)
    };
    channels.iter().map(publish).unzip()
}

#[test]
fn the_feed_has_every_event_of_every_channel_in_one_order_and_resumes() {
    let hub = hub(&[]);
    let (before, ids) = publish_on(&hub, &["news", "a", "news"]);
    let (mut live, first) = open(&hub, "/feed", "");
    assert_eq!(first, format!("id: {}\n\n", ids[2]));
    let after_first = format!("Last-Event-ID: {}\r\n", ids[0]);
    for (target, fields) in [
        ("/feed".to_owned(), &*after_first),
        ("/feed?history=1".to_owned(), &after_first),
        (format!("/feed?last-event-id={}", ids[0]), ""),
        ("/feed?history=2".to_owned(), ""),
    ] {
        let (mut resumed, first) = open(&hub, &target, fields);
        assert_eq!(first, format!("id: {}\n\n", ids[0]), "{target}");
        assert_eq!(next(&mut resumed, 2), before[1..], "{target}");
    }
    let (mut unknown, first) = open(&hub, "/feed", "Last-Event-ID: 1-1\r\n");
    assert!(first.contains("event: tidings.gap\n") && first.contains("restarted"), "{first}");
    assert_eq!(next(&mut unknown, 3), before);

    let typed = publish(&hub, "/events/late?event=type&retry=7", "1\n2");
    let block = format!("channel: late\nid: {typed}\nevent: type\nretry: 7\ndata: 1\ndata: 2\n\n");
    assert_eq!(next(&mut live, 1), [block]);
    let (after, _) = publish_on(&hub, &["a", "b", "c", "a"]);
    assert_eq!(next(&mut live, 4), after);
}

#[test]
fn the_feed_wants_what_a_stream_wants_and_takes_no_events() {
    let hub = hub(&[]);
    let request = |line: &str| {
        exchange(hub.address(), format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
    };
    let head = request("HEAD /feed");
    assert_eq!((head.status, head.field("Content-Type")), (200, Some("text/event-stream")));
    for bad in ["/feed?history=x", "/feed?last-event-id=1-1&lastEventId=1-2"] {
        assert_eq!(request(&format!("GET {bad}")).status, 400, "{bad}");
    }
    let refused = post(hub.address(), "/feed", "x");
    assert_eq!((refused.status, refused.field("Allow")), (405, Some("GET, HEAD, OPTIONS")));
}

#[test]
fn the_feed_of_a_hub_with_a_token_wants_the_token() {
    let token = TemporaryFile::new("feed-token", "secret");
    let hub = hub(&[&token.argument()]);
    let request = |method: &str, fields: &str| {
        let head = format!("{method} /feed HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        exchange(hub.address(), head.as_bytes())
    };
    let none = request("GET", "");
    assert_eq!((none.status, none.field("WWW-Authenticate")), (401, Some("Bearer")));
    assert!(none.text().contains("Authorization: Bearer TOKEN"), "{}", none.text());
    assert_eq!(request("HEAD", "").status, 401);
    assert_eq!(request("GET", "Authorization: Bearer other\r\n").status, 401);
    let right = "Authorization: Bearer secret\r\n";
    assert_eq!(request("GET", &right.repeat(2)).status, 400);
    assert_eq!(request("HEAD", right).status, 200);
    let (mut feed, _) = open(&hub, "/feed", right);
    let response = post_with(&hub, "/events/a", right);
    let block = format!("channel: a\nid: {}data: x\n\n", response.text());
    assert_eq!(next(&mut feed, 1), [block]);
}

#[test]
fn the_feed_of_a_hub_with_a_journal_has_what_came_before_the_start_and_left_the_logs() {
    let folder = Folder::new("feed");
    let start = || folder.hub(&["--history=2"]);
    let first = start();
    let (mut blocks, ids) = publish_on(&first, &["a", "b", "a", "a", "a"]);
    let large = "y".repeat(200_000);
    let id = publish(&first, "/events/b", &large);
    blocks.push(format!("channel: b\nid: {id}\ndata: {large}\n\n"));
    drop(first);
    let second = start();
    blocks.extend(publish_on(&second, &["a", "c"]).0);
    let (mut feed, _) = open(&second, "/feed", &format!("Last-Event-ID: {}\r\n", ids[0]));
    assert!(next(&mut feed, 7) == blocks[1..]);
    let (mut newest, _) = open(&second, "/feed?history=4", "");
    assert!(next(&mut newest, 4) == blocks[4..]);
    // More than the log of the feed keeps, and the stream goes on where that begins.
    let names: Vec<String> = (0..40).map(|n| format!("c{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    blocks.extend(publish_on(&second, &names).0);
    let (mut late, _) = open(&second, "/feed", &format!("Last-Event-ID: {}\r\n", ids[4]));
    assert!(next(&mut late, 43) == blocks[5..]);
    for client in [&mut feed, &mut newest] {
        assert!(next(client, 40) == blocks[8..]);
    }
    let (more, _) = publish_on(&second, &["a", "z"]);
    assert_eq!(next(&mut late, 2), more);
}

#[test]
fn while_eight_publishers_publish_on_fifty_channels_the_feed_and_each_channel_agree() {
    const EACH: usize = 250;
    let hub = hub(&["--history=10000"]);
    let names: Vec<String> = (0..50).map(|n| format!("c{n}")).collect();
    // A publisher comes to each channel as often as to any other.
    let of_channel = 8 * EACH / names.len();
    let followers: Vec<Client> = names
        .iter()
        .map(|name| {
            let mut client = Client::to(hub.address());
            client.open(&format!("/events/{name}"));
            client
        })
        .collect();
    let mut feed = open(&hub, "/feed", "").0;
    let (all, channels) = thread::scope(|scope| {
        for publisher in 0..8 {
            let (hub, names) = (&hub, &names);
            scope.spawn(move || {
                let mut client = Client::to(hub.address());
                for n in 0..EACH {
                    let name = &names[(publisher * 6 + n * 7) % names.len()];
                    let data = format!("{publisher} {n}");
                    client.send(format!(
                        "POST /events/{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: \
                         {}\r\n\r\n{data}",
                        data.len()
                    ));
                    assert_eq!(client.response().status, 200);
                }
            });
        }
        let all = scope.spawn(|| next(&mut feed, 8 * EACH));
        let read = |mut client: Client| next(&mut client, of_channel);
        let channels: Vec<Vec<String>> = followers.into_iter().map(read).collect();
        (all.join().unwrap(), channels)
    });
    let mut by_channel: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut newest = 0;
    for block in &all {
        let (channel, block) = block.split_once('\n').unwrap();
        let id = block.split(['-', '\n']).nth(1).unwrap();
        let sequence: u64 = id.parse().unwrap();
        assert_eq!(sequence, newest + 1);
        newest = sequence;
        by_channel.entry(channel.strip_prefix("channel: ").unwrap()).or_default().push(block);
    }
    for (name, channel) in names.iter().zip(channels) {
        assert_eq!(by_channel[&**name], channel, "{name}");
    }
}
