//! One connection as a server has it: bytes and times in, steps out. It knows no socket, no thread,
//! no clock and no route.
//!
//! ```text
//!   ┌───────────────────────────────────────────────────────────────────────────┐
//!   ▼                                                                           │
//! Head ──► Route ── accept ──► Body ── take_request ──► Taken ── respond ───────┤
//!   │        └───── respond ─────┼────────────────────────────► Drain ──────────┘
//!   └──────► Refused ◄───────────┘
//!              └─── respond ──► Closing ◄── respond, where the connection is not kept
//! ```
//!
//! Before the first `Head` there is `Preface`, where a proxy has to say who its client is.
//!
//! `Head`, `Body` and `Drain` take in what is received. What `respond` and `accept` (100 Continue)
//! have to say goes out before that: so a peer that pipelines requests and reads no responses fills
//! its own buffers and none of ours.
//!
//! Its *driver*, which has the socket, asks for the next [`Step`] and makes it. A step stays the
//! same until it has been made. `Receive` and `Send` have a [deadline](Exchange::deadline): then
//! the driver takes in what has come by then, and calls [`expire`](Exchange::expire) where that was
//! not enough. Deadlines are points in time and not spans of silence: a byte now and then moves
//! none of them. Only while a response is being sent, each byte that the peer takes moves it.
//!
//! One exchange, as `tests` walk through it:
//!
//! ```text
//! Receive   POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n
//! Route     POST /: accept
//! Send      HTTP/1.1 100 Continue\r\n\r\n
//! Receive   hi
//! Run       take the request with this body, and respond with 204
//! Send      HTTP/1.1 204 No Content\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n
//! Receive   the next request
//! ```

mod incoming;
mod output;

use std::mem;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::body::BodyDecoder;
use super::date::HttpDate;
use super::head::Head;
use super::method::Method;
use super::parser::HeadParser;
use super::proxy_protocol;
use super::refusal::Refusal;
use super::response::Response;
use super::status::Status;
use crate::limits::{FIRST_REQUEST, Limits};
use incoming::Incoming;
pub(crate) use output::Asked;
use output::Output;

const LATE_HEAD: Refusal =
    Refusal::new(Status::REQUEST_TIMEOUT, "the request's head took too long to come");
const LATE_BODY: Refusal =
    Refusal::new(Status::REQUEST_TIMEOUT, "the request's body took too long to come");

/// What the driver makes next.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// Read, and give what came to [`receive`](Exchange::receive).
    Receive,
    /// A proxy has said for which client it has this connection, or that it says nothing of one:
    /// [`begin_requests`](Exchange::begin_requests).
    Proxied(Option<IpAddr>),
    /// A head is whole: [`accept`](Exchange::accept) the request, or [`respond`](Exchange::respond)
    /// at once. Respond if the body is declared to be `too_large`.
    Route { head: &'a Head, too_large: bool },
    /// A request is whole: [take it](Exchange::take_request), run its handler, and respond. If that
    /// is an event stream, give it the socket, and forget the exchange.
    Run,
    /// What came is no request: respond with the words for this. Its method, if that is known.
    Refuse(&'a Refusal, Option<Method>),
    /// Write these, one after the other, and say how many bytes were [`sent`](Exchange::sent).
    Send([&'a [u8]; 2]),
    /// Half-close, read and drop what the peer still sends, close.
    Close,
    /// Close at once.
    Over,
}

/// What takes a request: the driver finds it by the head, and gets it back with the body.
pub(crate) trait Recipient {
    /// Whether so many bytes of the body may be kept. Asked anew whenever there are more.
    fn has_room_for(&mut self, bytes: usize) -> bool;
}

/// The state of one connection.
pub(crate) struct Exchange<R> {
    limits: Arc<Limits>,
    /// Received and not yet taken in. Holds no memory while it is empty.
    input: Vec<u8>,
    /// Has taken in nothing, except while a head arrives.
    parser: HeadParser,
    /// Where the exchange is once the output has gone out.
    state: State<R>,
    output: Output,
    /// What the next response must know of its request.
    asked: Asked,
    /// How many heads were whole.
    requests: u32,
    /// No further request is taken, whatever the peer and the limits allow.
    last: bool,
    /// A stop waits so long for the first request.
    fresh_until: Instant,
    /// When the step must have been made. Only `Receive` and `Send` have one.
    deadline: Instant,
}

enum State<R> {
    /// While a proxy says who its client is, by the [PROXY protocol](proxy_protocol).
    Preface,
    /// It has said so.
    Proxied(Option<IpAddr>),
    /// Between two requests, and while a head comes in.
    Head,
    /// A head is whole.
    Route(Box<Incoming<R>>),
    /// While a body comes in, and when it is whole.
    Body(Box<Incoming<R>>),
    /// The driver has the request.
    Taken,
    /// What came can't be a request, or took too long to become one.
    Refused(Refusal),
    /// While the rest of an unwanted body comes in, before the next head.
    Drain(BodyDecoder),
    Closing,
    Over,
}

impl<R: Recipient> Exchange<R> {
    /// The state of a fresh connection.
    pub(crate) fn new(limits: Arc<Limits>, now: Instant) -> Self {
        Self {
            parser: HeadParser::new(&limits),
            deadline: now + limits.idle_deadline,
            fresh_until: now + FIRST_REQUEST,
            limits,
            input: Vec::new(),
            state: State::Head,
            output: Output::default(),
            asked: Asked::default(),
            requests: 0,
            last: false,
        }
    }

    #[inline]
    pub(crate) fn step(&self) -> Step<'_> {
        if !self.output.is_sent() {
            return Step::Send(self.output.rest());
        }
        match &self.state {
            State::Body(incoming) if incoming.decoder.is_done() => Step::Run,
            State::Preface | State::Head | State::Body(_) | State::Drain(_) => Step::Receive,
            State::Proxied(client) => Step::Proxied(*client),
            State::Route(incoming) => {
                let Incoming { head, decoder, .. } = &**incoming;
                Step::Route { head, too_large: decoder.is_too_large() }
            }
            State::Refused(refusal) => Step::Refuse(refusal, self.asked.method),
            State::Closing => Step::Close,
            State::Taken | State::Over => Step::Over,
        }
    }

    /// Whether the step is to send.
    pub(crate) fn sends(&self) -> bool {
        !self.output.is_sent()
    }

    /// What was received and not taken in.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn unread(&self) -> &[u8] {
        &self.input
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Takes what the peer has sent.
    pub(crate) fn receive(&mut self, bytes: &[u8], now: Instant) {
        if self.input.is_empty() {
            let taken = self.take_in(bytes, now);
            self.input = bytes[taken..].to_vec();
        } else {
            self.receive_copied(bytes, now);
        }
    }

    /// The same, by a copy: for what comes seldom.
    pub(crate) fn receive_copied(&mut self, bytes: &[u8], now: Instant) {
        self.input.extend_from_slice(bytes);
        self.go_on(now);
    }

    /// Takes in what was received before.
    fn go_on(&mut self, now: Instant) {
        if self.input.is_empty() {
            return;
        }
        let mut input = mem::take(&mut self.input);
        let taken = self.take_in(&input, now);
        input.drain(..taken);
        if !input.is_empty() {
            self.input = input;
        }
    }

    /// Gives bytes to what is coming in, and returns how many of them it took.
    fn take_in(&mut self, bytes: &[u8], now: Instant) -> usize {
        let mut rest = bytes;
        if let State::Drain(decoder) = &mut self.state {
            let Ok(taken) = decoder.decode(rest, &mut Vec::new()) else {
                // The response has gone out, and where the next request begins can't be known.
                self.state = State::Closing;
                return bytes.len();
            };
            rest = &rest[taken..];
            if decoder.is_done() {
                self.state = State::Head;
                self.begin(now);
            }
        }
        let taken = match &mut self.state {
            State::Head => self.take_in_head(rest, now),
            State::Preface => self.take_in_preface(rest),
            State::Body(incoming) => incoming.decode(rest),
            _ => Ok(0),
        };
        match taken {
            Ok(taken) => bytes.len() - rest.len() + taken,
            Err(refusal) => {
                self.refuse(refusal, rest);
                bytes.len()
            }
        }
    }

    fn take_in_head(&mut self, bytes: &[u8], now: Instant) -> Result<usize, Refusal> {
        let silent = !self.parser.started();
        let Some((head, taken)) = self.parser.parse(bytes)? else {
            if silent && self.parser.started() {
                self.deadline = now + self.limits.head_deadline;
            }
            return Ok(0);
        };
        self.requests += 1;
        self.asked = Asked::of(&head);
        // A body that no handler is given is read for the next request's sake alone.
        let limits = &*self.limits;
        let most = if head.method().has_content() { limits.body } else { limits.drain };
        let decoder = BodyDecoder::bounded(head.framing(), most, limits);
        let incoming = Incoming { head, decoder, body: Vec::new(), recipient: None };
        self.state = State::Route(Box::new(incoming));
        Ok(taken)
    }

    /// Kept apart from what each request needs.
    #[cold]
    fn take_in_preface(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let Some((client, taken)) = proxy_protocol::parse(bytes)? else { return Ok(0) };
        self.state = State::Proxied(client);
        Ok(taken)
    }

    /// There will be no request of this, which came last: says why, and closes.
    fn refuse(&mut self, refusal: Refusal, received: &[u8]) {
        if matches!(self.state, State::Head | State::Preface) {
            self.asked = Asked::of_refused(received);
        }
        self.state = State::Refused(refusal);
    }

    /// Begins to receive what the state is for.
    fn begin(&mut self, now: Instant) {
        let (head, limits) = (matches!(self.state, State::Head), &self.limits);
        self.deadline = now + if head { limits.idle_deadline } else { limits.body_deadline };
    }

    /// Of a fresh connection: has a proxy say first who its client is, in the time that a head has.
    pub(crate) fn expect_preface(&mut self, now: Instant) {
        self.state = State::Preface;
        self.deadline = now + self.limits.head_deadline;
    }

    /// At [`Step::Proxied`]: lets the requests come.
    pub(crate) fn begin_requests(&mut self, now: Instant) {
        self.state = State::Head;
        self.begin(now);
        self.go_on(now);
    }

    /// At [`Step::Route`]: lets the body come.
    pub(crate) fn accept(&mut self, recipient: R, now: Instant) {
        let State::Route(mut incoming) = mem::replace(&mut self.state, State::Over) else { return };
        incoming.recipient = Some(recipient);
        // Where some of the body is here already, the client did not wait for the word.
        let held_back = incoming.head.expects_continue() && self.input.is_empty();
        incoming.take_whole(&mut self.input);
        self.state = State::Body(incoming);
        self.begin(now);
        if held_back {
            self.output.go_on();
            self.begin_to_send(now);
        } else {
            self.go_on(now);
        }
    }

    /// At [`Step::Run`]: the request, and what takes it.
    pub(crate) fn take_request(&mut self) -> Option<(Head, Vec<u8>, R)> {
        let State::Body(incoming) = mem::replace(&mut self.state, State::Taken) else {
            return None;
        };
        let Incoming { head, body, recipient, .. } = *incoming;
        Some((head, body, recipient?))
    }

    /// At [`Step::Route`] and [`Step::Refuse`], and when the request was taken: responds. Of a
    /// request that is not accepted a small body is read and dropped, for the next request's sake.
    pub(crate) fn respond(&mut self, response: Response, date: HttpDate, now: Instant) {
        let keep = self.asked.keep_alive
            && self.requests < self.limits.requests_per_connection
            && !(self.last || response.is_endless());
        self.state = match mem::replace(&mut self.state, State::Closing) {
            State::Taken if keep => State::Head,
            State::Route(incoming) if keep => incoming.unread(&self.limits),
            _ => State::Closing,
        };
        let closes = matches!(self.state, State::Closing);
        self.output.respond(response, &self.asked, closes, date);
        self.begin_to_send(now);
    }

    fn begin_to_send(&mut self, now: Instant) {
        self.deadline = now + self.limits.write_deadline;
    }

    /// At [`Step::Send`]: so many bytes have gone out.
    pub(crate) fn sent(&mut self, bytes: usize, now: Instant) {
        self.output.advance(bytes);
        if !self.output.is_sent() {
            if bytes > 0 {
                self.deadline = now + self.limits.write_deadline;
            }
            return;
        }
        self.output.clear();
        self.begin(now);
        self.go_on(now);
    }

    /// Takes no further request. If none has begun, the time for one is up, unless the connection
    /// is so fresh that its first request is on its way.
    pub(crate) fn stop(&mut self, now: Instant) {
        self.last = true;
        let until = match self.state {
            State::Preface | State::Head if self.requests == 0 => self.fresh_until.max(now),
            State::Head | State::Drain(_) => now,
            _ => return,
        };
        if !self.parser.started() && self.output.is_sent() {
            self.deadline = self.deadline.min(until);
        }
    }

    /// The deadline has passed: a request that is not whole is refused, all else is closed.
    pub(crate) fn expire(&mut self) {
        let is_sent = self.output.is_sent();
        let received = mem::take(&mut self.input);
        self.output.clear();
        match self.state {
            State::Head if self.parser.started() => self.refuse(LATE_HEAD, &received),
            State::Body(_) if is_sent => self.refuse(LATE_BODY, &received),
            State::Drain(_) if is_sent => self.state = State::Closing,
            _ => self.state = State::Over,
        }
    }
}

#[cfg(test)]
mod tests;
