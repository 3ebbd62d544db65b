//! Publishing on the followed hub: one request for each post, over connections that are kept.
//!
//! ```text
//! POST /events/NAME?event=TYPE&retry=MS HTTP/1.1    one event: its data; several: an event stream
//! Host: hub.example:3000
//! Tidings-Hubs: 09f8a2b3c4d5e6f7                    this hub
//! Authorization: Bearer 2YotnFZFEjr1                this hub's token, not the publisher's
//! Idempotency-Key: "KEY"                            the publisher's
//! Content-Type: text/plain                          or text/event-stream
//! Content-Length: 4
//! ```
//!
//! The followed hub's response is the response, also where it refuses. Only where it refuses this
//! hub, as with a wrong token, the publisher is told that the order is unavailable: nothing is
//! wrong with what it sent. Where the token has been renewed since, it goes out again with that.
//!
//! A kept connection may be closed by the other hub at any time. So it is looked at before it is
//! used; and a request that fails on it all the same goes out once more, over a new one, if it can
//! not have been published, or has a key.

use std::fmt::Display;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::chain::{self, Chain};
use super::credentials::{self, CARRIER, Credentials};
use super::message::shown;
use crate::client::kept::{Exchanged, Failed, Kept};
use crate::client::{StreamRequest, Url};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::http::{Response, Status};
use crate::log::id::Id;
use crate::net::moment::Moment;
use crate::order::{Appended, Post};

/// How long a publish takes at most, the wait for a connection included.
const DEADLINE: Duration = Duration::from_secs(3);

/// How many publishes are under way at once: as many connections are kept. The others wait.
const CONNECTIONS: usize = 16;

/// How long the text of a refusal may be. A line of ids comes on top for each event.
const LONGEST_TEXT: usize = 4 * 1024;
const LONGEST_LINE: usize = 64;

/// What the other hub says of this one, and not of the event.
const OF_THIS_HUB: [Status; 6] = [
    Status::UNAUTHORIZED,
    Status::FORBIDDEN,
    Status::NOT_FOUND,
    Status::METHOD_NOT_ALLOWED,
    Status::MISDIRECTED_REQUEST,
    Status::LOOP_DETECTED,
];

/// Publishes on the followed hub.
pub(super) struct Forward {
    /// Its target ends in a slash.
    root: Url,
    /// The field lines of all requests, but for the token.
    fields: String,
    credentials: Arc<Credentials>,
    pool: Mutex<Pool>,
    /// Whoever waits for a connection is woken by one that is given back.
    freed: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Kept>,
    /// How many publishes are under way.
    busy: usize,
}

/// A publish that is under way, and gives its place to another one when it is dropped.
struct Place<'a>(&'a Forward);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.pool().busy -= 1;
        self.0.freed.notify_one();
    }
}

impl Forward {
    pub(super) fn new(root: &Url, chain: &Chain, credentials: Arc<Credentials>) -> Self {
        let (name, own) = (chain::FIELD, chain.own());
        let fields = format!("Host: {}\r\n{name}: {own}\r\n", root.authority());
        let (root, pool) = (root.clone(), Mutex::default());
        Self { root, fields, credentials, pool, freed: Condvar::new() }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes on the channel of this name.
    pub(super) fn publish(&self, channel: &str, post: &Post<'_>) -> Result<Appended> {
        let deadline = Instant::now() + DEADLINE;
        let mut asked = self.credentials.request();
        let _place = self.take_place(deadline)?;
        let mut exchanged = self.exchange(&asked, channel, post, deadline)?;
        if is_of_the_token(exchanged.head.status())
            && let Some(other) = self.credentials.other_than(&asked)
        {
            asked = other;
            exchanged = self.exchange(&asked, channel, post, deadline)?;
        }
        finish(&exchanged, &asked, post.events.len())
    }

    /// Sends it, with the token of the feed's request.
    fn exchange(
        &self,
        feed: &StreamRequest,
        channel: &str,
        post: &Post<'_>,
        deadline: Instant,
    ) -> Result<Exchanged> {
        let request = self.request(feed, channel, post);
        let most = LONGEST_TEXT + LONGEST_LINE * post.events.len();
        if let Some(kept) = self.take_idle() {
            match kept.exchange(&request, most, deadline) {
                Ok(exchanged) => return Ok(self.keep(kept, exchanged)),
                // Once more, over a new one.
                Err(Failed::Unsent(_)) => {}
                Err(Failed::Closed(_)) if post.key.is_some() => {}
                Err(Failed::Closed(error) | Failed::Unknown(error)) => return Err(unknown(&error)),
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let kept = Kept::connect(&self.root, left).map_err(|error| unavailable(&error))?;
        match kept.exchange(&request, most, deadline) {
            Ok(exchanged) => Ok(self.keep(kept, exchanged)),
            Err(Failed::Unsent(error)) => Err(unavailable(&error)),
            Err(Failed::Closed(error) | Failed::Unknown(error)) => Err(unknown(&error)),
        }
    }

    /// Keeps the connection for the next publish, if it can be asked again.
    fn keep(&self, kept: Kept, exchanged: Exchanged) -> Exchanged {
        if exchanged.is_reusable {
            self.pool().idle.push(kept);
        }
        exchanged
    }

    fn take_place(&self, deadline: Instant) -> Result<Place<'_>> {
        let left = deadline.saturating_duration_since(Instant::now());
        let is_full = |pool: &mut Pool| pool.busy >= CONNECTIONS;
        let waited = self.freed.wait_timeout_while(self.pool(), left, is_full);
        let (mut pool, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if is_full(&mut pool) {
            return Err(Error::unavailable(
                "the hub that this one follows is slow: too many publishes wait for it",
            ));
        }
        pool.busy += 1;
        Ok(Place(self))
    }

    /// The newest connection that is still one.
    fn take_idle(&self) -> Option<Kept> {
        std::iter::from_fn(|| self.pool().idle.pop()).find(Kept::is_quiet)
    }

    fn request(&self, feed: &StreamRequest, channel: &str, post: &Post<'_>) -> Vec<u8> {
        let mut out = String::from("POST ");
        out.push_str(self.root.target());
        out.push_str("events/");
        encode(channel, &mut out);
        let (content_type, content) = match post.events {
            [event] => {
                parameters(event, &mut out);
                ("text/plain; charset=utf-8", event.data().as_bytes().to_vec())
            }
            events => {
                let mut content = Vec::new();
                events.iter().for_each(|event| event.encode_with(None, &mut content));
                ("text/event-stream", content)
            }
        };
        out.push_str(" HTTP/1.1\r\n");
        out.push_str(&self.fields);
        if let Some(credentials) = credentials::value(feed) {
            [CARRIER, ": ", credentials, "\r\n"].iter().for_each(|part| out.push_str(part));
        }
        if let Some(key) = post.key {
            out.push_str("Idempotency-Key: \"");
            key.key.chars().for_each(|c| match c {
                '"' | '\\' => out.extend(['\\', c]),
                c => out.push(c),
            });
            out.push_str("\"\r\n");
        }
        out.push_str(&format!(
            "Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            content.len()
        ));
        let mut out = out.into_bytes();
        out.extend_from_slice(&content);
        out
    }
}

/// Whether a token is refused with this status, so that another one may do.
pub(super) fn is_of_the_token(status: Status) -> bool {
    matches!(status, Status::UNAUTHORIZED | Status::FORBIDDEN)
}

/// What the response says of so many events. Nobody is told the token that was asked with, should
/// the other hub, or a proxy before it, say that.
fn finish(exchanged: &Exchanged, asked: &StreamRequest, count: usize) -> Result<Appended> {
    let status = exchanged.head.status();
    let text = String::from_utf8_lossy(&exchanged.content);
    if status == Status::OK {
        let no_ids = || unknown(&"it responded with what are no ids");
        return appended(&text, count).ok_or_else(no_ids);
    }
    if status.code() < 400 && !status.is_redirect() {
        return Err(unknown(&format_args!("it responded with {status}")));
    }
    let text = asked.without_secrets(&text);
    if status.is_redirect() || OF_THIS_HUB.contains(&status) {
        return Err(Error::unavailable(format!(
            "the hub that this one follows refuses this hub: {}",
            shown(&text)
        )));
    }
    let mut response = Response::text(text).with_status(status);
    if let Some(time) = exchanged.head.field_text("retry-after") {
        // It came in a field, so it can be sent in one.
        let _ = response.set_field("Retry-After", time);
    }
    Err(Error::refused_elsewhere(response))
}

/// What the query says of an event.
fn parameters(event: &Event, out: &mut String) {
    let mut mark = '?';
    if let Some(event_type) = event.event_type() {
        out.push(mark);
        out.push_str("event=");
        encode(event_type, out);
        mark = '&';
    }
    if let Some(time) = event.retry() {
        out.push(mark);
        out.push_str(&format!("retry={}", time.as_millis()));
    }
}

/// Percent-encodes all but what every part of a URL may hold (RFC 3986, section 2.3).
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(byte.into());
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// Reads the ids, one a line, adjacent, of so many events.
fn appended(text: &str, count: usize) -> Option<Appended> {
    let mut ids = text.lines().map(Id::parse);
    let first = ids.next()??;
    let follows = |(id, place): (Option<Id>, u64)| {
        id == first.sequence.checked_add(place).map(|sequence| Id { sequence, ..first })
    };
    let others = ids.zip(1..).take_while(|of| follows(*of)).count();
    let is_whole = others + 1 == count && text.lines().count() == count;
    is_whole.then(|| Appended { first, text: first.to_string(), count, at: Moment::now() })
}

#[cold]
fn unavailable(error: &dyn Display) -> Error {
    Error::unavailable(format!("the hub that this one follows can't be reached: {error}"))
}

#[cold]
fn unknown(why: &dyn Display) -> Error {
    Error::unknown(format!("the hub that this one follows has not said what it did: {why}"))
}

#[cfg(test)]
mod tests;
