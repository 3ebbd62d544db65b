//! A real Redis for each test, or Valkey: a process that can be killed, stopped, brought back with
//! what it had or with less, and told to follow another one.
//!
//! Where there is no redis-server, a test says that it is skipped, unless the environment has
//! `TIDINGS_REQUIRE_REDIS`: then it fails. `TIDINGS_REDIS_SERVER` names another program, such as
//! valkey-server.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use crate::place::Place;
use crate::resp::{Connection, Value};
use crate::support::process::signal;
use crate::support::{until, until_some};

/// What it keeps over its own death.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// All that it has responded to: an append-only file that is synced before each reply.
    All,
    /// What `SAVE` wrote last.
    Saved,
}

pub(crate) struct RedisServer {
    address: SocketAddr,
    folder: PathBuf,
    arguments: Vec<String>,
    child: Mutex<Option<Child>>,
}

/// The program, if there is one.
pub(crate) fn program() -> Option<PathBuf> {
    if let Some(program) = env::var_os("TIDINGS_REDIS_SERVER") {
        return Some(program.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("redis-server"));
    let found = found.into_iter().find(|program| program.is_file());
    if found.is_none() {
        assert!(env::var_os("TIDINGS_REQUIRE_REDIS").is_none(), "there is no redis-server");
        println!("skipped: there is no redis-server");
    }
    found
}

/// The library that gives a process another clock, if it is installed.
pub(crate) fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let found = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let found = found.into_iter().find(|library| library.is_file());
    if found.is_none() {
        println!("skipped: libfaketime is not installed");
    }
    found
}

/// Puts a program's clock an hour back.
pub(crate) fn an_hour_back(command: &mut Command, faketime: &Path) {
    // The allocator of Debian's Redis asks for the time before that can be had: it gets another one.
    let libraries = format!("{}:libc.so.6", faketime.display());
    command.env("LD_PRELOAD", libraries).env("FAKETIME", "-1h");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}

impl RedisServer {
    pub(crate) fn start(place: &Place, port: u16, keeps: Keeps, more: &[&str]) -> Self {
        let (address, folder) = (place.address(port), place.folder(&format!("redis-{port}")));
        let (ip, port) = (address.ip().to_string(), port.to_string());
        let folder_text = folder.display().to_string();
        let mut arguments: Vec<String> = ["--bind", &ip, "--port", &port, "--dir", &folder_text]
            .into_iter()
            .chain(["--save", "", "--logfile", "log", "--protected-mode", "no"])
            .map(str::to_owned)
            .collect();
        if keeps == Keeps::All {
            let all = ["--appendonly", "yes", "--appendfsync", "always"];
            arguments.extend(all.map(str::to_owned));
        }
        arguments.extend(more.iter().map(|&word| word.to_owned()));
        let server = Self { address, folder, arguments, child: Mutex::default() };
        server.start_again();
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Starts it with what it has kept.
    pub(crate) fn start_again(&self) {
        self.start_with(|_| {});
    }

    pub(crate) fn start_with(&self, change: impl FnOnce(&mut Command)) {
        let mut command = Command::new(program().expect("the test has asked for it"));
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null());
        change(&mut command);
        *self.child.lock().unwrap() = Some(command.spawn().expect("it can be started"));
        until("Redis", || self.try_call("PING") == Some(Value::Text("PONG".into())));
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Forgets what it has kept. It must not run.
    pub(crate) fn forget(&self) {
        std::fs::remove_dir_all(&self.folder).expect("its folder");
        std::fs::create_dir_all(&self.folder).expect("a folder");
    }

    /// Stops it, as a machine does that hangs: its connections stay.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
    }

    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        if let Some(child) = &*self.child.lock().unwrap() {
            signal(child.id(), name);
        }
    }

    /// Whether it wasn't killed.
    pub(crate) fn is_up(&self) -> bool {
        self.child.lock().unwrap().is_some()
    }

    /// Gives a command of words without spaces.
    #[track_caller]
    pub(crate) fn call(&self, command: &str) -> Value {
        self.try_call(command).expect("Redis responds")
    }

    fn try_call(&self, command: &str) -> Option<Value> {
        let words: Vec<&str> = command.split(' ').collect();
        Connection::to(self.address).ok()?.call(&words).ok()
    }

    pub(crate) fn info(&self, section: &str, name: &str) -> Option<String> {
        let info = self.call(&format!("INFO {section}"));
        let mut lines = info.text().lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    }

    /// Makes it a replica of the one that is there, and waits until it has all that that one has.
    pub(crate) fn follow(&self, master: SocketAddr) {
        self.call(&format!("REPLICAOF {} {}", master.ip(), master.port()));
        until("a replica", || {
            self.info("replication", "master_link_status").as_deref() == Some("up")
        });
    }

    /// The key of the one stream that is there, if it is.
    pub(crate) fn find_stream(&self) -> Option<String> {
        let keys = self.call("KEYS *");
        let mut keys = keys.list().iter().map(Value::text);
        let is_stream = |key: &str| self.call(&format!("TYPE {key}")).text() == "stream";
        keys.find(|key| is_stream(key)).map(str::to_owned)
    }

    #[track_caller]
    pub(crate) fn stream(&self) -> String {
        until_some("a stream in Redis", || self.find_stream())
    }

    /// All events of its stream: ids, channels and data. Marks of hubs are none.
    pub(crate) fn entries(&self) -> Vec<(String, String, String)> {
        let Some(key) = self.find_stream() else { return Vec::new() };
        let entries = self.call(&format!("XRANGE {key} - +"));
        let entry = |entry: &Value| {
            let [id, fields] = entry.list() else { panic!("no entry: {entry:?}") };
            let find = |name: &str| {
                let mut pairs = fields.list().chunks(2);
                let pair = pairs.find(|pair| pair[0].text() == name);
                pair.map_or_else(String::new, |pair| pair[1].text().to_owned())
            };
            (id.text().to_owned(), find("c"), find("d"))
        };
        let is_event = |(_, channel, _): &(String, String, String)| !channel.is_empty();
        entries.list().iter().map(entry).filter(is_event).collect()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
