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

/// What a leader has to do.
struct Work<'a> {
    posts: &'a [Posted],
    /// One for each post.
    results: Vec<Option<Result<Appended>>>,
    /// Which posts are still to be sent.
    rest: Vec<usize>,
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
        let rest = (0..posts.len()).collect();
        let mut work = Work { posts, results: posts.iter().map(|_| None).collect(), rest };
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trouble = None;
        while trouble.is_none() && !work.rest.is_empty() {
            trouble = writer.round(&self.shared, &mut work, by).err();
        }
        writer.away = trouble.is_some().then(|| writer.away.unwrap_or_else(Instant::now));
        drop(writer);
        if trouble.is_some() {
            self.shared.doubt();
        }
        let left = || Err(not_published(trouble.as_ref()));
        work.results.into_iter().map(|result| result.unwrap_or_else(left)).collect()
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
            commit::Outcome::Lost => Err(unknown("the hub failed while it published this")),
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
    /// Sends what is left to be sent, and hears what became of it. On trouble nothing of what is
    /// left then was published.
    fn round(&mut self, shared: &Shared, work: &mut Work<'_>, by: Instant) -> Result<(), Trouble> {
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
            Next::Publish(publish) => self.exchange(shared, work, publish, &mut link, by)?,
            Next::Begin => epoch::begin(shared, &mut link, run, by).map(|()| true)?,
            Next::Reconnect => false,
        };
        self.link = is_useful.then_some((link, run));
        Ok(())
    }

    /// Sends what is left of the work, and hears what became of it. Returns whether the link is
    /// still of use.
    fn exchange(
        &mut self,
        shared: &Shared,
        work: &mut Work<'_>,
        publish: Publish,
        link: &mut Link,
        by: Instant,
    ) -> Result<bool, Trouble> {
        let redis = shared.connector.redis();
        self.out.clear();
        let epoch = format!("{}-*", publish.epoch);
        for at in &work.rest {
            work.posts[*at].write(&mut self.out, &epoch, redis.length);
        }
        if redis.replicas > 0 {
            let time = by.saturating_duration_since(Instant::now()).as_millis() / 2;
            let (replicas, time) = (redis.replicas.to_string(), time.max(1).to_string());
            command(&mut self.out, &[b"WAIT", replicas.as_bytes(), time.as_bytes()]);
        }
        let mut said = Vec::with_capacity(work.rest.len());
        let heard = match link.send(&self.out, by) {
            // Then they are left, as they were.
            Err(trouble) if trouble.is_unsent => return Err(trouble),
            Err(trouble) => Err(trouble),
            Ok(()) => hear(link, work, &mut said, redis.replicas, by),
        };
        self.out.shrink_to(2 * MOST);
        let is_useful = work.settle(shared, link, publish, said, &heard);
        if !is_useful {
            shared.doubt();
        }
        heard.map(|_| is_useful)
    }
}

/// Hears what Redis says to what was sent, and whether enough replicas have it.
fn hear(
    link: &mut Link,
    work: &Work<'_>,
    said: &mut Vec<Said>,
    replicas: u32,
    by: Instant,
) -> Result<bool, Trouble> {
    for at in &work.rest {
        said.push(work.posts[*at].read(link.reply(by)?));
    }
    Ok(replicas == 0
        || match link.reply(by)? {
            Reply::Integer(have) => have >= replicas.into(),
            _ => false,
        })
}

impl Work<'_> {
    /// Notes what became of what was sent. What is to be sent again is the rest then. Returns
    /// whether the connection is still of use.
    fn settle(
        &mut self,
        shared: &Shared,
        link: &Link,
        publish: Publish,
        said: Vec<Said>,
        heard: &Result<bool, Trouble>,
    ) -> bool {
        let (at, mut rules, mut is_useful) = (Moment::now(), shared.rules(), true);
        let mut sent = std::mem::take(&mut self.rest).into_iter();
        // In this order: the posts that nothing was said to are left.
        for (said, post) in said.into_iter().zip(sent.by_ref()) {
            let published = |first: Id, count| match heard {
                Ok(false) => Err(unknown("Redis has this, and too few of its replicas do")),
                _ => Ok(Appended { first, text: first.text().into_string(), count, at }),
            };
            let result = match said {
                Said::Now(reply) => match rules.reply(&publish, reply) {
                    Some(first) => published(first, self.posts[post].events),
                    None => {
                        self.rest.push(post);
                        continue;
                    }
                },
                Said::Before(first, count) => published(first, count),
                Said::KeyReused => Err(Error::key_reused()),
                Said::Error(error) => {
                    is_useful &= !is_no_master(&error);
                    Err(not_published(Some(&link.at(Trouble::refused(&error)))))
                }
                Said::Nonsense => Err(unknown("Redis gave a response that makes no sense")),
            };
            self.results[post] = Some(result);
        }
        drop(rules);
        if let Err(trouble) = heard {
            sent.for_each(|post| self.results[post] = Some(Err(unknown(&trouble.what))));
        }
        is_useful
    }
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

#[cold]
fn unknown(why: &str) -> Error {
    Error::unknown(why)
}
