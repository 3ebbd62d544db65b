//! The thread that reads the stream, and fills the logs.
//!
//! ```text
//! XREAD COUNT 1000 BLOCK 5000 STREAMS tidings:hub 7-100017
//!   ─► one entry after the other ─► rules ─► Sink: the log of its channel ─► passes
//! in doubt, as one step:
//! MULTI, XRANGE of the last entry, XINFO, XREAD, EXEC
//!   ─► whether anything is gone ─► Sink: a gap in every log
//! ```
//!
//! An idle hub asks once in five seconds. A reply is never in memory as a whole. How many entries
//! it has depends on how large those before were, as Redis has all of it in its memory.
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

use super::entry::Fields;
use super::greeting::{Greeting, StreamInfo, senseless};
use super::link::Link;
use super::resp::{Reply, Token, command};
use super::rules::{Known, Step};
use super::shared::Shared;
use super::trouble::Trouble;
use crate::error::{Error, Result};
use crate::log::gap::Reason;
use crate::log::id::Id;
use crate::net::panics::Panics;
use crate::order::remote::{Arrival, Loss, Sink};
use crate::random::random;

/// How long Redis waits for entries, in milliseconds.
const BLOCK: &str = "5000";

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
    fields: Fields,
    /// How many entries it asks for.
    count: usize,
    /// Whether it has read all there was, since it connected.
    is_level: bool,
    /// At the start, of what was in the stream before: what Redis said of it.
    before: Option<StreamInfo>,
}

/// What came of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    Nothing,
    Entries,
    /// Rules have a question: nothing was taken.
    Question,
}

impl Reader {
    /// Gives the sink all that there is, and starts the thread that goes on.
    pub(super) fn begin(shared: Arc<Shared>, sink: Box<dyn Sink>) -> Result<JoinHandle<()>> {
        let fields = Fields::default();
        let (count, is_level, before) = (FIRST, false, None);
        let mut reader = Self { shared, sink, fields, count, is_level, before };
        let (until, mut pause) = (Instant::now() + START, SHORTEST);
        let link = loop {
            match reader.fill(until) {
                Ok(link) => break link,
                Err(trouble) if trouble.is_lasting => return Err(Error::unavailable(trouble.what)),
                Err(trouble) if Instant::now() + pause > until => {
                    let what = trouble.what;
                    let remedy = "it was tried for 10 seconds: see whether it runs there";
                    return Err(Error::unavailable(format!("{what}; {remedy}")));
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
        let (mut link, greeting) = self.connect(until.min(Instant::now() + CONNECT))?;
        if self.shared.rules().position() == Id::default() {
            self.before = greeting.stream;
        }
        let mut asks = true;
        while !self.is_level {
            asks = self.step(&mut link, asks)?;
        }
        if let Some(before) = self.before.take().filter(|before| before.newest > Id::default()) {
            self.sink.begin_after(before.newest);
        }
        Ok(link)
    }

    fn connect(&mut self, by: Instant) -> Result<(Link, Greeting), Trouble> {
        let (link, greeting) = self.shared.connector.connect(by)?;
        self.is_level = false;
        // A part of an entry may have come before the connection was cut.
        self.fields.take();
        match self.shared.reads(&link, &greeting) {
            true => Ok((link, greeting)),
            false => Err(Trouble::passing("the hub has ended")),
        }
    }

    /// The life of the thread.
    fn run(mut self, link: Link) {
        let (mut link, mut pause) = (Some(link), SHORTEST);
        loop {
            if let Some(mut link) = link.take() {
                let panics = Panics::default();
                panics.catch(|| self.follow(&mut link));
                self.shared.remote.set_reachable(false);
                self.shared.lost();
                pause = if self.is_level { SHORTEST } else { LONGEST.min(2 * pause) };
            }
            // Not all hubs at once.
            let chance = (random() >> 32) as f64 / f64::from(u32::MAX);
            if !self.shared.pause(pause.mul_f64(0.5 + chance / 2.0)) {
                return;
            }
            match self.connect(Instant::now() + CONNECT) {
                Ok((connected, _)) => {
                    self.shared.remote.count(|stats| stats.reconnects += 1);
                    link = Some(connected);
                }
                Err(_) => pause = LONGEST.min(2 * pause),
            }
        }
    }

    /// Reads for as long as the connection lasts.
    fn follow(&mut self, link: &mut Link) -> Trouble {
        let mut asks = !self.is_level;
        loop {
            match self.step(link, asks) {
                Ok(is_next) => asks = is_next,
                Err(trouble) => return trouble,
            }
        }
    }

    /// Reads once, and says whether there is something to ask with the next read.
    fn step(&mut self, link: &mut Link, asks: bool) -> Result<bool, Trouble> {
        Ok(match self.read(link, asks)? {
            Came::Question => true,
            // A doubt that an answer has left is asked about again, and not at once.
            Came::Nothing => !asks && self.shared.rules().is_in_doubt(),
            // What others add may lie anywhere, and each page would be read twice.
            Came::Entries => !self.is_level,
        })
    }

    /// Reads once. Waits for entries where all were read that there were, and there is nothing
    /// else to ask.
    fn read(&mut self, link: &mut Link, asks: bool) -> Result<Came, Trouble> {
        let waits = self.is_level && !asks;
        let by = |waits| Instant::now() + SILENCE + Duration::from_secs(if waits { 5 } else { 0 });
        link.send(&self.command(asks, waits), by(false))?;
        let known = if asks { self.answer(link, by(false))? } else { None };
        let came = self.entries(link, known.as_ref(), by(waits))?;
        if asks && came == Came::Nothing {
            let loss = self.shared.rules().look(known.as_ref().and_then(Option::as_ref));
            self.lose(loss);
        }
        self.sink.pass();
        Ok(came)
    }

    fn command(&self, asks: bool, waits: bool) -> Vec<u8> {
        let (mut out, key) = (Vec::new(), self.shared.connector.key().as_bytes());
        let position = self.shared.rules().position().text();
        let (position, count) = (position.as_str().as_bytes(), self.count.to_string());
        if asks {
            command(&mut out, &[b"MULTI"]);
            command(&mut out, &[b"XRANGE", key, position, position]);
            command(&mut out, &[b"XINFO", b"STREAM", key]);
        }
        let mut read = vec![&b"XREAD"[..], b"COUNT", count.as_bytes()];
        if waits {
            read.extend([&b"BLOCK"[..], BLOCK.as_bytes()]);
        }
        read.extend([&b"STREAMS"[..], key, position]);
        command(&mut out, &read);
        if asks {
            command(&mut out, &[b"EXEC"]);
        }
        out
    }

    /// What Redis knows, which it was asked together with what follows; `None` if no stream.
    #[allow(clippy::option_option, reason = "whether it was asked, and whether there is a stream")]
    fn answer(&mut self, link: &mut Link, by: Instant) -> Result<Option<Option<Known>>, Trouble> {
        for _ in 0..4 {
            if let Reply::Error(error) = link.reply(by)? {
                return Err(link.refused(&error));
            }
        }
        if link.token(by)? != Token::Array(3) {
            return Err(senseless());
        }
        let has_position = match link.reply(by)? {
            Reply::Error(error) => return Err(link.refused(&error)),
            Reply::Array(entries) => !entries.is_empty(),
            _ => true,
        };
        Ok(Some(match link.reply(by)? {
            Reply::Error(error) if error.contains("no such key") => None,
            Reply::Error(error) => return Err(link.refused(&error)),
            info => {
                let StreamInfo { newest, first, length, added } =
                    StreamInfo::of(&info).ok_or_else(senseless)?;
                let (last_generated, entries_added) = (newest, added);
                Some(Known { last_generated, entries_added, length, first, has_position })
            }
        }))
    }

    /// Takes the entries of a reply.
    fn entries(
        &mut self,
        link: &mut Link,
        known: Option<&Option<Known>>,
        by: Instant,
    ) -> Result<Came, Trouble> {
        match link.token(by)? {
            Token::Null => {
                self.level();
                return Ok(Came::Nothing);
            }
            Token::Array(1) => {}
            Token::Error(error) => {
                let error = String::from_utf8_lossy(error).into_owned();
                return Err(link.refused(&error));
            }
            _ => return Err(senseless()),
        }
        let key = self.shared.connector.key().len();
        let [pair, name] = [
            link.token(by)? == Token::Array(2),
            matches!(link.token(by)?, Token::Bulk(of) if of.len() == key),
        ];
        let Token::Array(count) = link.token(by)? else { return Err(senseless()) };
        if !pair || !name {
            return Err(senseless());
        }
        let mut bytes = 0;
        for at in 0..count {
            let by = Instant::now() + ENTRY;
            let id = match (link.token(by)? == Token::Array(2), link.token(by)?) {
                (true, Token::Bulk(id)) => std::str::from_utf8(id).ok().and_then(Id::parse),
                _ => None,
            };
            let id = id.ok_or_else(senseless)?;
            // The hub has gone on to an entry only once it has all of it.
            bytes += self.fields(link, by)?;
            let mut step = self.shared.rules().read(id, at == 0);
            if step == Step::Ask {
                let Some(known) = known else {
                    self.fields.take();
                    while !link.is_whole() {
                        link.token(Instant::now() + ENTRY)?;
                    }
                    return Ok(Came::Question);
                };
                step = self.shared.rules().settle(id, known.as_ref());
            }
            self.take(id, step);
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
        Ok(Came::Entries)
    }

    /// All was read that there was.
    fn level(&mut self) {
        self.is_level = true;
        self.shared.remote.hear_all();
        self.shared.remote.set_reachable(true);
    }

    /// Reads the fields of an entry, and returns their size.
    fn fields(&mut self, link: &mut Link, by: Instant) -> Result<usize, Trouble> {
        let Token::Array(count) = link.token(by)? else { return Err(senseless()) };
        let mut bytes = 0;
        for at in 0..count {
            match link.token(by)? {
                Token::Bulk(name) if at % 2 == 0 => self.fields.name(name),
                Token::Oversized(_) if at % 2 == 0 => self.fields.name(b""),
                Token::Bulk(value) => {
                    bytes += value.len();
                    self.fields.value(value);
                }
                Token::Oversized(length) => {
                    bytes += length as usize;
                    self.fields.oversized();
                }
                _ => return Err(senseless()),
            }
        }
        Ok(bytes)
    }

    /// Gives an entry to the sink, or tells what is gone in place of it.
    fn take(&mut self, id: Id, step: Step) {
        let (lacks_data, entry) = (self.fields.lacks_data(), self.fields.take());
        let (Step::Deliver(loss) | Step::Drop(loss)) = step else { return };
        if let Some(before) = self.before.take() {
            let is_all = before.first == Some(id) && before.added == before.length;
            if !is_all {
                self.sink.begin_after(before_id(id));
            }
        }
        self.lose(loss);
        if matches!(step, Step::Drop(_)) {
            return;
        }
        if let Some(entry) = entry {
            let time = entry.time.unwrap_or(id.epoch);
            // What comes now came now, whatever clock its publisher has.
            let age = if self.is_level { 0 } else { self.shared.now().saturating_sub(time) };
            let age = Duration::from_millis(age);
            let (channel, event) = (&*entry.channel, &entry.event);
            self.sink.event(&Arrival { id, channel, event, age });
        } else if lacks_data {
            self.lose(Some(Loss { through: id, missed: Some(1), reason: Reason::Evicted }));
        } else {
            self.shared.remote.count(|stats| stats.ignored += 1);
        }
    }

    fn lose(&mut self, loss: Option<Loss>) {
        let Some(loss) = loss else { return };
        self.shared.remote.count(|stats| match loss.reason {
            Reason::Evicted => stats.gaps_evicted += 1,
            _ => stats.gaps_failover += 1,
        });
        self.sink.loss(&loss);
    }
}

/// The greatest id before this one.
fn before_id(id: Id) -> Id {
    match id.sequence.checked_sub(1) {
        Some(sequence) => Id { sequence, ..id },
        None => Id { epoch: id.epoch.saturating_sub(1), sequence: u64::MAX },
    }
}
