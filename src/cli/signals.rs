//! Signals that end the program: the first one as the command says, the second one at once.
//!
//! ```text
//! main ── block ──► all other threads, in which they stay blocked
//!   └──► a thread of its own: wait ──► first ──► what the command has said, else exit
//!             └──────────────────────► second ──► exit with 128 + its number, as a shell has it
//! ```
//!
//! One cause may send several: timeout(1) signals the program and its process group, wrappers pass
//! on what a terminal has sent already, and systemd ends a session by SIGTERM and SIGHUP together
//! (systemd.kill(5), SendSIGHUP=). So what comes [`AT_ONCE`] after the first one is no second one.
//!
//! A command says with [`on_first`] how it ends early. Until then, and in a command that has
//! nothing to end, the first signal counts as the second.

use std::io;
use std::process;
use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::say;
use super::sys::{SIGHUP, SIGINT, SIGTERM, Signals};

/// It waits, and calls what a command has said.
const STACK: usize = 64 * 1024;

/// All signals within this time count as one: no hand is so fast, and nobody who sends a second one
/// on purpose. It counts from the end of what the first one did, as the second waits for that.
const AT_ONCE: Duration = Duration::from_millis(50);

/// What the first signal does; gone once it has come.
type First = Box<dyn FnOnce(&'static str) + Send>;

/// Held for no longer than it takes to put something in or out.
static FIRST: Mutex<Option<First>> = Mutex::new(None);

/// What has to be done before the program ends.
static AT_END: OnceLock<fn()> = OnceLock::new();

/// Why nobody waits for signals, if nobody does.
static MISSING: OnceLock<String> = OnceLock::new();

fn first() -> MutexGuard<'static, Option<First>> {
    FIRST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Blocks the signals, and starts the thread that waits for them. Call it before any other thread
/// is started, as those inherit that they are blocked.
pub(super) fn start() {
    if let Err(error) = try_to_start() {
        let _ = MISSING.set(error.to_string());
    }
}

fn try_to_start() -> io::Result<()> {
    // Whoever starts the thread has it too, to let them end the program if there is none.
    static SIGNALS: OnceLock<Signals> = OnceLock::new();
    let blocked = Signals::block()?;
    let signals = SIGNALS.get_or_init(|| blocked);
    let wait = || {
        let mut done: Option<Instant> = None;
        while let Ok(number) = signals.wait() {
            let first = first().take();
            match first {
                Some(first) => {
                    first(name(number));
                    done = Some(Instant::now());
                }
                None if done.is_some_and(|at| at.elapsed() < AT_ONCE) => {}
                None => exit(128 + number),
            }
        }
    };
    let thread = thread::Builder::new().name("tidings-signals".into()).stack_size(STACK);
    thread.spawn(wait).map(drop).or_else(|error| signals.unblock().and(Err(error)))
}

/// Says what the first signal does, in place of what was said before. It is given the signal's
/// name, and must not block: the second signal waits for its end. Where nobody waits for signals,
/// the user is told.
pub(super) fn on_first(act: impl FnOnce(&'static str) + Send + 'static) {
    static TOLD: Once = Once::new();
    if let Some(why) = MISSING.get() {
        let said = format!("a signal ends this program at once, and nothing ends well: {why}");
        TOLD.call_once(|| say(&said));
    }
    *first() = Some(Box::new(act));
}

/// Has this done before the program ends, by itself or by a signal. It may be called more than
/// once.
#[cfg(all(feature = "tools", unix))]
pub(super) fn at_end(act: fn()) {
    let _ = AT_END.set(act);
}

/// Does what has to be done before the program ends.
pub(super) fn before_end() {
    if let Some(act) = AT_END.get() {
        act();
    }
}

fn exit(status: i32) -> ! {
    before_end();
    process::exit(status)
}

/// Ends the program with status 0 if it is still there after this time.
pub(super) fn end_within(time: Duration) {
    let end = move || {
        thread::sleep(time);
        exit(0);
    };
    // Where there is no thread, the second signal ends it.
    let _ = thread::Builder::new().stack_size(STACK).spawn(end);
}

/// Whether a signal ends the program as the command has said, and not at once.
pub(super) fn are_waited_for() -> bool {
    MISSING.get().is_none()
}

fn name(number: i32) -> &'static str {
    match number {
        SIGHUP => "SIGHUP",
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        _ => "a signal",
    }
}
