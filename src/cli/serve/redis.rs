//! Redis: where many hubs keep their events in one order.
//!
//! ```text
//! tidings: the Redis at 127.0.0.1:6379 has 188523 events under the name "default", up to the event
//! 1795849075123-1203
//! ```

use std::path::PathBuf;

use tidings::{History, Hub, Lag};

use super::secret::Secret;
use crate::cli::Failure;

/// How many events Redis keeps unless told otherwise.
const LENGTH: u32 = 100_000;

/// How many replicas a Redis may have of which a publish is waited for.
pub(super) const MOST_REPLICAS: u32 = 100;

const PASSWORD: Secret = Secret {
    name: "password",
    missing: "write the password of Redis into it",
    empty: "write the password of Redis into it",
    is_token: false,
};

/// What the command line says.
#[derive(Debug, Default)]
pub(super) struct Settings {
    urls: Vec<String>,
    name: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) wait: Option<u32>,
    pub(super) length: Option<u32>,
}

impl Settings {
    pub(super) fn add_url(&mut self, url: &str) -> Result<(), String> {
        self.urls.push(url.into());
        Ok(())
    }

    pub(super) fn set_name(&mut self, name: &str) -> Result<(), String> {
        self.name = Some(name.into());
        Ok(())
    }

    pub(super) fn is_given(&self) -> bool {
        !self.urls.is_empty()
    }

    /// The flags that say how Redis is used, and whether each was given.
    pub(super) fn ways(&self) -> Vec<(&'static str, bool)> {
        vec![
            ("--redis-name", self.name.is_some()),
            ("--redis-password-file", self.password_file.is_some()),
            ("--redis-wait", self.wait.is_some()),
            ("--redis-length", self.length.is_some()),
        ]
    }

    /// Connects to Redis, if one is to be used, and says what is in it.
    pub(super) fn open(&self, _history: History, _lag: Lag) -> Result<Option<Hub>, Failure> {
        if !self.is_given() {
            return Ok(None);
        }
        let _password = self.password_file.as_deref().map(|path| PASSWORD.read(path)).transpose();
        let _length = self.length.unwrap_or(LENGTH);
        Err(Failure::Failed("Redis is not in this build yet".into()))
    }
}
