//! Tokens: each in a file that contains nothing else but a line end after it. On the command line,
//! every user of the machine could read it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// A token is a line; whoever names a log or a disk by mistake is told so.
const LONGEST: usize = 4096;

/// What to do where the file of a token isn't there, or is empty.
pub(super) struct Remedies {
    pub(super) missing: &'static str,
    pub(super) empty: &'static str,
}

impl Remedies {
    /// Reads the file of a token.
    pub(super) fn read(&self, path: &Path) -> Result<String, String> {
        let mut content = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST as u64 + 3).read_to_end(&mut content))
            .map_err(|error| {
            let remedy = match error.kind() {
                ErrorKind::NotFound => self.missing,
                _ => "name a file that this user may read",
            };
            format!("can't read the token file {}: {error}: {remedy}", path.display())
        })?;
        self.token(&content).map_err(|why| format!("the token file {} {why}", path.display()))
    }

    /// The token in this content, or what is wrong with that.
    fn token(&self, content: &[u8]) -> Result<String, String> {
        let line = content.strip_suffix(b"\n").unwrap_or(content);
        match line.strip_suffix(b"\r").unwrap_or(line) {
            [] => Err(format!("is empty: {}", self.empty)),
            long if long.len() > LONGEST => {
                Err(format!("is too long: a token may have {LONGEST} bytes"))
            }
            good if good.iter().all(u8::is_ascii_graphic) => {
                Ok(good.iter().copied().map(char::from).collect())
            }
            _ => Err("must contain one token of visible ASCII, without spaces".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMEDIES: Remedies = Remedies { missing: "", empty: "fill it" };

    #[test]
    fn a_token_is_the_file_without_its_line_end() {
        for content in ["secret", "secret\n", "secret\r\n"] {
            assert_eq!(REMEDIES.token(content.as_bytes()).as_deref(), Ok("secret"));
        }
        let longest = "x".repeat(LONGEST);
        assert_eq!(REMEDIES.token(longest.as_bytes()), Ok(longest));
    }

    #[test]
    fn what_no_field_could_carry_is_no_token() {
        let said = "must contain one token of visible ASCII, without spaces";
        for content in [&b"two words"[..], b" a", b"a\n\n", b"two\nlines", b"\xff", b"a\0"] {
            assert_eq!(REMEDIES.token(content), Err(said.into()), "{}", content.escape_ascii());
        }
        for content in [&b""[..], b"\n", b"\r\n"] {
            assert_eq!(REMEDIES.token(content), Err("is empty: fill it".into()));
        }
        let said = "is too long: a token may have 4096 bytes";
        assert_eq!(REMEDIES.token(&[b'x'; LONGEST + 1]), Err(said.into()));
    }
}
