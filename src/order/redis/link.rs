//! One connection to Redis: connect, greet, send, receive, each by a deadline.
//!
//! ```text
//! the hub                                      Redis, answered in one go
//! AUTH [user] password                         +OK              if there is a password
//! SELECT database                              +OK              if it is not 0
//! INFO                                         redis_version:7.0.15, run_id:…, master_replid:…
//! ROLE                                         master …
//! TIME                                         1764314275, 493211
//! XINFO STREAM tidings:NAME                    last-generated-id, …; or -ERR no such key
//! ```
//!
//! Of several addresses the first that is a master is used, beginning with the last good one. What
//! goes wrong is a [`Trouble`], which says what to do, whether it will last, and whether anything
//! was sent before. After one the connection is of no use.
//!
//! One thread owns a link. Others may shut its [`connection`](Link::connection) down, which ends
//! what the owner waits for.

use std::io::{self, ErrorKind, Read};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::greeting::{Greeting, Trouble, good, senseless};
use super::options::{Redis, Server};
use super::resp::{Head, Replies, Reply, command};
use crate::client::{Connection, Plain, Transport};

/// What a reply may take in memory. Where an entry of the stream is a part of it, that may be
/// larger, and is left out.
const LARGEST_REPLY: usize = 256 * 1024;

/// A publish has at most 16 MiB, and its type and the names of its fields are beside its data.
const LARGEST_ENTRY: usize = 16 * 1024 * 1024 + 64 * 1024;

/// How exactly the system is told how long to wait, in milliseconds. So the same time is not told
/// anew for each command, which would take a call of the system.
const STEP: u64 = 100;

/// How many connects that somebody gave up may still be under way: a name server or a full unix
/// socket has a thread wait for as long as it wants.
const ABANDONED: usize = 4;

/// What is as good as for ever to such a thread.
const NO_HURRY: Duration = Duration::from_secs(24 * 60 * 60);

const NO_PASSWORD: &str =
    "has no password for the user that its URL names: give one with --redis-password-file";

/// Connects to whichever server is the master.
pub(crate) struct Connector {
    redis: Redis,
    key: String,
    /// Which server was the master last.
    last_good: AtomicUsize,
    /// One for itself, and one for each connect that is under way in a thread.
    connects: Arc<()>,
}

impl Connector {
    pub(crate) fn new(redis: Redis) -> Self {
        let (key, last_good) = (redis.key(), AtomicUsize::new(0));
        Self { redis, key, last_good, connects: Arc::new(()) }
    }

    pub(crate) fn redis(&self) -> &Redis {
        &self.redis
    }

    /// The key of the stream.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Connects to the master, and greets it. The addresses that are left share the time that is
    /// left.
    pub(crate) fn connect(&self, deadline: Instant) -> Result<(Link, Greeting), Trouble> {
        let servers = &self.redis.servers;
        let first = self.last_good.load(Ordering::Relaxed);
        let mut troubles = Vec::new();
        for tried in 0..servers.len() {
            let at = (first + tried) % servers.len();
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / (servers.len() - tried) as u32;
            match self.open(&servers[at], Instant::now() + share) {
                Ok(opened) => {
                    self.last_good.store(at, Ordering::Relaxed);
                    return Ok(opened);
                }
                Err(trouble) => troubles.push(trouble),
            }
        }
        let is_lasting = troubles.iter().all(|trouble| trouble.is_lasting);
        let whats: Vec<String> = troubles.into_iter().map(|trouble| trouble.what).collect();
        Err(Trouble { what: whats.join("; "), is_lasting, is_unsent: true })
    }

    fn open(&self, server: &Server, by: Instant) -> Result<(Link, Greeting), Trouble> {
        let connection = self.connect_to(server, by).map_err(|error| {
            Trouble::passing(format!("can't be connected to: {error}")).at(&server.shown)
        })?;
        let socket = Socket { connection, by, wait: Duration::ZERO };
        let mut link = Link { replies: Replies::new(socket), server: server.shown.clone() };
        let greeting = link.greet(server, self.redis.password_for(server), &self.key, by)?;
        Ok((link, greeting))
    }

    /// Where the system may take longer than the time there is, a thread of its own waits for it.
    fn connect_to(&self, server: &Server, by: Instant) -> io::Result<Arc<dyn Connection>> {
        let (url, within) = (server.url.clone(), by.saturating_duration_since(Instant::now()));
        if url.host().parse::<IpAddr>().is_ok() {
            return Plain.connect(&url, within);
        }
        let late = || io::Error::new(ErrorKind::TimedOut, "it does not respond in time");
        if Arc::strong_count(&self.connects) > ABANDONED {
            return Err(late());
        }
        let (connected, comes) = mpsc::channel();
        let slot = Arc::clone(&self.connects);
        let connect = move || {
            let within = if url.socket().is_some() { NO_HURRY } else { within };
            let _ = connected.send(Plain.connect(&url, within));
            drop(slot);
        };
        thread::Builder::new().name("tidings-redis-connect".into()).spawn(connect)?;
        comes.recv_timeout(within).unwrap_or_else(|_| Err(late()))
    }
}

/// A connection to a Redis that has been greeted.
pub(crate) struct Link {
    replies: Replies<Socket>,
    server: Box<str>,
}

impl Link {
    /// Sends commands.
    pub(crate) fn send(&mut self, bytes: &[u8], by: Instant) -> Result<(), Trouble> {
        let socket = self.replies.source();
        socket.by = by;
        let mut rest = bytes;
        while !rest.is_empty() {
            match socket.write(rest) {
                Ok(length) => rest = &rest[length..],
                Err(error) => {
                    let is_unsent = rest.len() == bytes.len();
                    return Err(Trouble { is_unsent, ..self.trouble(error) });
                }
            }
        }
        Ok(())
    }

    /// The next reply, for short ones.
    pub(crate) fn reply(&mut self, by: Instant) -> Result<Reply, Trouble> {
        self.read(by, |replies| replies.reply(LARGEST_REPLY))
    }

    /// The next reply, unless it is an error.
    pub(crate) fn good(&mut self, by: Instant) -> Result<Reply, Trouble> {
        self.reply(by).and_then(|reply| good(reply).map_err(|trouble| self.at(trouble)))
    }

    /// The next reply, an entry of the stream.
    pub(crate) fn entry(&mut self, by: Instant) -> Result<Reply, Trouble> {
        self.read(by, |replies| replies.reply(LARGEST_ENTRY))
    }

    /// Begins a reply that is an array, and says how many replies follow; or `None` for null.
    pub(crate) fn array(&mut self, by: Instant) -> Result<Option<usize>, Trouble> {
        match self.read(by, Replies::head)? {
            Head::Array(count) => Ok(Some(count)),
            Head::Whole(Reply::Null) => Ok(None),
            Head::Whole(Reply::Error(error)) => Err(self.at(Trouble::refused(&error))),
            _ => Err(self.at(senseless())),
        }
    }

    fn read<T>(
        &mut self,
        by: Instant,
        read: impl FnOnce(&mut Replies<Socket>) -> io::Result<T>,
    ) -> Result<T, Trouble> {
        self.replies.source().by = by;
        read(&mut self.replies).map_err(|error| self.trouble(error))
    }

    fn trouble(&self, error: io::Error) -> Trouble {
        self.at(error.into())
    }

    /// The same trouble, which says that it is this server's.
    pub(crate) fn at(&self, trouble: Trouble) -> Trouble {
        trouble.at(&self.server)
    }

    /// What another thread shuts down to end this link.
    pub(crate) fn connection(&mut self) -> Arc<dyn Connection> {
        Arc::clone(&self.replies.source().connection)
    }

    fn greet(
        &mut self,
        server: &Server,
        password: Option<&[u8]>,
        key: &str,
        by: Instant,
    ) -> Result<Greeting, Trouble> {
        let (mut out, mut settings) = (Vec::new(), 0);
        match (password, server.user.as_deref()) {
            (Some(password), user) => {
                command(&mut out, &[b"AUTH", user.unwrap_or("default").as_bytes(), password]);
                settings += 1;
            }
            (None, Some(_)) => return Err(self.at(Trouble::lasting(NO_PASSWORD))),
            (None, None) => {}
        }
        if server.database != 0 {
            command(&mut out, &[b"SELECT", server.database.to_string().as_bytes()]);
            settings += 1;
        }
        for name in [b"INFO", &b"ROLE"[..], b"TIME"] {
            command(&mut out, &[name]);
        }
        command(&mut out, &[b"XINFO", b"STREAM", key.as_bytes()]);
        self.send(&out, by)?;
        for _ in 0..settings {
            self.good(by)?;
        }
        // A server that has too many clients says so once, and ends.
        let said = [self.good(by)?, self.reply(by)?, self.reply(by)?, self.reply(by)?];
        Greeting::read(said).map_err(|trouble| self.at(trouble))
    }
}

impl Drop for Link {
    /// The server need not wait until whoever else has the connection lets go of it.
    fn drop(&mut self) {
        self.replies.source().connection.shutdown();
    }
}

/// A connection that waits until a time at most, however often it is read and written.
struct Socket {
    connection: Arc<dyn Connection>,
    by: Instant,
    /// How long it lets the system wait.
    wait: Duration,
}

impl Socket {
    fn attempt<T>(
        &mut self,
        mut attempt: impl FnMut(&dyn Connection) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            let left = self.by.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            let wait = Duration::from_millis((left.as_millis() as u64 / STEP + 1) * STEP);
            if wait != self.wait {
                self.connection.set_read_timeout(Some(wait))?;
                self.connection.set_write_timeout(Some(wait))?;
                self.wait = wait;
            }
            match attempt(&*self.connection) {
                Err(error) if is_passing(error.kind()) => {}
                done => return done,
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.attempt(|connection| connection.write(bytes))? {
            0 => Err(ErrorKind::WriteZero.into()),
            length => Ok(length),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.attempt(|connection| connection.read(room))
    }
}

fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests;
