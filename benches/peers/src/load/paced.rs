//! At a steady rate: how long an event takes from the publisher to each stream.
//!
//! A latency counts from the time at which an event was to be published, not from when it was: a
//! server that holds the publisher up is charged for what had to wait (no coordinated omission).

use std::collections::VecDeque;
use std::fs;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::Wants;
use super::report::{Latencies, Server, Span, put};
use super::streams::Load;
use crate::Result;

/// What nobody published would come within this time.
const SETTLE: Duration = Duration::from_millis(50);
const WARM_UP: Duration = Duration::from_millis(300);
/// More than the buffers of a socket take, so that who does not read is in the way.
const FILL: u64 = 40_000;
/// As in the closed loop.
const AHEAD: u64 = 2_000;

pub(super) fn run(load: &mut Load, server: Server, wants: &Wants) -> Result<()> {
    load.open(wants.streams()?)?;
    let period = Duration::from_nanos(1_000_000_000_000 / wants.number("per_1000s")?);
    if let Ok(stopped) = wants.number("stopped") {
        fill(load, stopped == 1)?;
    }
    Pace::new(period).run(load, WARM_UP)?;
    let mut pace = Pace::new(period);
    let span = Span::begin(server, load)?;
    pace.run(load, wants.time()?)?;
    span.end(load)?;
    pace.all.put("");
    pace.first.put("first_");
    pace.first_written.put("first_written_");
    pace.late.put("late_");
    load.rest(SETTLE)
}

struct Pace {
    period: Duration,
    /// When each event was to be published, from the oldest that a stream still waits for.
    intended: VecDeque<Instant>,
    /// The sequence number of the first of `intended`.
    oldest: u64,
    /// The sequence number of the newest event of which a delivery was seen.
    seen: u64,
    all: Latencies,
    first: Latencies,
    /// To the first stream, from when an event was really written: for a publisher that pauses, so
    /// that how late the load itself wakes up is left out. Nothing waits behind anything there.
    first_written: Latencies,
    written: Instant,
    /// How late the load itself was.
    late: Latencies,
}

impl Pace {
    fn new(period: Duration) -> Self {
        let latencies = Latencies::new;
        let intended = VecDeque::new();
        Self {
            period,
            intended,
            oldest: 0,
            seen: 0,
            all: latencies(),
            first: latencies(),
            first_written: latencies(),
            written: Instant::now(),
            late: latencies(),
        }
    }

    fn run(&mut self, load: &mut Load, time: Duration) -> Result<()> {
        let events = (time.as_nanos() / self.period.as_nanos()).max(1) as u32;
        (self.oldest, self.seen) = (load.next, load.next);
        let begin = Instant::now() + self.period.min(Duration::from_millis(10));
        for event in 0..events {
            let due = begin + self.period * event;
            while let Some(wait) = due.checked_duration_since(Instant::now()) {
                // The last part of a millisecond is spent awake, as epoll knows no less.
                let millis = wait.as_millis().min(1000) as u16;
                load.poll(millis, &mut |sequences, now| self.note(sequences, now))?;
            }
            self.intended.push_back(due);
            self.late.record(due.elapsed());
            self.written = Instant::now();
            load.publish(1)?;
            self.forget(load);
        }
        load.drain(&mut |sequences, now| self.note(sequences, now))
    }

    fn note(&mut self, sequences: std::ops::Range<u64>, now: Instant) {
        for sequence in sequences {
            let latency = now - self.intended[(sequence - self.oldest) as usize];
            self.all.record(latency);
            if sequence >= self.seen {
                self.seen = sequence + 1;
                self.first.record(latency);
                self.first_written.record(now - self.written);
            }
        }
    }

    /// Lets go of what all streams have.
    fn forget(&mut self, load: &mut Load) {
        if self.intended.len() > 10_000 {
            let slowest = load.slowest(load.next);
            self.intended.drain(..(slowest - self.oldest) as usize);
            self.oldest = slowest;
        }
    }
}

/// Publishes so much that a stream which is not read has its buffers full. Without such a stream
/// it does the same, for the sake of the comparison.
fn fill(load: &mut Load, stopped: bool) -> Result<()> {
    if stopped {
        load.stop_reading(0)?;
    }
    let until = load.next + FILL;
    while load.next < until {
        let oldest = (load.next + 64).saturating_sub(AHEAD);
        if load.publisher.is_answered() && load.slowest(oldest) >= oldest {
            load.publish(64)?;
        }
        load.poll(100, &mut |_, _| {})?;
    }
    load.drain(&mut |_, _| {})?;
    let unsent = waiting_for(&load.streams[0].socket)?;
    put("unsent", unsent as f64);
    if stopped && unsent == 0 {
        return Err("the stream that is not read is in nobody's way".into());
    }
    Ok(())
}

/// How many bytes wait at the other end of this connection, for a peer that does not read.
fn waiting_for(socket: &TcpStream) -> Result<u64> {
    let (remote, local) = (socket.local_addr()?.port(), socket.peer_addr()?.port());
    let ends = format!(":{local:04X} 0100007F:{remote:04X}");
    let table = fs::read_to_string("/proc/net/tcp")?;
    let line = table.lines().find(|line| line.contains(&ends)).ok_or("no such connection")?;
    let queues = line.split_whitespace().nth(4).ok_or("no queues")?;
    let (unsent, _) = queues.split_once(':').ok_or("no queues")?;
    Ok(u64::from_str_radix(unsent, 16)?)
}
