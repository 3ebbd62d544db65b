//! A folder of the file system, as a journal uses it, and its lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::disk::{Disk, DiskFile};
use crate::error::{Error, Result};

/// Its name begins like no segment's.
const LOCK: &str = "lock";

/// A hub that was killed has its lock until the system has taken down the whole process, and
/// whoever killed it may start the next one before.
const ENDING: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(10);

/// A folder that is there.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// A lock on a folder: one hub writes there, whatever process it is in. The system gives it up when
/// this is dropped, and when the process ends, however it does.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl Folder {
    /// The folder of this path, which need not be there if nothing is to be written.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Makes the folder if it isn't there, and those that it is in; they are there after a power
    /// cut, too.
    pub(crate) fn make(path: &Path) -> io::Result<Self> {
        let parent = |path: &Path| match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let missing = path.ancestors().take_while(|path| *path != Path::new("") && !path.is_dir());
        let missing: Vec<&Path> = missing.collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made?,
            }
            sync_folder(&parent(folder))?;
        }
        // Something else may have this name.
        fs::read_dir(path)?;
        Ok(Self::at(path))
    }

    /// Takes the lock; waits a moment for a hub that is ending.
    ///
    /// # Errors
    ///
    /// If somebody has it, and if the folder can't be written.
    pub(crate) fn lock(&self) -> Result<FolderLock> {
        let path = self.path.join(LOCK);
        let failed = |error| {
            Error::io(format!("can't lock the journal with the file {}", path.display()), error)
        };
        let options = OpenOptions::new().read(true).write(true).create(true).clone();
        let mut file = options.open(&path).map_err(failed)?;
        let until = Instant::now() + ENDING;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(AGAIN),
                Err(TryLockError::WouldBlock) => return Err(self.is_locked(&file)),
            }
        }
        // It only helps whoever is refused: nothing depends on it, and the disk may be full.
        let process = format!("{}\n", std::process::id());
        let _ = file.set_len(0).and_then(|()| file.write_all(process.as_bytes()));
        Ok(FolderLock { _file: file })
    }

    fn is_locked(&self, file: &File) -> Error {
        let mut process = String::new();
        // Where a lock keeps others from reading, nobody knows.
        let _ = file.take(20).read_to_string(&mut process);
        let by = match process.trim().parse::<u32>() {
            Ok(id) if id == std::process::id() => " (this process)".into(),
            Ok(id) => format!(" (process {id})"),
            Err(_) => String::new(),
        };
        Error::invalid(format!(
            "the journal in {} belongs to another hub{by}: stop that one first, or give this one \
             another folder",
            self.path.display()
        ))
    }
}

impl Disk for Folder {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // No segment has a name that is no text.
            let Ok(name) = entry.file_name().into_string() else { continue };
            // It may be gone by now.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_file() {
                files.push((name, metadata.len()));
            }
        }
        Ok(files)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let options = OpenOptions::new().read(true).write(true).create_new(true).clone();
        Ok(Box::new(RealFile::new(options.open(self.path.join(name))?)))
    }

    fn open(&self, name: &str, write: bool) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(write).open(self.path.join(name))?;
        Ok(Box::new(RealFile::new(file)))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        sync_folder(&self.path)
    }
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Elsewhere a folder can't be opened as a file. NTFS keeps its folders in order by itself.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
use unix::RealFile;

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt;

    use super::super::disk::{DiskFile, ReadFile};

    pub(super) struct RealFile(File);

    impl RealFile {
        pub(super) fn new(file: File) -> Self {
            Self(file)
        }
    }

    impl ReadFile for RealFile {
        fn len(&self) -> io::Result<u64> {
            Ok(self.0.metadata()?.len())
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            super::again(|| self.0.read_at(buffer, offset))
        }
    }

    impl DiskFile for RealFile {
        fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
            self.0.write_all_at(bytes, offset)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.0.set_len(len)
        }

        fn sync(&self) -> io::Result<()> {
            self.0.sync_data()
        }
    }
}

#[cfg(any(not(unix), test))]
#[cfg_attr(unix, allow(dead_code))]
mod elsewhere {
    use std::fs::File;
    use std::io::{self, Read, Seek, SeekFrom, Write};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::super::disk::{DiskFile, ReadFile};

    /// A file that has a position, which belongs to one caller at a time.
    pub(super) struct RealFile(Mutex<File>);

    impl RealFile {
        pub(super) fn new(file: File) -> Self {
            Self(Mutex::new(file))
        }

        fn lock(&self) -> MutexGuard<'_, File> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn at(&self, offset: u64) -> io::Result<MutexGuard<'_, File>> {
            let mut file = self.lock();
            file.seek(SeekFrom::Start(offset))?;
            Ok(file)
        }
    }

    impl ReadFile for RealFile {
        fn len(&self) -> io::Result<u64> {
            Ok(self.lock().metadata()?.len())
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            super::again(|| self.at(offset)?.read(buffer))
        }
    }

    impl DiskFile for RealFile {
        fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
            self.at(offset)?.write_all(bytes)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.lock().set_len(len)
        }

        fn sync(&self) -> io::Result<()> {
            // Whoever syncs takes its time: writers and readers go on meanwhile.
            let file = self.lock().try_clone()?;
            file.sync_data()
        }
    }
}

#[cfg(not(unix))]
use elsewhere::RealFile;

/// A read that a signal interrupts is made again.
fn again(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests;
