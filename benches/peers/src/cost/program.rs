//! The program under a tool that counts, and what it has counted.
//!
//! Both tools tell threads apart. So what the watch thread does all the time beside an act is not
//! counted with it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use crate::Result;
use crate::harness::{SERVER_CORE, pinned};

/// What counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Callgrind,
    Strace,
}

/// The name of the watch thread, as the kernel keeps it.
const WATCH: &str = "tidings-watch";
/// Threads that sleep so often, one time after the other, have nothing left to do.
const QUIET: usize = 5;
const PAUSE: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(30);

/// What was counted: instructions by callgrind, calls by strace.
#[derive(Clone, Debug, Default)]
pub(super) struct Spent {
    /// By all threads but the watch thread, and by that.
    others: f64,
    watch: f64,
    /// System calls by name; `true` are those of the watch thread. Callgrind tells of two alone.
    calls: BTreeMap<(bool, String), f64>,
}

/// A check of a stream is one of these calls by the watch thread, a heartbeat one of those.
const CHECK: &str = "recvfrom";
const HEARTBEAT: &str = "sendto";

impl Spent {
    /// This, and another so many times.
    pub(super) fn plus(&self, factor: f64, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.others += factor * other.others;
        sum.watch += factor * other.watch;
        for (name, count) in &other.calls {
            *sum.calls.entry(name.clone()).or_default() += factor * count;
        }
        sum
    }

    /// One part of so many.
    pub(super) fn over(&self, parts: f64) -> Self {
        Self::default().plus(1.0 / parts, self)
    }

    /// The watch thread's part.
    pub(super) fn of_watch(mut self) -> Self {
        self.others = 0.0;
        self.calls.retain(|(by_watch, _), _| *by_watch);
        self
    }

    /// All but the watch thread's part.
    pub(super) fn of_others(mut self) -> Self {
        self.watch = 0.0;
        self.calls.retain(|(by_watch, _), _| !*by_watch);
        self
    }

    pub(super) fn total(&self) -> f64 {
        self.others + self.watch
    }

    pub(super) fn checks(&self) -> f64 {
        self.watch_called(CHECK)
    }

    pub(super) fn heartbeats(&self) -> f64 {
        self.watch_called(HEARTBEAT)
    }

    fn watch_called(&self, name: &str) -> f64 {
        self.calls.get(&(true, name.to_owned())).copied().unwrap_or_default()
    }

    /// The calls of all threads, by name.
    pub(super) fn calls(&self) -> BTreeMap<&str, f64> {
        let mut calls = BTreeMap::new();
        for ((_, name), count) in &self.calls {
            *calls.entry(name.as_str()).or_default() += count;
        }
        calls
    }

    fn add_call(&mut self, name: &str, by_watch: bool) {
        *(if by_watch { &mut self.watch } else { &mut self.others }) += 1.0;
        *self.calls.entry((by_watch, name.to_owned())).or_default() += 1.0;
    }
}

/// The program, until it is dropped.
pub(super) struct Program {
    child: Child,
    pub(super) address: String,
    tool: Tool,
    /// Where the tool writes.
    folder: PathBuf,
    /// The watch thread's place among the threads, counted from one, and its id.
    watch: (usize, i32),
    /// How much of what the tool wrote has been read: files, or bytes.
    read: usize,
}

impl Program {
    pub(super) fn start(program: &Path, tool: Tool, options: &[&str]) -> Result<Self> {
        let folder = env::temp_dir().join(format!("tidings-cost-{}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let mut command = pinned(SERVER_CORE)?;
        match tool {
            Tool::Callgrind => command.args([
                "valgrind",
                "--quiet",
                "--tool=callgrind",
                "--separate-threads=yes",
                "--compress-strings=no",
                &format!("--callgrind-out-file={}", folder.join("counted").display()),
            ]),
            // With -D it is strace that is the child, and the program that was started.
            Tool::Strace => command.args(["strace", "-D", "-f", "-o"]).arg(folder.join("counted")),
        };
        command.arg(program).args(["serve", "--listen", "127.0.0.1:0"]).args(options);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let (address, watch) = (String::new(), (0, 0));
        let mut started = Self { child, address, tool, folder, watch, read: 0 };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on http://");
        started.address = address.ok_or_else(|| format!("it began with {line:?}"))?.to_owned();
        started.quiet()?;
        // Nothing has ended yet, so valgrind's numbers follow the order of these.
        let threads = started.threads()?;
        let place = threads.iter().position(|thread| {
            let name = fs::read_to_string(started.task(*thread).join("comm"));
            name.is_ok_and(|name| name.trim() == WATCH)
        });
        let place = place.ok_or_else(|| format!("the program has no thread {WATCH}"))?;
        started.watch = (place + 1, threads[place]);
        started.take()?;
        Ok(started)
    }

    /// What has been counted since this was last called, once all threads rest.
    pub(super) fn take(&mut self) -> Result<Spent> {
        self.quiet()?;
        match self.tool {
            Tool::Callgrind => self.dump(),
            Tool::Strace => self.log(),
        }
    }

    /// Has callgrind write what each thread has spent since the last time.
    fn dump(&mut self) -> Result<Spent> {
        let pid = format!("--pid={}", self.child.id());
        let dump = Command::new("vgdb").args([&pid, "dump"]).output()?;
        if !dump.status.success() {
            return Err(format!("vgdb: {}", String::from_utf8_lossy(&dump.stderr)).into());
        }
        self.read += 1;
        let mut spent = Spent::default();
        for thread in 1.. {
            let file = self.folder.join(format!("counted.{}-{thread:02}", self.read));
            if !file.exists() {
                break;
            }
            let text = fs::read_to_string(&file)?;
            fs::remove_file(&file)?;
            let total = text.lines().find_map(|line| line.strip_prefix("summary: "));
            let total = total.map_or(Ok(0.0), |total| total.trim().parse())?;
            if thread != self.watch.0 {
                spent.others += total;
                continue;
            }
            spent.watch += total;
            for (function, name) in [("recv", CHECK), ("send", HEARTBEAT)] {
                spent.calls.insert((true, name.to_owned()), called(function, &text));
            }
        }
        Ok(spent)
    }

    /// Reads what strace has written: `ID  NAME(…` for each call.
    fn log(&mut self) -> Result<Spent> {
        let log = fs::read(self.folder.join("counted"))?;
        let new = String::from_utf8_lossy(&log[self.read..]).into_owned();
        self.read = log.len();
        let mut spent = Spent::default();
        for line in new.lines() {
            let Some((thread, call)) = line.split_once(' ') else { continue };
            let Some((name, _)) = call.trim_start().split_once('(') else { continue };
            // Else it is the return of a call whose beginning was counted, or a signal.
            if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                spent.add_call(name, thread.parse() == Ok(self.watch.1));
            }
        }
        Ok(spent)
    }

    fn task(&self, thread: i32) -> PathBuf {
        format!("/proc/{}/task/{thread}", self.child.id()).into()
    }

    /// The ids of its threads, the oldest first.
    fn threads(&self) -> Result<Vec<i32>> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()))?;
        let ids = tasks.map(|task| Ok(task?.file_name().to_string_lossy().parse()?));
        let mut ids = ids.collect::<Result<Vec<i32>>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Waits until all threads have been asleep for a while.
    fn quiet(&self) -> Result<()> {
        let (until, mut times) = (Instant::now() + PATIENCE, 0);
        while times < QUIET {
            if Instant::now() > until {
                return Err("the program does not rest".into());
            }
            let asleep = self.threads()?.into_iter().all(|thread| {
                let stat = fs::read_to_string(self.task(thread).join("stat"));
                // `ID (NAME) STATE …`; one that has ended meanwhile is asleep.
                stat.map_or(true, |stat| {
                    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S'))
                })
            });
            times = if asleep { times + 1 } else { 0 };
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// How often a function was called, by callgrind's file: `cfn=NAME`, then `calls=COUNT …`.
fn called(name: &str, text: &str) -> f64 {
    let mut lines = text.lines();
    let mut sum = 0.0;
    while let Some(line) = lines.next() {
        if line.strip_prefix("cfn=") == Some(name) {
            let calls = lines.next().and_then(|line| line.strip_prefix("calls="));
            let count = calls.and_then(|calls| calls.split(' ').next()?.parse::<f64>().ok());
            sum += count.unwrap_or(0.0);
        }
    }
    sum
}
