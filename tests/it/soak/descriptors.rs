//! Row 34: the hub runs out of descriptors.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use super::ARGUMENTS;
use super::vitals::{Vitals, find_metric, has_all_descriptors_below, metric, sleeps};
use crate::support::http::{Client, connect, post};
use crate::support::process::{Process, hub_path};
use crate::support::stream::EventStream;
use crate::support::until;

/// How many descriptors the hub may have: fewer than half of them and what it needs beside.
const DESCRIPTORS: usize = 32;
/// How many connections want one: those that are not accepted fit the listener's backlog, or else
/// each would wait for a second here.
const CONNECTIONS: usize = 170;

/// How long whoever accepts sleeps without one: 1, 2, 4 ... 64 ms, and from then on this.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
const SHORTER_PAUSES: usize = 7;

fn hub_with_few_descriptors() -> Process {
    let limited = format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"");
    Process::start(Command::new("sh").arg("-c").arg(limited).arg(hub_path()).args(ARGUMENTS))
}

/// Takes all descriptors and more, and waits until there is none left.
fn exhaust(hub: &Process) -> Vec<TcpStream> {
    let held = (0..CONNECTIONS).map(|_| connect(hub.address())).collect();
    until("the last descriptor", || has_all_descriptors_below(hub, DESCRIPTORS));
    held
}

#[test]
fn row_34_without_descriptors_the_hub_rests_and_then_goes_on() {
    let hub = hub_with_few_descriptors();
    let before = Vitals::at_rest(&hub).descriptors;
    let accepted = metric(&hub, "accepted_total");
    let mut asking = Client::to(hub.address());
    let mut stream = EventStream::open(hub.address(), "/events/a");
    let held = exhaust(&hub);

    // It sleeps between its attempts, at last for as long as it does at most, and begins anew with
    // each connection that it can accept: those past the cap are closed after a while.
    let accepted_by_now =
        |client: &mut Client| find_metric(&client.get("/metrics"), "accepted_total");
    let there = accepted_by_now(&mut asking);
    let (began, slept) = (Instant::now(), sleeps(&hub));
    let mut times = 0;
    until("the acceptor's sleep", || {
        times = sleeps(&hub) - slept;
        times >= SHORTER_PAUSES + 3
    });
    let took = began.elapsed();
    let beginnings = 1 + accepted_by_now(&mut asking) - there;
    let most = beginnings * SHORTER_PAUSES + took.div_duration_f64(LONGEST_PAUSE) as usize + 1;
    assert!(times <= most, "{times} attempts in {took:?}, {beginnings} beginnings");

    // Whoever is there is served, and is counted.
    let open = find_metric(&asking.get("/metrics"), "connections");
    assert!((DESCRIPTORS / 2..DESCRIPTORS).contains(&open), "{open}");
    asking.send("POST /events/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(asking.response().status, 200);
    assert_eq!(stream.data(), "hi");

    // It recovers. While those that have gone are counted, it serves no more than half as many
    // connections as it may have descriptors.
    drop(held);
    let publish = || post(hub.address(), "/events/a", "again").status == 200;
    until("room for a publisher", publish);
    assert_eq!(stream.data(), "again");
    until("all others", || metric(&hub, "accepted_total") >= accepted + CONNECTIONS);
    drop((asking, stream));
    until("all descriptors", || Vitals::of(&hub).descriptors == before);
}

#[test]
fn a_hub_with_few_descriptors_says_so_and_serves_as_many_connections_as_it_can() {
    let hub = hub_with_few_descriptors();
    let said = "tidings: the system lets this process have 32 descriptors, so 16 connections are \
                served at once, and not 10000: run 'ulimit -n 10080' first, or give \
                --max-connections 16";
    until("the warning", || hub.stderr() == [said]);
    let mut served: Vec<Client> = (0..16).map(|_| Client::to(hub.address())).collect();
    let statuses = served.iter_mut().map(|client| client.get("/health").status);
    assert!(statuses.eq([200; 16]));
    let refused = Client::to(hub.address()).get("/health");
    let said = "503 Service Unavailable: too many connections: start the hub with a larger \
                --max-connections to serve more\n";
    assert_eq!((refused.status, refused.text()), (503, said));
}

#[test]
fn row_34_a_hub_without_descriptors_can_be_stopped() {
    let mut hub = hub_with_few_descriptors();
    let held = exhaust(&hub);
    drop(hub.child().stdin.take());
    assert_eq!(hub.ended(), Some(0));
    drop(held);
}
