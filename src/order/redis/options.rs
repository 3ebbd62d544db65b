//! Which Redis the hub uses, and how.
//!
//! ```text
//! redis  = ( "redis" / "valkey" ) "://" [ user-info "@" ] host [ ":" port ] [ "/" [ database ] ]
//! socket = ( "unix" / "redis+unix" ) ":" [ "//" [ user-info "@" ] ] path [ "?db=" database ]
//! user-info = user / [ user ] ":" password                            percent-encoded
//! ```

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::client::Url;
use crate::error::{Error, Result};
use crate::http::percent::percent_decode;
use crate::http::{is_authority, masked_url};

/// That of Redis.
const PORT: &str = "6379";

/// A password is a line; whoever names a log or a disk by mistake is told so.
const LONGEST_PASSWORD: usize = 4096;

/// The longest name, as that of a channel.
const LONGEST_NAME: usize = 128;

/// Events that a new hub, or one that was away, still finds: at 1,000 a second more than a minute
/// and a half, and some 15 MB of Redis' memory.
const LENGTH: u64 = 100_000;

/// The Redis in which hubs have their events together: [`Hub::redis`](crate::Hub::redis).
///
/// All hubs with one [name](Self::name) in one database of one Redis are one hub in many processes:
/// what is published with any of them is sent to the streams of all of them, under the same ids and
/// in the same order. Redis must be 7.0 or newer; Valkey will do.
///
/// ```
/// use tidings::Redis;
///
/// let redis = Redis::new("redis://redis-1.example")?
///     .or("redis://redis-2.example")? // its replica, until it is promoted
///     .name("news")?
///     .wait(1);
/// # drop(redis);
/// # Ok::<(), tidings::Error>(())
/// ```
///
/// `Debug` shows neither users nor passwords.
#[derive(Clone)]
pub struct Redis {
    /// At least one.
    pub(crate) servers: Vec<Server>,
    /// For all of them, in place of what their URLs say.
    password: Option<Secret>,
    name: Box<str>,
    pub(crate) replicas: u32,
    pub(crate) length: u64,
}

/// Where a server is, and as whom the hub speaks to it.
#[derive(Clone)]
pub(crate) struct Server {
    /// Its host and port, or its socket; nothing else of it counts.
    pub(crate) url: Url,
    /// As it may be shown.
    pub(crate) shown: Box<str>,
    pub(crate) user: Option<Box<str>>,
    password: Option<Secret>,
    pub(crate) database: u32,
}

type Secret = Box<[u8]>;

impl Redis {
    /// The Redis at this URL: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or
    /// `unix:PATH[?db=DATABASE]` for a unix socket. User and password are percent-encoded. The port
    /// defaults to 6379, and the database to 0. Nothing happens before a hub is made with it.
    ///
    /// # Errors
    ///
    /// If it is no such URL. `rediss://` is refused, as no TLS is spoken here: put a proxy that
    /// speaks it, such as stunnel, between the hub and Redis.
    pub fn new(url: &str) -> Result<Self> {
        let servers = vec![Server::parse(url)?];
        let name = "default".into();
        Ok(Self { servers, password: None, name, replicas: 0, length: LENGTH })
    }

    /// Another address, of which the first that is a master is used: name the master and its
    /// replicas, and whichever of them is promoted is found. Defaults to the one of
    /// [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// If it is no such URL.
    pub fn or(mut self, url: &str) -> Result<Self> {
        self.servers.push(Server::parse(url)?);
        Ok(self)
    }

    /// What the hubs call themselves: those of another name have other events in the same Redis.
    /// The stream there has the key `tidings:NAME`. Defaults to `default`.
    ///
    /// # Errors
    ///
    /// If it is not 1 to 128 of `A-Z a-z 0-9 . _ ~ -`.
    pub fn name(mut self, name: &str) -> Result<Self> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(good) {
            return Err(Error::invalid(format!(
                "{name:?} can't be the name of hubs in Redis: a name is 1 to {LONGEST_NAME} of \
                 A-Z a-z 0-9 . _ ~ -"
            )));
        }
        self.name = name.into();
        Ok(self)
    }

    /// The password for all addresses. Defaults to what their URLs say, or else none.
    #[must_use]
    pub fn password(mut self, password: impl Into<Vec<u8>>) -> Self {
        self.password = Some(password.into().into());
        self
    }

    /// The password for all addresses, as the one line of a file. It is read now. Unlike what is in
    /// a URL, it is in no list of processes. Defaults to what the URLs say, or else none.
    ///
    /// # Errors
    ///
    /// If the file can't be read, or contains anything but one line.
    pub fn password_file(self, path: impl AsRef<Path>) -> Result<Self> {
        let (path, mut content) = (path.as_ref(), Vec::new());
        let shown = path.display();
        File::open(path)
            .and_then(|file| file.take(LONGEST_PASSWORD as u64 + 3).read_to_end(&mut content))
            .map_err(|error| Error::io(format!("can't read the password file {shown}"), error))?;
        let line = content.strip_suffix(b"\n").unwrap_or(&content);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let why = match line {
            [] => "is empty: write the password of Redis into it",
            long if long.len() > LONGEST_PASSWORD => "is too long: a password may have 4096 bytes",
            line if line.iter().any(u8::is_ascii_control) => {
                "must contain one line, which is the password of Redis"
            }
            line => return Ok(self.password(line)),
        };
        Err(Error::invalid(format!("the password file {shown} {why}")))
    }

    /// How many replicas must have an event before it counts as published. If they don't have it
    /// in time, nobody knows whether it is ([`Error::is_outcome_unknown`]). Redis may still
    /// lose such an event if it promotes a replica that doesn't have it. Defaults to 0.
    ///
    /// [`Error::is_outcome_unknown`]: crate::Error::is_outcome_unknown
    #[must_use]
    pub fn wait(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// How many events Redis keeps, or a few more: it drops the oldest in blocks of a hundred or
    /// so. A hub that starts, or was away, finds those. Give all hubs the same number. Defaults to
    /// 100,000; 0 is taken for 1.
    #[must_use]
    pub fn length(mut self, events: u64) -> Self {
        self.length = events.max(1);
        self
    }

    /// The key of the stream.
    pub(crate) fn key(&self) -> String {
        format!("tidings:{}", self.name)
    }

    /// The password for one of its servers.
    pub(crate) fn password_for<'a>(&'a self, server: &'a Server) -> Option<&'a [u8]> {
        self.password.as_deref().or(server.password.as_deref())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<&str> = self.servers.iter().map(|server| &*server.shown).collect();
        f.debug_struct("Redis")
            .field("servers", &servers)
            .field("name", &self.name)
            .field("replicas", &self.replicas)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Server {
    fn parse(text: &str) -> Result<Self> {
        Self::read(text).map_err(|why| Error::invalid(format!("{why}: {:?}", masked_url(text))))
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        const FORMS: &str = "a Redis must be given as redis://HOST:PORT or unix:PATH";
        const TLS: &str = "rediss:// needs TLS, which is not spoken here; put a proxy that speaks \
             it, such as stunnel, before Redis, and give its address as redis://HOST:PORT";
        if text.chars().any(char::is_control) {
            return Err("the URL of a Redis must have no control characters");
        }
        let (scheme, rest) = text.split_once(':').ok_or(FORMS)?;
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
            None => ("", rest),
        };
        let (user_info, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        let decode = |text: &str| {
            let decoded = percent_decode(text.as_bytes());
            decoded.ok_or("the user and the password in a URL must be percent-encoded UTF-8")
        };
        let (user, password) = (decode(user)?, decode(password)?);
        let (url, shown, database) = match &*scheme.to_ascii_lowercase() {
            "redis" | "valkey" if rest.starts_with("//") => at_host(host, path)?,
            "unix" | "redis+unix" if host.is_empty() => at_socket(path)?,
            "rediss" | "valkeys" => return Err(TLS),
            _ => return Err(FORMS),
        };
        Ok(Self {
            url,
            shown: shown.into(),
            user: Some(user).filter(|user| !user.is_empty()).map(Into::into),
            password: Some(password).filter(|of| !of.is_empty()).map(|of| of.into_bytes().into()),
            database,
        })
    }
}

fn at_host(host: &str, path: &str) -> Result<(Url, String, u32), &'static str> {
    if !is_authority(host.as_bytes()) {
        return Err("the URL of a Redis must name a host, and may have a port");
    }
    let host = host.strip_suffix(':').unwrap_or(host);
    let has_port = host.rsplit(']').next().is_some_and(|after| after.contains(':'));
    let port = if has_port { String::new() } else { format!(":{PORT}") };
    let url = Url::parse(&format!("http://{host}{port}/")).expect("it has an authority");
    let database = match path.strip_prefix('/').unwrap_or(path) {
        "" => 0,
        database => number(database)?,
    };
    Ok((url, format!("redis://{host}{port}"), database))
}

fn at_socket(path: &str) -> Result<(Url, String, u32), &'static str> {
    let (path, query) = path.split_once('?').unwrap_or((path, "db=0"));
    let database =
        query.strip_prefix("db=").ok_or("after unix:PATH nothing may stand but ?db=DATABASE")?;
    if path.is_empty() {
        return Err("a unix socket must have a path, as in unix:/run/redis/redis.sock");
    }
    let url = Url::parse("http://localhost/").expect("it is a URL");
    Ok((url.at_socket(path), format!("unix:{path}"), number(database)?))
}

/// Redis may have any number of databases.
fn number(database: &str) -> Result<u32, &'static str> {
    let digits = database.bytes().all(|byte| byte.is_ascii_digit());
    database.parse().ok().filter(|_| digits).ok_or("a database of Redis is a number, such as 0")
}

#[cfg(test)]
mod tests;
