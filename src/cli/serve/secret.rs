//! Secrets: each in a file that contains nothing else but a line end after it. On the command line,
//! every user of the machine could read it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// A secret is a line; whoever names a log or a disk by mistake is told so.
const LONGEST: usize = 4096;

/// What is secret, and what to do where its file isn't there or is empty.
pub(super) struct Secret {
    pub(super) name: &'static str,
    pub(super) missing: &'static str,
    pub(super) empty: &'static str,
    /// Whether it goes into a field of HTTP, so that it must be visible ASCII.
    pub(super) is_token: bool,
}

impl Secret {
    /// Reads its file.
    pub(super) fn read(&self, path: &Path) -> Result<String, String> {
        let Self { name, missing, .. } = self;
        let mut content = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST as u64 + 3).read_to_end(&mut content))
            .map_err(|error| {
            let remedy = match error.kind() {
                ErrorKind::NotFound => missing,
                _ => "name a file that this user may read",
            };
            format!("can't read the {name} file {}: {error}: {remedy}", path.display())
        })?;
        self.of(content).map_err(|why| format!("the {name} file {} {why}", path.display()))
    }

    /// The secret in this content, or what is wrong with that.
    fn of(&self, content: Vec<u8>) -> Result<String, String> {
        let Self { name, empty, is_token, .. } = self;
        let text = String::from_utf8(content).unwrap_or_else(|_| "\0".into());
        let line = text.strip_suffix('\n').unwrap_or(&text);
        match line.strip_suffix('\r').unwrap_or(line) {
            "" => Err(format!("is empty: {empty}")),
            long if long.len() > LONGEST => {
                Err(format!("is too long: a {name} may have {LONGEST} bytes"))
            }
            token if *is_token && !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err(format!("must contain one {name} of visible ASCII, without spaces"))
            }
            other if other.contains(char::is_control) => {
                Err(format!("must contain one {name} in one line of UTF-8"))
            }
            good => Ok(good.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Secret = Secret { name: "token", missing: "", empty: "fill it", is_token: true };
    const PASSWORD: Secret = Secret { name: "password", is_token: false, ..TOKEN };

    #[test]
    fn a_file_is_the_secret_and_a_line_end() {
        for content in ["secret", "secret\n", "secret\r\n"] {
            assert_eq!(TOKEN.of(content.into()).as_deref(), Ok("secret"));
        }
        let longest = "x".repeat(LONGEST);
        assert_eq!(TOKEN.of(format!("{longest}\r\n").into()), Ok(longest));
        let said = "must contain one token of visible ASCII, without spaces";
        for content in ["a b", " a", "a\n\n", "a\nb", "\u{e9}", "a\0", "\u{feff}a", "\r", "\ta"] {
            let is_empty = content == "\r";
            let said = if is_empty { "is empty: fill it" } else { said };
            assert_eq!(TOKEN.of(content.into()), Err(said.into()), "{content:?}");
        }
        assert_eq!(TOKEN.of(b"\xff".into()), Err(said.into()));
        assert_eq!(TOKEN.of(b"\n".into()), Err("is empty: fill it".into()));
        let long = "x".repeat(LONGEST + 1).into_bytes();
        let said = "is too long: a token may have 4096 bytes";
        assert_eq!(TOKEN.of(long), Err(said.into()));
    }

    #[test]
    fn a_password_is_any_line() {
        assert_eq!(
            PASSWORD.of("p\u{e4}ss w\u{f6}rd\n".into()).as_deref(),
            Ok("p\u{e4}ss w\u{f6}rd")
        );
        let said = "must contain one password in one line of UTF-8";
        for content in [&b"a\nb"[..], b"a\0", b"\xff"] {
            assert_eq!(PASSWORD.of(content.into()), Err(said.into()));
        }
    }
}
