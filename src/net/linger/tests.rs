//! Ends of connections, over a socket whose other end is here too.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use super::*;
use crate::log::batch::{Amount, Rest};
use crate::log::waiting::Waiting;
use crate::net::counts::Counts;

/// Long enough for the slowest machine.
const SOON: Duration = Duration::from_secs(20);

/// More than a system takes for a peer that does not read.
const LARGE: usize = 32 << 20;

/// The end of a connection whose client has not been told that it is over.
fn lingering(rest: Unsent, is_stopping: bool) -> (TcpStream, Box<dyn Pending>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    let link = Link::new(listener.accept().unwrap().0, Counts::default().connection());
    let linger = Linger::start(link, rest, Duration::from_secs(30), is_stopping);
    (client, linger.expect("the client's end"))
}

#[test]
fn what_is_left_at_an_end_goes_out_however_late_that_is_tried() {
    let mut rest = Waiting::default();
    rest.add(Rest::Bytes(&vec![b'x'; LARGE]), Amount::default());
    let rest = rest.into_unsent().expect("bytes of its own");
    let (mut client, linger) = lingering(rest, false);
    client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut some = vec![0; 1 << 20];
    while client.read(&mut some).is_ok_and(|len| len > 0) {}
    let late = Instant::now() + Duration::from_secs(60);
    let (linger, progress) = linger.retry(late).expect("it went on");
    assert_eq!(progress, Progress::Moved);
    let (linger, progress) = linger.retry(late).expect("its time began anew");
    assert_eq!(progress, Progress::Stuck);
    assert!(linger.retry(late + Duration::from_secs(30)).is_none());
}

#[test]
fn what_still_comes_at_an_end_is_read_and_dropped_for_a_while() {
    let (mut client, mut linger) = lingering(Unsent::default(), false);
    let now = Instant::now();
    for _ in 0..10 {
        client.write_all(b"more").unwrap();
        (linger, _) = linger.retry(now + Duration::from_millis(1_500)).expect("a while");
    }
    assert_eq!(client.read(&mut [0]).unwrap(), 0, "it has been told");
    assert!(linger.retry(Instant::now() + Duration::from_millis(2_500)).is_none());

    let (client, linger) = lingering(Unsent::default(), false);
    drop(client);
    let until = Instant::now() + SOON;
    let mut left = Some(linger);
    while let Some(linger) = left {
        assert!(Instant::now() < until);
        left = linger.retry(Instant::now()).map(|(linger, _)| linger);
    }
}

#[test]
fn a_server_that_stops_waits_no_longer_than_a_second_for_a_peer_to_close() {
    let begun = Instant::now();
    let (_client, linger) = lingering(Unsent::default(), true);
    let (linger, _) = linger.retry(begun + Duration::from_millis(900)).expect("a while");
    assert!(linger.retry(Instant::now() + Duration::from_millis(1_000)).is_none());
}

#[test]
fn at_most_256_kib_are_read_at_an_end() {
    let (client, linger) = lingering(Unsent::default(), false);
    client.set_nonblocking(true).unwrap();
    let (now, mut sent, mut left) = (Instant::now(), 0, Some(linger));
    while let Some(linger) = left {
        sent += (&client).write(&[b'x'; 4096]).unwrap_or(0);
        assert!(sent < 1 << 20, "it goes on and on");
        left = linger.retry(now).map(|(linger, _)| linger);
    }
    // What was sent and not read is no more than the last of the pieces.
    assert!((256 * 1024..=264 * 1024).contains(&sent), "{sent}");
}
