//! The judgements: facts in, findings out. Each is pure, so a test can put any facts to it.

pub(super) mod browser;
pub(super) mod flow;
pub(super) mod response;
pub(super) mod resume;

use std::time::Duration;

/// A time for people: `3 ms`, `1.2 s`, `15 s`.
fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.as_millis() {
        0 => "less than 1 ms".into(),
        1..1_000 => format!("{} ms", time.as_millis()),
        1_000..10_000 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

#[cfg(test)]
mod tests;
