//! What can be asked of the hub, and what it does unasked.

use std::mem;
use std::path::PathBuf;
use std::time::Duration;

use tidings::{Cors, History, Lag, Limits};

use super::channels::{NAME_RULE, is_name};
use crate::cli::duration::LONGEST;
use crate::cli::flags::{Flag, Preset, Table, Takes};

/// What the command line says.
#[derive(Debug)]
pub(super) struct Options {
    /// `HOST:PORT`, not yet resolved.
    pub(super) listen: String,
    pub(super) history: History,
    pub(super) lag: Lag,
    pub(super) limits: Limits,
    pub(super) max_connections: usize,
    pub(super) max_body: usize,
    pub(super) max_channels: usize,
    pub(super) token_file: Option<PathBuf>,
    pub(super) anyone_may_publish: bool,
    /// Each is `*` or an origin.
    pub(super) cors: Vec<String>,
    pub(super) allowed_hosts: Vec<String>,
    /// A channel's name.
    pub(super) stdin: Option<String>,
    pub(super) until_eof: bool,
    pub(super) log: bool,
}

/// As many as a server has unless told otherwise.
const MAX_CONNECTIONS: usize = 10_000;

/// As much as a server takes of one body, and of all together, unless told otherwise.
const MAX_BODY: usize = 1024 * 1024;
const MAX_BODIES: usize = 64 * 1024 * 1024;

/// Twice as many as connections, so that each stream may have a channel of its own.
const MAX_CHANNELS: usize = 20_000;

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:3000".into(),
            history: History::default(),
            lag: Lag::default(),
            limits: Limits::default(),
            max_connections: MAX_CONNECTIONS,
            max_body: MAX_BODY,
            max_channels: MAX_CHANNELS,
            token_file: None,
            anyone_may_publish: false,
            cors: Vec::new(),
            allowed_hosts: Vec::new(),
            stdin: None,
            until_eof: false,
            log: false,
        }
    }
}

impl Options {
    /// The names that the hub answers to, beside addresses and `localhost`.
    pub(super) fn host_names(&self) -> Vec<String> {
        let listen = self.listen.rsplit_once(':').map(|(host, _)| host.to_owned());
        self.allowed_hosts.iter().cloned().chain(listen).collect()
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

/// All the options, those of one concern together.
pub(super) static TABLE: Table<Options> = Table {
    command: "serve",
    usage: "tidings [serve] [--listen 127.0.0.1:3000] [options]",
    about: "Runs a hub for Server-Sent Events. POST /events/NAME publishes on a channel, GET \
            /events/NAME follows it, GET / shows the hub at work, GET /metrics counts. \
            POST /stop with the token of --token-file stops it.",
    operands: &[],
    flags: &[
        Flag {
            name: "listen",
            takes: text("HOST:PORT", |o, address| {
                o.listen = address.into();
                Ok(())
            }),
            repeats: false,
            default: Preset::Value("127.0.0.1:3000"),
            doc: "Listens here. Port 0 takes a free one. An address that other machines can reach \
                  needs --token-file or --anyone-may-publish.",
        },
        Flag {
            name: "history",
            takes: number("N", 1, |o, n| o.history = o.history.events(n as usize)),
            repeats: false,
            default: Preset::Value("1000"),
            doc: "Keeps up to N events of each channel for clients that reconnect.",
        },
        Flag {
            name: "history-bytes",
            takes: number("N", 1, |o, n| o.history = o.history.bytes(n as usize)),
            repeats: false,
            default: Preset::Value("1048576"),
            doc: "Keeps so many bytes of events of each channel. The newest event is kept whatever \
                  its size.",
        },
        Flag {
            name: "history-age",
            takes: duration(1, |o, age| o.history = o.history.age(age)),
            repeats: false,
            default: Preset::Value("1h"),
            doc: "Keeps each event for this long.",
        },
        Flag {
            name: "lag",
            takes: Takes::OneOf {
                choices: &["skip", "close"],
                set: |o, lag| o.lag = if lag == "close" { Lag::Close } else { Lag::Skip },
            },
            repeats: false,
            default: Preset::Value("skip"),
            doc: "Decides what happens to a stream that reads too slowly: skip goes on with what \
                  is still kept, after an event that tells the gap; close ends the stream.",
        },
        Flag {
            name: "heartbeat",
            takes: duration(0, |o, after| o.limit(|limits| limits.heartbeat(after))),
            repeats: false,
            default: Preset::Value("15s"),
            doc: "Sends a comment to a stream after this much silence, so that no proxy cuts it. 0 \
                  sends none.",
        },
        Flag {
            name: "max-connections",
            takes: number("N", 1, |o, n| o.max_connections = n as usize),
            repeats: false,
            default: Preset::Value("10000"),
            doc: "Limits how many connections are open at once, those of streams included. Where \
                  the system lets the hub have fewer descriptors (ulimit -n), it says so and \
                  serves as many as there are.",
        },
        Flag {
            name: "max-streams",
            takes: number("N", 1, |o, n| o.limit(|limits| limits.streams(n as usize))),
            repeats: false,
            default: Preset::Words("no limit"),
            doc: "Limits how many streams are open at once.",
        },
        Flag {
            name: "max-streams-per-peer",
            takes: number("N", 1, |o, n| o.limit(|limits| limits.streams_per_peer(n as usize))),
            repeats: false,
            default: Preset::Words("no limit"),
            doc: "Limits how many streams one peer has open at once. A peer is an address, or in \
                  IPv6 a network of 64 bits.",
        },
        Flag {
            name: "max-body",
            takes: number("BYTES", 1, Options::set_max_body),
            repeats: false,
            default: Preset::Value("1048576"),
            doc: "Limits how large the body of a request is, and a line of standard input.",
        },
        Flag {
            name: "max-event",
            takes: number("BYTES", 1, |o, n| o.history = o.history.event(n as usize)),
            repeats: false,
            default: Preset::Value("1048576"),
            doc: "Limits how large an event is as it is sent, where each line of data costs seven \
                  bytes more. A larger one is not published.",
        },
        Flag {
            name: "max-channels",
            takes: number("N", 1, |o, n| o.max_channels = n as usize),
            repeats: false,
            default: Preset::Value("20000"),
            doc: "Limits how many channels there are at once. Each may keep --history-bytes of \
                  events; one that is empty and not followed is forgotten. Names that are followed \
                  and never published on may be half of them, and one peer may make up no more of \
                  those than it leaves to others.",
        },
        Flag {
            name: "token-file",
            takes: text("FILE", |o, path| {
                o.token_file = Some(path.into());
                Ok(())
            }),
            repeats: false,
            default: Preset::Words("no token is needed"),
            doc: "Requires the field 'Authorization: Bearer TOKEN' to publish, where TOKEN is what \
                  this file contains.",
        },
        Flag {
            name: "anyone-may-publish",
            takes: Takes::Nothing(|o| o.anyone_may_publish = true),
            repeats: false,
            default: Preset::None,
            doc: "Lets the hub listen where other machines can reach it, without a token.",
        },
        Flag {
            name: "cors",
            takes: text("ORIGIN", |o, origin| {
                if origin != "*" {
                    Cors::origins([origin]).map_err(|error| error.to_string())?;
                }
                o.cors.push(origin.into());
                Ok(())
            }),
            repeats: true,
            default: Preset::Words("the hub's own pages alone"),
            doc: "Lets pages of this origin, such as https://www.example.com, follow channels and \
                  publish, also with credentials. https://*.example.com stands for all subdomains; \
                  * lets pages of every origin, without credentials.",
        },
        Flag {
            name: "allow-host",
            takes: text("NAME", |o, name| {
                if !is_host_name(name) {
                    return Err(format!("{name:?} is not a host name without a port"));
                }
                o.allowed_hosts.push(name.into());
                Ok(())
            }),
            repeats: true,
            default: Preset::Words("addresses, localhost and the name in --listen"),
            doc: "Accepts this name of the hub. A request under another name is refused, as a page \
                  of another site may have sent it.",
        },
        Flag {
            name: "stdin",
            takes: text("CHANNEL", |o, name| {
                if !is_name(name) {
                    return Err(format!("{name:?} is not a channel name: {NAME_RULE}"));
                }
                o.stdin = Some(name.into());
                Ok(())
            }),
            repeats: false,
            default: Preset::Words("standard input is not read"),
            doc: "Publishes each line of standard input on this channel.",
        },
        Flag {
            name: "until-eof",
            takes: Takes::Nothing(|o| o.until_eof = true),
            repeats: false,
            default: Preset::None,
            doc: "Stops, and ends all streams cleanly, when standard input ends.",
        },
        Flag {
            name: "log",
            takes: Takes::Nothing(|o| o.log = true),
            repeats: false,
            default: Preset::None,
            doc: "Prints a line on standard error for each stream that opens or closes and for \
                  each send to it. Where nobody reads them, lines are dropped and counted.",
        },
        Flag::help(),
        Flag::version(),
    ],
    exits: &[
        (0, "The hub was stopped, or nobody reads its output."),
        (1, "The hub can't run: the reason is on standard error."),
        (2, "The options can't be understood."),
    ],
};

const fn number(name: &'static str, least: u32, set: fn(&mut Options, u32)) -> Takes<Options> {
    Takes::Number { name, least, most: u32::MAX, set }
}

/// At least so many milliseconds.
const fn duration(least: u64, set: fn(&mut Options, Duration)) -> Takes<Options> {
    Takes::Duration { least: Duration::from_millis(least), most: LONGEST, set }
}

const fn text(
    name: &'static str,
    set: fn(&mut Options, &str) -> Result<(), String>,
) -> Takes<Options> {
    Takes::Text { name, set }
}

/// `1*( letter / digit / "-" / "_" / "." )`: what names are made of where they are in use.
fn is_host_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.bytes().all(good)
}

#[cfg(test)]
mod tests;
