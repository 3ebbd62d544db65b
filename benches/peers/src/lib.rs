//! tidings beside its peers: the same small program in several frameworks, one load, one table.
//!
//! ```text
//! harness ─┬─► server, a process pinned to core 0:  GET /events, POST /publish
//!          └─► load, a process pinned to core 1:    one thread, epoll, N streams, one publisher
//! ```
//!
//! To read on: [`servers`] are the programs that are measured, [`load`] is what they have to bear
//! and what checks their events, [`harness`] starts both in turn and makes tables of what the load
//! reports. [`system`] is what the kernel knows of a process. [`cost`] counts what each act of the
//! product costs, and [`redis`] measures many hubs.

pub mod cost;
pub mod harness;
pub mod load;
pub mod redis;
pub mod servers;
pub mod system;

/// Whatever went wrong ends the run, so an error only has to say what it was.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
