//! HTTP/1.1 as bytes and values: no sockets, no threads, no clocks.
//!
//! A request on the wire is a *head* and, if the head says so, a *body* (RFC 9112, section 2.1):
//!
//! ```text
//! GET /events/news?history=5 HTTP/1.1 CRLF      request line: method SP target SP version
//! Host: localhost:3000 CRLF                     field line: name ":" value
//! Accept: text/event-stream CRLF                field line
//! CRLF                                          the empty line that ends the head
//! ```
//!
//! [`HeadParser`] turns the bytes of a head into a [`Head`], or into a [`Refusal`] that says which
//! rule they broke. A [`Head`] that exists is valid: its target decodes, its `Host` is one host,
//! and its [`Framing`] says beyond doubt where the body ends. [`BodyDecoder`] then takes the body.
//! Both can be given the bytes in any pieces, and the result never depends on the pieces:
//!
//! ```
//! use tidings::Limits;
//! use tidings::http::{BodyDecoder, HeadParser};
//!
//! let bytes = b"POST /events/news HTTP/1.1\r\n\
//!               Host: localhost:3000\r\n\
//!               Content-Length: 5\r\n\
//!               \r\n\
//!               hello";
//! let limits = Limits::default();
//!
//! let mut parser = HeadParser::new(&limits);
//! assert!(parser.parse(&bytes[..40])?.is_none()); // the head goes on
//! let (head, consumed) = parser.parse(bytes)?.expect("the empty line is there");
//! assert_eq!(head.path(), "/events/news");
//! assert_eq!(head.authority(), Some("localhost:3000"));
//!
//! let mut body = Vec::new();
//! let mut decoder = BodyDecoder::new(head.framing(), &limits);
//! assert_eq!(decoder.decode(&bytes[consumed..], &mut body)?, 5);
//! assert!(decoder.is_done());
//! assert_eq!(body, b"hello");
//! # Ok::<(), tidings::http::Refusal>(())
//! ```
//!
//! Why so strict? Between a client and us there may be proxies, and a client that makes two of them
//! disagree about where a request ends can slip a request past one of them. So what the grammar
//! does not allow is not guessed at but refused, and the connection is closed.
//!
//! A client reads the same in the other direction: [`ResponseHeadParser`] turns bytes into a
//! [`ResponseHead`], and the same [`BodyDecoder`] takes the body after it.
//!
//! All of HTTP that this crate has is here. What every server needs ([`Request`], [`Response`],
//! [`Method`], [`Status`], [`Cors`], [`Proxies`], [`HttpDate`]) is found at the crate's root as
//! well.
//!
//! Reading order: `syntax` (the bytes that the grammar is made of), `request_line`, `target`,
//! `percent`, `known`, `field_line`, `fields`, `framing`, `head`, `parser`; then bodies: `body`,
//! `chunk`, `trailer`; then what handlers see: `pattern`, `request`, `content`, `response`,
//! `responding`, `cors`, `date`, with `method`, `status` and `refusal` as the words they are
//! written in, and `origin` for what was refused; then what proxies say: `proxies`, `forwarded`,
//! `proxy_protocol`; then `exchange`, which puts all of these together to one connection of a
//! server; then what a client reads: `status_line`, `response_head`; and `secrets`, what of all
//! that may be shown.

pub(crate) mod syntax;

mod refusal;
mod request_line;
mod target;

pub(crate) mod percent;

mod field_line;
mod fields;
mod framing;
mod head;
mod known;
mod media_type;
mod parser;
mod proxy_protocol;

mod body;
pub(crate) mod chunk;
mod trailer;

pub(crate) mod content;
pub(crate) mod cors;
pub(crate) mod date;
pub(crate) mod forwarded;
pub(crate) mod method;
pub(crate) mod origin;
pub(crate) mod pattern;
pub(crate) mod proxies;
pub(crate) mod request;
mod responding;
pub(crate) mod response;
pub(crate) mod status;

pub(crate) mod exchange;

mod response_head;
mod status_line;

mod secrets;

#[cfg(test)]
mod support;

pub use body::BodyDecoder;
pub use content::IntoContent;
pub use cors::Cors;
pub use date::HttpDate;
pub use framing::Framing;
pub use head::Head;
pub use method::Method;
pub use parser::HeadParser;
pub use proxies::Proxies;
pub use refusal::Refusal;
pub use request::Request;
pub use request_line::Version;
pub use response::Response;
pub use response_head::{ResponseHead, ResponseHeadParser};
pub(crate) use secrets::MASK;
pub use secrets::{masked_url, masked_value, secrets_in_url, secrets_in_value};
pub use status::Status;
pub(crate) use target::is_authority;
