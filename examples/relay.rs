//! Relays a stream of tokens, as a language model sends it: one request upstream for each client.
//!
//! The upstream is asked on a thread of the stream, so a slow model holds no worker. When the client
//! goes, the request upstream ends at once: nobody pays for tokens that nobody reads. A browser
//! that comes back after the end has a last event ID, and is told by a 204 to stay away: to ask
//! again would be to pay again. So each response has an event with an id, whatever the model sends.
//!
//! ```text
//! $ cargo run --example relay                                     # asks a model of its own
//! $ cargo run --example relay 127.0.0.1:3000 http://HOST/PATH     # asks by POST there
//! listening on http://127.0.0.1:3000
//!
//! $ curl -N 'http://127.0.0.1:3000/answers?question=is+it+raining'
//! :
//! id: 1
//! event: token
//! data: is
//! …
//! id: 4
//! event: done
//! data: 3
//! ```

#![forbid(unsafe_code)]

mod notebook;

use std::time::Duration;
use std::{env, thread};

use tidings::client::{EventSource, StreamRequest};
use tidings::{Error, Reply, Request, Response, Result, Running, Server, SseWriter, Status};

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let model = model()?;
    let own = || format!("http://{}/tokens", model.address());
    let upstream = arguments.next().unwrap_or_else(own);
    let server = Server::bind(address.as_str())?
        .get("/", |_request| Ok(Response::html(include_str!("pages/relay.html"))))
        .sse("/answers", move |stream, request| relay(&upstream, stream, request));
    println!("listening on http://{}", server.address());
    notebook::add_to(server).run()
}

fn relay(upstream: &str, stream: SseWriter, request: &Request) -> Result<()> {
    if stream.last_event_id().is_some() {
        return stream.set_status(Status::NO_CONTENT);
    }
    let question = request.query("question").filter(|question| !question.is_empty());
    let question = question.ok_or_else(|| Error::bad_request("add ?question=TEXT"))?;
    let tokens = EventSource::with(StreamRequest::post(upstream, "text/plain", question)?);
    let closer = tokens.closer();
    stream.on_close(move |_reason| closer.close());
    stream.spawn(move |stream| {
        let mut tokens = (1..).zip(tokens).peekable();
        if tokens.peek().is_none() {
            return stream.send((1, "failed", "the model sent nothing"));
        }
        for (number, token) in tokens {
            match token {
                Ok(token) => stream.send((number, token.event_type, token.data))?,
                Err(error) => stream.send((number, "failed", error))?,
            }
        }
        Ok(())
    })
}

/// A model that knows no better than to repeat the question, word by word.
fn model() -> Result<Running> {
    let repeat = |stream: &SseWriter, question: &str| {
        for word in question.split_inclusive(' ') {
            stream.send(("token", word))?;
            // Unlike a sleep, this ends as soon as the stream does.
            thread::park_timeout(Duration::from_millis(100));
        }
        stream.send(("done", question.split(' ').count()))
    };
    let answer = move |request: &Request| {
        let question = request.body_text()?.to_owned();
        Ok(Reply::event_stream(move |stream| {
            stream.on_close(|reason| println!("the model stops: {reason}"));
            stream.spawn(move |stream| repeat(stream, &question))
        }))
    };
    Server::bind("127.0.0.1:0")?.post("/tokens", answer).start()
}
