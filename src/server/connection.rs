//! One connection: bytes to a request, to its handler, to its answer, to the next request.
//!
//! ```text
//!         ┌───────────────────────────────────────────────────────┐
//!         ▼                                                       │
//!       Head ──► Parsed ──► Body ──► handler ──► Answer ──► Drain ┤
//!         │         │         │         │          │              │
//!         │         └─────────┴─ refusal ─► Answer ┼──► linger    │
//!         │                             │          └──────────────┘
//!         │                             └─► a stream: it has the socket now, the worker is free
//!         └─► the peer closed, or was silent for too long: close
//! ```
//!
//! A worker carries a connection through this as far as it goes without waiting. Where the peer
//! has to do something first, the worker waits only if no request can need it; else the connection
//! is *parked*: the watch thread tries it now and then, and hands it to a worker when there is
//! something to do. So a connection is a value that moves between threads; the one that has it
//! owns the socket, and dropping it closes the connection.
//!
//! Deadlines are points in time and not spans of silence: a byte now and then moves none of them.
//! Only an answer that is being written has until its peer takes nothing more for a while.

pub(crate) mod wait;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::http::request::Request;
use crate::http::status::Status;
use crate::http::{BodyDecoder, Framing, Head, HeadParser, Refusal};
use crate::log::waiting::Unsent;
use crate::net::budget::Share;
use crate::net::linger::Linger;
use crate::net::link::Link;
use crate::server::answer::{Answer, Exchange, Then};
use crate::server::dispatch;
use crate::server::reply::Kind;
use crate::server::routes::{Handler, Params};
use crate::server::shared::Shared;
use crate::stream::runtime::Runtime;

/// How long a worker blocks before it looks whether it is needed elsewhere, or the server stops.
const SLICE: Duration = Duration::from_millis(200);

/// How long a connection past the cap has for its head: it takes a place that others could have.
const REFUSED: Duration = Duration::from_secs(2);

const MANY_BODIES: Refusal =
    Refusal::new(Status::SERVICE_UNAVAILABLE, "too much is being sent to this server at once");

#[derive(Debug)]
pub(crate) struct Connection {
    server: Arc<Shared>,
    link: Link,
    peer: SocketAddr,
    /// Whether there were too many connections when it came: it gets one answer, which says so.
    refused: bool,
    /// Received and not yet taken in. Holds no memory while it is empty.
    input: Vec<u8>,
    state: State,
    /// When the state must have been left.
    deadline: Instant,
    requests: u32,
    blocking: bool,
}

#[derive(Debug)]
enum State {
    /// Between two requests, and while a head comes in.
    Head(HeadParser),
    /// A head is whole.
    Parsed(Box<Head>),
    /// While a body comes in, and when it is whole.
    Body(Box<Incoming>),
    /// What came can't be a request, or took too long to become one.
    Refused(Refusal, Exchange),
    Answer(Box<Answer>),
    /// While the rest of a body that nobody wants comes in, before the next head.
    Drain(BodyDecoder),
}

/// A request whose body comes in.
pub(crate) struct Incoming {
    head: Head,
    exchange: Exchange,
    handler: Handler,
    params: Params,
    decoder: BodyDecoder,
    body: Vec<u8>,
    /// Of the memory for all bodies, this one's. Nothing for a body that no handler is given: it is
    /// not kept.
    share: Option<Share>,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("head", &self.head).finish_non_exhaustive()
    }
}

impl Connection {
    /// Takes a fresh connection. Sets what is set once for each socket: an answer does not wait
    /// for more to fill a segment, and a worker's blocking call comes back now and then.
    pub(crate) fn new(
        server: Arc<Shared>,
        link: Link,
        peer: SocketAddr,
        refused: bool,
    ) -> io::Result<Box<Self>> {
        link.socket.set_nodelay(true)?;
        link.socket.set_read_timeout(Some(SLICE))?;
        link.socket.set_write_timeout(Some(SLICE))?;
        let idle = server.runtime.limits.idle_deadline;
        Ok(Box::new(Self {
            state: State::Head(HeadParser::new(&server.runtime.limits)),
            deadline: Instant::now() + if refused { idle.min(REFUSED) } else { idle },
            server,
            link,
            peer,
            refused,
            input: Vec::new(),
            requests: 0,
            blocking: true,
        }))
    }

    /// A connection that only has an answer left to send.
    pub(crate) fn answering(
        server: Arc<Shared>,
        link: Link,
        peer: SocketAddr,
        answer: Answer,
    ) -> Box<Self> {
        Box::new(Self {
            state: State::Answer(Box::new(answer)),
            deadline: Instant::now() + server.runtime.limits.write_deadline,
            server,
            link,
            peer,
            refused: false,
            input: Vec::new(),
            requests: 0,
            blocking: true,
        })
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

    /// Goes one step on. `None` if the connection is over, or no longer this worker's.
    fn step(mut self: Box<Self>) -> Option<Box<Self>> {
        if !self.take_in() {
            return self.wait();
        }
        let fresh = self.fresh_head();
        match std::mem::replace(&mut self.state, fresh) {
            State::Parsed(head) => self.begin(*head),
            State::Body(incoming) => self.call(*incoming),
            State::Refused(refusal, exchange) => {
                let response = dispatch::refused(&self.server, &refusal);
                let answer = exchange.answer(&self.server, response, Then::Close);
                Some(self.respond(answer))
            }
            State::Answer(answer) => {
                self.state = State::Answer(answer);
                self.send()
            }
            State::Head(_) | State::Drain(_) => self.next_request(),
        }
    }

    /// Takes in what was received. Returns whether there is something to be done now; if not, more
    /// has to come first. Waits for nothing, so the watch thread may call it.
    fn take_in(&mut self) -> bool {
        match self.decode() {
            Ok(done) => done,
            Err(_) if matches!(self.state, State::Drain(_)) => {
                // The answer has gone out, and where the next request begins can't be known.
                self.deadline = Instant::now();
                false
            }
            Err(refusal) => {
                self.refuse(refusal);
                true
            }
        }
    }

    /// Gives the input to what is coming in. Returns whether that is whole now.
    fn decode(&mut self) -> Result<bool, Refusal> {
        let (len, done) = match &mut self.state {
            State::Head(parser) => {
                let silent = !parser.started();
                let Some((head, len)) = parser.parse(&self.input)? else {
                    if silent && parser.started() && !self.refused {
                        self.deadline = Instant::now() + self.server.runtime.limits.head_deadline;
                    }
                    return Ok(false);
                };
                self.state = State::Parsed(Box::new(head));
                (len, true)
            }
            State::Body(incoming) => {
                let Incoming { decoder, body, share, .. } = &mut **incoming;
                let len = decoder.decode(&self.input, body)?;
                match share {
                    None => body.clear(),
                    Some(share) => share.grow_to(body.len()).then_some(()).ok_or(MANY_BODIES)?,
                }
                (len, decoder.is_done())
            }
            State::Drain(decoder) => {
                (decoder.decode(&self.input, &mut Vec::new())?, decoder.is_done())
            }
            State::Parsed(_) | State::Refused(..) | State::Answer(_) => return Ok(true),
        };
        self.consume(len);
        Ok(done)
    }

    /// There will be no request of this: says why, and closes.
    fn refuse(&mut self, refusal: Refusal) {
        let exchange = match &self.state {
            State::Body(incoming) => incoming.exchange.clone(),
            _ => Exchange::of_refused(&self.input),
        };
        self.state = State::Refused(refusal, exchange);
    }

    fn consume(&mut self, len: usize) {
        self.input.drain(..len);
        if self.input.is_empty() {
            self.input = Vec::new();
        }
    }

    /// A head is whole: finds the handler and lets the body come, or answers at once.
    fn begin(mut self: Box<Self>, head: Head) -> Option<Box<Self>> {
        self.requests += 1;
        self.server.runtime.counts.request();
        let limits = &self.server.runtime.limits;
        let has_content = head.method().has_content();
        // A body that no handler is given is read for the next request's sake alone.
        let bounded = limits.clone().body(if has_content { limits.body } else { limits.drain });
        let may_keep = self.requests < limits.requests_per_connection
            && !self.refused
            && !self.server.runtime.is_stopping();
        let exchange = Exchange::of(&head, may_keep);
        if matches!(head.framing(), Framing::Length(length) if length > bounded.body as u64) {
            let response = dispatch::too_large(&self.server, head.method());
            let answer = exchange.answer(&self.server, response, Then::Close);
            return Some(self.respond(answer));
        }
        let (handler, params) = match dispatch::find(&self.server, &head, self.peer, self.refused) {
            Ok(found) => found,
            Err(response) => {
                let then = exchange.then_without_body(&head, limits);
                let answer = exchange.answer(&self.server, response, then);
                return Some(self.respond(answer));
            }
        };
        // Where some of the body is here already, the client has not waited to be told.
        let held_back = head.expects_continue() && self.input.is_empty();
        let decoder = BodyDecoder::new(head.framing(), &bounded);
        let (body, share) = (Vec::new(), has_content.then(|| self.server.bodies.share()));
        let incoming = Incoming { head, exchange, handler, params, decoder, body, share };
        let incoming = Box::new(incoming);
        Some(if held_back { self.respond(Answer::go_on(incoming)) } else { self.body(incoming) })
    }

    /// Lets the body come.
    fn body(mut self: Box<Self>, incoming: Box<Incoming>) -> Box<Self> {
        self.deadline = Instant::now() + self.server.runtime.limits.body_deadline;
        self.state = State::Body(incoming);
        self
    }

    /// A request is whole: runs its handler.
    fn call(self: Box<Self>, incoming: Incoming) -> Option<Box<Self>> {
        // The share goes back when this returns: the request is gone then.
        let Incoming { head, exchange, handler, params, body, share: _share, .. } = incoming;
        let request = Request::new(head, body, params, self.peer);
        match dispatch::call(&self.server, &handler, &request).0 {
            Kind::Response(response) => {
                let answer = exchange.answer(&self.server, response, exchange.then());
                Some(self.respond(answer))
            }
            Kind::Stream { head, .. } if exchange.is_head() => {
                let answer = exchange.answer_stream_head(&self.server, head);
                Some(self.respond(answer))
            }
            Kind::Stream { head, handler } => {
                let Self { server, link, .. } = *self;
                dispatch::start_stream(&server, link, &request, &exchange, head, handler)
            }
        }
    }

    fn respond(mut self: Box<Self>, answer: Answer) -> Box<Self> {
        self.deadline = Instant::now() + self.server.runtime.limits.write_deadline;
        self.state = State::Answer(Box::new(answer));
        self
    }

    /// Sends the response, and goes on with what follows it.
    fn send(self: Box<Self>) -> Option<Box<Self>> {
        let mut sent = self.write_out()?;
        let fresh = sent.fresh_head();
        let State::Answer(answer) = std::mem::replace(&mut sent.state, fresh) else { return None };
        match answer.into_then() {
            Then::Next => sent.next_request(),
            Then::Body(incoming) => Some(sent.body(incoming)),
            Then::Drain(decoder) => {
                sent.deadline = Instant::now() + sent.server.runtime.limits.body_deadline;
                sent.state = State::Drain(decoder);
                Some(sent)
            }
            Then::Close => sent.linger(),
        }
    }

    /// Ends the connection so that the peer can read the answer to its end.
    fn linger(self: Box<Self>) -> Option<Box<Self>> {
        let Self { server, link, .. } = *self;
        let Runtime { limits, watch, .. } = &*server.runtime;
        Linger::begin(link, Unsent::default(), limits.write_deadline, watch);
        None
    }

    fn fresh_head(&self) -> State {
        State::Head(HeadParser::new(&self.server.runtime.limits))
    }

    /// Goes on with the next request; where others wait for a worker it is after theirs.
    fn next_request(mut self: Box<Self>) -> Option<Box<Self>> {
        self.state = self.fresh_head();
        self.deadline = Instant::now() + self.server.runtime.limits.idle_deadline;
        if self.server.runtime.pool.is_behind() {
            self.hand_to_worker();
            return None;
        }
        Some(self)
    }
}

#[cfg(test)]
mod tests;
