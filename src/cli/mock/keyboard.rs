//! Standard input, whose end ends the mock with its report card.
//!
//! Ctrl-C ends a program at once and without a card, as the standard library has no signals. Ctrl-D
//! at a terminal is the end of standard input, which a program can notice. But the system stops a
//! program that reads from its terminal in the background (`tidings mock bad.sse &`), so there the
//! mock does not read it unless an option asks for that. Linux tells what is in the background:
//!
//! ```text
//! /proc/self/stat = pid SP "(" name ")" SP state SP parent SP group SP session SP terminal SP
//!                   foreground-group ...
//! ```

use std::fs;
use std::io::{self, IsTerminal as _};
use std::sync::mpsc::Sender;
use std::thread;

use crate::cli::Outcome;

/// Whether standard input is a terminal at which somebody could type Ctrl-D.
pub(super) fn is_there() -> bool {
    io::stdin().is_terminal()
        && fs::read_to_string("/proc/self/stat").is_ok_and(|stat| is_foreground(&stat))
}

fn is_foreground(stat: &str) -> bool {
    let after_name = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let mut fields = after_name.split_ascii_whitespace().skip(2);
    let group = fields.next();
    group.is_some() && group == fields.nth(2)
}

/// Stops the mock when standard input ends, from a thread of its own, as a read can't be
/// interrupted.
pub(super) fn read(stop: Sender<Outcome>) -> io::Result<()> {
    let read = move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = stop.send(Ok(()));
    };
    thread::Builder::new().name("mock-stdin".into()).spawn(read).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_that_the_terminal_listens_to_is_in_the_foreground() {
        assert!(is_foreground("12 (a) b) S 1 12 9 34816 12 4194304 0"));
        assert!(!is_foreground("12 (a) S 1 12 9 34816 9 4194304 0"));
        assert!(!is_foreground("12 (a) S 1 12 9 0 -1 4194304 0"));
        assert!(!is_foreground("12 (a) S") && !is_foreground(""));
    }
}
