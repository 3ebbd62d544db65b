//! What the program says of itself, and of a command line that it can't follow.

use std::process::{Command, Stdio};

use super::super::support::process::{hub_path, run, run_fed, run_hub};
use super::*;

#[track_caller]
fn usage_error(arguments: &[&str], said: &str) {
    let (stdout, stderr, status) = run_hub(arguments);
    assert_eq!(stderr, format!("tidings: {said}\n'tidings --help' lists the options\n"));
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
        for told in ["\n  serve  ", "\n  --listen ADDR\n", "\n      [default: 1000]\n"] {
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
    usage_error(&["--lag=drop"], "--lag must be skip or close or conflate, and not \"drop\"");
    usage_error(&["--log=yes"], "--log takes no value, but was given \"yes\"");
    usage_error(&["--lag=skip", "--lag=skip"], "--lag can be given only once");
    usage_error(&["serve", "now"], "unexpected argument \"now\": serve takes only options");
}

#[test]
fn an_unknown_command_is_told_which_there_are() {
    let all = "the commands are bench, completions, doctor, help, journal, mock, record, serve, tail, token";
    for arguments in [&["nonsense"][..], &["help", "nonsense"]] {
        usage_error(arguments, &format!("unknown command \"nonsense\"\n{all}"));
    }
    let said = format!("unknown command \"serv\": did you mean serve?\n{all}");
    usage_error(&["serv"], &said);
    usage_error(&["help", "serv"], &said);
    usage_error(
        &["help", "mock", "tail"],
        "unexpected argument \"tail\": tidings help [--man] [COMMAND]",
    );
}

#[test]
fn help_of_a_command_is_what_it_prints_itself() {
    for command in ["bench", "completions", "journal", "mock", "record", "serve", "tail", "token"] {
        let (stdout, stderr, status) = run_hub(&["help", command]);
        assert!(stdout.starts_with("Usage: tidings "), "{stdout}");
        assert!(stdout.contains(command), "{stdout}");
        assert_eq!((&*stderr, status), ("", Some(0)));
        assert_eq!(run_hub(&[command, "--help"]).0, stdout);
        assert_eq!(run_hub(&[command, "-h"]).0, stdout);
    }
    assert_eq!(run_hub(&["help"]), run_hub(&["--help"]));
    let (stdout, _, status) = run_hub(&["help", "help"]);
    assert!(stdout.starts_with("Usage: tidings help [--man] [COMMAND]\n"), "{stdout}");
    assert!(stdout.contains("\n  --man\n"), "{stdout}");
    assert_eq!(status, Some(0));
}

#[test]
fn the_man_page_is_one_page_of_all_commands() {
    usage_error(
        &["help", "--man", "serve"],
        "--man prints one page of all commands: leave the command out, or --man",
    );
    let (stdout, stderr, status) = run_hub(&["help", "--man"]);
    assert_eq!((&*stderr, status), ("", Some(0)));
    assert!(stdout.starts_with(".TH TIDINGS 1 "), "{stdout}");
    for told in [".SS bench\n", ".SS tail\n", "\n\\fB\\-\\-max\\-event\\fR \\fIBYTES\\fR\n"] {
        assert!(stdout.contains(told), "{told} in {stdout}");
    }
}

#[test]
fn completions_are_for_the_shells_that_are_known() {
    for (shell, begins) in [
        ("bash", "_tidings() {\n"),
        ("zsh", "#compdef tidings\n"),
        ("fish", "complete -c tidings -f\n"),
    ] {
        let (stdout, stderr, status) = run_hub(&["completions", shell]);
        assert_eq!((&*stderr, status), ("", Some(0)));
        assert!(stdout.starts_with(begins), "{stdout}");
    }
    for (arguments, said) in [
        (&["completions", "tcsh"][..], "a shell must be bash or zsh or fish, and not \"tcsh\""),
        (&["completions"], "a shell is missing: tidings completions bash|zsh|fish"),
    ] {
        let (_, stderr, status) = run_hub(arguments);
        let remedy = "'tidings completions --help' lists the options";
        assert_eq!(stderr, format!("tidings: {said}\n{remedy}\n"));
        assert_eq!(status, Some(2));
    }
}

#[test]
fn a_help_is_as_wide_as_columns_says() {
    for command in ["bench", "help", "journal", "mock", "record", "serve", "tail"] {
        let help = |columns: &str| {
            let mut program = Command::new(hub_path());
            run(program.args([command, "--help"]).env("COLUMNS", columns), b"").0
        };
        let widest = |help: &str| help.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest(&help("40")) <= 40, "{}", help("40"));
        assert!((80..=100).contains(&widest(&help("100"))), "{}", help("100"));
        let usual = run_hub(&[command, "--help"]).0;
        assert!((70..=80).contains(&widest(&usual)), "{usual}");
        for nothing in ["", "0", "wide", "-1"] {
            assert_eq!(help(nothing), usual);
        }
    }
}

#[test]
fn a_duration_is_the_same_in_every_command_and_in_a_script() {
    for arguments in [
        &["serve", "--heartbeat=15 s"][..],
        &["bench", "--duration=15 s"],
        &["record", "--duration", "15 s"],
        &["tail", "--silence=15 s"],
        &["mock", "--until-idle=15 s"],
    ] {
        let (_, stderr, status) = run_hub(arguments);
        let said = "must be a duration such as 200ms, 1.5s or 2m, and not \"15 s\"\n";
        assert!(stderr.contains(said), "{stderr}");
        assert_eq!(status, Some(2));
    }
    for duration in ["2", "2s", "2000ms"] {
        let script = format!("data: a\n\n: wait {duration}\ndata: b\n\n");
        let (stdout, _, _) = run_fed(&["mock", "--print", "-"], script.as_bytes());
        assert!(stdout.contains("\n: read +2s 9\n"), "{stdout}");
    }
}

#[test]
fn two_dashes_end_the_options() {
    let (_, stderr, status) = run_hub(&["serve", "--", "--log"]);
    let said = "tidings: unexpected argument \"--log\": serve takes only options\n";
    assert!(stderr.starts_with(said), "{stderr}");
    assert_eq!(status, Some(2));
    let (stdout, _, status) = run_fed(&["tail", "--json", "--", "-"], b"data: a\n\n");
    assert!(stdout.contains("\"a\""), "{stdout}");
    assert_eq!(status, Some(0));
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_text_is_told() {
    use std::os::unix::ffi::OsStrExt;
    let argument = std::ffi::OsStr::from_bytes(b"--listen=\xff");
    let (_, stderr, status) = run_hub(&[argument]);
    assert!(stderr.starts_with("tidings: an argument must be UTF-8: \"--listen=\\xFF\"\n"));
    assert_eq!(status, Some(2));
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
    for (address, why) in [
        ("", "a host has a port after it, such as localhost:3000"),
        ("127.0.0.1:99999", "a port is a number from 0 to 65535"),
    ] {
        let said = format!("--listen: {address:?} is no place to listen: {why}");
        usage_error(&[&format!("--listen={address}")], &said);
        let (_, stderr, status) = run_hub(&["mock", "-", &format!("--listen={address}")]);
        let help = "'tidings mock --help' lists the options";
        assert_eq!((stderr, status), (format!("tidings: {said}\n{help}\n"), Some(2)));
    }
}

/// No resolver knows a name in `.invalid` (RFC 6761, section 6.4); what it says differs.
#[test]
fn a_host_that_is_unknown_is_told_what_to_check() {
    let (_, stderr, status) = run_hub(&["--listen=hub.invalid:0"]);
    let begins = "tidings: can't listen on hub.invalid:0: no address is known for this host (";
    let ends = "): check its spelling and the DNS, or give an address\n";
    assert!(stderr.starts_with(begins) && stderr.ends_with(ends), "{stderr}");
    assert_eq!(status, Some(1));
}

#[test]
fn where_others_can_connect_somebody_has_to_say_who_may_publish() {
    failure(
        &["--listen=0.0.0.0:0"],
        "0.0.0.0:0 can be reached from other machines, so say who may publish: --token-file FILE \
         or --key-file FILE for those who have a token, or --anyone-may-publish",
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
    let why = "can't read the token file /there/is/none: No such file or directory (os error 2): \
               make one with '(umask 077; openssl rand -hex 16 > FILE)'";
    failure(&[LISTEN, missing], why);
    let folder = std::env::temp_dir();
    let why = format!(
        "can't read the token file {}: Is a directory (os error 21): name a file that this user \
         may read",
        folder.display(),
    );
    failure(&[LISTEN, &format!("--token-file={}", folder.display())], &why);
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
