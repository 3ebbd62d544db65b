//! Server-Sent Events on nothing but the Rust standard library: no dependency, threads you can
//! count, and no `unsafe`. (The program `tidings` has a few calls of the system, in one file.)
//!
//! **A channel is a log, and a stream is a cursor into it.** What is published is encoded once and
//! kept for a while; every stream is sent what lies between its cursor and the end of the log, in
//! one call. For a client that reconnects with its last event ID, the cursor starts further back;
//! for a client that reads slowly, the cursor stays back. If events are lost for good, the client
//! is told so in band.
//!
//! ```no_run
//! use std::time::Duration;
//! use tidings::{Channel, Response, Server};
//!
//! fn main() -> tidings::Result<()> {
//!     let news = Channel::new();
//!
//!     Server::bind("127.0.0.1:3000")?
//!         .sse("/sse", |stream, _request| {
//!             stream.on_close(|reason| eprintln!("closed: {reason}"));
//!             stream.every(Duration::from_secs(1), |stream| stream.send(("number", "7")))
//!         })
//!         .sse("/news/events", {
//!             let news = news.clone();
//!             move |stream, _request| stream.subscribe(&news)
//!         })
//!         .post("/news", move |request| {
//!             let id = news.send(request.body_text()?)?;
//!             Ok(Response::text(id))
//!         })
//!         .run()
//! }
//! ```
//!
//! # One stream, byte by byte
//!
//! A server with one channel, and a client that is nothing but a socket:
//!
//! ```
//! use std::io::{BufRead, BufReader, Read, Write};
//! use std::net::TcpStream;
//! use tidings::{Channel, Server};
//!
//! let news = Channel::new();
//! let server = Server::bind("127.0.0.1:0")?
//!     .sse("/events", { let news = news.clone(); move |stream, _| stream.subscribe(&news) })
//!     .start()?;
//!
//! // A request is a request line, field lines, and an empty line; each ends in CRLF.
//! let mut client = TcpStream::connect(server.address())?;
//! client.write_all(b"GET /events HTTP/1.1\r\n\
//!     Host: localhost\r\n\
//!     Accept: text/event-stream\r\n\
//!     \r\n")?;
//!
//! // The head of the response goes out at once. It has no length, as nobody knows it: the body
//! // comes in chunks, and the connection is closed after it.
//! let mut client = BufReader::new(client);
//! let head: Vec<String> = client.by_ref().lines().take(9).collect::<Result<_, _>>()?;
//! assert_eq!(head[0], "HTTP/1.1 200 OK");
//! assert!(head[1].starts_with("Date: "));
//! assert_eq!(head[2..], [
//!     "Content-Type: text/event-stream",
//!     "Cache-Control: no-cache, no-transform", // no proxy holds it back to compress it
//!     "X-Accel-Buffering: no", // nginx passes each event on as it comes
//!     "X-Content-Type-Options: nosniff",
//!     "Transfer-Encoding: chunked",
//!     "Connection: close",
//!     "",
//! ]);
//!
//! // The first chunk comes with the head: the id of the place where the stream begins. It sets the
//! // client's last event ID, so a client that loses its connection now resumes here; and the empty
//! // line dispatches no event, as there is no data.
//! let first: Vec<String> = client.by_ref().lines().take(4).collect::<Result<_, _>>()?;
//! assert_eq!(first[0], format!("{:x}", first[1].len() + "\n\n".len()));
//! assert!(first[1].starts_with("id: ") && first[1].ends_with("-0"), "no event has come yet");
//! assert_eq!(first[2..], ["", ""]);
//!
//! // One event is one chunk, and one `send` of the system: the size of what follows in
//! // hexadecimal, CRLF, the event, CRLF. The event's own lines end in LF, and an empty line ends
//! // it.
//! let id = news.send(("headline", "rain\nand more rain"))?;
//! let event = format!("id: {id}\nevent: headline\ndata: rain\ndata: and more rain\n\n");
//! let chunk = format!("{:x}\r\n{event}\r\n", event.len());
//! let mut received = vec![0; chunk.len()];
//! client.read_exact(&mut received)?;
//! assert_eq!(String::from_utf8_lossy(&received), chunk);
//!
//! // The end of the stream is a chunk of size zero. Without it the client would know that the
//! // stream was cut off.
//! news.close();
//! let mut rest = Vec::new();
//! client.read_to_end(&mut rest)?;
//! assert_eq!(rest, b"0\r\n\r\n");
//! # server.stop()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Reading order
//!
//! The modules follow one request through the house, from `server` down to what it stands on, and
//! are declared below in this order; `src/doc/ideas.md` names the layers from the ground up. Those
//! marked *pure* are bytes in, values out: they know no socket, no thread and no clock, and can be
//! read and tested without one.
//!
//! | module | what lives there |
//! | --- | --- |
//! | `server` | bind and run; accept; routes; the thread and the socket of one connection |
//! | `stream` | one event stream from its request to its end; intervals; hooks |
//! | `channel` | channels and hubs; which streams follow them; passes over those |
//! | `order` | where ids come from: memory, a journal on disk, Redis, or another hub |
//! | `net` | sockets, workers, the watch thread, and what bounds them |
//! | `log` | *pure*: a channel's events, cursors into them, batches and gaps |
//! | `event` | *pure*: events, their encoding and their parser |
//! | [`http`] | *pure*: heads, bodies, chunks, dates, CORS; the states of one connection |
//! | [`client`] | URLs, requests and waits (*pure*); connections, and one stream out of many |
//! | `limits`, `peer`, `error` | every bound; the other end of a connection; the public error |
//! | [`testing`] | for your tests: a client whose every wait has a deadline |
//! | `trace` | which line of the source writes or reads which piece of a stream |
//!
//! Under test there is one more, `fuzz`: what holds for any bytes at all.
//!
//! What is asked for again and again is in [`recipes`], each with its code. The script that the
//! program serves for web pages has a page of its own: `tidings_js`. [`illustrated`] explains every
//! byte of one stream's life, and where in the source it comes from.
//!
//! Why things are as they are, where the code alone can't say it, is in `src/doc/`.
//!
//! # Features
//!
//! All of them are on by default.
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `journal` | `Hub::journal` and `JournalReader`: a hub that keeps its events on disk |
//! | `redis` | `Hub::redis`: many hubs that share one order over Redis |
//! | `follow` | `Hub::follow`, `SseWriter::follow_feed`: a hub that has its events from another |
//! | `page` | of the program: the page at `/` |
//! | `tools` | `Server::trace` and `--trace`; of the program: all but `serve` and `journal` |

#![forbid(unsafe_code)]

mod server;

mod stream;

mod channel;

mod order;

mod net;

mod log;

mod event;

pub mod http;

pub mod client;

pub mod testing;

#[cfg(feature = "tools")]
pub mod trace;

mod limits;

mod peer;

mod digits;

mod search;

mod random;

mod error;

#[doc = include_str!("doc/recipes.md")]
pub mod recipes {}

#[doc = include_str!("doc/illustrated.md")]
pub mod illustrated {}

#[doc = include_str!("doc/robustness.md")]
pub mod robustness {}

#[cfg(feature = "page")]
#[doc = include_str!("doc/tidings_js.md")]
pub mod tidings_js {}

#[cfg(feature = "journal")]
#[doc = include_str!("doc/journal.md")]
pub mod journal {}

#[cfg(all(feature = "follow", feature = "redis"))]
#[doc = include_str!("doc/many-hubs.md")]
pub mod many_hubs {}

#[cfg(any(test, fuzzing))]
pub mod fuzz;

pub use channel::Channel;
pub use channel::hub::Hub;
pub use channel::in_process::ChannelReader;
pub use error::{CloseReason, Error, Result};
pub use event::parser::{MessageEvent, Parser};
pub use event::{Event, EventId, EventType, IntoEvent};
pub use http::{Cors, HttpDate, Method, Proxies, Request, Response, Status};
pub use limits::Limits;
pub use log::History;
pub use log::cursor::{Lag, Start};
pub use net::counts::Stats;
pub use net::listener::{Address, Listener};
pub use net::socket::Socket;
pub use net::ticker::{Interval, IntervalEnd};
#[cfg(feature = "follow")]
pub use order::follow::options::Follow;
#[cfg(feature = "journal")]
pub use order::journal::reader::{
    JournalDamage, JournalReader, JournalRecord, JournalRecords, JournalSegment,
};
#[cfg(feature = "journal")]
pub use order::journal::{Journal, JournalStats, JournalSync};
#[cfg(feature = "redis")]
pub use order::redis::options::Redis;
#[cfg(any(feature = "redis", feature = "follow"))]
pub use order::remote::OrderStats;
pub use peer::Peer;
pub use server::Server;
pub use server::handle::Handle;
pub use server::reply::Reply;
pub use server::running::Running;
pub use stream::hooks::{Hooks, StreamInfo};
pub use stream::logger::Logger;
pub use stream::writer::SseWriter;
