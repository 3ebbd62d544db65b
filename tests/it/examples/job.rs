//! The job: a channel with an end, and a client that stays away after it.

use tidings::testing::{get, post, send, stream};
use tidings::{Request, Result};

use super::ANY_PORT;
use crate::support::process::Process;

/// Begins a job, and gives the target of its stream.
fn begin(example: &Process, below: &str) -> Result<String> {
    let response = post(example.address(), "/jobs", below)?;
    assert_eq!(response.status().code(), 201, "{response:?}");
    let place = response.field("Location").expect("a place");
    assert_eq!(response.text(), format!("{place}\n"));
    Ok(format!("/{place}"))
}

#[test]
fn a_job_tells_its_progress_and_ends_with_its_result() -> Result<()> {
    let example = Process::example("job", &[ANY_PORT]);
    let events = stream(example.address(), &begin(&example, "200000")?)?;
    let events = events.collect::<Result<Vec<_>>>()?;
    let (done, progress) = events.split_last().expect("events");
    assert_eq!((&*done.event_type, &*done.data), ("done", "17984 primes"));
    let percents: Vec<u32> = progress.iter().map(|event| event.data.parse().unwrap()).collect();
    assert!(percents.is_sorted() && percents.iter().all(|percent| *percent <= 100), "{percents:?}");
    assert!(progress.iter().all(|event| event.event_type == "progress"), "{progress:?}");
    Ok(())
}

#[test]
fn whoever_comes_after_the_end_is_sent_the_result_and_then_told_to_stay_away() -> Result<()> {
    let example = Process::example("job", &[ANY_PORT]);
    let target = begin(&example, "100")?;
    assert!(stream(example.address(), &target)?.all(|event| event.is_ok()), "it ends well");

    let mut late = stream(example.address(), &target)?;
    let done = late.event()?;
    assert_eq!((&*done.event_type, &*done.data), ("done", "25 primes"));
    assert!(late.next().is_none());

    let again = Request::get(&target)?.with_field("Last-Event-ID", &done.last_event_id)?;
    assert_eq!(send(example.address(), again)?.status().code(), 204);
    Ok(())
}

#[test]
fn what_is_no_job_is_not_found_and_what_is_no_number_is_refused() -> Result<()> {
    let example = Process::example("job", &[ANY_PORT]);
    assert_eq!(get(example.address(), "/jobs/1")?.status().code(), 404);
    assert_eq!(post(example.address(), "/jobs", "many")?.status().code(), 400);
    Ok(())
}
