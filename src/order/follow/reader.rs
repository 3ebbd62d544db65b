//! The thread that reads the other hub's feed, over as many connections as it takes.
//!
//! ```text
//!      ┌─────────────────── a tenth of a second to a second ──────────────┐
//!      ▼                                                                  │
//! connect ─► names ─► what the other hub keeps ─► what is published ─► the end
//!                                               ▲
//!               the event that the head names as its newest has come: caught up
//! ```
//!
//! The first connection asks for all that the other hub keeps, and each later one for what came
//! after the last event. Streams of this hub's clients know nothing of it: they stay.
//!
//! It goes on whatever happens: it tries again after a refusal too, as somebody may mend the other
//! hub. What goes wrong is told on standard error, once a minute.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chain::{FIELD, NEWEST};
use super::forward::is_of_the_token;
use super::message::{Message, id, shown};
use super::shared::{CHECK, Shared, Stage};
use crate::client::Plain;
use crate::client::attempt::{Bounds, Trouble, attempt};
use crate::client::backoff::pause;
use crate::client::session::{End, Session};
use crate::error::{CloseReason, Error, Result};
use crate::event::EventId;
use crate::event::parser::Parser;
use crate::http::{ResponseHead, Status};
use crate::log::gap::Reason;
use crate::log::id::Id;
use crate::order::remote::{Arrival, Loss, Sink, TELL, say};
use crate::random::random;

/// How long it waits between two connections: at first, and after many in vain.
const RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// A hub sends a heartbeat each 15 seconds. One that is silent for three of them is dead.
const SILENCE: Duration = Duration::from_secs(45);
const CONNECT: Duration = Duration::from_secs(3);
const RESPONSE: Duration = Duration::from_secs(10);

/// A client may come with the id of an event that is still on its way here. What has not come in
/// two such times, while everything else did, is given up ([`Remote::hear_all`]).
///
/// [`Remote::hear_all`]: crate::order::remote::Remote::hear_all
const HEAR: Duration = Duration::from_secs(5);

/// The largest event, with some room for its fields. A hub takes one of 1 MiB by default.
const LARGEST: usize = 16 * 1024 * 1024 + 64 * 1024;

pub(super) struct Reader {
    shared: Arc<Shared>,
    sink: Box<dyn Sink>,
    /// Has the followers of this hub come again, as it follows others than before.
    end_feeds: Box<dyn Fn() + Send>,
    bounds: Bounds,
    parser: Parser,
    /// Up to where everything was given to the sink, or told as lost.
    at: Option<Id>,
    /// The last loss that was told.
    lost: Option<Id>,
    /// The newest event that the other hub had when it was asked, until it has come.
    awaited: Option<Id>,
    heard: Option<Instant>,
    /// How many connections in a row have brought nothing.
    in_vain: u32,
    has_connected: bool,
    /// When the last trouble was told, until all is well again.
    told: Option<Instant>,
}

/// Why a connection brings nothing more.
struct Ended {
    error: Error,
    /// The other hub refuses this one, and may do so again.
    is_refusal: bool,
    /// Why the token could not be read again before that.
    stale: Option<Error>,
}

impl Ended {
    fn of(error: Error, is_refusal: bool) -> Self {
        Self { error, is_refusal, stale: None }
    }

    /// Whether another token may do.
    fn is_of_the_token(&self) -> bool {
        self.error.status().is_some_and(is_of_the_token)
    }
}

impl Reader {
    pub(super) fn new(
        shared: Arc<Shared>,
        sink: Box<dyn Sink>,
        end_feeds: Box<dyn Fn() + Send>,
    ) -> Self {
        let bounds = Bounds {
            connect_deadline: CONNECT,
            response_deadline: RESPONSE,
            silence: Some(SILENCE),
            ..Bounds::default()
        };
        Self {
            shared,
            sink,
            end_feeds,
            bounds,
            parser: Parser::new(),
            at: None,
            lost: None,
            awaited: None,
            heard: None,
            in_vain: 0,
            has_connected: false,
            told: None,
        }
    }

    /// The life of the thread.
    pub(super) fn live(mut self) {
        let shared = Arc::clone(&self.shared);
        while !shared.closer.is_closed() {
            let began = Instant::now();
            self.in_vain = self.in_vain.saturating_add(1);
            let ended = shared.panics.catch(|| self.follow());
            shared.remote.set_reachable(false);
            shared.remote.set_denied(ended.as_ref().is_some_and(Ended::is_of_the_token));
            shared.closer.release();
            if let Some(ended) = ended {
                self.tell(&ended);
            }
            let wait = pause(RETRY, self.in_vain, began.elapsed(), LONGEST_RETRY, random());
            shared.closer.wait_until(Instant::now() + wait);
        }
    }

    /// One connection, from its beginning to its end.
    fn follow(&mut self) -> Ended {
        // Nothing of the connection before counts but the last event ID.
        let parser = Parser::new().max_line(LARGEST).max_event(LARGEST);
        let last = self.at.map(|at| at.text().into_string()).unwrap_or_default();
        self.parser = parser.with_last_event_id(EventId::of_channel(last.clone()));
        let Shared { closer, credentials, .. } = &*self.shared;
        let stale = credentials.renew().err();
        let opened = attempt(&credentials.request(), &last, &Plain, &self.bounds, closer);
        let (session, _, head) = match opened {
            Ok(opened) => opened,
            Err(trouble) => return Ended { stale, ..self.refused(trouble) },
        };
        match self.admit(&head) {
            Ok(newest) => {
                self.awaited = Some(newest);
                Ended::of(self.read(session), false)
            }
            Err(why) => {
                self.follow_nobody();
                Ended::of(Error::bad_response(why, None), true)
            }
        }
    }

    fn refused(&mut self, trouble: Trouble) -> Ended {
        let (error, is_refusal) = match trouble {
            Trouble::Passing(error) | Trouble::Busy(error, _) => (error, false),
            Trouble::Lasting(error) => (error, true),
            Trouble::NoMore => (Error::bad_response("the response is no feed but 204", None), true),
        };
        if error.status() == Some(Status::LOOP_DETECTED) {
            self.follow_nobody();
        }
        Ended::of(error, is_refusal)
    }

    /// Following would go round in a circle.
    fn follow_nobody(&self) {
        self.shared.set_refused(true);
        if self.shared.chain.follow([].into()) {
            (self.end_feeds)();
        }
    }

    /// Takes the names of the other hub and of those that it follows. Returns the newest event that
    /// it has; an error says why it can't be followed.
    fn admit(&mut self, head: &ResponseHead) -> Result<Id, String> {
        let names = self.shared.chain.read(head)?;
        let newest = head.field_text(NEWEST).and_then(id);
        let newest = newest.ok_or(format!("it has {FIELD} and no event id in {NEWEST}"))?;
        self.shared.set_refused(false);
        if self.shared.chain.follow(names) {
            (self.end_feeds)();
        }
        if std::mem::replace(&mut self.has_connected, true) {
            self.shared.remote.count(|counts| counts.reconnects += 1);
        }
        self.shared.come_to(Stage::Filling);
        Ok(newest)
    }

    /// Reads the feed to its end, and says why it has ended.
    fn read(&mut self, mut session: Session) -> Error {
        self.check_caught_up();
        loop {
            let end = session.read(&mut self.parser);
            self.deliver();
            if end.is_none() {
                self.hear();
            }
            match end {
                None => {}
                Some(End::Clean) => return Error::closed(CloseReason::Server),
                Some(End::Lost(error)) => return error,
                Some(End::TooLong(error)) => return self.pass_over(error),
            }
        }
    }

    /// The other hub has sent something, and all that it had some time ago.
    fn hear(&mut self) {
        self.shared.remote.hear();
        let is_due = self.heard.is_none_or(|heard| heard.elapsed() >= HEAR);
        if is_due && self.awaited.is_none() {
            self.heard = Some(Instant::now());
            self.shared.remote.hear_all();
        }
    }

    /// Gives to the sink what has come.
    fn deliver(&mut self) {
        while let Some((message, channel)) = self.parser.next_with_channel() {
            self.take(Message::read(message, &channel), &channel);
        }
        // A block that is no event says where the feed begins.
        if self.at.is_none()
            && let Some(begin) = id(self.parser.last_event_id())
        {
            self.begin_after(begin);
        }
        self.sink.pass();
    }

    /// It stands here now.
    fn come_to(&mut self, at: Id) {
        self.at = Some(at);
        self.check_caught_up();
    }

    fn check_caught_up(&mut self) {
        let has_come =
            |at: Id, awaited: Id| at.epoch == awaited.epoch && at.sequence >= awaited.sequence;
        if self.at.zip(self.awaited).is_some_and(|(at, awaited)| has_come(at, awaited)) {
            self.awaited = None;
            self.in_vain = 0;
            self.shared.remote.set_reachable(true);
            self.shared.come_to(Stage::Ready);
            if self.told.take().is_some() {
                say("the hub that this one follows can be read again");
            }
        }
    }

    fn take(&mut self, message: Message, channel: &str) {
        match message {
            Message::Event(id, event) if self.is_new(id) => {
                if self.at.is_none()
                    && let Some(sequence) = id.sequence.checked_sub(1)
                {
                    // There can be nothing between the two.
                    self.begin_after(Id { sequence, ..id });
                }
                let age = Duration::ZERO;
                self.sink.event(&Arrival { id, channel, event: &event, age });
                self.come_to(id);
            }
            // What this hub has never had, no stream of its can have lost.
            Message::Loss(loss) if self.at.is_none() => self.begin_after(loss.through),
            // It is told again to whoever resumes after an event that it comes after.
            Message::Loss(loss) if self.lost == Some(loss.through) && self.at == self.lost => {}
            Message::Loss(loss) => {
                self.shared.remote.count(|counts| counts.gaps_passed_on += 1);
                self.lose(loss);
            }
            Message::Event(..) | Message::Nothing => {
                self.shared.remote.count(|counts| counts.ignored += 1);
            }
        }
    }

    /// Nothing comes twice. But a hub that remembers nothing may begin a smaller epoch.
    fn is_new(&self, id: Id) -> bool {
        self.at.is_none_or(|at| at.epoch != id.epoch || at.sequence < id.sequence)
    }

    fn begin_after(&mut self, begin: Id) {
        self.sink.begin_after(begin);
        self.come_to(begin);
    }

    fn lose(&mut self, loss: Loss) {
        self.sink.loss(&loss);
        self.lost = Some(loss.through);
        self.come_to(loss.through);
    }

    /// An event is too long, and would be each time. Its id came before its data.
    fn pass_over(&mut self, error: Error) -> Error {
        if let Some(through) = id(self.parser.unfinished_id()).filter(|id| self.is_new(*id)) {
            self.shared.remote.count(|counts| counts.gaps_evicted += 1);
            self.lose(Loss { through, missed: Some(1), reason: Reason::Evicted });
            self.sink.pass();
        }
        error
    }

    fn tell(&mut self, ended: &Ended) {
        let said = shown(&ended.error.to_string());
        let is_of_the_token = ended.is_of_the_token();
        let remedy = match self.shared.credentials.can_renew() {
            _ if !is_of_the_token => CHECK,
            true => ": write a token that it takes into the --follow-token-file",
            false => ": give this hub a token that it takes, with --follow-token-file",
        };
        if !self.shared.is_started(|| format!("{said}{remedy}"), ended.is_refusal)
            || self.shared.closer.is_closed()
            // It may well come back at once.
            || self.in_vain == 0
            || self.told.is_some_and(|told| told.elapsed() < TELL)
        {
            return;
        }
        self.told = Some(Instant::now());
        let stale = ended.stale.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let what = match is_of_the_token {
            false => format!("can't be read: {said}"),
            true => format!("refuses this hub: {said}{remedy}{stale}"),
        };
        say(&format!("the hub that this one follows {what}; trying again"));
    }
}

#[cfg(test)]
mod tests;
