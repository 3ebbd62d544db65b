//! Channels: a log of events, and the streams that follow it.
//!
//! **A channel is a log, and a stream is a cursor into it.** Publishing appends to the log; a pass
//! sends each stream what lies between its cursor and the end. Resume sets the cursor further
//! back; a slow reader's cursor stays behind; neither is a path of its own.
//!
//! ```text
//! send ─► log ─► groups ─► pass over the streams of one shard ─► send(log[cursor..]) ─► sockets
//! ```
//!
//! To read on: [`log`](crate::log) keeps the events and says what a stream is sent next,
//! [`reader`] is a stream as it is known here, [`group`] makes the passes over streams, [`fanout`]
//! says whose turn it is, [`hub`] gives names to channels, and `names` forgets them.

pub(crate) mod batches;
pub(crate) mod fanout;
pub(crate) mod group;
pub(crate) mod hub;
mod names;
pub(crate) mod reader;
pub(crate) mod slots;
pub(crate) mod subscription;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{CloseReason, Error, Result};
use crate::event::{Event, EventId, IntoEvent};
use crate::log::cursor::{self, Lag};
use crate::log::{History, Log};
use crate::net::sync::{AtomicBool, AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};
use crate::stream::interval::{self, Interval};
use fanout::Shard;
use group::Group;
use hub::Sequence;
use reader::Reader;

/// Something that many streams follow, and that remembers its newest events.
///
/// A clone is the same channel. Streams follow it with [`SseWriter::subscribe`]; who comes back
/// with a last event ID is sent what it missed, as far as the channel's [`History`] reaches. A
/// channel needs no server, and the streams of several servers may follow one.
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
/// stream follows several channels, their logs are locked in the order of their `number`.
struct Inner {
    /// Ids come from here; all channels of a hub share it.
    sequence: Arc<Sequence>,
    number: u64,
    lag: Lag,
    log: Mutex<Log>,
    /// The newest number in the log. Written while the log is locked, read without it. A stream
    /// whose cursor is no smaller has been sent everything.
    newest: Arc<AtomicU64>,
    /// The streams, by shard. Replaced as a whole, so that a publisher takes it in one step.
    groups: Mutex<Arc<[Arc<Group>]>>,
    closed: AtomicBool,
}

/// Gives each channel of the process its place in the lock order.
static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

impl Default for Channel {
    fn default() -> Self {
        Self::new()
    }
}

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
        Self::build(Arc::new(Sequence::new()), history, Lag::default(), 0)
    }

    /// A channel of its own that does this to streams which fall behind its history.
    pub fn with(history: History, lag: Lag) -> Self {
        Self::build(Arc::new(Sequence::new()), history, lag, 0)
    }

    fn build(sequence: Arc<Sequence>, history: History, lag: Lag, forgotten_through: u64) -> Self {
        Self(Arc::new(Inner {
            sequence,
            number: NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            lag,
            log: Mutex::new(Log::new(history, forgotten_through)),
            newest: Arc::default(),
            groups: Mutex::new(Arc::new([])),
            closed: AtomicBool::new(false),
        }))
    }

    /// Publishes an event: appends it to the log under a new id, and sends it to every stream that
    /// follows the channel. The id replaces one that the event has.
    ///
    /// It never waits for a peer: a stream that does not take it now gets it later, or a gap event.
    /// At most it spends a few milliseconds on sending to the streams itself; a fan-out thread does
    /// the rest, and all of it where the streams are being sent to already.
    ///
    /// # Errors
    ///
    /// When the channel is closed ([`is_channel_closed`](Error::is_channel_closed)), when the event
    /// is larger than [`History::event`] allows ([`is_too_large`](Error::is_too_large)), or an id
    /// or type holds CR, LF or NUL.
    pub fn send(&self, event: impl IntoEvent) -> Result<EventId> {
        let id = self.append(&event.into_event()?)?;
        for group in self.groups().iter() {
            group.publish();
        }
        Ok(id)
    }

    /// The number is drawn while the log is locked, so a reader who holds the logs of several
    /// channels sees all numbers up to the newest.
    fn append(&self, event: &Event) -> Result<EventId> {
        let mut log = self.log();
        if self.is_closed() {
            return Err(Error::channel_closed());
        }
        // Before the draw: a number that no event has would be taken for one that was lost.
        event.check_len(false, log.largest_event())?;
        let sequence = self.0.sequence.draw();
        let id = cursor::event_id(self.0.sequence.epoch, sequence);
        let len = event.len_with_id(id.as_str().len());
        let encode = |out: &mut Vec<u8>| event.encode_with_id(id.as_str(), out);
        log.push(sequence, self.0.sequence.now(), len, encode);
        self.0.newest.store(sequence, Ordering::Release);
        Ok(id)
    }

    /// Calls a closure again and again, on one thread for all the streams of the channel: a ticker.
    /// The first call comes after one period; later ones don't drift, and one that would come a
    /// whole period late is left out.
    ///
    /// It goes on until what is returned is dropped, the channel is closed, or the closure fails or
    /// panics. [`Interval::on_end`] has you told which: a channel has no server, and so no hooks.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidings::Channel;
    ///
    /// let time = Channel::new();
    /// let ticker = time.every(Duration::from_millis(1), |time| time.send("tick").map(drop))?;
    /// while time.kept() == 0 {
    ///     std::thread::yield_now();
    /// }
    /// drop(ticker);
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the period is zero, or the system gives no thread.
    pub fn every(
        &self,
        period: Duration,
        call: impl FnMut(&Channel) -> Result<()> + Send + 'static,
    ) -> Result<Interval> {
        interval::of_channel(self.clone(), period, call)
    }

    /// How many streams follow it.
    pub fn streams(&self) -> usize {
        self.groups().iter().map(|group| group.len()).sum()
    }

    /// How many events it keeps at the moment.
    pub fn kept(&self) -> usize {
        let mut log = self.log();
        log.evict(self.0.sequence.now());
        log.len()
    }

    /// How many events were ever published on it.
    pub fn published(&self) -> u64 {
        self.log().pushed()
    }

    /// Ends the channel and every stream that follows it. A stream is sent what it has not yet had,
    /// and then its last chunk; what a slow reader would leave waiting beyond the limit of unsent
    /// bytes is left out, and so is its last chunk. Publishing and subscribing then fail. Closing
    /// it again does nothing.
    pub fn close(&self) {
        {
            let _log = self.log();
            self.0.closed.store(true, Ordering::Release);
        }
        let groups = self.groups();
        let readers: Vec<Arc<dyn Reader>> =
            groups.iter().flat_map(|group| group.readers()).collect();
        readers.iter().for_each(|reader| reader.end(CloseReason::Channel));
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// A key that no other channel alive has.
    fn number(&self) -> u64 {
        self.0.number
    }

    /// Adds a stream, and returns its slot. It is sent what is published from now on.
    fn join(&self, reader: Arc<dyn Reader>) -> u32 {
        let shard = reader.shard();
        let group = self.group_of(shard).unwrap_or_else(|| {
            let mut groups = self.lock_groups();
            // Somebody else may have been here in between.
            if let Some(group) = groups.iter().find(|group| group.is_of(shard)) {
                return Arc::clone(group);
            }
            let group = Arc::new(Group::new(shard, &self.0.newest));
            // Those of servers that have ended are of no use any more.
            let others = groups.iter().filter(|group| !group.is_over());
            *groups = others.chain([&group]).cloned().collect();
            group
        });
        group.add(reader)
    }

    /// Removes a stream by its slot. Its group stays, as the next stream of the shard will want it.
    fn leave(&self, shard: &Arc<Shard>, slot: u32) {
        if let Some(group) = self.group_of(shard) {
            group.remove(slot);
        }
    }

    fn group_of(&self, shard: &Arc<Shard>) -> Option<Arc<Group>> {
        self.groups().iter().find(|group| group.is_of(shard)).cloned()
    }

    fn groups(&self) -> Arc<[Arc<Group>]> {
        Arc::clone(&self.lock_groups())
    }

    fn lock_groups(&self) -> MutexGuard<'_, Arc<[Arc<Group>]>> {
        self.0.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpStream;
    use std::time::Instant;

    use super::*;
    use crate::Server;

    /// Serves the channel to a few clients, and stops.
    fn serve(channel: &Channel) {
        let followed = channel.clone();
        let server = Server::bind("127.0.0.1:0").unwrap();
        let server = server.sse("/", move |stream, _request| stream.subscribe(&followed));
        let server = server.start().unwrap();
        let mut clients = [(); 4].map(|()| TcpStream::connect(server.address()).unwrap());
        for client in &mut clients {
            client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        }
        wait(|| channel.streams() == clients.len());
        server.stop().unwrap();
    }

    fn wait(condition: impl Fn() -> bool) {
        let begun = Instant::now();
        while !condition() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the condition did not come");
            std::thread::yield_now();
        }
    }

    #[test]
    fn servers_that_have_ended_do_not_add_up_in_a_channel() {
        let channel = Channel::new();
        serve(&channel);
        let of_one = channel.groups().len();
        for _ in 0..3 {
            wait(|| channel.groups().iter().all(|group| group.is_over()));
            serve(&channel);
        }
        assert_eq!(channel.groups().len(), of_one);
    }

    #[test]
    fn what_is_shown_for_debugging_takes_no_lock() {
        let hub = hub::Hub::new();
        let channel = hub.channel("a");
        let _held = (channel.0.log.lock().unwrap(), channel.lock_groups(), hub.hold());
        let (channel, hub, shown) = (channel.clone(), hub.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || shown.0.send(format!("{channel:?} {hub:?}")));
        let shown = shown.1.recv_timeout(std::time::Duration::from_secs(10)).expect("no lock");
        assert!(shown.starts_with("Channel {") && shown.contains(" Hub {"), "{shown}");
    }
}
