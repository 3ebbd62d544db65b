//! A signal ends a thousand streams well, and soon: also where the hub is process 1 of a container,
//! it must be done before the supervisor loses its patience.

use std::process::Command;
use std::time::{Duration, Instant};

use super::{ARGUMENTS, asked, hub};
use crate::support::http::{Client, retry_behind};
use crate::support::namespaces::{AS_PROCESS_1, can};
use crate::support::process::{Process, child_of, hub_path, signal};

#[test]
fn row_55_a_signal_ends_a_thousand_streams_well_within_two_seconds() {
    let hub = hub(&[]);
    let process = hub.id();
    end_streams_well(hub, process);
}

#[test]
fn row_55_a_signal_ends_a_thousand_streams_of_process_1_within_two_seconds() {
    if !can(&[&AS_PROCESS_1[..], &["true"]].concat()) {
        return;
    }
    let mut first = Command::new(AS_PROCESS_1[0]);
    let hub = Process::start(first.args(&AS_PROCESS_1[1..]).arg(hub_path()).args(ARGUMENTS));
    let process = child_of(hub.id());
    end_streams_well(hub, process);
}

/// The hub is this process, or what `hub` has started is.
fn end_streams_well(mut hub: Process, process: u32) {
    let count = asked("TIDINGS_SOAK_SIGNALLED", 1_000);
    let streams: Vec<Client> = (0..count)
        .map(|n| {
            let mut stream = Client::to(hub.address());
            stream.open(&format!("/events/{}", n % 10));
            stream
        })
        .collect();
    let begun = Instant::now();
    signal(process, "TERM");
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
