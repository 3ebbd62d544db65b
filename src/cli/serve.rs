//! `tidings serve`: the hub.
//!
//! ```text
//! POST /events/NAME ──► channel NAME ──► GET /events/NAME, GET /events?channel=NAME&channel=...
//! standard input ───────────┘
//! ```
//!
//! This file starts the hub. To read on: [`options`] has the command line, [`routes`] puts the
//! parts together: [`guard`] decides who may publish and follow, by a request's [`credential`] and
//! [`origin`]; [`subscribe`], [`publish`], [`metrics`], [`health`], [`list`] and [`page`] respond.
//! [`channels`] has the names of channels, [`query`] reads what a URL asks for, [`batch`] a body of
//! several events, [`fields`] what a publisher may say of one, [`key`] what makes a retry harmless,
//! and [`stdin`] publishes standard input. [`mod@hub`] opens the hub, by way of [`mod@journal`],
//! [`redis`] or [`mod@follow`], and [`order`] says how that is. [`token`] reads files of tokens,
//! and [`trace`] prints what goes over the connections.

mod batch;
mod channels;
mod credential;
#[cfg(feature = "follow")]
mod feed;
mod fields;
#[cfg(feature = "follow")]
mod follow;
mod guard;
mod health;
mod hub;
#[cfg(feature = "journal")]
mod journal;
mod key;
#[cfg(feature = "page")]
mod list;
mod metrics;
mod options;
mod order;
mod origin;
#[cfg(feature = "page")]
mod page;
mod publish;
mod query;
#[cfg(feature = "redis")]
mod redis;
mod refuse;
mod routes;
mod stdin;
mod subscribe;
mod token;
#[cfg(feature = "tools")]
mod trace;

use std::io;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use tidings::{Cors, Handle, Hub, Logger, Proxies, Server, Status};

use super::access::Keys;
use super::listen::{Found, Opened};
use super::{Failure, Outcome, descriptors, notify, print, say, signals, visible};
use channels::Channels;
use guard::{Guard, Token};
use options::Options;
pub(super) use options::TABLE;
use routes::State;

/// Serves until a signal, a request with the token, or with `--until-eof` the end of standard input
/// stops it.
fn serve(options: &Options) -> Outcome {
    hub::check(options)?;
    options.check_access()?;
    let proxies = proxies(options)?;
    // Until the hub opens its sockets, there is nothing to end.
    signals::on_first(|_| process::exit(0));
    let mut found = Vec::new();
    for place in options.places() {
        found.extend(place.find()?);
    }
    let guard = guard(options, &found)?;
    let (hub, order) = hub::open(options)?;
    let server = Server::new();
    let stop = Stop(server.handle());
    // From here on there may be a file, which has to be removed.
    stop_on_signal(stop.clone());
    let opened = found.into_iter().map(Found::open).collect::<Result<Vec<_>, _>>()?;
    tell_left_over();
    let (server, _files) = listen_on(server, opened);
    let server = with_options(server, options, guard.cors.clone(), proxies);
    let state = State {
        channels: Channels { hub: hub.clone(), most: options.max_channels, batch: options.batch },
        order,
        stop: stop.clone(),
        guard,
        started: Instant::now(),
    };
    read_standard_input(options, &hub, &stop)?;
    let listening = |address| visible::line(&format!("listening on {address}")) + "\n";
    print(&server.addresses().iter().map(listening).collect::<String>())?;
    notify::tell(notify::State::Ready);
    // Where a thread would not end, it may be the disk's fault: that is not waited for.
    routes::add_to(server, state).run().map_err(failed)?;
    keep(&hub)
}

/// The server as its options want it, but for where it listens.
fn with_options(
    server: Server,
    options: &Options,
    cors: Option<Cors>,
    proxies: Option<Proxies>,
) -> Server {
    let connections = connections(options.max_connections, descriptors::limit());
    let limits = options.limits.clone().connections(connections);
    let mut server = server
        .limits(limits)
        .hosts(options.host_names())
        .remedy(Status::MISDIRECTED_REQUEST, "start the hub with --allow-host NAME to add it")
        .remedy(Status::CONTENT_TOO_LARGE, "start the hub with a larger --max-body to take it")
        .remedy(
            Status::SERVICE_UNAVAILABLE,
            "start the hub with a larger --max-connections to serve more",
        );
    if let Some(cors) = cors {
        server = server.cors(cors);
    }
    if let Some(proxies) = proxies {
        server = server.proxies(proxies);
    }
    log(server, options)
}

/// Has the server tell on standard error what it does, as far as it is to.
fn log(server: Server, options: &Options) -> Server {
    #[cfg(feature = "tools")]
    if let Some(prefix) = &options.trace {
        let logger = std::sync::Arc::new(Logger::stderr());
        let proxies = options.proxies.clone().filter(|_| options.proxy_protocol);
        let printer = trace::Printer::new(prefix, proxies, logger.clone());
        let server = server.trace(printer);
        return if options.log { server.hooks(logger) } else { server };
    }
    if options.log { server.hooks(Logger::stderr()) } else { server }
}

/// Waits until everything that was published is on the disk, if the hub has one: the thread of
/// standard input holds its channel for as long as that is open, and so the journal.
#[cfg_attr(not(feature = "journal"), allow(unused_variables))]
fn keep(hub: &Hub) -> Outcome {
    #[cfg(feature = "journal")]
    hub.sync().map_err(failed)?;
    Ok(())
}

fn failed(error: tidings::Error) -> Failure {
    Failure::Failed(error.to_string())
}

/// Who may do what, as the options say it.
fn guard(options: &Options, found: &[Found]) -> Result<Guard, Failure> {
    let token =
        options.token_file.as_deref().map(Token::read).transpose().map_err(Failure::Failed)?;
    let keys = options.key_file.as_deref().map(Keys::read).transpose().map_err(Failure::Failed)?;
    if token.is_none() && keys.is_none() && !options.anyone_may_publish {
        check_loopback(found)?;
    }
    Ok(Guard { token, keys, private: options.private, cors: cors(&options.cors)? })
}

/// Where other machines can connect, whoever starts the hub has to say who may publish.
fn check_loopback(found: &[Found]) -> Outcome {
    let mut addresses = found.iter().flat_map(Found::addresses);
    match addresses.find(|address| !address.ip().is_loopback()) {
        None => Ok(()),
        Some(address) => Err(Failure::Failed(format!(
            "{address} can be reached from other machines, so say who may publish: \
             --token-file FILE or --key-file FILE for those who have a token, or \
             --anyone-may-publish"
        ))),
    }
}

/// `*` stands for every origin, whatever is listed with it. Pages of listed origins may send
/// credentials. With `*` none may, as then any page could use its visitor's.
fn cors(origins: &[String]) -> Result<Option<Cors>, Failure> {
    match origins {
        [] => Ok(None),
        any if any.iter().any(|origin| origin == "*") => Ok(Some(Cors::any())),
        some => Cors::origins(some).and_then(Cors::credentials).map(Some).map_err(failed),
    }
}

/// Whose word about clients counts.
fn proxies(options: &Options) -> Result<Option<Proxies>, Failure> {
    match options.proxies.clone() {
        None if options.proxy_protocol => Err(Failure::Usage(
            "--proxy-protocol says how proxies speak, and there are none: name their addresses \
             with --behind-proxy ADDR"
                .into(),
        )),
        Some(proxies) if options.proxy_protocol => Ok(Some(proxies.proxy_protocol())),
        proxies => Ok(proxies),
    }
}

/// How many descriptors the hub needs to serve so many connections: one for each; those for
/// connections past the bound, which the server tells that there are too many (see
/// `Limits::connections`); and 16 for standard streams, listeners, a file now and then.
fn descriptors_for(connections: u64) -> u64 {
    connections + (connections / 8).clamp(16, 64) + 16
}

/// How many connections the hub can serve if the system lets it have this many descriptors.
fn connections(wanted: usize, limit: Option<u64>) -> usize {
    let needed = descriptors_for(wanted as u64);
    let Some(limit) = limit.filter(|limit| *limit < needed) else { return wanted };
    let most = (limit / 2..limit).rev().find(|most| descriptors_for(*most) <= limit);
    let most = most.unwrap_or(limit / 2).max(1);
    say(&format!(
        "the system lets this process have {limit} descriptors, so {most} connections are served \
         at once, and not {wanted}: run 'ulimit -n {needed}' first, or give --max-connections \
         {most}"
    ));
    usize::try_from(most).unwrap_or(wanted)
}

/// Has the server listen on these, and returns what removes their files when the hub has ended.
fn listen_on(server: Server, opened: Vec<Opened>) -> (Server, Vec<impl Sized>) {
    let (mut server, mut files) = (server, Vec::new());
    for Opened { listener, file } in opened {
        server = server.on(listener);
        files.push(file);
    }
    (server, files)
}

/// Sockets that nobody accepts from would let clients wait for ever.
fn tell_left_over() {
    #[cfg(unix)]
    if let Some(said) = super::listen::handed::left_over() {
        say(&said);
    }
}

/// How long a stop waits for its message to be written: a machine that is busy takes less.
const SAYING: Duration = Duration::from_secs(1);

/// Stops the hub, and tells its supervisor.
#[derive(Clone, Debug)]
struct Stop(Handle);

impl Stop {
    /// Returns at once.
    fn stop(&self) {
        notify::tell(notify::State::Stopping);
        self.0.stop();
    }
}

fn stop_on_signal(stop: Stop) {
    signals::on_first(move |name| {
        say_soon(format!("{name}: the hub stops; a second signal ends it at once"));
        stop.stop();
    });
}

/// Says it, and returns when that is done, or soon: the other end of standard error may be a pipe
/// that is full and that nobody reads, which must not keep a hub from its end.
fn say_soon(what: String) {
    // For a hub that is to be small, and says little, the thread would be 2 KiB.
    if cfg!(not(feature = "tools")) {
        return say(&what);
    }
    let waiting = thread::current();
    let said = move || {
        say(&what);
        waiting.unpark();
    };
    if thread::Builder::new().spawn(said).is_ok() {
        thread::park_timeout(SAYING);
    }
}

/// Reads standard input if an option asks for it, on a thread of its own, as a read can't be
/// interrupted.
fn read_standard_input(options: &Options, hub: &Hub, stop: &Stop) -> Outcome {
    if options.stdin.is_none() && !options.until_eof {
        return Ok(());
    }
    // The thread holds the channel for as long as lines may come, so the hub never forgets it.
    let channel = options.stdin.as_deref().map(|name| hub.channel(name));
    let stop = options.until_eof.then(|| stop.clone());
    let longest = options.max_body;
    let read = move || {
        stdin::publish(&mut io::stdin().lock(), channel.as_ref(), longest);
        if let Some(stop) = stop {
            say_soon("standard input has ended (--until-eof): the hub stops".into());
            stop.stop();
        }
    };
    thread::Builder::new().name("tidings-stdin".into()).spawn(read).map(drop).map_err(|error| {
        Failure::Failed(format!("can't start a thread for standard input: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_as_many_as_there_are_descriptors_for() {
        for (wanted, limit, served) in [
            (10_000, None, 10_000),
            (10_000, Some(10_080), 10_000),
            (10_000, Some(10_079), 9_999),
            (10_000, Some(1024), 944),
            (100, Some(1024), 100),
            (10_000, Some(256), 214),
            (10_000, Some(64), 32),
            (10_000, Some(0), 1),
        ] {
            assert_eq!(connections(wanted, limit), served, "{wanted} {limit:?}");
        }
    }
}
