//! The token with which a hub asks the one that it follows. It may be another one later.
//!
//! ```text
//! Follow::token ──────────────► the token ─► GET /feed, POST /events/NAME
//! Follow::renew_token ─► reads ────▲           │ 401, 403
//!      ▲ before each GET /feed                 │
//!      └───────────────────────────────────────┘
//! ```
//!
//! Where it can't be read again the one before is kept: a pipe can be read once, and a file may be
//! half written for a moment.

use std::sync::{Arc, Mutex, PoisonError};

use super::chain::{Chain, FIELD};
use super::options::{Follow, Renew};
use crate::client::StreamRequest;
use crate::error::Result;

/// The field that carries the token.
pub(super) const CARRIER: &str = "Authorization";

/// What the other hub is asked with. The reader and publishers share it.
pub(super) struct Credentials {
    /// The request for the feed, with the token of this moment. No other lock is taken while this
    /// one is held.
    request: Mutex<Arc<StreamRequest>>,
    renew: Option<Renew>,
}

impl Credentials {
    /// # Errors
    ///
    /// If no request can be made of these options.
    pub(super) fn new(follow: &Follow, chain: &Chain) -> Result<Self> {
        // What the hub keeps is asked for where there is no last event ID.
        let url = follow.root().join(&format!("feed?history={}", u32::MAX))?;
        let mut request = StreamRequest::of(url).with_field(FIELD, chain.own())?;
        if let Some(credentials) = follow.credentials() {
            request = request.with_field(CARRIER, credentials)?;
        }
        Ok(Self { request: Mutex::new(Arc::new(request)), renew: follow.renew().cloned() })
    }

    /// The request for the feed.
    pub(super) fn request(&self) -> Arc<StreamRequest> {
        Arc::clone(&self.request.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn can_renew(&self) -> bool {
        self.renew.is_some()
    }

    /// Reads the token again, if that can be done. An error says why there is none.
    pub(super) fn renew(&self) -> Result<()> {
        let Some(renew) = &self.renew else { return Ok(()) };
        // Without the lock, as it may be slow.
        let credentials = Follow::credentials_of(&renew()?)?;
        if value(&self.request()) != Some(&credentials) {
            let request = StreamRequest::clone(&self.request()).with_field(CARRIER, credentials)?;
            *self.request.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(request);
        }
        Ok(())
    }

    /// The request with another token than this one has, if there is one by now.
    pub(super) fn other_than(&self, request: &StreamRequest) -> Option<Arc<StreamRequest>> {
        // Where it can't be read, another thread may have done so before.
        let _ = self.renew();
        Some(self.request()).filter(|now| value(now) != value(request))
    }
}

/// The token that a request carries, with its scheme.
pub(super) fn value(request: &StreamRequest) -> Option<&str> {
    request.field(CARRIER)
}
