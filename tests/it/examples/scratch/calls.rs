//! The programs from scratch under strace: the system calls that their headers say.

use super::{ANY_PORT, chunk, exchange, open, publish};
use crate::support::process::{Process, example_path};
use crate::support::strace::Strace;
use crate::support::until;

/// The names of the system calls of one of these programs, and what they say, after a part of its
/// life, at whose end it has so many threads; nothing if they can't be traced here.
fn traced(name: &str, threads: usize, live: impl FnOnce(&mut Process)) -> Option<Vec<String>> {
    let strace = Strace::to(name)?;
    let mut command = strace.command(&[], &example_path(name));
    let mut example = Process::start(command.arg(ANY_PORT));
    live(&mut example);
    example.kill();
    Some(strace.lines(threads, "+++ killed by SIGKILL +++"))
}

/// The names of the calls from the first connection on, up to the second one. What only a debug build
/// asks is left out.
fn names_for_one_client(calls: &[String]) -> Vec<&str> {
    let names =
        calls.iter().filter_map(|line| line.split_once(' ')?.1.trim_start().split_once('('));
    let names = names.map(|(name, _)| name).filter(|name| *name != "fcntl");
    let mut names: Vec<&str> = names.skip_while(|name| *name != "accept4").collect();
    let end = names.iter().skip(1).position(|name| *name == "accept4");
    names.truncate(end.map_or(names.len(), |end| end + 1));
    names
}

#[test]
fn the_first_three_make_the_system_calls_that_they_say() {
    const EVENT: [&str; 2] = ["clock_nanosleep", "sendto"];
    let begin = ["accept4", "recvfrom", "sendto"];
    let Some(calls) = traced("scratch_1_socket", 1, |example| drop(exchange(example, ""))) else {
        return;
    };
    let events = [EVENT; 5].concat();
    let names = names_for_one_client(&calls);
    assert_eq!(names, [&begin[..], &events, &["close"]].concat());
    assert_eq!(names.len(), 14);
    for name in ["scratch_2_chunks", "scratch_3_resume"] {
        let calls = traced(name, 1, |example| drop(exchange(example, ""))).expect("as before");
        let names = names_for_one_client(&calls);
        assert_eq!(names, [&begin[..], &events, &["sendto", "close"]].concat(), "{name}");
        assert_eq!(names.len(), 15);
    }
}

#[test]
fn the_others_make_the_system_calls_that_they_say() {
    for (name, options, nonblocking, reads, threads) in [
        ("scratch_4_many", 1, 0, 2, 2),
        ("scratch_5_slow", 2, 1, 1, 3),
        ("scratch_6_log", 2, 1, 1, 3),
    ] {
        let live = |example: &mut Process| {
            let mut streams = [(); 2].map(|()| open(example, None));
            streams.iter_mut().for_each(|stream| drop(chunk(stream)));
            for line in ["one", "two", "three"] {
                publish(example, line);
                streams.iter_mut().for_each(|stream| drop(chunk(stream)));
            }
            drop(streams);
            until("the end of each client's thread", || example.threads(name) == threads);
        };
        let Some(calls) = traced(name, threads, live) else { return };
        let count = |call: &str| {
            let made = calls.iter().filter(|line| !line.contains(" resumed>"));
            made.filter(|line| line.contains(call)).count()
        };
        assert_eq!(count(" sendto("), 2 + 2 * 3, "{name}");
        assert_eq!(count(" setsockopt("), 1 + 2 * options, "{name}");
        assert_eq!(count(", FIONBIO, "), 2 * nonblocking, "{name}");
        assert_eq!(count(" recvfrom("), 2 * reads, "{name}");
        // It may not have come to wait for a fourth.
        assert!((3..=4).contains(&count(" read(0, ")), "{name}");
    }
}
