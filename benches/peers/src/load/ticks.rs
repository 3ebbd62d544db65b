//! Streams that tick: how late each event is at its client.
//!
//! The data of such an event is the time at which it was due, in nanoseconds since the epoch, as
//! the server's clock and this one are the same.

use std::io::Read;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Wants;
use super::report::{Latencies, Server, Span, put};
use super::streams::Load;
use crate::{Result, system};

/// Until the streams have settled into their rhythm.
const SETTLE: Duration = Duration::from_millis(2_500);
const WAIT_MS: u16 = 100;

/// Opens ticking streams, each with an interval of its own or all of one channel.
pub(super) fn run(load: &mut Load, server: Server, wants: &Wants) -> Result<()> {
    let target = if wants.number("shared")? == 1 { "/ticks/shared" } else { "/ticks/own" };
    load.open_at(wants.streams()?, |_| target.to_owned())?;
    listen(load, SETTLE, &mut |_| {})?;
    let mut lateness = Latencies::new();
    let span = Span::begin(server, load)?;
    listen(load, wants.time()?, &mut |late| lateness.record(late))?;
    span.end(load)?;
    lateness.put("");
    put("threads", system::threads(server.pid)? as f64);
    Ok(())
}

fn listen(load: &mut Load, time: Duration, on_tick: &mut dyn FnMut(Duration)) -> Result<()> {
    let until = Instant::now() + time;
    let mut buffer = [0; 4096];
    while Instant::now() < until {
        for index in load.ready(WAIT_MS)? {
            let read = load.streams[index].socket.read(&mut buffer)?;
            if read == 0 {
                return Err("the server closed a ticking stream".into());
            }
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
            for due in due_times(&buffer[..read]) {
                load.delivered += 1;
                on_tick(now.saturating_sub(due));
            }
        }
    }
    Ok(())
}

/// The times in these events. An event is far smaller than what a read takes, and comes whole.
fn due_times(bytes: &[u8]) -> impl Iterator<Item = Duration> + '_ {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|nanos| nanos.parse().ok()).map(Duration::from_nanos)
}
