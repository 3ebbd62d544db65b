//! A hub with a journal: what its logs begin with.

use std::sync::Arc;
use std::time::Duration;

use super::hub::Hub;
use crate::error::Result;
use crate::event::EventId;
use crate::log::History;
use crate::log::cursor::Lag;
use crate::log::id::Epochs;
use crate::order::Order;
use crate::order::journal::folder::FolderLock;
use crate::order::journal::options::milliseconds;
use crate::order::journal::order::{JournalOrder, Stats, now};
use crate::order::journal::recent::{Recent, how_many, read_recent};
use crate::order::journal::store::Store;
use crate::order::journal::{Journal, JournalStats};
use crate::order::keys::KEPT;
use crate::order::sequence::Sequence;

/// How many channels a start fills at most. Events of more are in the journal alone until they are
/// published on again.
const CHANNELS: usize = 20_000;

impl Hub {
    /// A hub that keeps its events in a folder, and goes on where the last one in it ended: ids
    /// rise over restarts, and a stream resumes with one of any age that the journal keeps.
    ///
    /// Opening it reads the newest 32 MiB into the channels, as far as `history` allows, and up to
    /// 128 MiB if these came in the last five minutes, for which idempotency keys are known.
    /// Streams read what is older from the journal itself. So a stream that lags gets what it
    /// missed from there, and `lag` only matters where the journal has lost events.
    ///
    /// A publish returns once its event is written, or synced ([`JournalSync`]). If the disk is
    /// full, publishing fails ([`is_storage_full`]) until there is room. Where a sync fails,
    /// nothing is published any more ([`is_storage_failed`]); streams go on. What is left
    /// is synced when the hub's last clone and the last of its channels are dropped, or by
    /// [`sync`](Self::sync).
    ///
    /// ```
    /// use tidings::{History, Hub, Journal, Lag};
    ///
    /// # let folder = std::env::temp_dir().join(format!("tidings-doc-{}", std::process::id()));
    /// let open = || Hub::journal(Journal::new(&folder), History::default(), Lag::default());
    /// let first = open()?.channel("weather").send("rain")?;
    /// let hub = open()?;
    /// assert_eq!(hub.channel("weather").kept(), 1);
    /// assert!(hub.channel("weather").send("sun")? != first);
    /// # drop(hub);
    /// # std::fs::remove_dir_all(folder)?;
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If another hub uses the folder, if it can't be read or written, if a segment there has the
    /// format of another version or another one's name, or if the system gives no thread. The
    /// message says what to do.
    ///
    /// [`JournalSync`]: crate::JournalSync
    /// [`is_storage_full`]: crate::Error::is_storage_full
    /// [`is_storage_failed`]: crate::Error::is_storage_failed
    pub fn journal(journal: Journal, history: History, lag: Lag) -> Result<Self> {
        let (store, lock) = journal.open()?;
        Self::over(store, Some(lock), history, lag, now())
    }

    /// The same over a store that was opened, at this time in milliseconds since 1970.
    fn over(
        store: Store,
        lock: Option<FolderLock>,
        history: History,
        lag: Lag,
        now: u64,
    ) -> Result<Self> {
        let (disk, segments) = (Arc::clone(store.disk()), store.segments().list());
        let epochs = epochs(&store);
        let newest = epochs.place(store.newest()).unwrap_or_default();
        // Long enough for the age of all that is read, and short enough to be counted on from.
        let oldest = history.age.max(KEPT).min(Duration::from_secs(u32::MAX.into()));
        let sequence = Arc::new(Sequence::resumed(epochs, newest, oldest));
        let order: Arc<dyn Order> = Arc::new(JournalOrder::start(store, sequence, lock)?);
        let mut filled = Filled { order, history, lag, now, came: Duration::ZERO, hub: None };
        let most = how_many(&*disk, &segments, now.saturating_sub(milliseconds(KEPT)));
        read_recent(&*disk, &segments, most, |recent| filled.add(recent));
        Ok(filled.hub.take().unwrap_or_else(|| filled.hub_after(newest)))
    }

    /// Waits until everything that was published is on the disk, whatever the [`JournalSync`], and
    /// for as long as the disk takes. A program calls it at its end if a thread may still hold the
    /// hub or one of its channels then. Does nothing without a journal.
    ///
    /// # Errors
    ///
    /// If a sync fails, or one has failed before ([`is_storage_failed`]).
    ///
    /// [`JournalSync`]: crate::JournalSync
    /// [`is_storage_failed`]: crate::Error::is_storage_failed
    pub fn sync(&self) -> Result<()> {
        self.order().journal().map_or(Ok(()), JournalOrder::sync)
    }

    /// How large the journal is and whether it works, if the hub has one. Waits for no disk.
    pub fn journal_stats(&self) -> Option<JournalStats> {
        let order = self.order();
        let Stats { segments, bytes, cut_off, failed, refused } = order.journal()?.stats();
        let sequence = order.sequence();
        let newest = EventId::of_channel(sequence.id(sequence.newest()).text().into_string());
        Some(JournalStats { segments: segments as u64, bytes, newest, cut_off, failed, refused })
    }
}

/// The epochs of all segments, that of the event before them, that of the store, and the one before
/// everything.
fn epochs(store: &Store) -> Epochs {
    let mut earlier = vec![0];
    let list = store.segments().list();
    earlier.extend(list.first().map(|oldest| oldest.header.after.epoch));
    earlier.extend(list.iter().map(|segment| segment.first.epoch));
    earlier.dedup();
    Epochs::rising(earlier, store.epoch())
}

/// A hub as it fills with what the journal has.
struct Filled {
    order: Arc<dyn Order>,
    history: History,
    lag: Lag,
    /// In milliseconds since 1970.
    now: u64,
    /// When the event before came, as the logs know it.
    came: Duration,
    /// None before the first event that it keeps.
    hub: Option<Hub>,
}

impl Filled {
    /// One without events, whose streams are sent those up to this place from the journal.
    fn hub_after(&self, place: u64) -> Hub {
        Hub::with_order(Arc::clone(&self.order), self.history, self.lag, place)
    }

    fn add(&mut self, recent: Recent<'_>) {
        let Recent::Event { head, parts } = recent else {
            // Logs have no holes: streams are told of this one by the journal.
            self.hub = None;
            return;
        };
        let sequence = Arc::clone(self.order.sequence());
        let Some(place) = sequence.epochs().place(head.id) else { return };
        let age = Duration::from_millis(self.now.saturating_sub(head.time));
        let came = sequence.aged(age).max(self.came);
        self.came = came;
        if let Some((key, digest)) = head.key {
            let count = head.batch.unwrap_or(1) as usize;
            self.order.keys().learn(head.channel, key, digest, head.id, count, came);
        }
        if self.hub.as_ref().is_some_and(|hub| hub.len() >= CHANNELS) {
            self.hub = None;
        }
        if self.hub.is_none() {
            if age > self.history.age {
                return;
            }
            self.hub = Some(self.hub_after(place - 1));
        }
        if let Some(hub) = &self.hub {
            let len = parts.iter().map(|part| part.len()).sum::<usize>() + 1;
            hub.preload(head.channel, place, came, len, |out| {
                parts.iter().for_each(|part| out.extend_from_slice(part));
                out.push(b'\n');
            });
        }
    }
}

#[cfg(test)]
mod tests;
