//! Health: whether the hub serves streams, and whether it can publish.
//!
//! ```text
//! GET /health            is it alive? 200, for as long as it serves streams
//! 200 OK
//! ok
//! Redis can't be reached, and was heard of last 12 s ago: nothing can be published
//!
//! GET /health?ready      does it publish? 503 while it can't
//! ```
//!
//! A supervisor that restarts what isn't alive asks the first: a restart would end streams, and
//! bring no Redis back. A load balancer that chooses among hubs asks the second.

use tidings::{Request, Response, Status};

use super::order::{Order, State};
use super::query;
use super::refuse::{bad_request, later};

pub(super) fn response(
    request: &Request,
    order: Order,
    state: State,
) -> Result<Response, Response> {
    let [ready] = query::only(request, ["ready"], "that of a health check is ready")?;
    if ready.as_ref().is_some_and(|value| !value.is_empty()) {
        return Err(bad_request("ready takes no value: ask for /health?ready"));
    }
    let said = said(order, state);
    let retry = match state {
        State::Away(_) => "1",
        // It needs somebody who restarts the hub.
        State::SyncFailed => "30",
        State::Own | State::Reachable => return Ok(ok(&said)),
    };
    match ready {
        None => Ok(ok(&said)),
        Some(_) => Err(later(Status::SERVICE_UNAVAILABLE, retry, said)),
    }
}

fn ok(said: &str) -> Response {
    Response::text(format!("ok\n{said}{}", if said.is_empty() { "" } else { "\n" }))
}

/// What there is to say of the order.
fn said(order: Order, state: State) -> String {
    let name = order.name;
    match state {
        State::Own => String::new(),
        State::SyncFailed => "a sync of the journal failed: nothing is published any more".into(),
        State::Reachable => format!("{name} can be reached"),
        State::Away(silence) => format!(
            "{name} can't be reached, and was heard of last {} s ago: nothing can be published",
            silence.as_secs()
        ),
    }
}
