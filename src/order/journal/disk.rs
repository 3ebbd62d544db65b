//! The folder of a journal, as the journal uses it: a trait, so that tests can put a disk there
//! that fails and forgets.

use std::io;

/// A folder of files.
pub(crate) trait Disk: Send + Sync {
    /// The names of its files, and their lengths, in no order.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;

    /// Makes a file, to be read and written. Fails if there is one of that name.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file, to be read, and if need be written.
    fn open(&self, name: &str, write: bool) -> io::Result<Box<dyn DiskFile>>;

    /// Removes a file. Whoever has it open can still read it.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Returns once the files that were made and removed so far will be so after a power cut.
    fn sync_folder(&self) -> io::Result<()>;
}

/// A file, read at positions. It has no position of its own, so several threads may read at once.
pub(crate) trait ReadFile: Send + Sync {
    fn len(&self) -> io::Result<u64>;

    /// Reads up to so many bytes; none only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

/// A file that can be written too.
pub(crate) trait DiskFile: ReadFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file off, or makes it longer with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Returns once the content and the length will be there after a power cut.
    fn sync(&self) -> io::Result<()>;
}

/// Reads what a file begins with: as many bytes as there are, or as the buffer takes. One read may
/// give less.
pub(crate) fn read_begin(file: &dyn ReadFile, buffer: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    loop {
        match file.read_at(&mut buffer[have..], have as u64)? {
            0 => return Ok(have),
            read => have += read,
        }
    }
}
