//! Cursors: how far a stream has come in the order of its hub's events.
//!
//! All channels of a hub share one order, so one [place](super::id) is one in each of them, and one
//! last event ID resumes a stream that follows many.

/// A place in the order of a hub, and what is known of a stream there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The place of the newest event that was sent.
    pub(crate) place: u64,
    /// How many events of the followed channels were sent, or reported as missed, or came before
    /// the stream. The same for all streams that follow the same channels and stand here.
    /// Nobody counts where nothing is told, nor in a hub that has a past: there it may say where to
    /// read on.
    pub(crate) seen: u64,
}

#[cfg_attr(not(feature = "journal"), allow(dead_code))]
impl Cursor {
    /// Tells a position to read on from a count of events, so that the cursors of a batch, of which
    /// there is one for each event, have no field for it.
    const POSITION: u64 = 1 << 63;

    /// Has the next read of the past begin at this position of the segment in which the event after
    /// the place is.
    pub(crate) fn set_position(&mut self, at: u64) {
        self.seen = Self::POSITION | at;
    }

    /// The position to read on, if an earlier read has set one for this place.
    pub(crate) fn position(self) -> Option<u64> {
        let at = self.seen & !Self::POSITION;
        (self.seen != at).then_some(at)
    }
}

/// What happens to a stream that reads so slowly that its next event has left the log.
///
/// That log is its channel's [`History`](crate::History), or what a pattern keeps
/// ([`Hub::matching`](crate::Hub::matching)). A stream that lags by less is sent every
/// event, in order. And what was sent already can't be skipped: a client that has stopped reading
/// first reads what the kernels hold for it, which can be some MiB of old events. A client that
/// takes nothing for the [write deadline](crate::Limits::write_deadline), 30 seconds by default, is
/// closed in any case, and resumes after its last event ID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lag {
    /// It is told what it missed by an event of type
    /// [`tidings.gap`](Start#what-is-told-of-events-that-are-gone), and goes on with what is still
    /// there. The default.
    #[default]
    Skip,
    /// It is closed. Its client comes back with its last event ID and is told then.
    Close,
    /// It goes on with what is still there and is told nothing: for channels whose newest events
    /// say all, as with [`History::latest`](crate::History::latest). A stream of a pattern
    /// ([`Hub::matching`](crate::Hub::matching)) goes on with what each of the channels still has.
    ///
    /// Nor is a client told anything that comes back with a last event ID: it is sent what is there
    /// of what came after that, or everything if the id is none of the hub's. A journal is not read
    /// for it. Only what the order of a hub has lost is told: an order in Redis that failed over.
    Conflate,
}

/// What a stream gets whose next event has left the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnLag {
    /// A gap event, and what is still there.
    Gap,
    /// Its end.
    Close,
    /// What its hub remembers beyond the logs.
    Past,
    /// What is still there.
    Conflate,
}

/// Why a stream can't be sent its next event from the log: that has left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evicted {
    /// Its channel closes such streams, or has them go on with what is still there.
    Lagged,
    /// Its hub remembers the event, or knows that it is gone.
    Past,
}

/// Where a stream begins.
///
/// # What is told of events that are gone
///
/// A client that asks for events which are gone, or reads so slowly that they are gone before it
/// has had them ([`Lag`]), is sent an event of type `tidings.gap` in their place, and then
/// everything that is still there:
///
/// ```text
/// id: 24378-40
/// event: tidings.gap
/// data: {"from":"24378-17","to":"24378-40","missed":23,"reason":"lagged"}
/// ```
///
/// | field | is |
/// | --- | --- |
/// | `from` | the last event that the client had, as it sent its id; null if that was too long |
/// | `to` | the newest event that is gone |
/// | `missed` | how many are gone; null where that can't be known, as after a restart |
///
/// | `reason` | says that the events |
/// | --- | --- |
/// | `evicted` | left the [history](crate::History), or the journal, before the client came back |
/// | `restarted` | were of an earlier start of the hub; or the id was never one of its own |
/// | `lagged` | left the history before the client had read them |
/// | `damaged` | can't be read from the journal any more |
/// | `failover` | were lost by the server that had them: Redis, or the followed hub |
///
/// A page that keeps state of its own loads it anew then. The gap event has an id, so a client is
/// told of a gap once. Where a channel conflates ([`Lag::Conflate`]), a client is told only of what
/// the order itself has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start<'a> {
    /// With the next event that is published.
    Live,
    /// After the event of this id: a resume. A client whose id the hub doesn't know is told so
    /// ([gap](Self#what-is-told-of-events-that-are-gone), `restarted`), and then sent everything
    /// that is kept. So is one whose id is from before a restart of a hub without a journal.
    After(&'a str),
    /// With the newest events that are kept, so many of all channels together, as far as they are
    /// young enough: [`History::age`](crate::History::age) is one hour by default, and
    /// [`Duration::MAX`](std::time::Duration::MAX) keeps them for ever. Each event of a
    /// batch counts, and nothing else does: neither comments nor what was sent on a stream itself.
    /// Where one of several channels has let go of an event that comes after the first of these,
    /// the stream is told so.
    ///
    /// With a journal, those that are no longer in memory are searched in its newest 16 MiB. That
    /// is done for one stream at a time, while three more wait; any other begins with what is in
    /// memory.
    Newest(usize),
    /// With the newest events of each channel, so many of each, as far as they are in memory: for
    /// `1`, with the present. Of a pattern ([`Hub::matching`](crate::Hub::matching)), with those of
    /// each channel that it matches.
    ///
    /// They come in the order of their ids, and then everything that was published since the stream
    /// began. Meanwhile a channel may let go of one of them, as it has a newer one: then that comes
    /// instead, in its turn. A client that is cut off among them resumes after the last one that it
    /// was sent, as after any other; it is told what has left the histories since, unless its
    /// channels have [`Lag::Conflate`].
    ///
    /// Nothing on the stream says where the present ends and what came later begins: a client takes
    /// both alike. Channels may keep different histories, so with `50` a stream of a room and of a
    /// channel with [`History::latest`](crate::History::latest) begins with the room's newest 50
    /// events and the newest one of the other.
    NewestOfEach(usize),
}
