//! `--via`: a command as the way to a server, such as one that speaks TLS.
//!
//! ```text
//! request ──► socket ──► standard input  ─┐
//!                                         ├ sh -c 'exec openssl s_client …'
//! response ◄── socket ◄─ standard output ─┘
//!                        standard error ──► the last of it is told if the command fails
//! ```
//!
//! Both are one socket, the other end of which is ours. So a read and a write have the deadlines of
//! any socket, and to shut it down ends them. The command is started for each connection, and
//! killed with it. As with the ProxyCommand of ssh, the shell puts `exec` before it: else only the
//! shell would be killed, and `openssl s_client -quiet` goes on at the end of its input.
//!
//! All that still run are killed when the program ends, as then no connection is dropped in its
//! other threads. A signal doesn't do it: commands inherit that signals are blocked.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::mem;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tidings::client::{Connection, Transport, Url};
use tidings::http::masked_url;

use crate::cli::signals;

/// How long a command that has closed its output may take to end and to say why.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long it waits between two checks for its end, as std has no wait with a deadline.
const CHECK: Duration = Duration::from_millis(5);

/// How many of the last bytes that a command prints on standard error are kept, and how many of
/// their lines the error quotes.
const KEPT: usize = 2048;
const LINES: usize = 3;

/// The stack of the thread that reads standard error: it only copies.
const STACK: usize = 64 * 1024;

/// Makes connections with a command that leads to the server of one URL.
#[derive(Clone)]
pub(crate) struct Via {
    command: Arc<str>,
    leads_to: Url,
}

impl Via {
    pub(super) fn new(command: &str, leads_to: &Url) -> Self {
        Self { command: command.into(), leads_to: leads_to.clone() }
    }
}

/// Without the command, which may contain a secret.
impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Via").field("leads_to", &self.leads_to).finish_non_exhaustive()
    }
}

/// Why a command is not asked for a connection: it leads elsewhere.
#[derive(Debug)]
struct Elsewhere(String);

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.0;
        write!(f, "--via leads to another server: give {url} and a command that leads there")
    }
}

impl std::error::Error for Elsewhere {}

/// Whether a connection was refused as its URL is not that of `--via`.
pub(super) fn leads_elsewhere(error: &tidings::Error) -> bool {
    let source = std::error::Error::source(error);
    let inner = source.and_then(|source| source.downcast_ref::<io::Error>()?.get_ref());
    inner.is_some_and(|inner| inner.is::<Elsewhere>())
}

impl Transport for Via {
    /// Starts the command. Whether it reaches the server turns out when it is read.
    fn connect(&self, url: &Url, _within: Duration) -> io::Result<Arc<dyn Connection>> {
        if !url.has_origin_of(&self.leads_to) {
            let url = masked_url(&url.to_string()).into_owned();
            return Err(io::Error::new(ErrorKind::Unsupported, Elsewhere(url)));
        }
        signals::at_end(kill_all);
        let (socket, other) = UnixStream::pair()?;
        let output = other.try_clone()?;
        let mut running = lock(&RUNNING);
        let child = Command::new("sh")
            .args(["-c", &format!("exec {}", self.command)])
            .stdin(OwnedFd::from(other))
            .stdout(OwnedFd::from(output))
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child
            .map_err(|error| io::Error::new(error.kind(), format!("can't start sh: {error}")))?;
        let said = Arc::new(Said::default());
        let stderr = child.stderr.take();
        let child = Arc::new(Mutex::new(child));
        running.retain(|child| child.strong_count() > 0);
        running.push(Arc::downgrade(&child));
        drop(running);
        // From here on its drop ends the command.
        let piped =
            Piped { socket, child, said: Arc::clone(&said), is_shut: AtomicBool::new(false) };
        let collect = thread::Builder::new().name("tidings-via".into()).stack_size(STACK);
        collect.spawn(move || stderr.map(|stderr| said.collect(stderr)))?;
        Ok(Arc::new(piped))
    }
}

/// The commands that run, of all connections. Locked while one is started.
static RUNNING: Mutex<Vec<Weak<Mutex<Child>>>> = Mutex::new(Vec::new());

/// Kills all commands as the program ends; none is started any more.
fn kill_all() {
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    if IS_OVER.swap(true, Ordering::SeqCst) {
        return;
    }
    let mut running = lock(&RUNNING);
    for child in running.drain(..).filter_map(|child| child.upgrade()) {
        // It fails where the command was quicker.
        let _ = lock(&child).kill();
    }
    // It stays locked, so that the other threads start none.
    mem::forget(running);
}

/// A command that runs.
struct Piped {
    socket: UnixStream,
    child: Arc<Mutex<Child>>,
    said: Arc<Said>,
    /// This side has ended it.
    is_shut: AtomicBool,
}

impl Piped {
    /// What it means that the command has closed its end. It may have ended before it had read all
    /// that was sent, after which the system tells a reset.
    fn closed(&self) -> io::Result<usize> {
        if self.is_shut.load(Ordering::SeqCst) {
            return Ok(0);
        }
        match self.ended() {
            Some(status) if !status.success() => Err(io::Error::other(self.said.why(status))),
            _ => Ok(0),
        }
    }

    /// How it has ended; `None` if it still runs.
    fn ended(&self) -> Option<ExitStatus> {
        let until = Instant::now() + PATIENCE;
        loop {
            let status = lock(&self.child).try_wait().ok().flatten();
            if status.is_some() || Instant::now() >= until {
                return status;
            }
            thread::sleep(CHECK);
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

impl Connection for Piped {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match Connection::read(&self.socket, buffer) {
            Ok(0) if !buffer.is_empty() => self.closed(),
            Err(error) if is_closed(&error) => self.closed(),
            read => read,
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match Connection::write(&self.socket, bytes) {
            Err(error) if is_closed(&error) => self.closed().and(Err(error)),
            written => written,
        }
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_write_timeout(timeout)
    }

    fn shutdown(&self) {
        self.is_shut.store(true, Ordering::SeqCst);
        // Before the reader is woken, as the program may end then. It fails where the command was
        // quicker.
        let _ = lock(&self.child).kill();
        Connection::shutdown(&self.socket);
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        self.shutdown();
        // Without it, a killed command stays in the system's list of processes.
        let _ = lock(&self.child).wait();
    }
}

/// What a command prints on standard error: a thread of its own reads it, and whoever asks why the
/// command has failed waits until all of it is there.
#[derive(Default)]
struct Said {
    last: Mutex<Last>,
    closed: Condvar,
}

#[derive(Default)]
struct Last {
    /// The last [`KEPT`] bytes.
    text: Vec<u8>,
    /// The command has closed its standard error, or it can't be read.
    is_closed: bool,
}

impl Said {
    /// Keeps the last of it, so that the command never waits for a reader.
    fn collect(&self, mut stderr: ChildStderr) {
        let mut piece = [0; 512];
        while let Ok(length @ 1..) = stderr.read(&mut piece) {
            let text = &mut lock(&self.last).text;
            text.extend_from_slice(&piece[..length]);
            let surplus = text.len().saturating_sub(KEPT);
            text.drain(..surplus);
        }
        lock(&self.last).is_closed = true;
        self.closed.notify_all();
    }

    fn why(&self, status: ExitStatus) -> String {
        let is_open = |last: &mut Last| !last.is_closed;
        let waits = self.closed.wait_timeout_while(lock(&self.last), PATIENCE, is_open);
        let (last, _) = waits.unwrap_or_else(PoisonError::into_inner);
        why(&status.to_string(), &String::from_utf8_lossy(&last.text))
    }
}

fn why(status: &str, text: &str) -> String {
    let mut lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.drain(..lines.len().saturating_sub(LINES));
    let said = if lines.is_empty() { "" } else { ": " };
    format!("the command of --via ended with {status}{said}{}", lines.join("; "))
}

/// What is locked stays whole, whoever panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    fn url() -> Url {
        Url::parse("https://h/x").unwrap()
    }

    fn connect(command: &str) -> Arc<dyn Connection> {
        let connection = Via::new(command, &url()).connect(&url(), SOON).unwrap();
        connection.set_read_timeout(Some(SOON)).unwrap();
        connection
    }

    fn read(connection: &dyn Connection) -> Result<String, String> {
        let mut buffer = [0; 64];
        let length = connection.read(&mut buffer).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(buffer[..length].into()).unwrap())
    }

    /// Runs a script, as the command is a simple one.
    fn script(script: &str) -> Arc<dyn Connection> {
        connect(&format!("sh -c '{script}'"))
    }

    #[test]
    fn what_is_written_is_its_input_and_what_it_prints_is_read() {
        let connection = script("read line; echo \"it said $line\"");
        assert_eq!(connection.write(b"hello\n").unwrap(), 6);
        assert_eq!(read(&*connection), Ok("it said hello\n".into()));
        assert_eq!(read(&*connection), Ok("".into()));
    }

    #[test]
    fn a_command_that_fails_is_told_with_the_last_of_what_it_said() {
        let why = "the command of --via ended with exit status: 7: b; c; d";
        let connection = script("for i in a b c d; do echo $i >&2; done; exit 7");
        assert_eq!(read(&*connection), Err(why.into()));
        assert_eq!(read(&*connection), Err(why.into()));
        let connection = script("kill -9 $$");
        let why = "the command of --via ended with signal: 9 (SIGKILL)";
        assert_eq!(read(&*connection), Err(why.into()));
        let long = format!("{}\nthe end\n", "x".repeat(10_000));
        let connection = script(&format!("echo \"{long}\" >&2; exit 1"));
        let why = read(&*connection).unwrap_err();
        assert!(why.ends_with("x; the end") && why.len() < KEPT + 60, "{why}");
    }

    #[test]
    fn one_that_is_gone_before_it_was_written_to_is_told_too() {
        let connection = script("echo sorry >&2; exit 1");
        let written = std::iter::repeat_with(|| connection.write(&[b'x'; 1024]));
        let error = written.take(100_000).find_map(Result::err).expect("nobody reads it");
        let why = "the command of --via ended with exit status: 1: sorry";
        assert_eq!(error.to_string(), why);
        assert_eq!(read(&*connection), Err(why.into()));
    }

    #[test]
    fn one_that_ends_well_without_having_read_all_ends_the_connection_well() {
        let connection = script("read line; echo done");
        connection.write(b"a\nb\n").unwrap();
        assert_eq!(read(&*connection), Ok("done\n".into()));
        assert_eq!(read(&*connection), Ok("".into()));
    }

    #[test]
    fn it_is_killed_with_its_connection() {
        let connection = script("echo $$; exec sleep 1000");
        let pid = read(&*connection).unwrap();
        let is_there = || {
            let check = format!("kill -0 {}", pid.trim());
            Command::new("sh")
                .args(["-c", &check])
                .stderr(Stdio::null())
                .status()
                .unwrap()
                .success()
        };
        assert!(is_there());
        let other = Arc::clone(&connection);
        let reader = thread::spawn(move || read(&*other));
        connection.shutdown();
        assert_eq!(reader.join().unwrap(), Ok("".into()));
        drop(connection);
        assert!(!is_there());
    }

    #[test]
    fn a_read_ends_with_the_connection_though_something_else_holds_the_commands_output() {
        let connection = script("sleep 1000 & echo $!; wait");
        let pid = read(&*connection).unwrap();
        let other = Arc::clone(&connection);
        let reader = thread::spawn(move || read(&*other));
        connection.shutdown();
        assert_eq!(reader.join().unwrap(), Ok("".into()));
        let ended = Command::new("kill").arg(pid.trim()).status().unwrap();
        assert!(ended.success());
    }

    #[test]
    fn a_read_waits_no_longer_than_it_may() {
        let connection = connect("sleep 1000");
        connection.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let waited = connection.read(&mut [0]).unwrap_err().kind();
        assert!(matches!(waited, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{waited}");
    }

    #[test]
    fn it_leads_to_one_server_and_its_command_is_not_shown() {
        let via = Via::new("nc --key secret", &url());
        assert_eq!(format!("{via:?}"), "Via { leads_to: Url(\"https://h/x\"), .. }");
        assert!(via.connect(&url().join("/y").unwrap(), SOON).is_ok());
        let other = Url::parse("https://i/?key=secret").unwrap();
        let refused = via.connect(&other, SOON).unwrap_err();
        let why = "--via leads to another server: give https://i/?key=... and a command that leads \
                   there";
        assert_eq!((refused.kind(), &*refused.to_string()), (ErrorKind::Unsupported, why));
    }
}
