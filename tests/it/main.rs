//! The server over real sockets: one module for each behaviour.

mod support;

mod channels;
mod http;
mod streams;
