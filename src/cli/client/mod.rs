//! What the tools share about being a client of an event stream.
//!
//! ```text
//! command line ─► Follow ─► request ─► EventSource ─► updates ─► tell, ended      tail, record
//! bytes of a response ─► Reader ─► head, frame, content, end                      and bench
//! ```
//!
//! To read on: [`follow`] is what a tool asks for, says and ends with, [`rows`] are the flags of
//! that, and [`wire`] takes a response apart.

mod follow;
pub(super) mod rows;
mod wire;

pub(super) use follow::{Follow, TOO_LONG, ended, no_more, tell, whole};
pub(super) use wire::{Ending, Part, Reader, broken};
