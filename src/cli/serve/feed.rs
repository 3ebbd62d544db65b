//! The feed: the events of all channels on one stream, for hubs that follow this one.
//!
//! ```text
//! GET /feed HTTP/1.1                     HTTP/1.1 200 OK
//! Host: localhost:3000                   Content-Type: text/event-stream
//! Authorization: Bearer 2YotnFZFEjr1     Tidings-Hubs: 09f8a2b3c4d5e6f7
//! Tidings-Hubs: 5d01c6f7a8b9e2a3         Tidings-Newest: 171-7
//! Last-Event-ID: 171-6
//!                                        channel: news
//!                                        id: 171-7
//!                                        data: rain
//! ```
//!
//! `Tidings-Hubs` is the hub that asks; and this one, with those that it follows itself. The feed
//! has caught up with the event `Tidings-Newest`. Other programs need neither.
//!
//! It begins as a stream of channels does: see [`subscribe`](super::subscribe). Whoever has it has
//! everything, whatever the channels are called: so a hub that has a token or a key wants a token
//! here that follows `*`.

use tidings::{Reply, Request, Response};

use super::channels::{ALL, Channels};
use super::follow;
use super::guard::Guard;
use super::subscribe::Begin;

pub(super) fn all(
    channels: &Channels,
    guard: &Guard,
    request: &Request,
) -> Result<Reply, Response> {
    let names = [ALL.into()];
    let bound = guard.check_follow(request, &names)?;
    let begin = Begin::of_feed(request)?;
    follow::check(&channels.hub, request.head())?;
    let hub = channels.hub.clone();
    // Runs only when there is a stream, so a HEAD makes no feed.
    let reply = Reply::event_stream(move |stream| {
        if let Some(bound) = bound {
            bound.set(&stream);
        }
        stream.follow_feed(&hub, begin.start())
    });
    Ok(if guard.needs_token(&names) { reply.no_store() } else { reply })
}
