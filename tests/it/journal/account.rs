//! What publishers were told and streams were sent, against what the journal has at the end.
//!
//! Each publisher numbers its events from zero, and goes on with the next when it knows what became
//! of the last:
//!
//! ```text
//! data: <publisher> <number> xxxxxxx…
//! ```

use std::collections::{BTreeMap, BTreeSet};

use tidings::{JournalDamage, JournalReader, JournalRecord, Parser};

/// An event: its id and its data.
pub(super) type Entry = (String, String);

/// What one publisher knows.
#[derive(Default)]
pub(super) struct Published {
    /// What it was told is published.
    pub(super) acknowledged: Vec<Entry>,
    /// What it was told nothing of, as the hub was killed: each is there as a whole or not at all.
    pub(super) unknown: Vec<Vec<String>>,
}

/// What one stream was sent, over all of its connections.
pub(super) struct Received {
    pub(super) channels: Vec<&'static str>,
    pub(super) events: Vec<Entry>,
}

/// All events of a journal, in order, with their channels.
pub(super) fn read(folder: &str) -> Vec<(String, Entry)> {
    let reader = JournalReader::open(folder).expect("a journal");
    let records = reader.records(None).expect("it is read from its beginning");
    let event = |record: Result<JournalRecord, JournalDamage>| {
        let record = record.expect("nothing is damaged");
        let mut parser = Parser::new();
        parser.feed(&record.bytes).expect("an event stream");
        let event = parser.next_event().expect("an event");
        assert_eq!(event.last_event_id, record.id.as_str());
        (record.channel, (event.last_event_id, event.data))
    };
    records.map(event).collect()
}

/// Panics if anything is lost, doubled or out of order.
pub(super) fn check(journal: &[(String, Entry)], published: &[Published], received: &[Received]) {
    check_order(journal);
    check_published(journal, published);
    received.iter().for_each(|stream| check_received(journal, stream));
}

fn id(text: &str) -> (u64, u64) {
    let (epoch, sequence) = text.split_once('-').expect("an id");
    (epoch.parse().expect("a number"), sequence.parse().expect("a number"))
}

/// Ids rise without holes, and each publisher's events are in its order, each once.
fn check_order(journal: &[(String, Entry)]) {
    let mut numbers: BTreeMap<&str, i64> = BTreeMap::new();
    let mut last = (0, 0);
    for (_, (text, data)) in journal {
        let (epoch, sequence) = id(text);
        let next = if epoch == last.0 { last.1 + 1 } else { 1 };
        assert!(epoch >= last.0 && sequence == next, "{text} comes after {last:?}");
        last = (epoch, sequence);
        let (publisher, rest) = data.split_once(' ').expect("data of ours");
        let number: i64 = rest.split(' ').next().unwrap_or("").parse().expect("a number");
        let before = numbers.insert(publisher, number).unwrap_or(-1);
        assert!(number > before, "{text}: {publisher} {number} comes after {before}");
    }
}

/// What was acknowledged is there under its id, and what is there was acknowledged, or may be.
fn check_published(journal: &[(String, Entry)], published: &[Published]) {
    let there: BTreeMap<&str, &str> =
        journal.iter().map(|(_, (id, data))| (&**id, &**data)).collect();
    let mut left: BTreeSet<&str> = there.values().copied().collect();
    assert_eq!(left.len(), journal.len(), "something is there twice");
    for (id, data) in published.iter().flat_map(|published| &published.acknowledged) {
        assert_eq!(there.get(&**id), Some(&&**data), "{id} is lost, or another event");
        left.remove(&**data);
    }
    for post in published.iter().flat_map(|published| &published.unknown) {
        let many = post.iter().filter(|data| left.remove(&***data)).count();
        assert!(many == 0 || many == post.len(), "a part of a batch: {many} of {post:?}");
    }
    assert!(left.is_empty(), "nobody has published these: {left:?}");
}

/// A stream has exactly the events of its channels, in their order.
fn check_received(journal: &[(String, Entry)], stream: &Received) {
    let of_it = journal.iter().filter(|(channel, _)| stream.channels.contains(&&**channel));
    let expected: Vec<&Entry> = of_it.map(|(_, entry)| entry).collect();
    let pairs = stream.events.iter().zip(&expected);
    if let Some((at, (has, expected))) = pairs.enumerate().find(|(_, (has, all))| has != *all) {
        panic!("of {:?}, {has:?} came {at}th in place of {expected:?}", stream.channels);
    }
    assert_eq!(stream.events.len(), expected.len(), "of {:?}", stream.channels);
}

mod tests {
    //! That it finds what it is there to find.

    use super::{Entry, Published, Received, check};

    fn entry(id: &str, data: &str) -> Entry {
        (id.into(), data.into())
    }

    /// A journal of two publishers' events on the channel `a`.
    fn journal() -> Vec<(String, Entry)> {
        let events = [("5-1", "p 0 "), ("5-2", "q 0 "), ("9-1", "p 1 "), ("9-2", "p 2 ")];
        events.map(|(id, data)| ("a".to_owned(), entry(id, data))).into()
    }

    fn published(acknowledged: &[(&str, &str)], unknown: &[&[&str]]) -> Published {
        let post = |post: &&[&str]| post.iter().map(|data| (*data).to_owned()).collect();
        Published {
            acknowledged: acknowledged.iter().map(|(id, data)| entry(id, data)).collect(),
            unknown: unknown.iter().map(post).collect(),
        }
    }

    fn all() -> Published {
        published(&[("5-1", "p 0 "), ("5-2", "q 0 ")], &[&["p 1 ", "p 2 "], &["q 1 "]])
    }

    fn received(places: &[usize]) -> Received {
        let journal = journal();
        let events = places.iter().map(|at| journal[*at].1.clone()).collect();
        Received { channels: vec!["a"], events }
    }

    #[test]
    fn what_is_whole_is_whole() {
        check(&journal(), &[all()], &[received(&[0, 1, 2, 3])]);
    }

    #[test]
    #[should_panic(expected = "5-2 is lost")]
    fn another_event_under_an_id_is_found() {
        let published = published(&[("5-2", "p 0 ")], &[]);
        check(&journal(), &[published], &[]);
    }

    #[test]
    #[should_panic(expected = "9-3 is lost")]
    fn a_loss_is_found() {
        check(&journal(), &[all(), published(&[("9-3", "q 1 ")], &[])], &[]);
    }

    #[test]
    #[should_panic(expected = "a part of a batch: 1 of")]
    fn a_part_of_a_batch_is_found() {
        let published = published(&[], &[&["p 2 ", "p 3 "]]);
        check(&journal(), &[published], &[]);
    }

    #[test]
    #[should_panic(expected = "nobody has published these")]
    fn what_nobody_published_is_found() {
        check(&journal()[..2], &[published(&[("5-1", "p 0 ")], &[])], &[]);
    }

    #[test]
    #[should_panic(expected = "p 2 comes after 2")]
    fn a_double_is_found() {
        let twice = ("a".to_owned(), entry("9-3", "p 2 "));
        check(&[&journal()[..], &[twice]].concat(), &[all()], &[]);
    }

    #[test]
    #[should_panic(expected = "9-2 comes after (5, 2)")]
    fn a_hole_in_the_journal_is_found() {
        let mut journal = journal();
        journal.remove(2);
        check(&journal, &[all()], &[]);
    }

    #[test]
    #[should_panic(expected = "came 1th in place of")]
    fn a_hole_in_a_stream_is_found() {
        check(&journal(), &[all()], &[received(&[0, 2, 3])]);
    }

    #[test]
    #[should_panic(expected = "of [\"a\"]")]
    fn an_end_of_a_stream_that_is_missing_is_found() {
        check(&journal(), &[all()], &[received(&[0, 1, 2])]);
    }
}
