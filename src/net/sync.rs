//! The threads and locks of the fan-out, which are those of std. They stand in one place so that
//! `tests/model` can put others there, and explore the orders in which threads may run.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
pub(crate) use std::time::Instant;

pub(crate) use crate::net::atomic::AtomicU64;
pub(crate) use crate::net::threads as thread;
