//! Several events in one step, and publishes that are sent again.

use std::sync::Barrier;
use std::thread;

use super::*;
use crate::support::stream::EventStream;

fn texts(ids: &[tidings::EventId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn a_batch_is_sent_as_events_of_their_own_with_adjacent_ids() {
    let channel = Channel::new();
    let server = following(&channel);
    let mut stream = EventStream::open(server.address(), "/events");
    let ids = channel.send_all(["one", "two", "three"]).unwrap();
    let epoch = ids[0].as_str().split_once('-').unwrap().0;
    assert_eq!(texts(&ids), [1, 2, 3].map(|n| format!("{epoch}-{n}")));
    assert_eq!([stream.data(), stream.data(), stream.data()], ["one", "two", "three"]);
    // Each is a place to resume from.
    let mut stream = EventStream::resume(server.address(), "/events", ids[1].as_str());
    assert_eq!(stream.data(), "three");
}

#[test]
fn a_batch_of_which_one_event_is_too_large_is_published_not_at_all() {
    let channel = Channel::with_history(History::default().event(100));
    let batch = ["small".to_owned(), "x".repeat(100), "small".to_owned()];
    assert!(channel.send_all(&batch).unwrap_err().is_too_large());
    assert!(channel.send_all([("a", "fine"), ("no\ntype", "bad")]).unwrap_err().is_invalid());
    assert_eq!((channel.kept(), channel.published()), (0, 0));
    assert!(channel.send("small").unwrap().as_str().ends_with("-1"));
    assert_eq!(channel.send_all::<&str>([]).unwrap(), []);
}

#[test]
fn a_batch_of_more_than_its_channel_keeps_is_refused() {
    let channel = keeping(3);
    assert!(channel.send_all(["x"; 4]).unwrap_err().is_too_large());
    assert_eq!(channel.send_all(["x"; 3]).unwrap().len(), 3);
    assert_eq!((channel.kept(), channel.published()), (3, 3));
}

#[test]
fn a_publish_that_is_sent_again_has_no_effect_and_gets_the_ids_of_the_first_time() {
    let hub = Hub::new();
    let (channel, other) = (hub.channel("a"), hub.channel("b"));
    let ids = channel.send_once("key", ["one", "two"]).unwrap();
    assert_eq!(channel.send_once("key", ["one", "two"]).unwrap(), ids);
    assert_eq!(channel.published(), 2);
    assert!(channel.send_once("key", ["one"]).unwrap_err().is_key_reused());
    assert!(channel.send_once("", ["one"]).unwrap_err().is_invalid());
    assert_eq!(hub.published(), 2);
    // Another channel has keys of its own.
    assert_ne!(other.send_once("key", ["one", "two"]).unwrap(), ids);
    assert_eq!(hub.published(), 4);
}

#[test]
fn a_key_under_which_nothing_was_published_is_free_again() {
    let channel = Channel::with_history(History::default().event(100));
    assert!(channel.send_once("key", ["x".repeat(100)]).unwrap_err().is_too_large());
    assert_eq!(channel.send_once("key", ["small"]).unwrap().len(), 1);
}

#[test]
fn of_publishers_with_one_key_at_the_same_time_one_publishes() {
    let (channel, together) = (Channel::new(), Barrier::new(8));
    for round in 0..100 {
        let key = format!("round {round}");
        let ids: Vec<Vec<tidings::EventId>> = thread::scope(|scope| {
            let publish = || {
                together.wait();
                channel.send_once(&key, ["an event"]).unwrap()
            };
            let publishers = [(); 8].map(|()| scope.spawn(publish));
            publishers.into_iter().map(|publisher| publisher.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|of| *of == ids[0]), "{ids:?}");
        assert_eq!(channel.published(), round + 1);
    }
}
