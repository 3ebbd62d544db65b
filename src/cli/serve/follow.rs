//! Another hub, which this one follows: it has its events from there, and publishes there.
//!
//! ```text
//! tidings: the hub at http://hub.example:3000 keeps 1203 events, up to the event
//! 1795849075123-1203
//! ```

use std::path::{Path, PathBuf};

use tidings::http::{Head, masked_url};
use tidings::{Error, Follow, History, Hub, Lag, Response, Status};

use super::order;
use super::refuse::refuse;
use super::token::Remedies;
use crate::cli::{Failure, say};

const REMEDIES: Remedies = Remedies {
    missing: "write a token for the hub that --follow names into it",
    empty: "write a token for the hub that --follow names into it",
};

/// What the command line says.
#[derive(Debug, Default)]
pub(super) struct Settings {
    follow: Option<Follow>,
    /// Its URL, as it may be shown.
    shown: String,
    pub(super) token_file: Option<PathBuf>,
}

impl Settings {
    pub(super) fn set_url(&mut self, url: &str) -> Result<(), String> {
        self.follow = Some(Follow::new(url).map_err(|error| error.to_string())?);
        self.shown = masked_url(url).into();
        Ok(())
    }

    pub(super) fn is_given(&self) -> bool {
        self.follow.is_some()
    }

    /// The flags that say how the hub is followed, and whether each was given.
    pub(super) fn ways(&self) -> Vec<(&'static str, bool)> {
        vec![("--follow-token-file", self.token_file.is_some())]
    }

    /// Follows another hub, if one is to be followed, and says what it has.
    pub(super) fn open(&self, history: History, lag: Lag) -> Result<Option<Hub>, Failure> {
        let Some(follow) = &self.follow else { return Ok(None) };
        let failed = |error: tidings::Error| Failure::Failed(error.to_string());
        let follow = match self.token_file.as_deref() {
            None => follow.clone(),
            Some(path) => {
                let token = REMEDIES.read(path).map_err(Failure::Failed)?;
                let path = path.to_owned();
                follow.clone().token(token).map_err(failed)?.renew_token(move || read_again(&path))
            }
        };
        let hub = Hub::follow(follow, history, lag).map_err(failed)?;
        say(&format!("the hub at {} keeps {}", self.shown, order::found(&hub)));
        Ok(Some(hub))
    }
}

/// Reads the token again. A pipe has given what it had.
fn read_again(path: &Path) -> tidings::Result<String> {
    match path.metadata() {
        Ok(there) if !there.is_file() => {
            let said = format!("{} is no file that can be read again", path.display());
            Err(Error::other(said))
        }
        _ => REMEDIES.read(path).map_err(Error::other),
    }
}

/// The hub that asks.
const HUBS: &str = "Tidings-Hubs";

/// Refuses a request of a hub that this one follows, or of this one itself: it would go round in a
/// circle.
pub(super) fn check(hub: &Hub, head: &Head) -> Result<(), Response> {
    let names = || head.values(HUBS).filter_map(|value| str::from_utf8(value).ok());
    if head.field(HUBS).is_some() && names().any(|names| hub.is_in_chain(names)) {
        return Err(refuse(
            Status::LOOP_DETECTED,
            "this hub follows the one that asks, or is that hub itself, so events would go round \
             in a circle: have one of the hubs follow none of the others",
        ));
    }
    Ok(())
}
