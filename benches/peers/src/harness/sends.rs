//! How many calls a delivery costs, counted by strace. It slows the server, so nothing of such a
//! run is timed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::cases::Case;
use super::process::{Server, load};
use super::results::Outcome;
use crate::Result;

/// Every call by which a server here writes to a socket.
const CALLS: [&str; 5] = ["sendto", "sendmsg", "write", "writev", "sendmmsg"];
/// strace has to attach to threads that exist, and follows those that start later.
const ATTACH: Duration = Duration::from_millis(500);
const DETACH: Duration = Duration::from_secs(5);

/// Runs the load with strace attached to the server, and counts the calls per delivery.
pub(super) fn count(case: &Case, server: &Server) -> Result<Outcome> {
    let summary = summary_file();
    let filter = format!("trace={}", CALLS.join(","));
    let pid = server.pid().to_string();
    let mut strace = match Command::new("strace")
        .args(["-f", "-c", "-e", &filter, "-p", &pid, "-o"])
        .arg(&summary)
        .stderr(Stdio::null())
        .spawn()
    {
        Ok(strace) => strace,
        Err(error) => {
            println!("calls are not counted: strace: {error}");
            return Outcome::parse("");
        }
    };
    thread::sleep(ATTACH);
    let outcome = load(case, server);
    kill(Pid::from_raw(strace.id().cast_signed()), Signal::SIGINT)?;
    let until = Instant::now() + DETACH;
    while strace.try_wait()?.is_none() {
        if Instant::now() > until {
            strace.kill()?;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let calls = calls(&summary);
    let _ = fs::remove_file(&summary);
    let (mut outcome, calls) = (outcome?, calls?);
    // A head for each stream and a response for each post are no deliveries.
    let events = outcome.get("all_events").ok_or("no events")?;
    let deliveries = outcome.get("all_deliveries").ok_or("no deliveries")?;
    let others = events + case.number("streams").unwrap_or(0) as f64;
    outcome.set("sends_per_delivery", (calls - others).max(0.0) / deliveries);
    Ok(outcome)
}

fn summary_file() -> PathBuf {
    env::temp_dir().join(format!("peers-strace-{}", process::id()))
}

/// The sum of the calls in the summary: `% time  seconds  usecs/call  calls  [errors]  syscall`.
fn calls(summary: &Path) -> Result<f64> {
    let text = fs::read_to_string(summary)?;
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows = rows.filter(|row| row.last().is_some_and(|call| CALLS.contains(call)));
    Ok(rows.filter_map(|row| row.get(3)?.parse::<f64>().ok()).sum())
}
