//! Programs under strace: the system calls that they make.
//!
//! Where it isn't installed, or may not trace, a test says that it is skipped, unless the environment
//! has `TIDINGS_REQUIRE_STRACE`: then it fails.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::until_some;

/// A file of strace's, which is removed at the end.
pub(crate) struct Strace(PathBuf);

impl Strace {
    /// A file of this name, if strace can trace.
    pub(crate) fn to(name: &str) -> Option<Self> {
        let tried = Command::new("strace").args(["-o", "/dev/null", "true"]).status();
        if !tried.is_ok_and(|status| status.success()) {
            let required = std::env::var_os("TIDINGS_REQUIRE_STRACE").is_some();
            assert!(!required, "strace is required, and is not installed, or may not trace");
            println!("skipped: strace is not installed, or may not trace");
            return None;
        }
        let name = format!("tidings-{name}-{}", std::process::id());
        Some(Self(std::env::temp_dir().join(name)))
    }

    /// Traces this program, to which its arguments are still to be added.
    pub(crate) fn command(&self, options: &[&str], program: &Path) -> Command {
        let mut command = Command::new("strace");
        // The program is this process' child, and strace looks on.
        command.args(["-D", "-f"]).args(options).arg("-o").arg(&self.0).arg(program);
        command
    }

    /// All lines, once so many of them end like this: each thread's last one tells of its end.
    pub(crate) fn lines(&self, ends: usize, end: &str) -> Vec<String> {
        until_some("the whole trace", || {
            let trace = std::fs::read_to_string(&self.0).unwrap_or_default();
            // After a thread's number there may be several spaces.
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            let is_whole = trace.lines().filter(|line| words(line).ends_with(end)).count() >= ends;
            is_whole.then(|| trace.lines().map(str::to_owned).collect())
        })
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The calls on each connection that the program accepted, by the client's port: their names, and
/// how many bytes each moved, -1 if it failed. A read that finds nothing is left out.
pub(crate) fn calls_of_connections(lines: &[String]) -> BTreeMap<u16, Vec<(String, i64)>> {
    let mut calls: BTreeMap<u16, Vec<(String, i64)>> = BTreeMap::new();
    let (mut ports, mut unfinished) = (HashMap::new(), HashMap::new());
    for line in lines {
        let (thread, mut call) = line.split_once(' ').expect("each line begins with its thread");
        call = call.trim_start();
        // As soon as it has begun, another connection may have the descriptor.
        if let Some(descriptor) = call.strip_prefix("close(") {
            let descriptor = descriptor.split(|c: char| !c.is_ascii_digit()).next();
            if let Some(port) = descriptor.and_then(|descriptor| ports.remove(descriptor)) {
                calls.entry(port).or_default().push(("close".to_owned(), 0));
            }
            continue;
        }
        if let Some(begin) = call.strip_suffix("<unfinished ...>") {
            unfinished.insert(thread, begin);
            continue;
        }
        let resumed = call.strip_prefix("<... ").and_then(|call| call.split_once(" resumed>"));
        let whole = match resumed {
            Some((_, end)) => unfinished.remove(thread).unwrap_or_default().to_owned() + end,
            None => call.to_owned(),
        };
        let Some((name, (arguments, result))) =
            whole.split_once('(').and_then(|(name, rest)| Some((name, rest.rsplit_once(" = ")?)))
        else {
            continue;
        };
        let found_nothing = name == "recvfrom" && result.contains("EAGAIN");
        let result = result.split(' ').next().expect("a word");
        if name == "accept4" && !result.starts_with('-') {
            let port = arguments.split_once("htons(").and_then(|(_, rest)| rest.split_once(')'));
            let port = port.expect("a client's port").0.parse().expect("a number");
            ports.insert(result.to_owned(), port);
            calls.entry(port).or_default().push((name.to_owned(), 0));
            continue;
        }
        let port = arguments.split([',', ')']).next().and_then(|number| ports.get(number));
        // A call that a signal interrupted has no result, and is made again.
        if let (Some(port), Ok(result), false) = (port, result.parse(), found_nothing) {
            calls.entry(*port).or_default().push((name.to_owned(), result));
        }
    }
    calls
}
