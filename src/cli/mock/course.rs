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
//! - Behind a connection that the mock has ended, the next one goes on, wherever that is in the
//!   script. What ended it is not done again; nor is what stood unfinished before it sent again, as
//!   a client has dropped it.
//! - With the id of an event, a connection goes on behind that event. Where an id stands in the
//!   script several times, the nearest one that has been sent is meant. If it is the one that a
//!   client has when it has got everything, it is sent nothing again, not even what has no id.
//! - One that comes without, after the script has been played or the client has gone by itself,
//!   begins a new run.
//! - One whose id leaves nothing to be sent is told to stop.

use std::ops::Range;

use super::step::{Ending, Step};

/// Steps that have been marked, in sections that are repeated.
#[derive(Debug)]
pub(super) struct Course {
    steps: Vec<Step>,
    /// Each with the repeat that ends it.
    sections: Vec<Range<usize>>,
    /// For a step in an unfinished block before the end of a connection: that end.
    dropped_with: Vec<Option<usize>>,
}

/// A place between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    section: usize,
    round: u64,
    step: usize,
}

/// Where everything begins.
pub(super) const START: Position = Position { section: 0, round: 0, step: 0 };

impl Course {
    pub(super) fn new(steps: Vec<Step>) -> Self {
        let mut sections = Vec::new();
        let mut start = 0;
        for (at, step) in steps.iter().enumerate() {
            if matches!(step, Step::Repeat(_)) {
                sections.push(start..at + 1);
                start = at + 1;
            }
        }
        sections.push(start..steps.len());
        let mut dropped_with = vec![None; steps.len()];
        let mut end = None;
        for (at, step) in steps.iter().enumerate().rev() {
            end = match step {
                Step::End(_) => Some(at),
                Step::Block(_) | Step::Repeat(_) => None,
                _ => end,
            };
            // The end of a chunk may be that of the block before.
            dropped_with[at] = end.filter(|_| *step != Step::Flush);
        }
        Self { steps, sections, dropped_with }
    }

    /// The next step and its place, and moves on. What was dropped or done before `reached` is
    /// passed over.
    pub(super) fn next(&self, at: &mut Position, reached: Position) -> Option<(Position, &Step)> {
        loop {
            let here = *at;
            let step = self.steps.get(here.step)?;
            at.step += 1;
            match step {
                Step::Repeat(times) => self.turn(at, *times),
                _ => match self.dropped_with[here.step].map(|step| Position { step, ..here }) {
                    Some(end) if end < reached => at.step = end.step + 1,
                    _ => return Some((here, step)),
                },
            }
        }
    }

    /// Whether nothing follows that has not been played once.
    pub(super) fn is_over(&self, at: Position) -> bool {
        let is_endless = self.steps.last() == Some(&Step::Repeat(None));
        // Behind the repeat that ends it there is one more section, and nothing in it.
        let repeats = is_endless && at.round > 0 && at.section + 2 == self.sections.len();
        repeats || at.step >= self.steps.len()
    }

    /// Goes round, or on behind the repeat.
    fn turn(&self, at: &mut Position, times: Option<u32>) {
        if times.is_none_or(|times| at.round + 1 < u64::from(times)) {
            let step = self.sections[at.section].start;
            *at = Position { step, round: at.round + 1, ..*at };
        } else {
            *at = Position { section: at.section + 1, round: 0, ..*at };
        }
    }

    /// What follows, without the rounds of a section that are as those before.
    fn ahead(&self, from: Position, reached: Position) -> impl Iterator<Item = (Position, &Step)> {
        let (mut at, mut first) = (from, from);
        std::iter::from_fn(move || {
            let found = self.next(&mut at, reached);
            if at.section != first.section {
                first = at;
            } else if at.round > first.round + 1 {
                // The second round has seen all that there is, up to the one that is reached.
                at = if at.section == reached.section && at.round < reached.round {
                    Position { round: reached.round, ..at }
                } else {
                    let section = at.section + 1;
                    Position { section, round: 0, step: self.sections[section].start }
                };
                first = at;
            }
            found
        })
    }

    /// Whether there is an event or anything else to be done from here on.
    fn has_more(&self, from: Position, reached: Position) -> bool {
        let found = self.ahead(from, reached).find_map(|(here, step)| match step {
            Step::Block(block) if block.is_event => Some(true),
            Step::Head(_) if here >= reached => Some(true),
            Step::End(ending) if here >= reached => {
                // That the stream ends where all steps do is nothing.
                let is_last = here.step + 1 == self.steps.len();
                Some(!is_last || *ending != Ending::Close)
            }
            _ => None,
        });
        found.unwrap_or(false)
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

    /// The place behind the event with this id that is nearest to what has been sent.
    fn behind(&self, id: &str, from: Position) -> Option<Position> {
        let ahead = || {
            let mut ahead = from.step..self.steps.len();
            let step = ahead.find(|&step| self.id_set_at(step) == Some(id))?;
            let section = self.sections.iter().position(|section| section.contains(&step))?;
            let round = if section == from.section { from.round } else { 0 };
            Some(Position { section, round, step })
        };
        let mut sent = self.back_from(from);
        let sent = sent.find(|at| self.id_set_at(at.step) == Some(id));
        sent.or_else(ahead).map(|at| Position { step: at.step + 1, ..at })
    }

    /// The id that a client has which has got everything up to here.
    fn id_before(&self, at: Position) -> Option<&str> {
        self.back_from(at).find_map(|at| self.id_set_at(at.step))
    }

    fn id_set_at(&self, step: usize) -> Option<&str> {
        match &self.steps[step] {
            // White space around it does not come back in a field line.
            Step::Block(block) => block.id.as_deref().map(str::trim_ascii),
            _ => None,
        }
    }

    /// All steps that have been done, the last first. Of the rounds before the last it is enough
    /// to look at one.
    fn back_from(&self, from: Position) -> impl Iterator<Item = Position> {
        let Range { start, end } = self.sections[from.section];
        let here = (start..from.step).rev().map(move |step| Position { step, ..from });
        let before = from.round.checked_sub(1).into_iter().flat_map(move |round| {
            (start..end).rev().map(move |step| Position { step, round, ..from })
        });
        let earlier = (0..from.section).rev().flat_map(|section| {
            let round = self.last_round(section);
            self.sections[section].clone().rev().map(move |step| Position { section, round, step })
        });
        here.chain(before).chain(earlier)
    }

    fn last_round(&self, section: usize) -> u64 {
        match self.steps[self.sections[section].end - 1] {
            Step::Repeat(Some(times)) => u64::from(times) - 1,
            _ => 0,
        }
    }
}

/// How far the mock is.
#[derive(Debug)]
pub(super) struct Progress {
    next: Position,
    reached: Position,
    /// All has been played.
    is_over: bool,
    /// The last connection was left by the client.
    was_left: bool,
}

/// What a connection is to get.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entrance {
    /// What follows here; what was done before `reached` is not done again.
    From { at: Position, reached: Position },
    /// Word that there is nothing more.
    Nothing,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { next: START, reached: START, is_over: false, was_left: false }
    }

    /// Where a connection begins that comes with this last event ID, or with none.
    pub(super) fn enter(&mut self, course: &Course, last_event_id: Option<&str>) -> Entrance {
        let id = last_event_id.map(str::trim_ascii).filter(|id| !id.is_empty());
        let lacks_nothing = id.is_some() && !self.was_left && course.id_before(self.next) == id;
        let behind = match id {
            _ if lacks_nothing => Some(self.next),
            Some(id) => course.behind(id, self.next),
            None => None,
        };
        if let Some(at) = behind {
            let reached = self.reached;
            let has_more = course.has_more(at, reached);
            return if has_more { Entrance::From { at, reached } } else { Entrance::Nothing };
        }
        if self.is_over || self.was_left {
            *self = Self::new();
        }
        Entrance::From { at: self.next, reached: self.reached }
    }

    /// A connection was ended by the mock, which goes on there.
    pub(super) fn ended(&mut self, course: &Course, next: Position) {
        self.next = next;
        self.reached = self.reached.max(next);
        self.is_over = course.next(&mut { next }, next).is_none();
        self.was_left = false;
    }

    /// A connection was left by the client.
    pub(super) fn left(&mut self, at: Position) {
        self.next = at;
        self.was_left = true;
    }

    /// Whether all has been played.
    #[cfg(test)]
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

#[cfg(test)]
mod tests;
