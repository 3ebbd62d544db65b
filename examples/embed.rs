//! Event streams inside another server: one that accepts connections itself.
//!
//! The other server reads the first line of each request. What it doesn't serve itself it gives to
//! [`Handle::serve`], with the bytes that it has read. From then on the connection is served as if
//! this crate had accepted it, and the thread that gave it away is free: fifty streams need no
//! fifty threads. After one response it is closed, so each request comes to the other server first.
//!
//! ```text
//! $ cargo run --example embed
//! listening on http://127.0.0.1:3000
//!
//! $ curl http://127.0.0.1:3000/about
//! the other server
//! $ curl -N http://127.0.0.1:3000/time
//! ```

#![forbid(unsafe_code)]

mod notebook;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, SystemTime};
use std::{env, thread};

use tidings::{Channel, Handle, HttpDate, Limits, Response, Result, Server};

fn main() -> Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let time = Channel::new();
    time.every(Duration::from_secs(1), |time| {
        time.send(HttpDate::from(SystemTime::now()).to_string())
    })?;
    let streams = Server::new()
        .limits(Limits::default().requests_per_connection(1))
        .get("/", |_request| Ok(Response::html(include_str!("pages/embed.html"))))
        .sse("/time", move |stream, _request| stream.subscribe(&time));
    // Not `.start()?.handle()`: the server stops when what `start` returns is dropped.
    let streams = notebook::add_to(streams).start()?;
    let listener = TcpListener::bind(address)?;
    println!("listening on http://{}", listener.local_addr()?);
    for socket in listener.incoming() {
        let Ok(socket) = socket else {
            // Such as no descriptor: whoever goes leaves one.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        let streams = streams.handle();
        // Without a thread the connection is closed.
        let _ = thread::Builder::new().spawn(move || serve(socket, &streams));
    }
    Ok(())
}

/// All of the other server: it has one text to give.
fn serve(mut socket: TcpStream, streams: &Handle) -> Result<()> {
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let (mut read, mut piece) = (Vec::new(), [0; 1024]);
    while !read.contains(&b'\n') && read.len() < 16 * 1024 {
        match socket.read(&mut piece)? {
            0 => return Ok(()),
            len => read.extend_from_slice(&piece[..len]),
        }
    }
    if !read.starts_with(b"GET /about ") {
        return streams.serve(socket, &read);
    }
    socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\nConnection: close\r\n\r\n")?;
    Ok(socket.write_all(b"the other server\n")?)
}
