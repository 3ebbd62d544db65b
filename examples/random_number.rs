//! A mock service: each client of `/sse` is sent an event of type `number` every second, whose data
//! is a random digit. The stream never ends by itself, and each client has its own.
//!
//! Run it, and open the page or use curl:
//!
//! ```text
//! $ cargo run --example random_number
//! listening on http://127.0.0.1:3000
//!
//! $ curl -N http://127.0.0.1:3000/sse
//! event: number
//! data: 7
//!
//! event: number
//! data: 2
//! ```
//!
//! Stop curl: within a second, the stream is closed and the interval's thread ends. Standard error
//! has a line for each open, event and close.

#![forbid(unsafe_code)]

mod notebook;

use std::env;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tidings::{Logger, Method, Reply, Response, Server, SseWriter};

fn main() -> tidings::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let mut server = Server::bind(address.as_str())?
        .hooks(Logger::stderr())
        .get("/", |_request| Ok(Response::html(PAGE)))
        .sse("/sse", |stream, _request| send_numbers(stream));
    // A mock responds to every method.
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options] {
        server = server.route(method, "/sse", |_request| Ok(Reply::event_stream(send_numbers)));
    }
    println!("listening on http://{}", server.address());
    notebook::add_to(server).run()
}

fn send_numbers(stream: SseWriter) -> tidings::Result<()> {
    stream
        .every(Duration::from_secs(1), |stream| stream.send(("number", random_digit().to_string())))
}

/// std has no random numbers, but it draws random keys for hash maps.
fn random_digit() -> u64 {
    RandomState::new().build_hasher().finish() % 10
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>random_number</title>
<h1>A random number every second: <output id="number">…</output></h1>
<script>
  const report = (line) => fetch("received", { method: "POST", body: line });
  // Relative, so that the page works under any host and path.
  const source = new EventSource("sse");
  source.addEventListener("open", () => report("open"));
  source.addEventListener("number", (event) => {
    document.getElementById("number").textContent = event.data;
    report(`number ${event.data}`);
  });
</script>
</html>
"#;
