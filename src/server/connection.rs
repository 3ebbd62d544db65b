//! One connection: a socket and the thread that has it. Its [`Exchange`] says what to do next.
//!
//! | step | on a worker | parked |
//! | --- | --- | --- |
//! | `Receive`, `Send` | waits for the peer, or parks the connection | retries now and then |
//! | `Proxied` | takes the client for the peer | hands it to a worker |
//! | `Route`, `Run`, `Refuse` | calls [`dispatch`], and responds | hands it to a worker |
//! | `Close` | half-closes the socket, which then [lingers](Linger) | hands it to a worker |
//! | `Over`, or the peer has gone | drops the connection | drops the connection |
//!
//! A connection is parked with the watch thread where a request may need its worker. So it is a
//! value that moves between threads: the one that has it owns the socket, and dropping it closes
//! the connection. A stream takes the socket, and the worker is free.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::http::exchange::{Exchange, Step};
use crate::http::{Head, HttpDate, Request, Response, forwarded};
use crate::log::waiting::Unsent;
use crate::net::linger::Linger;
use crate::net::link::Link;
use crate::net::pool::Task;
use crate::net::watch::{Pending, Progress};
use crate::peer::Peer;
use crate::server::dispatch::{self, Accepted};
use crate::server::reply::Outcome;
use crate::server::site::Site;

/// How long a connection past the cap may be idle, and have for its head: it takes a place that
/// others could have.
const REFUSED: Duration = Duration::from_secs(1);

/// How often one retry reads or writes on while the socket lets it, so that a parked connection
/// with a large body does not wait a pause for each piece of it.
const MOVES: usize = 16;
/// How often at the deadline. Bytes that arrived before it count, and a system keeps no more than
/// this reads for one socket. So a machine that slept refuses no request because of its own sleep,
/// and a peer that sends without end is still refused.
const LAST_MOVES: usize = 512;

pub(crate) struct Connection {
    site: Arc<Site>,
    link: Link,
    peer: Peer,
    /// Whether that is a proxy of ours, which says for each request who the client is. Changes
    /// with the peer, where a proxy names that first.
    is_proxy: bool,
    /// Whether there were too many connections when it came: it gets one response, which says so.
    refused: bool,
    exchange: Exchange<Accepted>,
    /// The time after the last call that may have waited.
    now: Instant,
}

impl Connection {
    /// Takes a fresh connection.
    pub(crate) fn new(
        site: Arc<Site>,
        link: Link,
        peer: Peer,
        refused: bool,
    ) -> io::Result<Box<Self>> {
        link.set_up()?;
        let mut limits = Arc::clone(&site.runtime.limits);
        if refused {
            let of = &mut *Arc::make_mut(&mut limits);
            of.requests_per_connection = 1;
            of.idle_deadline = of.idle_deadline.min(REFUSED);
            of.head_deadline = of.head_deadline.min(REFUSED);
        }
        let now = Instant::now();
        let mut exchange = Exchange::new(limits, now);
        let proxies = site.proxies.as_ref().filter(|proxies| proxies.has_peer(peer));
        let is_proxy = proxies.is_some();
        if proxies.is_some_and(|proxies| proxies.speak_first) {
            exchange.expect_preface(now);
        }
        Ok(Box::new(Self { site, link, peer, is_proxy, refused, exchange, now }))
    }

    /// Takes what has been read of it by others.
    pub(crate) fn take_in(&mut self, read: &[u8]) {
        if !read.is_empty() {
            self.exchange.receive_copied(read, self.now);
        }
    }

    /// Gives the connection to the pool. Where no thread is to be had it is closed; returns whether
    /// one is.
    pub(crate) fn hand_to_worker(self: Box<Self>) -> bool {
        let site = Arc::clone(&self.site);
        site.runtime.pool.submit(self).is_ok()
    }

    /// Makes one step. `None` if the connection is over, or no longer this worker's.
    fn step(mut self: Box<Self>) -> Option<Box<Self>> {
        match self.exchange.step() {
            Step::Receive | Step::Send(_) => {
                let now = self.now;
                return self.transfer(now);
            }
            Step::Proxied(client) => self.take_client(client),
            Step::Route { head, too_large } => {
                self.site.runtime.counts.request();
                let client = self.client(head);
                match dispatch::find(&self.site, head, too_large, client, self.refused) {
                    Ok(accepted) => self.exchange.accept(accepted, self.now),
                    Err(response) => self.respond(response),
                }
            }
            Step::Run => return self.run(),
            Step::Refuse(refusal, method) => {
                let response = dispatch::response_to(&self.site, refusal, method);
                self.respond(response);
            }
            Step::Close => {
                let runtime = &self.site.runtime;
                let deadline = runtime.limits.write_deadline;
                Linger::begin(self.link, Unsent::default(), deadline, &runtime.watch);
                return None;
            }
            Step::Over => return None,
        }
        Some(self)
    }

    /// A request is whole: runs its handler.
    fn run(mut self: Box<Self>) -> Option<Box<Self>> {
        // The share goes back when this returns: the request is gone then.
        let (head, body, Accepted { handler, pattern, share: _share, left }) =
            self.exchange.take_request()?;
        let client = self.client(&head);
        let request = Request::new(head, body, pattern, client, left);
        match dispatch::call(&self.site, &handler, &request).0 {
            Outcome::Response(response) => self.respond(response),
            Outcome::Stream { head, .. } if self.exchange.asked().is_head() => self.respond(head),
            Outcome::Stream { mut head, handler } => {
                let Self { site, link, peer, is_proxy, refused, mut exchange, now } = *self;
                // Should there be no stream after all, one response says so, and is the last.
                exchange.stop(now);
                dispatch::add_cors(&site, &mut head, exchange.asked());
                let chunked = !exchange.asked().http_1_0;
                let started = dispatch::start_stream(&site, link, &request, chunked, head, handler);
                let (link, response) = started.err()?;
                self = Box::new(Self { site, link, peer, is_proxy, refused, exchange, now });
                self.respond(response);
            }
        }
        Some(self)
    }

    /// Who sends this request.
    #[inline]
    fn client(&self, head: &Head) -> Peer {
        if self.is_proxy { self.forwarded(head) } else { self.peer }
    }

    #[cold]
    fn forwarded(&self, head: &Head) -> Peer {
        let proxies = self.site.proxies.as_ref();
        let client = proxies.and_then(|proxies| forwarded::client(head, proxies));
        client.map_or(self.peer, Peer::Forwarded)
    }

    /// The proxy has said for which client it has this connection, or that it doesn't say.
    #[cold]
    fn take_client(&mut self, client: Option<IpAddr>) {
        // What it passes on is not its own word, so it says nothing more of its client.
        let proxies = self.site.proxies.as_ref().zip(client);
        self.is_proxy = proxies.is_some_and(|(proxies, client)| proxies.has(client));
        self.peer = client.map_or(self.peer, Peer::Forwarded);
        self.exchange.begin_requests(self.now);
    }

    fn respond(&mut self, mut response: Response) {
        self.now = Instant::now();
        if self.site.runtime.is_stopping() {
            self.exchange.stop(self.now);
        }
        dispatch::add_cors(&self.site, &mut response, self.exchange.asked());
        self.exchange.respond(response, HttpDate::from(SystemTime::now()), self.now);
    }

    /// Reads or writes on a worker, and waits for the peer, or parks the connection where that
    /// worker may be needed.
    fn transfer(mut self: Box<Self>, now: Instant) -> Option<Box<Self>> {
        let site = Arc::clone(&self.site);
        let pool = &site.runtime.pool;
        if self.is_late(now) {
            self.link.set_blocking(false).ok()?;
            let Some(_) = self.attempt(now).ok()? else { return Some(self) };
            return self.park();
        }
        // Asked for again with each piece, or a peer could hold the worker by sending or taking
        // little.
        let sends = self.exchange.sends();
        let right = self.link.may_block(pool, sends).ok()?;
        let moved = self.move_bytes(now).ok()?;
        if !moved {
            self.now = Instant::now();
        }
        let may_stay = right.is_some() && !pool.is_wanted();
        match self.exchange.step() {
            Step::Send(_) if may_stay && moved => Some(self),
            Step::Send(_) => self.park(),
            // It has had a response: where others wait for a worker, the next is after theirs.
            Step::Receive | Step::Route { .. } if sends && pool.is_behind() => {
                self.hand_to_worker();
                None
            }
            Step::Receive if !sends && !moved && !may_stay => self.park(),
            _ => Some(self),
        }
    }

    fn park(mut self: Box<Self>) -> Option<Box<Self>> {
        self.link.set_blocking(false).ok()?;
        let site = Arc::clone(&self.site);
        site.runtime.watch.add(self);
        None
    }

    /// Reads or writes what the socket lets it, without waiting. `None` if there is a step for a
    /// worker then.
    fn attempt(&mut self, now: Instant) -> io::Result<Option<Progress>> {
        let (sends, mut progress) = (self.exchange.sends(), Progress::Stuck);
        for _ in 0..if self.is_late(now) { LAST_MOVES } else { MOVES } {
            if !self.move_bytes(now)? {
                break;
            }
            progress = Progress::Moved;
            if self.exchange.sends() != sends
                || !matches!(self.exchange.step(), Step::Receive | Step::Send(_))
            {
                return Ok(None);
            }
        }
        // What has come by now has been taken in.
        if !self.is_late(now) {
            return Ok(Some(progress));
        }
        self.exchange.expire();
        match self.exchange.step() {
            Step::Over => Err(ErrorKind::TimedOut.into()),
            _ => Ok(None),
        }
    }

    fn is_late(&mut self, now: Instant) -> bool {
        let runtime = &self.site.runtime;
        if runtime.is_stopping() {
            self.exchange.stop(now);
        }
        now >= self.exchange.deadline() || runtime.gives_up()
    }

    /// Reads or writes once. Returns whether the socket had or took something.
    fn move_bytes(&mut self, now: Instant) -> io::Result<bool> {
        let Self { link, exchange, now: last, .. } = self;
        let mut later = || {
            *last = now.max(Instant::now());
            *last
        };
        if let Step::Send(unsent) = exchange.step() {
            let taken = link.write_both(unsent)?;
            return Ok(taken.inspect(|taken| exchange.sent(*taken, later())).is_some());
        }
        let came = link.read(|bytes| {
            exchange.receive(bytes, later());
            bytes.len()
        })?;
        if came == Some(0) { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(came.is_some()) }
    }
}

impl Task for Connection {
    fn perform(mut self: Box<Self>) {
        self.now = Instant::now();
        let mut next = Some(self);
        while let Some(connection) = next {
            next = connection.step();
        }
    }
}

/// A parked connection.
impl Pending for Connection {
    fn retry(mut self: Box<Self>, now: Instant) -> Option<(Box<dyn Pending>, Progress)> {
        let Some(progress) = self.attempt(now).ok()? else {
            self.hand_to_worker();
            return None;
        };
        Some((self, progress))
    }
}

#[cfg(test)]
mod tests;
