//! The load's sockets. They block; one that epoll names has something to read. So a publish is two
//! calls here, its post and its response, and its part of a wait for several.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use memchr::memmem;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::servers::TARGET;
use crate::Result;

const PATIENCE: Duration = Duration::from_secs(20);

/// How many bytes of data an event has.
const SIZE: usize = 64;

/// What stands nowhere else in a stream.
const MARK: u8 = b'$';

/// To `HOST:PORT` or `unix:PATH`. A unix socket is read and written as the other one is.
pub(super) fn connect(address: &str) -> Result<TcpStream> {
    let socket = match address.strip_prefix("unix:") {
        Some(path) => TcpStream::from(OwnedFd::from(UnixStream::connect(path)?)),
        None => TcpStream::connect(address)?,
    };
    if !address.starts_with("unix:") {
        socket.set_nodelay(true)?;
    }
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// One request on a connection of its own, and its response.
pub(super) fn once(address: &str, request: &str) -> Result<String> {
    let mut socket = connect(address)?;
    socket.write_all(request.as_bytes())?;
    let mut response = Vec::new();
    socket.read_to_end(&mut response)?;
    Ok(String::from_utf8_lossy(&response).into())
}

/// A kept connection that publishes events, one after the other.
pub(super) struct Publisher {
    address: String,
    socket: TcpStream,
    post: Vec<u8>,
    /// Where in the post the number of the event stands.
    number: usize,
    buffer: Vec<u8>,
}

impl Publisher {
    pub(super) fn connect(address: &str) -> Result<Self> {
        let head = format!(
            "POST {TARGET} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n\
             Content-Length: {SIZE}\r\n\r\n"
        );
        let number = head.len() + 1;
        let post = format!("{head}@{:.<width$}$", "", width = SIZE - 2).into_bytes();
        let (address, socket) = (address.to_owned(), connect(address)?);
        Ok(Self { address, socket, post, number, buffer: vec![0; 16 * 1024] })
    }

    /// Posts an event with this number.
    pub(super) fn send(&mut self, mut number: u64) -> Result<()> {
        for digit in self.post[self.number..][..12].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        Ok(self.socket.write_all(&self.post)?)
    }

    /// Waits for the response. Returns whether it has connected anew.
    pub(super) fn receive(&mut self) -> Result<bool> {
        let mut read = 0;
        loop {
            match self.socket.read(&mut self.buffer[read..])? {
                0 => return Err("the server closed a publisher's connection".into()),
                more => read += more,
            }
            let bytes = &self.buffer[..read];
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&bytes[..end])?;
            if !head.starts_with("HTTP/1.1 2") {
                return Err(format!("not published: {}", String::from_utf8_lossy(bytes)).into());
            }
            let length = memmem::find(head.as_bytes(), b"Content-Length: ").map(|at| {
                let digits = head[at + 16..].bytes().take_while(u8::is_ascii_digit);
                digits.fold(0, |length, digit| 10 * length + usize::from(digit - b'0'))
            });
            if read >= end + 4 + length.ok_or("a response without a length")? {
                // A hub closes a connection after its 10,000th request.
                let is_last = memmem::find(head.as_bytes(), b"\r\nConnection: close").is_some();
                if is_last {
                    self.socket = connect(&self.address)?;
                }
                return Ok(is_last);
            }
        }
    }
}

/// Publishes with all these, each once it has the response to the post before, for so long. Returns
/// how many were published, and in which time.
pub(super) fn publish(publishers: &mut [Publisher], time: Duration) -> Result<(u64, Duration)> {
    let (began, mut count) = (Instant::now(), 0);
    publish_until(publishers, |done| {
        count = done;
        began.elapsed() >= time
    })?;
    Ok((count, began.elapsed()))
}

/// Publishes so until it is over, which is asked each time that some have been.
pub(super) fn publish_until(
    publishers: &mut [Publisher],
    mut is_over: impl FnMut(u64) -> bool,
) -> Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    let event = |at| EpollEvent::new(EpollFlags::EPOLLIN, at as u64);
    for (at, publisher) in publishers.iter_mut().enumerate() {
        epoll.add(&publisher.socket, event(at))?;
        publisher.send(0)?;
    }
    let (mut count, mut events) = (0, [EpollEvent::empty(); 64]);
    while !is_over(count) {
        let ready = epoll.wait(&mut events, EpollTimeout::NONE)?;
        for ready in &events[..ready] {
            let at = ready.data() as usize;
            if publishers[at].receive()? {
                epoll.add(&publishers[at].socket, event(at))?;
            }
            count += 1;
            publishers[at].send(count)?;
        }
    }
    publishers.iter_mut().try_for_each(|publisher| publisher.receive().map(drop))
}

/// A stream.
pub(super) struct Stream {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Stream {
    /// Opens one, and waits for its head.
    pub(super) fn open(address: &str) -> Result<Self> {
        let mut socket = connect(address)?;
        write!(
            socket,
            "GET {TARGET} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
        )?;
        let mut buffer = vec![0; 16 * 1024];
        let mut read = 0;
        while memmem::find(&buffer[..read], b"\r\n\r\n").is_none() {
            match socket.read(&mut buffer[read..])? {
                0 => return Err("the server closed a stream".into()),
                more => read += more,
            }
        }
        match buffer.starts_with(b"HTTP/1.1 200 ") {
            true => Ok(Self { socket, buffer }),
            false => Err(String::from_utf8_lossy(&buffer[..read]).into()),
        }
    }

    /// Waits for the event with this number, which must be the next one.
    pub(super) fn receive(&mut self, number: u64) -> Result<()> {
        let mut read = 0;
        loop {
            match self.socket.read(&mut self.buffer[read..])? {
                0 => return Err("the server closed a stream".into()),
                more => read += more,
            }
            let bytes = &self.buffer[..read];
            let end = memchr::memchr(MARK, bytes);
            if end.is_some() {
                let wanted = format!("@{number:012}");
                return match memmem::find(bytes, wanted.as_bytes()) {
                    Some(_) => Ok(()),
                    None => Err(format!("{wanted}: {}", String::from_utf8_lossy(bytes)).into()),
                };
            }
        }
    }
}
