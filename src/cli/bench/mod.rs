//! `tidings bench`: how well a server delivers.
//!
//! ```text
//! publisher ── POST ──► the server ──► stream ──► what was lost, doubled, out of order
//!     └── when it was due ──────────────────────► how long it took
//! ```
//!
//! Its layers; each imports only those before it:
//!
//! | layer | what is in it |
//! | --- | --- |
//! | [`options`], [`values`] | what can be asked for, and what an event carries: it only parses |
//! | [`books`] | what is counted and timed, and what came held against what was published |
//! | [`wire`] | requests and streams, and what the threads of a run share |
//! | [`run`] | one run from its begin to its end: followers, publishers, samples |
//! | [`reports`] | the results as text, JSON and a page |

mod options;

mod values {
    //! What an argument or an event says, parsed and nothing more.
    pub(crate) mod churn;
    pub(crate) mod marker;
    pub(crate) mod way;
}

mod books {
    //! What came, held against what was published: numbers alone.
    pub(crate) mod account;
    pub(crate) mod counts;
    pub(crate) mod effort;
    pub(crate) mod histogram;
    mod ids;
    pub(crate) mod ledger;
    pub(crate) mod pace;
    pub(crate) mod published;
    pub(crate) mod results;
    mod runs;
}

mod wire {
    //! Requests and streams, and the moments at which their bytes go and come.
    pub(crate) mod exchange;
    pub(crate) mod gauge;
    pub(crate) mod probe;
    pub(crate) mod tally;
    pub(crate) mod target;
}

mod run;

mod reports {
    //! The results for people and programs.
    mod chart;
    pub(crate) mod json;
    pub(crate) mod page;
    pub(crate) mod text;
    mod verdict;
}

use std::io;
use std::path::Path;

use super::{Failure, Outcome, even_if_unread, file, print, say, width};
pub(super) use options::TABLE;
use options::{NOT_MEASURED, Options, STANDARD_OUTPUT};
use reports::{json, page, text};
use wire::target;

/// Benches and reports. Whatever becomes of the report, lost, doubled and disordered events decide
/// the exit status.
fn bench(options: &Options) -> Outcome {
    options.check().map_err(Failure::Usage)?;
    let request = target::request(&options.url, options).map_err(Failure::Usage)?;
    // A page that can't be written should be known before the run.
    let path = options.html.as_deref().filter(|path| *path != Path::new(STANDARD_OUTPUT));
    let unwritten = |error: io::Error| {
        let path = path.unwrap_or(Path::new(STANDARD_OUTPUT)).display();
        not_measured(format!("can't write {path}: {error}"))
    };
    let file = path.map(file::check).transpose().map_err(unwritten)?;
    let results = run::run(request, options).map_err(not_measured)?;
    let written = file.as_ref().map(|file| file::write(file, page::report(&results)));
    let written = written.unwrap_or(Ok(())).map_err(unwritten);
    let printed = print(&match (options.json, options.html.is_some() && file.is_none()) {
        (true, _) => json::report(&results),
        (_, true) => page::report(&results),
        _ => text::report(&results, width::columns()),
    });
    let printed = even_if_unread(printed).map_err(|failure| match failure {
        Failure::Failed(said) => not_measured(said),
        failure => failure,
    });
    let verdict = match results.faults() {
        Some(faults) => Err(Failure::Failed(faults)),
        None if results.came() == 0 => Err(not_measured("no event came".into())),
        None => Ok(()),
    };
    if let (Err(_), Err(Failure::Ended { said, .. })) = (&verdict, &written) {
        say(said);
    }
    verdict.and(written).and(printed)
}

fn not_measured(said: String) -> Failure {
    Failure::Ended { status: NOT_MEASURED, said }
}
