//! Single exchanges with their exact bytes, at times that are chosen.

use std::time::Duration;

use super::*;

/// Who takes a request here: the most bytes that its body may have.
struct Room(usize);

impl Recipient for Room {
    fn has_room_for(&mut self, bytes: usize) -> bool {
        bytes <= self.0
    }
}

/// A connection, and the time that the test has set.
struct Peer {
    exchange: Exchange<Room>,
    now: Instant,
}

const SECOND: Duration = Duration::from_secs(1);
const ROOMY: Room = Room(usize::MAX);
const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n";
const WAITS: &str =
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
/// The head of the response with 204, up to what it says about the connection.
const DONE: &str = "HTTP/1.1 204 No Content\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
const TEXT: &str = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
                    Content-Type: text/plain; charset=utf-8\r\n\
                    X-Content-Type-Options: nosniff\r\nContent-Length: 2\r\n";

impl Peer {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let now = Instant::now();
        Self { exchange: Exchange::new(Arc::new(limits), now), now }
    }

    fn sends(&mut self, bytes: &str) -> &mut Self {
        assert_eq!(self.step(), "Receive");
        self.exchange.receive(bytes.as_bytes(), self.now);
        self
    }

    fn wait(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self
    }

    fn left(&self) -> Duration {
        self.exchange.deadline() - self.now
    }

    fn step(&self) -> String {
        match self.exchange.step() {
            Step::Route { head, too_large: false } => {
                format!("Route {} {}", head.method(), head.path())
            }
            Step::Route { too_large: true, .. } => "Route, too large".into(),
            Step::Refuse(refusal, _) => format!("Refuse {}", refusal.status().code()),
            Step::Send(_) => "Send".into(),
            step => format!("{step:?}"),
        }
    }

    fn accept(&mut self) -> &mut Self {
        self.exchange.accept(ROOMY, self.now);
        self
    }

    /// The body of a request that is whole.
    #[track_caller]
    fn body(&mut self) -> String {
        assert_eq!(self.step(), "Run");
        String::from_utf8(self.exchange.take_request().expect("a request").1).unwrap()
    }

    fn respond(&mut self, response: Response) -> &mut Self {
        self.exchange.respond(response, HttpDate::from_unix(0), self.now);
        self
    }

    /// Lets a whole request have the response 204.
    fn done(&mut self) -> &mut Self {
        self.exchange.take_request().expect("a request");
        self.respond(Response::no_content())
    }

    /// Takes all that goes out.
    fn reads(&mut self) -> String {
        let Step::Send(unsent) = self.exchange.step() else { return String::new() };
        let bytes = unsent.concat();
        self.exchange.sent(bytes.len(), self.now);
        String::from_utf8(bytes).unwrap()
    }
}

#[test]
fn one_exchange_byte_by_byte() {
    let mut peer = Peer::new();
    assert_eq!(peer.sends(WAITS).step(), "Route POST /");
    assert_eq!(peer.accept().reads(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(peer.sends("hi").body(), "hi");
    let response = peer.respond(Response::no_content()).reads();
    assert_eq!(response, "HTTP/1.1 204 No Content\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n");
    assert_eq!(peer.step(), "Receive", "the next request");
    assert_eq!(peer.sends(GET).step(), "Route GET /");
}

#[test]
fn no_cut_of_the_bytes_makes_a_difference() {
    let bytes = [POST, "hi", GET].concat();
    for cut in 1..bytes.len() {
        let mut peer = Peer::new();
        let mut bodies = Vec::new();
        for piece in [&bytes[..cut], &bytes[cut..]] {
            peer.exchange.receive(piece.as_bytes(), peer.now);
            loop {
                match &*peer.step() {
                    "Receive" => break,
                    "Run" => {
                        bodies.push(peer.body());
                        assert_eq!(
                            peer.respond(Response::text("ok")).reads(),
                            format!("{TEXT}\r\nok")
                        );
                    }
                    _ => drop(peer.accept()),
                }
            }
        }
        assert_eq!(bodies, ["hi", ""], "cut at {cut}");
    }
}

#[test]
fn row_50_what_is_pipelined_waits_until_the_response_before_it_has_gone_out() {
    let mut peer = Peer::new();
    peer.sends(&GET.repeat(2)).accept().done();
    let Step::Send([head, _]) = peer.exchange.step() else { panic!("{}", peer.step()) };
    let len = head.len();
    peer.exchange.sent(len - 1, peer.now);
    assert_eq!(peer.step(), "Send");
    assert_eq!(peer.reads(), "\n");
    assert_eq!(peer.step(), "Route GET /", "the second, of which nothing more came");
}

#[test]
fn row_12_who_has_not_waited_to_be_told_is_not_told_to_go_on() {
    assert_eq!(Peer::new().sends(&[WAITS, "h"].concat()).accept().step(), "Receive");
    let old = WAITS.replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(Peer::new().sends(&old).accept().step(), "Receive");
}

#[test]
fn deadlines_are_points_in_time() {
    let mut peer = Peer::new();
    assert_eq!(peer.left(), 30 * SECOND);
    assert_eq!(peer.wait(20 * SECOND).sends("\r\n").left(), 10 * SECOND, "no head has begun");
    assert_eq!(peer.sends(&POST[..9]).left(), 10 * SECOND);
    assert_eq!(peer.wait(SECOND).sends(&POST[9..20]).left(), 9 * SECOND);
    assert_eq!(peer.sends(&POST[20..]).accept().left(), 30 * SECOND, "the body's");
    assert_eq!(peer.wait(SECOND).sends("h").left(), 29 * SECOND);
    assert_eq!(peer.sends("i").done().wait(SECOND).left(), 29 * SECOND, "the response's");
    peer.exchange.sent(0, peer.now);
    assert_eq!(peer.left(), 29 * SECOND);
    peer.exchange.sent(1, peer.now);
    assert_eq!(peer.left(), 30 * SECOND, "it went on");
    assert_eq!(peer.wait(SECOND).step(), "Send");
    peer.reads();
    assert_eq!(peer.left(), 30 * SECOND, "idle");
}

#[test]
fn a_head_that_begins_at_the_idle_deadline_has_the_time_of_a_head() {
    let mut peer = Peer::new();
    assert_eq!(peer.wait(30 * SECOND).sends("G").left(), 10 * SECOND);
}

#[test]
fn a_request_that_is_late_is_refused_and_all_else_is_closed() {
    let late = |peer: &mut Peer| {
        peer.exchange.expire();
        peer.step()
    };
    assert_eq!(late(&mut Peer::new()), "Over");
    assert_eq!(late(Peer::new().sends("\r\n")), "Over");
    assert_eq!(late(Peer::new().sends("G")), "Refuse 408");
    assert_eq!(late(Peer::new().sends(POST).accept()), "Refuse 408");
    assert_eq!(late(Peer::new().sends(WAITS).accept()), "Over", "the peer does not read");
    assert_eq!(late(Peer::new().sends(GET).accept().done()), "Over");
    assert_eq!(late(Peer::new().sends(POST).respond(Response::no_content())), "Over");
    let mut drained = Peer::new();
    drained.sends(POST).respond(Response::no_content()).reads();
    assert_eq!(late(&mut drained), "Close", "it has had its response");
}

#[test]
fn row_19_a_refusal_closes_and_what_was_pipelined_is_not_read() {
    let mut peer = Peer::new();
    let step = peer.sends(&["GET / HTTP/1.1\r\nHost : h\r\n\r\n", GET].concat()).step();
    assert_eq!(step, "Refuse 400");
    let response = peer.respond(Response::no_content()).reads();
    assert_eq!(response, format!("{DONE}Connection: close\r\n\r\n"));
    assert_eq!(peer.step(), "Close");
}

#[test]
fn row_47_a_refusal_knows_its_page_and_whether_it_may_have_a_body() {
    let mut peer = Peer::new();
    peer.sends("\r\nHEAD / HTTP/1.1\r\nOrigin: https://a.example\r\nHost : h\r\n");
    assert_eq!(peer.exchange.asked().origin.as_deref(), Some("https://a.example"));
    let response = peer.respond(Response::text("no")).reads();
    assert_eq!(response, format!("{TEXT}Connection: close\r\n\r\n"));

    let mut late = Peer::new();
    late.sends(&POST.replace("\r\n\r\n", "\r\nOrigin: null\r\n\r\n")).accept().exchange.expire();
    assert_eq!(late.step(), "Refuse 408");
    assert_eq!(late.exchange.asked().origin.as_deref(), Some("null"));
}

#[test]
fn row_11_and_27_http_1_0_closes_unless_asked_to_stay_and_is_told_either() {
    let old = "GET / HTTP/1.0\r\n\r\n";
    let mut peer = Peer::new();
    let response = peer.sends(old).accept().done().reads();
    assert_eq!(
        (response, peer.step()),
        (format!("{DONE}Connection: close\r\n\r\n"), "Close".into())
    );
    let stays = old.replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n");
    let mut peer = Peer::new();
    let response = peer.sends(&stays).accept().done().reads();
    assert_eq!(response, format!("{DONE}Connection: keep-alive\r\n\r\n"));
    assert_eq!(peer.step(), "Receive");
}

#[test]
fn row_23_and_27_head_has_the_head_alone_also_of_an_event_stream() {
    let head = GET.replace("GET", "HEAD");
    let mut peer = Peer::new();
    peer.sends(&head).accept().body();
    assert_eq!(peer.respond(Response::text("ok")).reads(), format!("{TEXT}\r\n"));
    peer.sends(&head).accept().body();
    let stream = peer.respond(Response::event_stream_head()).reads();
    assert!(stream.ends_with("\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"));
    assert_eq!(peer.step(), "Close");
    let mut peer = Peer::new();
    peer.sends("HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").accept().body();
    let stream = peer.respond(Response::event_stream_head()).reads();
    assert!(!stream.contains("chunked") && stream.ends_with("\r\nConnection: close\r\n\r\n"));
}

#[test]
fn a_connection_closes_after_its_last_request_by_the_peers_word_a_limit_or_a_stop() {
    let last = |peer: &mut Peer| {
        let response = peer.reads();
        assert_eq!(response, format!("{DONE}Connection: close\r\n\r\n"));
        peer.step()
    };
    let close = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    assert_eq!(last(Peer::new().sends(&close).accept().done()), "Close");

    let mut peer = Peer::with(Limits::default().requests_per_connection(2));
    assert_eq!(peer.sends(GET).accept().done().reads(), format!("{DONE}\r\n"));
    assert_eq!(last(peer.sends(GET).accept().done()), "Close");

    let mut peer = Peer::new();
    peer.sends(GET).accept();
    peer.exchange.stop(peer.now);
    assert_eq!(last(peer.done()), "Close");
}

#[test]
fn where_no_request_has_begun_a_stop_is_the_deadline() {
    let mut idle = Peer::new();
    idle.sends(GET).accept().done().reads();
    idle.exchange.stop(idle.now);
    assert_eq!(idle.left(), Duration::ZERO);
    assert_eq!(idle.sends("G").left(), 10 * SECOND, "it had been sent before that was known");
    idle.exchange.stop(idle.now);
    assert_eq!(idle.left(), 10 * SECOND);
    let mut responding = Peer::new();
    responding.sends(GET).accept().done();
    responding.exchange.stop(responding.now);
    assert_eq!(responding.left(), 30 * SECOND);
    let mut draining = Peer::new();
    draining.sends(POST).respond(Response::no_content()).reads();
    draining.exchange.stop(draining.now);
    assert_eq!(draining.left(), Duration::ZERO, "no request may follow the rest of its body");
}

#[test]
fn a_stop_waits_a_little_for_the_first_request_of_a_connection() {
    let mut fresh = Peer::new();
    let began = fresh.now;
    for (later, left) in [(0, 250), (100, 150), (250, 0), (300, 0)] {
        fresh.now = began + Duration::from_millis(later);
        fresh.exchange.stop(fresh.now);
        assert_eq!(fresh.left(), Duration::from_millis(left), "{later}");
    }
    let mut late = Peer::new();
    late.now += SECOND;
    late.exchange.stop(late.now);
    assert_eq!(late.left(), Duration::ZERO);
}

#[test]
fn a_proxy_says_first_who_its_client_is_where_that_is_expected() {
    let proxy = || {
        let mut peer = Peer::new();
        peer.exchange.expect_preface(peer.now);
        peer
    };
    const PREFACE: &str = "PROXY TCP4 203.0.113.9 192.0.2.60 50412 443\r\n";
    for cut in 1..PREFACE.len() {
        let mut peer = proxy();
        let bytes = [PREFACE, GET].concat();
        peer.wait(SECOND).sends(&bytes[..cut]);
        assert_eq!(peer.left(), 9 * SECOND, "it has the time of a head, from the beginning");
        assert_eq!(peer.sends(&bytes[cut..]).step(), "Proxied(Some(203.0.113.9))", "{cut}");
        peer.exchange.begin_requests(peer.now);
        assert_eq!(peer.step(), "Route GET /", "{cut}");
    }
    let mut silent = proxy();
    assert_eq!(silent.sends(&PREFACE[..9]).wait(10 * SECOND).left(), Duration::ZERO);
    silent.exchange.expire();
    assert_eq!(silent.step(), "Over");
    let mut idle = proxy();
    assert_eq!(idle.sends("PROXY UNKNOWN\r\n").step(), "Proxied(None)");
    idle.exchange.begin_requests(idle.now);
    assert_eq!((idle.step().as_str(), idle.left()), ("Receive", 30 * SECOND));
    // Whatever begins otherwise is no request either.
    assert_eq!(proxy().sends(GET).step(), "Refuse 400");
    assert_eq!(proxy().sends("P").sends("O").step(), "Refuse 400");
    assert_eq!(Peer::new().sends(PREFACE).step(), "Refuse 400", "where it is not expected");
    let mut stopped = proxy();
    stopped.exchange.stop(stopped.now);
    assert_eq!(stopped.left(), Duration::from_millis(250));
}

#[test]
fn row_20_a_body_that_nobody_reads_is_drained_or_the_connection_closes() {
    let unread = |bytes: &str| {
        let mut peer = Peer::new();
        peer.sends(bytes).respond(Response::no_content()).reads();
        peer
    };
    let mut drained = unread(&[POST, "h"].concat());
    assert_eq!((drained.step().as_str(), drained.left()), ("Receive", 30 * SECOND));
    assert_eq!(drained.sends(&["i", GET].concat()).step(), "Route GET /");
    let mut peer = Peer::with(Limits::default().idle_deadline(9 * SECOND));
    peer.sends(POST).respond(Response::no_content()).reads();
    assert_eq!(peer.wait(SECOND).sends("hi").left(), 9 * SECOND, "idle again");
    assert_eq!(unread(&[POST, "hi"].concat()).sends(GET).step(), "Route GET /");
    assert_eq!(unread(GET).sends(GET).step(), "Route GET /");

    assert_eq!(unread(WAITS).step(), "Close", "it may come or not");
    assert_eq!(unread(&POST.replace(": 2", ": 65537")).step(), "Close");
    assert_eq!(unread(&POST.replace(": 2", ": 65536")).step(), "Receive");
    let mut chunked = unread(&POST.replace("Content-Length: 2", "Transfer-Encoding: chunked"));
    assert_eq!(chunked.sends("2\r\nhi\r\n").step(), "Receive");
    assert_eq!(chunked.sends("hi").step(), "Close", "no one knows where the next request begins");
}

#[test]
fn a_body_past_its_limit_is_refused_before_it_is_read_or_as_soon_as_that_is_known() {
    let with = || Peer::with(Limits::default().body(2).drain(1));
    let mut peer = Peer::with(Limits::default().body(2));
    assert_eq!(peer.sends(&POST.replace(": 2", ": 3")).step(), "Route, too large");
    peer.respond(Response::no_content()).reads();
    assert_eq!(peer.step(), "Close");
    assert_eq!(with().sends(POST).step(), "Route POST /");
    let get = POST.replace("POST", "GET");
    assert_eq!(with().sends(&get).step(), "Route, too large", "more than is drained");

    let chunked = POST.replace("Content-Length: 2", "Transfer-Encoding: chunked");
    assert_eq!(with().sends(&chunked).accept().sends("2\r\nhi\r\n").step(), "Receive");
    assert_eq!(with().sends(&chunked).accept().sends("3\r\n").step(), "Refuse 413");
}

#[test]
fn limit_bodies_is_asked_for_each_part_of_a_body_that_is_kept() {
    let mut peer = Peer::new();
    peer.sends(POST).exchange.accept(Room(1), Instant::now());
    assert_eq!(peer.sends("h").step(), "Receive");
    assert_eq!(peer.sends("i").step(), "Refuse 503");

    let mut peer = Peer::new();
    peer.sends(&POST.replace("POST", "GET")).exchange.accept(Room(0), Instant::now());
    assert_eq!(peer.sends("hi").body(), "", "what a GET brings means nothing");
}
