//! `tidings mock`: a server as good or as bad as a script says, and a report card of its client.
//!
//! ```text
//! script.sse ─► script ┐
//! cassette   ─► tape   ├─► steps ─► (chaos) ─► mark ─► course ─┬─► stage ─► play ─► link ─► socket
//! text.txt   ─► tokens ┘                                       └─► rehearse ─► standard output
//! ```
//!
//! To read on: [`script`] is what a script can say, [`step`] what all files come to, [`course`]
//! where a client that comes back goes on, and [`chaos`] what a seed makes of it. These are pure,
//! and so are [`answer`] (what goes out) and [`report`]. [`stage`], [`play`], [`request`] and
//! [`link`] have the sockets, and [`keyboard`] has standard input.
//!
//! The library's server does everything to keep a stream whole. The mock must be able to break
//! one: to cut a chunk off, to reset a connection, to lie in the head. So it has a small server of
//! its own: a thread for each connection, up to [`MOST_AT_ONCE`]. Requests it reads by the
//! library's rules.

mod answer;
mod chaos;
mod cors;
mod course;
mod keyboard;
mod lines;
mod link;
mod options;
mod play;
mod rehearse;
mod report;
mod request;
mod script;
mod stage;
mod step;
mod tape;
mod tokens;

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::flags::{Parsed, Wrong};
use super::{Arguments, Failure, Outcome, cassette, listen, print, say, version};
use chaos::Ends;
use course::Course;
use options::{BAD_CLIENT, Options, TABLE};
use script::DIRECTIVES;
use stage::{Stage, State};
use step::Step;

/// So many connections at once; who comes beyond is closed without an answer.
const MOST_AT_ONCE: usize = 1_000;
/// A connection needs little more than its buffers.
const STACK: usize = 256 * 1024;
/// How long the acceptor rests after an error, which may repeat at once.
const BACK_OFF: Duration = Duration::from_millis(10);
/// How often is looked whether nobody is connected.
const LOOK: Duration = Duration::from_millis(50);

/// The help, with what a script can say behind the options.
fn help() -> String {
    let width = DIRECTIVES.iter().map(|directive| directive.name.len() + directive.takes.len() + 1);
    let width = width.max().unwrap_or(0);
    let rows = DIRECTIVES.iter().map(|directive| {
        let form = format!("{} {}", directive.name, directive.takes);
        format!("  : {form:width$}  {}\n", directive.doc)
    });
    let rows: String = rows.collect();
    format!("{}\nIn a script, these comments are done and not sent:\n{rows}", TABLE.help())
}

pub(super) fn run(arguments: Arguments<'_>) -> Outcome {
    match TABLE.parse(arguments).map_err(Failure::Usage)? {
        Parsed::Help => print(&help()),
        Parsed::Version => version(),
        Parsed::Run(options, operands) => match operands.as_slice() {
            [script] => mock(&options, script),
            _ => Err(Failure::Usage(Wrong::new("mock needs a script: mock SCRIPT".into()))),
        },
    }
}

fn mock(options: &Options, path: &str) -> Outcome {
    let is_text = options.tokens || path.ends_with(".txt");
    let mut steps = load(options, path, is_text)?;
    if let Some(seed) = options.chaos {
        let ends = if is_text { Ends::MustNot } else { Ends::May };
        steps = chaos::disturb(steps, seed, ends);
    }
    let course = Course::new(step::mark(steps));
    if !options.print {
        return serve(options, course);
    }
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    let chaos = options.chaos.map(|seed| format!(" with --chaos {seed}")).unwrap_or_default();
    let about = format!("tidings mock {name}{chaos}");
    rehearse::rehearse(&course, options.chaos, &[about], &mut super::print_bytes)
}

/// Reads a file and makes steps of it, by what kind of file it is.
fn load(options: &Options, path: &str, is_text: bool) -> Result<Vec<Step>, Failure> {
    let failed = |why: String| Failure::Failed(format!("can't read the script {path}: {why}"));
    let wrong = |line: usize, what: &str| Failure::Failed(format!("{path}:{line}: {what}"));
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    if is_text {
        let text = String::from_utf8(bytes).map_err(|_| failed("a text must be UTF-8".into()))?;
        return Ok(tokens::steps(&text, Duration::from_secs_f64(1.0 / options.rate)));
    }
    if cassette::is_cassette(&bytes) {
        let tape = cassette::read(&bytes).map_err(|flaw| wrong(flaw.line, &flaw.what))?;
        if let Some(line) = tape.broken_off {
            let why = "was the recording broken off, or the file edited?";
            say(&format!("{path}:{line}: the file ends within this, so it is left out: {why}"));
        }
        return Ok(tape::steps(&tape.entries));
    }
    script::parse(&bytes).map_err(|flaw| wrong(flaw.line, &flaw.what))
}

/// Serves until something ends it, and prints the report card.
fn serve(options: &Options, course: Course) -> Outcome {
    let addresses = listen::resolve(&options.listen)?;
    let listener = TcpListener::bind(&*addresses).map_err(|error| {
        let why = || Failure::Failed(format!("can't listen on {}: {error}", options.listen));
        listen::refused(&options.listen, &error).unwrap_or_else(why)
    })?;
    let failed = |error: io::Error| Failure::Failed(format!("can't serve: {error}"));
    let address = listener.local_addr().map_err(failed)?;
    let (stop, stopped) = mpsc::channel();
    let has_keyboard = keyboard::is_there();
    if options.until_eof || has_keyboard {
        keyboard::read(stop.clone()).map_err(failed)?;
    }
    let stage = Arc::new(Stage {
        course,
        seed: options.chaos,
        speed: options.speed,
        stall: options.longest_stall(),
        most: options.connections,
        stop,
        started: Instant::now(),
        state: Mutex::new(State::new()),
    });
    print(&format!("listening on http://{address}\n"))?;
    if has_keyboard {
        say("Ctrl-D ends this with the report card");
    }
    let accepted = Arc::clone(&stage);
    let accept = move || accept(&listener, &accepted);
    thread::Builder::new().name("mock-accept".into()).spawn(accept).map_err(failed)?;
    wait(options.until_idle, &stopped, &stage)?;
    // What is still open ends with the program.
    let (card, is_good) = stage.lock().report.card(stage.now());
    print(&card)?;
    if is_good {
        return Ok(());
    }
    let said = "the client did not do all as it should: see the report card".into();
    Err(Failure::Ended { status: BAD_CLIENT, said })
}

/// Accepts for ever: an error, such as that of too many open files, passes.
fn accept(listener: &TcpListener, stage: &Arc<Stage>) {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((socket, _)) = listener.accept() else {
            thread::sleep(BACK_OFF);
            continue;
        };
        let (stage, place) = (Arc::clone(stage), Place::take(&open));
        let serve = move || {
            let _place = place;
            stage.serve(socket);
        };
        if open.load(Ordering::Relaxed) <= MOST_AT_ONCE {
            let thread = thread::Builder::new().name("mock-connection".into()).stack_size(STACK);
            // Where there can be no more threads, the socket is closed.
            let _ = thread.spawn(serve);
        }
    }
}

/// A connection's place among those that are open; given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits until a connection, standard input or the lack of connections ends it.
fn wait(until_idle: Option<Duration>, stopped: &Receiver<Outcome>, stage: &Stage) -> Outcome {
    loop {
        match stopped.recv_timeout(LOOK) {
            Ok(outcome) => return outcome,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                let idle = stage.lock().idle();
                if until_idle.zip(idle).is_some_and(|(most, idle)| idle >= most) {
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_tells_every_directive_and_fits_a_terminal() {
        let help = help();
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        for directive in &DIRECTIVES {
            assert!(help.contains(&format!("\n  : {} ", directive.name)), "{}", directive.name);
        }
    }
}
