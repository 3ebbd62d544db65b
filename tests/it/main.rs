//! The server and the client over real sockets: one module for each behaviour.

#![forbid(unsafe_code)]

mod support;

mod browser;
mod channels;
mod client;
mod deploy;
mod examples;
mod follow;
mod http;
#[cfg(target_os = "linux")]
mod illustrated;
#[cfg(all(feature = "journal", target_os = "linux"))]
mod journal;
#[cfg(unix)]
mod listeners;
mod program;
mod rows;
#[cfg(target_os = "linux")]
mod soak;
mod streams;
