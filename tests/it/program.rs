//! The `tidings` program, as its contract has it: what it prints, how it responds, how it ends.

mod access;
mod batches;
mod begin;
mod bench;
mod bounds;
mod command_line;
mod doctor;
mod feed;
mod following;
#[cfg(target_os = "linux")]
mod full_disk;
mod input;
mod journal;
mod leaving;
mod listing;
mod mock;
mod orders;
mod patterns;
mod proxies;
mod publishing;
mod record;
#[cfg(unix)]
mod redis;
mod retries;
mod secrets;
#[cfg(target_os = "linux")]
mod signals;
#[cfg(target_os = "linux")]
mod sockets;
mod stopping;
mod tail;
mod token;
#[cfg(target_os = "linux")]
mod trace;
mod unseen;
#[cfg(unix)]
mod via;

use std::path::PathBuf;

use super::support::http::{HttpResponse, exchange};
use super::support::process::Process;

/// Where no test needs another, every hub listens here.
const LISTEN: &str = "--listen=127.0.0.1:0";

fn hub(arguments: &[&str]) -> Process {
    Process::hub(&[&[LISTEN], arguments].concat())
}

/// Publishes, and gives the event's id.
#[track_caller]
fn publish(hub: &Process, target: &str, data: &str) -> String {
    let response = super::support::http::post(hub.address(), target, data);
    assert_eq!(response.status, 200, "{}", response.text());
    response.text().strip_suffix('\n').expect("an id and a line feed").to_owned()
}

/// Sends a POST with these field lines, each with its CRLF.
fn post_with(hub: &Process, target: &str, fields: &str) -> HttpResponse {
    let host = format!("Host: {}\r\n", hub.address());
    let request = format!("POST {target} HTTP/1.1\r\n{host}{fields}Content-Length: 1\r\n\r\nx");
    exchange(hub.address(), request.as_bytes())
}

/// A file that goes with the test.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let name = format!("tidings-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).expect("the directory for such files can be written");
        Self(path)
    }

    fn argument(&self) -> String {
        format!("--token-file={}", self.0.display())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
