//! Channels: a log of events, and the streams that follow it.
//!
//! **A channel is a log, and a stream is a cursor into it.** Publishing appends to the log; a pass
//! sends each stream what lies between its cursor and the end. Resume sets the cursor further
//! back, and a slow reader's cursor stays further back; neither is a path of its own.
//!
//! ```text
//! send ─► order ─► log ─► groups ─► pass over the streams of a shard ─► send(log[cursor..])
//! ```
//!
//! To read on: [`log`](crate::log) keeps the events and says what a stream is sent next,
//! [`order`](crate::order) numbers them, `publish` gives them to it, [`reader`] is a stream as it
//! is known here, [`subscription`] is its place in its channels, [`group`] makes the passes over
//! streams, [`fanout`] says whose turn it is, [`in_process`] reads without a stream, `ticking`
//! calls closures on threads, [`hub`] gives names to channels, and `names` forgets them.

pub(crate) mod batches;
pub(crate) mod fanout;
#[cfg(feature = "follow")]
mod feed;
#[cfg(feature = "follow")]
mod follow;
pub(crate) mod group;
pub(crate) mod hub;
pub(crate) mod in_process;
#[cfg(feature = "journal")]
mod journal;
mod names;
mod publish;
pub(crate) mod reader;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "redis", feature = "follow"))]
pub(crate) mod remote;
pub(crate) mod slots;
pub(crate) mod subscription;
mod survey;
mod ticking;
mod view;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::event::EventId;
use crate::log::cursor::Lag;
use crate::log::{History, Log};
use crate::net::atomic;
use crate::net::sync::{Mutex, MutexGuard, Ordering, PoisonError};
use crate::order::Order;
use crate::order::memory::Memory;
use crate::order::sequence::Sequence;
use crate::order::shared_log::SharedLog;
use fanout::Shard;
use group::Group;
use reader::Reader;

/// Something that many streams follow, and that remembers its newest events.
///
/// A clone is the same channel. Streams follow it with [`SseWriter::subscribe`]; a client that
/// reconnects with a last event ID is sent what it missed, as far as the channel's [`History`]
/// reaches. A channel needs no server, and the streams of several servers may follow one. The
/// program itself reads it with [`reader`](Self::reader).
///
/// Dropping a channel does nothing to the streams that follow it: they hold it themselves.
///
/// ```
/// use tidings::Channel;
///
/// let news = Channel::new();
/// let id = news.send("nobody hears it yet, but it is kept")?;
/// assert!(id.as_str().ends_with("-1"));
/// assert_eq!(news.streams(), 0);
/// # Ok::<(), tidings::Error>(())
/// ```
///
/// [`SseWriter::subscribe`]: crate::SseWriter::subscribe
#[derive(Clone)]
pub struct Channel(Arc<Inner>);

/// Lock order: `groups`, then a group's list, then one stream's state, then `log`. Where a
/// stream follows several channels, their logs are locked in the order of their `number`. Those of
/// views come after all others.
struct Inner {
    /// Ids come from here; all channels of a hub share it.
    order: Arc<dyn Order>,
    /// The order's own, which every read asks.
    sequence: Arc<Sequence>,
    /// Whether the order has a past: asked with every read.
    remembers: bool,
    /// No other channel that is alive has this.
    number: u64,
    lag: Lag,
    log: Arc<SharedLog>,
    /// When it was closed, as the clock of logs stood.
    closed_at: OnceLock<Duration>,
    groups: Mutex<Groups>,
}

impl Inner {
    fn lock_groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The streams, by shard. No group is empty.
#[derive(Default)]
struct Groups {
    /// Replaced as a whole, so that a publisher takes it in one step.
    list: Arc<[Arc<Group>]>,
    /// How many streams they have together.
    streams: usize,
}

impl Groups {
    fn of(&self, shard: &Arc<Shard>) -> Option<Arc<Group>> {
        self.list.iter().find(|group| group.is_of(shard)).cloned()
    }
}

/// Gives each channel of the process its place in the lock order.
static NUMBER: atomic::AtomicU64 = atomic::AtomicU64::new(0);

/// What the numbers of views have more, so that they come after those of all channels.
const VIEW: u64 = 1 << 63;

impl Default for Channel {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether they are the same channel.
impl PartialEq for Channel {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Channel {}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("number", &self.0.number).finish_non_exhaustive()
    }
}

impl Channel {
    /// A channel of its own, with the default [`History`] and [`Lag::Skip`].
    pub fn new() -> Self {
        Self::with_history(History::default())
    }

    /// A channel of its own that keeps so much of its past.
    pub fn with_history(history: History) -> Self {
        Self::with(history, Lag::default())
    }

    /// A channel of its own that does this to streams whose next event has left its history.
    pub fn with(history: History, lag: Lag) -> Self {
        Self::build(Arc::new(Memory::new()), lag, SharedLog::new(None, history, 0))
    }

    fn build(order: Arc<dyn Order>, lag: Lag, log: SharedLog) -> Self {
        Self(Arc::new(Inner {
            sequence: Arc::clone(order.sequence()),
            remembers: order.past().is_some(),
            order,
            number: NUMBER.fetch_add(1, Ordering::Relaxed)
                | if log.viewed().is_some() { VIEW } else { 0 },
            lag,
            log: Arc::new(log),
            closed_at: OnceLock::new(),
            groups: Mutex::default(),
        }))
    }

    /// How many streams and [readers](Self::reader) follow it.
    pub fn streams(&self) -> usize {
        self.lock_groups().streams
    }

    /// How many events it keeps at the moment.
    pub fn kept(&self) -> usize {
        let mut log = self.log();
        log.evict(self.0.sequence.now());
        log.len()
    }

    /// How many bytes the events that it keeps have, each as it is sent in one chunk.
    ///
    /// ```
    /// let channel = tidings::Channel::new();
    /// let id = channel.send("rain")?;
    /// let event = format!("id: {id}\ndata: rain\n\n");
    /// assert_eq!(channel.kept_bytes(), format!("{:x}\r\n{event}\r\n", event.len()).len());
    /// # Ok::<(), tidings::Error>(())
    /// ```
    pub fn kept_bytes(&self) -> usize {
        let mut log = self.log();
        log.evict(self.0.sequence.now());
        log.kept_bytes()
    }

    /// The id of the newest event that it keeps.
    ///
    /// ```
    /// let channel = tidings::Channel::new();
    /// assert_eq!(channel.newest(), None);
    /// let id = channel.send("rain")?;
    /// assert_eq!(channel.newest(), Some(id));
    /// # Ok::<(), tidings::Error>(())
    /// ```
    pub fn newest(&self) -> Option<EventId> {
        let mut log = self.log();
        log.evict(self.0.sequence.now());
        let newest = (0..log.len()).rev().find(|at| !log.is_loss(*at));
        let place = newest.and_then(|at| log.place_at(at))?;
        drop(log);
        Some(EventId::of_channel(self.0.sequence.id(place).text().into_string()))
    }

    /// How many events were ever published on it, as far as it knows: with a journal, since its hub
    /// began, and those from before with which its history began.
    pub fn published(&self) -> u64 {
        self.log().pushed
    }

    /// Ends the channel: publishing on it fails from then on. A stream that follows it is sent what
    /// it has not yet had, and ends with its last chunk; one of several channels does when all of
    /// them are closed. A slow reader takes its time over that. Closing it again does nothing.
    ///
    /// Until they are too old, the channel keeps its events: a stream that follows it now is sent
    /// those after its [start](crate::Start), and then ends. Where there are none, and none that
    /// its client has to be told are gone, the response is 204 in place of a stream, which tells an
    /// `EventSource` not to come back. So a client that saw the end comes back once, with its last
    /// event ID, and then stays away; unless its handler has opened the stream before it follows,
    /// by sending something: then there is no 204 any more, and such a client comes back for ever.
    ///
    /// A hub keeps the channel, closed as it is, until its events are too old
    /// ([`Hub::channel`](crate::Hub::channel)), and does so in memory: after a restart of a hub
    /// with a journal it is open.
    ///
    /// ```
    /// use tidings::client::EventSource;
    /// use tidings::{Channel, Server, Start};
    ///
    /// let job = Channel::new();
    /// job.send("half of it")?;
    /// job.send(("done", "all of it"))?;
    /// job.close();
    /// assert!(job.send("more").unwrap_err().is_channel_closed());
    ///
    /// let server = Server::bind("127.0.0.1:0")?
    ///     .sse("/job", move |stream, _request| {
    ///         stream.subscribe_from(&job, Start::Newest(100))
    ///     })
    ///     .start()?;
    /// let url = format!("http://{}/job", server.address());
    /// let events: Result<Vec<_>, _> = EventSource::new(&url)?.take(2).collect();
    /// assert_eq!(events?[1].event_type, "done");
    /// # Ok::<(), tidings::Error>(())
    /// ```
    pub fn close(&self) {
        self.0.log.close();
        let _ = self.0.closed_at.set(self.0.sequence.now());
        let groups = self.groups();
        let readers: Vec<Arc<dyn Reader>> =
            groups.iter().flat_map(|group| group.readers()).collect();
        readers.into_iter().for_each(Reader::channel_closed);
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.0.log.is_closed()
    }

    /// Adds a stream, and returns its slot. It is sent what is published from now on.
    fn join(&self, reader: Arc<dyn Reader>) -> u32 {
        let mut groups = self.lock_groups();
        groups.streams += 1;
        let group = groups.of(reader.shard()).unwrap_or_else(|| {
            let group = Arc::new(Group::new(reader.shard(), self.0.log.newest()));
            groups.list = groups.list.iter().chain([&group]).cloned().collect();
            group
        });
        group.add(reader)
    }

    /// Removes a stream by its slot, and with the last stream of the shard its group: publishers
    /// come to each group that there is.
    fn leave(&self, shard: &Arc<Shard>, slot: u32) {
        let mut groups = self.lock_groups();
        let Some(group) = groups.of(shard) else { return };
        let reader = group.remove(slot);
        groups.streams -= usize::from(reader.is_some());
        if group.is_empty() {
            let others = groups.list.iter().filter(|other| !Arc::ptr_eq(other, &group));
            groups.list = others.cloned().collect();
        }
        drop(groups);
        drop(reader);
    }

    fn groups(&self) -> Arc<[Arc<Group>]> {
        Arc::clone(&self.lock_groups().list)
    }

    fn lock_groups(&self) -> MutexGuard<'_, Groups> {
        self.0.lock_groups()
    }

    /// Whether it has to be kept by its hub: it has events, streams or other holders, or a client
    /// may not yet know that it was closed.
    fn is_in_use(&self, now: Duration) -> bool {
        let mut log = self.log();
        log.evict(now);
        let closed = self.0.closed_at.get();
        log.len() > 0
            || self.has_holders()
            || closed.is_some_and(|at| now.saturating_sub(*at) < log.history.age)
    }

    /// Whether streams or others than its hub hold it.
    fn has_holders(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.log.lock()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::error::CloseReason;
    use crate::net::moment::Moment;
    use crate::net::sync::{AtomicU64, Ordering};
    use batches::Batches;
    use fanout::Fanout;
    use publish::FEW;
    use reader::Advance;

    /// A stream that counts how often a pass comes to it.
    pub(crate) struct Member(Arc<Shard>, AtomicU64);

    impl Reader for Member {
        fn shard(&self) -> &Arc<Shard> {
            &self.0
        }

        fn advance(&self, _newest: u64, _batches: &mut Batches, _now: Moment) -> Advance {
            self.1.fetch_add(1, Ordering::AcqRel);
            Advance::Idle
        }

        fn settle(self: Arc<Self>, _advance: Advance) {}

        fn channel_closed(self: Arc<Self>) {}

        fn end(&self, _reason: CloseReason) {}
    }

    impl Member {
        pub(crate) fn passes(&self) -> u64 {
            self.1.load(Ordering::Acquire)
        }
    }

    pub(crate) fn member(shard: &Arc<Shard>) -> Arc<Member> {
        Arc::new(Member(Arc::clone(shard), AtomicU64::new(0)))
    }

    /// The shards in which the channel has streams, and the streams.
    fn counts(channel: &Channel) -> (usize, usize) {
        (channel.groups().len(), channel.streams())
    }

    #[test]
    fn a_shard_is_known_to_a_channel_while_it_has_a_stream_there() {
        let (channel, fanout) = (Channel::new(), Fanout::new(2, &Arc::default(), &Arc::default()));
        let join = |shard| channel.join(member(fanout.shard(shard)));
        let leave = |shard, slot| channel.leave(fanout.shard(shard), slot);
        assert_eq!(counts(&channel), (0, 0));
        let slots = [0, 1, 0].map(join);
        assert_eq!(counts(&channel), (2, 3));
        leave(1, slots[1]);
        assert_eq!(counts(&channel), (1, 2), "a publisher no longer comes to this shard");
        leave(0, slots[2]);
        leave(0, slots[2]);
        assert_eq!(counts(&channel), (1, 1), "a stream leaves once");
        leave(0, slots[0]);
        assert_eq!(counts(&channel), (0, 0));
    }

    #[test]
    fn a_publisher_sends_to_few_streams_itself_and_leaves_many_to_all_threads() {
        for (streams, by_publisher) in [(FEW, true), (FEW + 1, false)] {
            let (channel, fanout) =
                (Channel::new(), Fanout::new(2, &Arc::default(), &Arc::default()));
            let members: Vec<Arc<Member>> =
                (0..streams).map(|n| member(fanout.shard(n as u32))).collect();
            members.iter().for_each(|member| {
                channel.join(Arc::clone(member) as _);
            });
            channel.send("an event").unwrap();
            let have = |member: &&Arc<Member>| member.passes() > 0;
            // A shard's first slice is never empty, and no thread runs that could have made one.
            for member in &members[..2] {
                assert_eq!(have(&member), by_publisher, "{streams} streams");
            }
            (0..2).for_each(|shard| fanout.shard(shard).start().unwrap());
            let begun = std::time::Instant::now();
            while !members.iter().all(|member| have(&member)) {
                assert!(begun.elapsed() < Duration::from_secs(20), "the condition did not come");
                std::thread::yield_now();
            }
            fanout.stop(std::time::Instant::now() + Duration::from_secs(20));
        }
    }

    #[test]
    fn servers_that_have_ended_do_not_add_up_in_a_channel() {
        let channel = Channel::new();
        for _ in 0..4 {
            let fanout = Fanout::new(1, &Arc::default(), &Arc::default());
            let shard = fanout.shard(0);
            let slots = [(); 4].map(|()| channel.join(member(shard)));
            assert_eq!(counts(&channel), (1, 4));
            slots.iter().for_each(|slot| channel.leave(shard, *slot));
            assert_eq!(fanout.stop(std::time::Instant::now()), 0);
        }
        assert_eq!(counts(&channel), (0, 0));
    }

    #[test]
    fn what_is_shown_for_debugging_takes_no_lock() {
        let hub = hub::Hub::new();
        let channel = hub.channel("a");
        let _held = (channel.log(), channel.lock_groups(), hub.hold());
        let (channel, hub, shown) = (channel.clone(), hub.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || shown.0.send(format!("{channel:?} {hub:?}")));
        let shown = shown.1.recv_timeout(std::time::Duration::from_secs(10)).expect("no lock");
        assert!(shown.starts_with("Channel {") && shown.contains(" Hub {"), "{shown}");
    }
}
