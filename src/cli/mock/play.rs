//! Playing: the steps of one connection, onto its socket, at their times.
//!
//! Each pause ends at its time counted from the start, and not from when the one before happened to
//! end: so a cassette does not get slower and slower.

use std::time::{Duration, Instant};

use super::answer::{Answer, Deed, Part, Seen, Wrapping};
use super::chaos::Opening;
use super::course::{Course, Position};
use super::link::{Gone, Link};
use super::step::{Ending, Step};

/// What is done where the script is over, and its own end was met before.
static CLOSE: Step = Step::End(Ending::Close);

/// How a connection came to its end, and where the next one goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The script ended it; only the socket is still open.
    Ended(Ending, Position),
    /// The client went, or takes nothing any more.
    Left(Position),
}

impl Over {
    /// Whether it ends with a last chunk, of which the caller has been told.
    pub(super) fn is_told(&self) -> bool {
        matches!(self, Self::Ended(Ending::Close | Ending::Finish, _))
    }
}

pub(super) struct Player<'a> {
    pub(super) course: &'a Course,
    /// What ends a connection before here was done already.
    pub(super) reached: Position,
    pub(super) wrapping: Wrapping<'a>,
    /// How many times as fast as the script says.
    pub(super) speed: f64,
}

impl Player<'_> {
    /// Plays up to what ends the connection, which is left to the caller to do. The last chunk ends
    /// it for the client, which may be back at once: so the caller is told before it goes out.
    pub(super) fn play(
        &self,
        from: Position,
        opening: &Opening,
        link: &mut Link,
        tell: impl Fn(Over, &Seen),
    ) -> (Over, Seen) {
        let mut answer = Answer::new(opening);
        let mut due = Instant::now();
        let mut at = from;
        let over = loop {
            let next = self.course.next(&mut at, self.reached);
            let (here, step) = next.unwrap_or((at, &CLOSE));
            let mut parts = Vec::new();
            let deed = answer.take(step, here < self.reached, &mut parts);
            let ending = match deed {
                Deed::End(ending) => Some((ending, at)),
                Deed::CloseBefore => Some((Ending::Close, here)),
                Deed::Pause(_) | Deed::Nothing => None,
            };
            let closing = ending.map(|(how, next)| Over::Ended(how, next)).filter(Over::is_told);
            let closes = closing.is_some();
            closing.into_iter().for_each(|over| tell(over, &answer.seen));
            if self.send(&parts, closes, &answer.seen, link).is_err() {
                break Over::Left(at);
            }
            if let Some((ending, next)) = ending {
                // Who has gone before it was reset has not been reset.
                if ending == Ending::Reset && link.is_gone() {
                    break Over::Left(next);
                }
                break Over::Ended(ending, next);
            }
            if let Deed::Pause(time) = deed {
                due = self.after(due, time);
                if link.pause_until(due).is_err() {
                    break Over::Left(at);
                }
            }
        };
        (over, answer.seen)
    }

    /// Sends what there is in one call.
    fn send(&self, parts: &[Part], closes: bool, seen: &Seen, link: &mut Link) -> Result<(), Gone> {
        let mut out = Vec::new();
        parts.iter().for_each(|part| self.wrapping.write(part, &mut out));
        if closes {
            self.wrapping.write_end(seen.head.as_ref(), &mut out);
        }
        if out.is_empty() { Ok(()) } else { link.send(&out) }
    }

    /// A time too far to be told is as good as now: nobody would live to see the difference.
    fn after(&self, due: Instant, time: Duration) -> Instant {
        let seconds = time.as_secs_f64() / self.speed;
        let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        due.checked_add(time).unwrap_or(due)
    }
}
