//! Many lives of a journal on a simulated disk, one after the other, until each has been shown to
//! keep what it promised. What happens follows from the seed.
//!
//! ```text
//! open ─► append, sync, append … ─► the power goes, or a kill ─► open ─► …
//!    └ may fail, or be cut as well      full disks, errors      └ check what is there
//! ```

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::model::{Event, Model, Post, before_batch, blocks, pair, read};
use super::{Call, Cut, Faults, SimDisk};
use crate::event::EventId;
use crate::fuzz::random::Random;
use crate::net::atomic::AtomicU64;
use crate::order::journal::find::first_id;
use crate::order::journal::open::SECTOR;
use crate::order::journal::options::{JournalSync, Options};
use crate::order::journal::reader::JournalReader;
use crate::order::journal::scan::ANY_FORMAT;
use crate::order::journal::segments::Segment;
use crate::order::journal::store::retention::WITHIN_A_PUBLISH;
use crate::order::journal::store::{Draft, Refusal, Store};

/// A segment has a sixteenth: less than what passes now and then between two events.
const AGE: Duration = Duration::from_secs(16_000);

/// One journal, and who uses it.
struct Lives {
    random: Random,
    disk: SimDisk,
    options: Options,
    /// In milliseconds since 1970; it may be set back.
    now: u64,
    /// How many events there have been: each has other data.
    events: usize,
    model: Model,
}

/// Lives through everything that follows from this seed. Panics if a promise is not kept.
pub(super) fn live(seed: u64, sync: JournalSync) {
    let mut lives = Lives::new(seed, sync);
    for _ in 0..=lives.random.below(3) {
        lives.now = match lives.random.below(4) {
            0 => lives.now,
            1 => lives.now.saturating_sub(1_000_000_000),
            2 => lives.random.below(3) as u64,
            _ => lives.now + 100_000,
        };
        let store = lives.open();
        lives.use_it(store);
    }
    lives.open();
    if lives.random.once_in(4) {
        lives.spoil();
    }
}

impl Lives {
    fn new(seed: u64, sync: JournalSync) -> Self {
        let mut random = Random::of(&[&seed.to_le_bytes()[..], &[sync as u8]].concat());
        let disk = SimDisk::new(random.next());
        let bytes = [u64::MAX, u64::MAX, 1000, 3000][random.below(4)];
        // Segments are short by their age.
        let age = [None, Some(AGE), Some(AGE)][random.below(3)];
        let options = Options { sync, bytes, age };
        let now = 1_764_314_275_000;
        Self { random, disk, options, now, events: 0, model: Model::new(sync) }
    }

    /// Opens the journal, be it after a few attempts, and checks what is there.
    fn open(&mut self) -> Store {
        loop {
            self.trouble_the_start();
            let opened = Store::open(Arc::new(self.disk.clone()), self.options, self.now);
            let (failed, off) = (!self.disk.failed().is_empty(), self.disk.is_off());
            self.disk.set_faults(Faults::default());
            self.disk.cut_after(u64::MAX);
            match opened {
                Ok(store) if !off => {
                    let found = read(&self.disk, store.segments());
                    if self.random.once_in(4) {
                        self.check_reader(&found);
                    }
                    self.model.check(found, store.epoch());
                    return store;
                }
                Err(error) if !failed && !off => panic!("it doesn't open: {error}"),
                _ => self.end(),
            }
        }
    }

    /// Whoever reads from outside finds the same.
    fn check_reader(&self, found: &[Event]) {
        let reader = JournalReader::of(Box::new(self.disk.clone())).expect("it is read");
        let records = reader.records(None).expect("it is read from its beginning");
        let ids = records.map(|record| record.expect("nothing is damaged").id);
        let expected = found.iter().map(|Event { id: (epoch, sequence), .. }| {
            EventId::of_channel(format!("{epoch}-{sequence}"))
        });
        assert!(ids.eq(expected), "{found:#?}");
    }

    fn trouble_the_start(&mut self) {
        match self.random.below(12) {
            0 => self.disk.cut_after(self.random.below(20) as u64),
            1 => self.disk.set_faults(Faults { once_in: 6, ..Faults::default() }),
            2 => self.disk.set_faults(Faults { no_sync: true, ..Faults::default() }),
            _ => {}
        }
    }

    /// Ends a life, in one way or the other.
    fn end(&mut self) {
        // Where the sync of a folder fails, a file system stops until the system starts again.
        let must = self.disk.failed().contains(&Call::SyncFolder);
        let cut = if must || self.random.once_in(2) { Cut::Power } else { Cut::Kill };
        self.end_by(cut);
    }

    fn end_by(&mut self, cut: Cut) {
        self.model.end(cut);
        self.disk.restart(cut);
    }

    fn use_it(&mut self, mut store: Store) {
        if !self.random.once_in(3) {
            // Within one of the next few events.
            let most = [50, 500, 3000][self.random.below(3)];
            self.disk.cut_after(self.random.below(most) as u64);
        }
        let before = store.segments().list();
        store.keep_bounds(self.now);
        self.check_removal(&before, &store.segments().list(), usize::MAX);
        for _ in 0..self.random.below(14) {
            if self.disk.is_off() {
                break;
            }
            match self.random.below(16) {
                0..10 => self.append(&mut store),
                10..13 => self.sync(&mut store),
                13 => self.now += self.random.below(3_000_000) as u64,
                14 => self.disk.set_faults(Faults::default()),
                _ => self.trouble(),
            }
        }
        if !self.disk.is_off() {
            let found = read(&self.disk, store.segments());
            let list = store.segments().list();
            let oldest = list.iter().find(|segment| !segment.is_empty());
            let after = oldest.map(|oldest| pair(oldest.header.after)).unwrap_or_default();
            self.model.check_living(after, &found);
            if self.random.once_in(4) {
                self.sync(&mut store);
            }
        }
        drop(store);
        self.end();
    }

    /// A bit of what was synced becomes another one. Readers miss the event that it belongs to. At
    /// the end it is like a torn one; and where a sector ends in a zero then, like a lost one.
    fn spoil(&mut self) {
        self.end_by(Cut::Kill);
        let files = self.disk.files();
        let names: Vec<&String> = files.keys().filter(|name| files[*name].len() > 100).collect();
        if names.is_empty() {
            return;
        }
        let name = names[self.random.below(names.len())];
        let mut place = self.random.below(files[name].len());
        // The number of another format is no damage.
        place += usize::from(place == ANY_FORMAT.len());
        let bit = 1 << self.random.below(8);
        self.disk.spoil(name, |bytes| bytes[place] ^= bit);
        // Where a line end is gone, the next block has no first line.
        let is_hit = |range: &Range<usize>| range.contains(&place) || range.start == place + 1;
        let before = blocks(&files[name]);
        let hit: Vec<&Event> =
            before.iter().filter(|(range, ..)| is_hit(range)).map(|(_, event, _)| event).collect();
        let left = before.iter().filter(|(range, ..)| !is_hit(range));
        let synced = left.clone().filter_map(|(.., synced)| *synced).max();
        let last = left.map(|(_, event, _)| event.id).max();
        let is_lost = files[name][place] == bit && (place + 1).is_multiple_of(SECTOR as usize);

        let mut expected = self.model.there();
        // It may have no event.
        let newest = files.keys().max_by_key(|name| first_id(name));
        let kept = if is_lost { synced } else { last };
        if Some(name) == newest && hit.last().is_some_and(|event| Some(event.id) > kept) {
            let first = hit[0].id;
            let end = expected.iter().position(|event| event.id == first).expect("it is there");
            expected.truncate(before_batch(&expected, end));
        } else {
            expected.retain(|event| !hit.contains(&event));
        }
        let store = Store::open(Arc::new(self.disk.clone()), self.options, self.now);
        let store = store.expect("a bad bit stops no start");
        let files = self.disk.files();
        let segments = store.segments().list();
        let found = segments.iter().flat_map(|segment| {
            let blocks = blocks(&files[&segment.name()][..segment.end() as usize]);
            blocks.into_iter().map(|(_, event, _)| event)
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{name} {place} {hit:#?}");
    }

    fn trouble(&mut self) {
        let none = Faults::default();
        let faults = match self.random.below(8) {
            0 => Faults { no_sync: true, ..none },
            1..4 => Faults { once_in: [3, 8, 20][self.random.below(3)], ..none },
            _ => Faults { full: true, ..none },
        };
        self.disk.set_faults(faults);
    }

    fn append(&mut self, store: &mut Store) {
        let posts: Vec<Post> = (0..=self.random.below(2)).map(|_| self.post()).collect();
        let encoded: Vec<_> = posts.iter().map(Post::encoded).collect();
        let drafts = posts.iter().zip(&encoded).map(|(post, (events, ends))| Draft {
            channel: &post.channel,
            key: post.key.as_ref().map(|(key, digest)| (key.as_str(), *digest)),
            events,
            ends,
        });
        let before = self.disk.failed().len();
        let segments = store.segments().list();
        let appended = store.append(drafts, self.now);
        let failed = self.disk.failed().split_off(before);
        let off = self.disk.is_off();
        match appended {
            Ok(first) => {
                self.model.acknowledge((first.epoch, first.sequence), &posts);
                let now = store.segments().list();
                let current = now.last().expect("there is an event").first;
                self.model.completed((current.epoch, current.sequence));
                self.check_removal(&segments, &now, WITHIN_A_PUBLISH);
            }
            Err(refusal) => {
                assert!(off || !failed.is_empty() || store.failed().is_some(), "{refusal:?}");
                // It may be there if it could not be undone.
                let may = |call: &Call| call.is_sync() || *call == Call::SetLen;
                let is_unknown = off || failed.iter().any(may);
                if let Refusal::Sync(_) = refusal {
                    assert!(store.failed().is_some());
                }
                if is_unknown {
                    self.model.unknown.push(posts);
                }
            }
        }
    }

    fn post(&mut self) -> Post {
        let events = if self.random.once_in(4) { 2 + self.random.below(2) } else { 1 };
        let channel = ["a", "b", "news"][self.random.below(3)];
        let key =
            self.random.once_in(4).then(|| (format!("key {}", self.events), self.random.next()));
        let data = (0..events).map(|_| {
            self.events += 1;
            let more = ["", "\nid: 1-1", "\n\n", " x"][self.random.below(4)];
            let more = more.repeat(self.random.below(12));
            format!("{}{more}", self.events)
        });
        Post { channel: channel.into(), key, data: data.collect() }
    }

    /// As the thread does once a second: events may come while the disk syncs.
    fn sync(&mut self, store: &mut Store) {
        let Some(unsynced) = store.unsynced() else { return };
        let through = self.model.acknowledged();
        let order = self.random.below(3);
        if order == 0 {
            self.append(store);
        }
        let done = unsynced.sync();
        if order == 1 {
            self.append(store);
        }
        let is_ok = done.is_ok();
        let noted = store.is_synced(&unsynced, done);
        assert_eq!(noted.is_ok(), is_ok);
        // After a sync that has failed, another one that does not says nothing.
        if is_ok && store.failed().is_none() {
            self.model.synced(through);
        }
    }

    /// Whole segments go, the oldest first, only as far as they are past the bound, and so many at
    /// most.
    fn check_removal(&mut self, before: &[Arc<Segment>], now: &[Arc<Segment>], most: usize) {
        let Some(Segment { first: oldest, .. }) = now.first().map(|oldest| &**oldest) else {
            return;
        };
        let oldest = *oldest;
        let removed = before.iter().filter(|segment| segment.first < oldest);
        let count = removed.clone().count();
        assert!(count <= most, "{count} are removed at once");
        let mut bytes: u64 = removed.clone().chain(now).map(|segment| segment.end()).sum();
        for segment in removed {
            let is_old = self.options.age.is_some_and(|age| {
                segment
                    .time()
                    .is_none_or(|time| self.now.saturating_sub(time) > age.as_millis() as u64)
            });
            let may_go = bytes > self.options.bytes || is_old || segment.is_empty();
            assert!(may_go, "{segment:?} is removed");
            bytes -= segment.end();
        }
        // What can't be removed is tried again with the next segment.
        let may_stay = |call: &Call| matches!(call, Call::Remove | Call::SyncFolder);
        let stuck = self.disk.is_off() || self.disk.failed().iter().any(may_stay);
        assert!(
            bytes <= self.options.bytes || now.len() == 1 || stuck || count == most,
            "{now:?} are kept"
        );
        self.model.removed((oldest.epoch, oldest.sequence));
    }
}

/// How many seeds there are for each level of sync: so many show every fault in `tests/mutants`.
fn seeds() -> u64 {
    let asked = std::env::var("TIDINGS_JOURNAL_SEEDS");
    asked.map_or(3_000, |text| text.parse().expect("TIDINGS_JOURNAL_SEEDS is a number"))
}

/// On all cores, as each seed stands for itself.
fn live_all(sync: JournalSync) {
    let next = AtomicU64::new(0);
    let seeds = seeds();
    let lives = || {
        while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < seeds) {
            let lived = catch_unwind(AssertUnwindSafe(|| live(seed, sync)));
            assert!(lived.is_ok(), "with seed {seed} of {sync:?}, as said above");
        }
    };
    thread::scope(|scope| {
        scope.spawn(lives);
        lives();
    });
}

/// A life without faults, up to the cut, if there is one: events, syncs, and two segments.
fn live_until(cut: Option<u64>, seed: u64, sync: JournalSync) -> Lives {
    let mut lives = Lives::new(seed, sync);
    lives.options = Options { sync, bytes: u64::MAX, age: Some(AGE) };
    cut.into_iter().for_each(|steps| lives.disk.cut_after(steps));
    let opened = Store::open(Arc::new(lives.disk.clone()), lives.options, lives.now);
    if let Ok(mut store) = opened {
        lives.model.check(Vec::new(), store.epoch());
        for step in 0..6 {
            lives.append(&mut store);
            if step % 2 == 1 {
                lives.sync(&mut store);
            }
            lives.now += u64::from(step == 3) * 2_000_000;
        }
    }
    lives
}

#[test]
fn row_57_the_power_or_the_process_may_go_at_any_byte_of_any_write() {
    for sync in [JournalSync::None, JournalSync::Interval, JournalSync::Always] {
        let steps = live_until(None, 1, sync).disk.steps();
        assert!(steps > 500, "{steps}");
        for cut in 0..=steps {
            for how in [Cut::Kill, Cut::Power] {
                let mut lives = live_until(Some(cut), 1, sync);
                lives.end_by(how);
                let mut store = lives.open();
                lives.append(&mut store);
                lives.end_by(Cut::Power);
                lives.open();
            }
        }
    }
}

#[test]
fn row_57_a_power_cut_takes_nothing_that_was_always_synced() {
    live_all(JournalSync::Always);
}

#[test]
fn row_57_a_power_cut_takes_nothing_that_was_synced_in_its_interval() {
    live_all(JournalSync::Interval);
}

#[test]
fn row_57_a_power_cut_takes_no_complete_segment_without_syncs() {
    live_all(JournalSync::None);
}
