//! Another hub, which this one follows: it gets its events there, and publishes there.
//!
//! ```text
//! tidings: the hub http://hub.example:3000 is followed, up to the event 1795849075123-1203
//! ```

use std::path::PathBuf;

use tidings::{History, Hub, Lag};

use super::secret::Secret;
use crate::cli::Failure;

const TOKEN: Secret = Secret {
    name: "token",
    missing: "copy the --token-file of the hub that --follow names",
    empty: "write the token of the hub that --follow names into it",
    is_token: true,
};

/// What the command line says.
#[derive(Debug, Default)]
pub(super) struct Settings {
    url: Option<String>,
    pub(super) token_file: Option<PathBuf>,
}

impl Settings {
    pub(super) fn set_url(&mut self, url: &str) -> Result<(), String> {
        self.url = Some(url.into());
        Ok(())
    }

    pub(super) fn is_given(&self) -> bool {
        self.url.is_some()
    }

    /// The flags that say how the hub is followed, and whether each was given.
    pub(super) fn ways(&self) -> Vec<(&'static str, bool)> {
        vec![("--follow-token-file", self.token_file.is_some())]
    }

    /// Follows another hub, if one is to be followed, and says what it has.
    pub(super) fn open(&self, _history: History, _lag: Lag) -> Result<Option<Hub>, Failure> {
        let Some(_url) = &self.url else { return Ok(None) };
        let _token = self.token_file.as_deref().map(|path| TOKEN.read(path)).transpose();
        Err(Failure::Failed("following is not in this build yet".into()))
    }
}
