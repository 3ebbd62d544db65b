//! The streams of the load: opened, read through epoll on one thread, and checked.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use memchr::memmem;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::event::{Check, ROOM};
use super::publisher::Publisher;
use crate::Result;

/// What one `read` may take. Larger than what a stream is ever behind, most of the time.
const BUFFER: usize = 256 * 1024;
/// So few that the publisher, who is looked at once for each of these, does not wait for long.
const EVENTS: usize = 64;
/// Streams that are open may have to subscribe yet.
const SETTLE: Duration = Duration::from_millis(200);
/// A server that says nothing for so long has lost something.
const PATIENCE: Duration = Duration::from_secs(20);

/// Epoll's key of the publisher; the streams have their places.
const PUBLISHER: u64 = u64::MAX;

pub(super) struct Stream {
    pub(super) socket: TcpStream,
    pub(super) check: Check,
}

/// All sockets of the load.
pub(super) struct Load {
    pub(super) address: SocketAddr,
    pub(super) streams: Vec<Stream>,
    pub(super) publisher: Publisher,
    /// The sequence number of the next event to be published.
    pub(super) next: u64,
    /// Deliveries so far, to all streams together.
    pub(super) delivered: u64,
    /// The number below which every stream has everything, when it was last looked.
    slowest: u64,
    epoll: Epoll,
    buffer: Vec<u8>,
}

/// Told of each read: the events that it completed, and when it returned.
pub(super) type OnEvents<'a> = &'a mut dyn FnMut(std::ops::Range<u64>, Instant);

impl Load {
    pub(super) fn new(address: SocketAddr) -> Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::empty())?;
        let publisher = Publisher::connect(address)?;
        epoll.add(publisher.socket(), EpollEvent::new(EpollFlags::EPOLLIN, PUBLISHER))?;
        Ok(Self {
            address,
            streams: Vec::new(),
            publisher,
            next: 0,
            delivered: 0,
            slowest: 0,
            epoll,
            buffer: vec![0; ROOM + BUFFER],
        })
    }

    /// Opens streams until there are so many, one after the other: where many connect at once the
    /// threads of tiny_http's pool, which are counted in a race, run out.
    pub(super) fn open(&mut self, streams: usize) -> Result<()> {
        self.open_at(streams, |_| "/events".to_owned())
    }

    /// Opens streams until there are so many, each at a target of its own.
    pub(super) fn open_at(
        &mut self,
        streams: usize,
        target: impl Fn(usize) -> String,
    ) -> Result<()> {
        for index in self.streams.len()..streams {
            let mut socket = TcpStream::connect(self.address)?;
            let (target, host) = (target(index), self.address);
            let request = format!(
                "GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n"
            );
            socket.write_all(request.as_bytes())?;
            let mut stream = Stream { socket, check: Check::new(self.next) };
            stream.read_head()?;
            let event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
            self.epoll.add(&stream.socket, event)?;
            self.streams.push(stream);
        }
        std::thread::sleep(SETTLE);
        Ok(())
    }

    /// From now on nobody reads this stream.
    pub(super) fn stop_reading(&mut self, index: usize) -> Result<()> {
        self.epoll.delete(&self.streams[index].socket)?;
        self.streams[index].check.next = u64::MAX;
        Ok(())
    }

    /// Publishes so many events in one write.
    pub(super) fn publish(&mut self, count: u64) -> Result<()> {
        self.publisher.post("/publish", self.next..self.next + count)?;
        self.next += count;
        Ok(())
    }

    /// Reads what is there; waits for it at most so many milliseconds, which may be none.
    pub(super) fn poll(&mut self, millis: u16, on_events: OnEvents<'_>) -> Result<usize> {
        let mut events = [EpollEvent::empty(); EVENTS];
        let ready = self.wait(millis, &mut events)?;
        for index in ready.iter().filter_map(stream_of) {
            self.read(index, on_events)?;
        }
        if !self.publisher.is_answered() {
            self.publisher.read()?;
        }
        Ok(ready.len())
    }

    /// The streams that have something to be read, waited for at most so many milliseconds.
    pub(super) fn ready(&self, millis: u16) -> Result<Vec<usize>> {
        let mut events = [EpollEvent::empty(); EVENTS];
        Ok(self.wait(millis, &mut events)?.iter().filter_map(stream_of).collect())
    }

    fn wait<'a>(&self, millis: u16, events: &'a mut [EpollEvent]) -> Result<&'a [EpollEvent]> {
        match self.epoll.wait(events, EpollTimeout::from(millis)) {
            Err(nix::errno::Errno::EINTR) => Ok(&[]),
            ready => Ok(&events[..ready?]),
        }
    }

    fn read(&mut self, index: usize, on_events: OnEvents<'_>) -> Result<()> {
        let Stream { socket, check } = &mut self.streams[index];
        let read = match socket.read(&mut self.buffer[ROOM..]) {
            Ok(0) => return Err(format!("the server closed stream {index}").into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(format!("stream {index}: {error}").into()),
        };
        let now = Instant::now();
        let before = check.next;
        check
            .take(&mut self.buffer, read)
            .map_err(|error| format!("EVENTS LOST, DOUBLED OR OUT OF ORDER: {index}: {error}"))?;
        if check.next > before {
            self.delivered += check.next - before;
            on_events(before..check.next, now);
        }
        Ok(())
    }

    /// The number up to which all streams have all events, or an older one that is at least
    /// `enough`: looking at all streams is not cheap.
    pub(super) fn slowest(&mut self, enough: u64) -> u64 {
        if self.slowest < enough {
            let least = self.streams.iter().map(|stream| stream.check.next).min();
            self.slowest = least.unwrap_or(self.next).min(self.next);
        }
        self.slowest
    }

    /// Reads until all streams have everything and all posts are answered.
    pub(super) fn drain(&mut self, on_events: OnEvents<'_>) -> Result<()> {
        let mut heard = Instant::now();
        while self.slowest(self.next) < self.next || !self.publisher.is_answered() {
            if self.poll(100, on_events)? > 0 {
                heard = Instant::now();
            } else if heard.elapsed() > PATIENCE {
                let (slowest, next) = (self.slowest, self.next);
                return Err(format!("EVENTS LOST: a stream has {slowest} of {next}").into());
            }
        }
        Ok(())
    }

    /// Reads for a while, and fails on any event that nobody sent.
    pub(super) fn rest(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.poll(left.as_millis().clamp(1, 1000) as u16, &mut |_, _| {})?;
        }
        Ok(())
    }
}

/// The place of the stream to which this belongs, unless it is the publisher's.
fn stream_of(event: &EpollEvent) -> Option<usize> {
    (event.data() != PUBLISHER).then_some(event.data() as usize)
}

impl Stream {
    /// Waits for the head of the response; what comes after it is checked already.
    fn read_head(&mut self) -> Result<()> {
        self.socket.set_read_timeout(Some(PATIENCE))?;
        let mut buffer = vec![0; ROOM + 8 * 1024];
        let mut end = ROOM;
        loop {
            if let Some(at) = memmem::find(&buffer[ROOM..end], b"\r\n\r\n") {
                if !buffer[ROOM..].starts_with(b"HTTP/1.1 200 ") {
                    return Err("the server gave no stream".into());
                }
                self.check.take(&mut buffer[at + 4..], end - ROOM - at - 4)?;
                self.socket.set_nonblocking(true)?;
                return Ok(());
            }
            match self.socket.read(&mut buffer[end..])? {
                0 => return Err("the server closed a stream before its head".into()),
                read => end += read,
            }
        }
    }
}
