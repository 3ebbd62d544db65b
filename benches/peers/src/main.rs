//! `peers`: the harness, and the processes that it starts of this same program.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let result = match args.first().map(String::as_str) {
        Some("serve") => peers::servers::run(rest),
        Some("cost") => peers::cost::run(rest),
        Some("redis") => peers::redis::run(rest),
        Some("load") => peers::load::run(rest),
        Some("pinned") => peers::system::run_pinned(rest),
        _ => peers::harness::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}
