//! Streams that leave, come back or are shut out; and how long the bench waits for them, and for
//! what is missing.

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use tidings::Reply;

use super::*;
use crate::support::script::{STREAM, Script};

#[test]
fn what_is_lost_is_not_waited_for_although_others_events_go_on() {
    let (over, strangers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (stop, count) = (Arc::clone(&over), Arc::clone(&strangers));
    let server = server(move |channel, number, body| match number {
        3 => {
            let (channel, stop, count) = (channel.clone(), Arc::clone(&stop), Arc::clone(&count));
            // So long as nobody waits for a bench that does not end.
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) && count.fetch_add(1, Ordering::Relaxed) < 400 {
                    thread::sleep(Duration::from_millis(50));
                    channel.send("hello").unwrap();
                }
            });
        }
        _ => drop(channel.send(body).unwrap()),
    });
    let (json, said, status) = bench(&server, &["--streams=2", "--rate=20", "--drain=1"]);
    over.store(true, Ordering::Relaxed);
    assert_eq!(status, Some(1), "{said}");
    assert_members(&json, &["\"lost\":2"]);
    assert!(strangers.load(Ordering::Relaxed) < 400, "it ended when they did");
    server.stop().unwrap();
}

#[test]
fn what_comes_late_is_waited_for_as_long_as_it_was_asked_to() {
    let server = server(|channel, number, body| match number {
        19 => {
            let channel = channel.clone();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(2500));
                channel.send(body).unwrap();
            });
        }
        _ => drop(channel.send(body).unwrap()),
    });
    let (json, said, status) = bench(&server, &["--streams=2", "--rate=20", "--drain=60"]);
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"received\":40", "\"lost\":0"]);
    // A rate is one over the time in which all that came came.
    assert!(number(&json, "open_at_end", "elapsed_ns") >= 2_500_000_000, "{json}");
    server.stop().unwrap();
}

#[test]
fn who_has_to_stay_away_by_the_servers_word_is_waited_for() {
    let server = ending_all(10, Duration::from_secs(3));
    let (json, said, status) = bench(&server, &["--streams=2", "--rate=20", "--drain=1"]);
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"lost\":0", "\"received\":40", "\"drops\":2", "\"open_at_end\":2"]);
    server.stop().unwrap();
}

/// A server that has streams for so many, and for whoever comes later what `then` gives.
fn full_after(
    streams: u64,
    then: impl Fn() -> tidings::Result<Reply> + Send + Sync + 'static,
) -> Running {
    let (channel, came) = (Channel::new(), AtomicU64::new(0));
    let publish = channel.clone();
    let server = Server::bind("127.0.0.1:0").unwrap().get("/events", move |_| {
        if came.fetch_add(1, Ordering::Relaxed) >= streams {
            return then();
        }
        let channel = channel.clone();
        Ok(Reply::event_stream(move |stream| stream.subscribe(&channel)))
    });
    let server = server.post("/events", move |request| {
        publish.send(request.body_text()?)?;
        Ok(Response::text("taken"))
    });
    server.start().unwrap()
}

#[track_caller]
fn assert_shut_out(server: &Running) {
    let run = ["--streams=3", "--rate=20", "--churn=1000/s", "--drain=1"];
    let (json, said, status) = bench(server, &run);
    assert_eq!(status, Some(1), "{said}");
    assert_members(&json, &["\"lost\":0", "\"open_at_end\":0", "\"not_let_in_again\":3"]);
    assert!(said.ends_with("tidings: 3 of 3 streams not let in again\n"), "{said}");
}

#[test]
fn streams_that_are_told_that_there_is_no_more_are_not_let_in_again() {
    let server = full_after(3, || Ok(Response::new(Status::NO_CONTENT).into()));
    assert_shut_out(&server);
    server.stop().unwrap();
}

#[test]
fn streams_that_are_refused_are_not_let_in_again() {
    let server = full_after(3, || Ok(Response::new(Status::SERVICE_UNAVAILABLE).into()));
    assert_shut_out(&server);
    server.stop().unwrap();
}

#[test]
fn streams_that_are_never_answered_are_not_let_in_again() {
    let over = Arc::new(Mutex::new(()));
    let held = over.lock().unwrap();
    let wait = Arc::clone(&over);
    let server = full_after(3, move || {
        drop(wait.lock());
        Ok(Response::new(Status::NO_CONTENT).into())
    });
    assert_shut_out(&server);
    drop(held);
    server.stop().unwrap();
}

#[test]
fn nothing_is_published_before_each_stream_has_been_open() {
    let (channel, came) = (Channel::new(), Arc::new(AtomicU64::new(0)));
    let early = Arc::new(AtomicU64::new(0));
    let server = Server::bind("127.0.0.1:0").unwrap().get("/events", {
        let (channel, came) = (channel.clone(), Arc::clone(&came));
        move |_| {
            let (channel, number) = (channel.clone(), came.fetch_add(1, Ordering::Relaxed));
            // The first is sent away again and again, the last is let in when that has been often.
            while number == 2 && came.load(Ordering::Relaxed) < 6 {
                thread::sleep(Duration::from_millis(10));
            }
            Ok(Reply::event_stream(move |stream| {
                stream.retry(Duration::from_millis(10))?;
                if number == 2 { stream.subscribe(&channel) } else { Ok(()) }
            }))
        }
    });
    let server = server.post("/events", {
        let (came, early) = (Arc::clone(&came), Arc::clone(&early));
        move |request| {
            let all = came.load(Ordering::Relaxed) >= 6;
            early.fetch_add((!all).into(), Ordering::Relaxed);
            channel.send(request.body_text()?)?;
            Ok(Response::text("taken"))
        }
    });
    let server = server.start().unwrap();
    let (_, said, _) = bench(&server, &["--streams=3", "--rate=20", "--drain=1"]);
    assert!(came.load(Ordering::Relaxed) >= 6, "{said}");
    assert_eq!(early.load(Ordering::Relaxed), 0);
    server.stop().unwrap();
}

#[test]
fn events_may_be_longer_than_a_line_may_be_otherwise() {
    // The server makes more of them, as one does that wraps them up.
    let wrap = |body: &str| body.replace('x', "xxxxxxxx");
    let server = server(move |channel, _, body| drop(channel.send(wrap(&body)).unwrap()));
    let run = ["--streams=1", "--rate=2", "--size=900000", "--drain=60"];
    let (json, said, status) = bench(&server, &run);
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"received\":2", "\"lost\":0"]);
    server.stop().unwrap();
}

#[test]
fn a_line_that_is_too_long_is_told_as_what_it_is() {
    let server = server(|channel, number, body| match number {
        3 => drop(channel.send("x".repeat(5_000_000)).unwrap()),
        _ => drop(channel.send(body).unwrap()),
    });
    let (out, said, status) = bench(&server, &["--streams=1", "--rate=20"]);
    assert_eq!((&*out, status), ("", Some(3)));
    assert!(said.contains("a line of the event stream is longer than 4194304 bytes"), "{said}");
    server.stop().unwrap();
}

#[test]
fn what_waits_in_a_stream_that_is_cut_is_asked_for_again() {
    let mut held = Vec::new();
    let server = server(move |channel, _, body| {
        held.push(body);
        // Many events in one read: a cut falls between them.
        if held.len() == 50 {
            held.drain(..).for_each(|body| drop(channel.send(body).unwrap()));
        }
    });
    let run = ["--streams=20", "--rate=2000", "--publishers=4", "--resume", "--churn=1000/s"];
    let (json, said, status) = bench(&server, &[&run[..], &["--drain=60"]].concat());
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"lost\":0", "\"doubled\":0"]);
    server.stop().unwrap();
}

/// A server whose streams are served behind what they have seen, and that ends all of them, once,
/// when this event is posted.
fn ending_all(at: u64, retry: Duration) -> Running {
    let (channel, open) = (Channel::new(), Arc::new(Mutex::new(Vec::new())));
    let server = Server::bind("127.0.0.1:0").unwrap();
    let server = server.sse("/events", {
        let (channel, open) = (channel.clone(), Arc::clone(&open));
        move |stream, _| {
            stream.retry(retry)?;
            open.lock().unwrap().push(stream.clone());
            stream.subscribe(&channel)
        }
    });
    let posts = AtomicU64::new(0);
    let server = server.post("/events", move |request| {
        channel.send(request.body_text()?)?;
        if posts.fetch_add(1, Ordering::Relaxed) == at {
            open.lock().unwrap().drain(..).for_each(|stream| stream.close());
        }
        Ok(Response::text("taken"))
    });
    server.start().unwrap()
}

/// The number of this name, the first behind `place`.
#[track_caller]
fn number(json: &str, place: &str, name: &str) -> u64 {
    let (_, behind) = json.split_once(&format!("\"{place}\":")).expect(place);
    let (_, behind) = behind.split_once(&format!("\"{name}\":")).expect(name);
    behind.split([',', '}']).next().and_then(|count| count.parse().ok()).expect("a number")
}

#[test]
fn what_is_late_by_the_servers_ending_a_stream_is_timed() {
    let server = ending_all(10, Duration::from_millis(300));
    let (json, said, status) = bench(&server, &["--streams=2", "--rate=20", "--drain=60"]);
    assert_eq!(status, Some(0), "{said}");
    assert_members(&json, &["\"received\":40", "\"not_timed\":0"]);
    assert!(!json.contains("\"caught_up\":0,"), "{json}");
    let [latency, away] = ["latency", "away"].map(|name| number(&json, name, "count"));
    assert_eq!((latency, away), (40, 2), "{json}");
    // A reconnection takes what it takes, and not also the pause before it.
    let [reconnect, away] = ["reconnect", "away"].map(|name| number(&json, name, "max"));
    assert!(away >= reconnect + 300_000_000, "{json}");
    let late = latencies(&json).into_iter().filter(|(time, _)| *time >= 100_000_000);
    assert!(late.map(|(_, count)| count).sum::<u64>() >= 4, "{json}");
    server.stop().unwrap();
}

#[test]
fn what_was_due_before_a_cut_and_sent_behind_it_is_timed() {
    let server = server(|channel, number, body| {
        if number == 5 {
            thread::sleep(Duration::from_millis(600));
        }
        drop(channel.send(body).unwrap());
    });
    // All streams are cut while the server stalls, and are back before it goes on.
    let run = ["--streams=2", "--rate=20", "--churn=40/s", "--drain=60"];
    let (json, said, status) = bench(&server, &run);
    assert_eq!(status, Some(0), "{said}");
    let late = latencies(&json).into_iter().filter(|(time, _)| *time >= 200_000_000);
    assert!(late.map(|(_, count)| count).sum::<u64>() >= 8, "{json}");
    server.stop().unwrap();
}

#[test]
fn who_resumes_has_missed_something_and_without_ids_can_not() {
    let hub = hub(&[]);
    let url = format!("http://{}/events/bench", hub.address());
    let run = ["bench", &url, "--resume", "--churn=20/s", "--streams=4", "--warm-up=0"];
    let (text, said, status) = run_hub(&[&run[..], &["--duration=2", "--drain=60"]].concat());
    assert_eq!(status, Some(0), "{text}{said}");
    assert!(text.contains(" events from when streams were away"), "{text}");
    assert!(text.contains("open at end   4 of 4"), "{text}");

    let open = Arc::new(Mutex::new(Vec::<SseWriter>::new()));
    let keep = Arc::clone(&open);
    let server = Server::bind("127.0.0.1:0").unwrap().sse("/events", move |stream, _| {
        keep.lock().unwrap().push(stream);
        Ok(())
    });
    let server = server.post("/events", move |request| {
        open.lock().unwrap().retain(|stream| stream.send(request.body_text().unwrap()).is_ok());
        Ok(Response::text("taken"))
    });
    let server = server.start().unwrap();
    let url = format!("http://{}/events", server.address());
    let run = ["bench", &url, "--resume", "--churn=20/s", "--streams=4", "--warm-up=0"];
    let (text, _, status) = run_hub(&[&run[..], &["--duration=2", "--drain=1"]].concat());
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("the server sends no ids, so nothing can be resumed"), "{text}");
    server.stop().unwrap();
}

#[test]
fn how_long_threads_waited_for_a_core_is_told_where_the_system_tells_it() {
    let hub = hub(&[]);
    let url = format!("http://{}/events/bench", hub.address());
    let run = ["bench", &url, "--streams=4", "--warm-up=0", "--duration=1", "--json"];
    let (json, said, status) = run_hub(&run);
    assert_eq!(status, Some(0), "{json}{said}");
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").is_ok();
    assert_eq!(number(&json, "own_queued", "count") > 0, told, "{json}");
}

#[test]
fn several_events_in_one_are_told_apart_and_others_are_counted() {
    let mut held = Vec::new();
    let server = server(move |channel, number, body| {
        held.push(body);
        if number % 5 == 4 {
            channel.send(format!("[{}]", held.join(","))).unwrap();
            channel.send("hello").unwrap();
            held.clear();
        }
    });
    let url = format!("http://{}/events", server.address());
    let run = ["bench", &url, "--streams=1", "--rate=20", "--warm-up=0", "--duration=1"];
    let (text, said, status) = run_hub(&run);
    assert_eq!(status, Some(0), "{text}{said}");
    assert!(text.contains("deliveries    20 of 20"), "{text}");
    assert!(text.contains("foreign       4 events without the mark of this run"), "{text}");
    server.stop().unwrap();
}

#[test]
fn row_45_it_says_once_that_streams_can_not_be_resumed() {
    let odd = format!("{STREAM}id: \u{1}\ndata: a\n\n");
    let script = Script::responses(vec![odd; 500]);
    let url = script.url("/");
    let arguments = ["bench", &url, "--listen-only", "--streams=2", "--duration=2", "--warm-up=0"];
    let (_, stderr, _) = run_hub(&arguments);
    assert_eq!(stderr.matches("the last event ID is not sent").count(), 1, "{stderr}");
    assert!(script.field("last-event-id").len() > 3, "they came back");
    assert!(script.field("last-event-id").iter().all(Option::is_none));
}
