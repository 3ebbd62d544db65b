//! What goes out: a response as its request needs it, and how much of that the socket has taken.
//!
//! | request | head | body |
//! | --- | --- | --- |
//! | HTTP/1.1 | a length, or chunks where it is endless; `Connection` only to close | as it is |
//! | HTTP/1.0 | no chunks; `Connection` says either | as it is |
//! | HEAD | the same as for GET | none |
//!
//! A status without content (204, 304) leaves out the body and its length.

use crate::http::date::HttpDate;
use crate::http::head::Head;
use crate::http::known::ORIGIN;
use crate::http::method::Method;
use crate::http::origin::origin_of;
use crate::http::request_line::Version;
use crate::http::response::{Body, Response};

/// What a response has to know of its request.
#[derive(Default)]
pub(crate) struct Asked {
    /// If the head was whole; and if it was refused and began like that of a HEAD.
    pub(crate) method: Option<Method>,
    /// The peer knows no chunks.
    pub(crate) http_1_0: bool,
    /// The peer wants to use the connection again.
    pub(super) keep_alive: bool,
    /// The origin of the page that asks, where there is one and it can be told.
    pub(crate) origin: Option<String>,
}

/// Room for nearly every head. It stays for the next response.
const USUAL_HEAD: usize = 256;

/// Bytes on their way out. By default none.
#[derive(Default)]
pub(super) struct Output {
    head: Vec<u8>,
    body: Body,
    /// Of head and body together.
    sent: usize,
    unsent: usize,
}

impl Asked {
    pub(super) fn of(head: &Head) -> Self {
        Self {
            method: Some(head.method()),
            http_1_0: head.version() == Version::Http10,
            keep_alive: head.keep_alive(),
            origin: head.only_text(ORIGIN).map(str::to_owned),
        }
    }

    /// Whether only the head of a response goes out.
    pub(crate) fn is_head(&self) -> bool {
        self.method == Some(Method::Head)
    }

    /// For a response to what is no request, of which this has come.
    pub(super) fn of_refused(received: &[u8]) -> Self {
        // However bad the rest of its head is, a HEAD gets a response without a body.
        let head = received.trim_ascii_start().starts_with(b"HEAD ");
        Self {
            method: head.then_some(Method::Head),
            origin: origin_of(received),
            ..Self::default()
        }
    }
}

impl Output {
    /// Says that the body may come (RFC 9110, section 15.2.1).
    pub(super) fn go_on(&mut self) {
        self.head.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        self.unsent = self.head.len();
    }

    pub(super) fn respond(
        &mut self,
        mut response: Response,
        asked: &Asked,
        closes: bool,
        date: HttpDate,
    ) {
        self.head.reserve(USUAL_HEAD);
        response.encode_head(asked.http_1_0, closes, date, &mut self.head);
        if !asked.is_head() {
            self.body = response.take_body();
        }
        self.unsent = self.head.len() + self.body.bytes().len();
    }

    /// Forgets what was to be sent, whether it was or not.
    pub(super) fn clear(&mut self) {
        self.head.clear();
        self.head.shrink_to(USUAL_HEAD);
        (self.body, self.sent, self.unsent) = (Body::Empty, 0, 0);
    }

    pub(super) fn is_sent(&self) -> bool {
        self.unsent == 0
    }

    /// What is to be sent, one after the other.
    pub(super) fn rest(&self) -> [&[u8]; 2] {
        let Self { head, body, sent, .. } = self;
        [&head[head.len().min(*sent)..], &body.bytes()[sent.saturating_sub(head.len())..]]
    }

    /// So many bytes of the rest have gone out.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.sent += bytes;
        self.unsent -= bytes;
    }
}
