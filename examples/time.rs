//! The time at once and then every second, and all that can be observed of a stream's life: hooks
//! see it open, send and close, and a callback runs once when it ends, for whatever reason.
//!
//! `/sse/time` goes on until the client leaves. `/sse/time/brief` ends by itself: after three
//! times it sends a last event of type `done` and closes. The client in the page then closes too,
//! and would otherwise reconnect.
//!
//! ```text
//! $ cargo run --example time
//! listening on http://127.0.0.1:3000
//! open peer=127.0.0.1:50412 path=/sse/time/brief
//! event peer=127.0.0.1:50412 path=/sse/time/brief events=1 bytes=34 duration=0.000s
//! …
//! close peer=127.0.0.1:50412 path=/sse/time/brief bytes=334 duration=2.001s reason="the server closed the stream"
//! closed: the server closed the stream
//!
//! $ curl -N http://127.0.0.1:3000/sse/time/brief
//! data: 2026-11-21T01:02:03Z
//!
//! data: 2026-11-21T01:02:04Z
//!
//! data: 2026-11-21T01:02:05Z
//!
//! event: done
//! data: that was the time
//! ```

#![forbid(unsafe_code)]

mod notebook;

use std::env;
use std::io;
use std::time::{Duration, SystemTime};

use tidings::{HttpDate, Logger, Response, Server};

const SECOND: Duration = Duration::from_secs(1);

fn main() -> tidings::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let server = Server::bind(address.as_str())?
        .hooks(Logger::to(io::stdout()))
        .get("/", |_request| Ok(Response::html(PAGE)))
        .sse("/sse/time", |stream, _request| {
            stream.on_close(|reason| println!("closed: {reason}"));
            stream.send(now())?;
            stream.every(SECOND, |stream| stream.send(now()))
        })
        .sse("/sse/time/brief", |stream, _request| {
            stream.on_close(|reason| println!("closed: {reason}"));
            stream.send(now())?;
            let mut left = 2;
            stream.every(SECOND, move |stream| {
                stream.send(now())?;
                left -= 1;
                if left == 0 {
                    stream.send(("done", "that was the time"))?;
                    stream.close();
                }
                Ok(())
            })
        });
    println!("listening on http://{}", server.address());
    notebook::add_to(server).run()
}

/// The time in ISO 8601.
fn now() -> String {
    HttpDate::from(SystemTime::now()).iso_8601()
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>time</title>
<h1>The time, three times: <output id="time">…</output></h1>
<script>
  const report = (line) => fetch("received", { method: "POST", body: line });
  const source = new EventSource("sse/time/brief");
  source.addEventListener("open", () => report("open"));
  source.addEventListener("message", (event) => {
    document.getElementById("time").textContent = event.data;
    report(`message ${event.data}`);
  });
  source.addEventListener("done", (event) => {
    // Without this, the client would take the end for a lost connection and reconnect.
    source.close();
    report(`done ${event.data} ${source.readyState}`);
  });
</script>
</html>
"#;
