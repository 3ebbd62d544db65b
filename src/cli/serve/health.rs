//! Health: whether the hub serves streams, and whether it can publish.
//!
//! ```text
//! GET /health            is it alive? 200, for as long as it serves streams
//! 200 OK
//! ok
//! Redis can't be reached, and was last heard from 12 s ago: nothing can be published
//!
//! GET /health?ready      does it publish? 503 while it can't
//! ```
//!
//! A supervisor that restarts what isn't alive asks the first: a restart would end streams, and
//! bring no Redis back. A load balancer that chooses among hubs asks the second.

use std::time::Duration;

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
    match (state, ready) {
        (State::Away(_) | State::Denied(_), Some(_)) => Err(not_ready(order, state, "1")),
        // It needs somebody who restarts the hub.
        (State::SyncFailed, Some(_)) => Err(not_ready(order, state, "30")),
        _ => Ok(alive(order, state)),
    }
}

fn alive(order: Order, state: State) -> Response {
    let said = said(order, state);
    Response::text(format!("ok\n{said}{}", if said.is_empty() { "" } else { "\n" }))
}

fn not_ready(order: Order, state: State, retry_after: &'static str) -> Response {
    later(Status::SERVICE_UNAVAILABLE, retry_after, said(order, state))
}

/// What there is to say of the order.
fn said(order: Order, state: State) -> String {
    let name = order.name;
    let away = |why: &str, silence: Duration| {
        let seconds = silence.as_secs();
        format!("{name} {why}, and was last heard from {seconds} s ago: nothing can be published")
    };
    match state {
        State::Own => String::new(),
        State::SyncFailed => "a sync of the journal failed: nothing is published any more".into(),
        State::Reachable => format!("{name} can be reached"),
        State::Away(silence) => away("can't be reached", silence),
        State::Denied(silence) => away("refuses this hub's token", silence),
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::MEMORY;
    use super::*;

    const HUB: Order = Order { series: "", name: "the other hub" };
    const REDIS: Order = Order { series: "", name: "Redis" };

    fn text(response: &Response) -> &str {
        str::from_utf8(response.content_bytes()).expect("text")
    }

    #[test]
    fn a_hub_is_alive_while_it_serves_streams_and_says_how_its_order_is() {
        let away = State::Away(Duration::from_millis(12_999));
        let unreachable = "Redis can't be reached, and was last heard from 12 s ago: nothing can \
                           be published";
        let denied = "the other hub refuses this hub's token, and was last heard from 3 s ago: \
                      nothing can be published";
        let failed = "a sync of the journal failed: nothing is published any more";
        for (order, state, said) in [
            (MEMORY, State::Own, "ok\n".to_owned()),
            (MEMORY, State::SyncFailed, format!("ok\n{failed}\n")),
            (REDIS, State::Reachable, "ok\nRedis can be reached\n".to_owned()),
            (REDIS, away, format!("ok\n{unreachable}\n")),
            (HUB, State::Denied(Duration::from_secs(3)), format!("ok\n{denied}\n")),
        ] {
            let response = alive(order, state);
            assert_eq!((response.status(), text(&response)), (Status::OK, &*said));
        }
    }

    #[test]
    fn a_hub_that_is_not_ready_says_why_and_when_to_ask_again() {
        let away = State::Away(Duration::from_millis(500));
        let response = not_ready(REDIS, away, "1");
        let said = "503 Service Unavailable: Redis can't be reached, and was last heard from 0 s \
                    ago: nothing can be published\n";
        assert_eq!((response.status().code(), text(&response)), (503, said));
        assert_eq!(response.field("Retry-After"), Some("1"));
    }
}
