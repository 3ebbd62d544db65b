//! Single steps of a connection, over a socket whose other end is here too.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::wait::Tried;
use super::*;
use crate::Server;
use crate::http::response::Response;
use crate::limits::Limits;
use crate::net::watch::Progress;

/// Long enough for the slowest machine.
const SOON: Duration = Duration::from_secs(20);

/// A server that goes with the test.
struct Home(Arc<Shared>);

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

fn sockets(server: &Shared) -> (TcpStream, Link) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    (client, Link::new(listener.accept().unwrap().0, server.runtime.counts.connection()))
}

/// A client, and its connection as the watch thread has it.
fn parked(home: &Home) -> (TcpStream, Box<Connection>) {
    let (client, link) = sockets(&home.0);
    let peer = client.local_addr().unwrap();
    let mut connection = Connection::new(Arc::clone(&home.0), link, peer, false).unwrap();
    connection.set_blocking(false).unwrap();
    (client, connection)
}

/// Sends this, and waits until it is there.
fn send(client: &mut TcpStream, connection: &Connection, bytes: &str) {
    client.write_all(bytes.as_bytes()).unwrap();
    let mut seen = vec![0; bytes.len()];
    while !bytes.is_empty() && connection.link.socket.peek(&mut seen).ok() != Some(bytes.len()) {
        thread::yield_now();
    }
}

#[track_caller]
fn still_parked(tried: Tried) -> (Box<Connection>, Progress) {
    match tried {
        Tried::Parked(connection, retry) => (connection, retry),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn ready(tried: Tried) -> Box<Connection> {
    match tried {
        Tried::Ready(connection) => connection,
        other => panic!("{other:?}"),
    }
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
            let (mut client, connection) = parked(&home);
            send(&mut client, &connection, &request[..before]);
            let mut connection = match connection.try_again(Instant::now()) {
                Tried::Parked(connection, _) => connection,
                // The head is whole: now the body is to come.
                head => ready(head).step().expect("it goes on"),
            };
            send(&mut client, &connection, &request[before..]);
            connection.deadline = Instant::now();
            if by_the_watch {
                ready(connection.try_again(Instant::now())).serve();
            } else {
                connection.wait().expect("it goes on").serve();
            }
            assert_eq!(status(&mut client), "HTTP/1.1 200 OK", "{before} of {request}");
        }
    }
}

#[test]
fn what_is_not_whole_at_the_deadline_is_too_late_whatever_has_come_of_it() {
    let home = home();
    let (mut client, connection) = parked(&home);
    send(&mut client, &connection, &POST[..10]);
    let (mut connection, _) = still_parked(connection.try_again(Instant::now()));
    send(&mut client, &connection, &POST[10..20]);
    connection.deadline = Instant::now();
    ready(connection.try_again(Instant::now())).serve();
    assert_eq!(status(&mut client), "HTTP/1.1 408 Request Timeout");

    let (mut client, mut connection) = parked(&home);
    connection.deadline = Instant::now();
    assert!(matches!(connection.try_again(Instant::now()), Tried::Over));
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_head_that_begins_at_the_idle_deadline_has_the_time_of_a_head() {
    let home = home();
    let (mut client, mut connection) = parked(&home);
    send(&mut client, &connection, &GET[..10]);
    connection.deadline = Instant::now();
    let (mut connection, _) = still_parked(connection.try_again(Instant::now()));
    assert!(connection.deadline > Instant::now());
    send(&mut client, &connection, &GET[10..]);
    connection = ready(connection.try_again(Instant::now()));
    connection.serve();
    assert_eq!(status(&mut client), "HTTP/1.1 200 OK");
}

/// A connection in the midst of a large response.
fn in_a_large_response(home: &Home) -> (TcpStream, Box<Connection>) {
    let (mut client, connection) = parked(home);
    send(&mut client, &connection, &GET.replace("/ ", "/large "));
    let mut connection = ready(connection.try_again(Instant::now()));
    while !matches!(connection.state, State::Answer(_)) {
        connection = connection.step().expect("it goes on");
    }
    (client, connection)
}

/// Tries until the socket takes nothing more, also where the system makes room after a while.
fn fill(mut connection: Box<Connection>) -> Box<Connection> {
    let mut moved = Instant::now();
    while moved.elapsed() < Duration::from_millis(500) {
        let (parked, retry) = still_parked(connection.try_again(Instant::now()));
        connection = parked;
        if retry == Progress::Moved {
            moved = Instant::now();
        }
        thread::sleep(Duration::from_millis(5));
    }
    connection
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
    let (mut client, connection) = in_a_large_response(&home);
    let (connection, retry) = still_parked(connection.try_again(Instant::now()));
    assert_eq!(retry, Progress::Moved);
    let (connection, retry) = still_parked(fill(connection).try_again(Instant::now()));
    assert_eq!(retry, Progress::Stuck);
    drain(&mut client);
    let (_connection, retry) = still_parked(connection.try_again(Instant::now()));
    assert_eq!(retry, Progress::Moved);
}

#[test]
fn limit_write_deadline_is_judged_after_a_last_write() {
    let home = home();
    let (mut client, connection) = in_a_large_response(&home);
    let mut connection = fill(connection);
    drain(&mut client);
    connection.deadline = Instant::now();
    let (connection, _) = still_parked(connection.try_again(Instant::now()));
    assert!(connection.deadline > Instant::now());
    let mut connection = fill(connection);
    connection.deadline = Instant::now();
    assert!(matches!(connection.try_again(Instant::now()), Tried::Over));
}

#[test]
fn who_is_told_to_send_a_body_and_has_no_room_for_that_is_told_later() {
    let home = home();
    let (mut client, mut connection) = parked(&home);
    send(
        &mut client,
        &connection,
        &POST.replace("\r\n\r\nabc", "\r\nExpect: 100-continue\r\n\r\n"),
    );
    connection = ready(connection.try_again(Instant::now()));
    // To the last byte, and once more what the system finds room for after a while.
    let mut filled = 0;
    for _ in 0..10 {
        while let Ok(len) = (&connection.link.socket).write(&[b'x'; 1 << 16]) {
            filled += len;
        }
        thread::sleep(Duration::from_millis(60));
    }
    assert_eq!((&connection.link.socket).write(b"x").unwrap_err().kind(), ErrorKind::WouldBlock);
    connection.serve();
    client.read_exact(&mut vec![0; filled]).unwrap();
    assert_eq!(status(&mut client), "HTTP/1.1 100 Continue");
    client.write_all(b"abc").unwrap();
    assert_eq!(status(&mut client), "HTTP/1.1 200 OK");
}

#[test]
fn limit_write_deadline_is_there_for_a_response_that_takes_the_place_of_a_stream() {
    let home = home();
    let (mut client, link) = sockets(&home.0);
    let response = Response::bytes("text/plain", vec![b'x'; LARGE]);
    let answer = Exchange::of_refused(b"").answer(&home.0, response, Then::Close);
    let peer = client.local_addr().unwrap();
    let connection = Connection::answering(Arc::clone(&home.0), link, peer, answer);
    assert!(connection.deadline > Instant::now());
    // No worker may wait here, so the watch thread goes on with it.
    assert!(connection.step().is_none());
    client.read_exact(&mut vec![0; LARGE]).unwrap();
}

#[test]
fn a_response_waits_for_no_more_to_fill_a_segment() {
    let (_client, connection) = parked(&home());
    assert!(connection.link.socket.nodelay().unwrap());
}

#[test]
fn a_worker_waits_for_a_peer_only_while_nobody_is_refused_that_right() {
    let home = home_with(2);
    let (_client, connection) = parked(&home);
    let mut connection = connection.wait().expect("nobody else wants to wait");
    loop {
        let waiting = thread::spawn(|| connection.wait());
        thread::sleep(SLICE / 4);
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
    assert!(connection.wait().is_none(), "where no worker may wait the watch thread does");
}

#[test]
fn a_body_that_nobody_reads_and_that_does_not_end_is_read_for_a_while_after_its_deadline() {
    let home = home();
    let (mut client, connection) = parked(&home);
    let request = POST.replace("POST / ", "POST /missing ").replace("abc", "a");
    send(&mut client, &connection, &request);
    let mut connection = ready(connection.try_again(Instant::now()));
    while !matches!(connection.state, State::Drain(_)) {
        connection = connection.step().expect("it goes on");
    }
    connection.set_blocking(false).unwrap();
    connection.deadline = Instant::now();
    assert!(matches!(connection.try_again(Instant::now()), Tried::Over));
    let mut response = Vec::new();
    client.read_to_end(&mut response).unwrap();
    assert!(response.starts_with(b"HTTP/1.1 404 "));
    // It was reset at once where nobody read any more.
    for _ in 0..5 {
        client.write_all(b"b").expect("it is still read");
        thread::sleep(Duration::from_millis(20));
    }
}
