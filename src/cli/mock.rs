//! `tidings mock`: a server as good or as bad as a script says, and a report card of its client.
//!
//! ```text
//! script.sse ─► script ┐
//! cassette   ─► tape   ├─► steps ─► (chaos) ─► mark ─► course ─┬─► stage ─► link ─► socket
//! text.txt   ─► tokens ┘                                       └─► rehearse ─► standard output
//! ```
//!
//! To read on: [`script`] says what a script can say, [`load`] makes a list of [`step`]s of any
//! kind of file, [`course`] finds where a client that comes back goes on, and [`chaos`] disturbs
//! the steps by a seed. These are pure, and so are [`response`] (what goes out) and [`report`].
//! [`stage`], [`request`] and [`link`] have the sockets.
//!
//! The library's server does everything to keep a stream whole. The mock must be able to break one:
//! to cut a chunk off, to reset a connection, to lie in the head. So it has a small server of its
//! own: a thread for each connection, up to [`MOST_AT_ONCE`]. It reads requests by the library's
//! rules.

mod chaos;
mod cors;
mod course;
mod link;
mod load;
mod options;
mod rehearse;
mod report;
mod request;
mod response;
mod script;
mod stage;
mod step;
mod tape;
mod tokens;

use std::io::{self, IsTerminal as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::flags::Block;
use super::{Failure, Outcome, even_if_unread, listen, print, print_sent, say, signals};
use course::Course;
pub(super) use options::TABLE;
use options::{BAD_CLIENT, Options};
use script::DIRECTIVES;
use stage::{Stage, State};

/// The most connections at once; the mock closes further ones without a response.
const MOST_AT_ONCE: usize = 1_000;
/// A connection needs little more than its buffers.
const STACK: usize = 256 * 1024;
/// How long the acceptor rests after an error, which may repeat at once.
const BACK_OFF: Duration = Duration::from_millis(10);
/// How often the mock checks whether nobody is connected.
const CHECK: Duration = Duration::from_millis(50);

fn directives() -> Vec<Block> {
    let form = |directive: &script::Directive| {
        let form = format!(": {} {}", directive.name, directive.takes);
        (form.trim_end().to_owned(), directive.doc)
    };
    let about = "In a script, the mock carries out these comments and does not send them. It sends \
                 every other line, a blank one too: a blank line between two ': status 503' would \
                 be served as an empty stream. ': repeat' without a number must come last. With \
                 all numbered repeats expanded, a script may have 16 MiB.";
    vec![Block::Text(about.into()), Block::Rows(DIRECTIVES.iter().map(form).collect())]
}

fn mock(options: Options) -> Outcome {
    let path = options.script.as_str();
    options.check().map_err(Failure::Usage)?;
    let is_text = options.is_text();
    let mut steps = load::steps(path, is_text.then_some(options.rate))?;
    if let Some(seed) = options.chaos {
        // No client comes back for a text.
        steps = chaos::disturb(steps, seed, !is_text);
    }
    let steps = step::mark(steps);
    if step::says_nothing(&steps) {
        say(&format!(
            "{} has no event: an event is a line such as 'data: hello', and a blank line after it",
            load::name(path),
        ));
    }
    let course = Course::new(steps);
    if !options.print {
        return serve(options, course);
    }
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    let chaos = options.chaos.map(|seed| format!(" with --chaos {seed}")).unwrap_or_default();
    let about = format!("tidings mock {name}{chaos}");
    print_sent(&rehearse::rehearse(&course, options.chaos, &[about]))
}

/// Serves until something ends the mock, then prints the report card.
fn serve(options: Options, course: Course) -> Outcome {
    let addresses = listen::resolve(&options.listen)?;
    let listener = listen::bind(&options.listen, &addresses)?;
    let failed = |error: io::Error| Failure::Failed(format!("can't serve: {error}"));
    let address = listener.local_addr().map_err(failed)?;
    let (stop, stopped) = mpsc::channel();
    if options.until_eof {
        stop_at_end_of_input(stop.clone()).map_err(failed)?;
    }
    let at_signal = stop.clone();
    signals::on_first(move |_| drop(at_signal.send(Ok(()))));
    let stage = Arc::new(Stage {
        course,
        options,
        stop,
        started: Instant::now(),
        state: Mutex::new(State::default()),
    });
    print(&format!("listening on http://{address}\n"))?;
    if io::stderr().is_terminal() && signals::are_waited_for() {
        say("press Ctrl-C to end the mock and print the report card");
    }
    let accepted = Arc::clone(&stage);
    let accept = move || accept(&listener, &accepted);
    thread::Builder::new().name("mock-accept".into()).spawn(accept).map_err(failed)?;
    even_if_unread(wait(&stopped, &stage))?;
    // Connections that are still open end with the program.
    let (card, is_good) = stage.lock().report.card(stage.now());
    even_if_unread(print(&card))?;
    if is_good {
        return Ok(());
    }
    let said = "the client broke a rule: see the lines with NO on the report card".into();
    Err(Failure::Ended { status: BAD_CLIENT, said })
}

/// Ends the mock when standard input ends, from a thread of its own, as a read can't be
/// interrupted.
fn stop_at_end_of_input(stop: Sender<Outcome>) -> io::Result<()> {
    let read = move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = stop.send(Ok(()));
    };
    thread::Builder::new().name("mock-stdin".into()).spawn(read).map(drop)
}

/// Accepts for ever: an error, such as too many open files, passes.
fn accept(listener: &TcpListener, stage: &Arc<Stage>) {
    loop {
        let Ok((socket, _)) = listener.accept() else {
            thread::sleep(BACK_OFF);
            continue;
        };
        // Each connection's thread has a stage, and so have this one and the main one.
        if Arc::strong_count(stage) < MOST_AT_ONCE + 2 {
            let stage = Arc::clone(stage);
            let thread = thread::Builder::new().name("mock-connection".into()).stack_size(STACK);
            // If there can be no more threads, this closes the socket.
            let _ = thread.spawn(move || stage.serve(socket));
        }
    }
}

/// Waits until a connection, a signal, standard input or the lack of connections ends the mock.
fn wait(stopped: &Receiver<Outcome>, stage: &Stage) -> Outcome {
    loop {
        if let Ok(outcome) = stopped.recv_timeout(CHECK) {
            return outcome;
        }
        let idle = stage.lock().idle();
        if stage.options.until_idle.zip(idle).is_some_and(|(most, idle)| idle >= most) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flags::Command;

    #[test]
    fn the_help_tells_every_directive() {
        let help = TABLE.shown().help(80);
        for directive in &DIRECTIVES {
            assert!(help.contains(&format!("\n  : {} ", directive.name)), "{}", directive.name);
        }
    }
}
