//! Hubs over one Redis, beside nginx with nchan over the same Redis; and hubs that follow a hub.
//!
//! ```text
//! load: one thread, blocking sockets ─► hub ─► Redis
//!                                    ─► nginx with nchan ─► the same Redis, with nothing else in it
//! ```
//!
//! Everything runs on the same cores, as the question is what one small machine does: how busy
//! each process was stands beside the numbers, so that it shows which of them was the limit.
//!
//! To read on: [`measures`] is what is measured, [`servers`] are the processes, [`http`] and
//! [`resp`] the load's sockets, [`table`] what is printed.

mod http;
mod measures;
mod resp;
mod servers;
mod table;

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::Result;
use crate::harness;
use measures::Bench;
use servers::Redis;

const HELP: &str = "\
Measures hubs over Redis beside nginx with nchan over the same Redis, and hubs that follow hubs.

    benches/redis [options]

    --program PATH     measures this program, and not the one that is built from here
    --cases A,B        of throughput, latency, memory, start, idle, chain; all by default
    --no-nchan         leaves nginx out
    --rounds N         how often each is run; 5 by default, and medians count
    --seconds S        how long a load lasts; 3 by default
    --calm SHARE       measures again where others took more of a core than this; 1 by default
    --pause S          rests so long between two rounds, for others on the machine; 0 by default
";

struct Options {
    program: Option<PathBuf>,
    cases: Vec<String>,
    rounds: usize,
    has_nchan: bool,
    calm: f64,
    time: Duration,
    pause: Duration,
}

impl Options {
    /// `None` if help was asked for, which is then printed.
    fn parse(args: &[String]) -> Result<Option<Self>> {
        let (time, pause) = (Duration::from_secs(3), Duration::ZERO);
        let mut options = Self {
            program: None,
            cases: Vec::new(),
            rounds: 5,
            has_nchan: true,
            calm: 1.0,
            time,
            pause,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--program" => options.program = Some(value()?.into()),
                "--cases" => options.cases = value()?.split(',').map(str::to_owned).collect(),
                "--no-nchan" => options.has_nchan = false,
                "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
                "--seconds" => options.time = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--calm" => options.calm = value()?.parse()?,
                "--pause" => options.pause = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--help" | "-h" => {
                    print!("{HELP}");
                    return Ok(None);
                }
                other => return Err(format!("what is {other}? See --help").into()),
            }
        }
        Ok(Some(options))
    }
}

/// Prints the tables.
pub fn run(args: &[String]) -> Result<()> {
    let Some(options) = Options::parse(args)? else { return Ok(()) };
    let program = match &options.program {
        Some(program) => program.clone(),
        None => harness::program()?,
    };
    let redis = Redis::start()?;
    let Options { has_nchan, calm, time, .. } = options;
    let bench = Bench { program: &program, redis: &redis, has_nchan, calm, time };
    let wanted =
        |name: &str| options.cases.is_empty() || options.cases.iter().any(|case| case == name);
    let mut tables: Vec<_> =
        table::all().into_iter().filter(|table| wanted(table.case.name)).collect();
    for round in 1..=options.rounds {
        for table in &mut tables {
            eprintln!("{}, round {round} of {}", table.case.name, options.rounds);
            let rows = (table.case.measure)(&bench)?;
            table.add(rows);
            eprintln!("{}", table.newest());
            eprintln!("{}, round {round} is over", table.case.name);
            thread::sleep(options.pause);
        }
    }
    println!("{}", harness::machine());
    tables.iter().for_each(|table| println!("\n{table}"));
    print!("\n{}", table::required(&tables));
    Ok(())
}
