//! `tidings bench`: how well a server delivers.
//!
//! ```text
//! publisher ── POST ──► the server ──► stream ──► what was lost, doubled, out of order
//!     └── when it was due ──────────────────────► how long it took
//! ```
//!
//! To read on: [`options`] is what can be asked for, [`run`] one run from its begin to its end.
//! Its parts: [`target`] whom it asks; the two ends of a [`stream`], [`publisher`] with its
//! [`exchange`] and [`pace`], and [`follower`] with its [`gauge`], and [`churn`] who cuts it;
//! [`marker`] what is in an event; [`runs`], [`ledger`], [`account`] and [`ids`] hold what came
//! against what was published; [`histogram`] and [`samples`] are the times, [`probe`] how far they
//! can be believed; [`tally`] is what all threads share, [`system`] what the machine gives,
//! [`progress`] what is shown meanwhile. Of it [`report`] makes numbers and [`verdict`] a word, and
//! [`text`], [`json`] and [`page`] with its [`chart`] show them.

mod account;
mod chart;
mod churn;
mod exchange;
mod follower;
mod gauge;
mod histogram;
mod ids;
mod json;
mod ledger;
mod marker;
mod options;
mod pace;
mod page;
mod probe;
mod progress;
mod publisher;
mod report;
mod run;
mod runs;
mod samples;
mod stream;
mod system;
mod tally;
mod target;
mod text;
mod verdict;

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::flags::{Parsed, Wrong};
use super::{Arguments, Failure, Outcome, follow, print, version, width};
use options::{NOT_MEASURED, Options, TABLE};

pub(super) fn help(columns: usize) -> String {
    TABLE.help(columns)
}

pub(super) fn run(arguments: Arguments<'_>) -> Outcome {
    match TABLE.parse(arguments).map_err(Failure::Usage)? {
        Parsed::Run(options, operands) => bench(&operands, &options),
        Parsed::Help => print(&help(width::columns())),
        Parsed::Version => version(),
    }
}

/// Benches, reports, and fails if something was lost, doubled or out of order.
fn bench(operands: &[String], options: &Options) -> Outcome {
    let wrong = |what: &str| Failure::Usage(Wrong::new(what.into()));
    let [url] = operands else {
        return Err(wrong(&format!("a URL is missing: {}", TABLE.usage)));
    };
    options.check().map_err(|why| wrong(&why))?;
    let url = follow::whole(url);
    let request = target::request(&url, options).map_err(|error| wrong(&error.to_string()))?;
    target::check(&request, options).map_err(|why| wrong(&why))?;
    // A page that can't be written should be known before the run.
    if let Some(path) = &options.html {
        try_to_write(path).map_err(|error| unwritten(path, &error))?;
    }
    let report = run::run(request, options).map_err(not_measured)?;
    if let Some(path) = &options.html {
        fs::write(path, page::report(&report)).map_err(|error| unwritten(path, &error))?;
    }
    print(&if options.json { json::report(&report) } else { text::report(&report) })?;
    match report.faults() {
        Some(faults) => Err(Failure::Failed(faults)),
        None if report.came() == 0 => Err(not_measured("no event came".into())),
        None => Ok(()),
    }
}

fn not_measured(said: String) -> Failure {
    Failure::Ended { status: NOT_MEASURED, said }
}

/// Fails if the file can't be written, and leaves everything as it is.
fn try_to_write(path: &Path) -> io::Result<()> {
    let exists = path.exists();
    File::options().append(true).create(true).open(path)?;
    if exists { Ok(()) } else { fs::remove_file(path) }
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    not_measured(format!("can't write {}: {error}", path.display()))
}
