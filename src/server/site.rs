//! What a server serves, and by which rules: what all its connections have in common.

use std::fmt;
use std::sync::Arc;

use super::hosts::Hosts;
use super::routes::Routes;
use crate::http::request::Rare;
use crate::http::{Cors, Head, Proxies, Response, Status};
use crate::net::budget::Budget;
#[cfg(feature = "tools")]
use crate::net::trace::Tracer;
use crate::peer::Peer;
use crate::stream::runtime::Runtime;

/// Decides by a request's head and its peer whether it is admitted, and leaves something for the
/// handler; if it is not, the error is the response.
pub(crate) type Admit =
    Box<dyn Fn(&Head, Peer) -> Result<Option<Arc<Rare>>, Response> + Send + Sync>;

/// Owned by the server and by every connection.
pub(crate) struct Site {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) routes: Routes,
    pub(crate) cors: Option<Cors>,
    pub(crate) hosts: Option<Hosts>,
    pub(crate) admit: Option<Admit>,
    pub(crate) proxies: Option<Proxies>,
    /// What is said beside a refusal with this status.
    pub(crate) remedies: Vec<(Status, String)>,
    pub(crate) bodies: Arc<Budget>,
    /// Is told of each call on a connection.
    #[cfg(feature = "tools")]
    pub(crate) tracer: Option<Arc<Tracer>>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("counts", &self.runtime.counts).finish_non_exhaustive()
    }
}
