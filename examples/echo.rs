//! Returns what it receives: for test suites that send HTTP/1.1 of their own.
//!
//! The response to every method and path is 200 with the content of the request, read whole and
//! within the default limits. The content of a GET, HEAD, OPTIONS, DELETE or TRACE is read and
//! dropped, since it has no meaning. Otherwise this server does what every server of this crate
//! does, and refuses what they refuse.
//!
//! ```text
//! $ cargo run --example echo
//! listening on http://127.0.0.1:3000
//!
//! $ curl -d 'hello' http://127.0.0.1:3000/any/path
//! hello
//! ```

#![forbid(unsafe_code)]

use std::env;

use tidings::{Response, Server};

fn main() -> tidings::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let server = Server::bind(address.as_str())?;
    println!("listening on http://{}", server.address());
    server.fallback(|request| Ok(Response::bytes("application/octet-stream", request.body()))).run()
}
