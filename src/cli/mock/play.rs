//! Playing: the steps of one connection, onto its socket, at their times.
//!
//! Each pause ends at its time counted from the start, and not from when the one before happened to
//! end: so a cassette does not get slower and slower.

use std::time::{Duration, Instant};

use super::link::Link;
use super::response::{Deed, Response, Wrapping};
use super::step::Ending;

/// Plays up to what ends the connection, `speed` times as fast as the script says. Returns how the
/// caller is to end it; `None` if the client has gone, or takes nothing any more.
///
/// Calls `ended` once the script has ended the connection. As the client may be back as soon as it
/// has the last chunk, that is before the last chunk goes out.
pub(super) fn play(
    response: &mut Response<'_>,
    wrapping: Wrapping<'_>,
    speed: f64,
    link: &mut Link,
    ended: impl Fn(&Response<'_>),
) -> Option<Ending> {
    let mut due = Instant::now();
    loop {
        let mut parts = Vec::new();
        let deed = response.advance(&mut parts);
        let ends_well = matches!(deed, Deed::End(Ending::Close | Ending::Finish));
        if ends_well {
            ended(response);
        }
        if !parts.is_empty() {
            link.send(&wrapping.wire(&parts)).ok()?;
        }
        match deed {
            Deed::Nothing => {}
            Deed::Pause(time) => {
                // A time that no clock can tell is as good as now: nobody would live to see it.
                let time = Duration::try_from_secs_f64(time.as_secs_f64() / speed);
                due = due.checked_add(time.unwrap_or_default()).unwrap_or(due);
                link.pause_until(due).ok()?;
            }
            // A client that has gone before the reset has not been reset.
            Deed::End(Ending::Reset) if link.is_gone() => return None,
            Deed::End(ending) => {
                if !ends_well {
                    ended(response);
                }
                return Some(ending);
            }
        }
    }
}
