//! The harness's command line.

use crate::Result;

const HELP: &str = "\
Measures tidings beside its peers.

    cargo run --release --manifest-path benches/peers/Cargo.toml -- [options]

    --quick            three servers, three short cases, one round: less than a minute
    --only A,B         these servers: tidings, floor, axum, actix, tiny_http, node, go, nchan
    --cases A,B        these cases, or all whose names begin so: burst, paced-100x500, …
    --rounds N         how often each is run; 3 by default, and medians count
    --markdown         the tables as benches/README.md has them, with the machine and versions
";

/// What the command line asks for. Empty lists ask for everything.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) quick: bool,
    pub(super) markdown: bool,
    pub(super) rounds: usize,
    only: Vec<String>,
    cases: Vec<String>,
}

impl Options {
    /// `None` if help was asked for, which is then printed.
    pub(super) fn parse(args: &[String]) -> Result<Option<Self>> {
        let (only, cases) = (Vec::new(), Vec::new());
        let mut options = Self { quick: false, markdown: false, rounds: 3, only, cases };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--quick" => (options.quick, options.rounds) = (true, 1),
                "--markdown" => options.markdown = true,
                "--rounds" => options.rounds = value()?.parse()?,
                "--only" => options.only = list(value()?),
                "--cases" => options.cases = list(value()?),
                "--help" | "-h" => {
                    print!("{HELP}");
                    return Ok(None);
                }
                other => return Err(format!("what is {other}? See --help").into()),
            }
        }
        if options.quick && options.only.is_empty() {
            options.only = list("tidings,floor,axum");
        }
        if options.quick && options.cases.is_empty() {
            options.cases = list("burst-1000,volley,paced-100x500");
        }
        Ok(Some(options))
    }

    pub(super) fn wants_server(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }

    pub(super) fn wants_case(&self, name: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|wanted| fits(name, wanted))
    }
}

/// Whether a name is this, or this and a further part.
fn fits(name: &str, wanted: &str) -> bool {
    name.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}
