//! One connection to Redis: connect, greet, send, receive, each by a deadline.
//!
//! ```text
//! the hub                                      Redis, answered in one go
//! AUTH [user] password                         +OK              if there is a password
//! SELECT database                              +OK              if it is not 0
//! INFO server                                  redis_version:7.0.15, run_id:…
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

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::greeting::{Greeting, StreamInfo, check_role, milliseconds, run_of, senseless};
use super::options::{Redis, Server};
use super::resp::{Parser, Reply, Token, command};
use super::trouble::Trouble;
use crate::client::{Connection, Plain, Transport};

/// A publish has at most 16 MiB, and its type is beside its data.
const LONGEST_BULK: usize = 16 * 1024 * 1024 + 64 * 1024;

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
                Err(trouble) => troubles.push(trouble.at(&servers[at].shown)),
            }
        }
        let is_lasting = troubles.iter().all(|trouble| trouble.is_lasting);
        let whats: Vec<String> = troubles.into_iter().map(|trouble| trouble.what).collect();
        Err(Trouble { what: whats.join("; "), is_lasting, is_unsent: true })
    }

    fn open(&self, server: &Server, deadline: Instant) -> Result<(Link, Greeting), Trouble> {
        let connection = self.connect_to(server, deadline)?;
        let (parser, shown) = (Parser::new(LONGEST_BULK), server.shown.clone());
        let mut link = Link { connection, parser, server: shown };
        let password = self.redis.password_for(server);
        let greeting = link.greet(server, password, &self.key, deadline)?;
        Ok((link, greeting))
    }

    /// Where the system may take longer than the time there is, a thread of its own waits for it.
    fn connect_to(&self, server: &Server, by: Instant) -> Result<Arc<dyn Connection>, Trouble> {
        let failed = |error: io::Error| match is_timeout(&error) {
            true => Trouble::passing("can't be connected to: it does not respond in time"),
            false => Trouble::passing(format!("can't be connected to: {error}")),
        };
        let (url, within) = (server.url.clone(), by.saturating_duration_since(Instant::now()));
        if url.host().parse::<IpAddr>().is_ok() {
            return Plain.connect(&url, within).map_err(failed);
        }
        if Arc::strong_count(&self.connects) > ABANDONED {
            return Err(failed(ErrorKind::TimedOut.into()));
        }
        let (connected, comes) = mpsc::channel();
        let slot = Arc::clone(&self.connects);
        let connect = move || {
            let within = if url.socket().is_some() { NO_HURRY } else { within };
            let _ = connected.send(Plain.connect(&url, within));
            drop(slot);
        };
        let started = thread::Builder::new().name("tidings-redis-connect".into()).spawn(connect);
        started.map_err(failed)?;
        let late = |_| io::Error::from(ErrorKind::TimedOut);
        comes.recv_timeout(within).map_err(late).and_then(|connected| connected).map_err(failed)
    }
}

/// A connection to a Redis that has been greeted.
pub(crate) struct Link {
    connection: Arc<dyn Connection>,
    parser: Parser,
    server: Box<str>,
}

impl Link {
    /// Sends commands.
    pub(crate) fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Trouble> {
        let sent = write_by(&*self.connection, bytes, deadline);
        sent.map_err(|trouble| trouble.at(&self.server))
    }

    /// The next piece of a reply.
    pub(crate) fn token(&mut self, deadline: Instant) -> Result<Token<&[u8]>, Trouble> {
        let connection = &*self.connection;
        let token = self.parser.token(&mut |room| read_by(connection, room, deadline));
        token.map_err(|trouble: Trouble| trouble.at(&self.server))
    }

    /// The next reply as a whole, for short ones.
    pub(crate) fn reply(&mut self, deadline: Instant) -> Result<Reply, Trouble> {
        self.receive(deadline).map_err(|trouble| trouble.at(&self.server))
    }

    /// Whether the reply of the last token is whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.parser.is_whole()
    }

    /// What another thread shuts down to end this link.
    pub(crate) fn connection(&self) -> Arc<dyn Connection> {
        Arc::clone(&self.connection)
    }

    /// Trouble that an error reply of this server means.
    pub(crate) fn refused(&self, error: &str) -> Trouble {
        Trouble::refused(error).at(&self.server)
    }

    fn receive(&mut self, deadline: Instant) -> Result<Reply, Trouble> {
        let connection = &*self.connection;
        self.parser.reply(&mut |room| read_by(connection, room, deadline))
    }

    /// The next reply, unless it is an error.
    fn good(&mut self, deadline: Instant) -> Result<Reply, Trouble> {
        match self.receive(deadline)? {
            Reply::Error(error) => Err(Trouble::refused(&error)),
            reply => Ok(reply),
        }
    }

    fn greet(
        &mut self,
        server: &Server,
        password: Option<&[u8]>,
        key: &str,
        deadline: Instant,
    ) -> Result<Greeting, Trouble> {
        let (mut out, mut settings) = (Vec::new(), 0);
        match (password, &server.user) {
            (Some(password), user) => {
                let user = user.as_deref().unwrap_or("default");
                command(&mut out, &[b"AUTH", user.as_bytes(), password]);
                settings += 1;
            }
            (None, Some(_)) => return Err(Trouble::lasting(NO_PASSWORD)),
            (None, None) => {}
        }
        if server.database != 0 {
            command(&mut out, &[b"SELECT", server.database.to_string().as_bytes()]);
            settings += 1;
        }
        for arguments in [&[&b"INFO"[..], b"server"][..], &[b"ROLE"], &[b"TIME"]] {
            command(&mut out, arguments);
        }
        command(&mut out, &[b"XINFO", b"STREAM", key.as_bytes()]);
        write_by(&*self.connection, &out, deadline)?;
        for _ in 0..settings {
            self.good(deadline)?;
        }
        let run = run_of(self.good(deadline)?.text().unwrap_or_default())?;
        check_role(&self.good(deadline)?)?;
        let time = milliseconds(&self.good(deadline)?).ok_or_else(senseless)?;
        let stream = match self.receive(deadline)? {
            Reply::Error(error) if error.contains("no such key") => None,
            Reply::Error(error) => return Err(Trouble::refused(&error)),
            info => Some(StreamInfo::of(&info).ok_or_else(senseless)?),
        };
        Ok(Greeting { server: self.server.clone(), run, time, stream })
    }
}

impl Drop for Link {
    /// The server need not wait until whoever else has the connection lets go of it.
    fn drop(&mut self) {
        self.connection.shutdown();
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// The time that is left, which the system wants to be some.
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

fn failed(error: &io::Error) -> Trouble {
    match is_timeout(error) {
        true => Trouble::passing("does not respond in time"),
        false => Trouble::passing(format!("has ended the connection: {error}")),
    }
}

/// Writes it all, and waits no longer than until the deadline, in however many steps it is taken.
fn write_by(connection: &dyn Connection, bytes: &[u8], deadline: Instant) -> Result<(), Trouble> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let is_unsent = rest.len() == bytes.len();
        // One write there always is, as a short one never waits.
        if !is_unsent && Instant::now() >= deadline {
            return Err(failed(&ErrorKind::TimedOut.into()));
        }
        let set = connection.set_write_timeout(Some(left(deadline)));
        match set.and_then(|()| connection.write(rest)) {
            Ok(0) => return Err(Trouble { is_unsent, ..failed(&ErrorKind::WriteZero.into()) }),
            Ok(length) => rest = &rest[length..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Trouble { is_unsent, ..failed(&error) }),
        }
    }
    Ok(())
}

/// Reads, and waits no longer than until the deadline, however often it is called.
fn read_by(
    connection: &dyn Connection,
    room: &mut [u8],
    deadline: Instant,
) -> Result<usize, Trouble> {
    loop {
        if Instant::now() >= deadline {
            return Err(failed(&ErrorKind::TimedOut.into()));
        }
        let set = connection.set_read_timeout(Some(left(deadline)));
        match set.and_then(|()| connection.read(room)) {
            Ok(0) => return Err(Trouble::passing("has ended the connection")),
            Ok(length) => return Ok(length),
            Err(error) if error.kind() == ErrorKind::Interrupted || is_timeout(&error) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
}

#[cfg(test)]
mod tests;
