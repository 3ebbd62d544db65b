//! Which peer a request has that came through proxies.

use std::net::SocketAddr;

use tidings::{Channel, Hooks, Limits, Peer, Proxies, Response, Running, Server, StreamInfo};

use crate::support::http::{Client, HttpResponse, exchange};
use crate::support::{Notes, until};

/// Notes who the peer was.
struct Peers(Notes<String>);

impl Hooks for Peers {
    fn opened(&self, stream: &StreamInfo<'_>) {
        self.0.add(stream.peer.to_string());
    }
}

/// A server that says at `/` who its peer is, to `admit` and to the handler.
fn behind(proxies: &[&str]) -> Server {
    let admit = |_: &tidings::http::Head, peer: Peer| Ok(peer);
    Server::bind("127.0.0.1:0").unwrap().proxies(Proxies::new(proxies).unwrap()).admit(admit).get(
        "/",
        |request| {
            let admitted: Peer = *request.admitted().expect("admit has left it");
            assert_eq!(admitted, request.peer());
            Ok(Response::text(admitted.to_string()))
        },
    )
}

fn ask(address: SocketAddr, fields: &str) -> HttpResponse {
    let fields = fields.replace('\n', "\r\n");
    exchange(address, format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n").as_bytes())
}

/// The same without the port, which differs from connection to connection.
fn peer(server: &Running, fields: &str) -> String {
    let peer = ask(server.address(), fields).text().to_owned();
    match peer.strip_prefix("127.0.0.1:") {
        Some(port) if port.parse::<u16>().is_ok() => "the connection's".into(),
        _ => peer,
    }
}

#[test]
fn the_client_that_a_listed_proxy_names_is_the_peer() {
    let server = behind(&["127.0.0.0/8"]).start().unwrap();
    let peer = |fields| peer(&server, fields);
    assert_eq!(peer("X-Forwarded-For: 203.0.113.9\n"), "203.0.113.9");
    assert_eq!(peer("Forwarded: for=\"[2001:db8::9]:50412\"\n"), "2001:db8::9");
    // What the client itself has written stands before that.
    assert_eq!(peer("X-Forwarded-For: 198.51.100.7, 203.0.113.9\n"), "203.0.113.9");
    assert_eq!(
        peer("X-Forwarded-For: 198.51.100.7\nx-forwarded-for: 203.0.113.9\n"),
        "203.0.113.9"
    );
    assert_eq!(peer("X-Forwarded-For: 203.0.113.9, 127.0.0.2\n"), "203.0.113.9");
    assert_eq!(peer("X-Forwarded-For: 127.0.0.2\n"), "127.0.0.2");
}

#[test]
fn where_the_proxy_says_nothing_that_counts_it_is_the_peer_itself() {
    let server = behind(&["127.0.0.1"]).start().unwrap();
    let peer = |fields| peer(&server, fields);
    assert_eq!(peer(""), "the connection's");
    assert_eq!(peer("X-Forwarded-For: unknown\n"), "the connection's");
    assert_eq!(peer("X-Real-IP: 203.0.113.9\n"), "the connection's");
    let both = "X-Forwarded-For: 203.0.113.9\nForwarded: for=198.51.100.7\n";
    assert_eq!(peer(both), "the connection's");
}

#[test]
fn from_anybody_else_the_fields_mean_nothing() {
    let fields = "X-Forwarded-For: 203.0.113.9\nForwarded: for=203.0.113.9\n";
    for listed in [&["10.0.0.0/8", "unix"][..], &[]] {
        let server = behind(listed).start().unwrap();
        assert_eq!(peer(&server, fields), "the connection's", "{listed:?}");
    }
}

#[test]
fn each_request_of_a_connection_has_its_own_client() {
    let server = behind(&["127.0.0.1"]).start().unwrap();
    let mut proxy = Client::to(server.address());
    for client in ["203.0.113.9", "198.51.100.7", "203.0.113.9"] {
        let field = format!("X-Forwarded-For: {client}");
        proxy.send(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{field}\r\n\r\n"));
        assert_eq!(proxy.response().text(), client);
    }
    let own = proxy.socket().local_addr().unwrap().to_string();
    assert_eq!(proxy.get("/").text(), own);
}

#[test]
fn streams_are_counted_and_told_by_their_client() {
    let (news, told) = (Channel::new(), Notes::new());
    let server = behind(&["127.0.0.1"])
        .limits(Limits::default().streams_per_peer(1))
        .hooks(Peers(told.clone()))
        .sse("/sse", move |stream, _request| stream.subscribe(&news))
        .start()
        .unwrap();
    let open = |fields: &str| {
        let mut client = Client::to(server.address());
        client.send(format!("GET /sse HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"));
        let response = client.head();
        // One past the bound is whole: a reconnection time.
        (response.field("Content-Length").is_none(), client)
    };
    let (first, _held) = open("X-Forwarded-For: 203.0.113.9\r\n");
    let (second, _also_held) = open("X-Forwarded-For: 198.51.100.7\r\n");
    assert!(first && second, "two clients of one proxy");
    // Whatever a client writes itself, it is the same client.
    for written in ["", "192.0.2.1, ", "unknown, ", "127.0.0.1, ", "\", "] {
        let (opened, _) = open(&format!("X-Forwarded-For: {written}203.0.113.9\r\n"));
        assert!(!opened, "{written}");
    }
    until("both hooks", || told.len() == 2);
    let mut told = told.all();
    told.sort();
    assert_eq!(told, ["198.51.100.7", "203.0.113.9"]);
}

#[cfg(unix)]
#[test]
fn whoever_connects_to_a_unix_socket_may_be_a_proxy_too() {
    use std::io::{BufReader, Write};
    use std::os::unix::net::{UnixListener, UnixStream};

    let path = std::env::temp_dir().join(format!("tidings-proxies-{}.sock", std::process::id()));
    for (listed, expected) in [("unix", "203.0.113.9"), ("127.0.0.1", "unix")] {
        let _ = std::fs::remove_file(&path);
        let server = behind(&[listed]).on(UnixListener::bind(&path).unwrap()).start().unwrap();
        let mut socket = UnixStream::connect(&path).unwrap();
        let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n";
        socket.write_all(request.as_bytes()).unwrap();
        let response = crate::support::http::read_response(&mut BufReader::new(socket), false);
        assert_eq!(response.text(), expected);
        server.stop().unwrap();
    }
    std::fs::remove_file(&path).unwrap();
}

/// A server whose proxies begin with the PROXY protocol.
fn spoken_to(proxies: &[&str]) -> Running {
    behind(&[]).proxies(Proxies::new(proxies).unwrap().proxy_protocol()).start().unwrap()
}

const LINE: &str = "PROXY TCP4 203.0.113.9 192.0.2.60 50412 443\r\n";

fn get(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

#[test]
fn the_client_that_the_proxy_protocol_names_is_the_peer_of_all_requests() {
    let server = spoken_to(&["127.0.0.1"]);
    let mut proxy = Client::to(server.address());
    proxy.send([LINE, &get(""), &get("X-Forwarded-For: 198.51.100.7\r\n")].concat());
    assert_eq!(proxy.response().text(), "203.0.113.9");
    assert_eq!(proxy.response().text(), "203.0.113.9", "the field is the client's own");
    assert_eq!(proxy.get("/").text(), "203.0.113.9");

    let mut second = Client::to(server.address());
    second.send(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xCB\0\x71\x09\xC0\0\x02\x3C\xC4\xEC\x01\xBB");
    assert_eq!(second.get("/").text(), "203.0.113.9");
}

#[test]
fn it_may_come_in_pieces_to_a_server_that_waits_for_none() {
    let server = spoken_to(&["127.0.0.1"]);
    let (first, rest) = LINE.split_at(7);
    let mut proxies: Vec<_> = (0..100).map(|_| Client::to(server.address())).collect();
    proxies.iter_mut().for_each(|proxy| proxy.send(first));
    // Those that have not gone on hold no worker.
    let mut other = Client::to(server.address());
    other.send(LINE);
    assert_eq!(other.get("/").text(), "203.0.113.9");
    for proxy in &mut proxies {
        proxy.send(rest);
        assert_eq!(proxy.get("/").text(), "203.0.113.9");
    }
}

#[test]
fn a_listed_proxy_may_name_another_one_whose_fields_count() {
    let server = spoken_to(&["127.0.0.1", "203.0.113.0/24"]);
    let mut proxy = Client::to(server.address());
    proxy.send([LINE, &get("X-Forwarded-For: 198.51.100.7\r\n"), &get("")].concat());
    assert_eq!(proxy.response().text(), "198.51.100.7");
    assert_eq!(proxy.response().text(), "203.0.113.9");
}

#[test]
fn a_proxy_that_names_nobody_is_the_peer_whatever_its_requests_say() {
    let server = spoken_to(&["127.0.0.1"]);
    for preface in ["PROXY UNKNOWN\r\n", "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"] {
        let mut proxy = Client::to(server.address());
        proxy.send([preface, &get("X-Forwarded-For: 198.51.100.7\r\n")].concat());
        let own = proxy.socket().local_addr().unwrap().to_string();
        assert_eq!(proxy.response().text(), own);
    }
}

#[test]
fn a_listed_proxy_that_begins_otherwise_is_refused_and_others_are_served_as_ever() {
    let server = spoken_to(&["127.0.0.1"]);
    let refused = ask(server.address(), "");
    assert_eq!(
        (refused.status, refused.text()),
        (
            400,
            "400 Bad Request: this server expects connections from this address to begin with \
             the PROXY protocol, version 1 or 2, as the address is that of a proxy which speaks it\n"
        )
    );
    assert_eq!(refused.field("Connection"), Some("close"));

    let server = spoken_to(&["10.0.0.0/8"]);
    assert_eq!(peer(&server, ""), "the connection's");
    let binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xCB\0\x71\x09\xC0\0\x02\x3C\xC4\xEC\x01\xBB";
    for preface in [LINE.as_bytes(), b"PROXY UNKNOWN\r\n", binary] {
        let refused = exchange(server.address(), &[preface, get("").as_bytes()].concat());
        let said = "400 Bad Request: the PROXY protocol is spoken here by none but listed proxies \
                    (Proxies::proxy_protocol; of the hub, --behind-proxy ADDR with \
                    --proxy-protocol)\n";
        assert_eq!((refused.status, refused.text()), (400, said));
    }
}

#[test]
fn limit_head_deadline_holds_for_what_a_proxy_says_first() {
    let limits = Limits::default().head_deadline(std::time::Duration::from_millis(50));
    let proxies = Proxies::new(["127.0.0.1"]).unwrap().proxy_protocol();
    let server = behind(&[]).proxies(proxies).limits(limits).start().unwrap();
    let mut proxy = Client::to(server.address());
    proxy.send(&LINE[..20]);
    assert_eq!(proxy.rest(), "", "it is closed");
}
