//! The bench: it finds what a server does wrong on purpose, counts it exactly, and finds nothing
//! wrong with the hub.

mod output;
mod publishing;
mod streams;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tidings::{Channel, Event, EventId, History, Response, Running, Server, SseWriter, Status};

use super::super::support::process::run_hub;
use super::*;

/// What the server does with the events of a run: called with the number of each post, from 0, and
/// its body.
type Deliver = Box<dyn FnMut(&Channel, u64, String) + Send>;

/// A server that publishes at `/events` what is posted there, in its own way.
fn server(deliver: impl FnMut(&Channel, u64, String) + Send + 'static) -> Running {
    let deliver: Mutex<Deliver> = Mutex::new(Box::new(deliver));
    // Some publish more than a channel takes unless it is told to.
    let channel = Channel::with_history(History::default().event(100_000_000));
    let posts = AtomicU64::new(0);
    let server = Server::bind("127.0.0.1:0").unwrap().sse("/events", {
        let channel = channel.clone();
        move |stream, _| stream.subscribe(&channel)
    });
    let publish = move |request: &_| {
        let request: &tidings::Request = request;
        let body = request.body_text()?.to_owned();
        (deliver.lock().unwrap())(&channel, posts.fetch_add(1, Ordering::Relaxed), body);
        Ok(Response::text("taken"))
    };
    server.post("/events", publish).start().unwrap()
}

/// A bench of this server's stream, for a second without a warm-up.
fn bench(server: &Running, arguments: &[&str]) -> (String, String, Option<i32>) {
    let url = format!("http://{}/events", server.address());
    run_hub(&[&["bench", &url, "--warm-up=0", "--duration=1", "--json"], arguments].concat())
}

#[track_caller]
fn assert_members(json: &str, members: &[&str]) {
    for member in members {
        let found = [",", "}"].iter().any(|end| json.contains(&format!("{member}{end}")));
        assert!(found, "{member} in {json}");
    }
}

#[test]
fn a_loss_a_double_and_a_swap_are_counted_exactly() {
    let mut held = String::new();
    let server = server(move |channel, number, body| {
        let send = |body: &str| drop(channel.send(body).unwrap());
        match number {
            3 | 4 | 17 => {}
            7 => [&body, &body].into_iter().for_each(|body| send(body)),
            11 => held = body,
            12 => [&body, &held].into_iter().for_each(|body| send(body)),
            _ => send(&body),
        }
    });
    let (json, said, status) = bench(&server, &["--streams=5", "--rate=20"]);
    assert_eq!(status, Some(1), "{said}");
    assert_members(
        &json,
        &[
            "\"published\":20",
            "\"owed\":100",
            "\"received\":85",
            "\"lost\":15",
            "\"told_lost\":0",
            "\"doubled\":5",
            "\"out_of_order\":5",
        ],
    );
    assert!(said.ends_with("tidings: 15 lost, 5 doubled, 5 out of order\n"), "{said}");
    server.stop().unwrap();
}

#[test]
fn what_a_gap_event_admits_is_told_and_not_lost() {
    let server = server(|channel, number, body| match number {
        5..=7 => {}
        8 => {
            channel.send(("tidings.gap", r#"{"from":"a","to":"b","missed":2}"#)).unwrap();
            channel.send(body).unwrap();
        }
        _ => drop(channel.send(body).unwrap()),
    });
    let (json, said, status) = bench(&server, &["--streams=2", "--rate=10"]);
    assert_eq!(status, Some(1), "{said}");
    assert_members(&json, &["\"told_lost\":4", "\"lost\":2", "\"gap_events\":2"]);
    server.stop().unwrap();
}

#[test]
fn a_reader_that_is_slow_is_told_to_be_behind() {
    let server = server(|channel, _, body| drop(channel.send(body).unwrap()));
    let (json, said, status) = bench(&server, &["--streams=2", "--slow=1", "--size=500"]);
    assert_eq!(status, Some(0), "{said}");
    let (_, behind) = json.split_once("\"slow_behind\":").expect("it is told");
    let behind: u64 = behind.split(',').next().unwrap().parse().expect("a number");
    assert!(behind > 50, "50 000 bytes are due in a second, and it takes 4096: {json}");
    assert_members(&json, &["\"verdict\":\"good\"", "\"received\":200"]);
    server.stop().unwrap();
}

#[test]
fn what_there_was_too_little_of_to_tell_is_null() {
    let server = server(|channel, _, body| drop(channel.send(body).unwrap()));
    let (json, said, status) = bench(&server, &["--streams=1", "--rate=20"]);
    assert_eq!(status, Some(0), "{said}");
    let latency = json.split_once("\"latency\":{").and_then(|(_, rest)| rest.split_once('}'));
    let (latency, _) = latency.expect("a summary");
    assert!(latency.starts_with("\"count\":20,\"p50\":"), "{latency}");
    assert!(latency.contains("\"p99\":null,\"p999\":null,\"max\":"), "{latency}");
    let none = r#"{"count":0,"p50":null,"p90":null,"p99":null,"p999":null,"max":null}"#;
    assert_members(&json, &[&format!("\"reconnect\":{none}"), "\"slow_behind\":null"]);
    server.stop().unwrap();
}

#[test]
fn events_of_others_are_not_its_own_and_a_wrapping_does_not_hide_its_own() {
    let server = server(|channel, _, body| {
        channel.send("hello").unwrap();
        channel.send("tidings-bench:0000000000000001:0:1:2:3:").unwrap();
        channel.send(format!(r#"{{"text":"{body}"}}"#)).unwrap();
    });
    let (json, said, status) = bench(&server, &["--streams=1", "--rate=10"]);
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"received\":10", "\"lost\":0", "\"foreign\":20"]);
    server.stop().unwrap();
}

#[test]
fn publishers_are_told_apart_and_may_overtake_each_other() {
    let server = server(|channel, _, body| drop(channel.send(body).unwrap()));
    let (json, said, status) =
        bench(&server, &["--streams=3", "--rate=100", "--publishers=4", "--size=500"]);
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"published\":100", "\"received\":300", "\"out_of_order\":0"]);
    server.stop().unwrap();
}

/// A stream of five events with ids, of which one comes late and one twice.
fn ids(stream: &SseWriter) -> tidings::Result<()> {
    for id in ["x-1", "x-3", "x-2", "x-9", "x-3"] {
        stream.send(Event::new(id).with_id(EventId::new(id)?))?;
    }
    stream.send(("tidings.gap", r#"{"missed":6}"#))
}

#[test]
fn who_only_listens_goes_by_the_ids() {
    let open = Arc::new(Mutex::new(Vec::new()));
    let server = Server::bind("127.0.0.1:0").unwrap();
    let keep = Arc::clone(&open);
    let server = server.sse("/events", move |stream, _| {
        ids(&stream)?;
        keep.lock().unwrap().push(stream);
        Ok(())
    });
    let server = server.start().unwrap();
    let (json, said, status) = bench(&server, &["--listen-only", "--streams=2"]);
    assert_eq!(status, Some(1), "{said}");
    let expected = ["\"lost\":null", "\"doubled\":2", "\"out_of_order\":2", "\"told_lost\":12"];
    assert_members(&json, &expected);
    server.stop().unwrap();
}

#[test]
fn a_server_that_takes_no_events_ends_it_with_advice() {
    let server = Server::bind("127.0.0.1:0").unwrap().sse("/events", |stream, _| stream.send("a"));
    let server = server.start().unwrap();
    let (out, said, status) = bench(&server, &["--streams=1"]);
    assert_eq!((&*out, status), ("", Some(3)));
    assert!(said.contains("405 Method Not Allowed") && said.contains("--publish"), "{said}");
    server.stop().unwrap();
}

#[test]
fn a_response_that_is_no_stream_ends_it() {
    let server = Server::bind("127.0.0.1:0").unwrap();
    let server = server.get("/events", |_| Ok(Response::new(Status::FORBIDDEN)));
    let server = server.start().unwrap();
    let (out, said, status) = bench(&server, &["--streams=3"]);
    assert_eq!((&*out, status), ("", Some(3)));
    assert!(said.contains("the server responded with 403 Forbidden"), "{said}");
    server.stop().unwrap();
}

#[test]
fn a_stream_on_which_nothing_comes_says_nothing_of_its_server() {
    let channel = Channel::new();
    let server = Server::bind("127.0.0.1:0").unwrap();
    let server = server.sse("/events", move |stream, _| stream.subscribe(&channel));
    let server = server.start().unwrap();
    let (json, said, status) = bench(&server, &["--listen-only", "--streams=2"]);
    assert_eq!(status, Some(3), "{json}{said}");
    assert!(json.contains("\"verdict\":\"doubtful\""), "{json}");
    assert!(said.ends_with("tidings: no event came\n"), "{said}");
    server.stop().unwrap();
}

#[test]
fn a_server_that_has_no_stream_to_give_ends_it() {
    let server = Server::bind("127.0.0.1:0").unwrap();
    let server = server.get("/events", |_| Ok(Response::new(Status::NO_CONTENT)));
    let server = server.start().unwrap();
    let (out, said, status) = bench(&server, &["--streams=3"]);
    assert_eq!((&*out, status), ("", Some(3)));
    assert!(said.contains("the server responds with 204 No Content"), "{said}");
    server.stop().unwrap();
}

#[test]
fn a_stream_may_be_elsewhere() {
    let server = server(|channel, _, body| drop(channel.send(body).unwrap()));
    let there = format!("http://{}/events", server.address());
    let redirect = move |_: &_| {
        Response::new(Status::TEMPORARY_REDIRECT).with_field("Location", there.clone())
    };
    let here = Server::bind("127.0.0.1:0").unwrap().get("/", redirect).start().unwrap();
    let url = format!("http://{}/", here.address());
    let publish = format!("--publish=http://{}/events", server.address());
    let run = ["bench", &url, &publish, "--streams=1", "--rate=20", "--warm-up=0", "--duration=1"];
    let (text, said, status) = run_hub(&run);
    assert_eq!(status, Some(0), "{text}{said}");
    assert!(text.contains("deliveries    20 of 20"), "{text}");
    here.stop().unwrap();
    server.stop().unwrap();
}

#[test]
fn what_it_does_not_understand_is_status_two() {
    for arguments in [
        &["bench"][..],
        &["bench", "ftp://localhost/"],
        &["bench", "http://localhost/", "--listen-only", "--publish=/a"],
        &["bench", "http://localhost/", "--listen-only", "--rate=7"],
        &["bench", "http://localhost/", "--publish=https://localhost/"],
        &["bench", "http://localhost/", "--publish=ftp://localhost/"],
        &["bench", "https://localhost/"],
        &["bench", "http://localhost/", "--streams=0"],
    ] {
        assert_eq!(run_hub(arguments).2, Some(2), "{arguments:?}");
    }
}

#[test]
fn the_hub_loses_nothing_on_200_streams() {
    let hub = hub(&[]);
    let url = format!("http://{}/events/bench", hub.address());
    let run = ["bench", &url, "--streams=200", "--rate=50", "--warm-up=0", "--duration=2"];
    let (text, said, status) = run_hub(&run);
    assert_eq!(status, Some(0), "{text}{said}");
    for line in ["deliveries    20000 of 20000", "lost          0\n", "out of order  0\n"] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn the_hub_loses_nothing_over_cut_connections() {
    let hub = hub(&[]);
    let url = format!("http://{}/events/bench", hub.address());
    let run = ["bench", &url, "--resume", "--churn=50/s", "--streams=40", "--warm-up=0"];
    let (json, said, status) = run_hub(&[&run[..], &["--duration=2", "--json"]].concat());
    assert_eq!(status, Some(0), "{json}{said}");
    assert_members(&json, &["\"owed\":8000", "\"received\":8000", "\"lost\":0", "\"drops\":0"]);
    assert!(!json.contains("\"cuts\":0,"), "{json}");
}

#[test]
fn the_hub_loses_nothing_on_streams_that_come_and_go_or_read_slowly() {
    let hub = hub(&[]);
    let url = format!("http://{}/events/bench", hub.address());
    let run = ["bench", &url, "--churn=50%/s", "--slow=3", "--streams=40", "--warm-up=0"];
    let (text, said, status) = run_hub(&[&run[..], &["--duration=2"]].concat());
    assert_eq!(status, Some(0), "{text}{said}");
    assert!(text.contains("cut by the bench"), "{text}");
}

/// The times of the latency histogram's rows in nanoseconds, and how many each has.
fn latencies(json: &str) -> Vec<(u64, u64)> {
    let (_, rows) = json.split_once("\"latency_histogram_ns\":[[").expect("a histogram");
    let (rows, _) = rows.split_once("]]").expect("its end");
    let pairs = rows.split("],[").filter_map(|pair| pair.split_once(','));
    pairs.map(|(time, count)| (time.parse().unwrap(), count.parse().unwrap())).collect()
}

#[test]
fn a_stall_makes_all_late_that_was_due_meanwhile() {
    let server = server(|channel, number, body| {
        if number == 5 {
            std::thread::sleep(std::time::Duration::from_millis(400));
        }
        drop(channel.send(body).unwrap());
    });
    let (json, said, status) = bench(&server, &["--streams=1", "--rate=20"]);
    assert_eq!(status, Some(0), "{said}");
    // Due every 50 ms: that which stalled, and the four behind it.
    let late = latencies(&json).into_iter().filter(|(time, _)| *time >= 200_000_000);
    assert!(late.map(|(_, count)| count).sum::<u64>() >= 5, "{json}");
    server.stop().unwrap();
}
