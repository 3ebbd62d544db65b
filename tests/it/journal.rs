//! The hub with a journal, as a program that is killed and starts again.

mod account;
mod kills;

use std::path::{Path, PathBuf};

/// A folder of the test's, for a journal. It goes with the test, unless that fails.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("journal-{name}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path that is text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the journal is in {}", self.path());
        } else {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
