//! Files that a command reads as a whole, or writes when its work is done.
//!
//! A command checks before its work whether it can write a file. The check leaves everything as it
//! is: it makes no empty file, and an old file stays until there is a new one. It follows a link,
//! also one to a file that is not there yet.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// How many links may lead from one to the next; as many as Linux follows.
const MOST_LINKS: usize = 40;

/// Fails if the file can't be written. Returns where its links lead.
pub(crate) fn check(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(there) if there.is_file() || there.is_dir() => {
            File::options().append(true).open(path)?;
            Ok(path.into())
        }
        // To open a pipe is to begin writing to it.
        Ok(_) => Ok(path.into()),
        Err(_) => {
            let path = end_of_links(path);
            File::create_new(&path)?;
            fs::remove_file(&path)?;
            Ok(path)
        }
    }
}

/// Writes a whole file. If that fails, it removes a file that was not there before.
pub(crate) fn write(path: &Path, content: String) -> io::Result<()> {
    let is_new = !path.exists();
    fs::write(path, content).inspect_err(|_| {
        if is_new {
            let _ = fs::remove_file(path);
        }
    })
}

/// Reads a whole file, or standard input in place of `-`.
pub(crate) fn read(path: &str) -> io::Result<Vec<u8>> {
    if path != "-" {
        return fs::read(path);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
}

/// The path at the end of the links, if there are not too many of them.
fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&path) else { break };
        path.pop();
        path.push(next);
    }
    path
}

/// Whether a text is UTF-16, as some editors and shells of Windows write it: by its byte order
/// mark, or by the other half of the first character, which in a stream is one of ASCII: a NUL.
/// UTF-32 begins likewise.
pub(crate) fn is_utf_16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_known_with_and_without_its_mark() {
        let utf_16 = |text: &str, unit: fn(u16) -> [u8; 2]| {
            is_utf_16(&text.encode_utf16().flat_map(unit).collect::<Vec<u8>>())
        };
        for text in ["data: a", "\u{feff}data: a", "\u{feff}größe", ": é", "\n"] {
            assert!(utf_16(text, u16::to_le_bytes) && utf_16(text, u16::to_be_bytes), "{text:?}");
        }
        for text in ["", "a", "data: a", "\u{feff}data: a", "id:\0\n", "é", ": \0"] {
            assert!(!is_utf_16(text.as_bytes()), "{text:?}");
        }
    }
}
