//! Many channels with one stream each: an event to one of them at a time.

use std::time::Instant;

use super::Wants;
use super::report::{Latencies, Server, Span};
use super::streams::Load;
use crate::Result;

/// Odd, and far from a divisor of any number of channels, so that neighbours come far apart.
const STRIDE: usize = 7_919;

/// Posts to one channel after the other, each when the event before has arrived.
pub(super) fn run(load: &mut Load, server: Server, wants: &Wants) -> Result<()> {
    let streams = wants.streams()?;
    load.open_at(streams, target)?;
    let mut latencies = Latencies::new();
    let mut at = 0;
    let until = Instant::now() + wants.time()?;
    let span = Span::begin(server, load)?;
    while Instant::now() < until {
        at = (at + STRIDE) % streams;
        let sequence = load.streams[at].check.next;
        let began = Instant::now();
        load.publisher.post(&target(at), sequence..sequence + 1)?;
        let on_events = &mut |_, now| latencies.record(now - began);
        while load.streams[at].check.next == sequence || !load.publisher.is_answered() {
            load.poll(1_000, on_events)?;
        }
    }
    span.end(load)?;
    latencies.put("");
    Ok(())
}

fn target(index: usize) -> String {
    format!("/channels/{index}")
}
