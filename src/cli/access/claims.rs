//! What a token allows, and when.
//!
//! ```text
//! {
//!   "subscribe": ["news", "room.*"],     what its bearer may follow; "*" is everything
//!   "publish": ["room.7"],               where its bearer may publish
//!   "exp": 1795222923,                   not from then on, in seconds since 1970
//!   "nbf": 1795222623,                   not before, give or take LEEWAY
//!   "iat": 1795222623,                   when it was made: not in the future
//!   "sub": "ann"                         who its bearer is, for logs
//! }
//! ```
//!
//! All of them may be missing (RFC 7519, section 4.1). `jti` and `iss` are strings that mean
//! nothing to the hub. `aud` is refused: it names an audience, and the hub has no name to find
//! there (section 4.1.3). All others are skipped.

use super::Refused;
use super::json::{self, Reader};
use crate::cli::names::check_followed;

/// How far the clock of a machine that makes tokens may be ahead of ours, in seconds. There is none
/// for the end: a token that is over by our clock is over.
const LEEWAY: u64 = 30;

/// What a token claims. The dates are in seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    /// What its bearer may follow.
    pub(crate) subscribe: Names,
    /// Where its bearer may publish.
    pub(crate) publish: Names,
    /// The first second in which it doesn't hold any more; without, it holds for ever.
    pub(crate) expires: Option<u64>,
    pub(crate) not_before: Option<u64>,
    pub(crate) issued: Option<u64>,
    /// Who its bearer is. It can be any text.
    pub(crate) subject: Option<String>,
}

impl Claims {
    pub(super) fn read(payload: &str) -> Result<Self, Refused> {
        let mut claims = Self::default();
        json::read(payload, &mut |value: &mut Reader<'_>, name| {
            match name {
                "subscribe" => claims.subscribe = Names::read(value)?,
                "publish" => claims.publish = Names::read(value)?,
                "exp" => claims.expires = Some(value.date()?),
                "nbf" => claims.not_before = Some(value.date()?),
                "iat" => claims.issued = Some(value.date()?),
                "sub" => claims.subject = Some(value.text()?.into_owned()),
                "jti" | "iss" => drop(value.text()?),
                "aud" => return Err(Refused::AUDIENCE),
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(claims)
    }

    /// Whether they hold at this moment.
    pub(crate) fn check(&self, now: u64) -> Result<(), Refused> {
        if self.expires.is_some_and(|end| now >= end) {
            return Err(Refused::EXPIRED);
        }
        let latest = now.saturating_add(LEEWAY);
        match self.not_before.max(self.issued) {
            Some(begin) if begin > latest => Err(Refused::EARLY),
            _ => Ok(()),
        }
    }

    /// The claims as JSON, without those that say nothing.
    #[cfg(feature = "tools")]
    pub(super) fn write(&self) -> String {
        use crate::cli::json::string;

        let names = |names: &Names| {
            let all: Vec<_> = names.0.iter().map(|name| string(name)).collect();
            (!all.is_empty()).then(|| format!("[{}]", all.join(",")))
        };
        let date = |date: Option<u64>| date.map(|date| date.to_string());
        let claims = [
            ("subscribe", names(&self.subscribe)),
            ("publish", names(&self.publish)),
            ("sub", self.subject.as_deref().map(string)),
            ("iat", date(self.issued)),
            ("nbf", date(self.not_before)),
            ("exp", date(self.expires)),
        ];
        let claims = claims.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let claims: Vec<_> = claims.map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", claims.join(","))
    }
}

/// Names of channels and patterns of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names(Vec<String>);

impl Names {
    /// A list, of which nothing may be anything else.
    fn read(list: &mut Reader<'_>) -> Result<Self, Refused> {
        let mut names = Self::default();
        list.list(&mut |item| {
            let name = item.text()?;
            names.push(&name).map_err(|_| Refused::NAME)
        })?;
        Ok(names)
    }

    /// Adds a name or a pattern. Fails with what is wrong if it is neither.
    pub(crate) fn push(&mut self, name: &str) -> Result<(), String> {
        check_followed(name)?;
        self.0.push(name.into());
        Ok(())
    }

    /// Whether they allow all that this name or pattern stands for: `room.*` covers what begins
    /// with `room.`, whether that is a name or a pattern, and `*` covers everything.
    pub(crate) fn cover(&self, name_or_pattern: &str) -> bool {
        self.0.iter().any(|allowed| match allowed.strip_suffix('*') {
            Some(beginning) => name_or_pattern.starts_with(beginning),
            None => name_or_pattern == allowed,
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
