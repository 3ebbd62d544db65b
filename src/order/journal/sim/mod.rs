//! A disk in memory that forgets and fails as real ones do, and always alike for one seed.
//!
//! What has not been synced when the power goes is lost block by block, each for itself: any of the
//! contents that a block has had since its last sync may be there afterwards, or the synced one. So
//! it is with the length of a file, and with the names in the folder. What has been synced stays.
//! A sync that fails may have written some blocks; the others are never written by a later one, as
//! the system takes them for clean, though each process goes on seeing them.
//!
//! ```text
//! write, write, sync, write, CUT     the first two are there; of the third, any blocks
//! create, CUT                        the file is there or not
//! remove, CUT                        the file is gone or not
//! ```
//!
//! The power can be cut within any write, after any of its bytes. From then on every call fails
//! until [`SimDisk::restart`], and files that were open before it fail for ever: who holds one is
//! dead. A process that is merely killed loses nothing of what it has written, and what was not
//! synced can still be lost later.

mod file;
mod handle;
mod lives;
mod model;
mod tests;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::file::Content;
use self::handle::SimFile;
use super::disk::{Disk, DiskFile};
use crate::fuzz::random::Random;

/// A clone is the same disk.
#[derive(Clone)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

/// What a call does, as far as it can be told to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    List,
    Create,
    Open,
    Remove,
    SyncFolder,
    Len,
    Read,
    Write,
    SetLen,
    Sync,
}

impl Call {
    fn is_sync(self) -> bool {
        matches!(self, Self::Sync | Self::SyncFolder)
    }
}

/// How a disk fails beside losing its power.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Once in so many calls, one fails with EIO, or ENOSPC where that can be. Never if zero.
    pub(crate) once_in: usize,
    /// No file can be made or become longer.
    pub(crate) full: bool,
    /// Every sync fails.
    pub(crate) no_sync: bool,
}

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The system goes on, and has all that was written.
    Kill,
    Power,
}

struct State {
    random: Random,
    /// How many bytes are lost or kept together: 4 KiB, or less, so that short files have several.
    block: usize,
    /// A file that was opened in an earlier life is dead.
    life: u64,
    /// Whether the power is off.
    off: bool,
    /// How much is done until the power goes: one for each call, and one for each byte written.
    left: Option<u64>,
    /// How much was done in this life.
    done: u64,
    faults: Faults,
    /// The calls of this life that failed, other than by the power.
    failed: Vec<Call>,
    contents: Vec<Content>,
    /// The names as a process sees them, and which of the contents each has.
    names: BTreeMap<String, usize>,
    /// And as they were when the folder was last synced.
    synced_names: BTreeMap<String, usize>,
    /// What each name has been since, of those that are not clean.
    changes: BTreeMap<String, Vec<Option<usize>>>,
}

/// What the disk of a short life is divided into.
const BLOCKS: [usize; 3] = [64, 512, 4096];

impl SimDisk {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::of(&seed.to_le_bytes());
        let block = BLOCKS[random.below(BLOCKS.len())];
        Self(Arc::new(Mutex::new(State {
            random,
            block,
            life: 0,
            off: false,
            left: None,
            done: 0,
            faults: Faults::default(),
            failed: Vec::new(),
            contents: Vec::new(),
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
            changes: BTreeMap::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// Cuts the power after so many more steps: one for each call, and one for each byte written.
    pub(crate) fn cut_after(&self, steps: u64) {
        self.lock().left = Some(steps);
    }

    /// Whether the power is off.
    pub(crate) fn is_off(&self) -> bool {
        self.lock().off
    }

    /// How many steps this life has had.
    pub(crate) fn steps(&self) -> u64 {
        self.lock().done
    }

    /// The calls of this life that failed, other than by the power.
    pub(crate) fn failed(&self) -> Vec<Call> {
        self.lock().failed.clone()
    }

    /// Ends one life and begins the next, without faults. The power that is off is back on.
    pub(crate) fn restart(&self, cut: Cut) {
        let mut state = self.lock();
        if cut == Cut::Power {
            state.lose();
        }
        state.life += 1;
        state.off = false;
        state.left = None;
        state.done = 0;
        state.faults = Faults::default();
        state.failed.clear();
    }

    /// The files by name, as a process sees them.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.lock();
        let each = state.names.iter();
        each.map(|(name, &of)| (name.clone(), state.contents[of].seen.clone())).collect()
    }

    /// Changes what is there, as a medium that goes bad does: also what was synced.
    pub(crate) fn spoil(&self, name: &str, spoil: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.lock();
        let (of, block) = (state.names[name], state.block);
        state.contents[of].spoil(block, spoil);
    }

    fn file(&self, of: usize, life: u64, write: bool) -> Box<dyn DiskFile> {
        Box::new(SimFile::new(self.clone(), of, life, write))
    }
}

impl State {
    /// A call begins, of a process of this life. Returns an error if it is to fail before it has
    /// done anything.
    fn begin(&mut self, call: Call, life: u64) -> io::Result<()> {
        if self.off || life != self.life || !self.step() {
            return Err(io::Error::other("the power is off"));
        }
        let Faults { once_in, full, no_sync } = self.faults;
        let is_sync = call.is_sync();
        let error = if full && call == Call::Create {
            ErrorKind::StorageFull.into()
        } else if (no_sync && is_sync) || (once_in > 0 && self.random.once_in(once_in)) {
            let may_be_full = matches!(call, Call::Create | Call::Write | Call::Sync);
            match may_be_full && self.random.once_in(2) {
                true => ErrorKind::StorageFull.into(),
                false => io::Error::other("the disk can't be read or written (EIO)"),
            }
        } else {
            return Ok(());
        };
        self.failed.push(call);
        Err(error)
    }

    /// Takes a step, unless the power goes.
    fn step(&mut self) -> bool {
        match &mut self.left {
            Some(0) => {
                self.off = true;
                return false;
            }
            Some(left) => *left -= 1,
            None => {}
        }
        self.done += 1;
        true
    }

    fn change(&mut self, name: &str, to: Option<usize>) {
        self.changes.entry(name.into()).or_default().push(to);
        match to {
            Some(of) => self.names.insert(name.into(), of),
            None => self.names.remove(name),
        };
    }

    /// Makes some of the changed names durable, or all.
    fn sync_names(&mut self, all: bool) {
        for (name, changes) in std::mem::take(&mut self.changes) {
            let last = *changes.last().expect("one for each change");
            if all || self.random.once_in(2) {
                set(&mut self.synced_names, name, last);
            }
        }
    }

    /// The power has gone: what was not synced is there in part.
    fn lose(&mut self) {
        for (name, changes) in std::mem::take(&mut self.changes) {
            // One in place of the synced one.
            let choice = self.random.below(changes.len() + 1);
            if let Some(&now) = changes.get(choice) {
                set(&mut self.synced_names, name, now);
            }
        }
        self.names = self.synced_names.clone();
        for content in &mut self.contents {
            content.lose(&mut self.random);
        }
    }
}

fn set(names: &mut BTreeMap<String, usize>, name: String, to: Option<usize>) {
    match to {
        Some(of) => names.insert(name, of),
        None => names.remove(&name),
    };
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut state = self.lock();
        let life = state.life;
        state.begin(Call::List, life)?;
        let len = |of: &usize| state.contents[*of].seen.len() as u64;
        // In no order: here from the last to the first.
        Ok(state.names.iter().rev().map(|(name, of)| (name.clone(), len(of))).collect())
    }

    /// Where it fails, the file may be there.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.lock();
        let life = state.life;
        let begun = state.begin(Call::Create, life);
        if begun.is_err() && (state.off || state.faults.full || state.random.once_in(2)) {
            return begun.and(Err(ErrorKind::Other.into()));
        }
        if state.names.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let of = state.contents.len();
        state.contents.push(Content::default());
        state.change(name, Some(of));
        begun.map(|()| self.file(of, life, true))
    }

    fn open(&self, name: &str, write: bool) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.lock();
        let life = state.life;
        state.begin(Call::Open, life)?;
        let of = *state.names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(self.file(of, life, write))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        let life = state.life;
        state.begin(Call::Remove, life)?;
        if !state.names.contains_key(name) {
            return Err(ErrorKind::NotFound.into());
        }
        state.change(name, None);
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.lock();
        let life = state.life;
        let begun = state.begin(Call::SyncFolder, life);
        if !state.off {
            state.sync_names(begun.is_ok());
        }
        begun
    }
}
