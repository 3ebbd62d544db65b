//! An answer on its way out, and what happens to the connection behind it.

use std::io::{self, ErrorKind, IoSlice, Write};
use std::net::TcpStream;
use std::time::SystemTime;

use crate::http::date::HttpDate;
use crate::http::method::Method;
use crate::http::origin::origin_of;
use crate::http::response::{Body, Connection, Response, ResponseFraming};
use crate::http::{BodyDecoder, Framing, Head, Version};
use crate::limits::Limits;
use crate::net::link::would_block;
use crate::server::connection::Incoming;
use crate::server::shared::Shared;

/// What an answer has to know of its request.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    head_only: bool,
    http_1_0: bool,
    keep: bool,
    origin: Option<String>,
}

/// What happens to the connection when the answer has gone out.
#[derive(Debug)]
pub(crate) enum Then {
    /// The next request.
    Next,
    /// The rest of this request's body, then the next request.
    Drain(BodyDecoder),
    /// This request's body: what went out told the client to send it.
    Body(Box<Incoming>),
    /// The end.
    Close,
}

impl Exchange {
    /// `may_keep` is the server's side of whether the connection is kept; the head has the peer's.
    pub(crate) fn of(head: &Head, may_keep: bool) -> Self {
        Self {
            head_only: head.method() == Method::Head,
            http_1_0: head.version() == Version::Http10,
            keep: may_keep && head.keep_alive(),
            origin: head.only_text("origin").map(str::to_owned),
        }
    }

    /// For a response to what is no request, of which this has come.
    pub(crate) fn of_refused(received: &[u8]) -> Self {
        // However bad the rest of its head is, a HEAD is answered without a body.
        let head_only = received.trim_ascii_start().starts_with(b"HEAD ");
        Self { head_only, http_1_0: false, keep: false, origin: origin_of(received) }
    }

    pub(crate) fn is_head(&self) -> bool {
        self.head_only
    }

    pub(crate) fn is_http_1_0(&self) -> bool {
        self.http_1_0
    }

    /// What follows on an answer to a request that was read whole.
    pub(crate) fn then(&self) -> Then {
        if self.keep { Then::Next } else { Then::Close }
    }

    /// What follows on an answer to a request whose body was not read: a small one is read and
    /// dropped. One that the client still holds back (`Expect: 100-continue`) may or may not come,
    /// and then nobody can tell where the next request begins.
    pub(crate) fn then_without_body(&self, head: &Head, limits: &Limits) -> Then {
        let drainable = match head.framing() {
            Framing::None => return self.then(),
            Framing::Length(length) => length <= limits.drain as u64,
            Framing::Chunked => true,
            // No request has such a body.
            Framing::UntilClose => false,
        };
        if !self.keep || !drainable || head.expects_continue() {
            return Then::Close;
        }
        let bounded = limits.clone().body(limits.drain);
        Then::Drain(BodyDecoder::new(head.framing(), &bounded))
    }

    /// Encodes an answer.
    pub(crate) fn answer(&self, server: &Shared, mut response: Response, then: Then) -> Answer {
        let body = response.take_body();
        let framing = ResponseFraming::Length(body.bytes().len());
        let head = self.encode_head(server, response, framing, &then);
        let body = if self.head_only { Body::Empty } else { body };
        Answer { head, body, sent: 0, then }
    }

    /// Encodes the head of an event stream as the answer to HEAD.
    pub(crate) fn answer_stream_head(&self, server: &Shared, response: Response) -> Answer {
        let framing =
            if self.http_1_0 { ResponseFraming::UntilClose } else { ResponseFraming::Chunked };
        let head = self.encode_head(server, response, framing, &Then::Close);
        Answer { head, body: Body::Empty, sent: 0, then: Then::Close }
    }

    fn encode_head(
        &self,
        server: &Shared,
        response: Response,
        framing: ResponseFraming,
        then: &Then,
    ) -> Vec<u8> {
        let connection = match then {
            Then::Close => Connection::Close,
            _ if self.http_1_0 => Connection::KeepAlive10,
            _ => Connection::Default,
        };
        let mut head = Vec::with_capacity(256);
        self.with_cors(server, response).encode_head(framing, connection, date(), &mut head);
        head
    }

    /// Adds what the server's CORS policy says to this request's origin.
    pub(crate) fn with_cors(&self, server: &Shared, mut response: Response) -> Response {
        if let Some(cors) = &server.cors {
            for (name, value) in cors.fields(self.origin.as_deref()) {
                response.add_field(name, value);
            }
        }
        response
    }
}

/// The date of an answer that goes out now.
pub(crate) fn date() -> HttpDate {
    HttpDate::from(SystemTime::now())
}

/// Says that the body may come (RFC 9110, section 15.2.1).
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Bytes on their way out.
#[derive(Debug)]
pub(crate) struct Answer {
    head: Vec<u8>,
    body: Body,
    /// Of head and body together.
    sent: usize,
    then: Then,
}

impl Answer {
    /// Has the client send the body that it holds back.
    pub(crate) fn go_on(incoming: Box<Incoming>) -> Self {
        Self { head: CONTINUE.to_vec(), body: Body::Empty, sent: 0, then: Then::Body(incoming) }
    }

    /// Writes once, what the socket takes.
    pub(crate) fn write_to(&mut self, mut socket: &TcpStream) -> io::Result<()> {
        let body = self.body.bytes();
        let head = &self.head[self.sent.min(self.head.len())..];
        let body = &body[self.sent.saturating_sub(self.head.len())..];
        loop {
            match socket.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]) {
                Ok(taken) => {
                    self.sent += taken;
                    return Ok(());
                }
                Err(error) if would_block(&error) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn unsent(&self) -> usize {
        self.head.len() + self.body.bytes().len() - self.sent
    }

    pub(crate) fn into_then(self) -> Then {
        self.then
    }
}
