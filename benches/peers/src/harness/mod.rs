//! The harness: starts a server and the load as processes, in turn for all servers, and makes the
//! tables.
//!
//! The servers are interleaved: a round runs each of them once in one case, then comes the next
//! round, then the next case. On a machine that others use too, what a ratio compares then ran
//! within seconds. The tables show medians over the rounds; a ratio is the median of the ratios
//! of each round.

mod cases;
mod machine;
mod options;
mod process;
mod required;
mod results;
mod sends;
mod table;
mod tool;

use crate::Result;
use cases::Case;
pub(crate) use machine::machine;
use options::Options;
use process::Server;
pub(crate) use process::{SERVER_CORE, nchan_module, pinned};
pub(crate) use results::median;
use results::{Outcome, Results};
pub(crate) use tool::program;

/// Runs what the command line asks for.
pub fn run(args: &[String]) -> Result<()> {
    let Some(options) = Options::parse(args)? else { return Ok(()) };
    crate::system::descriptors();
    let servers = present(&options);
    let mut results = Results::default();
    let mut failures = Vec::new();
    for case in cases::all(options.quick).into_iter().filter(|case| options.wants_case(case.name)) {
        for round in 1..=options.rounds.min(case.rounds) {
            // Nobody is always the first, or always after the same neighbour.
            let mut order = servers.clone();
            order.rotate_left(round % servers.len().max(1));
            for server in order.into_iter().filter(|server| case.is_for(server)) {
                let what = format!("{:14} {server:9} round {round}", case.name);
                match once(&case, server) {
                    Ok(outcome) => {
                        eprintln!("{what}: {}", table::brief(&case, &outcome));
                        results.add(case.name, server, outcome);
                    }
                    Err(error) => {
                        eprintln!("{what}: FAILED: {error}");
                        failures.push(what);
                    }
                }
            }
        }
    }
    print!("{}", table::report(&options, &servers, &results));
    if failures.is_empty() { Ok(()) } else { Err(format!("failed: {failures:#?}").into()) }
}

/// The servers that were asked for and that this machine has.
fn present(options: &Options) -> Vec<&'static str> {
    let wanted = process::NAMES.iter().copied().filter(|name| options.wants_server(name));
    wanted
        .filter(|name| {
            let missing = process::missing(name);
            if let Some(missing) = &missing {
                println!("{name} is left out: {missing}");
            }
            missing.is_none()
        })
        .collect()
}

fn once(case: &Case, name: &str) -> Result<Outcome> {
    let server = Server::start(name, case.counted)?;
    match case.load {
        _ if case.strace => sends::count(case, &server),
        cases::TOOL => tool::load(case, &server),
        _ => process::load(case, &server),
    }
}
