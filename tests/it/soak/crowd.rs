//! Row 32: a crowd of connections that say nothing, or little, or don't read; and among them
//! somebody who only wants a response.
//!
//! ```text
//! silent      │
//! a head      │GET / HTTP/1.1 … X-Slow: aaaa    one byte a second
//! a body      │POST … Content-Length: 100 … aa  and no more
//! a log       │GET /events/log?history=…        and reads nothing of it
//! responses     │GET /page.js … GET /page.js …    and reads nothing of them
//! ```
//!
//! The hub closes them as its deadlines say, the head after 10 seconds and the others after 30;
//! then the same kind comes again. So there are always as many.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::vitals::{Vitals, memory, metric, processor_time, until_back};
use super::{Ends, KIB, MIB, asked, hub, length, publish};
use crate::support::http::{connect, get};
use crate::support::until;

#[derive(Clone, Copy)]
enum Kind {
    Silent,
    Head,
    Body,
    Log,
    Responses,
}

/// The order in which they come; of those that don't read, whose bytes the system has to hold,
/// there are fewer.
const KINDS: [Kind; 10] = [
    Kind::Silent,
    Kind::Head,
    Kind::Body,
    Kind::Log,
    Kind::Silent,
    Kind::Head,
    Kind::Body,
    Kind::Responses,
    Kind::Silent,
    Kind::Head,
];

/// How many events the log has, and how large they are: more than the system takes for a reader
/// that takes nothing.
const LOG: (usize, usize) = (256, 16 * KIB);
/// How many responses of the larger kind are the same.
const ANSWERS: usize = 400;

/// Some time after the deadline past which the hub closes who does not read.
const UNREAD: Duration = Duration::from_secs(31);

struct Slow {
    kind: Kind,
    socket: TcpStream,
    since: Instant,
}

impl Slow {
    fn come(hub: SocketAddr, kind: Kind) -> Self {
        let mut socket = connect(hub);
        let host = "Host: localhost\r\n";
        let begin = match kind {
            Kind::Silent => String::new(),
            Kind::Head => format!("GET / HTTP/1.1\r\n{host}X-Slow: "),
            Kind::Body => format!("POST /events/b HTTP/1.1\r\n{host}Content-Length: 99\r\n\r\naa"),
            Kind::Log => format!("GET /events/log?history={} HTTP/1.1\r\n{host}\r\n", LOG.0),
            Kind::Responses => format!("GET /page.js HTTP/1.1\r\n{host}\r\n").repeat(ANSWERS),
        };
        socket.set_nonblocking(true).expect("a socket can be set so");
        // What the hub does not take of many requests is not sent.
        let _ = socket.write(begin.as_bytes());
        Self { kind, socket, since: Instant::now() }
    }

    /// Once a second. Returns whether it is still there.
    fn go_on(&mut self) -> bool {
        match self.kind {
            Kind::Log | Kind::Responses => return self.since.elapsed() < UNREAD,
            Kind::Head if self.socket.write(b"a").is_err() => return false,
            Kind::Silent | Kind::Head | Kind::Body => {}
        }
        // It is told that its time is up, and then closed.
        let mut told = [0; 512];
        let read = self.socket.read(&mut told);
        matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}

/// Gathers a crowd and fills its gaps once a second, until it is over. Gives how many came again.
fn hold(hub: SocketAddr, many: usize, over: &AtomicBool) -> usize {
    let mut crowd: Vec<Slow> = Vec::new();
    let mut again = 0;
    while !over.load(Ordering::Acquire) {
        let began = Instant::now();
        for slow in &mut crowd {
            if !slow.go_on() {
                *slow = Slow::come(hub, slow.kind);
                again += 1;
            }
        }
        while crowd.len() < many && began.elapsed() < SWEEP {
            crowd.push(Slow::come(hub, KINDS[crowd.len() % KINDS.len()]));
        }
        thread::sleep(SWEEP.saturating_sub(began.elapsed()));
    }
    again
}

/// How often each of the crowd does what it does.
const SWEEP: Duration = Duration::from_secs(1);

/// How long fresh requests took.
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    /// One request after the other, for so long, each on a connection of its own.
    pub(super) fn measure(hub: SocketAddr, time: Duration) -> Self {
        let began = Instant::now();
        let mut took = Vec::new();
        while began.elapsed() < time {
            let asked = Instant::now();
            assert_eq!(get(hub, "/health").text(), "ok\n");
            took.push(asked.elapsed());
            thread::sleep(Duration::from_millis(5));
        }
        took.sort();
        Self(took)
    }

    pub(super) fn many(&self) -> usize {
        self.0.len()
    }

    /// So many of a thousand took no longer.
    pub(super) fn of_a_thousand(&self, part: usize) -> Duration {
        self.0[(self.0.len() - 1) * part / 1000]
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fresh requests:", self.0.len())?;
        for (name, part) in [("median", 500), ("90 %", 900), ("99 %", 990), ("99.9 %", 999)] {
            write!(f, " {name} {:.2?},", self.of_a_thousand(part))?;
        }
        let slow = self.0.iter().filter(|took| **took > SWIFT).count();
        write!(f, " all {:.2?}; {slow} over {SWIFT:?}", self.of_a_thousand(1000))
    }
}

/// For each connection, on average: what has come of a head or a body, the rest of an event that
/// the system did not take, and what the allocator makes of that.
const MEMORY_OF_ONE: usize = 4 * KIB;
/// Once: the log, the threads' stacks as far as they are used, the allocator's arenas.
const MEMORY: usize = 48 * MIB;
/// What a fresh request may take in the short form, which runs on any machine beside any load.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// And in the long one, where 999 of a thousand have to be: when hundreds come again in the same
/// few milliseconds, the queue of the listener may be full, which std makes 128 long. Then the
/// client's own system tries again after a second.
pub(super) const SWIFT: Duration = Duration::from_millis(100);

#[test]
fn row_32_a_fresh_request_is_answered_in_the_midst_of_a_crowd() {
    let many = asked("TIDINGS_SOAK_CROWD", 600);
    let long = many > 1000;
    // Who has gone is there for a moment more when the next comes in its place.
    let most = (many + many / 2).to_string();
    let hub = hub(&["--max-connections", &most, "--history-bytes=8388608"]);
    let before = Vitals::at_rest(&hub);
    (0..LOG.0).for_each(|_| publish(&hub, "log", &"x".repeat(LOG.1)));
    let address = hub.address();
    println!("alone: {}", Latencies::measure(address, length() / 4));

    let over = AtomicBool::new(false);
    let (latencies, again, used, taken) = thread::scope(|scope| {
        let holding = scope.spawn(|| hold(address, many, &over));
        let ends = Ends(&over);
        until("the crowd", || metric(&hub, "connections") >= many * 99 / 100);
        let (began, used) = (Instant::now(), processor_time(&hub));
        let latencies = Latencies::measure(address, length());
        let used = (processor_time(&hub) - used).as_secs_f64() / began.elapsed().as_secs_f64();
        let taken = memory(&hub).saturating_sub(before.memory);
        assert!(metric(&hub, "connections") >= many * 9 / 10);
        drop(ends);
        (latencies, holding.join().expect("its own result"), used, taken)
    });
    println!("among {many}, {again} of which came again: {latencies}");
    println!("{:.1} % of a core, {:.1} MiB more", used * 100.0, taken as f64 / MIB as f64);
    assert!(taken < MEMORY + many * MEMORY_OF_ONE, "{taken}");
    assert!(latencies.of_a_thousand(500) < PATIENCE, "{latencies}");
    assert!(!long || latencies.of_a_thousand(999) < SWIFT, "{latencies}");

    until_back(&hub, &before);
    println!("before: {before}\nafter:  {}", Vitals::of(&hub));
}
