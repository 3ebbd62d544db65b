//! The acts, and how the cost of each is told from all else.
//!
//! An act is made a few times and then many times, and the difference is divided by how many more
//! there were; so what costs the same in any case falls out. In the same way a further stream is
//! what a publish to a thousand streams costs more than one to a single stream. Acts that end in
//! the watch thread are given a fixed time, and what an idle program costs in the same time is taken
//! off, so that what that thread does by the clock falls out too.

use std::ops::Range;
use std::path::Path;
use std::process::{self, Command};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use super::client::{Kept, Source, Stream};
use super::program::{Program, Spent, Tool};
use crate::Result;

/// The rows of the table.
pub(super) const NAMES: [&str; 9] = [
    "publish over HTTP to one stream",
    "each further stream",
    "each further stream that follows two channels",
    "a stream opened and closed",
    "a signed token, beside its stream",
    "a resume of 100 events, beside its stream",
    "a heartbeat",
    "a check of an idle stream for a closed peer",
    "a request for `/health`",
];

/// What the acts cost, in the order of [`NAMES`].
pub(super) type Costs = [Spent; 9];

/// The watch thread comes to every stream at least once within a second.
const WINDOW: Duration = Duration::from_millis(2_500);
const HEARTBEAT: &str = "1";
const AFTER: &str = "Last-Event-ID";
/// What a token is signed with.
const KEY: &str = "a-key-of-32-bytes-which-is-long-enough";
const REST: Duration = Duration::from_millis(2);
/// How many streams are opened and closed.
const STREAMS: usize = 50;
/// How many events a resume has.
const RESUMED: usize = 100;

/// Measures all acts so often.
pub(super) fn measure(
    program: &Path,
    tool: Tool,
    repeats: usize,
    streams: usize,
) -> Result<Vec<Costs>> {
    let mut all = Vec::new();
    for repeat in 1..=repeats {
        eprintln!("{tool:?}, {repeat} of {repeats}");
        all.push(once(program, tool, streams)?);
    }
    Ok(all)
}

fn once(program: &Path, tool: Tool, streams: usize) -> Result<Costs> {
    let server = &mut Program::start(program, tool, &["--heartbeat", "0"])?;
    let mut kept = Kept::new(&server.address, "one")?;
    let health = each(server, 20..220, || kept.health())?;
    let idle = in_window(server, || Ok(()))?;
    let stream = opened_and_closed(server, &idle, "/events/one", None, 0)?;
    let resume = resume(server, &idle)?;
    let one = Source::new(&server.address, "/events/one", None);
    let (publish, further, crowd) = to_crowd(server, &mut kept, &one, streams)?;
    let checks = in_window(server, || Ok(()))?.plus(-1.0, &idle).of_watch();
    let check = checks.over(checks.checks());
    drop(crowd);
    // The next crowd is published to when the watch thread has found this one gone.
    thread::sleep(WINDOW);
    let two = Source::new(&server.address, "/events?channel=one&channel=two", None);
    let (_, further_of_two, _) = to_crowd(server, &mut kept, &two, streams)?;

    let token = token(program, tool, &stream)?;

    let server = &mut Program::start(program, tool, &["--heartbeat", HEARTBEAT])?;
    let source = Source::new(&server.address, "/events/one", None);
    let few = source.open_many(1)?;
    let idle = in_window(server, || Ok(()))?;
    let many = source.open_many(streams)?;
    let beating = in_window(server, || Ok(()))?.plus(-1.0, &idle).of_watch();
    let heartbeat = beating.plus(-beating.checks(), &check).over(beating.heartbeats());
    drop((few, many));
    Ok([publish, further, further_of_two, stream, token, resume, heartbeat, check, health])
}

/// What one of these acts costs, without the watch thread: the few are the range's start, the many
/// its end.
fn each(
    server: &mut Program,
    acts: Range<usize>,
    mut act: impl FnMut() -> Result<()>,
) -> Result<Spent> {
    let mut times = |count| -> Result<Spent> {
        repeat(count, &mut act)?;
        server.take()
    };
    // What is made once, as a worker or its buffers, is made by the first.
    times(1)?;
    let few = times(acts.start)?;
    let many = times(acts.end)?;
    Ok(many.plus(-1.0, &few).of_others().over(acts.len() as f64))
}

/// Makes an act so often, and rests after each at least as long as it took: a shard that has rested
/// is one that a publisher may make a pass in, and a worker that has rested waits.
fn repeat(count: usize, act: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    for _ in 0..count {
        let began = Instant::now();
        act()?;
        thread::sleep(began.elapsed() + REST);
    }
    Ok(())
}

/// What is spent while this is done, and until the same time is over in any case.
fn in_window(server: &mut Program, act: impl FnOnce() -> Result<()>) -> Result<Spent> {
    server.take()?;
    let until = Instant::now() + WINDOW;
    act()?;
    thread::sleep(until.saturating_duration_since(Instant::now()));
    server.take()
}

/// What a stream costs from accept to close, with so many events.
fn opened_and_closed(
    server: &mut Program,
    idle: &Spent,
    target: &str,
    field: Option<(&str, &str)>,
    events: usize,
) -> Result<Spent> {
    let source = Source::new(&server.address, target, field);
    let mut act = || source.open(events).map(drop);
    repeat(1, &mut act)?;
    let acts = in_window(server, || repeat(STREAMS, &mut act))?;
    Ok(acts.plus(-1.0, idle).over(STREAMS as f64))
}

/// What a stream costs more on a private hub, where its client has a token with usual claims.
fn token(program: &Path, tool: Tool, stream: &Spent) -> Result<Spent> {
    let keys = env::temp_dir().join(format!("tidings-cost-{}.key", process::id()));
    fs::write(&keys, KEY)?;
    let key_file = ["--key-file", &keys.display().to_string()];
    let claims = ["--subscribe", "room.*", "--subscribe", "one", "--sub", "ann", "--for", "1h"];
    let made = Command::new(program).arg("token").args(key_file).args(claims).output()?;
    let token = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    if token.is_empty() {
        // An older program, which has no tokens.
        return Ok(Spent::default());
    }
    let options = [&["--heartbeat", "0", "--private"], &key_file[..]].concat();
    let server = &mut Program::start(program, tool, &options)?;
    let idle = in_window(server, || Ok(()))?;
    let field = ("Authorization", &*format!("Bearer {token}"));
    let cost = opened_and_closed(server, &idle, "/events/one", Some(field), 0);
    fs::remove_file(keys)?;
    Ok(cost?.plus(-1.0, stream))
}

fn resume(server: &mut Program, idle: &Spent) -> Result<Spent> {
    let mut kept = Kept::new(&server.address, "resumed")?;
    let first = kept.publish()?;
    let mut last = String::new();
    for _ in 0..RESUMED {
        last = kept.publish()?;
    }
    let target = "/events/resumed";
    let none = opened_and_closed(server, idle, target, Some((AFTER, &last)), 0)?;
    let all = opened_and_closed(server, idle, target, Some((AFTER, &first)), RESUMED)?;
    Ok(all.plus(-1.0, &none))
}

/// What a publish costs that reaches one stream, and each of so many further ones; they stay open.
fn to_crowd(
    server: &mut Program,
    kept: &mut Kept,
    source: &Source,
    streams: usize,
) -> Result<(Spent, Spent, Vec<Stream>)> {
    let mut open = source.open_many(1)?;
    let to_one = each(server, 20..120, || publish(kept, &mut open))?;
    open.extend(source.open_many(streams)?);
    let to_all = each(server, 4..14, || publish(kept, &mut open))?;
    let further = to_all.plus(-1.0, &to_one).over(streams as f64);
    Ok((to_one, further, open))
}

/// Publishes an event, and reads it from each stream.
fn publish(kept: &mut Kept, streams: &mut [Stream]) -> Result<()> {
    kept.publish()?;
    streams.iter_mut().try_for_each(|stream| stream.read(1))
}
