//! The hub's options.

use std::mem;
use std::path::PathBuf;
use std::time::Duration;

use tidings::{Cors, History, Lag, Limits, Proxies};

use super::channels::{Bounds, check_name};
#[cfg(feature = "follow")]
use super::follow;
#[cfg(feature = "journal")]
use super::journal;
#[cfg(feature = "redis")]
use super::redis;
use crate::cli::duration::{LONGEST, SHORTEST};
use crate::cli::flags::{MOST, Table, flags};
use crate::cli::listen::Place;
use crate::cli::{Failure, Outcome};

/// What the command line says.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// None for the default.
    listen: Vec<Place>,
    pub(super) history: History,
    pub(super) lag: Lag,
    #[cfg(feature = "journal")]
    pub(super) journal: journal::Settings,
    #[cfg(feature = "redis")]
    pub(super) redis: redis::Settings,
    #[cfg(feature = "follow")]
    pub(super) follow: follow::Settings,
    pub(super) limits: Limits,
    pub(super) max_connections: usize,
    pub(super) max_body: usize,
    pub(super) max_channels: usize,
    pub(super) batch: Bounds,
    pub(super) token_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) private: bool,
    pub(super) anyone_may_publish: bool,
    /// Each is `*` or an origin.
    pub(super) cors: Vec<String>,
    pub(super) allowed_hosts: Vec<String>,
    /// Those that were given, and what they are together.
    proxies_given: Vec<String>,
    pub(super) proxies: Option<Proxies>,
    pub(super) proxy_protocol: bool,
    /// A channel's name.
    pub(super) stdin: Option<String>,
    pub(super) until_eof: bool,
    pub(super) log: bool,
    /// What the targets begin with of the requests that are traced; empty for all.
    #[cfg(feature = "tools")]
    pub(super) trace: Option<String>,
}

const LISTEN: &str = "127.0.0.1:3000";

/// As much as a server takes of all bodies together unless told otherwise.
const MAX_BODIES: usize = 64 * 1024 * 1024;

impl Options {
    /// Where the hub listens, in this order.
    pub(super) fn places(&self) -> Vec<Place> {
        match &*self.listen {
            [] => vec![Place::Tcp(LISTEN.into())],
            places => places.to_vec(),
        }
    }

    /// The names by which the hub is addressed, beside addresses and `localhost`.
    pub(super) fn host_names(&self) -> Vec<String> {
        let listen = self.listen.iter().filter_map(Place::host).map(str::to_owned);
        self.allowed_hosts.iter().cloned().chain(listen).collect()
    }

    /// Checks that a hub which wants tokens knows any.
    pub(super) fn check_access(&self) -> Outcome {
        match self.private && self.token_file.is_none() && self.key_file.is_none() {
            false => Ok(()),
            true => Err(Failure::Usage(
                "--private is for those who have a token, and this hub knows none: give \
                 --token-file FILE or --key-file FILE"
                    .into(),
            )),
        }
    }

    /// All bodies together may be as large as one.
    fn set_max_body(&mut self, bytes: u32) {
        self.max_body = bytes as usize;
        let all = MAX_BODIES.max(self.max_body);
        self.limit(|limits| limits.body(bytes as usize).bodies(all));
    }

    /// A builder takes and gives itself; this lends it.
    fn limit(&mut self, set: impl FnOnce(Limits) -> Limits) {
        self.limits = set(mem::take(&mut self.limits));
    }
}

pub(crate) static TABLE: Table<Options> = Table {
    name: "serve",
    summary: "runs the hub (the default command)",
    usage: "tidings [serve] [--listen 127.0.0.1:3000] [options]",
    about: &[
        "Runs a hub for Server-Sent Events. POST /events/NAME publishes on a channel, GET \
         /events/NAME follows it, and GET /metrics shows counts.",
        "The body of a POST is the data of one event, or several events if its type is \
         text/event-stream. With the field Idempotency-Key, a client can send it again if it got \
         no response.",
        "SIGTERM, SIGINT (Ctrl-C) and SIGHUP stop the hub, as do POST /stop with the token of \
         --token-file, and with --until-eof the end of standard input. Streams then end cleanly, \
         and their clients are told to reconnect after 2 to 4 seconds. A second signal ends the \
         hub at once, with 128 and the signal's number as exit status.",
        "If NOTIFY_SOCKET is set, the hub tells a supervisor there when it is ready and when it \
         stops.",
        #[cfg(feature = "page")]
        "GET / serves a page that shows the hub at work, and GET /tidings.js a script for pages, \
         with one stream for all tabs. GET /channels lists the channels as JSON.",
    ],
    operands: &[],
    flags: &[
        &flags![Options,
            /// Listens on HOST:PORT; on PORT, for this machine alone; on unix:PATH, a unix socket
            /// to which its owner and its group may connect; or on systemd, the sockets of the
            /// unit. Port 0 picks a free port. An address that other machines can reach requires
            /// --token-file, --key-file or --anyone-may-publish.
            checked("listen", "ADDR", |o, place| {
                o.listen.push(Place::parse(place)?);
                Ok(())
            }).repeats().otherwise(LISTEN),
            /// Keeps up to N events of each channel for clients that reconnect.
            number("history", "N", 1..=MOST, |o, n| {
                o.batch.events = n as usize;
                o.history = o.history.events(n as usize);
            }).default("1000"),
            /// Keeps up to so many bytes of events of each channel. The newest event is always
            /// kept, whatever its size.
            number("history-bytes", "BYTES", 1..=MOST, |o, n| {
                o.history = o.history.bytes(n as usize);
            }).default("1048576"),
            /// Keeps each event for this long.
            duration("history-age", SHORTEST..=LONGEST, |o, age| o.history = o.history.age(age))
                .default("1h"),
            /// Decides what happens to a stream whose client reads so slowly that its next event is
            /// no longer kept, neither in memory nor in the journal: skip continues with the events
            /// that are still kept, after an event that reports the gap; close ends the stream.
            /// conflate continues with what memory still has and reports nothing, for channels of
            /// which only the newest events matter.
            text("lag", "skip|close|conflate", |o, lag| {
                o.lag = match lag {
                    "close" => Lag::Close,
                    "conflate" => Lag::Conflate,
                    _ => Lag::Skip,
                };
            }).default("skip"),
        ],
        #[cfg(feature = "journal")]
        &flags![Options,
            /// Keeps events in files of this folder too, where they outlive the hub: after a
            /// restart, clients resume as if nothing had happened. A folder that isn't there is
            /// made. One hub may use it at a time. 'tidings journal DIR' shows what is in it.
            checked("journal", "DIR", |o, folder| o.journal.set_folder(folder))
                .otherwise("events are kept in memory alone"),
            /// Decides when an event is safe from a power cut: none leaves it to the system, within
            /// half a minute or so; interval waits for the disk once a second; always waits for the
            /// disk before the publisher gets its response and clients get the event. At each of
            /// these, an event outlives the hub's own process once its publisher has the response.
            text("journal-sync", "none|interval|always", |o, word| o.journal.set_sync(word))
                .otherwise("interval"),
            /// Limits how many bytes the files of the journal have together: past it, the oldest
            /// go, but never the newest.
            large("journal-bytes", journal::LEAST_BYTES..=journal::MOST_BYTES, |o, bytes| {
                o.journal.bytes = Some(bytes);
            }).otherwise("1073741824"),
            /// Keeps a file of the journal until its newest event is older than this. It goes when
            /// an event is published after that. The newest file always stays.
            duration("journal-age", SHORTEST..=LONGEST, |o, age| o.journal.age = Some(age))
                .otherwise("no limit"),
        ],
        #[cfg(feature = "redis")]
        &flags![Options,
            /// Shares events with all hubs that use the same Redis: clients may resume on any of
            /// them, and whatever is published on one is published on all. redis://HOST:PORT,
            /// redis://HOST:PORT/DATABASE or unix:PATH; Redis must be 7.0 or newer. Give the
            /// addresses of one Redis and its replicas: the hub uses the one that is the master.
            checked("redis", "URL", |o, url| o.redis.add_url(url)).repeats()
                .otherwise("events are kept in memory alone"),
            /// Shares events only with hubs that have the same name: the key in Redis is
            /// tidings:NAME.
            text("redis-name", "NAME", |o, name| o.redis.set_name(name)).otherwise("default"),
            /// Sends Redis the password that this file contains.
            text("redis-password-file", "FILE", |o, path| o.redis.password_file = Some(path.into()))
                .otherwise("no password is sent"),
            /// Waits until N replicas of Redis have an event, too, before its publisher gets its
            /// response. So the event most likely outlives the master.
            number("redis-wait", "N", 1..=redis::MOST_REPLICAS, |o, n| o.redis.wait = Some(n))
                .otherwise("the response comes once the master has the event"),
            /// Keeps about so many events in Redis, those of all channels together. The oldest go.
            number("redis-length", "N", 1..=MOST, |o, n| o.redis.length = Some(n))
                .otherwise("100000"),
        ],
        #[cfg(feature = "follow")]
        &flags![Options,
            /// Follows another hub: serves the events of all its channels under the same ids, and
            /// hands it whatever is published here. http://HOST:PORT. While that hub is away,
            /// streams stay open and publishes are refused. What that hub requires of clients does
            /// not hold here: say --private and --key-file here, too.
            checked("follow", "URL", |o, url| o.follow.set_url(url))
                .otherwise("no other hub is followed"),
            /// Sends the token in this file to the hub that --follow names. It must be that of the
            /// hub's own --token-file, or one that follows '*' and publishes what is handed over.
            /// The file is read again before each connection: before a signed token ends, write a
            /// new one into it.
            text("follow-token-file", "FILE", |o, path| o.follow.token_file = Some(path.into()))
                .otherwise("no token is sent"),
        ],
        &flags![Options,
            /// Sends a comment on a stream that has been silent for so long, so that no proxy
            /// closes it. 0 sends none.
            duration("heartbeat", Duration::ZERO..=LONGEST, |o, after| {
                o.limit(|limits| limits.heartbeat(after));
            }).default("15s"),
            /// Limits how many connections are open at once, including those of streams. If the
            /// system allows fewer descriptors (ulimit -n), the hub says so and serves as many
            /// connections as it can.
            number("max-connections", "N", 1..=MOST, |o, n| o.max_connections = n as usize)
                .default("10000"),
            /// Limits how many streams are open at once.
            number("max-streams", "N", 1..=MOST, |o, n| {
                o.limit(|limits| limits.streams(n as usize));
            }).otherwise("no limit"),
            /// Limits how many streams one peer has open at once. A peer is an IPv4 address, or an
            /// IPv6 network of 64 bits: that of a proxy, unless --behind-proxy lists it. Clients of
            /// a unix socket can't be told apart: for them there is no such limit. A request for
            /// one stream more gets an empty one, with the time after which to come back.
            number("max-streams-per-peer", "N", 1..=MOST, |o, n| {
                o.limit(|limits| limits.streams_per_peer(n as usize));
            }).otherwise("no limit"),
            /// Limits the size of a request's body, and of a line of standard input.
            number("max-body", "BYTES", 1..=MOST, Options::set_max_body).default("1048576"),
            /// Limits the size of an event as it is sent, where each line of data costs seven more
            /// bytes. A larger event is not published.
            number("max-event", "BYTES", 1..=MOST, |o, n| {
                o.batch.event = n as usize;
                o.history = o.history.event(n as usize);
            }).default("1048576"),
            /// Limits how many channels exist at once. Each may keep --history-bytes of events. An
            /// empty channel that nobody follows is removed. Channels that are followed but were
            /// never published on may be half of them. A peer that has created as many of those as
            /// are still free can't create another.
            number("max-channels", "N", 1..=MOST, |o, n| o.max_channels = n as usize)
                .default("20000"),
            /// Requires a token to publish and to follow all channels: the content of this file. It
            /// is sent in the field 'Authorization: Bearer TOKEN', in the cookie 'tidings', or in
            /// the parameter 'token' of the URL. It also stops the hub.
            text("token-file", "FILE", |o, path| o.token_file = Some(path.into()))
                .otherwise("no token is needed"),
        ],
        #[cfg(feature = "key")]
        &flags![Options,
            /// Requires a token as --token-file does, and accepts those that 'tidings token' has
            /// signed with a key in this file, too. They say on which channels their bearers may
            /// publish, which they may follow, and until when: then their streams end. There is one
            /// key on each line, of 32 bytes or more: 'openssl rand -hex 32' makes one. The key is
            /// the line as it stands, not what its digits stand for. The file is read at the start.
            text("key-file", "FILE", |o, path| o.key_file = Some(path.into()))
                .otherwise("no token is needed"),
        ],
        &flags![Options,
            /// Requires a token to follow any channel, and for /metrics. /health and the page need
            /// none.
            switch("private", |o| o.private = true),
            /// Lets the hub listen on an address that other machines can reach, without a token.
            switch("anyone-may-publish", |o| o.anyone_may_publish = true),
            /// Lets pages of this origin, such as https://www.example.com, follow channels and
            /// publish, also with credentials. https://*.example.com allows all subdomains; *
            /// allows every origin, without credentials.
            checked("cors", "ORIGIN", |o, origin| {
                if origin != "*" {
                    if !origin.bytes().any(|byte| byte == b'/') {
                        return Err("an origin begins with a scheme, such as \
                                    https://www.example.com"
                            .into());
                    }
                    Cors::origins([origin]).map_err(|error| error.to_string())?;
                }
                o.cors.push(origin.into());
                Ok(())
            }).repeats().otherwise("only the hub's own pages"),
            /// Accepts requests for this host name. A request for any other name is refused,
            /// because a page of another site may have sent it.
            checked("allow-host", "NAME", |o, name| {
                if !is_host_name(name) {
                    return Err(format!(
                        "a host name has no scheme, port or path: give one such as hub.example, \
                         and not {name:?}"
                    ));
                }
                o.allowed_hosts.push(name.into());
                Ok(())
            }).repeats().otherwise("addresses, localhost and the name in --listen"),
            /// Believes what this proxy says in X-Forwarded-For or Forwarded, so that its clients
            /// are peers, and not the proxy: an address, a network such as 10.0.0.0/8, or unix for
            /// whoever connects to a unix socket.
            checked("behind-proxy", "ADDR", |o, proxy| {
                o.proxies_given.push(proxy.into());
                let all = Proxies::new(&o.proxies_given).map_err(|error| error.to_string())?;
                o.proxies = Some(all);
                Ok(())
            }).repeats().otherwise("nobody is believed"),
            /// Requires proxies of --behind-proxy to name the client by the PROXY protocol, version
            /// 1 or 2, as a connection begins.
            switch("proxy-protocol", |o| o.proxy_protocol = true),
            /// Publishes each line of standard input on this channel.
            checked("stdin", "CHANNEL", |o, name| {
                check_name(name)?;
                o.stdin = Some(name.into());
                Ok(())
            }).otherwise("standard input is not read"),
            /// Stops the hub and ends all streams cleanly when standard input ends.
            switch("until-eof", |o| o.until_eof = true),
            /// Prints a line on standard error for each stream that opens or closes, for each send
            /// to it, and for each request that a bound refuses. Lines that nobody reads are
            /// dropped and counted.
            switch("log", |o| o.log = true),
        ],
        #[cfg(feature = "tools")]
        &flags![Options,
            /// Prints on standard error what goes over each connection as it happens: the calls of
            /// the system, their bytes, what each line means, and the file and the line of the
            /// source that wrote or read it. --trace=/events/news prints only requests whose
            /// targets begin so. Of heads, what may be a secret is left out; bodies are shown.
            checked("trace", "[=TARGET]", |o, prefix| {
                if !prefix.is_empty() && !prefix.starts_with('/') {
                    return Err("a target begins with /, as in --trace=/events/news".into());
                }
                o.trace = Some(prefix.into());
                Ok(())
            }).otherwise("nothing is traced"),
        ],
    ],
    exits: &[
        (0, "The hub was stopped, or its standard output was closed."),
        (1, "The hub can't run: standard error says why."),
        (2, "The options can't be understood."),
    ],
    more: Vec::new,
    run: |options| super::serve(&options),
};

/// `1*( letter / digit / "-" / "_" / "." )`: what names are made of where they are in use.
fn is_host_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.bytes().all(good)
}

#[cfg(test)]
mod tests;
