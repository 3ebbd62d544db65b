//! Row 35: the system gives no more threads.
//!
//! A limit on the threads of a user does not bind the superuser, so where the tests are run by
//! that one, the program is run as nobody. From then on the limit is set and lifted as the test
//! wants it. Where that can't be done, the tests say so and are left out.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::ARGUMENTS;
use super::vitals::{WORKER, find_metric};
use crate::support::http::{Client, connect, get};
use crate::support::process::{Process, example_path, hub_path};
use crate::support::stream::EventStream;
use crate::support::until;

/// The user of whom nothing else is run here.
const NOBODY: u32 = 65_534;

/// No thread more than there are already.
const NONE: &str = "1";
const ENOUGH: &str = "1000";

/// A program whose threads can be limited.
struct Limited {
    process: Process,
    /// Of nobody's program.
    copy: Option<Copied>,
}

/// A copy of a program that every user may run.
struct Copied(PathBuf);

impl Copied {
    fn of(program: &Path) -> Self {
        static COPIES: AtomicUsize = AtomicUsize::new(0);
        let (process, number) = (std::process::id(), COPIES.fetch_add(1, Ordering::Relaxed));
        let copy = std::env::temp_dir().join(format!("tidings-copy-{process}-{number}"));
        // Another process writes it: a child of ours, started by another test at that moment, would
        // hold the file open for writing, and what is open so can't be started.
        let install = Command::new("install").args(["-m", "755"]).args([program, &copy]).status();
        assert!(install.expect("install is there").success());
        Self(copy)
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Limited {
    fn start(program: &Path, arguments: &[&str]) -> Self {
        let superuser = fs::metadata("/proc/self").expect("a Linux /proc").uid() == 0;
        let copy = superuser.then(|| Copied::of(program));
        let mut command = match &copy {
            Some(Copied(copy)) => as_nobody(copy),
            None => Command::new(program),
        };
        Self { process: Process::start(command.args(arguments)), copy }
    }

    /// Allows so many threads of the user; of ours there is more than one already.
    fn allow_threads(&self, most: &str) {
        let prlimit = Path::new("prlimit");
        // Whoever is the same user may do so; the superuser may not everywhere.
        let mut command = match self.copy {
            Some(_) => as_nobody(prlimit),
            None => Command::new(prlimit),
        };
        let id = self.process.id().to_string();
        let status = command.args(["--pid", &id, &format!("--nproc={most}:")]).status();
        assert!(status.expect("prlimit is there").success());
    }
}

fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.uid(NOBODY).gid(NOBODY);
    command
}

/// Whether threads can be limited here.
fn can_limit() -> bool {
    let version = Command::new("prlimit").arg("--version").stdout(Stdio::null()).status();
    let can = version.is_ok_and(|status| status.success());
    if !can {
        eprintln!("left out: there is no prlimit");
    }
    can
}

#[test]
fn row_35_where_no_thread_can_be_started_only_what_needs_one_fails() {
    if !can_limit() {
        return;
    }
    let limited = Limited::start(&example_path("random_number"), &["127.0.0.1:0"]);
    let address = limited.process.address();
    let mut first = EventStream::open(address, "/sse");
    let mut client = Client::to(address);
    assert_eq!(client.get("/").status, 200);
    limited.allow_threads(NONE);

    // A worker is still there; the interval's thread is not to be had.
    client.send("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.response().status, 500);
    let told = "can't start a thread for an interval";
    until("the error on standard error", || {
        limited.process.stderr().iter().any(|line| line.contains(told))
    });

    // With the last worker gone nobody can be served: the connection is closed, not kept waiting.
    until("the workers' end", || limited.process.threads(WORKER) == 0);
    assert_eq!(Client::to(address).rest(), "");
    assert!(first.next().is_ok(), "the first stream goes on");

    limited.allow_threads(ENOUGH);
    assert_eq!(Client::to(address).get("/").status, 200);
    assert!(EventStream::open(address, "/sse").next().is_ok());
    assert!(first.next().is_ok());
}

#[test]
fn row_35_a_worker_that_can_not_be_started_leaves_its_work_to_the_others() {
    if !can_limit() {
        return;
    }
    let limited = Limited::start(&hub_path(), &ARGUMENTS);
    let hub = &limited.process;
    let mut client = Client::to(hub.address());
    assert_eq!(client.get("/health").status, 200);
    limited.allow_threads(NONE);

    // Kept at work, the one worker serves all.
    let silent: Vec<_> = (0..20).map(|_| connect(hub.address())).collect();
    for _ in 0..20 {
        let mut other = Client::to(hub.address());
        assert_eq!(other.get("/health").text(), "ok\n");
    }
    assert_eq!(find_metric(&client.get("/metrics"), "workers"), hub.threads(WORKER));

    // A stream needs a thread that is not there yet, and is told so.
    assert_eq!(get(hub.address(), "/events/a").status, 500);

    limited.allow_threads(ENOUGH);
    let mut stream = EventStream::open(hub.address(), "/events/a");
    super::publish(hub, "a", "hello");
    assert_eq!(stream.data(), "hello");
    drop(silent);
}
