//! One connection: the socket, the thread that has it, and who takes its requests. What is to be
//! done next, its [`Exchange`] says.
//!
//! ```text
//!             Route, Run, Refuse                      Close ──► linger
//!               ┌───────┐      a worker may wait     ┌─────┐
//!  acceptor ──► │ worker│ ◄──── Receive, Send ─────► │ peer│
//!               └───────┘                            └─────┘
//!                 ▲   │ no worker may wait              ▲
//!                 │   ▼                                 │
//!            watch thread ◄───── Receive, Send ─────────┘      a stream: it has the socket now
//! ```
//!
//! A worker makes the steps of an exchange as far as they go without waiting. Where the peer has to
//! do something first, the worker waits only if no request can need it; else the connection is
//! *parked*: the watch thread retries the read or the write now and then, and hands the connection
//! to a worker when there is another step. So a connection is a value that moves between threads;
//! the one that has it owns the socket, and dropping it closes the connection.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::http::date::HttpDate;
use crate::http::exchange::{Exchange, Recipient, Step};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::log::waiting::Unsent;
use crate::net::budget::Share;
use crate::net::linger::Linger;
use crate::net::link::Link;
use crate::net::watch::{Pending, Progress};
use crate::server::dispatch;
use crate::server::reply::Kind;
use crate::server::routes::{Handler, Params};
use crate::server::site::Site;

/// How long a connection past the cap may be idle, and have for its head: it takes a place that
/// others could have.
const REFUSED: Duration = Duration::from_secs(1);

/// How often one retry reads on while there is something, so that nobody who is parked with a large
/// body waits a pause for each piece of it.
const READS: usize = 16;
/// And how often at the deadline: what had come by then counts, which is as much as a system keeps
/// for one socket. So a machine that slept refuses nobody for its own sleep, and a peer that sends
/// without end is still refused.
const LAST_READS: usize = 512;

pub(crate) struct Connection {
    server: Arc<Site>,
    link: Link,
    peer: SocketAddr,
    /// Whether there were too many connections when it came: it gets one response, which says so.
    refused: bool,
    exchange: Exchange<Accepted>,
}

/// Who takes a request that was accepted.
struct Accepted {
    handler: Handler,
    params: Params,
    /// Of the memory for all bodies, this one's. Nothing for a body that no handler is given: it is
    /// not kept.
    share: Option<Share>,
}

impl Recipient for Accepted {
    fn has_room_for(&mut self, bytes: usize) -> bool {
        self.share.as_mut().is_none_or(|share| share.grow_to(bytes))
    }
}

impl Connection {
    /// Takes a fresh connection.
    pub(crate) fn new(
        server: Arc<Site>,
        link: Link,
        peer: SocketAddr,
        refused: bool,
    ) -> io::Result<Box<Self>> {
        link.set_up()?;
        let mut limits = Arc::clone(&server.runtime.limits);
        if refused {
            let of = &mut *Arc::make_mut(&mut limits);
            of.requests_per_connection = 1;
            of.idle_deadline = of.idle_deadline.min(REFUSED);
            of.head_deadline = of.head_deadline.min(REFUSED);
        }
        let exchange = Exchange::new(limits, Instant::now());
        Ok(Box::new(Self { server, link, peer, refused, exchange }))
    }

    /// Gives the connection to the pool. Where no thread is to be had it is closed.
    pub(crate) fn hand_to_worker(self: Box<Self>) {
        let server = Arc::clone(&self.server);
        drop(server.runtime.pool.submit(Box::new(move || self.serve())));
    }

    /// A worker's whole work with it.
    fn serve(self: Box<Self>) {
        let mut connection = self;
        while let Some(next) = connection.step() {
            connection = next;
        }
    }

    /// Makes one step. `None` if the connection is over, or no longer this worker's.
    fn step(mut self: Box<Self>) -> Option<Box<Self>> {
        match self.exchange.step() {
            Step::Receive | Step::Send(_) => return self.transfer(Instant::now()),
            Step::Route { head, too_large } => {
                self.server.runtime.counts.request();
                let found = if too_large {
                    Err(dispatch::too_large(&self.server, head.method()))
                } else {
                    dispatch::find(&self.server, head, self.peer, self.refused)
                };
                let share = head.method().has_content().then(|| self.server.bodies.share());
                match found {
                    Ok((handler, params)) => {
                        let accepted = Accepted { handler, params, share };
                        self.exchange.accept(accepted, Instant::now());
                    }
                    Err(response) => self.respond(response),
                }
            }
            Step::Run => return self.run(),
            Step::Refuse(refusal) => {
                let response = dispatch::refused(&self.server, refusal);
                self.respond(response);
            }
            Step::Close => {
                let runtime = &self.server.runtime;
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
        let (head, body, Accepted { handler, params, share: _share }) =
            self.exchange.take_request()?;
        let request = Request::new(head, body, params, self.peer);
        match dispatch::call(&self.server, &handler, &request).0 {
            Kind::Response(response) => self.respond(response),
            Kind::Stream { head, .. } if self.exchange.asked().head_only => self.respond(head),
            Kind::Stream { head, handler } => {
                let Self { server, link, peer, refused, mut exchange } = *self;
                exchange.make_last();
                let head = dispatch::with_cors(&server, head, exchange.asked());
                let chunked = !exchange.asked().http_1_0;
                let started =
                    dispatch::start_stream(&server, link, &request, chunked, head, handler);
                let (link, response) = started.err()?;
                self = Box::new(Self { server, link, peer, refused, exchange });
                self.respond(response);
            }
        }
        Some(self)
    }

    fn respond(&mut self, response: Response) {
        let now = Instant::now();
        if self.server.runtime.is_stopping() {
            self.exchange.stop(now);
        }
        let response = dispatch::with_cors(&self.server, response, self.exchange.asked());
        self.exchange.respond(response, HttpDate::from(SystemTime::now()), now);
    }

    /// Reads or writes on a worker, and waits for the peer, or parks the connection where that
    /// worker may be needed.
    fn transfer(mut self: Box<Self>, now: Instant) -> Option<Box<Self>> {
        let server = Arc::clone(&self.server);
        let pool = &server.runtime.pool;
        if self.is_late(now) {
            self.link.never_block().ok()?;
            return match self.attempt(now).ok()? {
                None => Some(self),
                Some(_) => self.park(),
            };
        }
        // Asked for again with each piece, or a peer could hold the worker by sending or taking
        // little.
        let sends = matches!(self.exchange.step(), Step::Send(_));
        let link = &mut self.link;
        let right =
            if sends { link.may_block_to_write(pool) } else { link.may_block(pool) }.ok()?;
        let moved = if sends { self.write(now) } else { self.read(now) }.ok()?;
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
        self.link.never_block().ok()?;
        let server = Arc::clone(&self.server);
        server.runtime.watch.add(self);
        None
    }

    /// Reads or writes what the socket lets it, without waiting. `None` if there is a step for a
    /// worker then.
    fn attempt(&mut self, now: Instant) -> io::Result<Option<Progress>> {
        let reads = if self.is_late(now) { LAST_READS } else { READS };
        let mut progress = Progress::Stuck;
        if matches!(self.exchange.step(), Step::Send(_)) {
            if self.write(now)? {
                progress = Progress::Moved;
            }
            if !matches!(self.exchange.step(), Step::Send(_)) {
                return Ok(None);
            }
        }
        for _ in 0..reads {
            if !matches!(self.exchange.step(), Step::Receive) || !self.read(now)? {
                break;
            }
            progress = Progress::Moved;
        }
        // What has come by now has been taken in.
        if self.is_late(now) && matches!(self.exchange.step(), Step::Receive | Step::Send(_)) {
            self.exchange.expire();
        }
        match self.exchange.step() {
            Step::Receive | Step::Send(_) => Ok(Some(progress)),
            Step::Over => Err(ErrorKind::TimedOut.into()),
            _ => Ok(None),
        }
    }

    fn is_late(&mut self, now: Instant) -> bool {
        let runtime = &self.server.runtime;
        if runtime.is_stopping() {
            self.exchange.stop(now);
        }
        now >= self.exchange.deadline() || runtime.gives_up()
    }

    /// Returns whether something came.
    fn read(&mut self, now: Instant) -> io::Result<bool> {
        let Self { link, exchange, .. } = self;
        let came = link.read(|bytes| {
            // It may have waited.
            exchange.receive(bytes, now.max(Instant::now()));
            !bytes.is_empty()
        })?;
        if came == Some(false) { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(came.is_some()) }
    }

    /// Returns whether the socket took something.
    fn write(&mut self, now: Instant) -> io::Result<bool> {
        let Step::Send(unsent) = self.exchange.step() else { return Ok(false) };
        let taken = self.link.write_both(unsent)?;
        if let Some(taken) = taken {
            self.exchange.sent(taken, now.max(Instant::now()));
        }
        Ok(taken.is_some())
    }
}

/// A parked connection.
impl Pending for Connection {
    fn retry(mut self: Box<Self>, now: Instant) -> Option<(Box<dyn Pending>, Progress)> {
        match self.attempt(now).ok()? {
            Some(progress) => return Some((self, progress)),
            None => self.hand_to_worker(),
        }
        None
    }
}

#[cfg(test)]
mod tests;
