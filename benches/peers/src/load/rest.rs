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
        load.rest(REST)?;
        let began = Instant::now();
        let mut received = began;
        load.publish(1)?;
        // No stream is read meanwhile: the time that takes is the load's and not the server's.
        load.publisher.wait()?;
        answered.record(began.elapsed());
        load.drain(&mut |_, now| received = now)?;
        last.record(received - began);
    }
    span.end(load)?;
    answered.put("answered_");
    last.put("last_");
    Ok(())
}
