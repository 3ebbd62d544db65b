//! Idempotency keys: what makes a publish that is sent again harmless.
//!
//! Whoever publishes under a key, and doesn't hear how it went, publishes the same again under the
//! same key. It gets the ids of the first time, and nothing is published twice.
//!
//! ```text
//!            begin               finish                 five minutes
//! unknown ──────────► under way ────────► published ──────────────► unknown
//!    ▲                    │
//!    └────────────────────┘ the claim is dropped: the publish failed
//! ```
//!
//! A key is one of its channel, and stands for one list of events, of which the table keeps a
//! [`digest`]. Under another digest the key is refused. While a publish is under way, others with
//! its key wait for its end, so one of any number of them publishes.
//!
//! Each channel has keys of its own, as not everybody may publish on each: whoever guessed the next
//! key of another channel could else use it first, and have what is published there refused, or
//! with a digest that is made to fit, taken for published.
//!
//! The table has no clock: `now` is the time of the hub's logs. It takes memory only for the keys
//! that it knows, some 160 bytes for each beside its own, and gives it back when they are
//! forgotten: whenever a key begins, and by [`Keys::forget_old`].

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::event::Event;
use crate::log::id::Id;
use crate::net::sync::{Condvar, Instant, Mutex, MutexGuard, PoisonError};

/// For how long a key is known after its events were published: long enough for a client that
/// retries over a restart of the hub, or of itself.
pub(crate) const KEPT: Duration = Duration::from_secs(5 * 60);

/// How many keys a hub knows at once: over 300 publishes with a key in each second of the five
/// minutes.
const MOST: usize = 100_000;

/// The longest key, in bytes.
const LONGEST: usize = 255;

/// How long a publish waits for another with its key: longer than a disk that works takes to sync,
/// and not so long that waiting requests hold all workers for good.
const PATIENCE: Duration = Duration::from_secs(5);

/// The keys of a hub, and the publishes under way.
pub(crate) struct Keys {
    table: Mutex<Table>,
    /// A publish under way has ended, and others wait for one.
    ended: Condvar,
    /// How long each of those waits.
    patience: Duration,
}

/// What a publish with a key is to do.
pub(crate) enum Begun<'a> {
    /// Publish. No other publish with this key begins until the claim is finished or dropped.
    New(Claim<'a>),
    /// Nothing: so many events were published already, and the first got this id.
    Again { first: Id, count: usize },
}

/// The right to publish under a key. Dropping it gives the key back, as after a publish that
/// failed: the next one begins anew.
pub(crate) struct Claim<'a> {
    keys: &'a Keys,
    /// `None` once it is finished.
    key: Option<Arc<str>>,
}

/// What the table knows of a key.
#[derive(Debug)]
struct Entry {
    digest: u64,
    /// `None` while the publish is under way.
    published: Option<Published>,
}

#[derive(Clone, Copy, Debug)]
struct Published {
    first: Id,
    count: usize,
    until: Duration,
}

/// What the table says of a key that a publish is to begin with.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// It is under way from now on.
    New(Arc<str>),
    Again {
        first: Id,
        count: usize,
    },
    /// It stands for other events.
    Other,
    /// A publish of the same events is under way.
    Busy,
    /// There are too many keys.
    Full,
}

/// The pure part: no lock, no clock, and nobody waits.
struct Table {
    entries: HashMap<Arc<str>, Entry>,
    /// The keys whose events were published, in the order in which they are forgotten.
    published: VecDeque<(Duration, Arc<str>)>,
    /// How many publishes wait for others.
    waiting: usize,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self::with(PATIENCE)
    }

    fn with(patience: Duration) -> Self {
        let (entries, published) = (HashMap::new(), VecDeque::new());
        Self {
            table: Mutex::new(Table { entries, published, waiting: 0 }),
            ended: Condvar::new(),
            patience,
        }
    }

    /// Begins a publish under a key of this channel, of events with this [`digest`]. Where another
    /// one with the same key is under way, waits for its end. It holds no lock when it returns.
    ///
    /// # Errors
    ///
    /// If the key is none, if it stands for other events, if the one under way doesn't end for five
    /// seconds, or if there are too many keys.
    pub(crate) fn begin(
        &self,
        channel: &str,
        key: &str,
        digest: u64,
        now: impl Fn() -> Duration,
    ) -> Result<Begun<'_>> {
        check(key)?;
        let key = &*of_channel(channel, key);
        let mut table = self.table();
        let mut deadline = None;
        loop {
            match table.begin(key, digest, now()) {
                Found::New(key) => {
                    return Ok(Begun::New(Claim { keys: self, key: Some(key) }));
                }
                Found::Again { first, count } => return Ok(Begun::Again { first, count }),
                Found::Other => return Err(Error::key_reused()),
                Found::Full => return Err(Error::too_many_keys(MOST)),
                Found::Busy => {}
            }
            let end = *deadline.get_or_insert_with(|| Instant::now() + self.patience);
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::key_in_use(self.patience));
            }
            table.waiting += 1;
            let waited = self.ended.wait_timeout(table, left);
            table = waited.unwrap_or_else(PoisonError::into_inner).0;
            table.waiting -= 1;
        }
    }

    /// Learns of a publish from before the start of the hub. Those of one start come in the order
    /// of their times.
    #[allow(dead_code, reason = "only an order that remembers calls it")]
    pub(crate) fn learn(
        &self,
        channel: &str,
        key: &str,
        digest: u64,
        first: Id,
        count: usize,
        at: Duration,
    ) {
        let mut table = self.table();
        // A journal has more than five minutes.
        table.forget_old(at);
        if table.entries.len() < MOST {
            let key = of_channel(channel, key).into();
            table.publish(key, digest, Published { first, count, until: at + KEPT });
        }
    }

    /// Forgets keys that are over, and gives back their memory. This costs nothing where there are
    /// none.
    pub(crate) fn forget_old(&self, now: Duration) {
        self.table().forget_old(now);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a publish under way: the key is given back, or stands for what was published.
    fn end(&self, key: Arc<str>, published: Option<Published>) {
        let mut table = self.table();
        if let (Some(Entry { digest, .. }), Some(published)) =
            (table.entries.remove(&key), published)
        {
            table.publish(key, digest, published);
        }
        // A waiting publish is rare, and waking nobody is a call of the system too.
        if table.waiting > 0 {
            drop(table);
            self.ended.notify_all();
        }
    }
}

impl Claim<'_> {
    /// The events are published: so many, and the first has this id. Those who wait get the same.
    pub(crate) fn finish(mut self, first: Id, count: usize, now: Duration) {
        if let Some(key) = self.key.take() {
            self.keys.end(key, Some(Published { first, count, until: now + KEPT }));
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.keys.end(key, None);
        }
    }
}

impl Table {
    fn begin(&mut self, key: &str, digest: u64, now: Duration) -> Found {
        self.forget_old(now);
        if let Some(entry) = self.entries.get(key) {
            return match entry.published {
                _ if entry.digest != digest => Found::Other,
                Some(Published { first, count, .. }) => Found::Again { first, count },
                None => Found::Busy,
            };
        }
        if self.entries.len() >= MOST {
            return Found::Full;
        }
        let key: Arc<str> = key.into();
        self.entries.insert(Arc::clone(&key), Entry { digest, published: None });
        Found::New(key)
    }

    fn publish(&mut self, key: Arc<str>, digest: u64, published: Published) {
        self.published.push_back((published.until, Arc::clone(&key)));
        self.entries.insert(key, Entry { digest, published: Some(published) });
    }

    fn forget_old(&mut self, now: Duration) {
        let known = self.published.len();
        while let Some((_, key)) = self.published.front().filter(|(until, _)| *until <= now) {
            // One that was learned twice goes with the later of both.
            let published = self.entries.get(key).and_then(|entry| entry.published);
            if published.is_some_and(|published| published.until <= now) {
                self.entries.remove(key);
            }
            self.published.pop_front();
        }
        if self.published.len() < known {
            self.give_back();
        }
    }

    /// Keeps room for as many again as there are: the memory that is given back is in proportion to
    /// the keys that have gone, and so is the work.
    fn give_back(&mut self) {
        let room = self.entries.len() * 2;
        if self.entries.capacity() > room * 2 {
            self.entries.shrink_to(room);
            self.published.shrink_to(room);
        }
    }
}

/// Fails unless this can be a key: 1 to 255 bytes of printable ASCII.
fn check(key: &str) -> Result<()> {
    let is_printable = |byte: u8| matches!(byte, b' '..=b'~');
    if (1..=LONGEST).contains(&key.len()) && key.bytes().all(is_printable) {
        return Ok(());
    }
    Err(Error::invalid_value(format!(
        "an idempotency key is 1 to {LONGEST} characters of printable ASCII, such as a UUID"
    )))
}

/// What the table has for a key of this channel. No key has a line end, so no two have the same.
fn of_channel(channel: &str, key: &str) -> String {
    [key, "\n", channel].concat()
}

/// What tells one publish from another under the same key: FNV-1a, in 64 bits, of the channel's
/// name, its length before it, and the events as they are sent without ids. It tells mistakes, not
/// attacks: a publish with the same digest under the same key is one on the same channel.
pub(crate) fn digest<'a>(channel: &str, events: impl IntoIterator<Item = &'a Event>) -> u64 {
    let start = fnv_1a(OFFSET_BASIS, &(channel.len() as u64).to_le_bytes());
    let named = fnv_1a(start, channel.as_bytes());
    let mut encoded = Vec::new();
    events.into_iter().fold(named, |hash, event| {
        encoded.clear();
        encoded.reserve(event.len_with(None));
        event.encode_with(None, &mut encoded);
        fnv_1a(hash, &encoded)
    })
}

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv_1a(hash: u64, bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests;
