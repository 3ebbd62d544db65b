//! The course: all steps of the mock, and where in them the next connection begins.
//!
//! ```text
//! id 1 · id 2 · reset · id 3 · id 4 · close · id 5 · (end)
//!      ↑              ↑             ↑
//!      │              │             └ reached: what ends a connection before here is done
//!      │              └ next: where a connection without an ID goes on
//!      └ where one that comes with "1" goes on; it gets 2, passes over the reset, gets 3 and 4
//! ```
//!
//! - After a connection that the mock has ended, the next one goes on, wherever that is in the
//!   script. What ended it is not done again. What stood unfinished before that end is not sent
//!   again either, as the client has dropped it.
//! - With the id of an event, a connection goes on after that event. Where an id stands in the
//!   script several times, the nearest one that has been sent is meant. If it is the id that a
//!   client has which has received everything, nothing is sent again, not even what has no id.
//! - A client that sends no id after the script has been played, or after it has gone by itself,
//!   begins a new run.
//! - A client whose id leaves nothing to be sent is told to stop.

use std::iter;

use super::step::{Ending, Step};

/// All steps, which must be [marked](super::step::mark).
pub(super) struct Course {
    steps: Vec<Step>,
    /// The index of [`Step::Forever`].
    repeats_from: Option<usize>,
    /// For a step in an unfinished block before the end of a connection: how far away that end is.
    dropped_with: Vec<Option<u64>>,
}

/// A place between two steps: how many there are before it, those of each round of an endless
/// repeat included.
pub(super) type Position = u64;

pub(super) const START: Position = 0;

impl Course {
    pub(super) fn new(steps: Vec<Step>) -> Self {
        let repeats_from = steps.iter().position(|step| *step == Step::Forever);
        let mut dropped_with = vec![None; steps.len()];
        let mut distance = None;
        for (index, step) in steps.iter().enumerate().rev() {
            distance = match step {
                Step::End(_) => Some(0),
                Step::Block(_) | Step::Forever => None,
                _ => distance.map(|distance| distance + 1),
            };
            // The end of a chunk may be that of the block before.
            dropped_with[index] = distance.filter(|_| *step != Step::Flush);
        }
        Self { steps, repeats_from, dropped_with }
    }

    fn len(&self) -> Position {
        self.steps.len() as Position
    }

    /// Which step comes at this position, if any does.
    fn index(&self, at: Position) -> Option<usize> {
        if at < self.len() {
            return Some(at as usize);
        }
        let from = self.repeats_from? as Position;
        Some((from + (at - from) % (self.len() - from)) as usize)
    }

    pub(super) fn has_ended(&self, at: Position) -> bool {
        self.index(at).is_none()
    }

    /// Returns the next step and its position, and moves on. Passes over what was dropped or done
    /// before `reached`.
    pub(super) fn next(&self, at: &mut Position, reached: Position) -> Option<(Position, &Step)> {
        loop {
            let here = *at;
            let index = self.index(here)?;
            let end = self.dropped_with[index].map(|distance| here + distance);
            let end = end.filter(|end| *end < reached);
            *at = end.unwrap_or(here) + 1;
            if end.is_none() {
                return Some((here, &self.steps[index]));
            }
        }
    }

    /// Whether every step has been played once.
    pub(super) fn is_over(&self, at: Position) -> bool {
        at >= self.len()
    }

    /// What follows, and of an endless repeat as much as there is to see.
    fn ahead(&self, from: Position, reached: Position) -> impl Iterator<Item = (Position, &Step)> {
        let end = from.max(reached) + self.len();
        let mut at = from;
        iter::from_fn(move || self.next(&mut at, reached).filter(|(here, _)| *here < end))
    }

    /// Whether there is an event or anything else to be done from here on.
    fn has_more(&self, from: Position, reached: Position) -> bool {
        self.ahead(from, reached).any(|(here, step)| match step {
            Step::Block(block) => block.is_event,
            Step::Head(_) => here >= reached,
            // That the stream ends where all steps do is nothing.
            Step::End(Ending::Close) if self.has_ended(here + 1) => false,
            Step::End(_) => here >= reached,
            _ => false,
        })
    }

    /// Whether the connection that begins here ends with a reset, if the client stays.
    pub(super) fn will_reset(&self, from: Position, reached: Position) -> bool {
        let mut has_begun = false;
        let ending = self.ahead(from, reached).find_map(|(here, step)| match step {
            // It is that of the next connection.
            Step::Head(_) if here >= reached && has_begun => Some(Ending::Close),
            Step::End(ending) => Some(*ending),
            step => {
                has_begun |= match step {
                    Step::Bytes(bytes) => !bytes.is_empty(),
                    step => *step == Step::Flush,
                };
                None
            }
        });
        ending == Some(Ending::Reset)
    }

    /// The position after the event with this id that is nearest to what has been sent.
    fn after(&self, id: &str, from: Position) -> Option<Position> {
        let sets_it = |at: &Position| self.id_set_at(*at) == Some(id);
        let ahead = || (from..self.len()).find(sets_it);
        self.back_from(from).find(sets_it).or_else(ahead).map(|at| at + 1)
    }

    fn id_set_at(&self, at: Position) -> Option<&str> {
        match &self.steps[self.index(at)?] {
            // White space around it does not come back in a field line.
            Step::Block(block) => block.id.as_deref().map(str::trim_ascii),
            _ => None,
        }
    }

    /// The positions of all steps that have been played, the last first. Of an endless repeat, the
    /// last round is enough, and the first.
    fn back_from(&self, at: Position) -> impl Iterator<Item = Position> {
        let once = self.len();
        let last_round = at.saturating_sub(once).max(once)..at;
        last_round.rev().chain((0..at.min(once)).rev())
    }
}

/// How far the mock is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    next: Position,
    reached: Position,
    /// The client has left the last connection.
    was_left: bool,
}

/// Where a connection begins. What was done before `reached` is not done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entrance {
    pub(super) at: Position,
    pub(super) reached: Position,
}

impl Progress {
    /// Where a connection begins that comes with this last event ID, or with none; `None` if there
    /// is nothing more for it.
    pub(super) fn enter(
        &mut self,
        course: &Course,
        last_event_id: Option<&str>,
    ) -> Option<Entrance> {
        let id = last_event_id.map(str::trim_ascii).filter(|id| !id.is_empty());
        let after = id.and_then(|id| {
            // The id of a client that has received everything.
            let last = course.back_from(self.next).find_map(|at| course.id_set_at(at));
            if !self.was_left && last == Some(id) {
                Some(self.next)
            } else {
                course.after(id, self.next)
            }
        });
        if let Some(at) = after {
            let reached = self.reached;
            return course.has_more(at, reached).then_some(Entrance { at, reached });
        }
        if self.was_left || course.has_ended(self.next) {
            *self = Self::default();
        }
        Some(Entrance { at: self.next, reached: self.reached })
    }

    /// The mock has ended a connection, and goes on there.
    pub(super) fn ended(&mut self, next: Position) {
        self.next = next;
        self.reached = self.reached.max(next);
        self.was_left = false;
    }

    /// The client has left a connection.
    pub(super) fn left(&mut self, at: Position) {
        self.next = at;
        self.was_left = true;
    }
}

#[cfg(test)]
mod tests;
