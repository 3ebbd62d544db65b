//! What must hold for any bytes, in one function for each way in.
//!
//! - [`requests`] are what a client sends on one connection. They mean what a simple reader of the
//!   RFC sees in them, they mean the same when we write them again, and limits are exact. Whatever
//!   the server does with them, each has one response, deadlines are those of what is awaited, and
//!   the connection ends.
//! - [`chunks`] are a chunked body. It ends where a simple reader sees its end; and any content
//!   comes back from any chunks.
//! - [`events`] are an event stream. They are those that the HTML standard says, step by step, also
//!   when a connection ends among them, and bounds are exact.
//! - [`responses`] are what a server sends to a client. They mean what a simple reader sees in
//!   them.
//! - [`urls`] are where a client is sent, and its server understands what it asks there.
//! - [`segments`] are files of a journal, whatever became of them. Every whole event in them is
//!   found and nothing else, wherever and in whatever pieces they are read; and [`places`] in large
//!   ones are found by a search as by a linear reading.
//! - [`resp`] is what a Redis sends. It means what a simple reader sees in it, in no more memory
//!   than it may take or than has come; and commands are read as they were written.
//! - [`encoded`] is a script of events, comments and reconnection times to be sent. They come back,
//!   through chunks and all.
//!
//! And each of them holds that nothing panics, and that no cut of the bytes makes a difference.
//! A property panics where it does not hold, and otherwise gives how many requests, bodies or
//! events there were: a test that makes the bytes can tell whether they reach what is to be tested.
//!
//! Two readers call these functions: the fuzzer in `tests/fuzz` follows the branches that its bytes
//! take, for hours; the tests in `seeded`, which run with all others, throw dice over the grammar,
//! for a second. What depends on choices beside the bytes (where to cut, which limits) draws them
//! from the bytes themselves, so that a file is all there is to a case.
//!
//! This module is part of no build but those of tests and fuzzers.

mod chunks;
mod encoded;
mod events;
mod plain;
pub(crate) mod random;
mod requests;
#[cfg(feature = "redis")]
mod resp;
mod responses;
#[cfg(feature = "journal")]
mod segments;
mod urls;

#[cfg(test)]
mod seeded;

pub use chunks::chunks;
pub use encoded::encoded;
pub use events::events;
pub use requests::requests;
#[cfg(feature = "redis")]
pub use resp::resp;
pub use responses::responses;
#[cfg(feature = "journal")]
pub use segments::{places, segments};
pub use urls::urls;
