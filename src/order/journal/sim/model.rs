//! What must be in a journal, by what its users were told, and how it is read.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Cut, SimDisk};
use crate::order::journal::options::JournalSync;
use crate::order::journal::scan::{Found, Scan};
use crate::order::journal::segments::Segments;

pub(super) type Id = (u64, u64);

/// An event in a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) id: Id,
    channel: String,
    data: String,
    key: Option<(String, u64)>,
    /// How many are all or none, of which this is the first.
    batch: Option<u64>,
}

/// What somebody publishes: one event, or several that are all or none.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) channel: String,
    pub(super) key: Option<(String, u64)>,
    pub(super) data: Vec<String>,
}

impl Post {
    /// As an event stream has them, and where each ends.
    pub(super) fn encoded(&self) -> (Vec<u8>, Vec<usize>) {
        let (mut events, mut ends) = (Vec::new(), Vec::new());
        for data in &self.data {
            crate::event::Event::new(data.as_str()).encode_into(&mut events);
            ends.push(events.len());
        }
        (events, ends)
    }

    /// As a journal has them, after the event of this id.
    fn events(&self, after: Id) -> impl Iterator<Item = Event> {
        let batch = Some(self.data.len() as u64).filter(|count| *count > 1);
        self.data.iter().zip(0..).map(move |(data, at)| Event {
            id: (after.0, after.1 + 1 + at),
            channel: self.channel.clone(),
            data: data.clone(),
            key: self.key.clone().filter(|_| at == 0),
            batch: batch.filter(|_| at == 0),
        })
    }
}

/// What a life of a journal has promised, and the lives before it have kept.
pub(super) struct Model {
    sync: JournalSync,
    /// What was there when the journal was opened, and has to be there for ever; and before that
    /// what was removed, of which segments may come back.
    kept: Vec<Event>,
    /// What was acknowledged since.
    acknowledged: Vec<Event>,
    /// How many of those are there also after a power cut.
    durable: usize,
    /// What may be there after those, or a part of one of these.
    pub(super) unknown: Vec<Vec<Post>>,
    /// Whether the power has gone since the journal was opened.
    cut: bool,
    /// The events before this may be gone, as their segments were removed.
    removed: Id,
    /// All ids that anybody has ever seen.
    named: BTreeMap<Id, String>,
    epoch: u64,
}

impl Model {
    pub(super) fn new(sync: JournalSync) -> Self {
        Self {
            sync,
            kept: Vec::new(),
            acknowledged: Vec::new(),
            durable: 0,
            unknown: Vec::new(),
            cut: false,
            removed: (0, 0),
            named: BTreeMap::new(),
            epoch: 0,
        }
    }

    /// The journal has said that these are published, from this id on.
    pub(super) fn acknowledge(&mut self, first: Id, posts: &[Post]) {
        assert_eq!(first, self.next(), "ids have no holes");
        for post in posts {
            let (epoch, next) = self.next();
            for event in post.events((epoch, next - 1)) {
                self.name(&event);
                self.acknowledged.push(event);
            }
        }
        self.unknown.clear();
        if self.sync == JournalSync::Always {
            self.durable = self.acknowledged.len();
        }
    }

    /// The id of the next event.
    fn next(&self) -> Id {
        self.acknowledged.last().map_or((self.epoch, 1), |last| (last.id.0, last.id.1 + 1))
    }

    /// Somebody sees this event.
    fn name(&mut self, event: &Event) {
        let before = self.named.entry(event.id).or_insert_with(|| event.data.clone());
        assert_eq!(*before, event.data, "{:?} names two events", event.id);
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// So many of those that were acknowledged are synced.
    pub(super) fn synced(&mut self, through: usize) {
        self.durable = self.durable.max(through);
    }

    /// All segments are complete but the one that begins with this id.
    pub(super) fn completed(&mut self, newest: Id) {
        let complete = self.acknowledged.iter().take_while(|event| event.id < newest).count();
        self.synced(complete);
    }

    /// The oldest segment that is left begins with this id.
    pub(super) fn removed(&mut self, oldest: Id) {
        self.removed = oldest;
    }

    pub(super) fn end(&mut self, cut: Cut) {
        self.cut |= cut == Cut::Power;
    }

    /// What is visible while the journal is in use, of which the first line says that it comes
    /// after this.
    pub(super) fn check_living(&self, after: Id, found: &[Event]) {
        let all = || self.kept.iter().chain(&self.acknowledged);
        if let Some(first) = found.first() {
            let before = all().take_while(|event| event.id < first.id).last();
            let before = before.map(|before| before.id).unwrap_or_default();
            // Where all that was left was torn as a whole, nobody knows what it had.
            let is_unknown = after.1 == 0 && before < after;
            assert!(after == before || is_unknown, "{after:?} and not {before:?}");
        }
        let left = all().skip_while(|event| event.id < self.removed);
        assert!(found.iter().eq(left), "{found:#?}\nand not {:#?}", all().collect::<Vec<_>>());
    }

    /// What is there once the journal was opened.
    pub(super) fn there(&self) -> Vec<Event> {
        self.kept.iter().filter(|event| event.id >= self.removed).cloned().collect()
    }

    /// Checks what is there when the journal was opened, by a life with this epoch.
    pub(super) fn check(&mut self, found: Vec<Event>, epoch: u64) {
        let mut all = std::mem::take(&mut self.kept);
        let kept = all.len();
        let promised = if self.cut { self.durable } else { self.acknowledged.len() };
        all.append(&mut self.acknowledged);
        // A removal that was not synced may have been undone.
        let begins = |at: Id| all.iter().position(|event| event.id >= at).unwrap_or(all.len());
        let removed = begins(self.removed);
        let first = found.first().map_or(all.len(), |first| begins(first.id));
        if removed < first && (removed < kept + promised || !found.is_empty()) {
            panic!("{:?} is gone; there is {found:#?}", all[removed]);
        }
        let expected = &all[first..];
        let same = found.iter().zip(expected).take_while(|(found, all)| found == all).count();
        let (rest, lost) = (&found[same..], &expected[same..]);
        if let Some(lost) = lost.first().filter(|_| first + same < kept + promised) {
            panic!("{lost:?} is lost; there is {found:#?}");
        }
        let part = all.len() - lost.len();
        assert!(!is_within(&all, part), "a part of a batch, before {:?}", all[part]);
        if !rest.is_empty() {
            let last = all.last().map(|event| event.id).filter(|last| last.0 == self.epoch);
            let after = last.unwrap_or((self.epoch, 0));
            let is_rest = |posts: &Vec<Post>| is_beginning(rest, after, posts);
            assert!(
                lost.is_empty() && self.unknown.iter().any(is_rest),
                "nobody was told that these are published: {rest:#?}\nafter {after:?}, {:#?}",
                self.unknown
            );
        }
        assert!(found.is_sorted_by(|one, next| one.id < next.id), "{found:#?}");
        found.iter().for_each(|event| self.name(event));
        let newest = self.named.last_key_value().map_or(0, |(id, _)| id.0);
        assert!(epoch > newest, "the epoch {epoch} is not above {newest}");
        self.removed = found.first().map_or(self.removed, |first| first.id);
        all.truncate(first.min(removed));
        all.extend(found);
        (self.kept, self.epoch, self.cut, self.durable) = (all, epoch, false, 0);
        self.unknown.clear();
    }
}

/// Whether a batch begins before this place and ends after it.
fn is_within(events: &[Event], place: usize) -> bool {
    place < events.len() && before_batch(events, place) < place
}

/// The place before the batch in which this place is, or the same.
pub(super) fn before_batch(events: &[Event], place: usize) -> usize {
    let before = events[..place]
        .iter()
        .enumerate()
        .rev()
        .find_map(|(at, event)| event.batch.map(|count| (at, count as usize)));
    before.filter(|(at, count)| at + count > place).map_or(place, |(at, _)| at)
}

/// Whether the events are those of the first of these posts, each whole.
fn is_beginning(events: &[Event], after: Id, posts: &[Post]) -> bool {
    let (mut rest, mut after) = (events, after);
    for post in posts {
        let count = post.data.len();
        if rest.is_empty() {
            break;
        }
        if rest.len() < count || !post.events(after).eq(rest[..count].iter().cloned()) {
            return false;
        }
        (after.1, rest) = (after.1 + count as u64, &rest[count..]);
    }
    rest.is_empty()
}

/// All events of the journal that a reader may see. Panics if there is anything else.
pub(super) fn read(disk: &SimDisk, segments: &Segments) -> Vec<Event> {
    let files = disk.files();
    let mut events: Vec<Event> = Vec::new();
    for segment in &*segments.list() {
        let bytes = &files[&segment.name()][..segment.end() as usize];
        let found = blocks(bytes);
        let whole: usize = found.iter().map(|(range, ..)| range.len()).sum();
        let header = segment.header.len as usize;
        assert_eq!(whole + header, bytes.len(), "{}", bytes.escape_ascii());
        let ids = (segment.first.sequence..=segment.last().sequence)
            .map(|sequence| (segment.first.epoch, sequence));
        assert!(ids.eq(found.iter().map(|(_, event, _)| event.id)), "{segment:?}");
        if let (Some(last), false) = (events.last(), segment.is_empty()) {
            assert_eq!(pair(segment.header.after), last.id, "{segment:?}");
        }
        events.extend(found.into_iter().map(|(_, event, _)| event));
    }
    events
}

pub(super) fn pair(id: crate::order::journal::block::Id) -> Id {
    (id.epoch, id.sequence)
}

/// The blocks of a segment that are whole: where each is, and up to which id it says that all was
/// synced.
pub(super) fn blocks(segment: &[u8]) -> Vec<(Range<usize>, Event, Option<Id>)> {
    let mut scan = Scan::new(segment, 0, true);
    let mut blocks = Vec::new();
    while let Some(found) = scan.step() {
        let Found::Block(at, block) = found else { continue };
        let head = block.head;
        let event = Event {
            id: (head.id.epoch, head.id.sequence),
            channel: head.channel.into(),
            data: data(block.event),
            key: head.key.map(|(key, digest)| (key.into(), digest)),
            batch: head.batch,
        };
        let synced = head.synced.map(|id| (id.epoch, id.sequence));
        blocks.push((at..at + block.len, event, synced));
    }
    blocks
}

/// The data of an event that has nothing else.
fn data(event: &[u8]) -> String {
    let text = str::from_utf8(event).expect("UTF-8");
    let lines = text.lines().map(|line| line.strip_prefix("data: ").expect("data"));
    lines.collect::<Vec<_>>().join("\n")
}
