//! The journal: the folder in which the hub keeps its events over restarts.
//!
//! ```text
//! tidings: the journal /var/lib/tidings has 3 segments of 188523 bytes, up to the event
//! 1795849075123-1203; 17 bytes after it were no whole event or batch, and were cut off
//! ```

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidings::{Error, History, Hub, Journal, JournalStats, JournalSync, Lag};

use crate::cli::{Failure, plural, say};

/// With less, one segment of the smallest size would be nearly all of it.
pub(super) const LEAST_BYTES: u64 = 128 * 1024;

/// A thousand terabytes: more than any disk has.
pub(super) const MOST_BYTES: u64 = 1_000_000_000_000_000;

/// What the command line says.
#[derive(Debug, Default)]
pub(super) struct Settings {
    folder: Option<PathBuf>,
    sync: Option<JournalSync>,
    pub(super) bytes: Option<u64>,
    pub(super) age: Option<Duration>,
}

impl Settings {
    pub(super) fn set_folder(&mut self, folder: &str) -> Result<(), String> {
        if folder.is_empty() {
            return Err("a folder has a name, such as /var/lib/tidings".into());
        }
        self.folder = Some(folder.into());
        Ok(())
    }

    pub(super) fn set_sync(&mut self, word: &str) {
        self.sync = Some(match word {
            "none" => JournalSync::None,
            "always" => JournalSync::Always,
            _ => JournalSync::Interval,
        });
    }

    pub(super) fn is_given(&self) -> bool {
        self.folder.is_some()
    }

    /// The flags that say how a journal is kept, and whether each was given.
    pub(super) fn ways(&self) -> Vec<(&'static str, bool)> {
        vec![
            ("--journal-sync", self.sync.is_some()),
            ("--journal-bytes", self.bytes.is_some()),
            ("--journal-age", self.age.is_some()),
        ]
    }

    /// Opens the journal, if there is to be one, and says what is in it.
    pub(super) fn open(&self, history: History, lag: Lag) -> Result<Option<Hub>, Failure> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let hub = Hub::journal(self.journal(folder), history, lag)
            .map_err(|error| Failure::Failed(why(&error, folder)))?;
        if let Some(stats) = hub.journal_stats() {
            say(&found(&stats, folder));
        }
        Ok(Some(hub))
    }

    fn journal(&self, folder: &Path) -> Journal {
        let journal = Journal::new(folder).sync(self.sync.unwrap_or_default());
        let journal = self.bytes.into_iter().fold(journal, Journal::bytes);
        self.age.into_iter().fold(journal, Journal::age)
    }
}

/// Why there is no journal, in which folder, and what to do.
fn why(error: &Error, folder: &Path) -> String {
    let said = error.to_string();
    let folder = folder.display().to_string();
    let place = if said.contains(&folder) { String::new() } else { format!("{folder}: ") };
    let kind = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref())
        .map(io::Error::kind);
    let remedy = match kind {
        Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            ": let the hub's user write there, or give --journal another folder"
        }
        Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            ": make room there, or give --journal another folder"
        }
        Some(ErrorKind::NotADirectory | ErrorKind::AlreadyExists) => {
            ": give --journal a folder, or a name where one can be made"
        }
        Some(_) => ": check the disk, or give --journal another folder",
        None => "",
    };
    format!("{place}{said}{remedy}")
}

/// What the hub has found at its start.
fn found(stats: &JournalStats, folder: &Path) -> String {
    let folder = folder.display();
    let JournalStats { segments, bytes, newest, cut_off, .. } = stats;
    let has = match segments {
        0 => "is empty".into(),
        _ => {
            let (segments, bytes) = (plural(*segments, "segment"), plural(*bytes, "byte"));
            format!("has {segments} of {bytes}, up to the event {newest}")
        }
    };
    let cut_off = match cut_off {
        0 => String::new(),
        1 => "; 1 byte after it was no whole event or batch, and was cut off".into(),
        _ => format!("; {cut_off} bytes after it were no whole event or batch, and were cut off"),
    };
    format!("the journal {folder} {has}{cut_off}")
}
