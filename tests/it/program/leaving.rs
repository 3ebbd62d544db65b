//! What is left of clients that have gone: nothing, and not a word.

use std::io::Write;

use super::super::support::http::{Client, connect, get};
use super::super::support::stream::EventStream;
use super::super::support::until;
use super::*;

/// How many descriptors it has open.
fn descriptors(hub: &mut Process) -> usize {
    let folder = format!("/proc/{}/fd", hub.child().id());
    std::fs::read_dir(folder).expect("a Linux /proc").count()
}

#[test]
fn row_31_descriptors_and_streams_are_given_back_when_clients_go() {
    let mut hub = hub(&[]);
    // Whoever was answered comes after the files that are open while the hub starts.
    let mut client = Client::to(hub.address());
    assert_eq!(client.get("/health").status, 200);
    let before = descriptors(&mut hub);
    for round in 0..2 {
        let streams: Vec<EventStream> =
            (0..50).map(|_| EventStream::open(hub.address(), "/events/a")).collect();
        let mut others: Vec<_> = (0..50).map(|_| connect(hub.address())).collect();
        others.iter_mut().step_by(2).for_each(|half| half.write_all(b"GET / HTT").unwrap());
        until("their descriptors", || descriptors(&mut hub) >= before + 100);
        // Half of them go with something unread, which resets their connections.
        publish(&hub, "/events/a", &round.to_string());
        let (read, unread) =
            streams.into_iter().enumerate().partition::<Vec<_>, _>(|(n, _)| n % 2 == 0);
        read.into_iter().for_each(|(_, mut stream)| assert_eq!(stream.data(), round.to_string()));
        drop((unread, others));
        until("as many as before", || descriptors(&mut hub) <= before);
    }
    assert!(get(hub.address(), "/metrics").text().contains("\ntidings_streams 0\n"));
}

#[test]
fn row_37_writing_to_peers_that_are_gone_is_quiet() {
    let hub = hub(&[]);
    for round in 0..20 {
        let streams: Vec<EventStream> =
            (0..10).map(|_| EventStream::open(hub.address(), "/events/a")).collect();
        publish(&hub, "/events/a", &"x".repeat(100_000));
        drop(streams);
        // Nobody has noticed yet that they are gone.
        for _ in 0..3 {
            publish(&hub, "/events/a", &round.to_string());
        }
        // And one that does not wait for its response.
        let mut hasty = connect(hub.address());
        hasty.write_all(&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(20)).unwrap();
    }
    until("their ends", || get(hub.address(), "/metrics").text().contains("\ntidings_streams 0\n"));
    assert_eq!(hub.stderr(), [""; 0]);
    assert_eq!(hub.stdout().len(), 1);
}
