//! A connection without a socket: pieces of bytes in, requests out.

use std::net::SocketAddr;

use crate::Limits;
use crate::http::method::Method;
use crate::http::request::Request;
use crate::http::{BodyDecoder, Framing, Head, HeadParser, Refusal, Version};

/// What came of all the bytes.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    /// Each with the bytes of its head, as they were sent. The last may lack a part of its body.
    pub(super) requests: Vec<(Vec<u8>, Message)>,
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
    pub(super) body: Vec<u8>,
}

/// Where the bytes stopped making requests.
#[derive(Debug, PartialEq)]
pub(super) enum End {
    /// In a head, of which this has come.
    InHead {
        started: bool,
        bytes: Vec<u8>,
    },
    InBody,
    BadHead(Refusal),
    BadBody(Refusal),
}

impl Read {
    /// The requests that have come to the end of their bodies.
    pub(super) fn whole(&self) -> impl Iterator<Item = &Message> {
        let lacking = usize::from(matches!(self.end, End::InBody | End::BadBody(_)));
        self.requests[..self.requests.len() - lacking].iter().map(|(_, message)| message)
    }
}

/// Reads requests, one behind the other, from what comes in these pieces.
pub(super) fn read<'a>(limits: &Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let mut connection = Connection {
        limits,
        parser: HeadParser::new(limits),
        received: Vec::new(),
        body: None,
        requests: Vec::new(),
    };
    let refused = pieces.into_iter().try_for_each(|piece| connection.take(piece)).err();
    let Connection { parser, received, body, requests, .. } = connection;
    let end = match (refused, body) {
        (None, None) => End::InHead { started: parser.started(), bytes: received },
        (None, Some(_)) => End::InBody,
        (Some(refusal), None) => End::BadHead(refusal),
        (Some(refusal), Some(_)) => End::BadBody(refusal),
    };
    Read { requests, end }
}

struct Connection<'a> {
    limits: &'a Limits,
    parser: HeadParser,
    /// What has come and belongs to no request yet.
    received: Vec<u8>,
    /// Set from the end of a head to the end of its body.
    body: Option<BodyDecoder>,
    requests: Vec<(Vec<u8>, Message)>,
}

impl Connection<'_> {
    fn take(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.received.extend_from_slice(piece);
        while self.take_head()? && self.take_body()? {}
        Ok(())
    }

    /// `true` when a head is there, and its body comes next.
    fn take_head(&mut self) -> Result<bool, Refusal> {
        if self.body.is_some() {
            return Ok(true);
        }
        let Some((head, consumed)) = self.parser.parse(&self.received)? else {
            return Ok(false);
        };
        self.body = Some(BodyDecoder::new(head.framing(), self.limits));
        let sent = self.received.drain(..consumed).collect();
        self.requests.push((sent, Message::new(head)));
        Ok(true)
    }

    /// `true` when the body has ended, and a head comes next.
    fn take_body(&mut self) -> Result<bool, Refusal> {
        let (Some(decoder), Some((_, message))) = (&mut self.body, self.requests.last_mut()) else {
            panic!("a body comes behind a head");
        };
        let taken = decoder.decode(&self.received, &mut message.body)?;
        self.received.drain(..taken);
        if decoder.is_done() {
            self.body = None;
            return Ok(true);
        }
        assert!(self.received.is_empty(), "a body that goes on takes all there is");
        Ok(false)
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

/// Whatever a handler or the server asks of a request, there is an answer.
fn ask_everything(request: &Request) {
    let head = request.head();
    assert!(!request.path().contains('\0'));
    assert!(request.last_event_id() != Some(""));
    request.query_all("a").for_each(drop);
    let answers = (head.keep_alive(), head.expects_continue(), head.accepts_event_stream());
    let shown = format!("{request:?} {answers:?}");
    assert!(shown.bytes().all(|byte| !byte.is_ascii_control()), "{shown:?}");
}
