//! Redis: where many hubs have their events in one order.
//!
//! ```text
//! tidings: Redis at redis://127.0.0.1:6379, under the name "default", has 1203 events, up to the
//! event 1795849075123-1203
//! ```

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use tidings::http::masked_url;
use tidings::{Error, History, Hub, Lag, Redis};

use super::order;
use crate::cli::{Failure, say};

/// More replicas than anybody has.
pub(super) const MOST_REPLICAS: u32 = 100;

/// What the command line says.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// With all addresses.
    redis: Option<Redis>,
    /// Those addresses, as they may be shown.
    shown: Vec<String>,
    name: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) wait: Option<u32>,
    pub(super) length: Option<u32>,
}

impl Settings {
    pub(super) fn add_url(&mut self, url: &str) -> Result<(), String> {
        let redis = match self.redis.take() {
            None => Redis::new(url),
            Some(redis) => redis.or(url),
        };
        self.redis = Some(redis.map_err(|error| error.to_string())?);
        self.shown.push(masked_url(url).into());
        Ok(())
    }

    pub(super) fn set_name(&mut self, name: &str) {
        self.name = Some(name.into());
    }

    pub(super) fn is_given(&self) -> bool {
        self.redis.is_some()
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

    /// Connects to Redis, if that is to be used, and says what is in it.
    pub(super) fn open(&self, history: History, lag: Lag) -> Result<Option<Hub>, Failure> {
        let Some(redis) = &self.redis else { return Ok(None) };
        let hub = Hub::redis(self.redis(redis.clone())?, history, lag)
            .map_err(|error| Failure::Failed(why(&error)))?;
        let (at, name) = (self.shown.join(" or "), self.name.as_deref().unwrap_or("default"));
        say(&format!("Redis at {at}, under the name {name:?}, has {}", order::found(&hub)));
        Ok(Some(hub))
    }

    fn redis(&self, redis: Redis) -> Result<Redis, Failure> {
        let redis = self.wait.into_iter().fold(redis, Redis::wait);
        let redis = self.length.into_iter().map(u64::from).fold(redis, Redis::length);
        let wrong = |error| Failure::Usage(format!("--redis-name: {error}"));
        let redis = self.name.iter().try_fold(redis, |redis, name| redis.name(name).map_err(wrong));
        let file = self.password_file.as_deref();
        file.iter().try_fold(redis?, |redis, path| {
            redis.password_file(path).map_err(|error| Failure::Failed(unread(&error)))
        })
    }
}

/// Why there is no password, and what to do.
fn unread(error: &Error) -> String {
    let source = error.source().and_then(|source| source.downcast_ref());
    match source.map(io::Error::kind) {
        Some(ErrorKind::NotFound) => format!("{error}: write the password of Redis into it"),
        Some(_) => format!("{error}: name a file that this user may read"),
        None => error.to_string(),
    }
}

/// Why the hub can't begin, and what to do.
fn why(error: &Error) -> String {
    let said = error.to_string();
    match said.contains("can't be connected to") {
        true => format!("{said}: start it, or name another one with --redis"),
        false => said,
    }
}
