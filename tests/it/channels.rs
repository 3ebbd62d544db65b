//! Channels over real sockets: fan-out, resume, gaps, lag, and their ends.

mod batches;
mod begin;
mod closed;
mod ends;
mod fanout;
mod history;
mod joining;
mod lag;
#[cfg(feature = "journal")]
mod past;
#[cfg(feature = "journal")]
mod present;
mod resume;

use tidings::{Channel, History, Hub, Limits, Response, Running, Server, Start};

/// A server whose `/events` follows the channel, and whose `/` is a page.
fn following(channel: &Channel) -> Running {
    let followed = channel.clone();
    site(Limits::default())
        .sse("/events", move |stream, _request| stream.subscribe(&followed))
        .start()
        .expect("a server")
}

/// A server whose `/events?channel=A&channel=B` follows those channels of the hub.
fn following_some(hub: &Hub) -> Running {
    let hub = hub.clone();
    site(Limits::default())
        .sse("/events", move |stream, request| {
            let names = request.query_all("channel");
            let channels = names.map(|name| hub.channel(&name));
            let newest = request.query("history").and_then(|count| count.parse().ok());
            stream.follow(channels, stream.start_or(newest.map_or(Start::Live, Start::Newest)))
        })
        .start()
        .expect("a server")
}

fn site(limits: Limits) -> Server {
    Server::bind("127.0.0.1:0")
        .expect("a port is free")
        .limits(limits)
        .get("/", |_request| Ok(Response::text("hello")))
}

fn keeping(events: usize) -> Channel {
    Channel::with_history(History::default().events(events))
}
