//! Event streams: what goes over the wire, and both ways across it.
//!
//! An event stream is UTF-8 text made of lines. A blank line ends an event; every other line is a
//! comment or a field of the event. This is all of its grammar (HTML standard, section 9.2.5):
//!
//! ```text
//! stream      = [ bom ] *event
//! event       = *( comment / field ) end-of-line
//! comment     = ":" *any-char end-of-line
//! field       = 1*name-char [ ":" [ space ] *any-char ] end-of-line
//! end-of-line = CR LF / CR / LF
//! ```
//!
//! Four field names mean something; all others are ignored:
//!
//! ```text
//! id: 17           the last event ID, with which a client that comes back asks for the rest
//! event: number    the event type, "message" where there is none
//! retry: 3000      the reconnection time, in milliseconds
//! data: one        the data; several such lines are joined by LF
//! data: two
//!                  the blank line: the client dispatches the event
//! ```
//!
//! Nothing can be escaped. So a line break in an id or an event type can't be sent, and is refused
//! when the value is made; one in the data starts another `data` line. A reader must take three
//! line ends for the same; we write LF alone, since some clients look for nothing else.
//!
//! To read on: [`mod@line`] says where lines end, [`event`] what can be sent, [`encode`] turns
//! that to bytes, and [`parser`] turns bytes back to events. [`chunk`] is the wrapping that
//! HTTP/1.1 puts around a stream whose length nobody knows. None of these has ever seen a socket.
//!
//! Those that have: [`writer`] is what an application holds of a stream, [`stream`] is the stream
//! itself from its request to its end, [`outbox`] its socket, [`waiting`] what the socket has not
//! taken, [`interval`] its threads.

pub(crate) mod chunk;
pub(crate) mod encode;
pub(crate) mod event;
pub(crate) mod interval;
mod line;
pub(crate) mod outbox;
pub(crate) mod parser;
pub(crate) mod stream;
pub(crate) mod waiting;
pub(crate) mod writer;
