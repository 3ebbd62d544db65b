//! A signal ends a thousand streams well, and soon: also where the hub is process 1 of a container,
//! it must be done before the supervisor loses its patience.

use std::time::{Duration, Instant};

use super::{asked, hub};
use crate::support::http::{Client, retry_behind};
use crate::support::process::signal;

#[test]
fn row_55_a_signal_ends_a_thousand_streams_well_within_two_seconds() {
    let count = asked("TIDINGS_SOAK_SIGNALLED", 1_000);
    let mut hub = hub(&[]);
    let streams: Vec<Client> = (0..count)
        .map(|n| {
            let mut stream = Client::to(hub.address());
            stream.open(&format!("/events/{}", n % 10));
            stream
        })
        .collect();
    let begun = Instant::now();
    signal(hub.id(), "TERM");
    // Each client closes its side once it has been told, as clients do.
    let rest = |mut stream: Client| stream.rest();
    let times: Vec<u32> =
        streams.into_iter().map(|stream| retry_behind("", &rest(stream))).collect();
    assert_eq!(hub.ended(), Some(0));
    let took = begun.elapsed();
    println!("{count} streams ended in {took:.2?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(*least >= 2_000 && *most <= 4_000, "{least} to {most}");
    assert!(most - least > 1_000, "they come back spread over time: {least} to {most}");
}
