//! What a reader in this process is given, and when.

use std::thread;
use std::time::Duration;

use super::*;
use crate::channel::hub::Hub;
use crate::event::IntoEvent;
use crate::log::History;
use crate::log::cursor::Lag;

/// Long enough for the slowest machine; nothing that works takes it.
const SOON: Duration = Duration::from_secs(60);

#[track_caller]
fn next(reader: &mut ChannelReader) -> MessageEvent {
    reader.next_within(SOON).expect("no error").expect("an event")
}

#[track_caller]
fn data(reader: &mut ChannelReader) -> String {
    next(reader).data
}

/// Everything that is there now, as data.
#[track_caller]
fn there(reader: &mut ChannelReader) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match reader.next_within(Duration::ZERO) {
            Ok(Some(event)) => all.push(event.data),
            Ok(None) => return all,
            Err(error) => {
                assert!(error.is_timeout(), "{error}");
                return all;
            }
        }
    }
}

fn send(channel: &Channel, event: impl IntoEvent) -> String {
    channel.send(event).unwrap().as_str().to_owned()
}

#[test]
fn a_reader_is_given_what_comes_after_its_start_and_then_the_end() {
    let channel = Channel::new();
    let ids = ["1", "2", "3"].map(|data| send(&channel, data));
    let mut newest = channel.reader(Start::Newest(2)).unwrap();
    let mut resumed = channel.reader(Start::After(&ids[0])).unwrap();
    let mut live = channel.reader(Start::Live).unwrap();
    assert_eq!(channel.streams(), 3);
    assert_eq!((newest.last_event_id(), live.last_event_id()), (&*ids[0], &*ids[2]));
    channel.send(("type", "4\r\n5")).unwrap();
    channel.close();
    assert_eq!(there(&mut newest), ["2", "3", "4\n5"]);
    assert_eq!(there(&mut resumed), ["2", "3", "4\n5"]);
    let event = next(&mut live);
    assert_eq!((&*event.event_type, &*event.data), ("type", "4\n5"));
    assert_eq!(live.last_event_id(), event.last_event_id);
    for mut reader in [newest, resumed, live] {
        assert!(reader.next_within(SOON).unwrap().is_none() && reader.next().is_none());
    }
    let mut late = channel.reader(Start::Newest(1)).unwrap();
    assert_eq!(next(&mut late).data, "4\n5");
    assert!(late.next().is_none() && channel.reader(Start::Live).unwrap().next().is_none());
}

#[test]
fn a_reader_that_waits_is_woken_by_an_event_and_by_the_end() {
    let channel = Channel::new();
    let reader = channel.reader(Start::Live).unwrap();
    let (given, gives) = std::sync::mpsc::channel();
    let read = thread::spawn(move || {
        reader.for_each(|event| given.send(event.unwrap().data).unwrap());
    });
    for data in ["1", "2"] {
        channel.send(data).unwrap();
        assert_eq!(gives.recv_timeout(SOON).unwrap(), data);
    }
    channel.close();
    read.join().unwrap();
    assert_eq!(channel.streams(), 0, "it has left");
}

#[test]
fn a_time_that_is_over_is_no_end() {
    let channel = Channel::new();
    let mut reader = channel.reader(Start::Live).unwrap();
    for time in [Duration::ZERO, Duration::from_millis(1)] {
        let late = reader.next_within(time).unwrap_err();
        assert!(late.is_timeout(), "{late}");
        assert_eq!(late.to_string(), format!("no event came within {time:?}"));
    }
    channel.send("1").unwrap();
    assert_eq!(reader.next_within(Duration::MAX).unwrap().unwrap().data, "1");
}

#[test]
fn a_reader_that_is_dropped_has_left_its_channel() {
    let channel = Channel::new();
    let readers = [(); 3].map(|()| channel.reader(Start::Live).unwrap());
    assert_eq!(channel.streams(), 3);
    drop(readers);
    assert_eq!(channel.streams(), 0);
    channel.send("nobody hears it").unwrap();
}

#[test]
fn a_reader_is_told_what_it_missed_as_a_stream_is() {
    let channel = Channel::with_history(History::default().events(2));
    let mut reader = channel.reader(Start::Live).unwrap();
    ["1", "2", "3"].iter().for_each(|data| drop(send(&channel, *data)));
    let gap = next(&mut reader);
    assert_eq!(gap.event_type, "tidings.gap");
    assert!(gap.data.contains(r#""missed":1"#), "{}", gap.data);
    assert_eq!(there(&mut reader), ["2", "3"]);
    let unknown = channel.reader(Start::After("1-1")).unwrap().next().unwrap().unwrap();
    assert_eq!(unknown.event_type, "tidings.gap");
}

#[test]
fn a_reader_that_lags_is_closed_where_the_channel_says_so() {
    let channel = Channel::with(History::default().events(2), Lag::Close);
    let mut reader = channel.reader(Start::Live).unwrap();
    let seen = send(&channel, "1");
    assert_eq!(data(&mut reader), "1");
    ["2", "3", "4"].iter().for_each(|data| drop(send(&channel, *data)));
    let lagged = reader.next().unwrap().unwrap_err();
    assert_eq!(lagged.close_reason(), Some(CloseReason::Lagged));
    assert!(reader.next().is_none() && reader.next_within(SOON).unwrap().is_none());
    assert_eq!(reader.last_event_id(), seen);
}

#[test]
fn an_event_has_no_bound_but_that_of_its_channel() {
    let channel = Channel::with_history(History::default().event(8 << 20).bytes(16 << 20));
    let mut reader = channel.reader(Start::Live).unwrap();
    let large = "x".repeat(5 << 20);
    channel.send(&*large).unwrap();
    assert!(data(&mut reader) == large);
}

#[test]
fn several_readers_and_publishers_lose_and_double_nothing() {
    const PUBLISHERS: u32 = 4;
    const EVENTS: u32 = 200;
    let hub = Hub::with(History::default().events(2_000), Lag::Close);
    let channel = hub.channel("a");
    let readers = [(); 3].map(|()| channel.reader(Start::Live).unwrap());
    let reading = readers.map(|reader| {
        thread::spawn(move || reader.map(|event| event.unwrap()).collect::<Vec<_>>())
    });
    thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let channel = &channel;
            scope.spawn(move || {
                for n in 0..EVENTS {
                    channel.send((publisher.to_string(), n.to_string())).unwrap();
                }
            });
        }
    });
    channel.close();
    for reading in reading {
        let events = reading.join().unwrap();
        let number = |event: &MessageEvent| -> u64 {
            event.last_event_id.split_once('-').unwrap().1.parse().unwrap()
        };
        assert!(events.iter().map(number).eq(1..=u64::from(PUBLISHERS * EVENTS)));
        for publisher in 0..PUBLISHERS {
            let of = events.iter().filter(|event| event.event_type == publisher.to_string());
            assert!(of.map(|event| event.data.parse::<u32>().unwrap()).eq(0..EVENTS));
        }
    }
}

#[test]
fn a_reader_of_a_pattern_is_given_the_events_of_channels_that_are_made_later_too() {
    let hub = Hub::new();
    hub.channel("room.1").send("1").unwrap();
    let rooms = hub.matching("room.*").unwrap();
    let mut reader = rooms.reader(Start::Newest(1)).unwrap();
    hub.channel("other").send("another's").unwrap();
    hub.channel("room.2").send("2").unwrap();
    hub.channel("room.1").close();
    hub.channel("room.3").send("3").unwrap();
    assert_eq!(there(&mut reader), ["1", "2", "3"]);
}

#[test]
fn a_reader_may_begin_with_the_present_of_each_channel_and_skip_to_it() {
    let hub = Hub::with(History::latest(), Lag::Conflate);
    let value = |name: &str, n: usize| hub.channel(name).send(format!("{name} {n}")).unwrap();
    (0..3).for_each(|n| drop([value("a", n), value("b", n)]));
    let mut reader = hub.matching("*").unwrap().reader(Start::NewestOfEach(1)).unwrap();
    assert_eq!(there(&mut reader), ["a 2", "b 2"]);
    (3..100).for_each(|n| drop([value("a", n), value("b", n)]));
    value("a", 100);
    let given = there(&mut reader);
    assert_eq!(given[given.len() - 2..], ["b 99", "a 100"]);
    assert!(given.iter().all(|value| !value.contains("missed")), "{given:?}");
}

#[cfg(feature = "follow")]
#[test]
fn a_reader_of_the_feed_is_told_which_channel_an_event_is_from() {
    let hub = Hub::new();
    hub.channel("a").send("1").unwrap();
    let mut reader = hub.feed().reader(Start::Newest(1)).unwrap();
    hub.channel("b").send(("type", "2")).unwrap();
    for (name, sent) in [("a", "1"), ("b", "2")] {
        assert_eq!((data(&mut reader), reader.last_channel()), (sent.to_owned(), name));
    }
    let mut plain = hub.channel("a").reader(Start::Newest(1)).unwrap();
    assert_eq!((data(&mut plain), plain.last_channel()), ("1".to_owned(), ""));
}

#[cfg(feature = "journal")]
mod past {
    use super::*;
    use crate::{Journal, JournalSync};

    /// A folder of the test's. It goes with the test.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn hub(&self, history: History, bytes: u64) -> Hub {
            let journal = Journal::new(&self.0).sync(JournalSync::None).bytes(bytes);
            Hub::journal(journal, history, Lag::Close).unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn folder(name: &str) -> Folder {
        let name = format!("tidings-reader-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    #[test]
    fn what_has_left_the_log_is_read_from_the_journal() {
        let folder = folder("left");
        let hub = folder.hub(History::default().events(2), 1 << 30);
        let (channel, other) = (hub.channel("a"), hub.channel("b"));
        let mut reader = channel.reader(Start::Live).unwrap();
        let mut sent: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        sent[50] = "x".repeat(300_000);
        for data in &sent {
            channel.send(&**data).unwrap();
            other.send("another's").unwrap();
        }
        assert!(there(&mut reader) == sent, "also the large one, in its place");
        assert!(there(&mut channel.reader(Start::After("0-0")).unwrap()) == sent);
        channel.send("live again").unwrap();
        assert_eq!(data(&mut reader), "live again");
    }

    #[test]
    fn what_has_left_the_journal_too_is_the_end_where_the_channel_says_so() {
        let folder = folder("gone");
        let hub = folder.hub(History::default().events(2), 1);
        let channel = hub.channel("a");
        let mut reader = channel.reader(Start::Live).unwrap();
        let data = "x".repeat(100_000);
        (0..30).for_each(|_| drop(channel.send(&*data).unwrap()));
        let lagged = reader.next_within(SOON).unwrap_err();
        assert_eq!(lagged.close_reason(), Some(CloseReason::Lagged));
        assert!(reader.next().is_none());
    }
}
