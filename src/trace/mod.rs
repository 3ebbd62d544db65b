//! What goes over each connection as it happens, and where in the source each piece of it is
//! written or read.
//!
//! A [`Trace`] is told of each call of the system that opens, reads, writes or closes a server's
//! connections, with the bytes that it moved: see [`Server::trace`](crate::Server::trace).
//! `tidings serve --trace` is one, which prints them, and says of each piece what it means, and
//! where in the source it comes from:
//!
//! ```
//! use tidings::trace::Piece;
//!
//! let place = Piece::ChunkSize.place();
//! assert!(place.to_string().starts_with("src/http/chunk.rs:"));
//! assert_eq!(Piece::ChunkSize.section(), "RFC 9112, section 7.1");
//! ```
//!
//! The [places](places()) are found while the library is compiled, in its own source: each by a
//! text that stands at one line. So none can be out of date: where the text is gone, the library
//! doesn't compile until the table says where it is now.

mod find;
mod pieces;

pub use crate::net::trace::{Call, Outcome, Trace};
pub use find::Place;
pub use pieces::{Piece, places};
