//! Gives back what it gets: for test suites that send HTTP/1.1 of their own.
//!
//! Every path and every method is answered with 200 and the content of the request, read whole and
//! within the default limits; that of a GET, HEAD, OPTIONS, DELETE or TRACE is read and dropped, as
//! it means nothing. Nothing is special here: whatever is refused is refused as every
//! other server of this crate would.
//!
//! ```text
//! $ cargo run --example echo
//! listening on http://127.0.0.1:3000
//!
//! $ curl -d 'hello' http://127.0.0.1:3000/any/path
//! hello
//! ```

use std::env;

use tidings::{Response, Server};

fn main() -> tidings::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let server = Server::bind(address.as_str())?;
    println!("listening on http://{}", server.address());
    server.fallback(|request| Ok(Response::bytes("application/octet-stream", request.body()))).run()
}
