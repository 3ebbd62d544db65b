//! What publishers were told and what streams were sent, against each other and against what Redis
//! has at the end.
//!
//! | what | holds |
//! | --- | --- |
//! | an id | names one event, over all streams, publishers and Redis |
//! | an event | has one id; two only where an attempt to publish it ended unknown and a fault came that may lose keys |
//! | a post that was told ids | is there as a whole, in its publisher's order |
//! | a stream | has ids that rise; every known event of its channels from where it began, or a gap event in its place |
//! | a gap | is told only where a fault may have lost events: the fault came between the event before it and its own arrival, or a known event is missing there, or gone from Redis; the number of those, if it gives one, is right |
//! | a stream of a hub that wasn't killed | isn't closed |
//! | a publish | has its response within 3 s |
//!
//! Without a fault that may lose events there may be no gap, and Redis has every event, once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::Bound::{Excluded, Included};
use std::time::{Duration, Instant};

use crate::hopper::{Got, Received};
use crate::load::{Fault, Outcome};
use crate::publisher::Post;

/// How long a response may take, on a machine that keeps no thread waiting.
const LONGEST: Duration = Duration::from_secs(3);

/// An entry of the order at its end: id, channel and data.
pub(crate) type Entry = (String, String, String);

type Id = (u64, u64);

/// After every id.
const END: Id = (u64::MAX, u64::MAX);

/// Reads an id. What may follow says what of the logs a client has seen.
fn id_of(text: &str) -> Option<Id> {
    let mut parts = text.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// What there was, and what was wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) events: usize,
    pub(crate) acknowledged: usize,
    pub(crate) unknown: usize,
    pub(crate) deliveries: usize,
    /// Over all streams, by their reasons.
    pub(crate) gaps: BTreeMap<String, usize>,
    /// Over all streams: known events that a stream was not sent, and told of.
    pub(crate) told_missing: usize,
    /// How often a stream began anew after a gap.
    pub(crate) anew: usize,
    /// Events that have two ids, as they may.
    pub(crate) twice: usize,
    pub(crate) hops: usize,
    pub(crate) closed: usize,
    pub(crate) turned_away: usize,
    pub(crate) refused: usize,
    pub(crate) longest: Duration,
    pub(crate) late: Duration,
    pub(crate) wrong: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, acknowledged, unknown, deliveries, hops, closed, .. } = self;
        write!(f, "{events} events, {acknowledged} acknowledged, {unknown} unknown; ")?;
        write!(f, "{deliveries} deliveries, {hops} connections, {closed} closed, ")?;
        write!(f, "{} turned away; gaps {:?}, ", self.turned_away, self.gaps)?;
        write!(f, "{} missing and told, {} anew; ", self.told_missing, self.anew)?;
        write!(f, "{} published twice; {} refused; ", self.twice, self.refused)?;
        write!(f, "longest response {:.2?} (machine {:.0?} late); ", self.longest, self.late)?;
        write!(f, "{} wrong", self.wrong.len())
    }
}

impl Report {
    /// Panics if anything was wrong.
    #[track_caller]
    pub(crate) fn assert(&self, what: &str) {
        println!("{what}: {self}");
        let some: Vec<&str> = self.wrong.iter().take(20).map(String::as_str).collect();
        assert!(some.is_empty(), "{what}: {} wrong:\n{}", self.wrong.len(), some.join("\n"));
    }
}

/// Checks everything. `entries` is what the order has at its end, where that can be read.
pub(crate) fn check(outcome: &Outcome, entries: Option<&[Entry]>) -> Report {
    let posts: Vec<&Post> = outcome.published.iter().flat_map(|one| &one.posts).collect();
    let mut checker = Checker {
        losses: &outcome.losses,
        known: BTreeMap::new(),
        ids: HashMap::new(),
        there: entries.map(|all| all.iter().filter_map(|(id, ..)| id_of(id)).collect()),
        posts: posts.iter().flat_map(|&post| post.data.iter().map(move |d| (&**d, post))).collect(),
        report: Report { late: outcome.late, ..Report::default() },
    };
    checker.learn(outcome, entries.unwrap_or_default());
    if let Some(entries) = entries {
        checker.check_order(entries, &posts);
    }
    checker.check_published(&posts);
    outcome.published.iter().for_each(|one| checker.check_publisher(&one.posts));
    outcome.received.iter().for_each(|stream| checker.check_stream(stream));
    checker.check_times(outcome);
    let mut report = checker.report;
    let said = outcome.published.iter().flat_map(|one| &one.faults);
    report.wrong.extend(said.chain(outcome.received.iter().flat_map(|one| &one.faults)).cloned());
    report.wrong.extend(outcome.ended.iter().cloned());
    report
}

/// Where a stream is between two of its events.
struct Step<'a> {
    /// Everything after this is to come.
    last: Id,
    /// The newest event that it has had: greater than `last` after a gap that leads back.
    had: Id,
    /// What comes has a greater id than this: that of the last event or gap.
    floor: Id,
    /// The data of the gaps since that event, and when the last one was told.
    gaps: Vec<&'a str>,
    told: Option<Instant>,
}

impl Step<'_> {
    fn after(id: Id) -> Self {
        Self { last: id, had: id, floor: id, gaps: Vec::new(), told: None }
    }
}

struct Checker<'a> {
    losses: &'a [Fault],
    /// Every event that anybody was told of.
    known: BTreeMap<Id, &'a str>,
    ids: HashMap<&'a str, BTreeSet<Id>>,
    /// What the order has at its end, where that can be read.
    there: Option<BTreeSet<Id>>,
    /// The post of each event, by its data.
    posts: HashMap<&'a str, &'a Post>,
    report: Report,
}

impl<'a> Checker<'a> {
    fn wrong(&mut self, what: impl Into<String>) {
        self.report.wrong.push(what.into());
    }

    fn note(&mut self, id: &str, data: &'a str, by: &str) {
        let Some(parsed) = id_of(id) else { return self.wrong(format!("{by}: no id: {id:?}")) };
        let before = *self.known.entry(parsed).or_insert(data);
        if before != data {
            self.wrong(format!("{id} names two events: {before:.30} and, by {by}, {data:.30}"));
        }
        self.ids.entry(data).or_default().insert(parsed);
    }

    /// Collects every event that anybody was told of.
    fn learn(&mut self, outcome: &'a Outcome, entries: &'a [Entry]) {
        for (id, channel, data) in entries {
            self.note(id, data, "Redis");
            if data.split(' ').next() != Some(channel) {
                self.wrong(format!("{id} is on {channel}: {data:.30}"));
            }
        }
        for post in outcome.published.iter().flat_map(|one| &one.posts) {
            self.report.acknowledged += post.ids.len();
            self.report.unknown += usize::from(post.ids.is_empty() && post.unknown > 0);
            if !post.ids.is_empty() && post.ids.len() != post.data.len() {
                self.wrong(format!("{} ids for {} events", post.ids.len(), post.data.len()));
            }
            for (id, data) in post.ids.iter().zip(&post.data) {
                self.note(id, data, "its publisher");
            }
        }
        for stream in &outcome.received {
            for got in &stream.got {
                if let Got::Event { id, data } = got {
                    self.note(id, data, "a stream");
                    self.report.deliveries += 1;
                }
            }
        }
        self.report.events = self.known.len();
    }

    /// Redis has everything, unless a fault took it; ids rise, and batches are whole.
    fn check_order(&mut self, entries: &[Entry], posts: &[&Post]) {
        let ids: Vec<Option<Id>> = entries.iter().map(|(id, ..)| id_of(id)).collect();
        if !ids.is_sorted() {
            self.wrong("the order isn't in order");
        }
        if !self.losses.is_empty() {
            return;
        }
        let there = self.there.iter().flatten().copied().collect::<BTreeSet<Id>>();
        let lost = self.known.iter().filter(|(id, _)| !there.contains(id));
        let lost: Vec<String> =
            lost.map(|(id, data)| format!("Redis lacks {id:?}: {data:.30}")).collect();
        self.report.wrong.extend(lost);
        for post in posts.iter().filter(|post| post.ids.is_empty()) {
            let many = post.data.iter().filter(|data| self.ids.contains_key(&***data)).count();
            if many != 0 && many != post.data.len() {
                self.wrong(format!("a part of a batch: {many} of {:?}", post.data));
            }
        }
    }

    /// Each event is there once, and somebody has published it.
    fn check_published(&mut self, posts: &[&Post]) {
        let twice: Vec<(&str, BTreeSet<Id>)> = self
            .ids
            .iter()
            .filter(|(_, ids)| ids.len() > 1)
            .map(|(data, ids)| (*data, ids.clone()))
            .collect();
        for (data, ids) in twice {
            let attempts = self.posts.get(data).map_or(0, |post| post.unknown);
            if !self.losses.is_empty() && attempts + 1 >= ids.len() {
                self.report.twice += 1;
            } else {
                self.wrong(format!("{data:.30} has the ids {ids:?}, {attempts} times unknown"));
            }
        }
        let nobodys = self.known.iter().filter(|(_, data)| !self.posts.contains_key(**data));
        let nobodys: Vec<String> =
            nobodys.map(|(id, data)| format!("nobody has published {id:?}: {data:.30}")).collect();
        self.report.wrong.extend(nobodys);
        for post in posts.iter().filter(|post| post.ids.is_empty() && post.unknown == 0) {
            if post.data.iter().any(|data| self.ids.contains_key(&**data)) {
                self.wrong(format!("published, and its publisher was told it wasn't: {post:?}"));
            }
        }
    }

    /// A publisher's events are in its order, and those of a batch are adjacent.
    fn check_publisher(&mut self, posts: &[Post]) {
        let mut last = (0, 0);
        for post in posts {
            for (number, id) in post.ids.iter().filter_map(|id| id_of(id)).enumerate() {
                let is_next = number == 0 || id == (last.0, last.1 + 1);
                if id <= last || !is_next {
                    self.wrong(format!("{id:?} comes after {last:?}: {:.30}", post.data[number]));
                }
                last = id;
            }
        }
    }

    fn check_stream(&mut self, stream: &Received) {
        self.report.hops += stream.hops;
        self.report.closed += stream.closed;
        self.report.turned_away += stream.turned_away;
        let name = format!("a stream of {:?}", stream.channels);
        if stream.closed > 0 {
            self.wrong(format!("{name} was closed {} times", stream.closed));
        }
        let Some(start) = stream.start.as_deref().and_then(id_of) else {
            return self.wrong(format!("{name} never began"));
        };
        let mut step = Step::after(start);
        for (number, got) in stream.got.iter().enumerate() {
            match got {
                Got::Begin { .. } => {}
                Got::Gap { id, json, at: told } => {
                    let reason = value_of(json, "reason").unwrap_or_default();
                    *self.report.gaps.entry(reason.into()).or_default() += 1;
                    let Some(at) = id_of(id) else {
                        self.wrong(format!("{name}: the id of a gap is {id:?}"));
                        continue;
                    };
                    if at < step.last {
                        // The stream is sent what is there, and may have had it.
                        self.report.anew += 1;
                        (step.last, step.floor) = (at, at);
                    }
                    step.floor = step.floor.max(at);
                    step.gaps.push(json);
                    step.told = Some(*told);
                }
                Got::Event { id, .. } => {
                    let Some(at) = id_of(id) else { continue };
                    if at <= step.floor {
                        let before = &stream.got[number.saturating_sub(4)..number];
                        self.wrong(format!(
                            "{name}: {id} comes after {:?}: {before:.30?}",
                            step.floor
                        ));
                        continue;
                    }
                    self.check_step(&name, stream, &step, at);
                    step = Step::after(at);
                }
            }
        }
        self.check_step(&name, stream, &step, END);
    }

    /// What lies between two events of a stream, and the gaps that it was told of there.
    fn check_step(&mut self, name: &str, stream: &Received, step: &Step<'_>, at: Id) {
        let last = step.last;
        let between = || self.known.range((Excluded(last), Excluded(at)));
        let is_its = |data: &str| stream.channels.iter().any(|c| data.split(' ').next() == Some(c));
        let its = between().filter(|(_, data)| is_its(data)).count();
        if step.gaps.is_empty() {
            let first = between().find(|(_, data)| is_its(data)).map(|(id, data)| (*id, *data));
            match first {
                None => {}
                Some((id, data)) => {
                    let to = if at == END { "the end".into() } else { format!("{at:?}") };
                    self.wrong(format!(
                        "{name}: {its} lost without a word between {last:?} and {to}: \
                         {id:?} {data:.30}"
                    ));
                }
            }
            return;
        }
        // Where something is gone, nobody knows which channels it was on.
        let is_gone = |id: &Id| self.there.as_ref().is_some_and(|there| !there.contains(id));
        let is_true = its > 0 || between().any(|(id, _)| is_gone(id)) || self.is_after_loss(step);
        self.report.told_missing += its;
        if self.losses.is_empty() || !is_true {
            let gaps = &step.gaps;
            self.wrong(format!("{name}: nothing is gone between {last:?} and {at:?}: {gaps:?}"));
        }
        for json in &step.gaps {
            self.check_number(name, &is_its, json);
        }
    }

    /// If a gap says how many are gone, that is how many are known where it says so.
    fn check_number(&mut self, name: &str, is_its: &dyn Fn(&str) -> bool, json: &str) {
        let id = |key| value_of(json, key).and_then(id_of);
        let missed = value_of(json, "missed").and_then(|missed| missed.parse::<usize>().ok());
        let (Some(from), Some(to), Some(missed)) = (id("from"), id("to"), missed) else { return };
        let there = || self.known.range((Excluded(from), Included(to)));
        let (all, its) = (there().count(), there().filter(|(_, data)| is_its(data)).count());
        if ![all, its].contains(&missed) {
            self.wrong(format!("{name}: {its} or {all} are gone, and not as in {json}"));
        }
    }

    /// Whether something happened that may have lost events, after the last event was published and
    /// before the gap was told.
    fn is_after_loss(&self, step: &Step<'_>) -> bool {
        let post = self.known.get(&step.had).and_then(|data| self.posts.get(data));
        self.losses.iter().any(|fault| {
            post.is_none_or(|post| post.sent <= fault.to)
                && step.told.is_some_and(|told| told >= fault.from)
        })
    }

    fn check_times(&mut self, outcome: &Outcome) {
        let attempts = || outcome.published.iter().flat_map(|one| &one.attempts);
        self.report.longest = attempts().map(|attempt| attempt.took).max().unwrap_or_default();
        self.report.refused = attempts().filter(|attempt| attempt.status == 503).count();
        if self.report.longest > LONGEST + 2 * outcome.late {
            let late: Vec<_> = attempts().filter(|attempt| attempt.took > LONGEST).collect();
            self.wrong(format!("{} responses took more than 3 s: {:?}", late.len(), late[0]));
        }
    }
}

/// A value of a gap's data, without quotes.
fn value_of<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{key}\":"))?;
    rest.trim_start_matches('"').split(['"', ',', '}']).next()
}

mod tests;
