//! The sensors: the present of each, and then every change.

use std::collections::BTreeMap;

use tidings::testing::{Client, Stream, post, stream};
use tidings::{MessageEvent, Request, Result};

use super::ANY_PORT;
use crate::support::process::Process;

fn measured(example: &Process, name: &str, reading: &str) -> Result<()> {
    let response = post(example.address(), &format!("/sensors/{name}"), reading)?;
    assert_eq!(response.status().code(), 204, "{response:?}");
    Ok(())
}

/// The next reading that is not of the program's own sensor.
fn next(stream: &mut Stream) -> Result<MessageEvent> {
    loop {
        let event = stream.event()?;
        assert_eq!(event.event_type, "message", "{event:?}");
        if !event.data.starts_with("cellar ") {
            return Ok(event);
        }
    }
}

#[test]
fn a_newcomer_is_sent_the_newest_of_each_and_then_every_change() -> Result<()> {
    let example = Process::example("sensors", &[ANY_PORT]);
    for reading in ["1", "2", "3"] {
        (0..20).try_for_each(|n| measured(&example, &format!("s{n}"), reading))?;
    }
    let mut stream = stream(example.address(), "/sensors")?;
    for n in 0..20 {
        assert_eq!(next(&mut stream)?.data, format!("s{n} 3"));
    }
    // One that is new is followed from its first reading on.
    for (name, reading) in [("s3", "4"), ("new", "-1.5"), ("s3", "5")] {
        measured(&example, name, reading)?;
        assert_eq!(next(&mut stream)?.data, format!("{name} {reading}"));
    }
    Ok(())
}

#[test]
fn a_client_that_was_away_is_sent_the_present_and_no_gap() -> Result<()> {
    let example = Process::example("sensors", &[ANY_PORT]);
    measured(&example, "a", "1")?;
    let seen = next(&mut stream(example.address(), "/sensors")?)?.last_event_id;
    for reading in 0..200 {
        measured(&example, ["a", "b"][reading % 2], &reading.to_string())?;
    }
    let request = Request::get("/sensors")?.with_field("Last-Event-ID", &seen)?;
    let mut stream = Client::to(example.address()).stream(request)?;
    // It may be sent more than the newest, but nothing old after it.
    let mut present = BTreeMap::new();
    while present != BTreeMap::from([("a".into(), 198), ("b".into(), 199)]) {
        let event = next(&mut stream)?;
        let (name, reading) = event.data.split_once(' ').expect("a name and a reading");
        let reading: u32 = reading.parse().expect("a whole number");
        let before = present.insert(name.to_owned(), reading);
        assert!(before < Some(reading), "{name}: {reading} after {before:?}");
    }
    Ok(())
}

#[test]
fn what_is_no_number_is_refused() -> Result<()> {
    let example = Process::example("sensors", &[ANY_PORT]);
    let response = post(example.address(), "/sensors/attic", "warm")?;
    assert_eq!(
        (response.status().code(), &*response.text()),
        (400, "400 Bad Request: send a number\n")
    );
    Ok(())
}
