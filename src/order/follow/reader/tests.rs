//! The thread against feeds that are written out.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc;

use super::*;
use crate::order::Order;
use crate::order::follow::options::Follow;
use crate::order::follow::order::FollowOrder;
use crate::order::remote::OrderStats;

/// Notes what it is given.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<String>>>);

impl Noted {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Sink for Noted {
    fn begin_after(&mut self, id: Id) {
        self.note(format!("begin {id}"));
    }

    fn event(&mut self, arrival: &Arrival<'_>) {
        let (id, channel, data) = (arrival.id, arrival.channel, arrival.event.data());
        self.note(format!("{id} {channel}: {data}"));
    }

    fn loss(&mut self, loss: &Loss) {
        self.note(format!("lost {} {:?} {:?}", loss.through, loss.missed, loss.reason));
    }

    fn pass(&mut self) {}
}

/// The head of a feed, of a hub with this newest event.
fn head(newest: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTidings-Hubs: root\r\n\
         Tidings-Newest: {newest}\r\n\r\n"
    )
}

fn event(id: &str, data: &str) -> String {
    format!("channel: a\nid: {id}\ndata: {data}\n\n")
}

/// Follows a hub that responds so to one connection after the other: the requests' lines and fields
/// that matter, and what came of it. The last connection stays open until all is noted.
fn follow(responses: Vec<String>, notes: usize) -> (Vec<String>, Vec<String>, OrderStats) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let order = FollowOrder::new(&Follow::new(&url).unwrap(), Duration::ZERO).unwrap();
    let noted = Noted::default();
    let (sent, requests) = mpsc::channel();
    let serve = move || {
        let mut last = None;
        for response in responses {
            drop(last.take());
            let (mut socket, _) = listener.accept().unwrap();
            sent.send(take_request(&socket)).unwrap();
            socket.write_all(response.as_bytes()).unwrap();
            last = Some(socket);
        }
        last
    };
    let served = std::thread::spawn(serve);
    order.begin(Box::new(noted.clone()), Box::new(|| {})).unwrap();
    let begun = Instant::now();
    while noted.all().len() < notes {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", noted.all());
        std::thread::yield_now();
    }
    let _open = served.join().unwrap();
    (requests.iter().collect(), noted.all(), order.remote().unwrap().stats())
}

/// The target, and the last event ID if there is one.
fn take_request(socket: &TcpStream) -> String {
    let lines = BufReader::new(socket).lines().map(Result::unwrap);
    let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let target = lines[0].split(' ').nth(1).unwrap();
    let id = lines.iter().find_map(|line| line.strip_prefix("Last-Event-ID: "));
    format!("{target} {}", id.unwrap_or("-"))
}

#[test]
fn all_that_is_kept_is_asked_for_once_and_then_what_comes_after_the_last_event() {
    let feed = "/feed?history=4294967295";
    let (requests, noted, stats) = follow(
        vec![
            head("7-2") + "id: 7-0\n\n" + &event("7-1", "1") + &event("7-2", "2"),
            head("7-2") + "id: 7-2\n\n" + &event("7-3", "3"),
            // It ends within an event, which comes again.
            head("7-3") + "id: 7-3\n\nchannel: a\nid: 7-4\ndata: 4\n",
            head("7-4") + "id: 7-3\n\n" + &event("7-4", "4") + &event("8-1", "5"),
        ],
        6,
    );
    let ids = ["-", "7-2", "7-3", "7-3"];
    assert_eq!(requests, ids.map(|id| format!("{feed} {id}")));
    let expected = ["begin 7-0", "7-1 a: 1", "7-2 a: 2", "7-3 a: 3", "7-4 a: 4", "8-1 a: 5"];
    assert_eq!(noted, expected);
    assert_eq!((stats.reconnects, stats.reachable, stats.gaps_passed_on), (3, true, 0));
}

#[test]
fn a_hub_without_events_says_where_its_feed_begins() {
    let (_, noted, _) = follow(vec![head("7-40") + "id: 7-40\n\n" + &event("7-41", "x")], 2);
    assert_eq!(noted[0], "begin 7-40");
}

#[test]
fn a_gap_is_passed_on_once_and_a_hub_that_forgets_may_begin_a_smaller_epoch() {
    let data = r#"{"from":"7-1","to":"3-0","missed":null,"reason":"restarted"}"#;
    let gap = &format!("id: 3-0\nevent: tidings.gap\ndata: {data}\n\n");
    let (requests, noted, stats) = follow(
        vec![
            head("7-1") + "id: 7-0\n\n" + &event("7-1", "1"),
            head("3-0") + gap,
            head("3-1") + gap + &event("3-1", "2") + &event("3-1", "2") + &event("3-2", "3"),
        ],
        5,
    );
    assert_eq!(
        requests[1..].iter().map(|of| of.rsplit_once(' ').unwrap().1).collect::<Vec<_>>(),
        ["7-1", "3-0"]
    );
    let expected = ["begin 7-0", "7-1 a: 1", "lost 3-0 None Restarted", "3-1 a: 2", "3-2 a: 3"];
    assert_eq!(noted, expected);
    assert_eq!((stats.gaps_passed_on, stats.ignored), (1, 1), "an event that came twice");
}

#[test]
fn what_was_lost_before_the_hub_began_is_no_loss_of_its_own() {
    let gap = "id: 7-9\nevent: tidings.gap\ndata: {}\n\n";
    let (_, noted, stats) = follow(vec![head("7-10") + gap + &event("7-10", "x")], 2);
    assert_eq!(noted, ["begin 7-9", "7-10 a: x"]);
    assert_eq!(stats.gaps_passed_on, 0);
}

#[test]
fn what_is_no_event_is_counted_and_left_out() {
    let bad = "channel: a\nid: x\ndata: 1\n\nid: 7-1\ndata: 2\n\n";
    let (_, noted, stats) = follow(vec![head("7-2") + "id: 7-0\n\n" + bad + &event("7-2", "3")], 2);
    assert_eq!(noted, ["begin 7-1", "7-2 a: 3"]);
    assert_eq!(stats.ignored, 2);
}

#[test]
fn an_event_that_is_too_long_is_told_and_passed_over() {
    let long = format!("channel: a\nid: 7-2\ndata: {}\n\n", "x".repeat(LARGEST + 1));
    let (requests, noted, _) = follow(
        vec![
            head("7-2") + "id: 7-0\n\n" + &event("7-1", "1") + &long,
            head("7-3") + "id: 7-2\n\n" + &event("7-3", "3"),
        ],
        4,
    );
    assert!(requests[1].ends_with(" 7-2"), "{requests:?}");
    assert_eq!(noted, ["begin 7-0", "7-1 a: 1", "lost 7-2 Some(1) Evicted", "7-3 a: 3"]);
}

#[track_caller]
fn refused(response: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let order = FollowOrder::new(&Follow::new(&url).unwrap(), Duration::ZERO).unwrap();
    let response = response.replace("OWN", order.chain().unwrap().own());
    let served = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        take_request(&socket);
        socket.write_all(response.as_bytes()).unwrap();
    });
    let begun = order.begin(Box::new(Noted::default()), Box::new(|| {}));
    served.join().unwrap();
    begun.unwrap_err().to_string()
}

#[test]
fn a_hub_that_refuses_or_would_lead_back_is_told_at_the_start() {
    for (response, why) in [
        ("HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", "404 Not Found"),
        ("HTTP/1.1 508 \r\nContent-Length: 0\r\n\r\n", "508 Loop Detected"),
        ("HTTP/1.1 204 \r\n\r\n", "no feed but 204"),
        ("HTTP/1.1 200 \r\nContent-Type: text/event-stream\r\n\r\n", "it is no tidings hub"),
        (&head("7-0").replace("root", "a, OWN"), "would follow itself"),
        (&head("x"), "no event id in Tidings-Newest"),
    ] {
        let said = refused(response);
        let end = ": check that it runs, and that its URL is right";
        assert!(said.contains(why) && said.contains(end), "{said}");
    }
    for status in [401, 403] {
        let said = refused(&format!("HTTP/1.1 {status} \r\nContent-Length: 2\r\n\r\nno"));
        let end = ": no: give this hub a token that it takes, with --follow-token-file";
        assert!(said.contains(end), "{said}");
    }
}

#[test]
fn the_token_is_read_again_before_each_connection_and_kept_where_that_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tokens = Mutex::new(vec!["third", "a\r\nb", "", "second", "first"]);
    let read = move || match tokens.lock().unwrap().pop() {
        Some("") | None => Err(Error::other("it is not there")),
        Some(token) => Ok(token.into()),
    };
    let follow = Follow::new(&url).unwrap().token("first").unwrap().renew_token(read);
    let order = FollowOrder::new(&follow, Duration::ZERO).unwrap();
    let remote = order.remote().unwrap();
    let (sent, requests) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let (mut first, _) = listener.accept().unwrap();
            sent.send(token_of(&first)).unwrap();
            first.write_all(format!("{}id: 7-0\n\n", head("7-0")).as_bytes()).unwrap();
            drop(first);
            for _ in 0..4 {
                let (mut socket, _) = listener.accept().unwrap();
                sent.send(token_of(&socket)).unwrap();
                socket.write_all(b"HTTP/1.1 401 \r\nContent-Length: 0\r\n\r\n").unwrap();
            }
        });
        order.begin(Box::new(Noted::default()), Box::new(|| {})).unwrap();
        let sent: Vec<_> = requests.iter().take(5).collect();
        assert_eq!(sent, ["first", "second", "second", "second", "third"]);
    });
    let until = Instant::now() + Duration::from_secs(20);
    while !remote.stats().denied {
        assert!(Instant::now() < until, "the last one was refused, too");
        std::thread::yield_now();
    }
}

fn token_of(socket: &TcpStream) -> String {
    let lines = BufReader::new(socket).lines().map_while(Result::ok);
    let fields: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let token = fields.iter().find_map(|line| line.strip_prefix("Authorization: Bearer "));
    token.expect("a token").to_owned()
}
