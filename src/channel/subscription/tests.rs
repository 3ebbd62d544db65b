//! Where streams begin, and what becomes of those that lag.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::channel::hub::Hub;
use crate::log::History;
use crate::log::id::Epochs;
use crate::log::large::PastPart;
use crate::order::keys::Keys;
use crate::order::memory::Memory;
use crate::order::past::Of;
use crate::order::sequence::Sequence;
use crate::order::shared_log::SharedLog;
use crate::order::{Appended, Order, Post};

#[test]
fn a_stream_of_several_channels_that_lags_is_treated_as_they_say() {
    for lag in [Lag::Skip, Lag::Close] {
        let hub = Hub::with(History::default().events(1), lag);
        let channels = ["a", "b"].map(|name| hub.channel(name));
        let (stream, _) = Subscription::new(&channels, Start::Live).unwrap();
        (0..2).for_each(|_| drop(channels[0].send("an event")));
        let read = stream.read(false, &mut Batch::default());
        assert_eq!(read.is_err(), lag == Lag::Close, "{lag:?}");
    }
}

/// An order that has a past, of which the first two events are no longer kept.
struct Remembers(Memory);

/// The newest event from before the start.
const BEFORE: u64 = 8;

impl Order for Remembers {
    fn sequence(&self) -> &Arc<Sequence> {
        self.0.sequence()
    }

    fn keys(&self) -> &Keys {
        self.0.keys()
    }

    fn append(&self, to: &Arc<SharedLog>, post: &Post<'_>) -> Result<Appended> {
        self.0.append(to, post)
    }

    fn past(&self) -> Option<&dyn Past> {
        Some(self)
    }
}

impl Past for Remembers {
    fn resume(&self, id: Id) -> Result<u64, Reason> {
        match id {
            Id { epoch: 171, sequence: ..2 } => Err(Reason::Evicted),
            Id { epoch: 171, sequence: ..=BEFORE } => Ok(id.sequence),
            _ => Err(Reason::Restarted),
        }
    }

    fn beginning(&self) -> u64 {
        2
    }

    fn before_newest(&self, of: &[Of<'_>], count: usize, until: u64) -> Option<u64> {
        assert_eq!((of, until), (&[Of::Name("a"), Of::Name("b")][..], BEFORE - 2));
        // Nine are more than there are.
        (count < 7).then(|| until - count as u64)
    }

    fn has_lost(&self, after: u64) -> bool {
        after < 2
    }

    fn read(&self, _: &[Of<'_>], _: Cursor, _: bool, _: &mut Batch) -> io::Result<()> {
        unreachable!("no stream is sent anything")
    }

    fn read_part(&self, _: &[Of<'_>], _: &PastPart, _: &mut Vec<u8>) -> io::Result<()> {
        unreachable!("no stream is sent anything")
    }
}

/// Two channels of a hub whose logs begin with 7 and 8.
fn remembering(lag: Lag) -> [Channel; 2] {
    let sequence = Sequence::resumed(Epochs::one(171), BEFORE, Duration::ZERO);
    let order = Arc::new(Remembers(Memory::over(sequence)));
    let hub = Hub::with_order(order, History::default().events(2), lag, BEFORE - 2);
    for (name, place) in [("a", BEFORE - 1), ("b", BEFORE)] {
        let text = format!("{place} of {name}");
        let encode = |out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
        hub.channel(name).0.log.preload(place, Duration::ZERO, text.len(), encode);
    }
    ["a", "b"].map(|name| hub.channel(name))
}

/// What the stream is sent first, and what then; none where that is of the past.
fn begun(channels: &[Channel], start: Start<'_>) -> (String, Option<String>) {
    let (stream, first) = Subscription::new(channels, start).unwrap();
    (String::from_utf8(first.content.into_owned()).unwrap(), next(&stream))
}

fn next(stream: &Subscription) -> Option<String> {
    let mut batch = Batch::default();
    match stream.read(true, &mut batch) {
        Ok(()) => Some(String::from_utf8(batch.bytes().to_vec()).unwrap()),
        Err(evicted) => {
            assert_eq!((evicted, batch.bytes()), (Evicted::Past, &b""[..]));
            None
        }
    }
}

#[test]
fn in_a_hub_with_a_past_a_stream_begins_at_any_id_that_the_past_knows() {
    let channels = remembering(Lag::Skip);
    let kept = |text: &str| Some(text.to_owned());
    for (start, place, then) in [
        (Start::Live, 8, kept("")),
        (Start::After("171-8"), 8, kept("")),
        (Start::After("171-7"), 7, kept("8 of b")),
        (Start::After("171-6"), 6, kept("7 of a8 of b")),
        (Start::After("171-5"), 5, None),
        (Start::After("171-2"), 2, None),
        (Start::Newest(0), 8, kept("")),
        (Start::Newest(2), 6, kept("7 of a8 of b")),
        (Start::Newest(5), 3, None),
        (Start::Newest(9), 6, kept("7 of a8 of b")),
    ] {
        assert_eq!(begun(&channels, start), (format!("id: 171-{place}\n\n"), then), "{start:?}");
    }
}

#[test]
fn in_a_hub_with_a_past_an_unknown_id_is_told_and_everything_there_is_comes_after_it() {
    let channels = remembering(Lag::Skip);
    for id in ["171-9", "172-1", "171-5-1-1", "abc"] {
        let data = format!(r#"{{"from":"{id}","to":"171-2","missed":null,"reason":"restarted"}}"#);
        let gap = format!("id: 171-2\nevent: tidings.gap\ndata: {data}\n\n");
        assert_eq!(begun(&channels, Start::After(id)), (gap, None), "{id}");
    }
}

#[test]
fn in_a_hub_with_a_past_a_resume_from_before_it_is_told_first() {
    let channels = remembering(Lag::Skip);
    for id in ["171-0", "171-1"] {
        let data = format!(r#"{{"from":"{id}","to":"171-2","missed":null,"reason":"evicted"}}"#);
        let gap = format!("id: 171-2\nevent: tidings.gap\ndata: {data}\n\n");
        assert_eq!(begun(&channels, Start::After(id)), (gap, None), "{id}");
    }
}

#[test]
fn a_stream_that_lags_in_a_hub_with_a_past_is_served_from_there_whatever_its_channels_say() {
    for lag in [Lag::Skip, Lag::Close] {
        let channels = remembering(lag);
        let (mut stream, _) = Subscription::new(&channels, Start::Live).unwrap();
        channels[0].send_all(["9", "10"]).unwrap();
        channels[0].send("11").unwrap();
        assert_eq!(next(&stream), None, "9 has left the log");
        // It comes back from the past, where nobody counts.
        stream.cursor = Cursor { place: 9, seen: 99 };
        let text = "id: 171-10\ndata: 10\n\nid: 171-11\ndata: 11\n\n";
        assert_eq!(next(&stream).as_deref(), Some(text), "{lag:?}");
    }
}

#[test]
fn a_stream_that_begins_in_the_past_of_a_channel_without_events_is_not_up_to_date() {
    let [a, _] = remembering(Lag::Skip);
    let hub_place = a.0.sequence.newest();
    let empty = Channel::build(
        Arc::clone(&a.0.order),
        Lag::Skip,
        SharedLog::new(Some("c".into()), History::default(), hub_place),
    );
    let (stream, _) = Subscription::new(&[empty], Start::After("171-5")).unwrap();
    assert!(stream.cursor.place < stream.followed.newest(), "a pass has to come to it");
}
