//! Hubs that follow hubs: programs, and hubs of this process.

mod chain;
mod circles;
mod kills;
mod refusals;

use std::net::SocketAddr;
use std::time::Duration;

use tidings::{Follow, History, Hub, Lag, Running, Server, Start};

use super::support::http::post;
use super::support::process::Process;
use super::support::stream::{EventStream, next};
use super::support::until;

/// Where no test needs another, every hub listens here.
const ANYWHERE: &str = "--listen=127.0.0.1:0";

/// Starts a hub that follows none.
fn root(arguments: &[&str]) -> Process {
    Process::hub(&[&[ANYWHERE], arguments].concat())
}

/// Starts a hub that follows the one at this address.
fn follower(address: SocketAddr, arguments: &[&str]) -> Process {
    let follow = format!("--follow=http://{address}");
    Process::hub(&[&[ANYWHERE, &*follow], arguments].concat())
}

/// Publishes, and gives the event's id.
#[track_caller]
fn publish(address: SocketAddr, target: &str, data: &str) -> String {
    let response = post(address, target, data);
    assert_eq!(response.status, 200, "{}", response.text());
    response.text().strip_suffix('\n').expect("an id and a line feed").to_owned()
}

/// A hub of this process and its server, with its feed.
struct Served {
    hub: Hub,
    server: Running,
}

impl Served {
    fn new(hub: Hub) -> Self {
        Self::at(hub, "127.0.0.1:0".parse().unwrap())
    }

    /// Listens at this address once that is free.
    fn at(hub: Hub, address: SocketAddr) -> Self {
        let mut server = None;
        until("a free address", || {
            server = Self::serve(&hub, address).ok();
            server.is_some()
        });
        Self { hub, server: server.unwrap() }
    }

    fn serve(hub: &Hub, address: SocketAddr) -> tidings::Result<Running> {
        let [feed, events, published] = [(); 3].map(|()| hub.clone());
        let circle = hub.clone();
        Server::bind(address)?
            .admit(move |head, _| match head.field_text("tidings-hubs") {
                Some(names) if circle.is_in_chain(names) => {
                    Err(tidings::Response::new(tidings::Status::LOOP_DETECTED))
                }
                _ => Ok(()),
            })
            .sse("/feed", move |stream, _| {
                let start = stream.start_or(Start::Newest(usize::MAX));
                stream.follow_feed(&feed, start)
            })
            .sse("/events/{name}", move |stream, request| {
                stream.subscribe(&events.channel(request.param("name").unwrap()))
            })
            .post("/events/{name}", move |request| {
                let channel = published.channel(request.param("name").unwrap());
                let id = channel.send(request.body_text()?)?;
                Ok(tidings::Response::text(format!("{id}\n")))
            })
            .start()
    }

    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// A hub that follows this one.
    fn follower(&self) -> Self {
        Self::new(follow(self.address()).unwrap())
    }
}

fn follow(address: SocketAddr) -> tidings::Result<Hub> {
    let follow = Follow::new(&format!("http://{address}"))?;
    Hub::follow(follow, History::default(), Lag::default())
}

/// Longer than the hubs of a test wait before they connect again.
const SOON_AGAIN: Duration = Duration::from_secs(1);
