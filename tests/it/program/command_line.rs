//! What the program says of itself, and of a command line that it can't follow.

use std::process::{Command, Stdio};

use super::super::support::process::{hub_path, run_hub};
use super::*;

#[track_caller]
fn usage_error(arguments: &[&str], said: &str) {
    let (stdout, stderr, status) = run_hub(arguments);
    assert_eq!(stderr, format!("tidings: {said}\n'tidings --help' tells what can be said\n"));
    assert_eq!((&*stdout, status), ("", Some(2)));
}

#[track_caller]
fn failure(arguments: &[&str], said: &str) {
    let (stdout, stderr, status) = run_hub(arguments);
    assert_eq!(stderr, format!("tidings: {said}\n"));
    assert_eq!((&*stdout, status), ("", Some(1)));
}

#[test]
fn help_tells_the_commands_and_the_options() {
    for arguments in [["--help"], ["-h"], ["help"]] {
        let (stdout, stderr, status) = run_hub(&arguments);
        assert!(stdout.starts_with("tidings "), "{stdout}");
        for told in ["\n  serve  ", "\n  --listen HOST:PORT\n", "\n      [default: 1000]\n"] {
            assert!(stdout.contains(told), "{told} in {stdout}");
        }
        assert_eq!((&*stderr, status), ("", Some(0)));
    }
    let (stdout, _, status) = run_hub(&["serve", "--help"]);
    assert!(stdout.starts_with("Usage: tidings [serve] [--listen 127.0.0.1:3000] [options]\n"));
    assert_eq!(status, Some(0));
}

#[test]
fn the_version_is_that_of_the_crate() {
    for arguments in [&["--version"][..], &["-V"], &["serve", "--version"]] {
        let expected = concat!("tidings ", env!("CARGO_PKG_VERSION"), "\n").to_owned();
        assert_eq!(run_hub(arguments), (expected, String::new(), Some(0)));
    }
}

#[test]
fn a_wrong_option_is_told_what_was_meant() {
    usage_error(&["--histroy", "5"], "unknown option --histroy: did you mean --history?");
    usage_error(&["serve", "--history"], "--history needs a value: --history N");
    usage_error(&["--history=0"], "--history must be a number from 1 to 4294967295, and not \"0\"");
    usage_error(&["--lag=drop"], "--lag must be skip or close, and not \"drop\"");
    usage_error(&["--log=yes"], "--log takes no value, and was given \"yes\"");
    usage_error(&["--lag=skip", "--lag=skip"], "--lag can be given only once");
    usage_error(&["serv"], "unknown command \"serv\": did you mean serve?");
    usage_error(&["serve", "now"], "unexpected argument \"now\": serve takes options alone");
}

#[test]
fn a_taken_port_is_told_at_once() {
    let first = hub(&[]);
    let listen = format!("--listen={}", first.address());
    failure(
        &[&listen],
        &format!(
            "can't listen on {}: the address is taken: stop what listens there, or give --listen \
             another port (0 takes a free one)",
            first.address(),
        ),
    );
}

#[test]
fn an_address_that_is_none_is_told_what_one_is() {
    failure(
        &["--listen=3000"],
        "can't listen on \"3000\": invalid socket address: give --listen as HOST:PORT, such as \
         127.0.0.1:3000, [::1]:3000 or localhost:0",
    );
}

#[test]
fn where_others_can_connect_somebody_has_to_say_who_may_publish() {
    failure(
        &["--listen=0.0.0.0:0"],
        "0.0.0.0:0 can be reached from other machines, so say who may publish: --token-file FILE \
         for those who have a token, or --anyone-may-publish",
    );
    let open = Process::hub(&["--listen=0.0.0.0:0", "--anyone-may-publish"]);
    assert_eq!(open.stdout(), [format!("listening on http://0.0.0.0:{}", open.address().port())]);
}

#[test]
fn a_host_name_is_an_address_too() {
    let named = Process::hub(&["--listen=localhost:0"]);
    assert!(named.address().ip().is_loopback());
    publish(&named, "/events/a", "x");
}

#[test]
fn a_token_file_that_is_of_no_use_is_told_at_the_start() {
    let missing = "--token-file=/there/is/none";
    let why = "can't read the token file /there/is/none: No such file or directory (os error 2)";
    failure(&[LISTEN, missing], why);
    let empty = TemporaryFile::new("empty", "\n");
    let why = "is empty: write a token into it that is hard to guess";
    let said = format!("the token file {} {why}", empty.0.display());
    failure(&[LISTEN, &empty.argument()], &said);
}

#[cfg(unix)]
#[test]
fn row_37_a_closed_standard_output_ends_the_program_quietly() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    for argument in [LISTEN, "--help", "--version"] {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(ours);
        let output = Command::new(hub_path())
            .arg(argument)
            .stdin(Stdio::null())
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{argument}");
        assert_eq!(output.status.code(), Some(0), "{argument}");
    }
}
