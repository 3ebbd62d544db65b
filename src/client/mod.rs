//! The other end of the wire: `EventSource` in blocking Rust, as the HTML standard's section 9.2
//! has it.
//!
//! ```no_run
//! use tidings::client::EventSource;
//!
//! for event in EventSource::new("http://localhost:3000/events/news")? {
//!     let event = event?;
//!     println!("{}: {}", event.event_type, event.data);
//! }
//! # Ok::<(), tidings::Error>(())
//! ```
//!
//! That loop goes on for as long as the server lets it: when the connection ends, the source waits
//! for the reconnection time, connects again, and asks for what came after the last event ID. It
//! ends when the server says that there is no more (204), when somebody calls
//! [`Closer::close`], and with an error when the response is no event stream, as asking again would
//! change nothing.
//!
//! | to | is |
//! | --- | --- |
//! | set fields, or ask with a POST | [`StreamRequest`] |
//! | ask a server on a unix socket | [`StreamRequest::at_socket`] |
//! | ask with a new token the next time | [`EventSource::set_request`] |
//! | see connections come and go | [`EventSource::next_update`] |
//! | try again when the server is busy | [`EventSource::keep_trying`] |
//! | end it from another thread | [`EventSource::closer`] |
//! | notice a server that has gone silently | [`EventSource::silence`] |
//! | see every byte | [`Tap`] |
//! | bring TLS | [`Transport`] |
//!
//! Only plain HTTP is spoken here. Everything that a server sends is bounded: the head, a line and
//! an event by sizes that can be set, redirects by their number, and silence by a deadline.
//!
//! Reading order: `url` and `request` are what is asked, `transport` and `tap` what carries it,
//! `session` is one connection, `attempt` the way to one, `backoff` how long to wait before the
//! next, `event_source` all of it together (what each of its states does, and the wait, is in its
//! `steps`), and `closer` its end.

mod url;

mod request;

pub(crate) mod transport;

mod tap;

pub(crate) mod session;

pub(crate) mod attempt;

pub(crate) mod backoff;

#[cfg(feature = "follow")]
pub(crate) mod kept;

mod update;

mod event_source;

mod closer;

pub use closer::Closer;
pub use event_source::EventSource;
pub use request::StreamRequest;
pub use tap::{Tap, Traffic};
pub use transport::{Connection, Plain, Transport};
pub use update::Update;
pub use url::Url;
