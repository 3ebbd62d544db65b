//! The publisher: one kept connection that posts events, pipelined where the case wants it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;

use memchr::memmem;

use super::event;
use crate::Result;

pub(super) struct Publisher {
    socket: TcpStream,
    /// The request's head after its target.
    fields: String,
    /// What the socket has not taken yet.
    unsent: Vec<u8>,
    inbox: Vec<u8>,
    asked: u64,
    answered: u64,
}

impl Publisher {
    pub(super) fn connect(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let size = event::SIZE;
        let fields = format!(
            " HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/plain\r\n\
             Content-Length: {size}\r\n\r\n"
        );
        Ok(Self { socket, fields, unsent: vec![], inbox: vec![], asked: 0, answered: 0 })
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Posts these events to a target in one write.
    pub(super) fn post(&mut self, target: &str, sequences: Range<u64>) -> Result<()> {
        self.asked += sequences.end - sequences.start;
        for sequence in sequences {
            for part in ["POST ", target, &self.fields] {
                self.unsent.extend_from_slice(part.as_bytes());
            }
            event::write(sequence, &mut self.unsent);
        }
        self.flush()
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answered == self.asked
    }

    /// Waits until all posts are answered.
    pub(super) fn wait(&mut self) -> Result<()> {
        self.socket.set_nonblocking(false)?;
        while !self.is_answered() {
            self.read()?;
        }
        Ok(self.socket.set_nonblocking(true)?)
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(format!("publishing: {error}").into()),
            }
        }
        Ok(())
    }

    /// Counts the responses that are here.
    pub(super) fn read(&mut self) -> Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.socket.read(&mut buffer) {
            Ok(0) => return Err("the server closed the publisher's connection".into()),
            Ok(read) => self.inbox.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(format!("publishing: {error}").into()),
        }
        let mut done = 0;
        while let Some(length) = response_len(&self.inbox[done..])? {
            done += length;
            self.answered += 1;
        }
        self.inbox.drain(..done);
        self.flush()
    }
}

/// How long the first response is, if it is whole.
fn response_len(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?;
    if !head.starts_with("HTTP/1.1 2") {
        return Err(format!("the server did not publish: {head}").into());
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let whole = end + 4 + length.unwrap_or(0);
    Ok((bytes.len() >= whole).then_some(whole))
}
