//! Refusals: a status, and a sentence that says what was wrong and what is expected.

use std::fmt::Display;

use tidings::{Response, Status};

pub(super) fn refuse(status: Status, why: impl Display) -> Response {
    Response::text(format!("{status}: {why}\n")).with_status(status)
}

pub(super) fn bad_request(why: impl Display) -> Response {
    refuse(Status::BAD_REQUEST, why)
}

/// A refusal of what may be possible later: so many seconds, at least.
pub(super) fn later(status: Status, seconds: &'static str, why: impl Display) -> Response {
    refuse(status, why)
        .with_field("Retry-After", seconds)
        .expect("the name is a token and the value is text")
}
