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
use super::epoch;
use super::greeting::Trouble;
use super::link::Link;
use super::options::Redis;
use super::post::{Posted, Said};
use super::reader::Reader;
use super::resp::{Reply, command};
use super::rules::{Next, Publish};
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
    /// It is to be sent.
    Waits,
    /// It was sent, or is being sent.
    Sent,
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
        let mut fates: Vec<Fate> = posts.iter().map(|_| Fate::Waits).collect();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trouble = None;
        while trouble.is_none() && fates.iter().any(|fate| matches!(fate, Fate::Waits)) {
            trouble = writer.round(&self.shared, posts, &mut fates, by).err();
        }
        writer.away = trouble.is_some().then(|| writer.away.unwrap_or_else(Instant::now));
        drop(writer);
        if trouble.is_some() {
            self.shared.doubt();
        }
        let result = |fate| match (fate, &trouble) {
            (Fate::Came(result), _) => result,
            (Fate::Sent, Some(trouble)) if !trouble.is_unsent => {
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
            return Err(Error::invalid_value(
                "the name of a channel over Redis must have no more than 1,024 bytes, and none of \
                 CR, LF and NUL",
            ));
        };
        post.events.iter().try_for_each(|event| event.check_len(None, LARGEST).map(drop))?;
        let (connector, now) = (&self.shared.connector, self.shared.now());
        let posted = Posted::new(connector.key(), connector.redis().length, name, post, now);
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
        let next = shared.rules().next(run);
        let is_useful = match next {
            Next::Publish(publish) => {
                self.send(shared, posts, fates, publish.epoch, &mut link, by)?;
                hear(shared, posts, fates, &publish, &mut link, by)?
            }
            Next::Begin => epoch::begin(shared, &mut link, run, by).map(|()| true)?,
            Next::Reconnect => false,
        };
        self.link = is_useful.then_some((link, run));
        Ok(())
    }

    /// Sends the posts that wait.
    fn send(
        &mut self,
        shared: &Shared,
        posts: &[Posted],
        fates: &mut [Fate],
        epoch: u64,
        link: &mut Link,
        by: Instant,
    ) -> Result<(), Trouble> {
        let (replicas, epoch) = (shared.connector.redis().replicas, format!("{epoch}-*"));
        self.out.clear();
        self.out.shrink_to(2 * MOST);
        for (post, fate) in posts.iter().zip(fates) {
            if matches!(fate, Fate::Waits) {
                post.write(&mut self.out, &epoch);
                *fate = Fate::Sent;
            }
        }
        if replicas > 0 {
            let time = by.saturating_duration_since(Instant::now()).as_millis() / 2;
            let (replicas, time) = (replicas.to_string(), time.max(1).to_string());
            command(&mut self.out, &[b"WAIT", replicas.as_bytes(), time.as_bytes()]);
        }
        link.send(&self.out, by)
    }
}

/// Hears what became of the posts that were sent. Returns whether the link is still of use.
fn hear(
    shared: &Shared,
    posts: &[Posted],
    fates: &mut [Fate],
    publish: &Publish,
    link: &mut Link,
    by: Instant,
) -> Result<bool, Trouble> {
    let replicas = shared.connector.redis().replicas;
    let (mut is_useful, mut held) = (true, Vec::new());
    for (post, fate) in posts.iter().zip(fates) {
        if !matches!(fate, Fate::Sent) {
            continue;
        }
        let published = |first: Id, count| {
            let (text, at) = (first.text().into_string(), Moment::now());
            Ok(Appended { first, text, count, at })
        };
        let result = match post.read(link.reply(by)?) {
            Said::Now(reply) => match shared.rules().reply(publish, reply) {
                Some(first) => published(first, post.events),
                None => {
                    *fate = Fate::Waits;
                    continue;
                }
            },
            Said::Before(first, count) => published(first, count),
            Said::KeyReused => Err(Error::key_reused()),
            Said::Error(error) => {
                is_useful &= !is_no_master(&error);
                Err(not_published(Some(&link.at(Trouble::refused(&error)))))
            }
            Said::Nonsense => {
                // What comes next need not be the reply to what is sent next.
                is_useful = false;
                Err(Error::unknown("Redis gave a response that makes no sense"))
            }
        };
        match result {
            Ok(appended) if replicas > 0 => held.push((fate, appended)),
            result => *fate = Fate::Came(result),
        }
    }
    if replicas > 0 {
        let is_enough = matches!(link.reply(by)?, Reply::Integer(have) if have >= replicas.into());
        let few = || Error::unknown("Redis has this, and too few of its replicas do");
        for (fate, appended) in held {
            *fate = Fate::Came(if is_enough { Ok(appended) } else { Err(few()) });
        }
    }
    if !is_useful {
        shared.doubt();
    }
    Ok(is_useful)
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
