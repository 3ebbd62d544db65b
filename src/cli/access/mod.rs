//! Signed tokens: who may follow and publish what, and until when. They are JSON Web Tokens (RFC
//! 7519), signed with HS256 (RFC 7518, section 3.2), so whatever has the key can make them, in any
//! language.
//!
//! ```text
//! key file:  d1ce…c0de          a key a line, of which the first signs, and each is good
//!
//! token:     eyJhbGciOiJIUzI1NiJ9 . eyJzdWJzY3JpYmUiOlsicm9vbS4qIl19 . 2vbNg…
//!            {"alg":"HS256"}        {"subscribe":["room.*"]}           HMAC of all before
//! ```
//!
//! Nothing of a token is read before one of the keys is found to have signed it, so all that is
//! read was written by somebody who has the key. The hub knows one algorithm, and takes none that a
//! token names (RFC 8725, section 3.1).
//!
//! To read on: [`token`] has the three parts, [`claims`] what a token allows, [`json`] reads them,
//! [`base64url`] makes text of bytes, and [`sha256`] signs.

mod base64url;
mod claims;
mod json;
mod sha256;
mod token;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub(crate) use claims::Claims;
#[cfg(feature = "tools")]
pub(crate) use claims::Names;
use sha256::Key;
use token::Token;

/// The fewest bytes of a key: as many as a signature has (RFC 7518, section 3.2).
const SHORTEST_KEY: usize = 32;

/// Enough to replace one key by the next, and few enough to try them all.
const MOST_KEYS: usize = 8;

/// The longest file of keys. Whoever names a log or a disk by mistake is told so.
const LONGEST_FILE: usize = 16 * 1024;

const REMEDY: &str = "make one with '(umask 077; openssl rand -hex 32 > FILE)'";

/// The keys that tokens are signed with. They are never shown, not even for debugging.
pub(crate) struct Keys(
    /// One at least.
    Vec<Key>,
);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Reads a file of keys, one a line. An error says what to do, and shows nothing of a key.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let mut content = Vec::new();
        let read = File::open(path)
            .and_then(|file| file.take(LONGEST_FILE as u64 + 1).read_to_end(&mut content));
        let file = path.display();
        read.map_err(|error| format!("can't read the key file {file}: {error}: {REMEDY}"))?;
        Self::parse(&content).map_err(|why| format!("the key file {file} {why}"))
    }

    /// The keys in this content, or what is wrong with that. Lines end in LF or CRLF.
    fn parse(content: &[u8]) -> Result<Self, String> {
        if content.len() > LONGEST_FILE {
            return Err(format!("is too long: it may have {LONGEST_FILE} bytes"));
        }
        let mut keys = Vec::new();
        for (line, number) in content.split(|byte| *byte == b'\n').zip(1..) {
            let key = line.strip_suffix(b"\r").unwrap_or(line);
            if key.is_empty() {
                continue;
            }
            // A JSON Web Key is no key, but says which is.
            if !key.iter().all(u8::is_ascii_graphic) || key.starts_with(b"{") {
                return Err(format!(
                    "has no key in line {number}: a key is visible ASCII, no JSON"
                ));
            }
            if key.len() < SHORTEST_KEY {
                return Err(format!(
                    "has a key of {} bytes in line {number}, which can be guessed: a key has at \
                     least {SHORTEST_KEY}: {REMEDY}",
                    key.len()
                ));
            }
            keys.push(Key::new(key));
        }
        match keys.len() {
            0 => Err(format!("has no key: {REMEDY}")),
            1..=MOST_KEYS => Ok(Self(keys)),
            more => Err(format!("has {more} keys: remove old ones until there are {MOST_KEYS}")),
        }
    }

    /// What this token allows at this moment, in seconds since 1970. Fails if it is no token, if
    /// none of the keys signed it, or if it does not hold at this moment.
    pub(crate) fn check(&self, token: &str, now: u64) -> Result<Claims, Refused> {
        let token = Token::split(token)?;
        if !self.0.iter().any(|key| token.is_signed(key)) {
            return Err(Refused::UNSIGNED);
        }
        let claims = token.claims()?;
        claims.check(now)?;
        Ok(claims)
    }

    /// A token with these claims, signed with the first key.
    #[cfg(feature = "tools")]
    pub(crate) fn sign(&self, claims: &Claims) -> String {
        let mut token = Token::write(claims);
        let signature = self.0[0].sign(token.as_bytes());
        token.push('.');
        token.push_str(&base64url::encode(&signature));
        token
    }
}

/// What a token claims, whoever signed it, and whether or not it holds.
#[cfg(feature = "tools")]
pub(crate) fn claimed(token: &str) -> Result<Claims, Refused> {
    Token::split(token)?.claims()
}

/// Why a token is refused, in a sentence for whoever sent it, with nothing of the token in it. It
/// may stand in a quoted string (RFC 6750, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused(&'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Refused {
    const LONG: Self = Self("the token is longer than 4096 bytes");
    const PARTS: Self = Self("the token must be three parts of base64url with dots between them");
    const UNSIGNED: Self = Self("the token is not signed with HS256 and a key of this hub");
    const SIGNATURE: Self =
        Self("the token is cut short, has something after it, or is not signed with HS256");
    const HEADER: Self =
        Self("the header of the token must have the alg HS256, and no crit or b64");
    const MALFORMED: Self = Self("the token has a part that is not well-formed JSON");
    const DEEP: Self = Self("the token has JSON that is deeper than 8 levels");
    const TWICE: Self = Self("the token has a name twice in one object");
    const TYPE: Self = Self(
        "the token has a value of the wrong type (subscribe and publish are lists of strings, sub \
         is a string, and exp, nbf and iat are numbers)",
    );
    const DATE: Self = Self(
        "the token has a date after the year 9999: exp, nbf and iat are in seconds, and not in \
         milliseconds",
    );
    const NAME: Self = Self(
        "the token has a name in subscribe or publish that is neither a channel's, such as room.7, \
         nor a pattern, such as room.* or *",
    );
    const AUDIENCE: Self =
        Self("the token has an audience (aud), which no token for this hub may have");
    const EXPIRED: Self = Self("the token has expired");
    const EARLY: Self = Self(
        "the token is not valid yet: its nbf or iat is in the future, or this hub's clock \
         is wrong",
    );
}

#[cfg(test)]
mod tests;

#[cfg(all(test, feature = "tools"))]
mod mutation_tests;
