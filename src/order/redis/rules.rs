//! *Pure*: what a hub knows of the stream in Redis, and what follows: under which ids it publishes,
//! and what is a gap.
//!
//! ```text
//! XADD key E-100000 b [LOST]         begins the epoch E with a mark     ─► E-100000
//! XADD key NOMKSTREAM E-* c … d …    publishes in it                    ─► E-100001, E-100002, …
//!   "equal or smaller"               somebody has begun a greater one: goes on in that
//!   nil, or an id that is no news    the stream is gone, or another: begins a new epoch
//! ```
//!
//! **No id names two events.** Redis keeps ids apart within one life of one stream. But streams are
//! deleted and rolled back. So a hub never goes on in an epoch that was begun before it connected
//! to this run of Redis: it begins one, greater than the clock and than every id that it has heard
//! of, or joins one that another hub has begun since. An epoch begins with a full id, [`FIRST`]:
//! where a stream with smaller ids has taken the place of the hub's unnoticed, `E-*` gives `E-0`,
//! an id that no event had, and one that tells what has happened.
//!
//! What is left: `*`, which other programs send, gives an id twice where Redis' clock is set back
//! *and* events are lost; and `E-0` comes twice where the stream is replaced like this twice before
//! a hub hears of it. And `RESTORE` of an earlier state of the stream, within one run, gives the
//! ids after it again, until a hub hears of the first.
//!
//! **Nothing is lost silently.** Three things see to that:
//!
//! - The next id of an epoch follows without a question. Before any other, and on each new
//!   connection, the reader asks whether the entry that it read last is still there. If not,
//!   entries after it may be gone too.
//! - A hub remembers the greatest id that it has heard of: that it has read, or that a publisher
//!   has got. It asks for that one too. If it has gone, the hub begins an epoch, whose mark says
//!   so: thus all hubs tell a gap there, also those that had not heard of what is lost.
//! - The entries of one reply have lain side by side.
//!
//! What no hub has heard of that is still there, nobody can tell.
//!
//! **Who calls.** Publishers' leaders and the reader share it behind a mutex, which is held for a
//! call and never while a socket is used. Between a question and its answer the other may have gone
//! on, so calls say what was known when it was asked, and of which [run](Rules::greet).

use crate::log::gap::Reason;
use crate::log::id::Id;
use crate::order::remote::Loss;

/// The sequence number of a mark. More events than are on their way at once, of all hubs together:
/// so many may come under `E-0`, `E-1`, … before the first reply says so.
pub(crate) const FIRST: u64 = 100_000;

/// Where Redis' clock was set back by more than this, in milliseconds, hubs that begin an epoch at
/// the same time would begin the same one. So they begin them apart by chance, within `SPREAD`.
const BACK: u64 = 60_000;
const SPREAD: u64 = 1 << 20;

/// How a post is sent: with `<epoch>-*`, and `NOMKSTREAM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) epoch: u64,
    /// The greatest id that the hub had heard of by then.
    newest: Id,
    run: u64,
}

/// The entry that begins an epoch, under this very id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) id: Id,
    /// Without `NOMKSTREAM`.
    pub(crate) creates: bool,
    /// The greatest id that is known to be gone, which no mark has told of.
    pub(crate) lost: Option<Id>,
    run: u64,
}

/// What comes before a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Publish(Publish),
    /// Ask what there is ([`Known`]), and call [`Rules::begin`].
    Begin,
    /// Another connection was greeted by another run since this one was: connect anew.
    Reconnect,
}

/// What Redis said to an `XADD`; for a script, to the first of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Id(Id),
    /// There is no stream, and it was not to be created.
    Nil,
    /// "The ID specified in XADD is equal or smaller than the target stream top item".
    TooSmall,
}

/// What Redis has, as one answer: `XRANGE key A A` of the [asked](Rules::asked) id A, the same for
/// the [position](Rules::position), and `XINFO STREAM key`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The id that was asked for, and whether its entry is there.
    pub(crate) asked: Id,
    pub(crate) has_asked: bool,
    /// Whether the entry at the position is there, where that was asked.
    pub(crate) has_position: bool,
    /// The greatest id that the stream ever had; `None` if there is no stream.
    pub(crate) newest: Option<Id>,
    /// That of the oldest entry.
    pub(crate) first: Option<Id>,
    /// Whether all entries are there that were ever added.
    pub(crate) is_whole: bool,
}

/// What the reader does with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask what there is ([`Known`]), and read again from the same position.
    Ask,
    /// Tell the loss, then deliver the entry, if it is an event.
    Take(Option<Loss>),
}

/// What one hub knows.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// The run of Redis that greeted last, and how many have.
    run_id: String,
    run: u64,
    /// That which events are published in; `None` where one has to begin.
    epoch: Option<u64>,
    /// The greatest that the stream had when this run was first asked, or the stream was lost: no
    /// epoch up to there is gone on with. `None` before that.
    base: Option<u64>,
    /// The greatest epoch that was begun or heard of.
    greatest: u64,
    /// The greatest id that the hub has heard of.
    newest: Id,
    /// The greatest id of an earlier run that this run was not asked for.
    unsure: Option<Id>,
    /// The greatest id that is known to be gone, and that of which the marks have told.
    lost: Option<Id>,
    marked: Id,
    /// The entry that was read last.
    position: Id,
    /// There was no stream yet when all was read that there was.
    was_empty: bool,
    /// The reader's connection is new, so it asks.
    is_new: bool,
    /// The entry before which the hub's streams were told of a loss last. That tells of all smaller
    /// ids: what was lost of them had gone before the entry came, or it would have gone with them.
    told: Id,
}

impl Rules {
    /// A connection was made. `run_id` is from `INFO`. Returns the number that all calls for
    /// this connection have.
    pub(crate) fn greet(&mut self, run_id: &str) -> u64 {
        if self.run_id != run_id {
            run_id.clone_into(&mut self.run_id);
            self.run += 1;
            (self.epoch, self.base) = (None, None);
            self.unsure = Some(self.newest);
        }
        self.run
    }

    /// The id whose entry Redis is to be asked for.
    pub(crate) fn asked(&self) -> Id {
        self.unsure.unwrap_or(self.newest)
    }

    /// Redis has answered on a connection of this run.
    pub(crate) fn look(&mut self, run: u64, known: &Known) {
        if run != self.run {
            return;
        }
        let Known { asked, newest, .. } = *known;
        self.unsure.take_if(|unsure| *unsure <= asked);
        let top = newest.unwrap_or_default();
        if known.lacks(asked, known.has_asked) == Some(Reason::Failover) && asked > self.marked {
            self.lost = self.lost.max(Some(asked));
            (self.epoch, self.base) = (None, None);
        }
        self.base.get_or_insert(top.epoch);
        self.hear(top, run);
    }

    /// Goes on in the epoch of this id, if another hub has begun it in this run.
    fn join(&mut self, id: Id) {
        let is_later = self.base.is_some_and(|base| id.epoch > base);
        if is_later && id.sequence >= FIRST {
            self.epoch = self.epoch.max(Some(id.epoch));
        }
    }

    /// How the next post is sent on a connection of this run.
    pub(crate) fn next(&self, run: u64) -> Next {
        match self.epoch {
            _ if run != self.run => Next::Reconnect,
            Some(epoch) if self.lost.is_none() => {
                Next::Publish(Publish { epoch, newest: self.newest, run })
            }
            _ => Next::Begin,
        }
    }

    /// Whether a loss is known that no mark tells of yet, and a connection of this run can.
    pub(crate) fn tells_loss(&self, run: u64) -> bool {
        run == self.run && self.lost.is_some()
    }

    /// Redis has answered, at this time of its clock in milliseconds: the mark to send, if an epoch
    /// has to begin.
    pub(crate) fn begin(
        &mut self,
        run: u64,
        known: &Known,
        time: u64,
        random: u64,
    ) -> Option<Mark> {
        self.look(run, known);
        if run != self.run || self.epoch.is_some() && self.lost.is_none() {
            return None;
        }
        let least = time.max(self.greatest.saturating_add(1));
        let is_set_back = least - time > BACK;
        let epoch = least.saturating_add(if is_set_back { random % SPREAD } else { 0 });
        self.greatest = epoch;
        let id = Id { epoch, sequence: FIRST };
        Some(Mark { id, creates: known.newest.is_none(), lost: self.lost, run })
    }

    /// Redis has said so to a mark. Ask [`next`](Self::next) again.
    pub(crate) fn begun(&mut self, mark: &Mark, reply: Reply) {
        if let Reply::Id(id) = reply {
            self.hear(id, mark.run);
            if mark.run == self.run {
                self.epoch = self.epoch.max(Some(id.epoch));
            }
            self.is_marked(mark.lost);
        }
    }

    /// Redis has said so to a post: its id, or that it is to be sent again as [`next`](Self::next)
    /// says.
    pub(crate) fn reply(&mut self, sent: &Publish, reply: Reply) -> Option<Id> {
        if let Reply::Id(id) = reply {
            if id > sent.newest {
                self.hear(id, sent.run);
                return Some(id);
            }
            // Another stream is in the place of the one that had that.
            self.lost = self.lost.max(Some(sent.newest).filter(|lost| *lost > self.marked));
        }
        if self.epoch == Some(sent.epoch) {
            self.epoch = None;
        }
        match reply {
            Reply::Id(id) => Some(id),
            _ => None,
        }
    }

    fn hear(&mut self, id: Id, run: u64) {
        self.newest = self.newest.max(id);
        self.greatest = self.greatest.max(id.epoch);
        if run == self.run {
            self.join(id);
        } else {
            self.unsure = self.unsure.max(Some(id));
        }
    }

    fn is_marked(&mut self, lost: Option<Id>) {
        self.marked = self.marked.max(lost.unwrap_or_default());
        self.lost = self.lost.filter(|lost| *lost > self.marked);
    }

    /// The id after which the reader reads on.
    pub(crate) fn position(&self) -> Id {
        self.position
    }

    /// The reader has connected, so it asks with its next read.
    pub(crate) fn reads(&mut self) {
        self.is_new = true;
    }

    /// Whether the reader asks with its next read.
    pub(crate) fn has_question(&self) -> bool {
        self.is_new || self.unsure.is_some()
    }

    /// There was nothing to read, and Redis had this.
    pub(crate) fn is_level(&mut self, known: &Known) {
        self.is_new = false;
        self.was_empty |= known.newest.is_none();
    }

    /// An entry was read on a connection of this run: the first of its reply, or one that follows.
    /// `mark` is what is lost by it, if it is one. `known` is what was asked in one step with the
    /// reply.
    pub(crate) fn read(
        &mut self,
        run: u64,
        id: Id,
        mark: Option<Id>,
        is_first: bool,
        known: Option<&Known>,
    ) -> Step {
        let Id { epoch, sequence } = self.position;
        let is_next = id.epoch == epoch && id.sequence.checked_sub(1) == Some(sequence);
        let is_fresh = self.position == Id::default() && !self.was_empty;
        let gone = match known {
            _ if !is_first || is_fresh => None,
            None if is_next && !self.has_question() => None,
            None => return Step::Ask,
            Some(known) => known.lacks(self.position, known.has_position),
        };
        self.is_new = false;
        let is_same = id.epoch == epoch && (sequence >= FIRST) == (id.sequence >= FIRST);
        let hole = id.sequence.saturating_sub(sequence.saturating_add(1));
        let loss = |through, missed, reason| Some(Loss { through, missed, reason });
        let loss = match gone {
            _ if mark.is_some_and(|lost| lost >= self.told) => loss(id, None, Reason::Failover),
            Some(Reason::Failover) if self.position >= self.told => {
                loss(self.position, None, Reason::Failover)
            }
            _ if is_next || is_fresh => None,
            _ if is_same => {
                loss(Id { sequence: id.sequence - 1, ..id }, Some(hole), Reason::Evicted)
            }
            Some(Reason::Evicted) => loss(self.position, None, Reason::Evicted),
            _ => None,
        };
        if loss.is_some() {
            self.told = id;
        }
        self.position = id;
        self.is_marked(mark);
        self.hear(id, run);
        Step::Take(loss)
    }
}

impl Known {
    /// Why an entry isn't there; `None` if it is, or there is none of this id.
    fn lacks(&self, id: Id, has: bool) -> Option<Reason> {
        let is_trimmed = self.newest.is_some_and(|newest| newest >= id)
            && !self.is_whole
            && self.first.is_none_or(|first| first > id);
        match has {
            true => None,
            false if is_trimmed => Some(Reason::Evicted),
            false => Some(Reason::Failover).filter(|_| id > Id::default()),
        }
    }
}

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
