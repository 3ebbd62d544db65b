//! The product's own load tool, `tidings bench`, as the load of a case.
//!
//! It has a thread for each stream where the load has epoll, as it may use nothing but the standard
//! library: its own delay is larger, and stands beside what it measures. What it knows better is
//! what became of each event.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::cases::Case;
use super::process::{LOAD_CORE, Server, pinned};
use super::results::Outcome;
use crate::Result;

/// Counts that stand at the top of its report.
const COUNTS: [&str; 4] = ["received", "lost", "doubled", "out_of_order"];

/// Runs it to its end, and takes from its report what the tables show.
pub(super) fn load(case: &Case, server: &Server) -> Result<Outcome> {
    let number = |key| case.number(key).ok_or_else(|| format!("{key} is missing"));
    let mut command = pinned(LOAD_CORE)?;
    command.arg(program()?).arg("bench").arg(format!("http://{}/events", server.address));
    command.args(["--publish=/publish", "--json"]);
    command.arg(format!("--streams={}", number("streams")?));
    command.arg(format!("--rate={}", number("rate")?));
    command.arg(format!("--duration={}", number("millis")? / 1_000));
    let output = command.stdin(Stdio::null()).output()?;
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|error| {
        format!("no report: {error}: {}", String::from_utf8_lossy(&output.stderr))
    })?;
    outcome(&report).ok_or_else(|| format!("not understood: {report}").into())
}

fn outcome(report: &Value) -> Option<Outcome> {
    let mut outcome = Outcome::default();
    for count in COUNTS {
        outcome.set(count, report[count].as_f64()?);
    }
    for (times, prefix, quantiles) in
        [("latency", "", &["p50", "p99", "p999"][..]), ("own_queued", "own_", &["p50", "p99"])]
    {
        for quantile in quantiles {
            // It is null where too few came.
            if let Some(nanoseconds) = report["times_ns"][times][quantile].as_f64() {
                outcome.set(&format!("{prefix}{quantile}"), nanoseconds / 1_000.0);
            }
        }
    }
    Some(outcome)
}

/// Builds the program, unless it is built; where it is then.
pub(crate) fn program() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = here.join("target/product");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--bin", "tidings", "--manifest-path"]);
    cargo.arg(here.join("../../Cargo.toml")).arg("--target-dir").arg(&target);
    if !cargo.status()?.success() {
        return Err("tidings can't be built".into());
    }
    Ok(target.join("release/tidings"))
}
