//! From a request to its handler, and from what the handler returns, its error or its panic to a
//! response; and the responses to what is refused, too large, or past a bound.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::{CloseReason, Error, Result};
use crate::event::encode;
use crate::http::exchange::{Asked, Recipient};
use crate::http::pattern::Pattern;
use crate::http::request::Rare;
use crate::http::{Head, Method, Refusal, Request, Response, Status};
use crate::net::budget::Share;
use crate::net::counts::Bound;
use crate::net::link::Link;
use crate::peer::Peer;
use crate::server::reply::{Reply, StreamHandler};
use crate::server::routes::Handler;
use crate::server::site::Site;
use crate::stream::hooks;
use crate::stream::writer::SseWriter;
use crate::stream::{Origin, Stream};

/// What takes a request that was accepted.
pub(crate) struct Accepted {
    pub(crate) handler: Handler,
    /// What the path matches, with its parameters.
    pub(crate) pattern: Arc<Pattern>,
    /// This body's part of the memory for all bodies. None for a body that no handler is given, as
    /// it is not kept.
    pub(crate) share: Option<Share>,
    /// What was left for the handler by whatever admitted the request.
    pub(crate) left: Option<Arc<Rare>>,
}

impl Recipient for Accepted {
    fn has_room_for(&mut self, bytes: usize) -> bool {
        self.share.as_mut().is_none_or(|share| share.grow_to(bytes))
    }
}

/// Finds the handler of a request whose body has not been read, or the response where no handler
/// is to run: the body is `too_large`, or the connection was `refused` when it came.
pub(crate) fn find(
    site: &Site,
    head: &Head,
    too_large: bool,
    peer: Peer,
    refused: bool,
) -> Result<Accepted, Response> {
    if too_large {
        return Err(too_large_body(site, head.method()));
    }
    if refused {
        let wants = head.accepts_event_stream();
        return Err(full(site, head, peer, wants, Bound::Connections));
    }
    if site.hosts.as_ref().is_some_and(|hosts| !hosts.allow(head.authority_bytes())) {
        let host = head.authority().unwrap_or_default();
        let why = format_args!("{host:?} is no name of this server");
        return Err(refuse(site, Status::MISDIRECTED_REQUEST, why));
    }
    let path = head.path_bytes();
    if path == b"*" {
        // OPTIONS for the server as a whole (RFC 9110, section 9.3.7).
        let mut response = Response::no_content();
        response.add_field("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE");
        return Err(response);
    }
    if let Some(cors) = &site.cors {
        let allow = || site.routes.allowed(path, head.is_encoded());
        if let Some(response) = cors.preflight(head, allow) {
            return Err(response);
        }
    }
    let (handler, pattern) = site.routes.find(head.method(), path, head.is_encoded())?;
    let left = admit(site, head, peer)?;
    let share = head.method().has_content().then(|| site.bodies.share());
    Ok(Accepted { handler, pattern, share, left })
}

/// Asks the program whether the request is admitted.
fn admit(site: &Site, head: &Head, peer: Peer) -> Result<Option<Arc<Rare>>, Response> {
    let Some(admit) = &site.admit else { return Ok(None) };
    let asked = catch_unwind(AssertUnwindSafe(|| admit(head, peer)));
    asked.unwrap_or_else(|_| Err(internal_server_error()))
}

/// The response past a bound, which is counted and told.
#[cold]
fn full(site: &Site, head: &Head, peer: Peer, wants_stream: bool, bound: Bound) -> Response {
    site.runtime.counts.refuse(bound);
    if let Some(hooks) = &site.runtime.hooks {
        hooks::call(|| hooks.refused(peer, head.target(), bound.why()));
    }
    busy(site, head, wants_stream, bound.why())
}

/// The response where there are too many connections or streams already. A browser's `EventSource`
/// gives up for good on a 503, so a GET that wants an event stream gets one that ends with a
/// reconnection time; and a HEAD the same head (RFC 9110, section 9.3.2). To any other method a 200
/// would say that it was done.
fn busy(site: &Site, head: &Head, wants_event_stream: bool, why: &str) -> Response {
    if !wants_event_stream || !matches!(head.method(), Method::Get | Method::Head) {
        return come_back(site, refuse(site, Status::SERVICE_UNAVAILABLE, why));
    }
    let mut content = Vec::new();
    encode::encode_retry(site.runtime.come_back_after(), &mut content);
    Response::event_stream_head().with_content(content)
}

/// The response to what can't be served; where that passes by itself, with `Retry-After`.
pub(crate) fn response_to(site: &Site, refusal: &Refusal, method: Option<Method>) -> Response {
    match (refusal.status(), method) {
        // No setting of the program would avoid it.
        (status @ Status::SERVICE_UNAVAILABLE, _) => {
            come_back(site, Response::text(format!("{refusal}\n")).with_status(status))
        }
        (Status::CONTENT_TOO_LARGE, Some(method)) => too_large_body(site, method),
        (status, _) => refuse(site, status, refusal.why()),
    }
}

fn come_back(site: &Site, mut response: Response) -> Response {
    let seconds = site.runtime.come_back_after().as_secs().max(1);
    response.add_field("Retry-After", &seconds.to_string());
    response
}

fn too_large_body(site: &Site, method: Method) -> Response {
    let limits = &site.runtime.limits;
    if method.has_content() {
        let why = format_args!("a body may have {} bytes", limits.body);
        return refuse(site, Status::CONTENT_TOO_LARGE, why);
    }
    let text = format!("413 Content Too Large: a body of {method} may have {} bytes", limits.drain);
    Response::text(text + ", since nobody reads it\n").with_status(Status::CONTENT_TOO_LARGE)
}

/// A refusal of the server's own: why, and the remedies that the program has named for it.
fn refuse(site: &Site, status: Status, why: impl Display) -> Response {
    let mut text = format!("{status}: {why}");
    for (_, remedy) in site.remedies.iter().filter(|(of, _)| *of == status) {
        text += ": ";
        text += remedy;
    }
    text.push('\n');
    Response::text(text).with_status(status)
}

/// Runs a handler. An error or a panic becomes a response.
pub(crate) fn call(site: &Site, handler: &Handler, request: &Request) -> Reply {
    match catch_unwind(AssertUnwindSafe(|| handler(request))) {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => failure(site, request, Some(&error)).into(),
        Err(_) => failure(site, request, None).into(),
    }
}

/// The status of a handler's error that is the request's fault.
fn fault_of_the_request(request: &Request, error: &Error) -> Option<Status> {
    match error {
        bad if bad.is_bad_request() => bad.status(),
        // Where nothing came that is free to be anything, the value is the handler's own.
        bad if bad.is_invalid_value() && has_values(request) => Some(Status::BAD_REQUEST),
        // Where there is no body, the handler itself made the event too large.
        large if large.is_too_large() && !request.body().is_empty() => {
            Some(Status::CONTENT_TOO_LARGE)
        }
        reused if reused.is_key_reused() => Some(Status::UNPROCESSABLE_CONTENT),
        in_use if in_use.is_key_in_use() => Some(Status::CONFLICT),
        _ => None,
    }
}

/// Whether the client has sent values that need not be what a field can carry: in the query, in the
/// path or in the body.
fn has_values(request: &Request) -> bool {
    let head = request.head();
    let has_query = head.query().is_some_and(|query| !query.is_empty());
    has_query || head.is_encoded() || request.has_params() || !request.body().is_empty()
}

/// The status of a handler's error that is not, or of a panic.
fn fault_of_the_server(error: Option<&Error>) -> Status {
    match error {
        Some(full) if full.is_storage_full() => Status::INSUFFICIENT_STORAGE,
        Some(later)
            if later.is_storage_failed() || later.is_too_many_keys() || later.is_unavailable() =>
        {
            Status::SERVICE_UNAVAILABLE
        }
        Some(unknown) if unknown.is_outcome_unknown() => Status::GATEWAY_TIMEOUT,
        _ => Status::INTERNAL_SERVER_ERROR,
    }
}

/// The response to a request whose handler failed; without an error, it panicked. The hooks get the
/// error, and the client does not.
fn failure(site: &Site, request: &Request, error: Option<&Error>) -> Response {
    if let Some(response) = error.and_then(Error::response) {
        return response.clone();
    }
    let fault = error.and_then(|error| Some((error, fault_of_the_request(request, error)?)));
    if let Some((error, status)) = fault {
        let mut response = Response::text(format!("{status}: {error}\n")).with_status(status);
        if status == Status::UNSUPPORTED_MEDIA_TYPE && request.field("content-encoding").is_some() {
            // RFC 9110, section 15.5.16.
            response.add_field("Accept-Encoding", "identity");
        }
        return response;
    }
    if let (Some(hooks), Some(error)) = (&site.runtime.hooks, error) {
        hooks::call(|| hooks.failed(request.peer(), request.target(), error));
    }
    let status = fault_of_the_server(error);
    let mut response = Response::text(format!("{status}\n")).with_status(status);
    if error.is_some_and(Error::is_unavailable) {
        response.add_field("Retry-After", "1");
    }
    response
}

fn internal_server_error() -> Response {
    Response::text("500 Internal Server Error\n").with_status(Status::INTERNAL_SERVER_ERROR)
}

/// Adds what the server's CORS policy says to the origin that asks.
pub(crate) fn add_cors(site: &Site, response: &mut Response, asked: &Asked) {
    if let Some(cors) = &site.cors {
        for (name, value) in cors.fields(asked.origin.as_deref()) {
            response.add_field(name, &value);
        }
    }
}

/// Gives the link to a stream and runs its handler. If there are too many, or the handler fails
/// before the head has gone out, gives the link back with the response to that.
pub(crate) fn start_stream(
    site: &Site,
    link: Link,
    request: &Request,
    chunked: bool,
    head: Response,
    handler: StreamHandler,
) -> Result<(), (Link, Response)> {
    let ticket = match site.runtime.streams.admit(request.peer()) {
        Ok(ticket) => ticket,
        Err(bound) => {
            return Err((link, full(site, request.head(), request.peer(), true, bound)));
        }
    };
    let origin = Origin {
        peer: request.peer(),
        target: request.target(),
        last_event_id: request.last_event_id(),
        chunked,
    };
    let stream = Stream::new(Arc::clone(&site.runtime), link, ticket, origin, head);
    if site.runtime.is_stopping() {
        // The stop may have ended all streams before this one was registered.
        let Some(link) = stream.reclaim() else { return Ok(()) };
        return Err((link, busy(site, request.head(), true, "this server stops")));
    }
    let writer = SseWriter::new(Arc::clone(&stream));
    match catch_unwind(AssertUnwindSafe(|| handler(writer, request))) {
        Ok(Ok(())) => {
            // Where the client has gone there is nothing left to open.
            let _ = stream.open();
            Ok(())
        }
        // The handler returns the error that it got because the client has gone.
        Ok(Err(error)) if error.is_closed() && !stream.is_active() => Ok(()),
        failed => {
            let error = failed.ok().and_then(Result::err);
            let Some(link) = stream.reclaim() else {
                // The client learns of it only by the end.
                error.iter().for_each(|error| stream.tell_failure(error));
                stream.end(CloseReason::Failed);
                return Ok(());
            };
            Err((link, failure(site, request, error.as_ref())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_order_elsewhere_does_not_take_is_the_servers_fault() {
        let status = |error: Error| fault_of_the_server(Some(&error)).code();
        assert_eq!(status(Error::unavailable("nobody is there")), 503);
        assert_eq!(status(Error::unknown("nobody has responded")), 504);
        assert_eq!(status(Error::other("a sensor")), 500);
    }
}
