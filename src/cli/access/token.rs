//! A token as it is sent: three parts in base64url, the last of which signs the others (RFC 7515,
//! section 3.1).
//!
//! ```text
//! token     = header "." payload "." signature
//! signature = HMAC-SHA-256(key, header "." payload)
//! ```

use super::claims::Claims;
use super::json::{self, Reader};
use super::sha256::{DIGEST, Key};
use super::{Refused, base64url};
use crate::cli::secret::is_same;

/// The longest token: it must fit a field line with room to spare.
const LONGEST: usize = 4096;

/// The header of our tokens, and of nearly all that others make: `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// A token in its parts, of which nothing is believed yet.
pub(super) struct Token<'a> {
    signed: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: [u8; DIGEST],
}

impl<'a> Token<'a> {
    pub(super) fn split(token: &'a str) -> Result<Self, Refused> {
        if token.len() > LONGEST {
            return Err(Refused::LONG);
        }
        let (signed, signed_by) = token.rsplit_once('.').ok_or(Refused::PARTS)?;
        let (header, payload) = signed.split_once('.').ok_or(Refused::PARTS)?;
        let mut signature = [0; DIGEST];
        match base64url::decode(signed_by, &mut signature).map(<[u8]>::len) {
            Some(DIGEST) => Ok(Self { signed, header, payload, signature }),
            _ => Err(Refused::SIGNATURE),
        }
    }

    pub(super) fn is_signed(&self, key: &Key) -> bool {
        is_same(&key.sign(self.signed.as_bytes()), &self.signature)
    }

    /// What the token claims, whoever signed it.
    pub(super) fn claims(&self) -> Result<Claims, Refused> {
        // What a part stands for is shorter than the part.
        let mut room = vec![0; self.signed.len()];
        // Most need not be read.
        if self.header != HEADER {
            check_header(text(self.header, &mut room)?)?;
        }
        Claims::read(text(self.payload, &mut room)?)
    }

    /// The part of a token that is signed.
    #[cfg(feature = "tools")]
    pub(super) fn write(claims: &Claims) -> String {
        format!("{HEADER}.{}", base64url::encode(claims.write().as_bytes()))
    }
}

/// The text of a part.
fn text<'r>(part: &str, room: &'r mut [u8]) -> Result<&'r str, Refused> {
    let bytes = base64url::decode(part, room).ok_or(Refused::PARTS)?;
    std::str::from_utf8(bytes).map_err(|_| Refused::MALFORMED)
}

/// `alg` is our algorithm; what would change how the rest is read is refused (RFC 7515, section
/// 4.1.11, and RFC 7797); `typ` and `kid` are strings that mean nothing to us.
fn check_header(header: &str) -> Result<(), Refused> {
    let mut is_ours = false;
    json::read(header, &mut |value: &mut Reader<'_>, name| {
        match name {
            "alg" => is_ours = value.text()? == "HS256",
            "crit" | "b64" => return Err(Refused::HEADER),
            "typ" | "kid" => drop(value.text()?),
            _ => value.skip()?,
        }
        Ok(())
    })?;
    if is_ours { Ok(()) } else { Err(Refused::HEADER) }
}
