//! Comparing what was sent with what is secret.

use std::hint::black_box;

/// Whether two texts of bytes are the same. It takes as long for one that is nearly right as for
/// one that is all wrong, so that nobody can find a secret out byte by byte. Its length is none.
pub(super) fn is_same(secret: &[u8], given: &[u8]) -> bool {
    let differences = secret.iter().zip(given).fold(0, |all, (a, b)| all | (a ^ b));
    secret.len() == given.len() && black_box(differences) == 0
}
