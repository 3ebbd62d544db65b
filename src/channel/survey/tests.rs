//! What streams are sent that begin with the newest of each channel, or that are told nothing.

use std::time::Duration;

use super::*;
use crate::channel::Channel;
use crate::channel::batches::Batches;
use crate::channel::hub::Hub;
use crate::channel::subscription::Subscription;
use crate::fuzz::random::Random;
use crate::log::History;
use crate::log::cursor::{Lag, Start};
use crate::log::id::{Epochs, Id};
use crate::order::memory::Memory;

fn hub(history: History, lag: Lag) -> Hub {
    let sequence = Sequence::resumed(Epochs::one(171), 0, Duration::ZERO);
    Hub::with_order(Arc::new(Memory::over(sequence)), history, lag, 0)
}

/// A client whose stream has no chunks, and what it has received.
struct Client {
    stream: Subscription,
    text: String,
}

impl Client {
    fn new(channels: &[Channel], start: Start<'_>) -> Self {
        let (stream, first) = Subscription::new(channels, start).unwrap();
        let text = String::from_utf8(first.content.into_owned()).unwrap();
        Self { stream, text }
    }

    /// Receives the next batch, of which the socket takes no more than so many bytes before it is
    /// blocked. Returns whether there was anything.
    fn take(&mut self, most: usize) -> bool {
        let mut batches = Batches::default();
        let batch = self.stream.next(true, &mut batches).expect("it goes on");
        let (bytes, sent) = (batch.bytes(), most.min(batch.bytes().len()));
        let (cursor, end) = batch.cursor_at(sent).unwrap_or((batch.cursor, 0));
        self.text.push_str(std::str::from_utf8(&bytes[..end]).unwrap());
        let is_more = !bytes.is_empty();
        if sent == bytes.len() {
            self.stream.cursor = batch.cursor;
        } else if sent > 0 {
            self.stream.cursor = cursor;
        }
        is_more
    }

    fn take_all(mut self) -> String {
        while self.take(usize::MAX) {}
        self.text
    }

    /// The numbers and the data of the events that it has received.
    fn events(&self) -> Vec<(u64, String)> {
        assert!(!self.text.contains("tidings.gap"), "{}", self.text);
        let blocks = self.text.split("\n\n").filter_map(|block| block.split_once("\ndata: "));
        let id = |line: &str| line.strip_prefix("id: 171-").unwrap().parse().unwrap();
        blocks.map(|(line, data)| (id(line), data.to_owned())).collect()
    }
}

fn publish(channels: &[Channel], of: &[usize]) {
    for at in of {
        channels[*at].send(format!("{at}")).unwrap();
    }
}

#[test]
fn a_stream_begins_with_the_newest_of_each_in_the_order_of_all() {
    let hub = hub(History::default(), Lag::Skip);
    let channels = ["a", "b", "c", "empty"].map(|name| hub.channel(name));
    publish(&channels, &[2, 0, 1, 0, 2, 2, 1]);
    let newest = |each| Client::new(&channels, Start::NewestOfEach(each)).take_all();
    let one = "id: 171-3\n\nid: 171-4\ndata: 0\n\nid: 171-6\ndata: 2\n\nid: 171-7\ndata: 1\n\n";
    assert_eq!(newest(1), one);
    let two = "id: 171-1\n\nid: 171-2\ndata: 0\n\nid: 171-3\ndata: 1\n\nid: 171-4\ndata: 0\n\n\
               id: 171-5\ndata: 2\n\nid: 171-6\ndata: 2\n\nid: 171-7\ndata: 1\n\n";
    assert_eq!(newest(2), two);
    assert_eq!(newest(usize::MAX).matches("data").count(), 7);
    assert_eq!(newest(0), "id: 171-7\n\n");
}

#[test]
fn a_stream_that_begins_with_the_newest_of_one_channel_is_sent_no_less() {
    let hub = hub(History::default().events(3), Lag::Skip);
    let channel = [hub.channel("a")];
    let begin = || Client::new(&channel, Start::NewestOfEach(2));
    assert_eq!(begin().take_all(), "id: 171-0\n\n");
    publish(&channel, &[0]);
    assert_eq!(begin().take_all(), "id: 171-0\n\nid: 171-1\ndata: 0\n\n");
    publish(&channel, &[0; 4]);
    let text = "id: 171-3\n\nid: 171-4\ndata: 0\n\nid: 171-5\ndata: 0\n\n";
    assert_eq!(begin().take_all(), text);
}

#[test]
fn what_is_published_after_the_beginning_comes_after_it_once() {
    let hub = hub(History::default(), Lag::Skip);
    let channels = ["a", "b"].map(|name| hub.channel(name));
    publish(&channels, &[0, 0, 1]);
    let mut client = Client::new(&channels, Start::NewestOfEach(1));
    publish(&channels, &[0, 1]);
    assert!(client.take(usize::MAX));
    publish(&channels, &[0]);
    let text = client.take_all();
    let numbers: Vec<&str> = text.split("id: 171-").skip(2).map(|of| &of[..1]).collect();
    assert_eq!(numbers, ["2", "3", "4", "5", "6"]);
}

#[test]
fn events_that_are_lost_after_the_newest_of_each_are_told_and_no_others() {
    let hub = hub(History::default().events(2), Lag::Skip);
    let channels = ["a", "b"].map(|name| hub.channel(name));
    publish(&channels, &[0, 0, 0, 1]);
    let mut client = Client::new(&channels, Start::NewestOfEach(1));
    client.take(usize::MAX);
    publish(&channels, &[0, 0, 0]);
    let gap = "id: 171-5\nevent: tidings.gap\n\
               data: {\"from\":\"171-4\",\"to\":\"171-5\",\"missed\":1,\"reason\":\"lagged\"}\n\n";
    let text = "id: 171-2\n\nid: 171-3\ndata: 0\n\nid: 171-4\ndata: 1\n\n".to_owned() + gap;
    assert_eq!(client.take_all(), text + "id: 171-6\ndata: 0\n\nid: 171-7\ndata: 0\n\n");
}

#[test]
fn an_event_that_leaves_its_log_while_its_turn_comes_is_followed_by_a_newer_one() {
    let hub = hub(History::latest(), Lag::Skip);
    let channels = ["a", "b", "c"].map(|name| hub.channel(name));
    publish(&channels, &[0, 1, 2]);
    let mut client = Client::new(&channels, Start::NewestOfEach(1));
    // The socket takes some of the first.
    assert!(client.take(3));
    publish(&channels, &[1, 0]);
    let numbers = |client: &Client| -> Vec<u64> {
        client.events().iter().map(|(number, _)| *number).collect()
    };
    while client.take(usize::MAX) {}
    assert_eq!(numbers(&client), [1, 3, 4, 5]);
}

#[test]
fn more_channels_than_are_found_at_once_are_all_surveyed() {
    let hub = hub(History::default(), Lag::Close);
    let names = (0..3 * FOUND + 5).map(|n| n.to_string());
    let channels: Vec<Channel> = names.map(|name| hub.channel(&name)).collect();
    let all: Vec<usize> = (0..channels.len()).collect();
    publish(&channels, &all);
    publish(&channels, &all);
    let mut client = Client::new(&channels, Start::NewestOfEach(1));
    while client.take(usize::MAX) {}
    let newest = (all.len() as u64 + 1..).zip(all.iter().map(usize::to_string));
    assert!(client.events().into_iter().eq(newest));
}

#[test]
fn where_all_that_was_found_has_left_its_log_the_rest_is_surveyed() {
    let hub = hub(History::latest(), Lag::Skip);
    let names = (0..FOUND + 8).map(|n| n.to_string());
    let channels: Vec<Channel> = names.map(|name| hub.channel(&name)).collect();
    let all: Vec<usize> = (0..channels.len()).collect();
    publish(&channels, &all);
    let mut client = Client::new(&channels, Start::NewestOfEach(1));
    std::thread::scope(|scope| {
        let last = channels[FOUND + 7].log();
        let taking = scope.spawn(|| client.take(usize::MAX));
        // By then it has found the first, and waits for the last log, which nothing here can tell.
        // On a slower machine the test shows less, and holds.
        std::thread::sleep(Duration::from_millis(300));
        publish(&channels, &all[..FOUND]);
        drop(last);
        taking.join().unwrap();
    });
    while client.take(usize::MAX) {}
    let seen: Vec<_> = client.events().into_iter().map(|(_, data)| data).collect();
    assert!(all[FOUND..].iter().all(|n| seen.contains(&n.to_string())), "{seen:?}");
}

#[test]
fn a_large_event_is_surveyed_alone() {
    let hub = hub(History::default(), Lag::Skip);
    let channels = ["a", "b", "c"].map(|name| hub.channel(name));
    for (n, channel) in channels.iter().enumerate() {
        channel.send(n.to_string().repeat(if n == 1 { 200_000 } else { 1 })).unwrap();
    }
    let mut client = Client::new(&channels, Start::NewestOfEach(1));
    let takes = (0..9).take_while(|_| client.take(usize::MAX)).count();
    assert_eq!((takes, client.events().len()), (3, 3));
}

#[test]
fn what_tells_of_a_loss_is_none_of_the_newest_and_comes_once() {
    let sequence = Sequence::elsewhere(Duration::ZERO);
    let logs: Vec<Arc<SharedLog>> =
        (0..2).map(|_| Arc::new(SharedLog::new(None, History::default(), 0))).collect();
    let id = |sequence| Id { epoch: 7, sequence };
    let append = |place, log: &SharedLog, text: &str| {
        let write = |out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
        log.arrive(&sequence, place, Duration::ZERO, text.len(), write);
    };
    for (number, log) in (1..).zip(logs.iter().chain(&logs)) {
        let place = sequence.change_runs(|runs| runs.push(id(number))).unwrap();
        append(place, log, &format!("{number} "));
    }
    let place = sequence.change_runs(|runs| runs.lose(id(9))).unwrap();
    for log in &logs {
        let gap = |out: &mut Vec<u8>| out.extend_from_slice(b"gap ");
        log.lock().lose(place, Duration::ZERO, 4, gap);
    }
    sequence.reach(place);
    let survey = Survey { until: Cursor { place, seen: 0 }, each: 1 };
    let mut batch = Batch::default();
    batch.begin(Cursor { place: survey.begin(&logs, &sequence).unwrap(), seen: 0 }, true);
    assert!(survey.fill(&logs, batch.cursor.place, &sequence, &mut batch));
    assert_eq!(batch.bytes(), b"3 4 gap ");
}

/// Channels of a hub, half of them below `a.`, and more as time goes on.
struct Rooms {
    hub: Hub,
    channels: Vec<Channel>,
    /// Which of them each event was published on.
    published: Vec<usize>,
}

/// Whether the one at an index is among some, of so many that there were.
type Has = fn(usize, usize) -> bool;

impl Rooms {
    fn new(hub: Hub, count: usize) -> Self {
        let mut rooms = Self { hub, channels: Vec::new(), published: Vec::new() };
        (0..count).for_each(|_| rooms.make());
        rooms
    }

    fn make(&mut self) {
        let at = self.channels.len();
        self.channels.push(self.hub.channel(&format!("{}.{at}", ["a", "b"][at % 2])));
    }

    fn publish(&mut self, on: usize) {
        publish(&self.channels, &[on]);
        self.published.push(on);
    }

    /// Some of them; whether that has the one at an index; and how many there are.
    fn some(&self, random: &mut Random) -> (Vec<Channel>, Has, usize) {
        let of = |pattern| self.hub.matching(pattern).unwrap();
        let (channels, has): (_, Has) = match random.below(4) {
            0 => (self.channels.clone(), |at, count| at < count),
            1 => (vec![of("*")], |_, _| true),
            2 => (vec![of("a.*"), self.channels[1].clone()], |at, _| at % 2 == 0 || at == 1),
            _ => (vec![of("b.*"), of("*"), self.channels[0].clone()], |_, _| true),
        };
        (channels, has, self.channels.len())
    }
}

/// Many clients, each of which reads as much as it likes, while others publish.
#[test]
fn whatever_is_published_meanwhile_each_client_gets_the_newest_of_each_and_all_that_follows() {
    for seed in 0..30_u64 {
        let mut random = Random::of(&seed.to_le_bytes());
        let lag = [Lag::Skip, Lag::Close, Lag::Conflate][seed as usize % 3];
        let mut rooms = Rooms::new(hub(History::default(), lag), 2 + random.below(9));
        let mut clients = Vec::new();
        for _ in 0..300 {
            match random.below(12) {
                0 => {
                    let (channels, has, count) = rooms.some(&mut random);
                    let each = 1 + random.below(3);
                    let client = Client::new(&channels, Start::NewestOfEach(each));
                    clients.push((client, each, has, count, rooms.published.len()));
                }
                1 if !clients.is_empty() => {
                    drop(clients.swap_remove(random.below(clients.len())));
                }
                2 => rooms.make(),
                3..6 => rooms.publish(random.below(rooms.channels.len())),
                _ if clients.is_empty() => {}
                _ => {
                    let at = random.below(clients.len());
                    clients[at].0.take(random.below(60));
                }
            }
        }
        for (mut client, each, has, count, begun) in clients {
            while client.take(usize::MAX) {}
            let published = &rooms.published;
            let comes = |n: usize| {
                let newer = (n + 1..begun).filter(|newer| published[*newer] == published[n]);
                has(published[n], count) && (n >= begun || newer.count() < each)
            };
            let expected = (0..published.len()).filter(|n| comes(*n));
            let expected: Vec<_> =
                expected.map(|n| (n as u64 + 1, published[n].to_string())).collect();
            assert_eq!(client.events(), expected, "seed {seed}");
        }
    }
}

/// A client that reads slowly, is cut off now and then and comes back, each time with the id that
/// it was sent last. The logs of the channels keep one event, and those of patterns some sixteen.
#[test]
fn whoever_is_cut_off_within_the_newest_of_each_comes_to_the_present_and_gets_nothing_twice() {
    for seed in 0..60_u64 {
        let mut random = Random::of(&seed.to_le_bytes());
        let hub = hub(History::latest().bytes(48), Lag::Conflate);
        let mut rooms = Rooms::new(hub, 2 + random.below(80));
        (0..rooms.channels.len()).for_each(|n| rooms.publish(n));
        let (channels, has, count) = rooms.some(&mut random);
        let mut client = Client::new(&channels, Start::NewestOfEach(1));
        for _ in 0..400 {
            match random.below(9) {
                0 => {
                    let id = client.text.rsplit_once("id: ").unwrap().1;
                    let id = id.split('\n').next().unwrap().to_owned();
                    let mut again = Client::new(&channels, Start::After(&id));
                    again.text = client.text + &again.text;
                    client = again;
                }
                1 => rooms.make(),
                2..5 => rooms.publish(random.below(rooms.channels.len())),
                _ => drop(client.take(random.below(80))),
            }
        }
        while client.take(usize::MAX) {}
        let events = client.events();
        assert!(events.is_sorted_by(|(one, _), (next, _)| one < next), "seed {seed}: {events:?}");
        for (n, channel) in rooms.channels.iter().enumerate().filter(|(n, _)| has(*n, count)) {
            let newest = channel.log().place_at(0);
            let last = events.iter().rfind(|(_, data)| *data == n.to_string());
            assert_eq!(last.map(|(number, _)| *number), newest, "seed {seed}, channel {n}");
        }
    }
}

#[test]
fn a_reader_that_falls_behind_skips_to_what_is_there_and_is_told_nothing() {
    for count in [1, 3] {
        let hub = hub(History::default().events(2).bytes(96), Lag::Conflate);
        let channels: Vec<Channel> = (0..count).map(|n| hub.channel(&n.to_string())).collect();
        let mut client = Client::new(&channels, Start::Live);
        for n in 0..50 {
            publish(&channels, &[n % count]);
            if n % 10 == 9 {
                client.take(usize::MAX);
            }
        }
        publish(&channels, &[0]);
        let kept = 10.min(2 * count as u64);
        let batches = (1..=5).flat_map(|ten| 10 * ten - kept + 1..=10 * ten);
        while client.take(usize::MAX) {}
        let numbers: Vec<u64> = client.events().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, batches.chain([51]).collect::<Vec<_>>(), "{count} channels");
    }
}

#[test]
fn a_reader_of_a_pattern_that_is_a_burst_behind_skips_nothing() {
    let hub = hub(History::latest(), Lag::Conflate);
    let channels: Vec<Channel> = (0..50).map(|n| hub.channel(&format!("room.{n}"))).collect();
    let rooms = [hub.matching("room.*").unwrap()];
    let mut client = Client::new(&rooms, Start::Live);
    (0..1_000).for_each(|n| publish(&channels, &[n % 50]));
    while client.take(usize::MAX) {}
    let numbers: Vec<u64> = client.events().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=1_000).collect::<Vec<_>>());
}

#[test]
fn whoever_is_told_nothing_is_sent_all_there_is_after_an_id_that_is_gone_or_unknown() {
    let hub = hub(History::default().events(2).bytes(96), Lag::Conflate);
    let channels = ["a", "b"].map(|name| hub.channel(name));
    publish(&channels, &[0, 0, 0, 1, 0]);
    let resumed = |id| {
        let text = Client::new(&channels, Start::After(id)).take_all();
        let (first, events) = text.split_once("\n\n").unwrap();
        (first.to_owned(), events.to_owned())
    };
    let all = "id: 171-3\ndata: 0\n\nid: 171-4\ndata: 1\n\nid: 171-5\ndata: 0\n\n";
    for (id, first) in [
        ("171-1", "id: 171-1"),
        ("171-2", "id: 171-2"),
        ("171-6", "id: 171-6"),
        ("99-1", "id: 171-0"),
        ("205-9", "id: 205-9"),
        ("171-2-1-7", "id: 171-2"),
        ("abc", "id: 171-0"),
    ] {
        assert_eq!(resumed(id), (first.to_owned(), all.to_owned()), "{id}");
    }
    assert_eq!(resumed("171-3").1, all.split_once("\n\n").unwrap().1);
    assert_eq!(resumed("171-5"), ("id: 171-5".to_owned(), String::new()));
    let newest = Client::new(&channels, Start::Newest(99)).take_all();
    assert_eq!(newest.split_once("\n\n").unwrap().1, all);
}

#[test]
fn streams_that_fell_behind_alike_share_a_batch_and_those_that_survey_have_their_own() {
    let hub = hub(History::default().events(2).bytes(96), Lag::Conflate);
    let channels = [hub.channel("a"), hub.channel("b")];
    let live = || Client::new(&channels, Start::Live).stream;
    let mut lagging = [live(), live()];
    publish(&channels, &[0, 0, 0, 1]);
    let mut surveying = [1, 2].map(|each| Client::new(&channels, Start::NewestOfEach(each)).stream);
    let mut elsewhere = [(); 2].map(|()| Client::new(&channels, Start::Newest(1)).stream);
    let (mut batches, mut sent) = (Batches::default(), Vec::new());
    let ([one, two], [first, second]) = (&mut surveying, &mut elsewhere);
    for stream in lagging.iter_mut().chain([first, one, second, two]) {
        let batch = stream.next(true, &mut batches).unwrap();
        sent.push((batch.bytes().as_ptr(), batch.events()));
    }
    assert_eq!(sent[0], sent[1]);
    assert_eq!(sent.iter().map(|(_, events)| *events).collect::<Vec<_>>(), [3, 3, 1, 2, 1, 3]);
}
