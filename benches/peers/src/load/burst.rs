//! As fast as the server goes: one post after the other, or many back to back.

use std::time::{Duration, Instant};

use super::Wants;
use super::report::{Latencies, Server, Span};
use super::streams::Load;
use crate::Result;

/// How far the publisher may be ahead of the slowest stream, so that no queue overflows.
const AHEAD: u64 = 2_000;
/// How many posts go out back to back.
const VOLLEY: u64 = 64;
/// How long the server rests between two volleys.
const PAUSE: Duration = Duration::from_millis(5);

/// One post after the other, each when the one before is answered.
pub(super) fn closed_loop(load: &mut Load, server: Server, wants: &Wants) -> Result<()> {
    load.open(wants.streams()?)?;
    post_for(load, wants.time()? / 10)?;
    let span = Span::begin(server, load)?;
    post_for(load, wants.time()?)?;
    span.end(load)
}

fn post_for(load: &mut Load, time: Duration) -> Result<()> {
    let until = Instant::now() + time;
    while Instant::now() < until {
        let answered = load.publisher.is_answered();
        let oldest = (load.next + 1).saturating_sub(AHEAD);
        if answered && load.slowest(oldest) >= oldest {
            load.publish(1)?;
        }
        load.poll(100, &mut |_, _| {})?;
    }
    load.drain(&mut |_, _| {})
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
