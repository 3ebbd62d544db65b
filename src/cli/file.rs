//! A file that a command writes when its work is done.
//!
//! Whether it can be written is found out before the work, and leaves everything as it is: no empty
//! file, and what was there stays until there is something better. A link is followed, also one
//! that leads to a file that is not there yet.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A link may lead to a link; as many of them as Linux follows.
const MOST_LINKS: usize = 40;

#[derive(Debug)]
pub(crate) struct Target {
    /// Where the links lead.
    path: PathBuf,
}

impl Target {
    /// Fails if the file can't be written.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(there) if there.is_file() || there.is_dir() => {
                File::options().append(true).open(path)?;
                Ok(Self { path: path.into() })
            }
            // To open a pipe is to begin to write.
            Ok(_) => Ok(Self { path: path.into() }),
            Err(_) => {
                let path = end_of_links(path);
                File::create_new(&path)?;
                fs::remove_file(&path)?;
                Ok(Self { path })
            }
        }
    }

    /// Writes all of it. Where that fails, a file that was not there before is not there after.
    pub(crate) fn write(&self, content: &[u8]) -> io::Result<()> {
        let is_new = !self.path.exists();
        fs::write(&self.path, content).inspect_err(|_| {
            if is_new {
                let _ = fs::remove_file(&self.path);
            }
        })
    }
}

/// The path that is no link, if it is not too far.
fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&path) else { break };
        path.pop();
        path.push(next);
    }
    path
}
