//! The server's own connection, with neither socket nor clock: pieces of bytes and times in,
//! requests out. It drives the state machine as a server does, and knows at each step what that
//! must do next.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::vec;

use super::message::Message;
use super::said::Said;
use crate::fuzz::random::Random;
use crate::http::exchange::{Exchange, Recipient, Step};
use crate::http::{BodyDecoder, Framing, Head, HttpDate, Method, Refusal, Response};
use crate::limits::{FIRST_REQUEST, Limits};

/// What came of all the bytes.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    /// Each with the bytes of its head, as they were sent.
    pub(super) requests: Vec<(Vec<u8>, Message)>,
    /// How many of them have come to the end of their bodies: all, or all but the last.
    whole: usize,
    pub(super) end: End,
}

/// What the server does after the last byte.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    /// It waits for more. Of a head this has come.
    Waits(Vec<u8>),
    Refused(Refusal),
    Closed,
}

impl Read {
    /// The requests that have come to the end of their bodies.
    pub(super) fn whole(&self) -> impl Iterator<Item = &Message> {
        self.requests[..self.whole].iter().map(|(_, message)| message)
    }
}

/// Reads requests, one after the other, from what comes in these pieces: takes them all, at once.
pub(super) fn read<'a>(limits: &Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    // What means nothing may be as long as what means something.
    let limits = limits.clone().drain(limits.body);
    let mut connection = Connection::new(limits, pieces.into_iter().collect(), None);
    connection.run();
    let Connection { exchange, requests, whole, refusal, .. } = connection;
    let end = match (refusal, exchange.step()) {
        (Some(refusal), _) => End::Refused(refusal),
        (None, Step::Receive) => End::Waits(exchange.unread().to_vec()),
        (None, _) => End::Closed,
    };
    Read { requests, whole, end }
}

/// Takes or refuses each request, stops, and lets time pass, as it happens, until the connection
/// has ended. The requests must be those of `all`.
pub(super) fn wander(limits: Limits, pieces: Vec<&[u8]>, all: &Read) {
    Connection::new(limits, pieces, Some(all)).run();
}

struct Connection<'a> {
    exchange: Exchange<Room>,
    limits: Arc<Limits>,
    random: Random,
    /// All requests that there are. Without them, nothing is left to chance but what is sent.
    all: Option<&'a Read>,
    pieces: vec::IntoIter<&'a [u8]>,
    bytes: Vec<u8>,
    /// How many of them have come.
    received: usize,
    /// Where the next head begins. That may be past what has come, and past all, if nobody knows.
    done: usize,
    began: Instant,
    now: Instant,
    awaited: Awaited,
    deadline: Instant,
    requests: Vec<(Vec<u8>, Message)>,
    whole: usize,
    /// Of the request that has had no response.
    head: Option<Head>,
    /// While its body comes in.
    room: Option<usize>,
    refusal: Option<Refusal>,
    said: Vec<Said>,
    sent: Vec<u8>,
    stopped: bool,
    /// For what the deadline passed.
    late: Option<Awaited>,
    /// The response that says so is the last.
    closes: bool,
    /// The body that is being drained is too long, or none.
    drains_in_vain: bool,
}

/// What the server waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Awaited {
    /// The first byte of a head.
    Request,
    Head,
    Body,
    /// The end of a body that is dropped.
    Drained,
    /// That the peer reads.
    Reader,
    Driver,
}

/// The most bytes that a body may have.
struct Room(usize);

impl Recipient for Room {
    fn has_room_for(&mut self, bytes: usize) -> bool {
        bytes <= self.0
    }
}

impl<'a> Connection<'a> {
    fn new(limits: Limits, pieces: Vec<&'a [u8]>, all: Option<&'a Read>) -> Self {
        let (limits, now, bytes) = (Arc::new(limits), Instant::now(), pieces.concat());
        Self {
            exchange: Exchange::new(Arc::clone(&limits), now),
            random: Random::of(&bytes),
            all,
            pieces: pieces.into_iter(),
            bytes,
            received: 0,
            done: 0,
            began: now,
            now,
            awaited: Awaited::Request,
            deadline: now + limits.idle_deadline,
            limits,
            requests: Vec::new(),
            whole: 0,
            head: None,
            room: None,
            refusal: None,
            said: Vec::new(),
            sent: Vec::new(),
            stopped: false,
            late: None,
            closes: false,
            drains_in_vain: false,
        }
    }

    /// Makes steps until all has come and been taken in, or until the connection has ended.
    fn run(&mut self) {
        for _ in 0..1000 + 10 * self.bytes.len() {
            self.check_deadline();
            if self.happens_once_in(if self.stopped { 2 } else { 40 }) {
                self.stopped = true;
                self.exchange.stop(self.now);
                let until = match self.awaited {
                    Awaited::Request if self.requests.is_empty() => self.began + FIRST_REQUEST,
                    Awaited::Request | Awaited::Drained => self.now,
                    _ => self.deadline,
                };
                self.deadline = self.deadline.min(until.max(self.now));
            }
            match self.exchange.step() {
                Step::Receive | Step::Send(_) => {
                    if !self.transfer() {
                        return self.check_responses();
                    }
                }
                Step::Route { head, too_large } => {
                    let head = head.clone();
                    self.route(head, too_large);
                }
                Step::Run => self.take_request(),
                Step::Refuse(refusal, _) => {
                    let refusal = refusal.clone();
                    self.take_refusal(refusal);
                }
                Step::Close | Step::Over => return self.check_responses(),
                Step::Proxied(_) => panic!("no proxy was to speak first"),
            }
        }
        panic!("it goes on without end");
    }

    /// Whether something happens that happens now and then.
    fn happens_once_in(&mut self, times: usize) -> bool {
        self.all.is_some() && self.random.once_in(times)
    }

    fn read(&self) -> usize {
        self.received - self.exchange.unread().len()
    }

    fn awaits(&self) -> Awaited {
        let begun = self.exchange.unread().iter().any(|byte| !b"\r\n".contains(byte));
        match self.exchange.step() {
            Step::Send(_) => Awaited::Reader,
            Step::Receive if self.room.is_some() => Awaited::Body,
            Step::Receive if self.read() < self.done => Awaited::Drained,
            Step::Receive if begun => Awaited::Head,
            Step::Receive => Awaited::Request,
            _ => Awaited::Driver,
        }
    }

    /// A deadline is so long after that which the server awaits began to be awaited, whatever came
    /// of it since, but for what the peer reads.
    fn check_deadline(&mut self) {
        let limits = &self.limits;
        let awaited = self.awaits();
        let time = match awaited {
            Awaited::Request => limits.idle_deadline,
            Awaited::Head => limits.head_deadline,
            Awaited::Body | Awaited::Drained => limits.body_deadline,
            Awaited::Reader => limits.write_deadline,
            Awaited::Driver => Duration::ZERO,
        };
        if awaited != self.awaited {
            (self.awaited, self.deadline) = (awaited, self.now + time);
        }
        if awaited != Awaited::Driver {
            assert_eq!(self.exchange.deadline(), self.deadline, "{awaited:?}");
        }
    }

    /// Sends or receives, or lets time pass. Gives whether there is more to do.
    fn transfer(&mut self) -> bool {
        if self.happens_once_in(3) {
            self.now += Duration::from_secs(self.random.below(6) as u64);
        }
        if self.now >= self.deadline && self.happens_once_in(2) {
            self.expire();
        } else if let Step::Send(rest) = self.exchange.step() {
            let rest = rest.concat();
            let taken = [0, rest.len(), self.random.below(rest.len() + 1)][self.random.below(3)];
            self.sent.extend_from_slice(&rest[..taken]);
            self.exchange.sent(taken, self.now);
            if taken > 0 {
                self.deadline = self.now + self.limits.write_deadline;
            }
        } else if let Some(piece) = self.pieces.next() {
            assert!(!self.closes, "the last response has gone out");
            self.received += piece.len();
            self.exchange.receive(piece, self.now);
        } else {
            assert!(!self.drains_in_vain);
            self.check_all_came();
            return self.all.is_some();
        }
        true
    }

    fn check_all_came(&self) {
        let all = self.all.map_or(&self.requests, |all| &all.requests);
        assert_eq!(self.requests.len(), all.len(), "none is lost");
    }

    /// A request that has begun is refused, and all else is closed.
    fn expire(&mut self) {
        self.exchange.expire();
        self.late = Some(self.awaited);
        match (self.awaited, self.exchange.step()) {
            (Awaited::Head | Awaited::Body, Step::Refuse(refusal, _)) => {
                assert_eq!(refusal.status().code(), 408);
            }
            (Awaited::Drained, Step::Close) => self.closes = true,
            (Awaited::Request | Awaited::Reader, Step::Over) => {}
            (awaited, step) => panic!("{awaited:?}: {step:?}"),
        }
    }

    fn most(&self, head: &Head) -> usize {
        if head.method().has_content() { self.limits.body } else { self.limits.drain }
    }

    /// Where a body ends that begins after what is done and may be so long: past all if its end
    /// will not come.
    fn end_of_body(&self, head: &Head, most: usize) -> Result<usize, Refusal> {
        let mut decoder = BodyDecoder::bounded(head.framing(), most, &self.limits);
        let taken = decoder.decode(&self.bytes[self.done..], &mut Vec::new())?;
        Ok(if decoder.is_done() { self.done + taken } else { usize::MAX })
    }

    fn route(&mut self, head: Head, too_large: bool) {
        assert!(self.head.is_none() && !self.closes, "each has had its response");
        let sent = self.bytes[self.done..self.read()].to_vec();
        self.requests.push((sent, Message::new(head.clone())));
        if let Some(all) = self.all {
            let mut expected = all.requests[self.requests.len() - 1].clone();
            expected.1.body.clear();
            assert_eq!(self.requests.last(), Some(&expected));
        }
        let most = self.most(&head) as u64;
        assert_eq!(too_large, matches!(head.framing(), Framing::Length(length) if length > most));
        self.done = self.read();
        let held_back = head.expects_continue() && self.exchange.unread().is_empty();
        self.head = Some(head);
        if too_large || self.happens_once_in(3) {
            return self.respond(true);
        }
        let room = if self.happens_once_in(4) { self.random.below(12) } else { usize::MAX };
        self.room = Some(room);
        self.exchange.accept(Room(room), self.now);
        self.said.extend(held_back.then_some(Said::GoOn));
    }

    fn take_request(&mut self) {
        let (_, body, Room(room)) = self.exchange.take_request().expect("it is whole");
        assert!(body.len() <= room && !self.closes);
        self.requests.last_mut().expect("its head was whole").1.body = body;
        if let Some(all) = self.all {
            assert_eq!(self.requests.last(), all.requests.get(self.requests.len() - 1));
        }
        self.whole += 1;
        self.done = self.read();
        self.room = None;
        self.respond(false);
    }

    /// It is late, there is no room for a body, or what came is none.
    fn take_refusal(&mut self, refusal: Refusal) {
        assert!(!self.closes);
        let head = self.head.take();
        match (refusal.status().code(), self.room.take()) {
            _ if self.all.is_none() => {}
            (408, _) => assert!(self.late.is_some()),
            (503, room) => assert!(room.is_some_and(|room| room < usize::MAX)),
            (_, None) => {
                self.check_all_came();
                let end = self.all.map(|all| &all.end);
                assert_eq!(end, Some(&End::Refused(refusal.clone())));
            }
            (_, Some(_)) => {
                let head = head.expect("a body has a head");
                assert_eq!(self.end_of_body(&head, self.most(&head)).as_ref(), Err(&refusal));
            }
        }
        self.refusal = Some(refusal);
        self.respond(true);
    }

    /// Responds to a request, of which the body may be unread, or to what is none.
    fn respond(&mut self, unread: bool) {
        let head = self.head.take();
        let only_head = self.exchange.asked().is_head();
        let response = match self.random.below(4) {
            0 => Response::no_content(),
            1 if only_head && self.all.is_some() => Response::event_stream_head(),
            _ => Response::text("\r\n".repeat(self.random.below(9))),
        };
        let is_last = self.stopped
            || response.is_endless()
            || self.requests.len() >= self.limits.requests_per_connection as usize;
        self.closes = is_last
            || head.is_none_or(|head| {
                assert_eq!(only_head, head.method() == Method::Head);
                !head.keep_alive() || unread && self.drops(&head)
            });
        let number = self.said.len().to_string();
        self.said.push(Said::Response {
            status: response.status().code(),
            content: if only_head { Vec::new() } else { response.content_bytes().to_vec() },
            closes: self.closes,
            only_head,
        });
        let response = response.with_field("Number", number).expect("it can be sent");
        self.exchange.respond(response, HttpDate::from_unix(0), self.now);
    }

    /// Whether a body is not even read to be dropped. If it is, the next head begins after it.
    fn drops(&mut self, head: &Head) -> bool {
        let is_declared = matches!(head.framing(), Framing::Length(_));
        let most = if is_declared { self.most(head) } else { usize::MAX };
        let end = self.end_of_body(head, most.min(self.limits.drain));
        if head.expects_continue() || is_declared && end.is_err() {
            return true;
        }
        self.drains_in_vain = end.is_err();
        self.done = end.unwrap_or(usize::MAX);
        false
    }

    /// All that was said has been sent, in this order, and nothing else. After what says so the
    /// connection closes.
    fn check_responses(&self) {
        match self.exchange.step() {
            Step::Close => assert!(self.closes || self.drains_in_vain, "no reason to close"),
            Step::Over => assert!(self.late.is_some(), "no reason to end"),
            _ => {}
        }
        let mut rest = Some(&self.sent[..]);
        for (at, said) in self.said.iter().enumerate() {
            rest = said.check(at, rest.expect("only the last is cut"));
        }
        let is_cut = self.late == Some(Awaited::Reader);
        assert!(if is_cut { rest.is_none() } else { rest == Some(b"") });
    }
}
