//! `tidings tail -`: an event stream from standard input, such as from `curl -N URL` or a file.
//!
//! It is printed like a server's, to the end of the input. By the standard, data without a blank
//! line after it is no event. A file may lack its last line, so `tail` says if it does.

use std::io::{self, Read};
use std::mem;
use std::process;

use tidings::Parser;

use super::options::Options;
use super::{Printer, bounds, with_remedy};
use crate::cli::{Failure, Outcome, client, file, say, signals};

pub(super) fn show(options: &Options) -> Outcome {
    if options.raw || options.follow.is_of_a_connection() {
        let what = "standard input is no connection: with - tail takes only --json, --event, \
                    --count, --max-event and --quiet";
        return Err(Failure::Usage(what.into()));
    }
    // What has been read is printed, and a read can't be interrupted.
    signals::on_first(|_| process::exit(0));
    let mut parser = Parser::new();
    if let Some((line, event)) = bounds(options) {
        parser = parser.max_line(line).max_event(event);
    }
    let mut printer = Printer::new(options);
    let mut piece = vec![0; 64 * 1024];
    let mut at_start = true;
    loop {
        let length = read(&mut piece)?;
        if mem::take(&mut at_start) && file::is_utf_16(&piece[..length]) {
            let why = "standard input is UTF-16, and an event stream is UTF-8";
            return Err(Failure::Failed(why.into()));
        }
        let fed = parser.feed(&piece[..length]);
        // The events before a line that is too long are whole.
        for event in parser.drain() {
            if printer.take(&event)? {
                return Ok(());
            }
        }
        fed.map_err(|error| with_remedy(client::ended(&error)))?;
        if length == 0 {
            break;
        }
    }
    // Whether a blank line would make an event of what has come.
    let is_within = parser.feed(b"\n\n").is_ok() && parser.next_event().is_some();
    if is_within && !options.follow.quiet {
        say("standard input ends within an event, which is left out: a blank line would end it");
    }
    Ok(())
}

fn read(piece: &mut [u8]) -> Result<usize, Failure> {
    loop {
        match io::stdin().lock().read(piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => {
                let failed = |error| format!("can't read standard input: {error}");
                return read.map_err(|error| Failure::Failed(failed(error)));
            }
        }
    }
}
