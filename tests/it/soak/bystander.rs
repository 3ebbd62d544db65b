//! Somebody whose channel has one stream, beside a crowd that follows many channels at once.
//!
//! ```text
//! crowd      each stream follows 64 channels      publishes on all of them
//! bystander  one stream, one channel              how long from publish to receipt?
//! ```
//!
//! A publish to one of the crowd's channels is a pass over all of its streams. The bystander's event
//! must not wait for it, nor for the passes of the other channels.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Ends, asked, hub, length};
use crate::support::http::{Client, connect};
use crate::support::until;

/// How many channels each stream of the crowd follows.
const CHANNELS: usize = 64;
/// How many publishes there are each second, on one of these channels after the other.
const RATE: u32 = 64;
/// What stands in each event of the crowd once, and nowhere else.
const MARK: u8 = b'#';

/// The crowd's side of its streams.
struct Crowd {
    streams: Vec<TcpStream>,
    /// How many events have come, on all streams together.
    events: AtomicUsize,
}

impl Crowd {
    fn gather(hub: SocketAddr, many: usize) -> Self {
        let names: Vec<String> = (0..CHANNELS).map(|n| format!("channel=crowd{n}")).collect();
        let target = format!("/events?{}", names.join("&"));
        let come = |_| {
            let mut socket = connect(hub);
            let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            socket.write_all(request.as_bytes()).expect("the hub reads");
            // It follows its channels once it is told where it begins.
            let mut begin = Vec::new();
            while !begin.windows(4).any(|bytes| bytes == b"id: ") {
                let mut byte = [0];
                socket.read_exact(&mut byte).expect("the hub begins the stream");
                begin.push(byte[0]);
            }
            socket.set_nonblocking(true).unwrap();
            socket
        };
        Self { streams: (0..many).map(come).collect(), events: AtomicUsize::new(0) }
    }

    /// Reads what has come, until it is over.
    fn read(&self, over: &AtomicBool) {
        let mut bytes = vec![0; 64 * 1024];
        while !over.load(Ordering::Acquire) {
            for mut stream in &self.streams {
                match stream.read(&mut bytes) {
                    Ok(0) => panic!("the hub has ended a stream"),
                    Ok(read) => {
                        let events = bytes[..read].iter().filter(|byte| **byte == MARK).count();
                        self.events.fetch_add(events, Ordering::Relaxed);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => panic!("a stream failed: {error}"),
                }
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until each stream has had so many events.
    fn have(&self, each: usize) {
        until("the crowd's events", || {
            self.events.load(Ordering::Relaxed) >= each * self.streams.len()
        });
    }
}

fn request(channel: &str, data: &str) -> String {
    let length = data.len();
    format!(
        "POST /events/{channel} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{data}"
    )
}

/// Publishes to the crowd's channels in turn, at an even pace.
fn storm(hub: SocketAddr, over: &AtomicBool) {
    let mut publisher = Client::to(hub);
    let began = Instant::now();
    for n in 0.. {
        if over.load(Ordering::Acquire) {
            return;
        }
        publisher.send(request(&format!("crowd{}", n as usize % CHANNELS), "#"));
        assert_eq!(publisher.response().status, 200);
        let due = Duration::from_secs(1) / RATE * n;
        thread::sleep(due.saturating_sub(began.elapsed()));
    }
}

/// One publisher and one stream.
struct Bystander {
    publisher: Client,
    stream: Client,
    count: usize,
}

impl Bystander {
    fn come(hub: SocketAddr) -> Self {
        let (publisher, mut stream) = (Client::to(hub), Client::to(hub));
        stream.open("/events/bystander");
        let mut bystander = Self { publisher, stream, count: 0 };
        bystander.event();
        bystander
    }

    /// How long an event takes from its publish to its receipt.
    fn event(&mut self) -> Duration {
        self.count += 1;
        let data = format!("event {}", self.count);
        let published = Instant::now();
        self.publisher.send(request("bystander", &data));
        assert_eq!(self.publisher.response().status, 200);
        while !self.stream.chunk().expect("the hub goes on").contains(&data) {}
        published.elapsed()
    }
}

fn median(took: &mut [Duration]) -> Duration {
    took.sort();
    took[took.len() / 2]
}

/// What the bystander may wait beside 3,000 streams.
const SWIFT: Duration = Duration::from_millis(50);
/// How often the short form publishes on all channels at once.
const VOLLEYS: usize = 15;

#[test]
fn a_crowd_that_follows_many_channels_does_not_delay_another_channel() {
    let many = asked("TIDINGS_SOAK_FOLLOWERS", 300);
    let hub = hub(&["--max-connections", &(many + 100).to_string()]);
    let mut bystander = Bystander::come(hub.address());
    let crowd = Crowd::gather(hub.address(), many);

    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| crowd.read(&over));
        let ends = Ends(&over);
        let mut publisher = Client::to(hub.address());
        let all: String = (0..CHANNELS).map(|n| request(&format!("crowd{n}"), "#")).collect();
        let (mut own, mut theirs) = (Vec::new(), Vec::new());
        for volley in 1..=VOLLEYS {
            let published = Instant::now();
            publisher.send(&all);
            own.push(bystander.event());
            crowd.have(volley * CHANNELS);
            theirs.push(published.elapsed());
            (0..CHANNELS).for_each(|_| assert_eq!(publisher.response().status, 200));
        }
        let (own, theirs) = (median(&mut own), median(&mut theirs));
        println!(
            "{many} streams, {CHANNELS} events at once: bystander {own:.2?}, all {theirs:.2?}"
        );
        assert!(own < theirs, "the bystander waited for the crowd: {own:?} of {theirs:?}");

        scope.spawn(|| storm(hub.address(), &over));
        let (mut took, began) = (Vec::new(), Instant::now());
        while began.elapsed() < length() {
            took.push(bystander.event());
            thread::sleep(Duration::from_millis(20));
        }
        drop(ends);
        let half = median(&mut took);
        let (most, count) = (took[took.len() - 1], took.len());
        println!("{count} events in the storm: median {half:.2?}, all {most:.2?}");
        assert!(many < 1000 || half <= SWIFT, "{half:?}");
    });
}
