//! A machine that sleeps: what had come by the time that it wakes is served, however long that was.
//!
//! ```text
//! kill -STOP │ the rest of a head, of a body, a whole request … │ kill -CONT
//! ```
//!
//! The sleep is longer than the deadline of a head, and in the long form than all of them.

use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::{asked, hub};
use crate::support::http::Client;
use crate::support::process::{Process, signal};
use crate::support::{SOON, until};

const GET: &str = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
const POST: &str = "POST /events/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";

fn is_stopped(hub: &Process) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", hub.id())).expect("a Linux /proc");
    stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('T'))
}

#[test]
fn a_thousand_clients_that_come_back_at_once_wait_to_be_accepted() {
    let most = fs::read_to_string("/proc/sys/net/core/somaxconn").expect("a Linux /proc");
    let count = 1_000.min(most.trim().parse().expect("a number"));
    let hub = hub(&[]);
    signal(hub.id(), "STOP");
    until("it is stopped", || is_stopped(&hub));
    let within = Duration::from_secs(10);
    let mut clients: Vec<Client> = (0..count)
        .map(|n| {
            let socket = TcpStream::connect_timeout(&hub.address(), within);
            let socket = socket.unwrap_or_else(|error| panic!("client {n}: {error}"));
            socket.set_read_timeout(Some(SOON)).unwrap();
            Client::over(socket)
        })
        .collect();
    clients.iter_mut().for_each(|client| client.send(GET));
    signal(hub.id(), "CONT");
    for client in &mut clients {
        assert_eq!(client.response().status, 200);
    }
}

#[test]
fn what_came_while_the_machine_slept_is_served_when_it_wakes() {
    let time = Duration::from_secs(asked("TIDINGS_SOAK_SLEEP", 11) as u64);
    let hub = hub(&[]);
    // What each has sent before, and what it sends then.
    let parts: Vec<(&str, &str)> = [GET, POST]
        .into_iter()
        .flat_map(|request| [0, 1, 30, request.len() - 1].map(|at| request.split_at(at)))
        .collect();
    let mut clients: Vec<Client> = parts
        .iter()
        .map(|(before, _)| {
            let mut client = Client::to(hub.address());
            assert_eq!(client.get("/health").status, 200);
            client.send(before);
            client
        })
        .collect();
    let mut unread = Client::to(hub.address());
    unread.send("GET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_500));
    // By then everybody's has been read, and some wait with a worker and some without.
    thread::sleep(Duration::from_millis(500));

    signal(hub.id(), "STOP");
    until("it is stopped", || is_stopped(&hub));
    for (client, (_, then)) in clients.iter_mut().zip(&parts) {
        client.send(then);
    }
    let mut fresh = Client::to(hub.address());
    fresh.send(GET);
    (0..300).for_each(|_| assert_eq!(unread.response().status, 200));
    thread::sleep(time);
    signal(hub.id(), "CONT");

    for (client, (before, _)) in clients.iter_mut().zip(&parts) {
        assert_eq!(client.response().status, 200, "{before:?}");
    }
    assert_eq!(fresh.response().status, 200);
    (300..1_500).for_each(|_| assert_eq!(unread.response().status, 200));
}
