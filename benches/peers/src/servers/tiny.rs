//! tiny_http: a thread for each stream, woken through a channel of its own.

use std::io::Write;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use tiny_http::{Method, Request, Response, Server};

use super::announce;
use crate::Result;

/// What a thread that only writes needs, so that there can be thousands.
const STACK: usize = 64 * 1024;

pub(super) fn run() -> Result<()> {
    let server = Server::http("127.0.0.1:0").map_err(|error| error.to_string())?;
    announce(server.server_addr().to_ip().ok_or("not an IP address")?);
    let senders = Mutex::new(Vec::<Sender<Arc<str>>>::new());
    for mut request in server.incoming_requests() {
        let mut senders = senders.lock().expect("no thread panics");
        if *request.method() == Method::Post {
            let mut data = String::new();
            request.as_reader().read_to_string(&mut data)?;
            let length = data.len() + 8;
            let chunk = Arc::<str>::from(format!("{length:x}\r\ndata: {data}\n\n\r\n"));
            senders.retain(|stream| stream.send(Arc::clone(&chunk)).is_ok());
            request.respond(Response::empty(204))?;
        } else {
            let (sender, receiver) = mpsc::channel();
            senders.push(sender);
            thread::Builder::new().stack_size(STACK).spawn(move || stream(request, &receiver))?;
        }
    }
    Ok(())
}

/// Writes the response by hand: the library's own chunks wait until 8 KiB have gathered.
fn stream(request: Request, events: &Receiver<Arc<str>>) {
    let mut writer = request.into_writer();
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
        Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut result = writer.write_all(head).and_then(|()| writer.flush());
    while result.is_ok() {
        let Ok(event) = events.recv() else { return };
        result = writer.write_all(event.as_bytes()).and_then(|()| writer.flush());
    }
}
