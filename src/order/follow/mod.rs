//! The order of another hub, which this one follows.
//!
//! ```text
//! publishers ─► POST to the other hub ─► its response is the response
//! reader thread ◄─ GET /feed ◄─ the events of all channels, in their order ─► Sink
//! ```
