//! Programs that a test starts: the examples and the hub. They end with the test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use super::{until, until_some};

pub(crate) struct Process {
    child: Child,
    /// Of its first listener, if that is one of TCP.
    address: Option<SocketAddr>,
    stdout: Lines,
    stderr: Lines,
}

/// How long a command may take to its end. None takes it, on the slowest machine.
const END: Duration = Duration::from_secs(300);

type Lines = Arc<Mutex<Vec<String>>>;

impl Process {
    /// Starts one of `examples/`, which cargo has built beside the tests.
    pub(crate) fn example(name: &str, arguments: &[&str]) -> Self {
        Self::start(Command::new(example_path(name)).args(arguments))
    }

    /// Starts the hub.
    pub(crate) fn hub(arguments: &[&str]) -> Self {
        Self::start(Command::new(hub_path()).args(arguments))
    }

    /// Starts what the command says, which must end up as one of those.
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
        let stdout = collect(child.stdout.take().expect("it is piped"));
        let stderr = collect(child.stderr.take().expect("it is piped"));
        let first = until_some("its first line", || stdout.lock().unwrap().first().cloned());
        let place = first.strip_prefix("listening on ").expect("what the first line says");
        let address = place.strip_prefix("http://").map(|at| at.parse().expect("an address"));
        Self { child, address, stdout, stderr }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address.expect("its first listener is one of TCP")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The lines that it has printed so far.
    pub(crate) fn stdout(&self) -> Vec<String> {
        self.stdout.lock().unwrap().clone()
    }

    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits until it has printed a line that begins like this, and gives the line.
    #[track_caller]
    pub(crate) fn line(&self, begin: &str) -> String {
        let find = || self.stdout().into_iter().find(|line| line.starts_with(begin));
        until_some(&format!("a line {begin:?} in {:?}", self.stdout()), find)
    }

    /// How many threads it has, by their names.
    pub(crate) fn threads(&self, name: &str) -> usize {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let names = tasks
            .expect("a Linux /proc")
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        // The system keeps the first 15 characters of a thread's name.
        names.filter(|comm| comm.trim_end() == &name[..name.len().min(15)]).count()
    }

    /// Waits until it has ended by itself, and gives its exit status.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        until("the program's end", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap().code()
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A test that fails may do so because the program has ended, or said why.
        if std::thread::panicking() {
            eprintln!("the program's end: {:?}", self.child.try_wait());
            self.stderr().iter().rev().take(20).rev().for_each(|line| eprintln!("| {line}"));
        }
        self.kill();
    }
}

pub(crate) fn example_path(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("the path of the tests");
    let profile = tests.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps");
    profile.join("examples").join(name)
}

/// Where the program is that is tested: what cargo has built, or what `tests/targets/run` has, for
/// another machine.
pub(crate) fn hub_path() -> PathBuf {
    let other = std::env::var_os("TIDINGS_PROGRAM");
    other.map_or_else(|| env!("CARGO_BIN_EXE_tidings").into(), PathBuf::from)
}

/// Sends a signal, named as for kill(1), to a process of the test's.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
    assert!(sent.expect("a shell").success(), "{name} to {process}");
}

/// The one process that this one has started.
pub(crate) fn child_of(process: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    children.expect("a Linux /proc").trim().parse().expect("one child")
}

/// Runs the hub to its end, and gives what it printed and its exit status.
pub(crate) fn run_hub<S: AsRef<OsStr>>(arguments: &[S]) -> (String, String, Option<i32>) {
    run_fed(arguments, b"")
}

/// The same with this on its standard input.
pub(crate) fn run_fed<S: AsRef<OsStr>>(
    arguments: &[S],
    input: &[u8],
) -> (String, String, Option<i32>) {
    run(Command::new(hub_path()).args(arguments).env_remove("COLUMNS"), input)
}

/// Runs what the command says to its end. One that has none is killed, and the test fails.
#[track_caller]
pub(crate) fn run(command: &mut Command, input: &[u8]) -> (String, String, Option<i32>) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (id, input, (give, take)) = (child.id(), input.to_vec(), mpsc::channel());
    std::thread::spawn(move || {
        // It need not read its input.
        let _ = child.stdin.take().expect("it is piped").write_all(&input);
        let _ = give.send(child.wait_with_output());
    });
    let output = take.recv_timeout(END).unwrap_or_else(|_| {
        signal(id, "KILL");
        panic!("this has not ended: {command:?}")
    });
    let output = output.unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr), output.status.code())
}

/// Reads to the end on a thread of its own, so that a full pipe never stops the program.
fn collect(pipe: impl Read + Send + 'static) -> Lines {
    let lines = Lines::default();
    let collected = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            collected.lock().unwrap().push(line);
        }
    });
    lines
}
