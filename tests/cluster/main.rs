//! Many hubs over one Redis, and hubs that follow hubs, while everything fails: what a stream is
//! sent is checked for loss, doubles and order, and each gap that it is told of must be true.
//!
//! ```text
//! publishers ──► 4 hubs ──► proxies ──► a real Redis        killed, stopped, cut, stalled, emptied,
//! streams    ◄──        ◄──         ◄──                     rolled back, failed over
//! ```
//!
//! Each test has a short form, which is what `cargo test` runs. The long form:
//!
//! ```text
//! TIDINGS_CLUSTER_ROUNDS=20 cargo test --test cluster -- --nocapture
//! ```
//!
//! | variable | what it says | unasked |
//! | --- | --- | --- |
//! | `TIDINGS_CLUSTER_ROUNDS` | how often each fault comes | 1 to 5 times |
//! | `TIDINGS_REQUIRE_REDIS` | a test fails where there is no redis-server, and isn't skipped | |
//! | `TIDINGS_REDIS_SERVER` | which program that is, such as valkey-server | `redis-server` |
//!
//! | file | what it is |
//! | --- | --- |
//! | `redis`, `hubs`, `proxy` | what fails: processes and links |
//! | `publisher`, `hopper` | clients, which note all that they are told |
//! | `load` | all of them at once, while faults come |
//! | `checker` | what was told, against all else that was told |
//! | `lossless` | faults in which nothing may be lost |
//! | `lossy` | faults in which Redis itself loses events, which is told |
//! | `outage`, `start`, `idle` | how long things take, and how often Redis is asked |
//! | `chain` | hubs that follow hubs |

#![forbid(unsafe_code)]
#![cfg_attr(not(target_os = "linux"), allow(dead_code, unused_imports))]

#[allow(dead_code, reason = "the other tests use the rest")]
#[path = "../it/support/mod.rs"]
mod support;

#[allow(dead_code, reason = "the program uses the rest")]
#[path = "../../src/cli/seeded.rs"]
mod seeded;

mod checker;
mod hopper;
mod hubs;
mod load;
mod place;
mod proxy;
mod publisher;
mod redis;
mod resp;
mod wire;

#[cfg(target_os = "linux")]
mod chain;
#[cfg(target_os = "linux")]
mod idle;
#[cfg(target_os = "linux")]
mod lossless;
#[cfg(target_os = "linux")]
mod lossy;
#[cfg(target_os = "linux")]
mod outage;
#[cfg(target_os = "linux")]
mod start;
