//! How events get in, against servers that respond badly, or not at all.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use super::*;
use crate::support::script::{STREAM, read_request};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const REFUSED: &str = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n";

/// What a server does with a publish on a connection: it gets how many came before it on all of
/// them, the request, and what is needed to respond. Whether the connection goes on.
type Act = dyn Fn(u64, &str, &mut Peer<'_>) -> bool + Send + Sync;

struct Peer<'a> {
    socket: &'a mut TcpStream,
    streams: &'a Mutex<Vec<TcpStream>>,
}

impl Peer<'_> {
    fn response(&mut self, response: &str) {
        let _ = self.socket.write_all(response.as_bytes());
    }

    /// Sends the content of a request to all streams.
    fn deliver(&self, request: &str) {
        let (_, content) = request.split_once("\r\n\r\n").expect("a head");
        for mut stream in &*self.streams.lock().unwrap() {
            let _ = stream.write_all(format!("data: {content}\n\n").as_bytes());
        }
    }
}

/// A server that gives streams to those who GET, and does this with whatever else it gets.
fn raw_server(
    act: impl Fn(u64, &str, &mut Peer<'_>) -> bool + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Arc::new((Box::new(act) as Box<Act>, Mutex::new(Vec::new()), AtomicU64::new(0)));
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (shared, mut socket) = (Arc::clone(&shared), socket.unwrap());
            std::thread::spawn(move || {
                let (act, streams, count) = &*shared;
                socket.set_nodelay(true).unwrap();
                loop {
                    let request = read_request(&mut socket);
                    if request.starts_with("GET ") {
                        // Those who know of the stream know that it gets everything.
                        let mut streams = streams.lock().unwrap();
                        socket.write_all(STREAM.as_bytes()).unwrap();
                        return streams.push(socket);
                    }
                    let mut peer = Peer { socket: &mut socket, streams };
                    let came = !request.is_empty();
                    if !came || !act(count.fetch_add(1, Ordering::Relaxed), &request, &mut peer) {
                        let _ = socket.shutdown(Shutdown::Both);
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A bench of this server's stream, with 20 events a second and without a warm-up.
fn bench(server: SocketAddr, arguments: &[&str]) -> (String, String, Option<i32>) {
    let url = format!("http://{server}/events");
    let run = ["bench", &url, "--warm-up=0", "--streams=2", "--rate=20", "--json"];
    run_hub(&[&run[..], arguments].concat())
}

#[test]
fn a_run_that_published_nothing_has_measured_nothing() {
    let server = raw_server(|_, _, _| false);
    let (out, said, status) = bench(server, &["--duration=1"]);
    assert_eq!((&*out, status), ("", Some(3)), "{said}");
    assert!(said.contains("the connection was cut before the server had responded"), "{said}");
}

#[test]
fn a_refusal_does_not_end_the_run_where_others_are_taken() {
    let server = raw_server(|count, request, peer| {
        if count == 0 {
            peer.response(REFUSED);
            return true;
        }
        peer.deliver(request);
        peer.response(OK);
        true
    });
    let (json, said, status) = bench(server, &["--duration=1"]);
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"published\":19", "\"refused\":1", "\"received\":38"]);
}

#[test]
fn nothing_but_refusals_end_a_run_long_before_its_time() {
    let server = raw_server(|_, _, peer| {
        peer.response(REFUSED);
        true
    });
    let (out, said, status) = bench(server, &["--publishers=2", "--duration=600"]);
    assert_eq!((&*out, status), ("", Some(3)), "{said}");
    assert!(said.contains("it responds with 500 Internal Server Error"), "{said}");
    // There is one for each second.
    assert!(said.lines().count() < 300, "{said}");
}

#[test]
fn a_redirect_is_told_with_where_it_leads_to() {
    let server = raw_server(|_, _, peer| {
        peer.response("HTTP/1.1 307 Go\r\nLocation: /pub?id=1\r\nContent-Length: 0\r\n\r\n");
        false
    });
    let (_, said, status) = bench(server, &["--duration=1"]);
    assert_eq!(status, Some(3), "{said}");
    assert!(said.contains("307 Temporary Redirect, which is at /pub?id=1"), "{said}");
}

#[test]
fn a_connection_of_http_1_0_is_not_used_again() {
    let server = raw_server(|_, request, peer| {
        peer.deliver(request);
        peer.response(&OK.replace("1.1", "1.0"));
        false
    });
    let (json, said, status) = bench(server, &["--duration=1"]);
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"published\":20", "\"in_doubt\":0", "\"sent_again\":0"]);
}

#[test]
fn what_a_kept_connection_did_not_take_goes_out_on_a_fresh_one() {
    let server = raw_server(|_, request, peer| {
        peer.deliver(request);
        peer.response(OK);
        false
    });
    let (json, said, status) = bench(server, &["--duration=1"]);
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"published\":20", "\"in_doubt\":0", "\"sent_again\":19"]);
}

#[test]
fn what_went_out_twice_by_the_bench_is_no_double_of_the_server() {
    // Each second publish on a connection is delivered, and then the connection ends.
    let last = Mutex::new(None);
    let server = raw_server(move |_, request, peer| {
        peer.deliver(request);
        let port = peer.socket.peer_addr().unwrap().port();
        let fresh = last.lock().unwrap().replace(port) != Some(port);
        if fresh {
            peer.response(OK);
        }
        fresh
    });
    let (json, said, status) = bench(server, &["--duration=1"]);
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"published\":20", "\"doubled\":0", "\"sent_again\":19"]);
    assert_members(&json, &["\"received\":78", "\"lost\":0", "\"out_of_order\":0"]);
}

#[test]
fn a_run_of_which_much_was_not_taken_is_doubtful() {
    let server = raw_server(|count, request, peer| {
        if count % 2 == 0 {
            peer.deliver(request);
        }
        peer.response(if count % 2 == 0 { OK } else { REFUSED });
        true
    });
    let (json, said, status) = bench(server, &["--duration=1"]);
    assert_eq!(status, Some(0), "{said}");
    let verdict = "nothing lost, nothing doubled, nothing out of order in 20 deliveries";
    let verdict = format!("\"said\":\"{verdict}; 20 events to publish: 10 refused\"");
    assert_members(&json, &["\"verdict\":\"doubtful\"", &verdict]);
}

#[test]
fn events_get_in_as_a_server_wants_them() {
    let server = raw_server(|_, request, peer| {
        let wanted = [
            "PUT /hub HTTP/1.1\r\n",
            "\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            "\r\nAuthorization: Bearer x\r\n",
            "\r\n\r\ntopic=t&data=tidings-bench:",
        ];
        let right = wanted.iter().all(|wanted| request.contains(wanted));
        peer.deliver(request);
        peer.response(if right && request.ends_with(":&private=on") { OK } else { REFUSED });
        true
    });
    let (json, said, status) = bench(
        server,
        &[
            "--duration=1",
            "--publish=PUT /hub",
            "--body=topic=t&data={}&private=on",
            "--content-type=application/x-www-form-urlencoded",
            "--publish-header=Authorization: Bearer x",
        ],
    );
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"published\":20", "\"received\":40", "\"lost\":0"]);
}

#[test]
fn a_rate_that_its_publishers_can_not_keep_to_is_told_as_their_limit() {
    let server = super::server(|channel, _, body| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(channel.send(body).unwrap());
    });
    let (json, said, status) = super::bench(&server, &["--streams=1", "--rate=100"]);
    assert_eq!(status, Some(0), "{json}{said}");
    assert!(json.contains("they could not keep to the rate"), "{json}");
    server.stop().unwrap();
}
