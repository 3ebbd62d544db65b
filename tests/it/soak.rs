//! The hub for long, under much and with little: nobody loses an event that is not told of, and
//! what was taken is given back.
//!
//! Each test has a short form, which is what `cargo test` runs. The long forms are asked for by
//! the environment, on a machine that does nothing else, one after the other:
//!
//! ```text
//! TIDINGS_SOAK_SECONDS=600 TIDINGS_SOAK_CHURN=100000 TIDINGS_SOAK_CROWD=10000 \
//! TIDINGS_SOAK_FOLLOWERS=3000 TIDINGS_SOAK_SLEEP=31 \
//!     cargo test --release --test it soak -- --nocapture --test-threads=1
//! ```
//!
//! | variable | what it says | unasked |
//! | --- | --- | --- |
//! | `TIDINGS_SOAK_SECONDS` | how long [`mix`] and [`bystander`] go on, and [`crowd`] is held | 2 |
//! | `TIDINGS_SOAK_CHURN` | how many connections come and go in [`churn`] | 3,000 |
//! | `TIDINGS_SOAK_CROWD` | how many slow connections [`crowd`] holds | 600 |
//! | `TIDINGS_SOAK_READERS` | how many streams read nothing of a large event in [`large`] | 200 |
//! | `TIDINGS_SOAK_FOLLOWERS` | how many streams of 64 channels [`bystander`] stands beside | 300 |
//! | `TIDINGS_SOAK_FULL` | how many full sockets [`full`] holds | 16 |
//! | `TIDINGS_SOAK_SIGNALLED` | how many streams [`signal`] ends | 1,000 |
//! | `TIDINGS_SOAK_SLEEP` | for how many seconds the machine of [`sleep`] sleeps | 11 |
//! | `TIDINGS_SOAK_STOPPED` | how many readers stop in [`stopped`] | 90 |
//! | `TIDINGS_SOAK_STOPPED_DEADLINE` | and after how many seconds they are ended | 1 |
//!
//! The hub runs as a program of its own, as then its descriptors, threads, memory and time can be
//! told from those of its clients. It ends with its standard input, so also when a test is killed.
//! What is counted here comes from `/proc`.

mod account;
mod asleep;
mod bystander;
mod churn;
mod crowd;
mod descriptors;
mod full;
mod ghosts;
mod kinds;
mod large;
mod memory;
mod mix;
mod signal;
mod sleep;
mod small;
mod stopped;
mod threads;
mod vitals;

use std::env;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::http::post;
use crate::support::process::{Process, hub_path};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The arguments of every hub here.
const ARGUMENTS: [&str; 2] = ["--listen=127.0.0.1:0", "--until-eof"];

/// A hub with these arguments beside.
fn hub(arguments: &[&str]) -> Process {
    Process::start(Command::new(hub_path()).args(ARGUMENTS).args(arguments))
}

/// What the environment asks for, or the short form.
pub(crate) fn asked(variable: &str, unasked: usize) -> usize {
    match env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text:?}")),
        Err(_) => unasked,
    }
}

fn length() -> Duration {
    Duration::from_secs(asked("TIDINGS_SOAK_SECONDS", 2) as u64)
}

/// Publishes on a channel.
#[track_caller]
fn publish(hub: &Process, channel: &str, data: &str) {
    let response = post(hub.address(), &format!("/events/{channel}"), data);
    assert_eq!(response.status, 200, "{}", response.text());
}

/// Sets its flag when it is dropped, so that threads that wait for it end with a test that fails.
pub(crate) struct Ends<'a>(pub(crate) &'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
