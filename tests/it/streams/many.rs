//! A stream never holds a worker.

use tidings::Limits;

use super::Held;
use crate::support::http::get;
use crate::support::stream::EventStream;
use crate::support::until;

fn a_thousand_streams(limits: Limits) {
    let held = Held::with(limits);
    let address = held.server.address();
    let streams: Vec<EventStream> = (0..1000).map(|_| EventStream::open(address, "/sse")).collect();
    until("all streams", || held.writers.len() == 1000);
    assert_eq!(held.server.stats().streams, 1000);
    for _ in 0..20 {
        assert_eq!(get(address, "/").text(), "hello");
    }
    assert!(held.server.stats().workers <= 64);
    drop(streams);
    until("all ends", || held.ends.len() == 1000);
    until("all is given back", || {
        let stats = held.server.stats();
        (stats.streams, stats.connections) == (0, 0)
    });
}

#[test]
fn a_thousand_streams_leave_the_default_pool_to_others() {
    a_thousand_streams(Limits::default());
}

#[test]
fn a_thousand_streams_leave_a_single_worker_to_others() {
    a_thousand_streams(Limits::default().workers(1));
}
