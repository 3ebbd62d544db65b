//! One event at a time to many streams that are at rest: how soon its post is answered, and how soon
//! the last stream has it.

use std::time::{Duration, Instant};

use super::Wants;
use super::report::{Latencies, Server, Span};
use super::streams::Load;
use crate::Result;

/// Longer than a pass takes, and as much again.
const REST: Duration = Duration::from_millis(150);

pub(super) fn run(load: &mut Load, server: Server, wants: &Wants) -> Result<()> {
    load.open(wants.streams()?)?;
    let (mut answered, mut last) = (Latencies::new(), Latencies::new());
    let until = Instant::now() + wants.time()?;
    let span = Span::begin(server, load)?;
    while Instant::now() < until {
        // Reading the streams would delay what the load knows of the post, and waiting for the post
        // would give the server time in which it has to wake nobody: so each has its own event.
        let began = publish(load)?;
        load.publisher.wait()?;
        answered.record(began.elapsed());
        load.drain(&mut |_, _| {})?;
        let began = publish(load)?;
        let mut received = began;
        load.drain(&mut |_, now| received = now)?;
        last.record(received - began);
    }
    span.end(load)?;
    answered.put("answered_");
    last.put("last_");
    Ok(())
}

/// Publishes after a rest, and returns when.
fn publish(load: &mut Load) -> Result<Instant> {
    load.rest(REST)?;
    let began = Instant::now();
    load.publish(1)?;
    Ok(began)
}
