//! The thread that reads the stream, and fills the logs.
//!
//! ```text
//! XREAD COUNT 1000 BLOCK 6000 STREAMS tidings:hub 7-100017
//!   ─► one entry after the other ─► rules ─► Sink: the log of its channel ─► passes
//! in doubt, as one step:
//! MULTI, XRANGE of the last entries, XINFO, XREAD, EXEC
//!   ─► whether anything is gone ─► Sink: a gap in every log; a mark, for other hubs
//! ```
//!
//! An idle hub sends six commands in thirty seconds. A reply is never in memory as a whole. How
//! many entries it has depends on how large those before were, as Redis has all of it in its
//! memory.
//!
//! **Away.** When the connection ends, or Redis says nothing for two seconds longer than it was
//! asked to wait, the thread connects again: after 50 ms, then after twice as long each time, up to
//! a second; or at once, where a publisher has reached Redis. Streams stay open meanwhile.
//!
//! **A panic** of ours is told on standard error, and the thread goes on as after a lost
//! connection.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::entry::{self, Entry};
use super::epoch;
use super::greeting::{Trouble, known, senseless};
use super::link::Link;
use super::resp::{Reply, command};
use super::rules::{Known, Step};
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::log::gap::Reason;
use crate::log::id::Id;
use crate::net::panics::Panics;
use crate::order::remote::{Arrival, Loss, Sink, TELL, say};
use crate::random::random;

/// How long Redis waits for entries.
const BLOCK: Duration = Duration::from_secs(6);

/// After so many waits in vain, the reader asks whether the stream is still there.
const WAITS: u32 = 5;

/// How long it may be silent beyond that.
const SILENCE: Duration = Duration::from_secs(2);

/// How long an entry may take, once its reply has begun: 16 MiB at 13 Mbit/s.
const ENTRY: Duration = Duration::from_secs(10);

/// How long a connect may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a start tries.
const START: Duration = Duration::from_secs(10);

/// Between two tries to connect.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// How many entries are asked for, first and at most, and what a reply should have in bytes.
const FIRST: usize = 32;
const MOST: usize = 1000;
const BYTES: usize = 4 * 1024 * 1024;

const STACK: usize = 128 * 1024;

/// What the thread has.
pub(crate) struct Reader {
    shared: Arc<Shared>,
    sink: Box<dyn Sink>,
    /// That which the connection is to.
    run: u64,
    /// How many entries it asks for.
    count: usize,
    /// How many waits in a row were in vain.
    waits: u32,
    /// Whether it asks what Redis knows of the stream, together with the next read.
    asks: bool,
    /// Whether it has read all there was, since it connected.
    is_level: bool,
    /// Whether it has done so once.
    is_begun: bool,
    /// When it said that Redis can't be read, until it can.
    told: Option<Instant>,
}

impl Reader {
    /// Gives the sink all that there is, and starts the thread that goes on.
    pub(super) fn begin(shared: Arc<Shared>, sink: Box<dyn Sink>) -> Result<JoinHandle<()>> {
        let (run, count, waits) = (0, FIRST, 0);
        let (asks, is_level, is_begun, told) = (true, false, false, None);
        let mut reader = Self { shared, sink, run, count, waits, asks, is_level, is_begun, told };
        let (until, mut pause) = (Instant::now() + START, SHORTEST);
        let link = loop {
            match reader.fill(until) {
                Ok(link) => break link,
                Err(trouble) if trouble.is_lasting || Instant::now() + pause > until => {
                    return Err(Error::unavailable(trouble.what));
                }
                Err(_) => reader.shared.pause(pause),
            };
            pause = LONGEST.min(2 * pause);
        };
        let thread = thread::Builder::new().name("tidings-order".into()).stack_size(STACK);
        let spawned = thread.spawn(move || reader.run(link));
        spawned.map_err(|error| Error::io("can't start a thread to read from Redis", error))
    }

    /// Connects, and reads all that there is.
    fn fill(&mut self, until: Instant) -> Result<Link, Trouble> {
        let mut link = self.connect(until.min(Instant::now() + CONNECT))?;
        while !self.is_level {
            self.read(&mut link)?;
        }
        self.is_begun = true;
        Ok(link)
    }

    fn connect(&mut self, by: Instant) -> Result<Link, Trouble> {
        let (mut link, greeting) = self.shared.connector.connect(by)?;
        (self.asks, self.is_level) = (true, false);
        let run = self.shared.reads(link.connection(), &greeting);
        self.run = run.ok_or_else(|| Trouble::passing("the hub has ended"))?;
        Ok(link)
    }

    /// The life of the thread.
    fn run(mut self, link: Link) {
        let (mut connected, mut pause) = (Ok(link), SHORTEST);
        loop {
            let mut trouble = connected.as_ref().err().cloned();
            if let Ok(mut link) = connected {
                let panics = Panics::default();
                panics.catch(|| {
                    while trouble.is_none() {
                        trouble = self.read(&mut link).err();
                    }
                });
                self.shared.remote.set_reachable(false);
                self.shared.lost(self.is_level);
            }
            let was_level = std::mem::take(&mut self.is_level);
            pause = if was_level { SHORTEST } else { LONGEST.min(2 * pause) };
            // Not all hubs at once.
            let chance = (random() >> 32) as f64 / f64::from(u32::MAX);
            if !self.shared.pause(pause.mul_f64(0.5 + chance / 2.0)) {
                return;
            }
            // It may well come back at once.
            if let Some(trouble) = trouble.filter(|_| !was_level) {
                self.tell(&trouble);
            }
            connected = self.connect(Instant::now() + CONNECT);
            self.shared.remote.count(|stats| stats.reconnects += u64::from(connected.is_ok()));
        }
    }

    /// Reads once. Waits for entries where all were read that there were, and there is nothing
    /// to ask.
    fn read(&mut self, link: &mut Link) -> Result<(), Trouble> {
        let waits = self.is_level && !self.asks;
        let by = Instant::now() + SILENCE + if waits { BLOCK } else { Duration::ZERO };
        let (command, asked) = self.command(waits);
        link.send(&command, by)?;
        let known = asked.map(|asked| self.answer(link, asked, by)).transpose()?;
        match link.array(by)? {
            None => {
                self.level();
                known.iter().for_each(|known| self.shared.rules().is_level(known));
                self.asks = self.shared.rules().has_question();
                self.waits += u32::from(waits);
                if self.waits >= WAITS {
                    self.check(link, Instant::now() + SILENCE)?;
                }
            }
            Some(1) => self.entries(link, known.as_ref(), by)?,
            Some(_) => return Err(link.at(senseless())),
        }
        self.sink.pass();
        while self.shared.rules().tells_loss(self.run) {
            epoch::begin(&self.shared, link, self.run, Instant::now() + SILENCE)?;
        }
        Ok(())
    }

    /// The next command, and the id for which it asks, if it does.
    fn command(&self, waits: bool) -> (Vec<u8>, Option<Id>) {
        let (mut out, key) = (Vec::new(), self.shared.connector.key().as_bytes());
        let position = self.shared.rules().position().text();
        let (position, count) = (position.as_str().as_bytes(), self.count.to_string());
        let asked = self.asks.then(|| {
            command(&mut out, &[b"MULTI"]);
            epoch::ask(&mut out, &self.shared)
        });
        let block = BLOCK.as_millis().to_string();
        let block = [&b"BLOCK"[..], block.as_bytes()];
        let block = if waits { &block[..] } else { &[] };
        let read = [b"XREAD", &b"COUNT"[..], count.as_bytes()];
        command(&mut out, &[&read, block, &[b"STREAMS", key, position]].concat());
        if asked.is_some() {
            command(&mut out, &[b"EXEC"]);
        }
        (out, asked)
    }

    /// What Redis has. Only the last part of the reply is left.
    fn answer(&mut self, link: &mut Link, asked: Id, by: Instant) -> Result<Known, Trouble> {
        for _ in 0..5 {
            link.good(by)?;
        }
        if link.array(by)? != Some(4) {
            return Err(link.at(senseless()));
        }
        let known = epoch::answer(link, asked, by)?;
        let is_start = !self.is_begun && self.shared.rules().position() == Id::default();
        if let (true, false, Some(newest)) = (is_start, known.is_whole, known.newest) {
            self.sink.begin_after(known.first.map_or(newest, before));
        }
        self.shared.rules().look(self.run, &known);
        Ok(known)
    }

    /// Asks whether the stream still has what it had: somebody may have deleted it.
    fn check(&mut self, link: &mut Link, by: Instant) -> Result<(), Trouble> {
        self.waits = 0;
        let mut out = Vec::new();
        command(&mut out, &[b"XINFO", b"STREAM", self.shared.connector.key().as_bytes()]);
        link.send(&out, by)?;
        let known = known(link.reply(by)?).map_err(|trouble| link.at(trouble))?;
        self.asks |= known.newest.unwrap_or_default() < self.shared.rules().asked();
        Ok(())
    }

    /// Takes the entries of a reply.
    fn entries(
        &mut self,
        link: &mut Link,
        known: Option<&Known>,
        by: Instant,
    ) -> Result<(), Trouble> {
        let pair = (link.array(by)?, link.good(by)?);
        let (Some(2), Reply::Text(_), Some(count)) = (pair.0, pair.1, link.array(by)?) else {
            return Err(link.at(senseless()));
        };
        let mut bytes = 0;
        for at in 0..count {
            let by = Instant::now() + ENTRY;
            let pair = (link.array(by)?, link.good(by)?);
            let id = pair.1.text().filter(|_| pair.0 == Some(2)).and_then(Id::parse);
            let id = id.filter(|id| *id > self.shared.rules().position());
            let id = id.ok_or_else(|| link.at(senseless()))?;
            // The hub goes on to an entry only once it has all of it.
            let fields = link.entry(by)?;
            bytes += fields.len();
            let entry = entry::read(fields);
            let mark = if let Entry::Mark(lost) = entry { lost } else { None };
            let Step::Take(loss) = self.shared.rules().read(self.run, id, mark, at == 0, known)
            else {
                // All of this is read again, together with what Redis has.
                for _ in at + 1..count {
                    link.reply(Instant::now() + ENTRY)?;
                }
                self.asks = true;
                return Ok(());
            };
            self.lose(loss);
            self.take(id, entry);
        }
        let is_full = count >= self.count;
        self.count = match bytes {
            BYTES.. => (self.count / 2).max(1),
            _ if is_full && bytes < BYTES / 2 => (self.count * 2).min(MOST),
            _ => self.count,
        };
        match is_full {
            true => self.shared.remote.hear(),
            false => self.level(),
        }
        // What others add may lie anywhere, and each page would be read twice.
        self.asks = !self.is_level || self.shared.rules().has_question();
        self.waits = 0;
        Ok(())
    }

    /// All was read that there was.
    fn level(&mut self) {
        self.is_level = true;
        self.shared.remote.hear_all();
        self.shared.remote.set_reachable(true);
        if self.told.take().is_some() {
            say("Redis can be read again");
        }
    }

    /// Says what is wrong, once a minute.
    fn tell(&mut self, trouble: &Trouble) {
        if self.told.is_none_or(|told| told.elapsed() >= TELL) {
            self.told = Some(Instant::now());
            say(&format!("{trouble}; streams stay open, and it is tried again"));
        }
    }

    /// Gives an entry to the sink, if it is an event.
    fn take(&mut self, id: Id, entry: Entry) {
        match entry {
            Entry::Mark(_) => {}
            Entry::Event { channel, event, time } => {
                let time = time.unwrap_or(id.epoch);
                // What comes now came now, whatever clock its publisher has.
                let age = if self.is_level { 0 } else { self.shared.now().saturating_sub(time) };
                let age = Duration::from_millis(age);
                self.sink.event(&Arrival { id, channel: &channel, event: &event, age });
            }
            Entry::TooLarge => {
                self.lose(Some(Loss { through: id, missed: Some(1), reason: Reason::Evicted }));
            }
            Entry::Other => self.shared.remote.count(|stats| stats.ignored += 1),
        }
    }

    fn lose(&mut self, loss: Option<Loss>) {
        let Some(loss) = loss else { return };
        self.shared.remote.count(|stats| match loss.reason {
            Reason::Evicted => stats.gaps_evicted += 1,
            _ => stats.gaps_failover += 1,
        });
        if self.is_begun {
            let why = match loss.reason {
                Reason::Evicted => "had left Redis before this hub read them",
                _ => "Redis has lost some",
            };
            say(&format!("streams are told of a gap in the events up to {}: {why}", loss.through));
        }
        self.sink.loss(&loss);
    }
}

/// The greatest id before this one.
fn before(id: Id) -> Id {
    match id.sequence.checked_sub(1) {
        Some(sequence) => Id { sequence, ..id },
        None => Id { epoch: id.epoch.saturating_sub(1), sequence: u64::MAX },
    }
}
