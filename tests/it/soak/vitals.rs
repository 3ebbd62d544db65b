//! What the system and the hub itself say of a hub that runs.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, DirEntry};
use std::thread;
use std::time::Duration;

use super::{KIB, MIB};
use crate::support::http::{Client, HttpResponse};
use crate::support::process::Process;
use crate::support::stream::EventStream;
use crate::support::until;

/// What a worker's thread is called.
pub(super) const WORKER: &str = "tidings-worker";

/// What a program holds of the system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vitals {
    pub(super) descriptors: usize,
    /// Those of workers included, which end when they have been idle for a while.
    pub(super) threads: usize,
    pub(super) workers: usize,
    /// In bytes.
    pub(super) memory: usize,
}

impl Vitals {
    pub(super) fn of(hub: &Process) -> Self {
        let count = |folder| fs::read_dir(place(hub, folder)).expect("a Linux /proc").count();
        let workers = hub.threads(WORKER);
        Self { descriptors: count("fd"), threads: count("task"), workers, memory: memory(hub) }
    }

    /// Of a hub that has just been started and then had a stream in each shard, so that all its
    /// lasting threads are there.
    pub(super) fn at_rest(hub: &Process) -> Self {
        // A program that starts opens files for a moment: what it may use of the machine stands in
        // some. Who is answered comes behind that.
        let mut client = Client::to(hub.address());
        assert_eq!(client.get("/health").status, 200);
        let started = Self::of(hub);
        let shards = thread::available_parallelism().map_or(1, usize::from);
        let open = |_| EventStream::open(hub.address(), "/events/at-rest");
        drop((0..shards).map(open).collect::<Vec<_>>());
        until("the end of all streams", || Self::of(hub).descriptors == started.descriptors);
        drop(client);
        until("the client's end", || Self::of(hub).descriptors == started.descriptors - 1);
        Self::of(hub)
    }
}

impl fmt::Display for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { descriptors, threads, workers, memory } = self;
        let memory = *memory as f64 / MIB as f64;
        write!(f, "{descriptors} descriptors, {threads} threads ({workers} of them workers), ")?;
        write!(f, "{memory:.1} MiB")
    }
}

/// How much memory is resident, in bytes.
pub(super) fn memory(hub: &Process) -> usize {
    let status = fs::read_to_string(place(hub, "status")).expect("a Linux /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    let kib = line.trim().strip_suffix(" kB").expect("in KiB");
    kib.parse::<usize>().expect("a number") * KIB
}

/// How long its threads have run on any core, those that have ended included.
pub(super) fn processor_time(hub: &Process) -> Duration {
    /// What Linux counts in here, whatever it counts in itself.
    const TICK: Duration = Duration::from_millis(10);
    let stat = fs::read_to_string(place(hub, "stat")).expect("a Linux /proc");
    // The name may contain anything; after it comes field 3, and the times are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(") ").expect("the name in parentheses");
    let times = fields.split(' ').skip(11).take(2).map(|time| time.parse::<u32>().expect("ticks"));
    TICK * times.sum()
}

/// How often its acceptor has gone to sleep. Unlike the time that it takes, this does not depend on
/// the machine.
pub(super) fn sleeps(hub: &Process) -> usize {
    // The system keeps the first 15 characters of a thread's name.
    let is_acceptor = |status: &&String| status.starts_with("Name:\ttidings-accepto\n");
    sleeps_in(statuses(hub).values().find(is_acceptor).expect("an acceptor"))
}

/// The same of all its threads, by their numbers.
pub(super) fn sleeps_of_all(hub: &Process) -> BTreeMap<String, usize> {
    statuses(hub).into_iter().map(|(thread, status)| (thread, sleeps_in(&status))).collect()
}

/// What the system says of each of its threads. One that ends at this moment may be left out.
fn statuses(hub: &Process) -> BTreeMap<String, String> {
    let threads = fs::read_dir(place(hub, "task")).expect("a Linux /proc");
    let status = |thread: DirEntry| {
        let status = fs::read_to_string(thread.path().join("status")).ok()?;
        Some((thread.file_name().into_string().ok()?, status))
    };
    threads.filter_map(|thread| status(thread.ok()?)).collect()
}

fn sleeps_in(status: &str) -> usize {
    let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    sleeps.and_then(|sleeps| sleeps.trim().parse().ok()).expect("a number")
}

/// Waits until the hub has read everything that was sent to it: no socket of its port, or of its
/// peers, has a byte that waits.
#[track_caller]
pub(super) fn until_all_is_read(hub: &Process) {
    let port = format!(":{:04X}", hub.address().port());
    until("all to be read", || {
        let table = fs::read_to_string("/proc/net/tcp").expect("a Linux /proc");
        // The fields: number, local address, peer's address, state, what waits to go out and to be
        // read, as two hexadecimal numbers.
        table.lines().skip(1).all(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            match fields[..] {
                [_, local, peer, _, queues, ..] => {
                    let (out, come) = queues.split_once(':').expect("two numbers");
                    (!peer.ends_with(&port) || out == "00000000")
                        && (!local.ends_with(&port) || come == "00000000")
                }
                _ => true,
            }
        })
    });
}

/// Whether no descriptor under this limit is free. It may have inherited others beyond.
pub(super) fn has_all_descriptors_below(hub: &Process, limit: usize) -> bool {
    let folder = place(hub, "fd");
    (0..limit).all(|number| fs::symlink_metadata(format!("{folder}/{number}")).is_ok())
}

fn place(hub: &Process, of: &str) -> String {
    format!("/proc/{}/{of}", hub.id())
}

/// What the hub counts under this name.
#[track_caller]
pub(super) fn metric(hub: &Process, name: &str) -> usize {
    find_metric(&Client::to(hub.address()).get("/metrics"), name)
}

#[track_caller]
pub(super) fn find_metric(response: &HttpResponse, name: &str) -> usize {
    assert_eq!(response.status, 200);
    let find = |line: &str| line.strip_prefix(&format!("tidings_{name} "))?.parse().ok();
    response.text().lines().find_map(find).expect("a series of that name")
}

/// Waits until the hub has no streams, and no connection but the one that asks.
#[track_caller]
pub(super) fn until_nobody_is_there(hub: &Process) {
    let mut client = Client::to(hub.address());
    until("the end of all others", || {
        let response = client.get("/metrics");
        (find_metric(&response, "streams"), find_metric(&response, "connections")) == (0, 1)
    });
}

/// Waits until everything that was taken since is given back, but workers, which take their time,
/// and memory, which is the caller's to judge.
#[track_caller]
pub(super) fn until_back(hub: &Process, before: &Vitals) {
    until_nobody_is_there(hub);
    until("descriptors and threads", || {
        let now = Vitals::of(hub);
        now.descriptors == before.descriptors
            && now.threads - now.workers == before.threads - before.workers
    });
}

/// Waits until the workers have ended too, and gives what is held then.
#[track_caller]
pub(super) fn until_all_is_back(hub: &Process, before: &Vitals) -> Vitals {
    until_back(hub, before);
    until("the workers' end", || Vitals::of(hub).threads <= before.threads);
    Vitals::of(hub)
}
