//! A hub at rest: no thread of it wakes up where there is nothing to watch.
//!
//! Linux counts for each thread how often it went to sleep of itself. That doesn't depend on the
//! machine's speed. By hand, for a hub whose process is `$pid`:
//!
//! ```text
//! grep -H ^voluntary /proc/$pid/task/*/status; sleep 20; grep -H ^voluntary /proc/$pid/task/*/status
//! ```

use std::thread;
use std::time::{Duration, Instant};

use super::hub;
use super::vitals::{WORKER, sleeps_of_all, until_nobody_is_there};
use crate::support::process::Process;
use crate::support::stream::EventStream;
use crate::support::until;

/// How many streams come and go.
const STREAMS: usize = 50;

/// How long a hub is watched. One that checks for closed peers wakes up four times.
const LONG: Duration = Duration::from_secs(2);

/// The shortest time from one check for closed peers to the next.
const CHECK: Duration = Duration::from_millis(420);

/// Waits until no thread of the hub wakes up for [`LONG`], and none begins or ends.
#[track_caller]
fn until_asleep(hub: &Process) {
    until("sleep", || {
        let before = sleeps_of_all(hub);
        thread::sleep(LONG);
        sleeps_of_all(hub) == before
    });
}

#[test]
fn a_hub_without_connections_is_asleep_also_after_streams_have_come_and_gone() {
    let hub = hub(&[]);
    until_asleep(&hub);
    let streams: Vec<_> =
        (0..STREAMS).map(|_| EventStream::open(hub.address(), "/events/a")).collect();
    super::publish(&hub, "a", "hello");
    drop(streams);
    until_nobody_is_there(&hub);
    until_asleep(&hub);

    // It wakes up as before.
    let mut stream = EventStream::open(hub.address(), "/events/a");
    super::publish(&hub, "a", "again");
    assert_eq!(stream.data(), "again");
    drop(stream);
    until_nobody_is_there(&hub);
}

#[test]
fn a_hub_whose_streams_are_idle_wakes_up_for_its_checks_alone() {
    // Heartbeats are sent at checks.
    let hub = hub(&["--heartbeat=1s"]);
    let streams: Vec<_> =
        (0..STREAMS).map(|_| EventStream::open(hub.address(), "/events/a")).collect();
    until("the workers' end", || hub.threads(WORKER) == 0);
    let (began, before) = (Instant::now(), sleeps_of_all(&hub));
    thread::sleep(LONG);
    let after = sleeps_of_all(&hub);
    let checks = began.elapsed().div_duration_f64(CHECK) as usize + 1;
    let woken = |(thread, times): (&String, &usize)| times - before.get(thread).unwrap_or(&0);
    let woken: usize = after.iter().map(woken).sum();
    assert!((1..=checks).contains(&woken), "{woken} times, and {checks} checks at most");
    drop(streams);
}
