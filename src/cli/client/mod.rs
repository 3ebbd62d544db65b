//! What the tools share about being a client of an event stream.
//!
//! ```text
//! command line ─► Follow ─► request ─► EventSource ─► follow ─► notes, exit status  tail, record
//! --via COMMAND ─► Carrier ─► a connection                                          and bench
//! bytes of a response ─► Reader ─► head, frame, content, end                        and bench
//! ```
//!
//! To read on: [`named`] is what a URL on the command line names, [`mod@follow`] is what `tail` and
//! `record` have in common, [`rows`] are its flags, [`carrier`] is what carries the bytes ([`via`]
//! is a command that does), and [`wire`] takes a response apart.

mod carrier;
mod follow;
mod named;
pub(super) mod rows;
#[cfg(unix)]
mod via;
mod wire;

pub(super) use carrier::Carrier;
pub(super) use follow::{Follow, TOO_LONG, ended, follow, io_kind};
pub(super) use named::{names_socket, plain, request, whole, with_remedy};
pub(super) use wire::{Ending, Part, Reader, broken};
