//! A server that runs on a thread of its own.

use std::net::SocketAddr;
use std::sync::mpsc;

use super::Server;
use super::handle::Handle;
use super::serving::Serving;
use crate::error::{Error, Result};
use crate::net::counts::Stats;
use crate::net::listener::Address;
use crate::net::threads::{self as thread, JoinHandle};

/// A server on a thread of its own. Dropping it stops the server and joins all its threads, which
/// takes up to the grace period. Dropped on a thread of a server's, such as by a handler or a
/// callback, it has the server stop and does not wait.
///
/// So give it a name that lives as long as the server shall: `server.start()?.handle()` drops it at
/// the end of the statement, and its handle is that of a server that has stopped.
#[derive(Debug)]
#[must_use = "the server stops when this is dropped"]
pub struct Running {
    handle: Handle,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Running {
    pub(crate) fn start(server: Server) -> Result<Self> {
        let (handle, (give, take)) = (server.handle(), mpsc::channel());
        // Where there is no such thread, or nothing comes to it, nothing else was started.
        let thread = thread::Builder::new()
            .name("tidings-server".into())
            .spawn(move || take.recv().map_or(Ok(()), Serving::wait))
            .map_err(|error| Error::io("can't start the server's thread", error))?;
        // It waits for this.
        let _ = give.send(Serving::begin(server)?);
        Ok(Self { handle, thread: Some(thread) })
    }

    /// The address that it listens on: see [`Server::address`].
    pub fn address(&self) -> SocketAddr {
        self.handle.address()
    }

    /// Everything that it listens on, in the order in which it was told to.
    pub fn addresses(&self) -> Vec<Address> {
        self.handle.addresses()
    }

    /// A handle to it, which may outlive it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// What it is doing.
    pub fn stats(&self) -> Stats {
        self.handle.stats()
    }

    /// Stops it, and waits until it has stopped.
    ///
    /// # Errors
    ///
    /// As for [`Server::run`].
    pub fn stop(mut self) -> Result<()> {
        self.handle.stop();
        self.join()
    }

    /// Waits until a [`Handle`] stops it.
    ///
    /// # Errors
    ///
    /// As for [`Server::run`].
    pub fn wait(mut self) -> Result<()> {
        self.join()
    }

    fn join(&mut self) -> Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Error::other("the server's thread panicked")),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        // One of the server's own threads would wait for itself.
        if !thread::is_of_a_server() {
            let _ = self.join();
        }
    }
}
