//! A leaf that follows a hub that follows a root: all have the same events with the same ids.

use super::super::support::http::exchange;
use super::*;

#[test]
fn what_is_published_anywhere_arrives_everywhere_with_the_same_id() {
    let root = root(&[]);
    let kept = publish(root.address(), "/events/a", "kept before anybody followed");
    let middle = follower(root.address(), &[]);
    let leaf = follower(middle.address(), &[]);
    let hubs = [&root, &middle, &leaf];
    let mut streams = hubs.map(|hub| EventStream::open(hub.address(), "/events/a?history=10"));
    let mut expected = vec![(kept, "kept before anybody followed".to_owned())];
    for (hub, data) in hubs.iter().zip(["1", "2", "3"]) {
        expected.push((publish(hub.address(), "/events/a", data), data.into()));
        publish(hub.address(), "/events/b", "of another channel");
    }
    for stream in &mut streams {
        assert_eq!(next(stream, 4), expected);
    }
    // An id of one resumes on every other.
    for hub in hubs {
        for (at, (id, _)) in expected.iter().enumerate() {
            let mut stream = EventStream::resume(hub.address(), "/events/a", id);
            assert_eq!(next(&mut stream, 3 - at), expected[at + 1..]);
        }
    }
}

#[test]
fn an_event_goes_through_the_chain_as_it_was_published() {
    let root = root(&[]);
    let middle = follower(root.address(), &[]);
    let leaf = follower(middle.address(), &[]);
    let mut streams =
        [&root, &middle, &leaf].map(|hub| EventStream::open(hub.address(), "/events/a~b.c"));
    let data = "two\n\nlines: é\n";
    publish(leaf.address(), "/events/a~b.c?event=a%20%26%20b&retry=1234", data);
    for stream in &mut streams {
        let event = stream.next().unwrap();
        let retry = event.retry.map(|time| time.as_millis());
        assert_eq!((&*event.event_type, &*event.data, retry), ("a & b", data, Some(1234)));
    }
    publish(leaf.address(), "/events/a~b.c", "");
    for stream in &mut streams {
        assert_eq!(stream.data(), "");
    }
}

/// Sends the same publish twice, to each of these hubs in turn: the responses.
fn twice(hubs: [&Process; 2], fields: &str, body: &str) -> [(u16, String); 2] {
    hubs.map(|hub| {
        let request = format!(
            "POST /events/a HTTP/1.1\r\nHost: {}\r\n{fields}Content-Length: {}\r\n\r\n{body}",
            hub.address(),
            body.len()
        );
        let response = exchange(hub.address(), request.as_bytes());
        (response.status, response.text().to_owned())
    })
}

#[test]
fn batches_and_keys_hold_over_all_hubs() {
    let root = root(&[]);
    let middle = follower(root.address(), &[]);
    let leaf = follower(middle.address(), &[]);
    let mut stream = EventStream::open(middle.address(), "/events/a");
    let batch = "Content-Type: text/event-stream\r\nIdempotency-Key: \"a \\\" b\"\r\n";
    let [first, second] = twice([&leaf, &root], batch, "data: 1\n\nevent: x\ndata: 2\n\n");
    assert_eq!((first.0, first.1.lines().count()), (200, 2), "{}", first.1);
    assert_eq!(first, second, "the second is the response to the first");
    let [first, second] = twice([&middle, &leaf], "Idempotency-Key: k\r\n", "3");
    assert_eq!((first.0, &first), (200, &second));
    let data: Vec<_> = (0..3).map(|_| stream.data()).collect();
    assert_eq!(data, ["1", "2", "3"]);
    let [_, other] = twice([&root, &leaf], "Idempotency-Key: k\r\n", "4");
    assert_eq!(other.0, 422, "{}", other.1);
}

#[test]
fn hubs_of_one_process_follow_one_another_and_end_their_threads_with_them() {
    let root = Served::new(Hub::new());
    let middle = root.follower();
    let leaf = middle.follower();
    let mut streams =
        [&root, &middle, &leaf].map(|served| EventStream::open(served.address(), "/events/a"));
    let ids = [&root, &middle, &leaf]
        .map(|served| served.hub.channel("a").send("x").unwrap().as_str().to_owned());
    for stream in &mut streams {
        let events = next(stream, 3);
        assert_eq!(events.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), ids);
    }
    assert_eq!(leaf.hub.newest(), root.hub.newest());
    let stats = leaf.hub.order_stats().unwrap();
    assert!(stats.reachable && stats.reconnects == 0, "{stats:?}");
    assert_eq!(root.hub.order_stats(), None);
    // Their readers are joined here.
    drop((leaf, middle));
    root.hub.channel("a").send("nobody follows").unwrap();
}
