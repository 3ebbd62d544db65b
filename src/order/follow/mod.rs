//! The order of another hub, which this one follows.
//!
//! ```text
//! publishers ─► POST to the other hub ─► its response is the response
//! reader thread ◄─ GET /feed ◄─ the events of all channels, in their order ─► Sink
//! ```
//!
//! | file | what it is |
//! | --- | --- |
//! | [`options`] | which hub, and how |
//! | [`chain`] | the names of the hubs that follow one another, so that none follows itself |
//! | [`credentials`] | the token for the other hub, which may be another one later |
//! | [`forward`] | publishing: connections that are kept, and what a failure means |
//! | [`message`] | *pure*: what the other hub says |
//! | [`reader`] | the thread that reads the feed |
//! | [`shared`] | what that shares with publishers and the hub |
//! | [`order`] | both of them as an order, and how it begins |
//!
//! Ids are those of the other hub, whatever they are: one that remembers nothing begins another
//! random epoch with each start, which may be smaller than the one before.

pub(crate) mod chain;
mod credentials;
mod forward;
mod message;
pub(crate) mod options;
pub(crate) mod order;
mod reader;
mod shared;
