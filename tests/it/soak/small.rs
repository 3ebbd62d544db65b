//! A hub on a machine that has little of everything.

use std::process::Command;

use super::ARGUMENTS;
use super::vitals::Vitals;
use crate::support::http::{Client, get, post};
use crate::support::process::{Process, hub_path};
use crate::support::stream::EventStream;
use crate::support::until;

/// How much memory the hub may take of the system's addresses, in KiB: its stacks, its program and
/// the system's libraries count too, though hardly any of it is ever used.
const ADDRESSES: usize = 32 * 1024;
/// How many descriptors it may have.
const DESCRIPTORS: usize = 256;
/// How many streams it holds.
const STREAMS: usize = 200;
/// How many clients want one.
const CLIENTS: usize = 300;

const ASKS: &str = "GET /events/a HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";

fn small_hub() -> Process {
    let limits = format!("ulimit -v {ADDRESSES}; ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"");
    Process::start(Command::new("sh").arg("-c").arg(limits).arg(hub_path()).args(ARGUMENTS))
}

#[test]
fn a_hub_with_little_memory_and_few_descriptors_holds_its_streams_and_refuses_the_rest() {
    let hub = small_hub();
    let open = |_| EventStream::open(hub.address(), "/events/a");
    let mut streams: Vec<_> = (0..STREAMS).map(open).collect();
    assert_eq!(post(hub.address(), "/events/a", "hello").status, 200);
    streams.iter_mut().for_each(|stream| assert_eq!(stream.data(), "hello"));

    // There is room for some more. Whoever is refused is told so, and goes.
    let mut others = Vec::new();
    for _ in STREAMS..CLIENTS {
        let mut client = Client::to(hub.address());
        client.send(ASKS);
        let head = client.head();
        assert_eq!(head.status, 200);
        // A stream has no length.
        match head.field("Content-Length") {
            Some(_) => assert!(client.rest().starts_with("retry: ")),
            None => others.push(client),
        }
    }
    assert!((1..CLIENTS - STREAMS).contains(&others.len()), "{}", others.len());
    let refused = get(hub.address(), "/health");
    assert_eq!(refused.status, 503);
    assert!(refused.field("Retry-After").is_some());
    let refused = post(hub.address(), "/events/a", "lost");
    assert_eq!(refused.status, 503);
    assert!(Vitals::of(&hub).descriptors <= DESCRIPTORS);

    drop(others);
    let publish = || post(hub.address(), "/events/a", "again").status == 200;
    until("room for a publisher", publish);
    streams.iter_mut().for_each(|stream| assert_eq!(stream.data(), "again"));
}
