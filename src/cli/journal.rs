//! `tidings journal`: what a hub has kept in a folder.
//!
//! ```text
//! JournalReader ──► events, what is damaged ─┬─► [`survey`] ──► a table
//!                                            ├─► [`check`] ───► what is wrong
//!                                            └─► [`cat`] ─────► an event stream
//! ```
//!
//! It reads a journal of any size through once, an event at a time, and takes no lock: a hub may be
//! running on it. `src/doc/journal.md` describes the format.

mod cat;
mod check;
mod options;
mod survey;

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::time::{Duration, UNIX_EPOCH};

use tidings::{EventId, JournalReader, JournalRecord};

use super::{Failure, Outcome, digits};
use options::Options;
pub(super) use options::TABLE;

fn journal(options: &Options) -> Outcome {
    let wrong = |what: &str| Err(Failure::Usage(what.into()));
    if options.check && options.cat {
        return wrong("--check and --cat print different things: give one of them");
    }
    if !options.cat && (options.after.is_some() || !options.channels.is_empty()) {
        return wrong("--channel and --after say what --cat prints: give --cat too");
    }
    let reader = JournalReader::open(&options.folder).map_err(failed)?;
    // A mistyped name must not pass for a journal in which nothing is wrong.
    if reader.segments().is_empty() && !options.folder.join("lock").exists() {
        let folder = options.folder.display();
        return Err(Failure::Failed(format!("{folder} has no journal{REMEDY}")));
    }
    if options.cat {
        cat::cat(&reader, options)
    } else if options.check {
        check::check(&reader)
    } else {
        survey::survey(&reader, &options.folder.to_string_lossy())
    }
}

const REMEDY: &str = ": give the folder that a hub's --journal names";

fn failed(error: tidings::Error) -> Failure {
    let kind = error.source().and_then(|source| source.downcast_ref()).map(io::Error::kind);
    let remedy = match kind {
        Some(ErrorKind::NotFound | ErrorKind::NotADirectory) => REMEDY,
        Some(ErrorKind::PermissionDenied) => ": run this as the hub's user",
        _ => "",
    };
    Failure::Failed(format!("{error}{remedy}"))
}

/// An id as two numbers that are ordered as it is: its epoch and its sequence.
type Id = (u64, u64);

fn parts(id: &EventId) -> Id {
    let numbers = id.as_str().split_once('-').map(|(epoch, sequence)| {
        [epoch, sequence].map(|number| digits::<u64>(number).unwrap_or_default())
    });
    let [epoch, sequence] = numbers.unwrap_or_default();
    (epoch, sequence)
}

/// When an event was published.
fn since_1970(record: &JournalRecord) -> Duration {
    record.time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
