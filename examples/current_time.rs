//! A stream for pages of another origin, with credentials.
//!
//! Two servers: the stream at `/sse` on one port, the page on another. For a browser these are two
//! origins, so the page may read the stream only if the stream's server allows it. The page connects
//! `withCredentials`, and then a wildcard is not enough: the response must name the page's own
//! origin, which [`Cors::origins`] does.
//!
//! The stream begins with one event without a type, and then sends one of type `currentTime` every
//! second.
//!
//! ```text
//! $ cargo run --example current_time
//! listening on http://127.0.0.1:3000
//! page on http://127.0.0.1:1234
//!
//! $ curl -N http://127.0.0.1:3000/sse
//! id: 0
//! data: hello from stream
//!
//! id: 1
//! event: currentTime
//! data: Sat, 21 Nov 2026 01:02:03 GMT
//! ```

#![forbid(unsafe_code)]

mod notebook;

use std::env;
use std::time::{Duration, SystemTime};

use tidings::{Cors, Event, EventId, HttpDate, Logger, Response, Server};

fn main() -> tidings::Result<()> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let page_address = arguments.next().unwrap_or_else(|| "127.0.0.1:1234".into());

    let stream_server = Server::bind(address.as_str())?;
    let page_server = Server::bind(page_address.as_str())?;
    println!("listening on http://{}", stream_server.address());
    println!("page on http://{}", page_server.address());

    let page = PAGE.replace("STREAM", &format!("http://{}/sse", stream_server.address()));
    let port = page_server.address().port();
    let page_origins =
        [format!("http://{}", page_server.address()), format!("http://localhost:{port}")];
    let page_server = page_server.get("/", move |_request| Ok(Response::html(page.clone())));
    let page_server = notebook::add_to(page_server).start()?;

    stream_server
        .hooks(Logger::stderr())
        .cors(Cors::origins(page_origins)?.credentials()?)
        .sse("/sse", |stream, _request| {
            let hello = Event::new("hello from stream").with_id(EventId::new("0")?);
            stream.send(hello)?;
            let mut count = 0_u64;
            stream.every(Duration::from_secs(1), move |stream| {
                count += 1;
                let now = HttpDate::from(SystemTime::now());
                stream.send((count.to_string(), "currentTime", now.to_string()))
            })
        })
        .run()?;
    page_server.stop()
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>current_time</title>
<h1>The time: <output id="time">…</output></h1>
<script>
  const report = (line) => fetch("received", { method: "POST", body: line });
  const source = new EventSource("STREAM", { withCredentials: true });
  source.addEventListener("open", () => report("open"));
  source.addEventListener("message", (event) => {
    report(`message ${event.lastEventId} ${event.data}`);
  });
  source.addEventListener("currentTime", (event) => {
    document.getElementById("time").textContent = event.data;
    report(`currentTime ${event.lastEventId} ${event.data}`);
  });
</script>
</html>
"#;
