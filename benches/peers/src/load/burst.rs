//! As fast as the server goes: one post after the other, or many back to back.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Wants;
use super::report::{Latencies, Server, Span};
use super::streams::Load;
use crate::Result;

/// How far the publisher may be ahead of the slowest stream, so that no queue overflows.
const AHEAD: u64 = 2_000;
/// How many posts go out back to back.
const VOLLEY: u64 = 64;
/// What nobody published would come within this time.
const SETTLE: Duration = Duration::from_millis(50);
/// How long the server rests between two volleys.
const PAUSE: Duration = Duration::from_millis(5);

/// One post after the other, each when the one before is answered.
pub(super) fn closed_loop(load: &mut Load, server: Server, wants: &Wants) -> Result<()> {
    load.open(wants.streams()?)?;
    Published::default().post_for(load, wants.time()? / 10, &mut Latencies::new())?;
    let mut latencies = Latencies::new();
    let span = Span::begin(server, load)?;
    Published::default().post_for(load, wants.time()?, &mut latencies)?;
    span.end(load)?;
    latencies.put("");
    load.rest(SETTLE)
}

/// When each of the newest events was posted: more of them than any stream is behind.
#[derive(Default)]
struct Published(VecDeque<Instant>);

impl Published {
    /// Notes for each read how old the oldest event in it was.
    fn post_for(
        &mut self,
        load: &mut Load,
        time: Duration,
        latencies: &mut Latencies,
    ) -> Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let oldest = (load.next + 1).saturating_sub(AHEAD);
            if load.publisher.is_answered() && load.slowest(oldest) >= oldest {
                self.0.truncate(2 * AHEAD as usize);
                self.0.push_front(Instant::now());
                load.publish(1)?;
            }
            let next = load.next;
            load.poll(100, &mut |read, now| self.note(next, read.start, now, latencies))?;
        }
        let next = load.next;
        load.drain(&mut |read, now| self.note(next, read.start, now, latencies))
    }

    fn note(&self, next: u64, sequence: u64, now: Instant, latencies: &mut Latencies) {
        if let Some(&posted) = self.0.get((next - sequence - 1) as usize) {
            latencies.record(now - posted);
        }
    }
}

/// Many posts in one write, then a rest.
pub(super) fn volleys(load: &mut Load, server: Server, wants: &Wants) -> Result<()> {
    load.open(wants.streams()?)?;
    let mut latencies = Latencies::new();
    let until = Instant::now() + wants.time()?;
    let span = Span::begin(server, load)?;
    while Instant::now() < until {
        let began = Instant::now();
        load.publish(VOLLEY)?;
        load.drain(&mut |sequences, now| {
            for _ in sequences {
                latencies.record(now - began);
            }
        })?;
        load.rest(PAUSE)?;
    }
    span.end(load)?;
    latencies.put("");
    Ok(())
}
