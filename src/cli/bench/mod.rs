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

use std::io;
use std::path::Path;

use super::file::Target;
use super::flags::{Parsed, Wrong};
use super::{Arguments, Failure, Outcome, client, even_if_unread, print, say, version, width};
use options::{NOT_MEASURED, Options, STANDARD_OUTPUT, TABLE};
use report::Report;

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

/// Benches, reports, and fails if something was lost, doubled or out of order: whatever becomes of
/// the report, that is how it ends.
fn bench(operands: &[String], options: &Options) -> Outcome {
    let wrong = |what: &str| Failure::Usage(Wrong::new(what.into()));
    let [url] = operands else {
        return Err(wrong(&format!("a URL is missing: {}", TABLE.usage)));
    };
    options.check().map_err(|why| wrong(&why))?;
    let url = client::whole(url);
    let request = target::request(&url, options).map_err(|error| wrong(&error.to_string()))?;
    target::check(&request, options).map_err(|why| wrong(&why))?;
    // A page that can't be written should be known before the run.
    let html = options.html.as_deref().filter(|path| *path != Path::new(STANDARD_OUTPUT));
    let html = html.map(Page::new).transpose()?;
    let report = run::run(request, options).map_err(not_measured)?;
    let written = html.as_ref().map_or(Ok(()), |html| html.write(&report));
    let printed = print(&match (options.json, html.is_none() && options.html.is_some()) {
        (true, _) => json::report(&report),
        (_, true) => page::report(&report),
        _ => text::report(&report, width::columns()),
    });
    let printed = even_if_unread(printed).map_err(|failure| match failure {
        Failure::Failed(said) => not_measured(said),
        failure => failure,
    });
    let verdict = verdict(&report);
    if let (Err(_), Err(Failure::Ended { said, .. })) = (&verdict, &written) {
        say(said);
    }
    verdict.and(written).and(printed)
}

fn verdict(report: &Report) -> Outcome {
    match report.faults() {
        Some(faults) => Err(Failure::Failed(faults)),
        None if report.came() == 0 => Err(not_measured("no event came".into())),
        None => Ok(()),
    }
}

fn not_measured(said: String) -> Failure {
    Failure::Ended { status: NOT_MEASURED, said }
}

/// Where the page goes.
struct Page<'a> {
    path: &'a Path,
    target: Target,
}

impl<'a> Page<'a> {
    fn new(path: &'a Path) -> Result<Self, Failure> {
        let target = Target::new(path).map_err(|error| unwritten(path, &error))?;
        Ok(Self { path, target })
    }

    fn write(&self, report: &Report) -> Outcome {
        let written = self.target.write(page::report(report).as_bytes());
        written.map_err(|error| unwritten(self.path, &error))
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    not_measured(format!("can't write {}: {error}", path.display()))
}
