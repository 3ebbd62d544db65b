//! The last step of the bytes of an open stream: its socket, and what the socket didn't take.
//!
//! A stream's socket does not block. What it does not take at once waits here, and the watch thread
//! retries. While the stream is open, that is at most the rest of one event that is not large, and
//! what was sent on this stream alone, up to the limit of unsent bytes. Of a large event only the
//! place is kept; if it is of the past, with what was read of it and not sent. At the stream's end,
//! [`Linger`](crate::net::linger) writes what is left.

use std::time::Duration;

use crate::error::{CloseReason, Error};
use crate::log::batch::{Amount, Batch, Rest};
use crate::log::large::PastPart;
use crate::log::waiting::{Unsent, Waiting};
use crate::net::link::Link;
use crate::net::moment::Moment;

pub(crate) struct Outbox {
    link: Link,
    /// Present while the watch thread retries this stream: what is to go out before anything else.
    /// It may be empty, where the socket took an event whole and then no more; it still did not
    /// take the next.
    blocked: Option<Box<Waiting>>,
    /// Everything that went out, the head included.
    sent: u64,
    /// When the socket last took something, or when it first took nothing. Any time before the
    /// head goes out, since nobody asks then.
    last_write: Moment,
}

/// What became of bytes that the outbox was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// They went out.
    Done,
    /// They wait after others.
    Waits,
    /// They are the first that the socket did not take: the watch thread has to retry.
    Blocked,
}

/// The peer has gone: nothing will ever be written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone(pub(crate) CloseReason);

impl From<Gone> for Error {
    fn from(Gone(reason): Gone) -> Self {
        Self::closed(reason)
    }
}

/// How often a check reads again where it finds bytes that nobody asked for. A client that floods
/// its stream is read slowly, which the flow control of TCP passes on to it.
const READS: usize = 128;

impl Outbox {
    pub(crate) fn new(link: Link) -> Self {
        Self { link, blocked: None, sent: 0, last_write: Moment::default() }
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// How many bytes are kept here. A large event of a log is not: it is the log's.
    pub(crate) fn unsent(&self) -> usize {
        self.blocked.as_ref().map_or(0, |waiting| waiting.kept())
    }

    /// Whether nothing waits here, although the stream may be blocked.
    pub(crate) fn is_empty(&self) -> bool {
        self.blocked.as_ref().is_none_or(|waiting| waiting.is_empty())
    }

    /// What has to be read from the past before anything goes out: the rest of a large event.
    pub(crate) fn missing(&self) -> Option<&PastPart> {
        self.blocked.as_ref()?.missing()
    }

    /// Takes the first bytes of what is missing.
    pub(crate) fn give(&mut self, piece: &[u8]) {
        if let Some(waiting) = &mut self.blocked {
            waiting.give(piece);
        }
    }

    /// How long nothing has gone out.
    pub(crate) fn silent_for(&self, now: Moment) -> Duration {
        now.since(self.last_write)
    }

    /// Whether nothing has gone out since then.
    #[inline]
    pub(crate) fn is_silent_since(&self, then: Moment) -> bool {
        self.last_write <= then
    }

    /// Writes what the socket takes at once, in one `send`. Only while not blocked. This is on the
    /// path of every delivery, where a call costs 30 instructions.
    #[inline(always)]
    pub(crate) fn write(&mut self, bytes: &[u8], now: Moment) -> Result<usize, Gone> {
        match self.link.write(bytes) {
            Ok(Some(taken)) => {
                self.sent += taken as u64;
                self.last_write = now;
                Ok(taken)
            }
            Ok(None) => Ok(0),
            Err(_) => Err(Gone(CloseReason::Reset)),
        }
    }

    /// Keeps what the socket did not take, and the events that it is the rest of. From now on the
    /// stream is blocked, and has the write deadline before it, however long it was silent before.
    /// For a stream that is blocked already, nothing changes: only bytes that go out set its clock
    /// back.
    pub(crate) fn keep(&mut self, rest: Rest<'_>, of: Amount, now: Moment) {
        if self.blocked.is_none() {
            self.last_write = now;
        }
        self.blocked.get_or_insert_default().add(rest, of);
    }

    /// The socket takes more again, or there is nothing more for it to take. Does nothing while
    /// something waits: whoever writes next would write into the middle of it.
    pub(crate) fn unblock(&mut self) {
        if self.is_empty() {
            self.blocked = None;
        }
    }

    /// Sends the first bytes. From here on the socket does not block.
    pub(crate) fn open(&mut self, head: &[u8], of: Amount, now: Moment) -> Result<Put, Gone> {
        self.link.set_blocking(false).map_err(|_| Gone(CloseReason::Reset))?;
        self.put(head, of, now)
    }

    /// Sends bytes that are so many events, after whatever waits; keeps what the socket does not
    /// take.
    pub(crate) fn put(&mut self, bytes: &[u8], of: Amount, now: Moment) -> Result<Put, Gone> {
        if let Some(waiting) = &mut self.blocked {
            waiting.add(Rest::Bytes(bytes), of);
            return Ok(Put::Waits);
        }
        let taken = self.write(bytes, now)?;
        if taken == bytes.len() {
            return Ok(Put::Done);
        }
        self.keep(Rest::Bytes(&bytes[taken..]), of, now);
        Ok(Put::Blocked)
    }

    /// Sends a batch as [`put`](Self::put) does, and returns the events that are whole now. A large
    /// event that waits for nothing is shared and not copied.
    pub(crate) fn put_batch(&mut self, batch: &Batch, now: Moment) -> Result<Amount, Gone> {
        let len = batch.bytes().len();
        let sent = if self.is_blocked() { 0 } else { self.write(batch.bytes(), now)? };
        let whole = batch.whole_at(sent);
        if sent < len {
            let events = batch.events() - whole.events;
            self.keep(batch.rest(sent..len), Amount { events, bytes: len - whole.bytes }, now);
        }
        Ok(whole)
    }

    /// Sends what waits, as far as the socket takes it, and returns the events that are whole now.
    /// The stream stays blocked: whether the socket takes more than this is not known, and after a
    /// failure what waits still stands before all else.
    pub(crate) fn flush(&mut self, now: Moment) -> Result<Amount, Gone> {
        let Some(mut waiting) = self.blocked.take() else { return Ok(Amount::default()) };
        let whole = self.send_waiting(&mut waiting, now);
        self.blocked = Some(waiting);
        whole
    }

    fn send_waiting(&mut self, waiting: &mut Waiting, now: Moment) -> Result<Amount, Gone> {
        let mut whole = Amount::default();
        while !waiting.is_empty() {
            // Nothing may go out after a large event whose rest is missing.
            let Some(taken) = waiting.first(|bytes| self.write(bytes, now)) else { break };
            let taken = taken?;
            if taken == 0 {
                break;
            }
            whole += waiting.advance(taken);
        }
        Ok(whole)
    }

    /// Reads and drops what the client sends during the stream, to find the end after it.
    pub(crate) fn peer_has_gone(&self) -> Option<CloseReason> {
        for _ in 0..READS {
            match self.link.discard() {
                Ok(Some(0)) => return Some(CloseReason::Client),
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(_) => return Some(CloseReason::Reset),
            }
        }
        None
    }

    /// Takes the outbox apart at the end of its stream: the link, and what still waits. That is
    /// nothing if it would begin with the rest of an event that has left its log.
    pub(crate) fn finish(self) -> (Link, Unsent) {
        let unsent = self.blocked.and_then(|waiting| waiting.into_unsent());
        (self.link, unsent.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::log::large::LargeEvent;
    use crate::net::counts::Counts;

    const NO_EVENT: Amount = Amount { events: 0, bytes: 0 };

    /// An outbox whose socket takes no more, and its peer.
    fn full() -> (Outbox, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, _) = listener.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut outbox = Outbox::new(Link::new(socket, Counts::default().connection()));
        while outbox.write(&[b'x'; 4096], at(0)).unwrap() > 0 {}
        // What is under way to the peer may still make room.
        std::thread::sleep(Duration::from_millis(50));
        while outbox.write(b"x", at(0)).unwrap() > 0 {}
        (outbox, peer)
    }

    fn at(milliseconds: u64) -> Moment {
        Moment::at(milliseconds)
    }

    fn silent_for(outbox: &Outbox, now: u64) -> u128 {
        outbox.silent_for(at(now)).as_millis()
    }

    #[test]
    fn only_what_goes_out_sets_back_the_clock_of_a_blocked_stream() {
        let (mut outbox, mut peer) = full();
        // An event was taken whole, and of the next one nothing: there is no rest.
        assert_eq!(outbox.write(b"next", at(1000)), Ok(0));
        outbox.keep(Rest::Bytes(&[]), NO_EVENT, at(1000));
        assert_eq!(silent_for(&outbox, 1500), 500, "it has the whole deadline before it");
        for now in [2000, 3000] {
            assert_eq!(outbox.flush(at(now)), Ok(NO_EVENT));
            assert!(outbox.is_empty() && outbox.is_blocked());
            assert_eq!(outbox.write(b"next", at(now)), Ok(0));
            outbox.keep(Rest::Bytes(&[]), NO_EVENT, at(now));
            assert_eq!(silent_for(&outbox, now), u128::from(now) - 1000);
        }
        // More that comes does not either, nor does a try that gets rid of nothing.
        assert_eq!(outbox.put(b"more", NO_EVENT, at(4000)), Ok(Put::Waits));
        assert_eq!(outbox.flush(at(4000)), Ok(NO_EVENT));
        assert_eq!((silent_for(&outbox, 4000), outbox.unsent()), (3000, 4));

        peer.set_nonblocking(true).unwrap();
        while outbox.unsent() > 0 {
            let _ = peer.read(&mut [0; 65536]);
            outbox.flush(at(5000)).unwrap();
        }
        assert_eq!(silent_for(&outbox, 5000), 0);
    }

    #[test]
    fn everything_that_goes_out_is_counted_once() {
        let (mut outbox, mut peer) = full();
        let before = outbox.sent();
        let one = |bytes| Amount { events: 1, bytes };
        assert_eq!(outbox.put(b"first", one(5), at(0)), Ok(Put::Blocked));
        assert_eq!(outbox.put(b"second", one(6), at(0)), Ok(Put::Waits));
        assert_eq!((outbox.sent(), outbox.unsent()), (before, 11));
        peer.set_nonblocking(true).unwrap();
        let mut whole = NO_EVENT;
        while !outbox.is_empty() {
            let _ = peer.read(&mut [0; 65536]);
            whole += outbox.flush(at(0)).unwrap();
        }
        assert_eq!((whole, outbox.sent()), (Amount { events: 2, bytes: 11 }, before + 11));
        assert!(outbox.is_blocked(), "whether there is more room is not known");
        outbox.unblock();
        assert!(!outbox.is_blocked());
    }

    #[test]
    fn nothing_goes_out_after_the_part_of_a_large_event_whose_rest_is_gone() {
        let (mut outbox, mut peer) = full();
        let event = LargeEvent::new(b"the rest".to_vec());
        outbox.keep(Rest::Part(event.part(7, 0..8)), NO_EVENT, at(0));
        drop(event);
        assert_eq!(outbox.flush(at(0)), Ok(NO_EVENT));
        assert!(outbox.missing().is_some());
        outbox.unblock();
        // There is room again, but another event would stand within this one.
        peer.set_nonblocking(true).unwrap();
        while peer.read(&mut [0; 65536]).is_ok() {}
        let sent = outbox.sent();
        assert_eq!(outbox.put(b"next", NO_EVENT, at(0)), Ok(Put::Waits));
        assert_eq!(outbox.flush(at(0)), Ok(NO_EVENT));
        assert_eq!(outbox.sent(), sent);
        assert!(outbox.finish().1.is_empty());
    }

    #[test]
    fn a_peer_that_has_closed_is_told_from_one_that_is_silent() {
        let (outbox, peer) = full();
        assert_eq!(outbox.peer_has_gone(), None);
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        while outbox.peer_has_gone().is_none() {}
        assert_eq!(outbox.peer_has_gone(), Some(CloseReason::Client));
    }
}
