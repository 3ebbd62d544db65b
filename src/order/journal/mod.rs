//! The journal: a folder of segments, each of which is an event stream.
//!
//! ```text
//! publish ─► order: queue, leader ─► store: one write, one sync ─► segments
//!                        └─► logs ─► streams                          │
//!                                       └◄── past: what logs no longer have
//! ```
//!
//! | file | what it is |
//! | --- | --- |
//! | [`block`], [`crc`], [`scan`] | the format: an event, its sum, and one after the other |
//! | [`disk`], [`folder`] | files as the journal uses them, and those of the system |
//! | [`store`], [`segments`], [`options`] | writing: segments, syncs, bounds |
//! | [`open`] | recovery after a crash |
//! | [`order`] | group commit, delivery to the logs, the thread of `interval` |
//! | [`recent`] | what a start reads into the logs |
//! | [`walk`], [`find`] | reading files, and finding a place in them |
//! | [`past`] | what streams are sent that is no longer in the logs |
//! | [`reader`] | a journal as it is seen from outside |

pub(crate) mod block;
pub(crate) mod crc;
pub(crate) mod disk;
pub(crate) mod find;
pub(crate) mod folder;
pub(crate) mod open;
pub(crate) mod options;
pub(crate) mod order;
pub(crate) mod past;
pub(crate) mod reader;
pub(crate) mod recent;
pub(crate) mod scan;
pub(crate) mod segments;
#[cfg(test)]
pub(crate) mod sim;
pub(crate) mod store;
pub(crate) mod walk;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::event::EventId;
use folder::{Folder, FolderLock};
pub use options::JournalSync;
use options::Options;
use order::now;
use store::Store;

/// A folder in which a hub keeps its events, over restarts, crashes and power cuts:
/// [`Hub::journal`](crate::Hub::journal).
///
/// The folder holds *segments*: files named `<id of the first event>.sse`, each of which is an
/// event stream that any pager, `curl file://` or `tidings mock` can read. Each hub that starts in
/// the folder begins an *epoch*, the first number of its ids, which is greater than all before.
/// One hub uses a folder at a time, of whatever process; other files in the folder are left alone.
///
/// ```
/// use std::time::Duration;
/// use tidings::{Journal, JournalSync};
///
/// let journal = Journal::new("/var/lib/tidings")
///     .sync(JournalSync::Always)
///     .bytes(10 * 1024 * 1024 * 1024)
///     .age(Duration::from_secs(30 * 24 * 60 * 60));
/// # drop(journal);
/// ```
#[derive(Clone, Debug)]
pub struct Journal {
    folder: PathBuf,
    options: Options,
}

/// A journal is as large as a channel's history is by default, a thousand times over.
const BYTES: u64 = 1024 * 1024 * 1024;

impl Journal {
    /// A journal in this folder, which is made if it isn't there. Nothing happens before a hub is
    /// made with it.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let options = Options { sync: JournalSync::default(), bytes: BYTES, age: None };
        Self { folder: folder.into(), options }
    }

    /// When data is synced. Defaults to [`JournalSync::Interval`].
    #[must_use]
    pub fn sync(mut self, sync: JournalSync) -> Self {
        self.options.sync = sync;
        self
    }

    /// How many bytes the segments have together at most. Where that is exceeded, the oldest ones
    /// go, never the newest; a segment has a sixteenth of this, and 64 KiB at least and 64 MiB at
    /// most. Defaults to 1 GiB.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.options.bytes = bytes;
        self
    }

    /// For how long events are kept: at the start, and with the next event that is published,
    /// segments go whose newest event is older, but never the newest segment. A new one begins
    /// after a sixteenth of this. Defaults to no bound.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.options.age = Some(age);
        self
    }

    /// Opens the folder, for one hub that nobody else has yet. What its logs are to begin with is
    /// still to be read.
    pub(crate) fn open(&self) -> Result<(Store, FolderLock)> {
        let failed = |error| {
            let folder = self.folder.display();
            Error::io(format!("can't use the folder {folder} for a journal"), error)
        };
        let folder = Folder::make(&self.folder).map_err(failed)?;
        let lock = folder.lock()?;
        let now = now();
        let mut store = Store::open(Arc::new(folder), self.options, now)?;
        store.keep_bounds(now);
        Ok((store, lock))
    }
}

/// The state of a journal at one moment: [`Hub::journal_stats`](crate::Hub::journal_stats).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JournalStats {
    /// How many segments there are.
    pub segments: u64,
    /// How many bytes they have together.
    pub bytes: u64,
    /// The id of the newest event, of this start or an earlier one; `0-0` if there is none.
    pub newest: EventId,
    /// How many bytes were cut off when the journal was opened: of events that a crash had torn.
    pub cut_off: u64,
    /// Whether a sync has failed. Nothing is published any more then.
    pub failed: bool,
    /// How many publishes the journal did not take, as its disk is full, fails or is busy.
    pub refused: u64,
}
