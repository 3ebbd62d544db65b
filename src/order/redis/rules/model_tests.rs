//! A Redis of the mind, and hubs that follow the real [`Rules`] over it: what happens, and in which
//! order, is drawn from a seed.
//!
//! ```text
//! writer   connect, greet ─► ask ─► mark ─► posts in flight ─► done in Redis ─► reply, or a cut
//! reader   connect, greet ─► read, with a question where the rules have one ─► entry by entry
//!                         ─► ask, mark, where a loss is known
//! Redis    snapshot; restart with or without its newest entries; DEL; trim; the clock
//! others   XADD *
//! ```
//!
//! Each of these is a step. Ids, order and doubles are checked with each. At the end all faults
//! stop, all must come to rest, and each event that was ever in Redis must have been delivered by
//! each hub that was there, or a loss told since it went.

use super::*;
use crate::fuzz::random::Random;

const HOUR: u64 = 3_600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Event(usize),
    Mark(Option<Id>),
}

/// `stamp` is the moment at which it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    id: Id,
    what: What,
    stamp: u64,
}

/// One life of the stream.
#[derive(Clone, Debug, Default)]
struct Stream {
    entries: Vec<Entry>,
    /// Those that were trimmed included.
    all: Vec<Entry>,
    last: Id,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    event: usize,
    sent: Publish,
    done: Option<Reply>,
}

/// A connection, and how far it is with a mark.
#[derive(Clone, Debug)]
struct Link {
    run: u64,
    asked: Option<(Known, u64)>,
    mark: Option<(Mark, Option<Reply>)>,
}

/// An event that a hub must deliver, or tell a loss once it has gone at this moment.
#[derive(Clone, Copy, Debug)]
struct Owed {
    entry: Entry,
    gone: Option<u64>,
}

#[derive(Debug, Default)]
struct Hub {
    rules: Rules,
    writer: Option<Link>,
    posts: Vec<usize>,
    flight: Vec<Flight>,
    reader: Option<Link>,
    /// What the reader was sent and has not taken, and what it had asked with it.
    reply: Vec<Entry>,
    known: Option<Known>,
    is_first: bool,
    /// It has to ask, or has read all there was.
    asks: bool,
    is_idle: bool,
    has_read: bool,
    newest: Id,
    delivered: Vec<usize>,
    owed: Vec<Owed>,
    /// When it told a loss last, and since when something was gone that it has not told of.
    told: u64,
    damage: Vec<u64>,
    acknowledged: usize,
}

/// What may happen at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    pub(super) clock: bool,
    pub(super) others: bool,
    pub(super) roll_back: bool,
    pub(super) delete: bool,
}

/// How often what came up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) delivered: u64,
    pub(super) losses: u64,
    pub(super) holes: u64,
    pub(super) marks: u64,
    pub(super) joined: u64,
    pub(super) nil: u64,
    pub(super) too_small: u64,
    pub(super) replaced: u64,
    pub(super) twice: u64,
}

pub(super) struct Model {
    random: Random,
    faults: Faults,
    now: u64,
    latest: u64,
    run: usize,
    stream: Option<Stream>,
    snapshot: Option<Stream>,
    most: usize,
    stamp: u64,
    events: usize,
    hubs: Vec<Hub>,
    names: Vec<(Id, What)>,
    /// Of all entries that are lost, and of all that ever were.
    lost: Vec<Id>,
    was_lost: Vec<Id>,
    /// An id was given twice where nobody can prevent it. Nobody is blamed for what follows.
    is_twice: bool,
    pub(super) seen: Seen,
}

impl Model {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        let mut random = Random::of(&seed.to_le_bytes());
        let hubs = (0..2 + random.below(3)).map(|_| Hub::default()).collect();
        Self {
            now: 100 * HOUR,
            latest: 100 * HOUR,
            run: 0,
            stream: None,
            snapshot: None,
            most: if random.once_in(2) { 1_000 } else { 3 + random.below(8) },
            stamp: 0,
            events: 0,
            hubs,
            names: Vec::new(),
            lost: Vec::new(),
            was_lost: Vec::new(),
            is_twice: false,
            seen: Seen::default(),
            faults,
            random,
        }
    }

    /// Lives through so many steps with faults, and then until all is at rest.
    pub(super) fn live(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
        }
        self.rest();
    }

    fn step(&mut self) {
        self.now += self.random.below(3) as u64;
        self.latest = self.latest.max(self.now);
        let at = self.random.below(self.hubs.len());
        match self.random.below(100) {
            0..40 => self.write(at),
            40..80 => self.read(at),
            80..86 => self.post(at),
            86..88 => self.cut(at),
            88..90 => self.cut_reader(at),
            90 if self.random.once_in(2) => self.kill(at),
            91..94 if self.faults.others => self.others(),
            94..99 => self.fault(),
            _ => {}
        }
    }

    fn fault(&mut self) {
        match self.random.below(8) {
            0 | 1 => self.snapshot = self.stream.clone(),
            2 if self.faults.roll_back => {
                let state = self.snapshot.clone();
                self.restart(Some(state));
            }
            3 => self.restart(None),
            4 if self.faults.delete => {
                let before = self.stream.take();
                self.lose(before.as_ref());
                self.now += 2;
            }
            5 if self.faults.clock => self.now -= HOUR / (1 + self.random.below(3) as u64),
            6 if self.faults.clock => self.now = self.latest,
            _ => {}
        }
    }

    // Redis.

    fn add(&mut self, epoch: Option<u64>, full: Option<Id>, creates: bool, what: What) -> Reply {
        if self.stream.is_none() && !creates {
            return Reply::Nil;
        }
        let stream = self.stream.get_or_insert_default();
        let (last, now) = (stream.last, self.now);
        let after = Id { sequence: last.sequence + 1, ..last };
        let id = match (full, epoch) {
            (Some(id), _) => id,
            (_, Some(epoch)) if epoch == last.epoch => after,
            (_, Some(epoch)) => Id { epoch, sequence: 0 },
            _ if now > last.epoch => Id { epoch: now, sequence: 0 },
            _ => after,
        };
        if id <= last {
            return Reply::TooSmall;
        }
        self.stamp += 1;
        let entry = Entry { id, what, stamp: self.stamp };
        stream.entries.push(entry);
        stream.all.push(entry);
        stream.last = id;
        self.name(id, what, epoch.is_none() && full.is_none());
        for hub in self.hubs.iter_mut().filter(|hub| hub.has_read) {
            hub.owe(entry);
        }
        self.trim();
        Reply::Id(id)
    }

    fn name(&mut self, id: Id, what: What, is_clocks: bool) {
        if self.names.iter().any(|(other, _)| *other == id) {
            let is_set_back = self.faults.clock && self.now < self.latest.max(id.epoch);
            // `E-0`, where the stream was replaced twice before a hub heard of the first time, or
            // where another program had it, in the same millisecond, before a deletion.
            let Faults { clock, others, delete, .. } = self.faults;
            let is_alarm = (clock || others && delete) && id.sequence < FIRST;
            // A clock that was set back comes by the same millisecond again; and two hubs may have
            // asked in one, before the mark of the first was deleted.
            let is_again =
                matches!(what, What::Mark(_)) && (self.faults.clock || self.faults.delete);
            let excused = is_alarm || is_again || is_clocks && is_set_back;
            assert!(excused || self.is_twice, "{id} names two: {what:?}");
            self.is_twice = true;
            self.seen.twice += 1;
        }
        self.names.push((id, what));
    }

    fn trim(&mut self) {
        let (stamp, Some(stream)) = (self.stamp, &mut self.stream) else { return };
        let surplus = stream.entries.len().saturating_sub(self.most);
        for entry in stream.entries.drain(..surplus) {
            for hub in &mut self.hubs {
                hub.lose(entry, stamp);
                if [entry.id, Id::default()].contains(&hub.rules.position()) {
                    hub.damage.push(stamp);
                }
            }
        }
    }

    /// All that is not in the stream now, and was before, is gone.
    fn lose(&mut self, before: Option<&Stream>) {
        let kept = self.stream.as_ref().map_or(&[][..], |stream| &stream.all);
        let before = before.map_or(&[][..], |stream| &stream.all);
        let lost: Vec<Entry> =
            before.iter().copied().filter(|entry| !kept.contains(entry)).collect();
        // What was lost may be back.
        self.lost.retain(|lost| !kept.iter().any(|entry| entry.id == *lost));
        if lost.is_empty() {
            return;
        }
        self.stamp += 1;
        self.lost.extend(lost.iter().map(|entry| entry.id));
        self.was_lost.extend(lost.iter().map(|entry| entry.id));
        for hub in &mut self.hubs {
            hub.damage.push(self.stamp);
            lost.iter().for_each(|entry| hub.lose(*entry, self.stamp));
        }
        self.forget();
    }

    /// Where no hub has heard of what is lost, or of something that was lost with it, none can
    /// tell.
    fn forget(&mut self) {
        let is_lost = |id: &Id| self.lost.contains(id);
        let entries = self.stream.as_ref().map_or(&[][..], |stream| &stream.entries);
        let marks: Vec<(u64, Id)> = entries
            .iter()
            .filter_map(|entry| match entry.what {
                What::Mark(lost) => Some((entry.stamp, lost?)),
                What::Event(_) => None,
            })
            .collect();
        let heard = self.hubs.iter().flat_map(|hub| {
            let Rules { lost, unsure, newest, .. } = &hub.rules;
            [lost.unwrap_or_default(), unsure.unwrap_or_default(), *newest]
        });
        let heard = heard.filter(is_lost).max().unwrap_or_default();
        let is_known = |owed: &Owed| {
            let Owed { entry, gone } = owed;
            let is_marked = |mark: &(u64, Id)| Some(mark.0) > *gone && mark.1 >= entry.id;
            entry.id <= heard || marks.iter().any(is_marked)
        };
        for hub in &mut self.hubs {
            if !self.lost.contains(&hub.rules.position()) {
                hub.owed.retain(|owed| !self.lost.contains(&owed.entry.id) || is_known(owed));
            }
        }
    }

    /// Another run, which may have an earlier state.
    fn restart(&mut self, state: Option<Option<Stream>>) {
        self.now += 200 + self.random.below(100) as u64;
        self.latest = self.latest.max(self.now);
        self.run += 1;
        for at in 0..self.hubs.len() {
            self.cut(at);
            self.cut_reader(at);
        }
        if let Some(state) = state {
            let before = std::mem::replace(&mut self.stream, state);
            self.lose(before.as_ref());
            // What was deleted may be back.
            let all = self.stream.as_ref().map_or(&[][..], |stream| &stream.all);
            for hub in &mut self.hubs {
                hub.owed.retain(|owed| owed.gone.is_some() || all.contains(&owed.entry));
                // So may a stream that had been trimmed before the hub found none.
                if hub.rules.position() == Id::default() {
                    hub.damage.push(self.stamp);
                }
            }
            self.forget();
        }
    }

    fn others(&mut self) {
        self.events += 1;
        self.add(None, None, true, What::Event(self.events));
    }

    fn known(&self, rules: &Rules) -> Known {
        let asked = rules.asked();
        let Some(stream) = &self.stream else { return Known { asked, ..Known::default() } };
        let has = |id| stream.entries.iter().any(|entry| entry.id == id);
        Known {
            asked,
            has_asked: has(asked),
            has_position: has(rules.position()),
            newest: Some(stream.last),
            first: stream.entries.first().map(|entry| entry.id),
            is_whole: stream.entries.len() == stream.all.len(),
        }
    }

    // A hub.

    fn post(&mut self, at: usize) {
        if self.hubs[at].posts.len() < 4 {
            self.events += 1;
            self.hubs[at].posts.push(self.events);
        }
    }

    fn greet(&mut self, at: usize) -> Option<Link> {
        let run = self.hubs[at].rules.greet(&self.run.to_string());
        Some(Link { run, asked: None, mark: None })
    }

    /// One step towards an epoch.
    fn begin(&mut self, at: usize, link: &mut Link) {
        let hub = &mut self.hubs[at];
        match (link.asked.take(), link.mark.take()) {
            (None, None) => link.asked = Some((self.known(&self.hubs[at].rules), self.now)),
            (Some((known, time)), _) => {
                let mark = hub.rules.begin(link.run, &known, time, self.random.next());
                link.mark = mark.map(|mark| (mark, None));
                self.seen.joined += u64::from(mark.is_none());
            }
            (_, Some((mark, None))) => {
                let reply = self.add(None, Some(mark.id), mark.creates, What::Mark(mark.lost));
                link.mark = Some((mark, Some(reply)));
            }
            (_, Some((mark, Some(reply)))) => {
                self.seen.marks += u64::from(matches!(reply, Reply::Id(_)));
                hub.rules.begun(&mark, reply);
            }
        }
    }

    fn write(&mut self, at: usize) {
        let Some(mut link) = self.hubs[at].writer.take() else {
            self.hubs[at].writer = self.greet(at);
            return;
        };
        let undone = self.hubs[at].flight.iter().position(|flight| flight.done.is_none());
        if !self.hubs[at].flight.is_empty() {
            match undone {
                Some(place) if place == 0 || self.random.once_in(2) => self.execute(at, place),
                _ => self.receive(at),
            }
        } else if link.asked.is_some() || link.mark.is_some() {
            self.begin(at, &mut link);
        } else {
            let hub = &mut self.hubs[at];
            match hub.rules.next(link.run) {
                Next::Publish(sent) => {
                    let count = hub.posts.len().min(1 + self.random.below(3));
                    let posts = hub.posts.drain(..count);
                    hub.flight.extend(posts.map(|event| Flight { event, sent, done: None }));
                }
                Next::Begin => self.begin(at, &mut link),
                Next::Reconnect => return,
            }
        }
        self.hubs[at].writer = Some(link);
    }

    fn execute(&mut self, at: usize, place: usize) {
        let Flight { event, sent, .. } = self.hubs[at].flight[place];
        let done = self.add(Some(sent.epoch), None, false, What::Event(event));
        self.hubs[at].flight[place].done = Some(done);
    }

    fn receive(&mut self, at: usize) {
        let hub = &mut self.hubs[at];
        let Flight { event, sent, done } = hub.flight.remove(0);
        let Some(reply) = done else { unreachable!() };
        self.seen.nil += u64::from(reply == Reply::Nil);
        self.seen.too_small += u64::from(reply == Reply::TooSmall);
        match hub.rules.reply(&sent, reply) {
            Some(id) => {
                hub.acknowledged += 1;
                self.seen.replaced += u64::from(id.sequence < FIRST);
            }
            None => hub.posts.push(event),
        }
    }

    /// The writer's connection ends. Some of what is in flight may still be done.
    fn cut(&mut self, at: usize) {
        let undone = self.hubs[at].flight.iter().filter(|flight| flight.done.is_none()).count();
        let done = self.hubs[at].flight.len() - undone;
        for place in done..done + self.random.below(undone + 1) {
            self.execute(at, place);
        }
        let mark = self.hubs[at].writer.take().and_then(|link| link.mark);
        self.cut_mark(mark);
        self.hubs[at].flight.clear();
    }

    fn cut_mark(&mut self, mark: Option<(Mark, Option<Reply>)>) {
        if let Some((mark, None)) = mark.filter(|_| self.random.once_in(2)) {
            self.add(None, Some(mark.id), mark.creates, What::Mark(mark.lost));
        }
    }

    fn cut_reader(&mut self, at: usize) {
        let mark = self.hubs[at].reader.take().and_then(|link| link.mark);
        self.cut_mark(mark);
        self.hubs[at].reply.clear();
    }

    fn kill(&mut self, at: usize) {
        self.cut(at);
        self.cut_reader(at);
        self.hubs[at] = Hub::default();
        // It may have been the only one to know.
        self.forget();
    }

    // The reader.

    fn read(&mut self, at: usize) {
        let Some(mut link) = self.hubs[at].reader.take() else {
            self.hubs[at].reader = self.greet(at);
            self.hubs[at].rules.reads();
            self.hubs[at].is_idle = false;
            return;
        };
        if !self.hubs[at].reply.is_empty() {
            self.take(at, link.run);
        } else if link.asked.is_some()
            || link.mark.is_some()
            || self.hubs[at].rules.tells_loss(link.run)
        {
            self.begin(at, &mut link);
        } else {
            self.ask(at, link.run);
        }
        self.hubs[at].reader = Some(link);
    }

    fn ask(&mut self, at: usize, run: u64) {
        let known = self.known(&self.hubs[at].rules);
        let hub = &mut self.hubs[at];
        // A hub that reads nothing asks now and then for the greatest id that there was.
        let last = self.stream.as_ref().map_or(Id::default(), |stream| stream.last);
        let is_less = hub.is_idle && last < hub.rules.asked() && self.random.once_in(2);
        let asks = std::mem::take(&mut hub.asks) || hub.rules.has_question() || is_less;
        let entries = self.stream.as_ref().map_or(&[][..], |stream| &stream.entries);
        let after = entries.iter().filter(|entry| entry.id > hub.rules.position());
        hub.reply = after.take(1 + self.random.below(4)).copied().collect();
        hub.known = asks.then_some(known);
        hub.is_first = true;
        hub.is_idle = hub.reply.is_empty();
        if let Some(known) = hub.known {
            hub.rules.look(run, &known);
            if hub.is_idle {
                hub.rules.is_level(&known);
                hub.has_read |= self.stream.is_none();
            }
        }
    }

    fn take(&mut self, at: usize, run: u64) {
        let hub = &mut self.hubs[at];
        let entry = hub.reply[0];
        let mark = match entry.what {
            What::Mark(lost) => lost,
            What::Event(_) => None,
        };
        let position = hub.rules.position();
        let step = hub.rules.read(run, entry.id, mark, hub.is_first, hub.known.as_ref());
        let Step::Take(loss) = step else {
            assert!(hub.known.is_none(), "it was asked");
            hub.reply.clear();
            hub.asks = true;
            return;
        };
        hub.is_first = false;
        hub.reply.remove(0);
        if !hub.has_read {
            hub.has_read = true;
            let entries = self.stream.as_ref().map_or(&[][..], |stream| &stream.entries);
            let later = entries.iter().filter(|later| later.id >= entry.id);
            later.for_each(|later| hub.owe(*later));
        }
        let is_true = mark.is_none_or(|lost| self.was_lost.contains(&lost));
        assert!(is_true || self.is_twice, "{entry:?} for nothing");
        self.tell(at, loss, entry, position);
        if let What::Event(event) = entry.what {
            self.deliver(at, entry, event);
        }
        // It may have gone while it was on its way.
        let is_there = self.stream.as_ref().is_some_and(|of| of.entries.contains(&entry));
        if !is_there {
            self.hubs[at].damage.push(self.stamp);
        }
    }

    fn deliver(&mut self, at: usize, entry: Entry, event: usize) {
        let hub = &mut self.hubs[at];
        self.seen.delivered += 1;
        assert!(entry.id > hub.newest, "{} after {}", entry.id, hub.newest);
        assert!(!hub.delivered.contains(&event), "{entry:?} is delivered twice");
        hub.newest = entry.id;
        hub.delivered.push(event);
        hub.owed.retain(|owed| owed.entry.what != entry.what);
    }

    /// A loss is told in its place, and only where something has gone.
    fn tell(&mut self, at: usize, loss: Option<Loss>, before: Entry, position: Id) {
        let Some(loss) = loss else { return };
        let (hub, stamp) = (&mut self.hubs[at], self.stamp);
        self.seen.losses += 1;
        assert!(loss.through >= hub.newest, "{loss:?} after {}", hub.newest);
        let is_marks = loss.through == before.id && matches!(before.what, What::Mark(Some(_)));
        assert!(is_marks || loss.through < before.id, "{loss:?} {before:?}");
        let is_owed = hub.owed.iter().any(|owed| owed.gone.is_some());
        let is_true = is_marks || is_owed || !hub.damage.is_empty();
        // Something that has been lost lies there, or is the last event itself. A mark may come
        // after events that were published before its hub knew.
        let is_here = |lost: &Id| *lost >= hub.newest && *lost < before.id;
        let is_in_place = is_marks || loss.reason == Reason::Evicted;
        let is_true = is_true && (is_in_place || self.was_lost.iter().any(is_here));
        assert!(is_true || self.is_twice, "hub {at} tells {loss:?} for nothing");
        if let Some(missed) = loss.missed {
            self.seen.holes += 1;
            let all = self.stream.as_ref().map_or(&[][..], |stream| &stream.all);
            let gone = all.iter().filter(|gone| gone.id > hub.newest && gone.id < before.id);
            let is_there = all.contains(&before);
            assert!(!is_there || self.is_twice || gone.count() as u64 >= missed, "{loss:?}");
        }
        hub.told = stamp;
        // What has come under ids that the hub has passed is of another stream.
        hub.owed.retain(|owed| owed.gone.is_none() && owed.entry.id > position);
        // Others may tell of the same by marks of their own.
        hub.damage.retain(|damage| *damage + 400 > stamp);
    }

    // The end.

    /// All faults stop: what was published is published, and what comes from now on is delivered.
    fn rest(&mut self) {
        for round in 0..3 {
            for at in 0..self.hubs.len() {
                self.events += 1;
                let event = self.events;
                self.hubs[at].posts.push(event);
                let mut steps = 0;
                while !(self.hubs[at].posts.is_empty() && self.hubs[at].flight.is_empty()) {
                    self.now += 1;
                    self.write(at);
                    steps += 1;
                    assert!(steps < 200, "hub {at} publishes nothing any more");
                }
            }
            for at in 0..self.hubs.len() {
                let mut steps = 0;
                while !self.is_at_rest(at) {
                    self.now += 1;
                    self.read(at);
                    steps += 1;
                    assert!(steps < 2_000, "hub {at} reads no end");
                }
                let hub = &self.hubs[at];
                let is_last = hub.delivered.contains(&self.events);
                assert!(self.is_twice || round < 2 || is_last, "hub {at} has not the last event");
            }
        }
        for (at, hub) in self.hubs.iter().enumerate() {
            let owed = &hub.owed;
            assert!(self.is_twice || owed.is_empty(), "hub {at} is silent on {owed:?}");
        }
    }

    fn is_at_rest(&self, at: usize) -> bool {
        let hub = &self.hubs[at];
        let last = self.stream.as_ref().map_or(Id::default(), |stream| stream.last);
        let link = hub.reader.as_ref();
        link.is_some_and(|link| link.mark.is_none() && link.asked.is_none())
            && hub.is_idle
            && hub.reply.is_empty()
            && last >= hub.rules.asked()
            && !hub.rules.has_question()
            && hub.rules.lost.is_none()
            && hub.rules.position() == last
    }
}

impl Hub {
    fn owe(&mut self, entry: Entry) {
        if matches!(entry.what, What::Event(_)) {
            self.owed.push(Owed { entry, gone: None });
        }
    }

    fn lose(&mut self, entry: Entry, stamp: u64) {
        let owed = self.owed.iter_mut().filter(|owed| owed.entry == entry);
        owed.for_each(|owed| owed.gone = owed.gone.or(Some(stamp)));
    }
}

impl Seen {
    pub(super) fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.losses += other.losses;
        self.holes += other.holes;
        self.marks += other.marks;
        self.joined += other.joined;
        self.nil += other.nil;
        self.too_small += other.too_small;
        self.replaced += other.replaced;
        self.twice += other.twice;
    }
}
