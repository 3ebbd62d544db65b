//! The `tidings` program: a hub for Server-Sent Events.
//!
//! Nothing happens here: [`cli`] reads the arguments and does the work, off the library's public
//! API alone, and says how it went.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os().skip(1))
}
