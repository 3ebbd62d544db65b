//! A pool of streams that the application keeps itself, and every way of sending.
//!
//! The handler of `/news/events` checks whether the client wants a stream. If so, it opens the
//! stream, greets it and adds it to a pool under a unique id; the end of the stream removes it.
//! `POST /news` broadcasts to the pool, and `POST /news/close` ends every stream in it.
//!
//! ```text
//! $ cargo run --example news
//! listening on http://127.0.0.1:3000
//!
//! $ curl http://127.0.0.1:3000/news/events
//! this is an event stream: ask for it with Accept: text/event-stream
//!
//! $ curl -N -H 'Accept: text/event-stream' http://127.0.0.1:3000/news/events
//! : welcome
//! data: you are stream 1
//!
//! event: headline
//! data: nothing has happened yet
//!
//! id: 1-3
//! event: headline
//! data: still nothing
//!
//! $ curl -d 'at last, something' http://127.0.0.1:3000/news
//! sent to 1 of 1 streams
//! ```
//!
//! The example itself prints how each of these went, and what fails once the stream is open:
//!
//! ```text
//! status after opening: "the status can't be set any more: the head of the stream has gone out"
//! comment: "went out"
//! active: true
//! ```
//!
//! (A channel does all of this and remembers what it sent. This example does it by hand.)

#![forbid(unsafe_code)]

mod notebook;

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings::{Logger, Reply, Response, Server, SseWriter, Status};

fn main() -> tidings::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let pool = Arc::new(Pool::default());
    let (joining, sending, closing) = (Arc::clone(&pool), Arc::clone(&pool), pool);

    let server = Server::bind(address.as_str())?
        .hooks(Logger::stderr())
        .get("/", |_request| Ok(Response::html(PAGE)))
        .get("/news/events", move |request| {
            if !request.wants_event_stream() {
                return Ok(Response::text(NO_STREAM).into());
            }
            let pool = Arc::clone(&joining);
            Ok(Reply::event_stream(move |stream| greet(stream, &pool)))
        })
        .post("/news", move |request| {
            let (sent, of) = sending.broadcast(request.body_text()?);
            Ok(Response::text(format!("sent to {sent} of {of} streams\n")))
        })
        .post("/news/close", move |_request| {
            let closed = closing.close();
            Ok(Response::text(format!("closed {closed} streams\n")))
        });
    println!("listening on http://{}", server.address());
    notebook::add_to(server).run()
}

const NO_STREAM: &str = "this is an event stream: ask for it with Accept: text/event-stream\n";

/// Sends a new stream one message of each kind, and prints how each went.
fn greet(stream: SseWriter, pool: &Arc<Pool>) -> tidings::Result<()> {
    stream.set_field("X-Paper", "The Daily Event")?;
    stream.open()?;
    println!("status after opening: {:?}", say(stream.set_status(Status::ACCEPTED)));
    println!("field after opening: {:?}", say(stream.set_field("X-Paper", "Another")));

    let id = pool.join(&stream);
    println!("comment: {:?}", say(stream.comment("welcome")));
    println!("data: {:?}", say(stream.send(format!("you are stream {id}"))));
    let headline = ("headline", "nothing has happened yet");
    println!("type and data: {:?}", say(stream.send(headline)));
    let numbered = (format!("{id}-3"), "headline", "still nothing");
    println!("id, type and data: {:?}", say(stream.send(numbered)));
    println!("active: {}", stream.is_active());
    Ok(())
}

fn say(result: tidings::Result<()>) -> String {
    result.map_or_else(|error| error.to_string(), |()| "went out".into())
}

/// The open streams by id.
#[derive(Default)]
struct Pool(Mutex<Streams>);

#[derive(Default)]
struct Streams {
    newest: u64,
    open: HashMap<u64, SseWriter>,
}

impl Pool {
    /// Adds a stream until it ends.
    fn join(self: &Arc<Self>, stream: &SseWriter) -> u64 {
        let id = {
            let mut streams = self.lock();
            streams.newest += 1;
            let id = streams.newest;
            streams.open.insert(id, stream.clone());
            id
        };
        let pool = Arc::clone(self);
        stream.on_close(move |reason| {
            let stream = pool.lock().open.remove(&id);
            println!("stream {id} left the pool: {reason}");
            if let Some(stream) = stream {
                println!("active: {}", stream.is_active());
                println!("data after the end: {:?}", say(stream.send("too late")));
            }
        });
        id
    }

    /// Sends to every stream. Returns to how many it was sent, and how many there are.
    fn broadcast(&self, headline: &str) -> (usize, usize) {
        let streams = self.all();
        // A slow reader must not delay the others, so this never waits.
        let sent = streams.iter().filter(|stream| stream.try_send(("headline", headline)).is_ok());
        (sent.count(), streams.len())
    }

    /// Ends every stream; the callbacks of `join` remove them.
    fn close(&self) -> usize {
        let streams = self.all();
        streams.iter().for_each(SseWriter::close);
        streams.len()
    }

    /// A copy, so that the pool is not locked while a stream is written.
    fn all(&self) -> Vec<SseWriter> {
        self.lock().open.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>news</title>
<h1>News</h1>
<ul id="news"></ul>
<script>
  const report = (line) => fetch("received", { method: "POST", body: line });
  const show = (event) => {
    const item = document.createElement("li");
    item.textContent = event.data;
    document.getElementById("news").append(item);
    report(`${event.type} ${event.lastEventId} ${event.data}`);
  };
  const source = new EventSource("news/events");
  source.addEventListener("open", () => report("open"));
  source.addEventListener("message", show);
  source.addEventListener("headline", show);
</script>
</html>
"#;
