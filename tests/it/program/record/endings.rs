//! How a recording ends, and what is in the file then.

use std::process::{Child, Command, Stdio};

use super::*;
use crate::support::process::hub_path;
use crate::support::until;

/// A response whose first chunk is a block, and whose second is the beginning of another; then the
/// client leaves.
fn one_and_a_half() -> Script {
    Script::acts(vec![act(|peer| {
        peer.send(format!("{CHUNKED}9\r\ndata: a\n\n\r\n6\r\ndata: \r\n"));
        assert!(peer.is_left());
    })])
}

/// Is killed when dropped, as `kill -9` does, also by a test that fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_was_recorded_is_whole_when_the_program_is_killed() {
    let script = one_and_a_half();
    let file = place();
    let mut command = Command::new(hub_path());
    command.args(["record", &script.url("/")]).arg(&file.0).stderr(Stdio::null());
    let child = Killed(command.spawn().unwrap());
    let read = || std::fs::read(&file.0).unwrap_or_default();
    until("the event in the file", || events(&read()).len() == 1);
    drop(child);
    let expected = ": tidings cassette 1\n\
        : open + 200 text/event-stream\n\
        : read + 9\n\
        data: a\n";
    assert_eq!(without_times(&read()).join("\n"), expected);
    let path = file.0.display().to_string();
    let (printed, stderr, status) = run_hub(&["mock", "--print", &path]);
    assert!(printed.contains("data: a\n\n"), "{printed}");
    assert_eq!((&*stderr, status), ("", Some(0)));
}

#[test]
fn its_time_over_it_leaves() {
    let recorded = Recorded::of(&one_and_a_half().url("/"), &["--duration=1", "--quiet"]);
    let expected = ": tidings cassette 1\n\
        : open + 200 text/event-stream\n\
        : read + 9\n\
        data: a\n\
        \n\
        : part + 6\n\
        : rest data: \n\
        : end + left";
    assert_eq!(recorded.lines().join("\n"), expected);
    assert_eq!((&*recorded.stderr, recorded.status), ("", Some(0)));
}

#[test]
fn a_stall_is_recorded_and_can_be_met_again() {
    let options = ["--silence=1", "--no-reconnect", "--quiet"];
    let recorded = Recorded::of(&one_and_a_half().url("/"), &options);
    let mock = recorded.mock(&["--speed=100"]);
    let again = Recorded::of(&mock.address().to_string(), &options);
    for recorded in [&recorded, &again] {
        assert_eq!(recorded.lines().last().unwrap(), ": end + stall");
        let said = "tidings: nothing has come for 1s\n";
        assert_eq!((&*recorded.stderr, recorded.status), (said, Some(5)));
    }
}

#[test]
fn a_block_without_an_end_ends_it() {
    let script = Script::acts(vec![act(|peer| {
        peer.send(STREAM);
        let fields = "field: that nobody knows\n".repeat(40_000);
        (0..40).for_each(|_| peer.send(&fields));
    })]);
    let recorded = Recorded::of(&script.url("/"), &["--quiet", "--no-reconnect"]);
    let said = "tidings: the stream goes on and on without the end of a block\n";
    assert_eq!((&*recorded.stderr, recorded.status), (said, Some(6)));
}

#[test]
fn a_place_that_can_not_be_written_is_told() {
    let script = Script::responses([STREAM]);
    let (_, stderr, status) = run_hub(&["record", "--quiet", &script.url("/"), "/there/is/none"]);
    assert!(stderr.starts_with("tidings: can't write /there/is/none: "), "{stderr}");
    assert_eq!((stderr.lines().count(), status), (1, Some(1)));
}

#[cfg(unix)]
#[test]
fn a_file_that_can_grow_no_further_ends_with_what_is_whole() {
    let script = Script::acts(vec![act(|peer| {
        let event = format!("data: {}\n\n", "x".repeat(92));
        peer.send(CHUNKED);
        (0..1_000).for_each(|_| peer.send(format!("64\r\n{event}\r\n")));
    })]);
    let file = place();
    // A write that passes the limit does what it can, as on a disk that gets full.
    let limited = "trap '' XFSZ && ulimit -f 32 && exec \"$0\" record --quiet \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited]).arg(hub_path()).arg(script.url("/")).arg(&file.0);
    let output = command.output().unwrap();
    let path = file.0.display().to_string();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with(&format!("tidings: can't write {path}: ")), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
    assert!(events(&std::fs::read(&file.0).unwrap()).len() > 50);
    let (_, stderr, status) = run_hub(&["mock", "--print", &path]);
    assert_eq!((&*stderr, status), ("", Some(0)));
}

#[cfg(unix)]
#[test]
fn a_file_that_can_not_grow_at_all_is_not_left() {
    let script = Script::responses([format!("{STREAM}data: a\n\n")]);
    let file = place();
    let limited = "trap '' XFSZ && ulimit -f 0 && exec \"$0\" record --quiet \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited]).arg(hub_path()).arg(script.url("/")).arg(&file.0);
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("tidings: can't write "), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
    assert!(!file.0.exists());
}

#[test]
fn a_wrong_command_line_is_told_what_was_meant() {
    for (arguments, said) in [
        (&["record", "h"][..], "a file is missing: tidings record [options] URL FILE|-"),
        (&["record", "--forse", "h", "f"], "unknown option --forse: did you mean --force?"),
        (
            &["record", "--force", "h", "-"],
            "--force writes over a file, and - is standard output: leave --force out, or name a \
             file",
        ),
        (&["record", "ftp://h/", "-"], "a URL must begin with http:// or https://: \"ftp://h/\""),
        (
            &["record", "h", "f", "g"],
            "unexpected argument \"g\": tidings record [options] URL FILE|-",
        ),
    ] {
        let (stdout, stderr, status) = run_hub(arguments);
        assert!(stderr.starts_with(&format!("tidings: {said}")), "{stderr}");
        assert!(stderr.ends_with("\n'tidings record --help' lists the options\n"), "{stderr}");
        assert_eq!((&*stdout, status), ("", Some(2)));
    }
}

#[test]
fn its_help_tells_its_options_and_its_statuses() {
    let (stdout, _, status) = run_hub(&["record", "--help"]);
    assert!(stdout.starts_with("Usage: tidings record [options] URL FILE|-\n"), "{stdout}");
    for option in ["--count", "--duration", "--force", "--header", "--data", "--silence"] {
        assert!(stdout.contains(&format!("\n  {option}")), "{stdout}");
    }
    assert!(stdout.contains("\nExit status:\n  0   "), "{stdout}");
    assert_eq!(status, Some(0));
}
