//! What a key stands for, and for how long; how many there may be; and who waits for whom.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;

const START: Duration = Duration::from_secs(1_000);

fn id(epoch: u64, sequence: u64) -> Id {
    Id { epoch, sequence }
}

fn keys() -> Keys {
    Keys::new()
}

#[track_caller]
fn new<'a>(begun: Result<Begun<'a>>) -> Claim<'a> {
    match begun.expect("a key that may be used") {
        Begun::New(claim) => claim,
        Begun::Again { first, .. } => panic!("published already, from {first:?} on"),
    }
}

#[track_caller]
fn again(begun: Result<Begun<'_>>) -> (Id, usize) {
    match begun.expect("a key that may be used") {
        Begun::New(_) => panic!("the key is not known"),
        Begun::Again { first, count } => (first, count),
    }
}

fn at(seconds: u64) -> impl Fn() -> Duration {
    move || START + Duration::from_secs(seconds)
}

#[test]
fn a_publish_that_is_sent_again_gets_the_ids_of_the_first_time() {
    let keys = keys();
    new(keys.begin("c", "k", 7, at(0))).finish(id(3, 10), 2, START);
    assert_eq!(again(keys.begin("c", "k", 7, at(1))), (id(3, 10), 2));
    assert_eq!(again(keys.begin("c", "k", 7, at(2))), (id(3, 10), 2));
    drop(new(keys.begin("c", "K", 7, at(2))));
}

#[test]
fn a_key_is_known_for_five_minutes_from_the_first_response() {
    let keys = keys();
    new(keys.begin("c", "k", 7, at(0))).finish(id(3, 10), 1, START + Duration::from_secs(2));
    // To be asked for does not keep it.
    for seconds in [100, 200, 301] {
        assert_eq!(again(keys.begin("c", "k", 7, at(seconds))), (id(3, 10), 1));
    }
    drop(new(keys.begin("c", "k", 7, at(302))));
}

#[test]
fn a_key_stands_for_its_events_alone() {
    let keys = keys();
    let claim = new(keys.begin("c", "k", 7, at(0)));
    assert!(
        keys.begin("c", "k", 8, at(0)).err().expect("a refusal").is_key_reused(),
        "while it is under way"
    );
    claim.finish(id(3, 10), 1, START);
    let error = keys.begin("c", "k", 8, at(299)).err().expect("a refusal");
    assert!(error.is_key_reused());
    assert_eq!(
        error.to_string(),
        "this idempotency key was used for other events on this channel, within five minutes"
    );
    drop(new(keys.begin("c", "k", 8, at(300))));
}

/// Not everybody may publish on each channel.
#[test]
fn each_channel_has_keys_of_its_own() {
    let keys = keys();
    new(keys.begin("a", "k", 7, at(0))).finish(id(3, 10), 1, START);
    keys.learn("b", "k", 7, id(3, 9), 2, START);
    assert_eq!(again(keys.begin("a", "k", 7, at(1))), (id(3, 10), 1));
    assert_eq!(again(keys.begin("b", "k", 7, at(1))), (id(3, 9), 2));
    for (channel, key) in [("", "k"), ("k", "a"), ("a\nk", "k"), ("a", "ka"), ("aa", "k")] {
        drop(new(keys.begin(channel, key, 7, at(1))));
    }
}

#[test]
fn a_publish_that_failed_is_not_remembered() {
    let keys = keys();
    drop(new(keys.begin("c", "k", 7, at(0))));
    new(keys.begin("c", "k", 8, at(0))).finish(id(3, 10), 1, START);
    assert_eq!(again(keys.begin("c", "k", 8, at(0))), (id(3, 10), 1));
}

#[test]
fn what_cannot_be_a_key_is_refused() {
    let keys = keys();
    for good in ["a", " ", "~", "8e03978e-40d5-43e8-bc93-6894a57f9324", &"k".repeat(255)] {
        drop(new(keys.begin("c", good, 7, at(0))));
    }
    for bad in ["", "a\nb", "a\rb", "a\0b", "\t", "\x7F", "é", &"k".repeat(256)] {
        let error = keys.begin("c", bad, 7, at(0)).err().expect("a refusal");
        assert!(error.is_invalid(), "{bad:?}");
        assert_eq!(
            error.to_string(),
            "an idempotency key is 1 to 255 characters of printable ASCII, such as a UUID"
        );
    }
}

#[test]
fn there_are_at_most_100_000_keys_those_under_way_included() {
    let keys = keys();
    for n in 0..99_999 {
        new(keys.begin("c", &n.to_string(), 7, at(0))).finish(id(3, n), 1, START);
    }
    let last = new(keys.begin("c", "last", 7, at(0)));
    let error = keys.begin("c", "more", 7, at(0)).err().expect("a refusal");
    assert!(error.is_too_many_keys());
    assert_eq!(
        error.to_string(),
        "100000 idempotency keys were used in the last five minutes, and no more are known"
    );
    keys.learn("c", "learned", 7, id(3, 0), 1, START);
    assert!(keys.begin("c", "learned", 7, at(0)).err().expect("a refusal").is_too_many_keys());
    assert_eq!(
        again(keys.begin("c", "5", 7, at(0))),
        (id(3, 5), 1),
        "those that are known still are"
    );
    drop(last);
    drop(new(keys.begin("c", "more", 7, at(0))));
}

#[test]
fn keys_that_are_over_leave_no_memory_behind() {
    let keys = keys();
    for n in 0..10_000 {
        let now = START + Duration::from_millis(n);
        new(keys.begin("c", &n.to_string(), 7, || now)).finish(id(3, n), 1, now);
    }
    keys.forget_old(START + Duration::from_millis(309_000));
    let room = |table: &Table| (table.entries.capacity(), table.published.capacity());
    {
        let table = keys.table();
        assert_eq!((table.entries.len(), table.published.len()), (999, 999));
        let room = room(&table);
        assert!(room.0 < 4_000 && room.1 < 4_000, "{room:?}");
    }
    keys.forget_old(START + Duration::from_millis(310_000));
    assert_eq!(room(&keys.table()), (0, 0));
}

#[test]
fn a_key_from_before_the_start_is_known_for_what_is_left_of_its_five_minutes() {
    let keys = keys();
    keys.learn("c", "k", 7, id(2, 4), 3, START - Duration::from_secs(100));
    assert_eq!(again(keys.begin("c", "k", 7, at(199))), (id(2, 4), 3));
    assert!(keys.begin("c", "k", 8, at(199)).err().expect("a refusal").is_key_reused());
    drop(new(keys.begin("c", "k", 7, at(200))));
}

#[test]
fn keys_that_are_over_take_no_room_from_those_that_are_learned_after_them() {
    let keys = keys();
    for n in 0..100_000 {
        keys.learn("c", &n.to_string(), 7, id(2, n), 1, START);
    }
    let later = START + KEPT;
    keys.learn("c", "k", 7, id(3, 1), 1, later);
    assert_eq!(again(keys.begin("c", "k", 7, || later)), (id(3, 1), 1));
}

#[test]
fn a_key_that_is_learned_twice_stands_for_the_later_events() {
    let keys = keys();
    keys.learn("c", "k", 7, id(2, 4), 1, START - Duration::from_secs(200));
    keys.learn("c", "k", 8, id(2, 9), 2, START);
    assert_eq!(again(keys.begin("c", "k", 8, at(101))), (id(2, 9), 2));
    assert_eq!(again(keys.begin("c", "k", 8, at(299))), (id(2, 9), 2));
    drop(new(keys.begin("c", "k", 8, at(300))));
}

/// How many of eight publishes with one key, at the same time, do it: the first `failing` of them
/// fail.
fn publish_together(failing: usize) -> usize {
    let (keys, start) = (keys(), Barrier::new(8));
    let (began, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let publish = || {
        start.wait();
        match keys.begin("c", "k", 7, at(0)).expect("a key that may be used") {
            Begun::New(claim) => {
                let n = began.fetch_add(1, Ordering::AcqRel);
                // Others come meanwhile.
                while n == 0 && keys.table().waiting < 7 {
                    thread::yield_now();
                }
                if n >= failing {
                    done.fetch_add(1, Ordering::AcqRel);
                    claim.finish(id(3, 10), 2, START);
                }
            }
            Begun::Again { first, count } => assert_eq!((first, count), (id(3, 10), 2)),
        }
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(publish);
        }
    });
    assert_eq!(keys.table().waiting, 0);
    done.into_inner()
}

#[test]
fn of_publishes_with_one_key_at_the_same_time_one_does_it() {
    assert_eq!(publish_together(0), 1);
}

#[test]
fn where_one_fails_the_next_that_waits_publishes() {
    assert_eq!(publish_together(1), 1);
    assert_eq!(publish_together(7), 1);
    assert_eq!(publish_together(8), 0, "and where all fail, all have ended");
}

#[test]
fn a_publish_waits_no_longer_than_it_may_for_one_that_does_not_end() {
    let keys = Keys::with(Duration::from_millis(50));
    let _held = new(keys.begin("c", "k", 7, at(0)));
    let before = Instant::now();
    let error = keys.begin("c", "k", 7, at(0)).err().expect("a refusal");
    assert!(error.is_key_in_use() && before.elapsed() >= Duration::from_millis(50));
    assert_eq!(
        Error::key_in_use(PATIENCE).to_string(),
        "another publish with this idempotency key has not ended for 5 seconds"
    );
    drop(new(keys.begin("c", "another", 7, at(0))));
}

#[test]
fn a_digest_tells_the_channel_and_the_events_apart() {
    let digest = |channel: &str, events: &[&str]| {
        let events: Vec<Event> = events.iter().map(|data| Event::new(*data)).collect();
        digest(channel, &events)
    };
    let one = digest("news", &["a"]);
    assert_eq!(one, digest("news", &["a"]));
    for other in [
        digest("new", &["a"]),
        digest("newsd", &["a"]),
        digest("news", &["b"]),
        digest("news", &["a", "a"]),
        digest("news", &["a\na"]),
        digest("news", &[]),
    ] {
        assert_ne!(one, other);
    }
}

/// A journal has it on disk, so it stays what it is.
#[test]
fn a_digest_is_fnv_1a_of_the_names_length_the_name_and_the_events_without_ids() {
    assert_eq!(fnv_1a(OFFSET_BASIS, b"foobar"), 0x8594_4171_f739_67e8, "as its authors have it");
    let event = Event::new("a\nb").with_id(crate::event::EventId::new("9-9").unwrap());
    let bytes = b"\x04\0\0\0\0\0\0\0newsdata: a\ndata: b\n\n";
    assert_eq!(digest("news", [&event]), fnv_1a(OFFSET_BASIS, bytes));
}
