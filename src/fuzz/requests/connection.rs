//! The server's own connection, with neither socket nor clock: pieces of bytes and times in,
//! requests out. Every request has the response 204.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::http::exchange::{Exchange, Recipient, Step};
use crate::http::{Framing, Head, HttpDate, Method, Refusal, Request, Response, Version};
use crate::limits::Limits;

/// What came of all the bytes.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    /// Each with the bytes of its head, as they were sent.
    pub(super) requests: Vec<(Vec<u8>, Message)>,
    /// How many of them have come to the end of their bodies: all, or all but the last.
    whole: usize,
    pub(super) end: End,
}

/// A request, as far as it can be compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) version: Version,
    pub(super) fields: Vec<(String, Vec<u8>)>,
    pub(super) framing: Framing,
    /// Empty where the method has no content, whatever came.
    pub(super) body: Vec<u8>,
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

/// Reads requests, one after the other, from what comes in these pieces.
pub(super) fn read<'a>(limits: &Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let now = Instant::now();
    let mut connection = Connection::new(limits, now);
    pieces.into_iter().for_each(|piece| connection.take(piece, now));
    connection.check_responses();
    let Connection { exchange, requests, whole, refusal, .. } = connection;
    let end = match (refusal, exchange.step()) {
        (Some(refusal), _) => End::Refused(refusal),
        (None, Step::Receive) => End::Waits(exchange.unread().to_vec()),
        (None, _) => End::Closed,
    };
    Read { requests, whole, end }
}

pub(super) struct Connection {
    pub(super) exchange: Exchange<Anybody>,
    /// All that has come.
    received: Vec<u8>,
    /// How much of that belongs to requests that are whole.
    done: usize,
    requests: Vec<(Vec<u8>, Message)>,
    whole: usize,
    refusal: Option<Refusal>,
    sent: Vec<u8>,
}

/// Takes any request.
pub(super) struct Anybody;

impl Recipient for Anybody {
    fn has_room_for(&mut self, _bytes: usize) -> bool {
        true
    }
}

impl Connection {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        // What means nothing may be as long as what means something.
        let limits = Arc::new(limits.clone().drain(limits.body));
        Self {
            exchange: Exchange::new(limits, now),
            received: Vec::new(),
            done: 0,
            requests: Vec::new(),
            whole: 0,
            refusal: None,
            sent: Vec::new(),
        }
    }

    /// What is being waited for: the head or the body of which request; and whether any of it has
    /// come, if it is a head.
    pub(super) fn awaits(&self) -> (usize, usize, bool) {
        let begun = self.exchange.unread().iter().any(|byte| !b"\r\n".contains(byte));
        (self.requests.len(), self.whole, begun)
    }

    pub(super) fn take(&mut self, piece: &[u8], now: Instant) {
        if !matches!(self.exchange.step(), Step::Receive) {
            return;
        }
        self.received.extend_from_slice(piece);
        self.exchange.receive(piece, now);
        loop {
            let read = self.received.len() - self.exchange.unread().len();
            match self.exchange.step() {
                Step::Receive | Step::Close | Step::Over => return,
                Step::Route { head, too_large } => {
                    let sent = self.received[self.done..read].to_vec();
                    self.requests.push((sent, Message::new(head.clone())));
                    if too_large {
                        self.respond(now);
                    } else {
                        self.exchange.accept(Anybody, now);
                    }
                }
                Step::Run => {
                    let (_, body, Anybody) = self.exchange.take_request().expect("it is whole");
                    self.requests.last_mut().expect("its head was whole").1.body = body;
                    self.whole += 1;
                    self.done = read;
                    self.respond(now);
                }
                Step::Refuse(refusal, _) => {
                    self.refusal = Some(refusal.clone());
                    self.respond(now);
                }
                Step::Send([head, body]) => {
                    let some = &head[..head.len().div_ceil(2)];
                    self.sent.extend_from_slice(some);
                    assert!(!some.is_empty() && body.is_empty());
                    let some = some.len();
                    self.exchange.sent(some, now);
                }
            }
        }
    }

    fn respond(&mut self, now: Instant) {
        self.exchange.respond(Response::no_content(), HttpDate::from_unix(0), now);
    }

    /// There is one response for each request and for what is none, and after what says so the
    /// connection closes.
    fn check_responses(&self) {
        let sent = String::from_utf8_lossy(&self.sent);
        let heads: Vec<_> = sent.split_terminator("\r\n\r\n").collect();
        let responses = heads.iter().filter(|head| head.starts_with("HTTP/1.1 204 ")).count();
        let continues = heads.iter().filter(|head| **head == "HTTP/1.1 100 Continue").count();
        assert_eq!(responses + continues, heads.len(), "{sent}");
        let (closes, stays) = (matches!(self.exchange.step(), Step::Close), self.whole);
        let too_large =
            usize::from(closes && self.refusal.is_none() && stays < self.requests.len());
        assert_eq!(responses, stays + usize::from(self.refusal.is_some()) + too_large);
        let closing = heads.iter().filter(|head| head.contains("\r\nConnection: close")).count();
        assert_eq!(closing, usize::from(closes));
    }
}

impl Message {
    fn new(head: Head) -> Self {
        let peer = SocketAddr::from(([127, 0, 0, 1], 4000));
        let request = Request::new(head, Vec::new(), Vec::new(), peer);
        ask_everything(&request);
        let head = request.head();
        Self {
            method: head.method(),
            target: head.target().into(),
            path: head.path().into(),
            query: head.query().map(Into::into),
            authority: head.authority().map(Into::into),
            version: head.version(),
            fields: head.fields().map(|(name, value)| (name.into(), value.into())).collect(),
            framing: head.framing(),
            body: Vec::new(),
        }
    }
}

/// Asks all that a handler or the server may ask of a request.
fn ask_everything(request: &Request) {
    let head = request.head();
    assert!(!request.path().contains('\0'));
    assert!(request.last_event_id() != Some(""));
    request.query_all("a").for_each(drop);
    let answers = (head.keep_alive(), head.expects_continue(), head.accepts_event_stream());
    let shown = format!("{request:?} {answers:?}");
    assert!(shown.bytes().all(|byte| !byte.is_ascii_control()), "{shown:?}");
}
