//! What the kernel knows of a process: its CPU time, its memory, its cores.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::Result;

/// The CPU time that a process and its children have used, all threads, ended ones too, to the
/// nanosecond.
pub fn cpu_time(pid: i32) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for pid in family(pid) {
        total += Duration::from(clock_gettime(clock_getcpuclockid(Pid::from_raw(pid))?)?);
    }
    Ok(total)
}

/// The CPU time of this process.
pub fn own_cpu_time() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

/// The resident memory of a process and its children, in bytes.
pub fn resident(pid: i32) -> Result<u64> {
    Ok(status(pid, "VmRSS:")? * 1024)
}

/// How many threads a process and its children have.
pub fn threads(pid: i32) -> Result<u64> {
    status(pid, "Threads:")
}

/// The sum of a number that the kernel tells of each process.
fn status(pid: i32, key: &str) -> Result<u64> {
    let mut total = 0;
    for pid in family(pid) {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let number = line.and_then(|line| line.split_whitespace().next()).ok_or("no such key")?;
        total += number.parse::<u64>()?;
    }
    Ok(total)
}

/// A process, and the children that its first thread started: nginx and Node keep workers.
pub fn family(pid: i32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    std::iter::once(pid).chain(children).collect()
}

/// Becomes another program on one core, or on `any`: `pinned CORE PROGRAM ARGS…`. It is killed when
/// the harness ends, however that ends.
pub fn run_pinned(args: &[String]) -> Result<()> {
    let [core, program, args @ ..] = args else { return Err("pinned CORE PROGRAM ARGS…".into()) };
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if core != "any" {
        let mut cores = CpuSet::new();
        cores.set(core.parse()?)?;
        if let Err(error) = sched_setaffinity(Pid::from_raw(0), &cores) {
            eprintln!("peers: not pinned to core {core}: {error}");
        }
    }
    Err(Command::new(program).args(args).exec().into())
}

/// The limit of open files: each stream costs one in both processes.
pub fn descriptors() -> u64 {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1024 };
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    hard
}
