//! For tests: a redis-server of their own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use crate::order::redis::link::{Connector, Link};
use crate::order::redis::options::Redis;
use crate::order::redis::resp::{Reply, command};

/// Longer than anything takes that a test waits for.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// Waits for a condition.
#[track_caller]
pub(super) fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < LONG, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A server at a unix socket in a folder of its own, which ends with the test.
pub(super) struct Server {
    program: PathBuf,
    folder: PathBuf,
    child: Child,
    keeps: bool,
}

impl Server {
    /// One that keeps its data over restarts, or not. `None` where there is no redis-server.
    pub(super) fn start(keeps: bool) -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let path = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&path).map(|folder| folder.join("redis-server"));
        let Some(program) = found.into_iter().find(|program| program.is_file()) else {
            assert!(env::var_os("TIDINGS_REQUIRE_REDIS").is_none(), "there is no redis-server");
            eprintln!("skipped: there is no redis-server");
            return None;
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("tidings-hubs-{}-{count}", process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let child = run(&program, &folder, keeps);
        let server = Self { program, folder, child, keeps };
        server.await_start();
        Some(server)
    }

    pub(super) fn redis(&self) -> Redis {
        let socket = self.folder.join("socket");
        Redis::new(&format!("unix:{}", socket.display())).expect("a URL")
    }

    fn link(&self) -> Option<Link> {
        let connected = Connector::new(self.redis()).connect(Instant::now() + LONG);
        connected.ok().map(|(link, _)| link)
    }

    fn await_start(&self) {
        until("the server does not start", || self.link().is_some());
    }

    /// Has it do this, words with spaces between them, and returns what it says.
    pub(super) fn ask(&self, line: &str) -> Reply {
        self.ask_for(&line.split(' ').map(str::as_bytes).collect::<Vec<_>>())
    }

    pub(super) fn ask_for(&self, arguments: &[&[u8]]) -> Reply {
        let mut link = self.link().expect("a connection");
        let mut out = Vec::new();
        command(&mut out, arguments);
        link.send(&out, Instant::now() + LONG).expect("it is sent");
        link.reply(Instant::now() + LONG).expect("it is replied to")
    }

    /// The same where it may be a replica, which no hub connects to; without a reply.
    pub(super) fn ask_anyone(&self, line: &str) {
        use std::io::{Read, Write};
        let socket = std::os::unix::net::UnixStream::connect(self.folder.join("socket"));
        let mut socket = socket.expect("a connection");
        let mut out = Vec::new();
        command(&mut out, &line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
        socket.write_all(&out).expect("it is sent");
        socket.read_exact(&mut [0; 1]).expect("it is replied to");
    }

    /// Has it do all of this as one step.
    pub(super) fn ask_at_once(&self, lines: &[&str]) {
        let mut link = self.link().expect("a connection");
        let mut out = Vec::new();
        for line in [&["MULTI"][..], lines, &["EXEC"]].concat() {
            command(&mut out, &line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
        }
        link.send(&out, Instant::now() + LONG).expect("it is sent");
        for _ in 0..lines.len() + 2 {
            link.reply(Instant::now() + LONG).expect("it is replied to");
        }
    }

    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(super) fn start_again(&mut self) {
        self.child = run(&self.program, &self.folder, self.keeps);
        self.await_start();
    }

    /// Stops it or has it go on: `STOP`, `CONT`.
    pub(super) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &id]).status();
        assert!(sent.expect("there is kill").success());
    }
}

fn run(program: &PathBuf, folder: &PathBuf, keeps: bool) -> Child {
    let _ = fs::remove_file(folder.join("socket"));
    let keeps = if keeps { "yes" } else { "no" };
    let command = ["--port", "0", "--unixsocket", "socket", "--save", "", "--appendonly", keeps];
    Command::new(program)
        .args(command)
        .args(["--appendfsync", "always", "--repl-diskless-sync-delay", "0"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a server")
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
