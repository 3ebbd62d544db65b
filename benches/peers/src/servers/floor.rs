//! The bare loop: one blocking `write` for each stream. The least that one call per delivery costs.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::announce;
use crate::Result;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
const DONE: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

type Streams = Arc<Mutex<Vec<TcpStream>>>;

pub(super) fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    announce(listener.local_addr()?);
    let streams = Streams::default();
    loop {
        let (socket, _) = listener.accept()?;
        let streams = Arc::clone(&streams);
        thread::spawn(move || drop(serve(socket, &streams)));
    }
}

/// Reads the first head of a connection. The thread of a stream ends here, and holds nothing.
fn serve(mut socket: TcpStream, streams: &Streams) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut inbox = Vec::new();
    let Some(head) = read_head(&mut socket, &mut inbox)? else { return Ok(()) };
    if inbox.starts_with(b"GET /events ") {
        let mut streams = streams.lock().expect("no thread panics");
        socket.write_all(HEAD)?;
        streams.push(socket);
    } else {
        publisher(socket, inbox, head, streams);
    }
    Ok(())
}

/// Serves one kept connection that publishes.
fn publisher(mut socket: TcpStream, mut inbox: Vec<u8>, head: usize, streams: &Streams) {
    let mut head = Some(head);
    let mut chunk = Vec::new();
    while let Some(end) = head {
        let length = content_length(&inbox[..end]);
        while inbox.len() < end + length {
            if !matches!(read_more(&mut socket, &mut inbox), Ok(true)) {
                return;
            }
        }
        publish(&inbox[end..end + length], &mut chunk, streams);
        inbox.drain(..end + length);
        if socket.write_all(DONE).is_err() {
            return;
        }
        head = read_head(&mut socket, &mut inbox).unwrap_or(None);
    }
}

fn publish(data: &[u8], chunk: &mut Vec<u8>, streams: &Streams) {
    chunk.clear();
    write!(chunk, "{:x}\r\ndata: ", data.len() + 8).expect("writing to a Vec can't fail");
    chunk.extend_from_slice(data);
    chunk.extend_from_slice(b"\n\n\r\n");
    streams.lock().expect("no thread panics").retain_mut(|stream| stream.write_all(chunk).is_ok());
}

/// Reads until a head is whole, and tells where it ends; `None` where the peer closes.
fn read_head(socket: &mut TcpStream, inbox: &mut Vec<u8>) -> Result<Option<usize>> {
    loop {
        if let Some(at) = memchr::memmem::find(inbox, b"\r\n\r\n") {
            return Ok(Some(at + 4));
        }
        if !read_more(socket, inbox)? {
            return Ok(None);
        }
    }
}

fn read_more(socket: &mut TcpStream, inbox: &mut Vec<u8>) -> Result<bool> {
    let mut buffer = [0; 16 * 1024];
    let read = socket.read(&mut buffer)?;
    inbox.extend_from_slice(&buffer[..read]);
    Ok(read > 0)
}

fn content_length(head: &[u8]) -> usize {
    let text = std::str::from_utf8(head).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}
