//! The programs from scratch under strace: the system calls that their headers say.

use super::{ANY_PORT, HEAD, SOURCES, chunk, exchange, open, publish};
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

/// The names of the calls for each client, from its connection on. What only a debug build asks is
/// left out.
fn names_for_clients(calls: &[String]) -> Vec<Vec<&str>> {
    let names =
        calls.iter().filter_map(|line| line.split_once(' ')?.1.trim_start().split_once('('));
    let names = names.map(|(name, _)| name).filter(|name| *name != "fcntl");
    let names: Vec<&str> = names.skip_while(|name| *name != "accept4").collect();
    let clients = names.split(|name| *name == "accept4").skip(1);
    clients.map(|names| [&["accept4"], names].concat()).collect()
}

/// What the header of a program says of its system calls.
fn said(program: usize) -> String {
    let (_, rest) = SOURCES[program - 1].split_once("//! System calls: ").expect("it says so");
    let (said, _) = rest.split_once("\n//!\n").expect("an end");
    said.replace("\n//! ", " ")
}

#[test]
fn the_first_three_make_the_system_calls_that_they_say() {
    assert_eq!(
        said(1),
        "`accept4`, `recvfrom` for the request, `sendto` for the head, `clock_nanosleep` and \
         `sendto` for each event, `close`: 14 for a client. A debug build, which is what cargo \
         makes here, has an `fcntl` before each `close`: std looks whether the socket is open."
    );
    assert_eq!(
        said(2),
        "those of the first program, and one `sendto` for the last chunk: 15 for a client."
    );
    assert_eq!(
        said(3),
        "as in the second program, with the first chunk in the `sendto` of the head. There is no \
         `clock_nanosleep` for events that were missed."
    );
    const EVENT: [&str; 2] = ["clock_nanosleep", "sendto"];
    let begin = ["accept4", "recvfrom", "sendto"];
    let Some(calls) = traced("scratch_1_socket", 1, |example| drop(exchange(example, ""))) else {
        return;
    };
    let events = [EVENT; 5].concat();
    let names = &names_for_clients(&calls)[0];
    assert_eq!(*names, [&begin[..], &events, &["close"]].concat());
    assert_eq!(names.len(), 14);
    let of_one = [&begin[..], &events, &["sendto", "close"]].concat();
    assert_eq!(of_one.len(), 15);
    let calls = traced("scratch_2_chunks", 1, |example| drop(exchange(example, "")));
    assert_eq!(names_for_clients(&calls.expect("as before"))[0], of_one);
    let mut sent = 0;
    let calls = traced("scratch_3_resume", 1, |example| {
        exchange(example, "");
        let resumed = exchange(example, "Last-Event-ID: 1\r\n");
        sent = resumed.strip_prefix(HEAD).expect("the head").matches("data: ").count();
    });
    let calls = calls.expect("as before");
    let names = names_for_clients(&calls);
    assert_eq!(names[0], of_one);
    let missed = vec!["sendto"; sent - 5];
    assert!(missed.len() >= 3, "{sent}");
    assert_eq!(names[1], [&begin[..], &missed, &events, &["sendto", "close"]].concat());
}

#[test]
fn the_others_make_the_system_calls_that_they_say() {
    assert_eq!(
        said(4),
        "for a client `accept4`, `clone3` and some 20 around it for the thread, `recvfrom` for the \
         request, `setsockopt`, `sendto`, `recvfrom` again, which waits for the client's end, and \
         `close`. For a line `read`, and `sendto` to each client."
    );
    assert_eq!(
        said(5),
        "for a client `accept4`, `clone3` and some 20 around it for the thread, `recvfrom`, two \
         `setsockopt`, `ioctl`, `sendto`, `close`. For a line `read`, and `sendto` to each client. \
         Ten times a second `clock_nanosleep`, and `sendto` to each client that is slow."
    );
    assert_eq!(said(6), "those of the fifth program.");
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
        assert_eq!(count(" clone3("), threads - 1 + 2, "{name}");
        assert_eq!(count(" setsockopt("), 1 + 2 * options, "{name}");
        assert_eq!(count(", FIONBIO, "), 2 * nonblocking, "{name}");
        assert_eq!(count(" recvfrom("), 2 * reads, "{name}");
        // It may not have come to wait for a fourth.
        assert!((3..=4).contains(&count(" read(0, ")), "{name}");
    }
}
