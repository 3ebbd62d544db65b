//! Publishing over Redis.
//!
//! ```text
//! publisher ─┐                              ┌─ ids ─► each publisher
//! publisher ─┼─► queue ─► leader ─► Redis ──┤
//! publisher ─┘      one pipeline, replies   └─ XREAD ─► tidings-order ─► logs and streams
//! ```
//!
//! The leader of the [queue](crate::order::commit) sends the posts of all that wait, and hears what
//! became of them. A post is published once Redis has said so, or so many of its replicas have.
//! Logs are filled by the [reader](super::reader) alone.
//!
//! **Who waits how long.** A post waits 500 ms for a leader. A leader has 1,500 ms: to connect, to
//! send, and to hear. After two seconds without Redis a leader tries for 250 ms only.
//!
//! **What is not known.** A post that was sent and not replied to may be published or not: its
//! publisher is told so. A post that wasn't sent, or that Redis refused, is not published.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::entry::is_name;
use super::greeting::{Trouble, milliseconds};
use super::link::Link;
use super::options::Redis;
use super::post::{Posted, Said};
use super::reader::Reader;
use super::resp::{Reply, command};
use super::rules::{Next, Outcome, Publish, Rules, Wanted};
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::log::id::Id;
use crate::net::moment::Moment;
use crate::order::commit::{self, Commit};
use crate::order::keys::Keys;
use crate::order::remote::{Remote, Sink};
use crate::order::sequence::Sequence;
use crate::order::shared_log::SharedLog;
use crate::order::{Appended, Order, Post};
use crate::random::random;

/// How long a post waits for its turn.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a leader takes at most.
const DEADLINE: Duration = Duration::from_millis(1500);

/// Redis has been away for so long that nobody waits for it any more: a leader tries for `QUICK`.
const AWAY: Duration = Duration::from_secs(2);
const QUICK: Duration = Duration::from_millis(250);

/// How many bytes a leader sends at once, or one post.
const MOST: usize = 1024 * 1024;

/// How many bytes an event may take: no more than is read again.
const LARGEST: usize = 16 * 1024 * 1024;

/// Owned by the hub, whose last owner ends the reader.
pub(crate) struct RedisOrder {
    sequence: Arc<Sequence>,
    keys: Keys,
    queue: Commit<Posted, Result<Appended>>,
    /// A leader's alone.
    writer: Mutex<Writer>,
    shared: Arc<Shared>,
    reader: OnceLock<JoinHandle<()>>,
}

/// The connection that publishes.
#[derive(Default)]
struct Writer {
    /// With the number of its run.
    link: Option<(Link, u64)>,
    away: Option<Instant>,
    out: Vec<u8>,
}

/// What becomes of a post.
enum Fate {
    /// It is to be sent: like this, if that is known.
    Waits(Option<Publish>),
    /// It was sent like this, or is being sent.
    Sent(Publish),
    Came(Result<Appended>),
}

impl RedisOrder {
    /// One whose hub keeps no events that are older than this. It does nothing before it
    /// [begins](Self::begin).
    pub(crate) fn new(redis: Redis, oldest: Duration) -> Self {
        Self {
            sequence: Arc::new(Sequence::elsewhere(oldest)),
            keys: Keys::new(),
            queue: Commit::new(MOST, Posted::len, PATIENCE),
            writer: Mutex::default(),
            shared: Arc::new(Shared::new(redis)),
            reader: OnceLock::new(),
        }
    }

    /// Gives the sink what there is in Redis, and then what comes, on a thread.
    ///
    /// # Errors
    ///
    /// If Redis can't be used, or not within ten seconds; or if the system gives no thread.
    pub(crate) fn begin(&self, sink: Box<dyn Sink>) -> Result<()> {
        let _ = self.reader.set(Reader::begin(Arc::clone(&self.shared), sink)?);
        Ok(())
    }

    fn lead(&self, posts: &[Posted]) -> Vec<Result<Appended>> {
        let by = Instant::now() + DEADLINE;
        let mut fates: Vec<Fate> = posts.iter().map(|_| Fate::Waits(None)).collect();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trouble = None;
        while trouble.is_none() && fates.iter().any(|fate| matches!(fate, Fate::Waits(_))) {
            trouble = writer.round(&self.shared, posts, &mut fates, by).err();
        }
        writer.away = trouble.is_some().then(|| writer.away.unwrap_or_else(Instant::now));
        drop(writer);
        if trouble.is_some() {
            self.shared.doubt();
        }
        let result = |fate| match (fate, &trouble) {
            (Fate::Came(result), _) => result,
            (Fate::Sent(_), Some(trouble)) if !trouble.is_unsent => {
                Err(Error::unknown(&*trouble.what))
            }
            _ => Err(not_published(trouble.as_ref())),
        };
        fates.into_iter().map(result).collect()
    }
}

impl Order for RedisOrder {
    fn sequence(&self) -> &Arc<Sequence> {
        &self.sequence
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    fn remote(&self) -> Option<&Remote> {
        Some(&self.shared.remote)
    }

    fn append(&self, to: &Arc<SharedLog>, post: &Post<'_>) -> Result<Appended> {
        to.admit(&to.lock(), post)?;
        let Some(name) = to.name().filter(|name| is_name(name)) else {
            return Err(Error::invalid(
                "the name of a channel over Redis must have no more than 1,024 bytes, and none of \
                 CR, LF and NUL",
            ));
        };
        post.events.iter().try_for_each(|event| event.check_len(None, LARGEST).map(drop))?;
        let posted = Posted::new(self.shared.connector.key(), name, post, self.shared.now());
        let result = match self.queue.run(posted, |posts| self.lead(posts)) {
            commit::Outcome::Result(result) => result,
            commit::Outcome::Late => Err(not_published(None)),
            commit::Outcome::Lost => Err(Error::unknown("the hub failed while it published this")),
        };
        if let Err(error) = &result {
            self.shared.remote.count(|stats| {
                stats.refused += u64::from(error.is_unavailable());
                stats.unknown += u64::from(error.is_outcome_unknown());
            });
        }
        result
    }
}

impl Drop for RedisOrder {
    fn drop(&mut self) {
        self.shared.end();
        // The reader may have been the last to hold the hub.
        let reader = self.reader.take();
        if let Some(reader) = reader.filter(|of| of.thread().id() != thread::current().id()) {
            let _ = reader.join();
        }
    }
}

impl Writer {
    /// Does the next thing for posts that wait: connects, begins an epoch, or sends them and hears
    /// what became of them.
    fn round(
        &mut self,
        shared: &Shared,
        posts: &[Posted],
        fates: &mut [Fate],
        by: Instant,
    ) -> Result<(), Trouble> {
        if Instant::now() >= by {
            return Err(Trouble::passing("Redis has refused this too often"));
        }
        self.link.take_if(|_| shared.is_stale());
        // It is put back once it is of use: not after trouble, and not after a panic.
        let (mut link, run) = match self.link.take() {
            Some(of) => of,
            None => {
                let is_away = self.away.is_some_and(|since| since.elapsed() > AWAY);
                let by = if is_away { by.min(Instant::now() + QUICK) } else { by };
                let (link, greeting) = shared.connector.connect(by)?;
                (link, shared.publishes(&greeting))
            }
        };
        let planned = plan(&shared.rules(), run, fates);
        match planned {
            Ok(()) if self.exchange(shared, posts, fates, &mut link, by)? => {}
            Ok(()) => {
                shared.doubt();
                return Ok(());
            }
            Err(Next::Time) => renew(shared, &mut link, by)?,
            Err(_) => return Ok(()),
        }
        self.link = Some((link, run));
        Ok(())
    }

    /// Sends what is planned, and hears what became of it. Returns whether the link is still of
    /// use.
    fn exchange(
        &mut self,
        shared: &Shared,
        posts: &[Posted],
        fates: &mut [Fate],
        link: &mut Link,
        by: Instant,
    ) -> Result<bool, Trouble> {
        let Redis { length, replicas, .. } = *shared.connector.redis();
        self.out.clear();
        self.out.shrink_to(2 * MOST);
        let (mut wanted, mut id) = (None, String::new());
        for (post, fate) in posts.iter().zip(&*fates) {
            let Fate::Sent(publish) = fate else { continue };
            if wanted.replace(publish.wanted) != Some(publish.wanted) {
                id = publish.wanted.to_string();
            }
            post.write(&mut self.out, &id, publish.creates, length);
        }
        if replicas > 0 {
            let time = by.saturating_duration_since(Instant::now()).as_millis() / 2;
            let (replicas, time) = (replicas.to_string(), time.max(1).to_string());
            command(&mut self.out, &[b"WAIT", replicas.as_bytes(), time.as_bytes()]);
        }
        link.send(&self.out, by)?;
        hear(shared, posts, fates, link, by)
    }
}

/// Decides how posts that wait are sent, or says what comes before.
fn plan(rules: &Rules, run: u64, fates: &mut [Fate]) -> Result<(), Next> {
    let mut place = 0;
    for fate in fates {
        let Fate::Waits(publish) = fate else { continue };
        let publish = match publish.map_or_else(|| rules.next(run, place), Next::Publish) {
            Next::Publish(publish) => publish,
            other if place == 0 => return Err(other),
            _ => break,
        };
        *fate = Fate::Sent(publish);
        place += 1;
        // A post that was published before under its key begins no epoch: see first.
        if matches!(publish.wanted, Wanted::First(_)) {
            break;
        }
    }
    Ok(())
}

/// Begins a new epoch.
fn renew(shared: &Shared, link: &mut Link, by: Instant) -> Result<(), Trouble> {
    let mut out = Vec::new();
    command(&mut out, &[b"TIME"]);
    link.send(&out, by)?;
    let time = milliseconds(&link.good(by)?).map_err(|trouble| link.at(trouble))?;
    if shared.rules().renew(time, random()) {
        shared.remote.count(|stats| stats.epochs += 1);
    }
    Ok(())
}

/// Hears what became of what was sent. Returns whether the link is still of use.
fn hear(
    shared: &Shared,
    posts: &[Posted],
    fates: &mut [Fate],
    link: &mut Link,
    by: Instant,
) -> Result<bool, Trouble> {
    let replicas = shared.connector.redis().replicas;
    let (mut is_useful, mut held) = (true, Vec::new());
    for (post, fate) in posts.iter().zip(fates) {
        let Fate::Sent(publish) = fate else { continue };
        let came = match post.read(link.reply(by)?) {
            Said::Now(reply) => match shared.rules().reply(publish, reply) {
                Outcome::Published(first) => published(first, post.events),
                Outcome::Again(publish) => Fate::Waits(Some(publish)),
                Outcome::Renew => Fate::Waits(None),
                Outcome::Refused => Fate::Came(Err(Error::unavailable(
                    "the stream in Redis has no ids left: somebody has added the greatest one",
                ))),
            },
            Said::Before(first, count) => published(first, count),
            Said::KeyReused => Fate::Came(Err(Error::key_reused())),
            Said::Error(error) => {
                is_useful &= !is_no_master(&error);
                Fate::Came(Err(not_published(Some(&link.at(Trouble::refused(&error))))))
            }
            Said::Nonsense => {
                Fate::Came(Err(Error::unknown("Redis gave a response that makes no sense")))
            }
        };
        match came {
            Fate::Came(Ok(appended)) if replicas > 0 => held.push((fate, appended)),
            came => *fate = came,
        }
    }
    if replicas > 0 {
        let is_enough = matches!(link.reply(by)?, Reply::Integer(have) if have >= replicas.into());
        let few = || Error::unknown("Redis has this, and too few of its replicas do");
        for (fate, appended) in held {
            *fate = Fate::Came(if is_enough { Ok(appended) } else { Err(few()) });
        }
    }
    Ok(is_useful)
}

fn published(first: Id, count: usize) -> Fate {
    let text = first.text().into_string();
    Fate::Came(Ok(Appended { first, text, count, at: Moment::now() }))
}

/// Whether this error says that another server is the master, or may be.
fn is_no_master(error: &str) -> bool {
    ["READONLY", "LOADING", "MASTERDOWN"].iter().any(|word| error.starts_with(word))
}

#[cold]
fn not_published(trouble: Option<&Trouble>) -> Error {
    let why = trouble.map_or("Redis is slow, and others wait for it", |trouble| &trouble.what);
    Error::unavailable(why)
}
