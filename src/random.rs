//! Numbers that are hard to guess.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number that differs from call to call, and from process to process: std's hasher keys are
/// random for each process, and differ for each call.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
