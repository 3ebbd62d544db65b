//! Connections that somebody else has accepted.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use tidings::{Channel, Handle, Limits, Response, Running, Server};

use crate::support::http::{Client, connect, retry_behind};
use crate::support::until;

/// A server that listens nowhere, and a listener that is not the server's.
struct Given {
    server: Running,
    listener: TcpListener,
}

impl Given {
    fn with(limits: Limits) -> Self {
        let server = site(limits).start().expect("a server");
        Self { server, listener: TcpListener::bind("127.0.0.1:0").expect("a port is free") }
    }

    /// Both ends of a connection: the client's first.
    fn pair(&self) -> (TcpStream, TcpStream) {
        let client = connect(self.listener.local_addr().unwrap());
        (client, self.listener.accept().expect("a connection").0)
    }

    /// A client whose connection was given to the server.
    fn client(&self) -> Client {
        let (client, socket) = self.pair();
        self.server.handle().serve(socket, b"").expect("it is served");
        Client::over(client)
    }
}

fn site(limits: Limits) -> Server {
    Server::new()
        .limits(limits)
        .get("/peer", |request| Ok(Response::text(request.peer().to_string())))
        .post("/echo", |request| Ok(Response::text(request.body_text()?)))
}

#[test]
fn a_server_without_a_listener_serves_the_connections_that_it_is_given() {
    let given = Given::with(Limits::default());
    assert_eq!(given.server.address().to_string(), "0.0.0.0:0");
    assert_eq!(given.server.addresses(), []);
    let mut client = given.client();
    let own = client.socket().local_addr().unwrap().to_string();
    for _ in 0..2 {
        assert_eq!(client.get("/peer").text(), own);
    }
    drop(client);
    until("its end", || given.server.stats().connections == 0);
    assert_eq!((given.server.stats().accepted, given.server.stats().requests), (1, 2));
    given.server.stop().expect("all threads ended");
}

#[test]
fn whatever_was_read_of_it_before_belongs_to_it() {
    let given = Given::with(Limits::default());
    let requests = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc\
                     POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nde";
    for length in 0..=requests.len() {
        let (mut client, mut socket) = given.pair();
        client.write_all(requests).unwrap();
        let mut read = vec![0; length];
        socket.read_exact(&mut read).unwrap();
        given.server.handle().serve(socket, &read).expect("it is served");
        let mut client = Client::over(client);
        let texts = [client.response(), client.response()].map(|of| of.text().to_owned());
        assert_eq!(texts, ["abc", "de"], "{length} bytes were read");
    }
}

#[test]
fn what_was_read_and_is_no_request_is_refused() {
    let given = Given::with(Limits::default());
    let (client, socket) = given.pair();
    given.server.handle().serve(socket, b"SSH-2.0-x\r\n\r\n").expect("it is served");
    let mut client = Client::over(client);
    assert_eq!((client.response().status, client.rest()), (400, String::new()));
}

#[test]
fn a_socket_that_does_not_block_is_set_to_block() {
    let given = Given::with(Limits::default());
    let (client, socket) = given.pair();
    socket.set_nonblocking(true).unwrap();
    given.server.handle().serve(socket, b"").expect("it is served");
    assert_eq!(Client::over(client).get("/peer").status, 200);
}

#[test]
fn fifty_streams_through_a_relay_hold_no_worker() {
    const STREAMS: usize = 50;
    let news = Channel::new();
    let followed = news.clone();
    let server = site(Limits::default().workers(2))
        .sse("/news", move |stream, _request| stream.subscribe(&followed))
        .start()
        .unwrap();
    // A program that has its own listener, and looks at what comes first.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, handle) = (listener.local_addr().unwrap(), server.handle());
    let relay = thread::spawn(move || {
        for _ in 0..=STREAMS {
            let (mut socket, _) = listener.accept().unwrap();
            let mut read = [0; 4];
            socket.read_exact(&mut read).unwrap();
            assert_eq!(&read, b"GET ");
            handle.serve(socket, &read).unwrap();
        }
    });
    let mut clients: Vec<Client> = (0..STREAMS).map(|_| Client::to(address)).collect();
    for client in &mut clients {
        assert_eq!(client.open("/news").status, 200);
    }
    assert_eq!(Client::to(address).get("/peer").status, 200, "a worker is left");
    relay.join().unwrap();

    until("all streams", || news.streams() == STREAMS);
    let id = news.send("rain").unwrap();
    for client in &mut clients {
        assert_eq!(client.chunk(), Some(format!("id: {id}\ndata: rain\n\n")));
    }
    let stats = server.stats();
    assert_eq!((stats.streams, stats.accepted), (STREAMS, STREAMS as u64 + 1));
    assert!(stats.workers <= 2, "{stats:?}");
    server.stop().expect("all threads ended");
    for mut client in clients {
        retry_behind("", &client.rest());
    }
}

#[test]
fn limit_connections_holds_for_those_that_are_given_too() {
    let given = Given::with(Limits::default().connections(1));
    let mut first = given.client();
    assert_eq!(first.get("/peer").status, 200);
    let mut second = given.client();
    let refused = second.get("/peer");
    assert_eq!((refused.status, refused.field("Connection")), (503, Some("close")));
    assert_eq!(first.get("/peer").status, 200);
}

#[track_caller]
fn assert_not_served(handle: &Handle, given: &Given) {
    let (client, socket) = given.pair();
    let error = handle.serve(socket, b"GET / HTTP/1.1\r\n").expect_err("it does not run");
    assert_eq!(error.to_string(), "the server does not run");
    assert_eq!(Client::over(client).rest(), "", "the socket is closed");
}

#[test]
fn a_server_that_does_not_run_is_given_nothing() {
    let given = Given::with(Limits::default());
    let server = site(Limits::default());
    let handle = server.handle();
    assert_not_served(&handle, &given);
    let server = server.start().unwrap();
    handle.stop();
    assert_not_served(&handle, &given);
    server.wait().expect("all threads ended");
    assert_not_served(&handle, &given);
}

#[test]
fn row_39_a_server_that_is_given_connections_as_it_stops_serves_each_or_says_so() {
    for _ in 0..20 {
        let given = Given::with(Limits::default());
        let (handle, (tell, told)) = (given.server.handle(), mpsc::channel());
        let pairs: Vec<_> = (0..10).map(|_| given.pair()).collect();
        let Given { server, .. } = given;
        let giver = thread::spawn(move || {
            pairs.into_iter().for_each(|(client, socket)| {
                let request = b"GET /peer HTTP/1.1\r\nHost: localhost\r\n\r\n";
                let is_served = handle.serve(socket, request).is_ok();
                tell.send(()).unwrap();
                let rest = Client::over(client).rest();
                assert_eq!(rest.starts_with("HTTP/1.1 200 OK\r\n"), is_served, "{rest}");
            });
        });
        told.recv().unwrap();
        server.stop().expect("all threads ended");
        giver.join().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_unix_socket_can_be_given_and_so_can_one_end_of_a_pair() {
    use std::os::unix::net::UnixStream;

    let given = Given::with(Limits::default());
    let (mut client, socket) = UnixStream::pair().unwrap();
    client.set_read_timeout(Some(crate::support::SOON)).unwrap();
    client.write_all(b"/peer HTTP/1.0\r\n\r\n").unwrap();
    given.server.handle().serve(socket, b"GET ").expect("it is served");
    let mut response = String::new();
    client.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.ends_with("Content-Length: 4\r\nConnection: close\r\n\r\nunix"), "{response}");
}
