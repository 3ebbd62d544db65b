//! Row 57: the hub is killed again and again while 8 publishers publish and streams follow. Nothing
//! that it has acknowledged is lost, and no stream is sent an event twice, out of order, or not at
//! all.
//!
//! ```text
//! 8 publishers ──► hub ──► 6 streams, which resume after their last id
//!                  ▲ kill -9, start again, kill -9 …
//! ```
//!
//! | variable | what it says | unasked |
//! | --- | --- | --- |
//! | `TIDINGS_SOAK_KILLS` | how often the hub is killed, for each level of sync | 20 |

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tidings::client::{Connection, EventSource, Transport, Update, Url};

use super::Folder;
use super::account::{self, Published, Received};
use crate::support::process::{Process, hub_path};
use crate::support::{SOON, until, until_some};

const CHANNELS: [&str; 3] = ["a", "b", "c"];

/// The channels of each stream.
const STREAMS: [&[&str]; 6] = [&["a"], &["b"], &["c"], &["a", "b"], &["b", "c"], &CHANNELS];

const PUBLISHERS: usize = 8;

/// How many events are published between two kills, at least.
const BETWEEN: usize = 40;

/// How many bytes the journal has to keep for each kill: far more than what comes between two.
const BYTES: usize = 512 * 1024;

/// Everything that the threads share.
struct Load {
    /// Where the hub is. It has another address after each start.
    address: Mutex<SocketAddr>,
    acknowledged: AtomicUsize,
    over: AtomicBool,
}

impl Load {
    fn address(&self) -> SocketAddr {
        *self.address.lock().unwrap()
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

fn start(folder: &Folder, sync: &str, kills: usize) -> Process {
    let bytes = (kills.max(64) * BYTES).to_string();
    let options = ["--journal", folder.path(), "--journal-sync", sync, "--journal-bytes", &bytes];
    // So little history that streams come back for more than that.
    let few = ["--listen=127.0.0.1:0", "--until-eof", "--history=20"];
    Process::start(Command::new(hub_path()).args(few).args(options))
}

/// Waits until there is a hub to connect to.
fn connect(load: &Load) -> TcpStream {
    let connect = || TcpStream::connect(load.address()).ok();
    let socket = until_some("a hub that listens", connect);
    socket.set_read_timeout(Some(SOON)).expect("a socket can be set so");
    socket
}

/// A response of the hub, if it came as a whole: its status and its body.
fn post(load: &Load, channel: &str, fields: &str, body: &str) -> Option<(u16, String)> {
    let mut socket = connect(load);
    let head = format!("POST /events/{channel} HTTP/1.1\r\nHost: localhost\r\nConnection: close");
    let length = body.len();
    write!(socket, "{head}\r\n{fields}Content-Length: {length}\r\n\r\n{body}").ok()?;
    let mut text = String::new();
    socket.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?;
    let is_whole = body.len() == length.parse::<usize>().ok()?;
    is_whole.then_some((head.get(9..12)?.parse().ok()?, body.to_owned()))
}

/// Publishes one after the other: single events and batches. Those with a key are sent again until
/// there is a response.
fn publish(load: &Load, number: usize) -> Published {
    let mut published = Published::default();
    let (channel, with_key) = (CHANNELS[number % CHANNELS.len()], number.is_multiple_of(2));
    let mut next = 0_usize;
    while !load.is_over() {
        let count = if next.is_multiple_of(5) { 3 } else { 1 };
        let data: Vec<String> = (next..next + count)
            .map(|n| format!("p{number} {n} {}", "x".repeat(n % 300)))
            .collect();
        next += count;
        let mut fields = String::new();
        if with_key {
            fields += &format!("Idempotency-Key: \"p{number}-{next}\"\r\n");
        }
        let mut body = data[0].clone();
        if count > 1 {
            fields += "Content-Type: text/event-stream\r\n";
            body = data.iter().map(|data| format!("data: {data}\n\n")).collect();
        }
        let mut response = post(load, channel, &fields, &body);
        while with_key && response.is_none() {
            response = post(load, channel, &fields, &body);
        }
        let Some((status, text)) = response else {
            published.unknown.push(data);
            continue;
        };
        assert_eq!(status, 200, "{text}");
        let ids: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(ids.len(), data.len(), "{text:?}");
        load.acknowledged.fetch_add(data.len(), Ordering::Relaxed);
        published.acknowledged.extend(ids.into_iter().zip(data));
    }
    published
}

/// Goes to where the hub is now, whatever the URL says.
struct Here(Arc<Load>);

impl Transport for Here {
    fn connect(&self, _: &Url, within: Duration) -> io::Result<Arc<dyn Connection>> {
        Ok(Arc::new(TcpStream::connect_timeout(&self.0.address(), within)?))
    }
}

/// Follows over all starts until it has had everything there is: the last event of each channel
/// says that it is the last.
fn follow(load: &Arc<Load>, channels: &'static [&'static str]) -> Received {
    let query: Vec<String> = channels.iter().map(|name| format!("channel={name}")).collect();
    let source = EventSource::new(&format!("http://localhost/events?{}", query.join("&")));
    let mut source = source
        .expect("a URL")
        .with_last_event_id(tidings::EventId::new("0-0").expect("an id"))
        .transport(Here(Arc::clone(load)))
        .reconnection_time(Duration::from_millis(1))
        .longest_backoff(Duration::from_millis(100))
        .keep_trying(true)
        // A test that fails starts no other hub.
        .give_up_after(400)
        .silence(SOON);
    let (mut events, mut ended) = (Vec::new(), 0);
    while ended < channels.len() {
        match source.next_update() {
            Some(Ok(Update::Event(event))) => {
                assert_eq!(event.event_type, "message", "{}: {}", event.last_event_id, event.data);
                ended += usize::from(event.data.starts_with("last-"));
                events.push((event.last_event_id, event.data));
            }
            Some(Ok(Update::Opened { .. } | Update::Lost { .. })) => {}
            other => panic!("a stream of {channels:?} ended with {other:?}"),
        }
    }
    Received { channels: channels.into(), events }
}

/// Kills the hub so often, each time in the midst of it. Gives the last.
fn kill(load: &Load, mut hub: Process, kills: usize, start: impl Fn() -> Process) -> Process {
    let mut slowest = Duration::ZERO;
    for number in 0..kills {
        let before = load.acknowledged.load(Ordering::Relaxed);
        until("publishes", || load.acknowledged.load(Ordering::Relaxed) > before + BETWEEN);
        // At another moment of what it does each time.
        thread::sleep(Duration::from_micros(number as u64 * 377 % 5000));
        hub.kill();
        let began = Instant::now();
        hub = start();
        slowest = slowest.max(began.elapsed());
        *load.address.lock().unwrap() = hub.address();
    }
    println!("{kills} kills; it was ready again within {slowest:.0?}");
    hub
}

fn survive(sync: &str) {
    let kills = crate::soak::asked("TIDINGS_SOAK_KILLS", 20);
    let folder = Folder::new(sync);
    let hub = start(&folder, sync, kills);
    let load = Arc::new(Load {
        address: Mutex::new(hub.address()),
        acknowledged: AtomicUsize::new(0),
        over: AtomicBool::new(false),
    });
    let (published, received) = thread::scope(|scope| {
        let ends = crate::soak::Ends(&load.over);
        let streams = STREAMS.map(|channels| {
            let load = &load;
            scope.spawn(move || follow(load, channels))
        });
        let load = &*load;
        let publishers: Vec<_> =
            (0..PUBLISHERS).map(|number| scope.spawn(move || publish(load, number))).collect();
        let mut hub = kill(load, hub, kills, || start(&folder, sync, kills));
        drop(ends);
        let mut published: Vec<Published> = publishers
            .into_iter()
            .map(|publisher| publisher.join().expect("what it knows"))
            .collect();
        let mut last = Published::default();
        for channel in CHANNELS {
            let data = format!("last-{channel} 0 ");
            let (status, id) = post(load, channel, "", &data).expect("a response");
            assert_eq!(status, 200, "{id}");
            last.acknowledged.push((id.trim_end().to_owned(), data));
        }
        published.push(last);
        let received = streams.map(|stream| stream.join().expect("what it was sent"));
        hub.kill();
        (published, received)
    });
    let journal = account::read(folder.path());
    let acknowledged: usize = published.iter().map(|one| one.acknowledged.len()).sum();
    let unknown: usize = published.iter().map(|one| one.unknown.len()).sum();
    println!("{} events, {acknowledged} acknowledged, {unknown} posts cut off", journal.len());
    account::check(&journal, &published, &received);
}

#[test]
fn row_57_a_hub_that_is_killed_without_syncs_loses_nothing() {
    survive("none");
}

#[test]
fn row_57_a_hub_that_is_killed_between_syncs_loses_nothing() {
    survive("interval");
}

#[test]
fn row_57_a_hub_that_is_killed_while_it_syncs_loses_nothing() {
    survive("always");
}
