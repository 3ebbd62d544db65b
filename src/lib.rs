//! Server-Sent Events on nothing but the Rust standard library.

#![forbid(unsafe_code)]

mod answer;
mod channel;
mod connection;
mod dispatch;
mod error;
mod hooks;
pub mod http;
mod limits;
mod linger;
mod pool;
mod server;
mod sse;
mod watch;

pub use channel::Channel;
pub use channel::cursor::{Lag, Start};
pub use channel::hub::Hub;
pub use channel::log::History;
pub use error::{CloseReason, Error, Result};
pub use hooks::{Hooks, Logger, StreamInfo};
pub use http::cors::Cors;
pub use http::date::HttpDate;
pub use http::method::Method;
pub use http::request::Request;
pub use http::response::Response;
pub use http::status::Status;
pub use limits::Limits;
pub use server::Server;
pub use server::counts::Stats;
pub use server::handle::{Handle, Running};
pub use server::reply::Reply;
pub use sse::event::{Event, EventId, EventType, IntoEvent};
pub use sse::interval::Interval;
pub use sse::parser::{MessageEvent, Parser};
pub use sse::writer::SseWriter;
