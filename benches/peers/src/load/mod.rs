//! The load: a process of one thread that opens streams, publishes, reads and checks.
//!
//! `load CASE ADDRESS PID KEY=VALUE…` does what one case wants of the server at this address, whose
//! process has this id, and prints what it measured as lines of `key=value`. Whatever a stream
//! lost, doubled or disordered is an error and ends it.

mod burst;
mod channels;
mod event;
mod idle;
mod paced;
mod publisher;
mod report;
mod rest;
mod streams;
mod ticks;

use std::collections::HashMap;
use std::time::Duration;

use crate::{Result, system};
use report::Server;
use streams::Load;

/// What the harness asks for: numbers by name.
struct Wants(HashMap<String, u64>);

impl Wants {
    fn parse(args: &[String]) -> Result<Self> {
        let pairs = args.iter().map(|arg| {
            let (key, value) = arg.split_once('=').ok_or("KEY=VALUE expected")?;
            Ok((key.to_owned(), value.parse()?))
        });
        Ok(Self(pairs.collect::<Result<_>>()?))
    }

    fn number(&self, key: &str) -> Result<u64> {
        self.0.get(key).copied().ok_or_else(|| format!("{key}=… is missing").into())
    }

    fn streams(&self) -> Result<usize> {
        Ok(self.number("streams")? as usize)
    }

    fn time(&self) -> Result<Duration> {
        Ok(Duration::from_millis(self.number("millis")?))
    }
}

/// Runs one case.
pub fn run(args: &[String]) -> Result<()> {
    let [case, address, pid, wants @ ..] = args else {
        return Err("load CASE ADDRESS PID KEY=VALUE…".into());
    };
    system::descriptors();
    let wants = Wants::parse(wants)?;
    let server = Server { pid: pid.parse()? };
    let mut load = Load::new(address.parse()?)?;
    match case.as_str() {
        "burst" => burst::closed_loop(&mut load, server, &wants),
        "volley" => burst::volleys(&mut load, server, &wants),
        "paced" => paced::run(&mut load, server, &wants),
        "rest" => rest::run(&mut load, server, &wants),
        "channels" => channels::run(&mut load, server, &wants),
        "ticks" => ticks::run(&mut load, server, &wants),
        "memory" => idle::memory(&mut load, server, &wants),
        "heap" => idle::heap(&mut load, &wants),
        "idle" => idle::cpu(&mut load, server, &wants),
        "gone" => idle::gone(&mut load, &wants),
        "allocations" => idle::allocations(&mut load, &wants),
        other => Err(format!("no such case: {other}").into()),
    }
}
