//! The embedding: connections that another server accepted.

use tidings::Result;
use tidings::testing::{get, stream};

use super::ANY_PORT;
use crate::support::process::Process;
use crate::support::until;

#[test]
fn the_other_server_serves_its_own_and_gives_away_the_rest() -> Result<()> {
    let example = Process::example("embed", &[ANY_PORT]);
    let about = get(example.address(), "/about")?;
    assert_eq!((about.status().code(), &*about.text()), (200, "the other server\n"));
    let page = get(example.address(), "/")?;
    assert!(page.text().contains(r#"new EventSource("time")"#), "{page:?}");
    assert_eq!(get(example.address(), "/other")?.status().code(), 404);
    assert!(stream(example.address(), "/time")?.event()?.data.ends_with(" GMT"));
    Ok(())
}

#[test]
fn fifty_streams_need_no_fifty_threads() -> Result<()> {
    let example = Process::example("embed", &[ANY_PORT]);
    let streams = (0..50).map(|_| stream(example.address(), "/time"));
    for stream in &mut streams.collect::<Result<Vec<_>>>()? {
        assert!(stream.event()?.data.ends_with(" GMT"));
    }
    // The threads that gave the connections away have the program's own name.
    until("their ends", || example.threads("embed") == 1);
    Ok(())
}
