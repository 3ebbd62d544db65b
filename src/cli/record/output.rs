//! Where a recording goes: a file, or standard output.
//!
//! The file is made when there is something to write. So a server that doesn't respond leaves no
//! empty file, and with `--force` an old recording stays. The same goes for a full disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::cli::{Failure, Outcome, print_sent};

/// In place of a file.
pub(super) const STANDARD_OUTPUT: &str = "-";

pub(super) struct Output {
    path: String,
    force: bool,
    /// `None` until something is written.
    file: Option<File>,
    /// How many bytes of the file are whole entries.
    length: u64,
}

impl Output {
    /// Refuses to write over a file, unless forced to.
    pub(super) fn new(path: &str, force: bool) -> Result<Self, Failure> {
        let output = Self { path: path.into(), force, file: None, length: 0 };
        let is_there =
            path != STANDARD_OUTPUT && !force && Path::new(path).symlink_metadata().is_ok();
        if is_there { Err(output.failed(&ErrorKind::AlreadyExists.into())) } else { Ok(output) }
    }

    /// Writes bytes at once, so that they survive if the program is killed. Where not all of them
    /// can be written, as on a full disk, none of them stay.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Outcome {
        if self.path == STANDARD_OUTPUT {
            return print_sent(bytes);
        }
        let written = self.file().and_then(|mut file| file.write_all(bytes));
        match (&written, &self.file) {
            (Ok(()), _) => self.length += bytes.len() as u64,
            (Err(_), Some(_)) if self.length == 0 && !self.force => {
                let _ = fs::remove_file(&self.path);
            }
            // A pipe has no length that could be set.
            (Err(_), Some(file)) => drop(file.set_len(self.length)),
            (Err(_), None) => {}
        }
        written.map_err(|error| self.failed(&error))
    }

    pub(super) fn place(&self) -> String {
        match &*self.path {
            STANDARD_OUTPUT => "on standard output".into(),
            path => format!("in {path}"),
        }
    }

    fn file(&mut self) -> io::Result<&File> {
        if self.file.is_none() {
            let mut options = OpenOptions::new();
            match self.force {
                true => options.write(true).create(true).truncate(true),
                // Another program may have made it meanwhile.
                false => options.write(true).create_new(true),
            };
            self.file = Some(options.open(&self.path)?);
        }
        Ok(self.file.as_ref().expect("it has just been opened"))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        let path = &self.path;
        Failure::Failed(match error.kind() {
            ErrorKind::AlreadyExists => {
                format!("{path} is there already: --force writes over it")
            }
            _ => format!("can't write {path}: {error}"),
        })
    }
}
