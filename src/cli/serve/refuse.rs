//! Refusals: a status, and a sentence that says what was wrong and what is expected.

use std::fmt::Display;

use tidings::{Response, Status};

pub(super) fn refuse(status: Status, why: impl Display) -> Response {
    Response::text(format!("{status}: {why}\n")).with_status(status)
}

pub(super) fn bad_request(why: impl Display) -> Response {
    refuse(Status::BAD_REQUEST, why)
}
