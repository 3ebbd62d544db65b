//! For tests of what you serve: a client whose every wait has a deadline.
//!
//! A test starts the server, asks it, and drops it at the end. The server may listen nowhere, as
//! [`Server::new`](crate::Server::new) makes it: it is then asked over a pair of sockets. Whatever
//! goes wrong, the test fails in time, and says what it waited for and what had come:
//!
//! ```
//! use tidings::{Channel, Response, Server, Status, testing};
//!
//! /// What is to be tested.
//! fn site(news: Channel) -> Server {
//!     let followed = news.clone();
//!     Server::new()
//!         .sse("/events", move |stream, _| stream.subscribe(&followed))
//!         .post("/events", move |request| {
//!             news.send(request.body_text()?)?;
//!             Ok(Response::no_content())
//!         })
//! }
//!
//! # // It would be a `#[test]`.
//! fn what_is_published_comes_to_those_that_follow() -> tidings::Result<()> {
//!     let server = site(Channel::new()).start()?;
//!     let mut events = testing::stream(&server, "/events")?;
//!     assert_eq!(testing::post(&server, "/events", "rain")?.status(), Status::NO_CONTENT);
//!     assert_eq!(events.event()?.data, "rain");
//!     Ok(())
//! }
//! # what_is_published_comes_to_those_that_follow().unwrap();
//! ```
//!
//! A handler that is a function needs no server: give it a [`Request`] made by hand
//! ([`Request::get`]). A handler of a stream does need one, as no [`SseWriter`](crate::SseWriter)
//! can be made by hand: ask for its path with [`stream()`]. What a handler publishes on a channel,
//! a [reader](crate::Channel::reader) of the channel gets without a stream.
//!
//! | to | is |
//! | --- | --- |
//! | set fields, or ask by another method | [`send`] of a [`Request`] |
//! | wait longer than 10 seconds, or less long | [`Client::within`] |
//! | resume after an event | [`Client::stream`] of a [`Request`] with `Last-Event-ID` |
//! | ask a program at its address, or over a socket of yours | [`Client::to`], [`Client::over`] |
//!
//! Nothing here reconnects or follows a redirect: for that, see [`client`](crate::client).
//!
//! Reading order: `client` is what is asked, `place` of whom, `response` and `stream` are what
//! comes, `timed` is the deadline.

mod client;
mod place;
mod response;
mod stream;
mod timed;

pub use client::Client;
pub use place::Place;
pub use response::Response;
pub use stream::Stream;

use crate::error::Result;
use crate::http::Request;

/// Asks a server for this target with a GET, on a connection of its own, and reads the whole
/// response. Of whom it can ask, see [`Place`].
///
/// ```
/// use tidings::{Response, Server, testing};
///
/// let server = Server::new()
///     .get("/greet/{name}", |request| {
///         Ok(Response::text(format!("hello {}\n", request.param("name").unwrap_or_default())))
///     })
///     .start()?;
/// assert_eq!(testing::get(&server, "/greet/eve")?.text(), "hello eve\n");
/// assert_eq!(testing::get(&server, "/greet")?.status().code(), 404);
/// # server.stop()?;
/// # Ok::<(), tidings::Error>(())
/// ```
///
/// # Errors
///
/// When the whole response has not come within 10 seconds ([`is_timeout`]), which is what comes of
/// an event stream that goes on; when there was none, no valid one, or one with more than 64 MiB of
/// content; or when no client could ask for this target. A response with any status is no error.
///
/// [`is_timeout`]: crate::Error::is_timeout
pub fn get(server: impl Into<Place>, target: &str) -> Result<Response> {
    send(server, Request::get(target)?)
}

/// Posts this body to a server, on a connection of its own, and reads the whole response.
///
/// # Errors
///
/// As for [`get`].
pub fn post(server: impl Into<Place>, target: &str, body: impl AsRef<[u8]>) -> Result<Response> {
    send(server, Request::post(target, body)?)
}

/// Sends a request that was made by hand, on a connection of its own, and reads the whole response.
///
/// ```
/// use tidings::{Method, Request, Response, Server, testing};
///
/// let server = Server::new()
///     .route(Method::Put, "/name", |request| Ok(Response::text(request.body_text()?.to_owned())))
///     .start()?;
/// let request = Request::post("/name", "eve")?.with_method(Method::Put);
/// let request = request.with_field("Content-Type", "text/plain; charset=utf-16")?;
/// assert_eq!(testing::send(&server, request)?.status().code(), 415);
/// # server.stop()?;
/// # Ok::<(), tidings::Error>(())
/// ```
///
/// # Errors
///
/// As for [`get`].
pub fn send(server: impl Into<Place>, request: Request) -> Result<Response> {
    Client::to(server).send(request)
}

/// Opens an event stream, on a connection of its own.
///
/// # Errors
///
/// When the response is no event stream ([`is_bad_response`]; the error has its [`status`]). When
/// its head has not come within 10 seconds ([`is_timeout`]), there was none, or no client could ask
/// for this target.
///
/// [`is_bad_response`]: crate::Error::is_bad_response
/// [`is_timeout`]: crate::Error::is_timeout
/// [`status`]: crate::Error::status
pub fn stream(server: impl Into<Place>, target: &str) -> Result<Stream> {
    Client::to(server).stream(Request::get(target)?)
}

#[cfg(test)]
mod tests;
