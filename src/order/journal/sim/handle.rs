//! A file of the simulated disk, as a process has it open.

use std::io::{self, ErrorKind};
use std::sync::MutexGuard;

use super::super::disk::{DiskFile, ReadFile};
use super::{Call, SimDisk, State};

/// A file that was opened.
pub(super) struct SimFile {
    disk: SimDisk,
    of: usize,
    life: u64,
    write: bool,
}

impl SimFile {
    pub(super) fn new(disk: SimDisk, of: usize, life: u64, write: bool) -> Self {
        Self { disk, of, life, write }
    }

    fn begin(&self, call: Call) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.disk.lock();
        if !self.write && matches!(call, Call::Write | Call::SetLen) {
            return Err(io::Error::other("the file was opened to be read (EBADF)"));
        }
        state.begin(call, self.life)?;
        Ok(state)
    }
}

impl ReadFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.begin(Call::Len)?.contents[self.of].seen.len() as u64)
    }

    /// Gives less than was asked for, now and then.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.begin(Call::Read)?;
        let short = state.random.once_in(8).then(|| state.random.below(buffer.len().max(1)));
        let most = short.map_or(buffer.len(), |short| (short + 1).min(buffer.len()));
        let seen = &state.contents[self.of].seen;
        let start = seen.len().min(usize::try_from(offset).unwrap_or(usize::MAX));
        let taken = most.min(seen.len() - start);
        buffer[..taken].copy_from_slice(&seen[start..start + taken]);
        Ok(taken)
    }
}

impl DiskFile for SimFile {
    /// Where it fails, a part may have been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let begun = self.begin(Call::Write).map(drop);
        let mut state = self.disk.lock();
        if state.off || state.life != self.life || !self.write {
            return begun;
        }
        let offset = usize::try_from(offset).expect("it fits into memory");
        let mut most = bytes.len();
        let mut result = begun;
        if result.is_err() {
            most = state.random.below(bytes.len() + 1);
        } else if state.faults.full {
            let within = state.contents[self.of].seen.len().saturating_sub(offset);
            if within < most {
                most = within + state.random.below(most - within);
                state.failed.push(Call::Write);
                result = Err(ErrorKind::StorageFull.into());
            }
        }
        if let Some(left) = state.left.filter(|left| *left < most as u64) {
            most = left as usize;
            state.off = true;
            result = Err(io::Error::other("the power is off"));
        }
        state.done += most as u64;
        state.left = state.left.map(|left| left - most as u64);
        let block = state.block;
        state.contents[self.of].write(&bytes[..most], offset, block);
        result
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.begin(Call::SetLen)?;
        let block = state.block;
        let len = usize::try_from(len).expect("it fits into memory");
        state.contents[self.of].set_len(len, block);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let begun = self.begin(Call::Sync).map(drop);
        let mut state = self.disk.lock();
        if !state.off && state.life == self.life {
            let State { contents, random, .. } = &mut *state;
            match begun {
                Ok(()) => contents[self.of].sync(),
                Err(_) => contents[self.of].fail_sync(random),
            }
        }
        begun
    }
}
