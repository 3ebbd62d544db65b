//! Streams that follow a pattern of names, and those that begin with the present.

use std::collections::HashMap;

use super::super::support::http::{Client, get, post};
use super::super::support::stream::{EventStream, next};
#[cfg(feature = "journal")]
use super::journal::Folder;
use super::*;

fn open(hub: &Process, target: &str) -> EventStream {
    EventStream::open(hub.address(), target)
}

/// Publishes on each of these channels, and gives the ids and the data, which are the names.
#[track_caller]
fn publish_on(hub: &Process, names: &[&str]) -> Vec<(String, String)> {
    let publish = |name: &&str| publish(hub, &format!("/events/{name}"), name);
    names.iter().map(|name| (publish(name), (*name).to_owned())).collect()
}

/// Those of them whose channels' names are such.
fn of(published: &[(String, String)], is: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    published.iter().filter(|(_, name)| is(name)).cloned().collect()
}

fn is_room(name: &str) -> bool {
    name.starts_with("room.")
}

#[test]
fn a_stream_follows_all_channels_that_match_and_those_that_are_made_later_once_each() {
    let hub = hub(&[]);
    let before = publish_on(&hub, &["room.1", "weather", "room"]);
    let (id, targets) = (&before[0].0, ["/events/room.*", "/events?channel=room.*"]);
    let mut rooms: Vec<EventStream> = targets
        .into_iter()
        .flat_map(|target| [open(&hub, target), EventStream::resume(hub.address(), target, id)])
        .collect();
    let all = ["/events/*", "/events?channel=*&channel=room.*&channel=room.1&channel=weather"];
    let mut all = all.map(|target| open(&hub, target));
    let mixed = "/events?channel=room.1&channel=room.*&channel=weather";
    let mut mixed = EventStream::resume(hub.address(), mixed, id);
    let later = publish_on(&hub, &["room.2", "room.1", "other", "room.2.x", "weather", "room.3"]);
    for stream in &mut rooms {
        assert_eq!(next(stream, 4), of(&later, is_room));
    }
    for stream in &mut all {
        assert_eq!(next(stream, 6), later);
    }
    let is_mixed = |name: &str| is_room(name) || name == "weather";
    let expected = [of(&before[1..], is_mixed), of(&later, is_mixed)].concat();
    assert_eq!(next(&mut mixed, expected.len()), expected);
    // Whoever comes back has the id of any of them.
    let mut again = EventStream::resume(hub.address(), "/events/room.*", &later[4].0);
    assert_eq!(next(&mut again, 1), later[5..]);
    assert_eq!(
        next(&mut open(&hub, "/events/room.*?history=2"), 2),
        [&later[3..4], &later[5..]].concat()
    );
}

#[test]
fn a_pattern_is_followed_and_never_published_on() {
    let hub = hub(&[]);
    let rule = "is not a channel's name: a name is 1 to 128 of A-Z a-z 0-9 . _ ~ -; and a pattern is * or NAME.*";
    for name in ["room*", "*.1", "room.*.1", "**", ".*"] {
        for target in [format!("/events/{name}"), format!("/events?channel=room.1&channel={name}")]
        {
            let refused = get(hub.address(), &target);
            let said = format!("400 Bad Request: {name:?} {rule}\n");
            assert_eq!((refused.status, refused.text()), (400, &*said), "{target}");
        }
    }
    for name in ["room.*", "*"] {
        let refused = post(hub.address(), &format!("/events/{name}"), "x");
        let said = format!(
            "400 Bad Request: {name:?} is a pattern, for streams that follow many channels: name \
             one channel\n"
        );
        assert_eq!((refused.status, refused.text()), (400, &*said));
    }
    let metrics = get(hub.address(), "/metrics");
    assert!(metrics.text().contains("\ntidings_channels 0\n"));
}

#[test]
fn all_channels_of_a_hub_with_a_token_want_the_token_as_the_feed_does() {
    let token = TemporaryFile::new("pattern-token", "secret");
    let hub = hub(&[&token.argument()]);
    for target in ["/events/*", "/events?channel=a&channel=*"] {
        let refused = get(hub.address(), target);
        assert_eq!((refused.status, refused.field("WWW-Authenticate")), (401, Some("Bearer")));
    }
    let bearer = ("Authorization", "Bearer secret");
    let mut all = EventStream::open_with(hub.address(), "/events/*", bearer);
    let mut rooms = open(&hub, "/events/room.*");
    let sent = post_with(&hub, "/events/room.1", "Authorization: Bearer secret\r\n");
    assert_eq!(sent.status, 200);
    assert_eq!((all.data(), rooms.data()), ("x".into(), "x".into()));
}

#[test]
fn limit_max_channels_counts_the_patterns_of_strangers() {
    let hub = hub(&["--max-channels=4"]);
    let streams = [open(&hub, "/events/room.*")];
    let mut away = Client::to(hub.address());
    away.open("/events/other.*");
    assert!(away.rest().contains("retry: "));
    let mut same = open(&hub, "/events/room.*");
    let ids: Vec<_> = publish_on(&hub, &["room.1", "room.2", "other.3"]);
    assert_eq!(next(&mut same, 2), ids[..2]);
    let refused = post(hub.address(), "/events/other.4", "x");
    assert_eq!(refused.status, 503);
    drop(streams);
}

/// The newest `count` of each channel, in the order of all; the data are the names.
fn latest(published: &[(String, String)], count: usize) -> Vec<(String, String)> {
    let is_among = |at: usize| {
        let later = published[at + 1..].iter().filter(|(_, name)| *name == published[at].1);
        later.count() < count
    };
    (0..published.len()).filter(|at| is_among(*at)).map(|at| published[at].clone()).collect()
}

#[test]
fn a_stream_begins_with_the_latest_of_each_channel_and_is_sent_every_later_event_once() {
    let hub = hub(&[]);
    let names: Vec<String> = (0..40).map(|n| format!("sensor.{}", n * n % 23)).collect();
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    let mut published = publish_on(&hub, &names);
    publish(&hub, "/events/other", "x");
    for (target, count) in [
        ("/events/sensor.*?latest=1", 1),
        ("/events?channel=sensor.*&channel=sensor.1&latest=1", 1),
        ("/events/sensor.*?latest=2", 2),
        ("/events/sensor.*?latest=1000", 1000),
        ("/events/sensor.*?latest=0", 0),
    ] {
        let mut stream = open(&hub, target);
        let expected = latest(&published, count);
        published.extend(publish_on(&hub, &["sensor.1", &format!("sensor.new{count}")]));
        let expected = [&expected, &published[published.len() - 2..]].concat();
        assert_eq!(next(&mut stream, expected.len()), expected, "{target}");
    }
    let mut two = open(&hub, "/events?channel=sensor.1&channel=sensor.2&latest=2");
    let of_two = of(&published, |name| name == "sensor.1" || name == "sensor.2");
    assert_eq!(next(&mut two, 4), latest(&of_two, 2));
    // Whoever comes back has seen what there was.
    let target = "/events/sensor.*?latest=9";
    let mut resumed = EventStream::resume(hub.address(), target, &published[45].0);
    assert_eq!(next(&mut resumed, published.len() - 46), published[46..]);
}

#[test]
fn what_a_stream_begins_with_is_said_once() {
    let hub = hub(&[]);
    let both = "history is how many of the newest events of all channels to begin with, and \
                latest how many of each channel: give one of them";
    let number = "latest is how many of the newest events to begin with, and not \"x\"";
    let twice = "latest is \"1\" and latest is \"2\": give one of them";
    for (target, said) in [
        ("/events/a?history=1&latest=1", both),
        ("/events?channel=a&latest=1&history=1", both),
        ("/events/a?latest=x", number),
        ("/events/a?latest=1&latest=2", twice),
        #[cfg(feature = "follow")]
        ("/feed?latest=1", "the feed can't begin with the latest events of each channel"),
    ] {
        let refused = get(hub.address(), target);
        assert_eq!((refused.status, refused.text()), (400, &*format!("400 Bad Request: {said}\n")));
    }
}

#[test]
fn a_reader_that_stops_for_a_while_comes_to_the_present_and_is_told_nothing() {
    let hub = hub(&["--history=1", "--lag=conflate"]);
    let mut stream = open(&hub, "/events/sensor.*?latest=1");
    // Far more than sockets hold.
    let filler = "x".repeat(512 * 1024);
    let names = ["sensor.1", "sensor.2", "sensor.3"];
    let mut newest = HashMap::new();
    for round in 0..40 {
        for name in names {
            let data = format!("{name} {round} {filler}");
            let id = publish(&hub, &format!("/events/{name}"), &data);
            newest.insert(name, (id, data.len()));
        }
    }
    publish(&hub, "/events/sensor.last", "done");
    let mut sent = HashMap::new();
    let mut count = 0;
    loop {
        let event = stream.next().expect("an event");
        assert_eq!(event.event_type, "message", "{}", event.data);
        if event.data == "done" {
            break;
        }
        count += 1;
        let name = names.into_iter().find(|name| event.data.starts_with(name)).expect("a name");
        sent.insert(name, (event.last_event_id, event.data.len()));
    }
    assert!(count < 3 * 40, "it was sent all {count}");
    assert_eq!(sent, newest);
}

#[cfg(feature = "journal")]
#[test]
fn a_pattern_resumes_over_a_restart_from_the_journal() {
    let folder = Folder::new("patterns");
    let mut first = folder.hub(&["--history=1"]);
    let names = ["room.1", "weather", "room.2", "room.1", "room", "room.3"];
    let published = publish_on(&first, &names);
    let rooms = of(&published[1..], is_room);
    let resume =
        |hub: &Process| EventStream::resume(hub.address(), "/events/room.*", &published[0].0);
    assert_eq!(next(&mut resume(&first), 3), rooms);
    first.kill();
    let second = folder.hub(&["--history=1"]);
    let mut stream = resume(&second);
    assert_eq!(next(&mut stream, 3), rooms);
    let later = publish_on(&second, &["room.new", "weather", "room.2"]);
    assert_eq!(next(&mut stream, 2), of(&later, is_room));
    let mut all = EventStream::resume(second.address(), "/events/*", &published[4].0);
    assert_eq!(next(&mut all, 4), [&published[5..], &later].concat());
}

#[cfg(feature = "follow")]
#[test]
fn a_hub_that_follows_another_one_has_its_patterns_with_the_same_ids() {
    let root = hub(&[]);
    let before = publish_on(&root, &["room.1", "weather"]);
    let follower = hub(&[&format!("--follow=http://{}", root.address())]);
    let mut streams = [&root, &follower]
        .map(|hub| EventStream::resume(hub.address(), "/events/room.*", &before[0].0));
    let later = publish_on(&follower, &["room.2", "weather", "room.1", "room.3"]);
    for stream in &mut streams {
        assert_eq!(next(stream, 3), of(&later, is_room));
    }
}
