//! What each act of the program costs: instructions in user space, and system calls.
//!
//! The program itself (`tidings serve`, built for release) runs twice: under valgrind's callgrind,
//! which counts instructions, and under strace, which counts calls. Both times this process makes
//! the same acts over loopback, one after the other. Neither tool's time says anything, so none
//! is measured.
//!
//! To read on: [`acts`] is what is done and how a cost is told from what costs the same in any
//! case, [`program`] is the program under one of the tools, [`client`] the sockets.

mod acts;
mod client;
mod program;

use std::path::PathBuf;

use crate::Result;
use crate::harness::{self, median};
use crate::system::descriptors;
use program::{Spent, Tool};

const HELP: &str = "\
Measures what each act of `tidings serve` costs.

    benches/cost [options]

    --program PATH     measures this program, and not the one that is built from here
    --repeats N        measures each cost so often; 3 by default, and medians count
    --streams N        a publish reaches so many streams more; 1000 by default
";

struct Options {
    program: Option<PathBuf>,
    repeats: usize,
    streams: usize,
}

impl Options {
    /// `None` if help was asked for, which is then printed.
    fn parse(args: &[String]) -> Result<Option<Self>> {
        let mut options = Self { program: None, repeats: 3, streams: 1_000 };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--program" => options.program = Some(value()?.into()),
                "--repeats" => options.repeats = value()?.parse::<usize>()?.max(1),
                "--streams" => options.streams = value()?.parse::<usize>()?.max(1),
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

/// Prints the table.
pub fn run(args: &[String]) -> Result<()> {
    let Some(options) = Options::parse(args)? else { return Ok(()) };
    descriptors();
    let program = match options.program {
        Some(program) => program,
        None => harness::program()?,
    };
    let measure = |tool| -> Result<Vec<acts::Costs>> {
        acts::measure(&program, tool, options.repeats, options.streams)
    };
    let (instructions, calls) = (measure(Tool::Callgrind)?, measure(Tool::Strace)?);
    println!("| an act | instructions | least–most | calls | which |");
    println!("| --- | ---: | ---: | ---: | --- |");
    for (place, name) in acts::NAMES.iter().enumerate() {
        let of = |costs: &[acts::Costs]| -> Vec<f64> {
            costs.iter().map(|costs| costs[place].total()).collect()
        };
        let counted = of(&instructions);
        let least = counted.iter().copied().fold(f64::INFINITY, f64::min);
        let most = counted.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let middle = median(counted).unwrap_or(f64::NAN);
        let middle_calls = median(of(&calls)).unwrap_or(f64::NAN);
        let which = calls.first().map_or(String::new(), |costs| which(&costs[place]));
        println!(
            "| {name} | {} | {}–{} | {middle_calls:.1} | {which} |",
            thousands(middle),
            thousands(least),
            thousands(most),
        );
    }
    Ok(())
}

/// The calls by name; those that come once in many acts are left out.
fn which(cost: &Spent) -> String {
    let calls = cost.calls().into_iter().filter(|&(_, count)| count > 0.25);
    let named = calls.map(|(name, count)| match count.round() {
        ..=1.0 => name.to_owned(),
        count => format!("{count} {name}"),
    });
    named.collect::<Vec<_>>().join(", ")
}

/// A number with a comma before each three digits.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number);
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.len() - place;
        if place > 0 && left % 3 == 0 && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
