//! What the tools share about being a client of an event stream.
//!
//! ```text
//! command line ─► Follow ─► request ─► EventSource ─► updates ─► tell, ended      tail, record
//! bytes of a response ─► Reader ─► head, frame, content, end                      and bench
//! ```
//!
//! To read on: [`follow`] is what `tail` and `record` have in common, [`rows`] are its flags, and
//! [`wire`] takes a response apart.

mod follow;
pub(super) mod rows;
mod wire;

pub(super) use follow::{Follow, TOO_LONG, ended, io_kind, no_more, tell, whole};
pub(super) use wire::{Ending, Part, Reader, broken};
