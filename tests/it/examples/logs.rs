//! The log follower: lines as they are written, and across rotations.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use tidings::Result;
use tidings::testing::stream;

use super::ANY_PORT;
use crate::support::process::Process;

/// A folder that ends with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tidings-logs-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("a file");
    file.write_all(text.as_bytes()).expect("it can be written");
}

fn follow(path: &Path) -> Process {
    Process::example("logs", &[path.to_str().expect("UTF-8"), ANY_PORT])
}

#[test]
fn a_newcomer_is_sent_the_newest_lines_and_then_those_that_are_written() -> Result<()> {
    let folder = Folder::new("newest");
    let lines: String = (1..=150).map(|n| format!("line {n}\n")).collect();
    append(&folder.log(), &lines);
    let example = follow(&folder.log());
    // The file may be read after the first stream has come.
    let mut first = stream(example.address(), "/lines")?;
    while first.event()?.data != "line 150" {}
    let mut second = stream(example.address(), "/lines")?;
    for n in 51..=150 {
        assert_eq!(second.event()?.data, format!("line {n}"));
    }
    append(&folder.log(), "half of ");
    append(&folder.log(), "a line\r\nand another\n");
    for lines in [&mut first, &mut second] {
        assert_eq!(lines.event()?.data, "half of a line");
        assert_eq!(lines.event()?.data, "and another");
    }
    Ok(())
}

#[test]
fn a_file_that_is_renamed_is_read_to_its_end_and_then_the_new_one() -> Result<()> {
    let folder = Folder::new("renamed");
    append(&folder.log(), "first\n");
    let example = follow(&folder.log());
    let mut lines = stream(example.address(), "/lines")?;
    assert_eq!(lines.event()?.data, "first");
    append(&folder.log(), "second\nlast of the old, not finished");
    fs::rename(folder.log(), folder.0.join("log.1"))?;
    assert_eq!(lines.event()?.data, "second");
    append(&folder.log(), "first of the new\n");
    assert_eq!(lines.event()?.data, "last of the old, not finished");
    assert_eq!(lines.event()?.data, "first of the new");
    Ok(())
}

#[test]
fn a_file_that_is_cut_to_nothing_is_read_from_its_beginning() -> Result<()> {
    let folder = Folder::new("cut");
    append(&folder.log(), "a long line, of many words\n");
    let example = follow(&folder.log());
    let mut lines = stream(example.address(), "/lines")?;
    assert_eq!(lines.event()?.data, "a long line, of many words");
    File::create(folder.log())?;
    append(&folder.log(), "short\n");
    assert_eq!(lines.event()?.data, "short");
    Ok(())
}
