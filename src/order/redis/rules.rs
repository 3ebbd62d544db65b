//! *Pure*: what a hub knows of the stream in Redis, and what follows: under which ids it publishes,
//! and what is a gap.
//!
//! ```text
//! XADD key [NOMKSTREAM] E-100000 …    begins the epoch E             ─► E-100000
//! XADD key NOMKSTREAM E-* …           goes on in it                  ─► E-100001, E-100002, …
//!   "equal or smaller"                somebody has a greater epoch:  E-*, then *
//!   nil                               the stream is gone: a new epoch creates it
//!   an id that is no news             another stream is in its place: a new epoch
//! ```
//!
//! **No id names two events.** Redis keeps ids apart within one life of one stream. But streams are
//! deleted and rolled back, and clocks are set back. So a hub doesn't go on in an epoch of an
//! earlier life: it begins one after each start and whenever another run of Redis greets it. Two
//! things keep new ids away from lost ones, which it may not know:
//!
//! - An epoch is the clock's time, which lost epochs had not reached. Where the clock stands behind
//!   an id that the hub has heard of, it is greater than that one by a random number, as another
//!   hub may have begun the next one.
//! - Its first sequence number is [`FIRST`], given as a full id, and hubs go on in no epoch that
//!   began otherwise. Where a stream with a lower id has taken the place of theirs unnoticed, `E-*`
//!   gives `E-0`: an id that no event had, and one that tells what has happened.
//!
//! What is left: `*`, which others send and hubs fall back on, gives an id twice where the clock is
//! set back *and* events are lost; and `E-0` comes twice where that happens twice before a hub has
//! heard of the first time. A hub that has passed the id tells a gap.
//!
//! **Nothing is lost silently.** The next id of an epoch follows without a question. Before any
//! other that is the first of a reply, the reader asks Redis whether the entry that it read last is
//! still there ([`Known`]): if so, nothing after it was trimmed, and no other stream has taken its
//! place. Entries of one reply have lain side by side. What was lost before a hub has heard of it,
//! that hub can't tell.
//!
//! **Who calls.** Publishers' leaders and the reader share it behind a mutex, which is held for a
//! call and never while a socket is used. Each call is one step; between a send and its reply the
//! reader may have gone on, so [`Publish`] says what was known when it was sent.

use std::fmt;

use crate::log::gap::Reason;
use crate::log::id::Id;
use crate::order::remote::Loss;

/// The sequence number that an epoch begins with. More events than are on their way at once, of all
/// hubs together: so many may come under `E-0`, `E-1`, … before the first reply says so.
pub(crate) const FIRST: u64 = 100_000;

/// By how many milliseconds at most an epoch is greater than the least that would do: 17 minutes.
const SPREAD: u64 = 1 << 20;

/// How many runs without a read are told apart.
const RUNS: usize = 16;

const ZERO: Id = Id { epoch: 0, sequence: 0 };

/// Which id an event asks for. It is shown as `XADD` wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The first of the hub's own epoch.
    First(u64),
    /// The next one of an epoch.
    Next(u64),
    /// Any.
    Clock,
}

impl Wanted {
    /// What the further events of one post or one pipeline ask for.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::First(epoch) => Self::Next(epoch),
            other => other,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(epoch) => write!(f, "{epoch}-{FIRST}"),
            Self::Next(epoch) => write!(f, "{epoch}-*"),
            Self::Clock => f.write_str("*"),
        }
    }
}

/// How a post is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) wanted: Wanted,
    /// Without `NOMKSTREAM`.
    pub(crate) creates: bool,
    /// The hub's, and the greatest id that it had heard of, when this was made.
    epoch: u64,
    newest: Id,
    run: u64,
}

/// What comes before a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Publish(Publish),
    /// Ask for `TIME`, call [`Rules::renew`], and ask again.
    Time,
    /// Another connection was greeted by another run since this one was: connect anew.
    Reconnect,
}

/// What Redis said to a post; for a script, to the first of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Id(Id),
    /// There is no stream, and it was not to be created.
    Nil,
    /// "The ID specified in XADD is equal or smaller than the target stream top item".
    TooSmall,
}

/// What became of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Published(Id),
    /// Send it again like this.
    Again(Publish),
    /// Send it again, as [`Rules::next`] says.
    Renew,
    /// No id is left in the stream: somebody has added the greatest there is.
    Refused,
}

/// What Redis knows of the stream: `XINFO STREAM key`, and `XRANGE key P P` of the
/// [position](Rules::position) P.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) last_generated: Id,
    pub(crate) entries_added: u64,
    pub(crate) length: u64,
    pub(crate) first: Option<Id>,
    /// Whether the entry at the position is there.
    pub(crate) has_position: bool,
}

/// What the reader does with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask Redis ([`Known`]), then call [`Rules::settle`].
    Ask,
    /// Tell the loss, then deliver.
    Deliver(Option<Loss>),
    /// The hub has delivered greater ids: tell the loss, and leave the entry out.
    Drop(Option<Loss>),
}

/// How far the hub's own epoch has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// A new one has to begin.
    #[default]
    Over,
    /// No event of it is known.
    New,
    /// It goes on.
    Begun,
}

/// What one hub knows.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// The run of Redis that greeted last, and how many have.
    run_id: String,
    run: u64,
    /// The greatest that was begun or heard of.
    epoch: u64,
    phase: Phase,
    creates: bool,
    /// The greatest id that the hub has heard of.
    newest: Id,
    /// That of each run, as long as the reader hasn't come to it.
    awaited: Vec<(u64, Id)>,
    /// The entry that was read last, of the stream as it is now, and the greatest id delivered.
    position: Id,
    delivered: Id,
    /// A loss of unknown size was told after the event delivered last.
    is_told: bool,
    in_doubt: bool,
    /// The greatest id that the hub had heard of when the reader asked Redis last.
    asked: Id,
}

impl Rules {
    /// A connection was made: `run_id` is from `INFO server`, and `last_generated` from `XINFO
    /// STREAM` if there is a stream. Returns the number that the connection publishes with.
    pub(crate) fn greet(&mut self, run_id: &str, last_generated: Option<Id>) -> u64 {
        let last = last_generated.unwrap_or(ZERO);
        if self.run_id != run_id {
            run_id.clone_into(&mut self.run_id);
            self.run += 1;
            self.phase = Phase::Over;
        }
        if last < self.newest {
            self.phase = Phase::Over;
            self.in_doubt = true;
        }
        self.creates = last_generated.is_none();
        let phase = self.phase;
        self.hear(last, self.run);
        if phase == Phase::Over {
            self.phase = phase;
        }
        self.run
    }

    /// How the next post is sent, or the one in this place of a pipeline, on a connection that was
    /// greeted with `run`.
    pub(crate) fn next(&self, run: u64, place: usize) -> Next {
        let begins = place == 0 && self.phase == Phase::New;
        let wanted = if begins { Wanted::First } else { Wanted::Next };
        match self.phase {
            _ if run != self.run => Next::Reconnect,
            Phase::Over => Next::Time,
            _ => Next::Publish(Publish {
                wanted: wanted(self.epoch),
                creates: self.creates && begins,
                epoch: self.epoch,
                newest: self.newest,
                run,
            }),
        }
    }

    /// Begins a new epoch if one has to begin, and says whether it does. `time` is Redis' in
    /// milliseconds, asked for after [`next`](Self::next) wanted it.
    pub(crate) fn renew(&mut self, time: u64, random: u64) -> bool {
        let is_over = self.phase == Phase::Over;
        if is_over {
            let least = time.max(self.epoch.saturating_add(1));
            // One millisecond is no clock that was set back: two epochs may begin in it.
            let back = (least - time).saturating_sub(1).saturating_mul(16);
            self.epoch = least.saturating_add(random % back.clamp(1, SPREAD));
            self.phase = Phase::New;
        }
        is_over
    }

    pub(crate) fn reply(&mut self, sent: &Publish, reply: Reply) -> Outcome {
        let (epoch, newest) = (self.epoch, self.newest);
        let again =
            |wanted| Outcome::Again(Publish { wanted, creates: false, epoch, newest, ..*sent });
        match (reply, sent.wanted) {
            (Reply::Id(id), _) => {
                self.creates = false;
                if id > sent.newest {
                    self.hear(id, sent.run);
                } else {
                    self.doubt(sent);
                }
                Outcome::Published(id)
            }
            (Reply::Nil, _) => {
                self.creates = true;
                self.doubt(sent);
                Outcome::Renew
            }
            (Reply::TooSmall, Wanted::First(epoch)) => again(Wanted::Next(epoch)),
            // The reader may have read the greater one by now.
            (Reply::TooSmall, Wanted::Next(old)) if epoch > old && self.phase == Phase::Begun => {
                again(Wanted::Next(epoch))
            }
            (Reply::TooSmall, Wanted::Next(_)) => again(Wanted::Clock),
            (Reply::TooSmall, Wanted::Clock) => Outcome::Refused,
        }
    }

    /// The stream is not the one that the hub knew. Replies to what was sent in an earlier epoch
    /// tell nothing new.
    fn doubt(&mut self, sent: &Publish) {
        if self.epoch == sent.epoch {
            self.phase = Phase::Over;
        }
        self.in_doubt = true;
    }

    /// Adopts a greater epoch.
    fn hear(&mut self, id: Id, run: u64) {
        self.newest = self.newest.max(id);
        let is_full = self.awaited.len() == RUNS;
        match self.awaited.last_mut() {
            _ if id <= self.position => {}
            Some(last) if last.0 == run || is_full => last.1 = last.1.max(id),
            _ => self.awaited.push((run, id)),
        }
        let is_hubs = id.sequence >= FIRST;
        if id.epoch > self.epoch {
            self.epoch = id.epoch;
            self.phase = if is_hubs { Phase::Begun } else { Phase::Over };
        } else if id.epoch == self.epoch && !is_hubs {
            self.phase = Phase::Over;
        } else if id.epoch == self.epoch && self.phase == Phase::New {
            self.phase = Phase::Begun;
        }
    }

    /// The id after which the reader reads on.
    pub(crate) fn position(&self) -> Id {
        self.position
    }

    /// Whether the reader is to ask Redis and call [`look`](Self::look) where it has read nothing.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// Where there is nothing to read: whether something was lost, as Redis has none of what the
    /// hub knew. Called after each greeting of the reader, and after a `BLOCK` that ended with
    /// nothing: always, or at least when [in doubt](Self::is_in_doubt). Without it, what others
    /// add to a stream that was deleted while the clock is set back is not told before the next
    /// event of a hub. `None` is no stream.
    pub(crate) fn look(&mut self, known: Option<&Known>) -> Option<Loss> {
        let last = known.map_or(ZERO, |known| known.last_generated);
        let mut missing = self.awaited.iter().map(|(_, id)| *id).filter(|id| *id > last);
        // What was heard of after the question may be newer than the answer.
        let is_newer = missing.clone().any(|id| id > self.asked);
        let is_less = self.position > last || missing.any(|id| id <= self.asked);
        // Entries that are still there come first.
        let is_lost = is_less && self.position >= last;
        self.in_doubt = is_newer || is_less && !is_lost;
        if !is_lost {
            return None;
        }
        self.position = last;
        self.awaited.retain(|(_, id)| *id > self.asked);
        self.lose(None)
    }

    /// The reader is about to ask Redis what it [knows](Known).
    pub(crate) fn ask(&mut self) {
        self.asked = self.newest;
    }

    /// An entry was read, the first of its reply or one that follows.
    pub(crate) fn read(&mut self, id: Id, is_first: bool) -> Step {
        let Id { epoch, sequence } = self.position;
        let follows = id.epoch == epoch && id.sequence.checked_sub(1) == Some(sequence);
        let is_fresh = self.delivered == ZERO && !self.is_told;
        if is_first && !follows && !is_fresh { Step::Ask } else { self.pass(id, None) }
    }

    /// The same once Redis was asked.
    pub(crate) fn settle(&mut self, id: Id, known: Option<&Known>) -> Step {
        let Some(known) = known else { return self.pass(id, Some(Reason::Failover)) };
        // Before everything there was, there is no entry to ask for.
        let is_whole = known.entries_added == known.length;
        let is_kept = known.has_position || self.position == ZERO && is_whole;
        let is_later = known.first.is_some_and(|first| first > self.position);
        let reason = if is_later && !is_whole { Reason::Evicted } else { Reason::Failover };
        self.pass(id, (!is_kept).then_some(reason))
    }

    /// Goes on to this entry, before which others are gone for this reason.
    fn pass(&mut self, id: Id, gone: Option<Reason>) -> Step {
        let Id { epoch, sequence } = self.position;
        let is_same = epoch == id.epoch && (sequence >= FIRST) == (id.sequence >= FIRST);
        let hole = id.sequence.saturating_sub(sequence.saturating_add(1));
        let skipped = self.awaited.iter().any(|(_, awaited)| *awaited < id);
        self.awaited.retain(|(_, awaited)| *awaited > id);
        let loss = match gone {
            Some(Reason::Failover) => self.lose(None),
            _ if is_same && hole > 0 => self.lose(Some((id, hole))),
            Some(_) => self.lose(Some((id, 0))),
            None if skipped => self.lose(None),
            None => None,
        };
        self.position = id;
        self.hear(id, self.run);
        if id <= self.delivered {
            return Step::Drop(loss.or_else(|| self.lose(None)));
        }
        self.delivered = id;
        self.is_told = false;
        Step::Deliver(loss)
    }

    /// Something is gone after the event delivered last: so many entries before this one have left
    /// the stream, none for an unknown number; or nobody knows what. It is told once.
    fn lose(&mut self, evicted: Option<(Id, u64)>) -> Option<Loss> {
        if std::mem::replace(&mut self.is_told, true) {
            return None;
        }
        let loss = Loss { through: self.delivered, missed: None, reason: Reason::Failover };
        Some(match evicted {
            None => loss,
            Some((_, 0)) => Loss { reason: Reason::Evicted, ..loss },
            Some((id, missed)) => {
                let through = Id { sequence: id.sequence - 1, ..id }.max(self.delivered);
                Loss { through, missed: Some(missed), reason: Reason::Evicted }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_of_between_a_question_and_its_answer_is_not_lost() {
        let id = |sequence| Id { epoch: 7, sequence: FIRST + sequence };
        let has = |last_generated| Known {
            last_generated,
            entries_added: 1,
            length: 1,
            first: Some(id(0)),
            has_position: true,
        };
        let mut rules = Rules::default();
        let run = rules.greet("a", None);
        assert_eq!(rules.read(id(0), true), Step::Deliver(None));
        rules.ask();
        let Next::Publish(sent) = rules.next(run, 0) else { panic!("an epoch has begun") };
        assert_eq!(rules.reply(&sent, Reply::Id(id(1))), Outcome::Published(id(1)));
        assert_eq!(rules.look(Some(&has(id(0)))), None, "Redis may have it since");
        assert!(rules.is_in_doubt());
        rules.ask();
        assert!(rules.look(Some(&has(id(0)))).is_some(), "Redis has had it, and has it no more");
        assert!(!rules.is_in_doubt());
    }
}
