//! Explores the orders in which the threads of the fan-out may run.
//!
//! The files of `src/channel`, `src/order` and `src/log` are compiled here as they are, with the locks, atomics
//! and threads of shuttle in place of std's: each step of each thread is chosen by a seeded
//! scheduler. See `README.md`.

// What is here of the product is all of some files, not all of which is used.
#![allow(dead_code, unused_imports, unreachable_pub)]

#[path = "../../../src/channel/mod.rs"]
mod channel;
#[path = "../../../src/digits.rs"]
mod digits;
#[path = "../../../src/error/mod.rs"]
mod error;
#[path = "../../../src/event/mod.rs"]
mod event;
#[path = "../../../src/log/mod.rs"]
mod log;
#[path = "../../../src/order/mod.rs"]
mod order;
#[path = "../../../src/peer.rs"]
mod peer;
#[path = "../../../src/random.rs"]
mod random;
#[path = "../../../src/search.rs"]
mod search;

#[path = "../../../src/http"]
mod http {
    pub(crate) mod chunk;
    mod percent;
    mod refusal;
    pub(crate) mod status;
    mod syntax;
}

#[path = "../../../src/net"]
mod net {
    pub(crate) mod atomic;
    pub(crate) mod counts;
    pub(crate) mod first;
    pub(crate) mod lifecycle;
    pub(crate) mod threads;
    pub(crate) mod ticker;

    pub(crate) use crate::stand_in::{moment, panics, pool, sync};
}

mod reader;
mod scenarios;
mod stand_in;

pub use channel::hub::Hub;
pub use error::{CloseReason, Error, Result};
pub use peer::Peer;

use shuttle::Runner;
use shuttle::scheduler::{PctScheduler, RandomScheduler};

/// How many schedules of each scenario are explored, by each of the two schedulers.
const SCHEDULES: usize = 4_000;
/// How many changes of thread at chosen steps the second scheduler makes.
const DEPTH: usize = 3;

fn asked(variable: &str, unasked: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text:?}")),
        Err(_) => unasked,
    }
}

fn main() {
    let (schedules, seed) = (asked("MODEL_SCHEDULES", SCHEDULES), asked("MODEL_SEED", 1) as u64);
    let only = std::env::args().nth(1).unwrap_or_default();
    for (name, scenario) in scenarios::ALL {
        if !name.contains(&only) {
            continue;
        }
        let began = std::time::Instant::now();
        stand_in::begin(name);
        let random = RandomScheduler::new_from_seed(seed, schedules);
        Runner::new(random, stand_in::config()).run(scenario);
        let pct = PctScheduler::new_from_seed(seed, DEPTH, schedules);
        Runner::new(pct, stand_in::config()).run(scenario);
        println!("{name}: {} schedules in {:.1?}", stand_in::schedules(), began.elapsed());
    }
}
