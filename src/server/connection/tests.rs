//! Single steps of a connection, over a socket whose other end is here too.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::*;
use crate::Server;
use crate::http::Response;
use crate::limits::Limits;
use crate::net::link::LONGEST_BLOCK;

/// Long enough for the slowest machine.
const SOON: Duration = Duration::from_secs(20);

/// A server that goes with the test.
struct Home(Arc<Site>);

impl Drop for Home {
    fn drop(&mut self) {
        self.0.runtime.stop();
    }
}

/// A server whose workers may never wait, so that what they do here is done at once.
fn home() -> Home {
    home_with(1)
}

/// Of so many workers, half may wait.
fn home_with(workers: usize) -> Home {
    let site = Server::bind("127.0.0.1:0")
        .unwrap()
        .limits(Limits::default().workers(workers).grace(Duration::from_millis(100)))
        .get("/", |_request| Ok(Response::text("hello")))
        .content("/large", "text/plain", vec![b'x'; LARGE])
        .post("/", |request| Ok(Response::text(request.body_text()?)));
    Home(site.prepare().unwrap().1)
}

/// More than a system takes for a peer that does not read.
const LARGE: usize = 32 << 20;

fn sockets(server: &Site) -> (TcpStream, Link) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    (client, Link::new(listener.accept().unwrap().0, server.runtime.counts.connection()))
}

/// A client, and its connection as the watch thread has it.
fn parked(home: &Home) -> (TcpStream, Box<Connection>) {
    let (client, link) = sockets(&home.0);
    let peer = client.local_addr().unwrap();
    let mut connection = Connection::new(Arc::clone(&home.0), link, peer.into(), false).unwrap();
    connection.link.set_blocking(false).unwrap();
    (client, connection)
}

/// Sends this, and waits until it is there.
fn send(client: &mut TcpStream, connection: &Connection, bytes: &str) {
    client.write_all(bytes.as_bytes()).unwrap();
    let mut seen = vec![0; bytes.len()];
    while !bytes.is_empty()
        && connection.link.socket.tcp().peek(&mut seen).ok() != Some(bytes.len())
    {
        thread::yield_now();
    }
}

/// Has the watch thread's try find that there is more to wait for.
#[track_caller]
fn still_parked(connection: &mut Connection, now: Instant) -> Progress {
    connection.attempt(now).expect("it is not over").expect("no step for a worker")
}

/// Has the watch thread's try find a step for a worker.
#[track_caller]
fn ready(connection: &mut Connection, now: Instant) {
    assert_eq!(connection.attempt(now).expect("it is not over"), None);
}

/// Long after any deadline.
fn late() -> Instant {
    Instant::now() + Duration::from_secs(300)
}

/// Reads the first line and up to the end of the head.
#[track_caller]
fn status(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap().lines().next().unwrap().to_owned()
}

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";

#[test]
fn a_request_that_has_come_whole_is_served_however_late_that_is_noticed() {
    let home = home();
    // Nothing had come before, a part of the head, the head, a part of the body.
    for (request, before) in [(GET, 0), (GET, 10), (POST, POST.len() - 3), (POST, POST.len() - 1)] {
        for by_the_watch in [true, false] {
            let (mut client, mut connection) = parked(&home);
            send(&mut client, &connection, &request[..before]);
            if connection.attempt(Instant::now()).expect("it is not over").is_none() {
                // The head is whole: now the body is to come.
                connection = connection.step().expect("it goes on");
            }
            send(&mut client, &connection, &request[before..]);
            if by_the_watch {
                ready(&mut connection, late());
            } else {
                connection = connection.transfer(late()).expect("it goes on");
            }
            connection.perform();
            assert_eq!(status(&mut client), "HTTP/1.1 200 OK", "{before} of {request}");
        }
    }
}

#[test]
fn what_is_not_whole_at_the_deadline_is_too_late_whatever_has_come_of_it() {
    let home = home();
    let (mut client, mut connection) = parked(&home);
    send(&mut client, &connection, &POST[..10]);
    still_parked(&mut connection, Instant::now());
    send(&mut client, &connection, &POST[10..20]);
    ready(&mut connection, late());
    connection.perform();
    assert_eq!(status(&mut client), "HTTP/1.1 408 Request Timeout");

    let (mut client, connection) = parked(&home);
    assert!(connection.retry(late()).is_none());
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

/// A connection in the midst of a large response.
fn in_a_large_response(home: &Home) -> (TcpStream, Box<Connection>) {
    let (mut client, mut connection) = parked(home);
    send(&mut client, &connection, &GET.replace("/ ", "/large "));
    ready(&mut connection, Instant::now());
    while !matches!(connection.exchange.step(), Step::Send(_)) {
        connection = connection.step().expect("it goes on");
    }
    (client, connection)
}

/// Tries until the socket takes nothing more, also where the system makes room after a while.
fn fill(connection: &mut Connection) {
    let mut moved = Instant::now();
    while moved.elapsed() < Duration::from_millis(500) {
        if still_parked(connection, Instant::now()) == Progress::Moved {
            moved = Instant::now();
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads what the system has kept.
fn drain(client: &mut TcpStream) {
    client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut some = vec![0; 1 << 20];
    while client.read(&mut some).is_ok_and(|len| len > 0) {}
    client.set_read_timeout(Some(SOON)).unwrap();
}

#[test]
fn a_parked_response_of_which_the_socket_takes_some_has_moved() {
    let home = home();
    let (mut client, mut connection) = in_a_large_response(&home);
    assert_eq!(still_parked(&mut connection, Instant::now()), Progress::Moved);
    fill(&mut connection);
    assert_eq!(still_parked(&mut connection, Instant::now()), Progress::Stuck);
    drain(&mut client);
    assert_eq!(still_parked(&mut connection, Instant::now()), Progress::Moved);
}

#[test]
fn limit_write_deadline_is_judged_after_a_last_write() {
    let home = home();
    let (mut client, mut connection) = in_a_large_response(&home);
    fill(&mut connection);
    drain(&mut client);
    still_parked(&mut connection, late());
    assert!(connection.exchange.deadline() > late());
    fill(&mut connection);
    assert!(connection.attempt(connection.exchange.deadline()).is_err());
}

#[test]
fn a_client_that_is_told_to_send_a_body_and_has_no_room_for_that_is_told_later() {
    let home = home();
    let (mut client, mut connection) = parked(&home);
    send(
        &mut client,
        &connection,
        &POST.replace("\r\n\r\nabc", "\r\nExpect: 100-continue\r\n\r\n"),
    );
    ready(&mut connection, Instant::now());
    // To the last byte, and once more what the system finds room for after a while.
    let mut filled = 0;
    for _ in 0..10 {
        while let Ok(len) = (&connection.link.socket).write(&[b'x'; 1 << 16]) {
            filled += len;
        }
        thread::sleep(Duration::from_millis(60));
    }
    assert_eq!((&connection.link.socket).write(b"x").unwrap_err().kind(), ErrorKind::WouldBlock);
    connection.perform();
    client.read_exact(&mut vec![0; filled]).unwrap();
    assert_eq!(status(&mut client), "HTTP/1.1 100 Continue");
    client.write_all(b"abc").unwrap();
    assert_eq!(status(&mut client), "HTTP/1.1 200 OK");
}

#[test]
fn a_response_waits_for_no_more_to_fill_a_segment() {
    let (_client, connection) = parked(&home());
    assert!(connection.link.socket.tcp().nodelay().unwrap());
}

#[test]
fn a_worker_waits_for_a_peer_only_while_nobody_is_refused_that_right() {
    let home = home_with(2);
    let (_client, connection) = parked(&home);
    let mut connection = connection.transfer(Instant::now()).expect("nobody else wants to wait");
    loop {
        let waiting = thread::spawn(|| connection.transfer(Instant::now()));
        thread::sleep(LONGEST_BLOCK / 4);
        let refused = home.0.runtime.pool.may_wait().is_none();
        match waiting.join().unwrap() {
            None => break,
            Some(_) if refused => panic!("it keeps its place"),
            // It had not begun, or was done.
            Some(again) => connection = again,
        }
    }

    let home = home_with(1);
    let (_client, connection) = parked(&home);
    assert!(
        connection.transfer(Instant::now()).is_none(),
        "where no worker may wait the watch thread does"
    );
}

#[test]
fn a_body_that_nobody_reads_and_that_does_not_end_is_read_for_a_while_after_its_deadline() {
    let home = home();
    let (mut client, mut connection) = parked(&home);
    let request = POST.replace("POST / ", "POST /missing ").replace("abc", "a");
    send(&mut client, &connection, &request);
    ready(&mut connection, Instant::now());
    // Finds no handler, and responds.
    for _ in 0..2 {
        connection = connection.step().expect("it goes on");
    }
    connection.link.set_blocking(false).unwrap();
    ready(&mut connection, late());
    connection.perform();
    let mut response = Vec::new();
    client.read_to_end(&mut response).unwrap();
    assert!(response.starts_with(b"HTTP/1.1 404 "));
    // It was reset at once where nobody read any more.
    for _ in 0..5 {
        client.write_all(b"b").expect("it is still read");
        thread::sleep(Duration::from_millis(20));
    }
}
