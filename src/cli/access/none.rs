//! What stands in for signed tokens in a hub without them: no key can be there, so nothing that
//! follows from a key is in the program. See `mod.rs` for the real ones.

use std::fmt;
use std::path::Path;

/// None is ever made.
#[derive(Debug)]
pub(crate) enum Keys {}

impl Keys {
    /// No flag leads here.
    pub(crate) fn read(_path: &Path) -> Result<Self, String> {
        Err("this hub knows no signed tokens".into())
    }

    pub(crate) fn check(&self, _token: &str, _now: u64) -> Result<Claims, Refused> {
        match *self {}
    }
}

/// None is ever made.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) subscribe: Names,
    pub(crate) publish: Names,
    pub(crate) expires: Option<u64>,
    pub(crate) subject: Option<String>,
}

/// None are ever made.
#[derive(Debug)]
pub(crate) enum Names {}

impl Names {
    pub(crate) fn cover(&self, _name_or_pattern: &str) -> bool {
        match *self {}
    }
}

/// None is ever made.
#[derive(Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}
