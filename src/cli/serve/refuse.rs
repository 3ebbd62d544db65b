//! Refusals: a status, and a sentence that says what was wrong and what is expected.

use std::fmt::Display;

use tidings::{Response, Status};

/// The answer to a request that can't be served as it is.
pub(super) fn refuse(status: Status, why: impl Display) -> Response {
    Response::text(format!("{status}: {why}\n")).with_status(status)
}

/// The answer to a request that could be served later.
pub(super) fn unavailable(why: impl Display) -> Response {
    refuse(Status::SERVICE_UNAVAILABLE, why)
        .with_field("Retry-After", "30")
        .expect("the name is a token and the value is text")
}

pub(super) fn bad_request(why: impl Display) -> Response {
    refuse(Status::BAD_REQUEST, why)
}
