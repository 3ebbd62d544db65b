//! What the bytes of a connection mean, line by line: `tail --raw` shows it of what a client sends
//! and receives, and `serve --trace` of what the hub does.
//!
//! ```text
//! bytes of one call ─► Request or Response ─► rows: bytes, what they mean, which piece they are
//!                                               └──► layout ─► lines for a terminal
//! ```
//!
//! To read on: [`request`] and [`response`] take a connection's bytes apart, in whatever pieces
//! they come, [`frame`] follows what stands around chunks, [`words`] says what each line means,
//! [`pieces`] which piece of the library's it is, and [`row`] finds what must not be shown.
//! [`layout`] puts the rows into columns.

mod frame;
mod layout;
mod pieces;
mod request;
mod response;
mod row;
mod words;

pub(crate) use layout::Layout;
pub(crate) use request::Request;
pub(crate) use response::Response;
pub(crate) use row::Row;
