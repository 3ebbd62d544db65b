//! A transport without a network, for what depends on the borders of reads: each connection gives
//! exactly the reads that it was made of.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings::client::{Connection, Transport, Url};

use super::Notes;

/// What one connection gives: its reads, one after the other, and then its end.
pub(crate) type Reads = Vec<Vec<u8>>;

pub(crate) struct Memory {
    connections: Mutex<VecDeque<Reads>>,
    sent: Notes<String>,
}

impl Memory {
    /// These connections, one after the other; there are no others.
    pub(crate) fn new(connections: impl IntoIterator<Item = Reads>) -> Self {
        Self { connections: Mutex::new(connections.into_iter().collect()), sent: Notes::new() }
    }

    /// The requests; filled while the transport is in use.
    pub(crate) fn sent(&self) -> Notes<String> {
        self.sent.clone()
    }
}

impl Transport for Memory {
    fn connect(&self, _: &Url, _: Duration) -> io::Result<Arc<dyn Connection>> {
        let next = self.connections.lock().unwrap().pop_front();
        let reads = next.ok_or(ErrorKind::Unsupported)?;
        Ok(Arc::new(Given { reads: Mutex::new(reads.into()), sent: self.sent.clone() }))
    }
}

struct Given {
    reads: Mutex<VecDeque<Vec<u8>>>,
    sent: Notes<String>,
}

impl Connection for Given {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(read) = self.reads.lock().unwrap().pop_front() else { return Ok(0) };
        buffer[..read.len()].copy_from_slice(&read);
        Ok(read.len())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.sent.add(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self) {}
}
