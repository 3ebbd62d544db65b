//! The order of many hubs over one Redis: their events are the entries of one stream there.
//!
//! ```text
//! publishers ─► queue ─► leader: XADD, XADD, … in one pipeline ─► replies: ids
//! reader thread ◄─ XREAD BLOCK ◄─ the same entries, in their order ─► Sink
//! ```
//!
//! | file | what it is |
//! | --- | --- |
//! | [`resp`] | *pure*: Redis' wire, RESP2, both ways |
//! | [`entry`] | *pure*: events as entries of the stream, both ways |
//! | [`post`] | *pure*: posts as commands, and what Redis says to them |
//! | [`rules`] | *pure*: epochs, fencing, and what is a gap |
//! | `epoch` | what is asked of Redis beside events: what there is, and an epoch |
//! | [`options`] | which Redis, and how |
//! | [`greeting`] | *pure*: what Redis says when a connection begins, and what its trouble means |
//! | [`link`] | one connection: connect, greet, send, receive, each by a deadline |
//! | [`shared`] | what publishers and the reader share |
//! | [`order`] | publishing: the queue and its leaders |
//! | [`reader`] | the thread that reads the stream |

pub(crate) mod entry;
mod epoch;
pub(crate) mod greeting;
pub(crate) mod link;
pub(crate) mod options;
pub(crate) mod order;
pub(crate) mod post;
pub(crate) mod reader;
pub(crate) mod resp;
pub(crate) mod rules;
pub(crate) mod shared;
#[cfg(test)]
pub(crate) mod support;
