//! Threads and sockets, and what bounds them. Nothing here depends on requests or streams: what is
//! said of streams below is generic, or comes in as a closure.
//!
//! | file | what it is |
//! | --- | --- |
//! | [`listener`] | where connections come in: TCP or a unix socket |
//! | [`socket`], [`link`] | one connection, of either kind; counted, and whether a call may wait |
//! | `trace` | what is told of each call on a connection |
//! | [`pool`] | the worker threads |
//! | [`watch`] | the watch thread: it retries what is pending, and checks all streams |
//! | [`ticker`] | intervals: a thread that calls a closure on time |
//! | [`linger`] | the end of a connection: half-close, drain, close |
//! | [`registry`], [`budget`], [`counts`] | which streams there are; memory for bodies; counters |
//! | [`lifecycle`] | how far a server has come towards its end |
//! | [`threads`], [`panics`], [`sync`] | threads of ours, their faults, and their locks |
//! | [`atomic`] | 64-bit atomics, also where the machine has none |
//! | [`moment`], [`first`] | a small point in time; what comes first, for a heap |

pub(crate) mod atomic;
pub(crate) mod budget;
pub(crate) mod counts;
pub(crate) mod first;
pub(crate) mod lifecycle;
pub(crate) mod linger;
pub(crate) mod link;
pub(crate) mod listener;
pub(crate) mod moment;
pub(crate) mod panics;
pub(crate) mod pool;
pub(crate) mod registry;
pub(crate) mod socket;
pub(crate) mod sync;
pub(crate) mod threads;
pub(crate) mod ticker;
#[cfg(feature = "tools")]
pub(crate) mod trace;
pub(crate) mod watch;
