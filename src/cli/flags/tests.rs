//! Flags of a command line that only these tests know.

use std::ffi::OsString;
use std::time::Duration;

use super::*;

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    quiet: bool,
    count: Option<u32>,
    data: Option<String>,
    wait: Option<Duration>,
    mode: String,
    names: Vec<String>,
    url: String,
}

static TABLE: Table<Options> = Table {
    name: "try",
    summary: "tries",
    usage: "tidings try [options] URL",
    about: &["Tries."],
    operands: &[Flag::<Options>::text("a URL", "URL", |o, url| o.url = url.into())],
    flags: &[&flags![Options,
        /// Counts so many.
        number("count", "N", 1..=9, |o, n| o.count = Some(n)),
        /// Sends this.
        text("data", "TEXT", |o, text| o.data = Some(text.into())),
        /// Waits so long.
        duration("wait", Duration::from_millis(1)..=Duration::from_secs(60), |o, time| {
            o.wait = Some(time);
        }).default("1s"),
        /// How.
        text("mode", "slow|fast", |o, mode| o.mode = mode.into()).default("slow"),
        /// Who.
        checked("name", "NAME", |o, name| match name {
            "" => Err("a name must not be empty".into()),
            name => {
                o.names.push(name.into());
                Ok(())
            }
        }).repeats(),
        /// Says nothing.
        switch("quiet", |o| o.quiet = true),
    ]],
    exits: &[(0, "All is well."), (3, "It is not.")],
    more: Vec::new,
    run: |_| Ok(()),
};

fn parse(arguments: &[&str]) -> Result<Parsed<Options>, String> {
    TABLE.parse(&mut arguments.iter().map(OsString::from))
}

/// What these arguments and a URL come to.
#[track_caller]
fn options(arguments: &[&str]) -> Options {
    match parse(&[&["u"], arguments].concat()) {
        Ok(Parsed::Run(options)) if options.url == "u" => options,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

#[track_caller]
fn wrong(arguments: &[&str]) -> String {
    match parse(arguments) {
        Err(wrong) => wrong.to_string(),
        Ok(parsed) => panic!("{arguments:?} is not wrong: {parsed:?}"),
    }
}

#[test]
fn a_value_stands_behind_a_space_or_an_equals_sign() {
    let expected =
        Options { count: Some(3), mode: "fast".into(), url: "u".into(), ..TABLE.defaults() };
    assert_eq!(options(&["--count", "3", "--mode", "fast"]), expected);
    assert_eq!(options(&["--count=3", "--mode=fast"]), expected);
}

#[test]
fn only_the_first_equals_sign_divides() {
    assert_eq!(options(&["--name=a=b", "--name", "c=d"]).names, ["a=b", "c=d"]);
}

#[test]
fn an_operand_may_stand_anywhere() {
    let url = || "http://h/?a=b".into();
    let quiet = || Options { quiet: true, url: url(), ..TABLE.defaults() };
    for arguments in [["--quiet", "http://h/?a=b"], ["http://h/?a=b", "--quiet"]] {
        assert_eq!(parse(&arguments), Ok(Parsed::Run(quiet())));
    }
    let dash = Options { url: "-".into(), ..TABLE.defaults() };
    assert_eq!(parse(&["-"]), Ok(Parsed::Run(dash)));
    assert_eq!(wrong(&["a", "b"]), "unexpected argument \"b\": tidings try [options] URL");
}

#[test]
fn an_operand_that_is_missing_is_named() {
    let said = "a URL is missing: tidings try [options] URL";
    assert_eq!([wrong(&[]), wrong(&["--quiet"]), wrong(&["--"])], [said; 3]);
}

#[test]
fn help_and_version_have_a_long_and_a_short_name() {
    for help in ["--help", "-h"] {
        assert_eq!(parse(&["--quiet", help, "--nonsense"]), Ok(Parsed::Help));
    }
    for version in ["--version", "-V"] {
        assert_eq!(parse(&[version]), Ok(Parsed::Version));
    }
}

#[test]
fn a_letter_stands_for_its_flag_and_its_value_may_follow_at_once() {
    for arguments in [&["-d", "a=b"][..], &["-da=b"], &["--data=a=b"]] {
        assert_eq!(options(arguments).data.as_deref(), Some("a=b"), "{arguments:?}");
    }
    assert_eq!(options(&["-d=a"]).data.as_deref(), Some("=a"), "as curl has it");
    assert_eq!(options(&["-dé"]).data.as_deref(), Some("é"));
    assert_eq!(wrong(&["-d"]), "--data needs a value: --data TEXT");
    assert_eq!(wrong(&["-dx", "--data=y"]), "--data can be given only once");
}

#[test]
fn two_dashes_end_the_options() {
    let operand = |arguments: &[&str]| match parse(arguments) {
        Ok(Parsed::Run(options)) => (options.quiet, options.url),
        other => panic!("{arguments:?}: {other:?}"),
    };
    assert_eq!(operand(&["--quiet", "--", "--quiet"]), (true, "--quiet".into()));
    assert_eq!(operand(&["--", "-d"]), (false, "-d".into()));
    assert_eq!(operand(&["--", "--"]), (false, "--".into()));
    assert_eq!(operand(&["--", ""]), (false, "".into()));
    assert_eq!(wrong(&["--count", "--", "3"]), "--count needs a value: --count N");
}

#[test]
fn a_duration_has_a_unit_or_is_of_seconds() {
    let millis = |value| options(&["--wait", value]).wait.map(|time| time.as_millis());
    assert_eq!(["1", "1s", "1000ms"].map(millis), [Some(1000); 3]);
    assert_eq!(millis("0.5m"), Some(30_000));
    for bad in ["0", "61", "2m"] {
        let expected = format!("--wait must be a duration from 1ms to 60s, and not {bad:?}");
        assert_eq!(wrong(&["--wait", bad]), expected);
    }
    let form = "--wait must be a duration such as 200ms, 1.5s or 2m, and not \"1w\"";
    assert_eq!(wrong(&["--wait=1w"]), form);
}

#[test]
fn an_unknown_option_is_met_with_the_nearest() {
    assert_eq!(wrong(&["--quite"]), "unknown option --quite: did you mean --quiet?");
    assert_eq!(wrong(&["-count", "3"]), "unknown option -count: did you mean --count?");
    assert_eq!(wrong(&["--cuont=3"]), "unknown option --cuont: did you mean --count?");
    assert_eq!(wrong(&["--cheddar"]), "unknown option --cheddar");
    assert_eq!(wrong(&["-x"]), "unknown option -x");
    assert_eq!(wrong(&["-data", "x"]), "unknown option -data: did you mean --data?");
    assert_eq!(wrong(&["-help"]), "unknown option -help: did you mean --help?");
    assert_eq!(wrong(&["-H", "x"]), "unknown option -H");
    assert_eq!(wrong(&["-HAuthorization: secret"]), "unknown option -H");
    assert_eq!(wrong(&["-hx"]), "unknown option -hx");
    assert_eq!(wrong(&["--\u{1b}[2J"]), "unknown option --\\u{1b}[2J");
}

#[test]
fn a_missing_value_is_named() {
    assert_eq!(wrong(&["--count"]), "--count needs a value: --count N");
    assert_eq!(wrong(&["--mode", "--quiet"]), "--mode needs a value: --mode slow|fast");
}

#[test]
fn a_bad_value_is_told_what_was_expected() {
    for bad in ["0", "10", "-1", "+1", "1.5", "x", "", " 1", "99999999999999999999"] {
        let expected = format!("--count must be a number from 1 to 9, and not {bad:?}");
        assert_eq!(wrong(&["--count", bad]), expected);
    }
    assert_eq!(wrong(&["--mode=Fast"]), "--mode must be slow or fast, and not \"Fast\"");
    assert_eq!(wrong(&["--name="]), "--name: a name must not be empty");
}

#[test]
fn a_flag_that_takes_nothing_is_given_nothing() {
    assert_eq!(wrong(&["--quiet=yes"]), "--quiet takes no value, but was given \"yes\"");
}

#[test]
fn what_does_not_repeat_can_be_given_once() {
    assert_eq!(wrong(&["--count=1", "--count=1"]), "--count can be given only once");
    assert_eq!(wrong(&["--quiet", "--quiet"]), "--quiet can be given only once");
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let mut arguments = [OsString::from_vec(b"a\xFF".to_vec())].into_iter();
    let wrong = TABLE.parse(&mut arguments).expect_err("no text");
    assert_eq!(wrong, "an argument must be UTF-8: \"a\\xFF\"");
}

#[test]
fn the_help_is_made_of_the_table() {
    let help = "Usage: tidings try [options] URL\n\
        \n\
        Tries.\n\
        \n\
        Options:\n  \
          --count N\n      \
              Counts so many.\n  \
          --data TEXT\n      \
              Sends this. Also -d.\n  \
          --wait DURATION\n      \
              Waits so long.\n      \
              [default: 1s]\n  \
          --mode slow|fast\n      \
              How.\n      \
              [default: slow]\n  \
          --name NAME\n      \
              Who. May be given several times.\n  \
          --quiet\n      \
              Says nothing.\n  \
          --help\n      \
              Prints this. Also -h.\n  \
          --version\n      \
              Prints the version. Also -V.\n\
        \n\
        A DURATION is a number with ms, s, m, h or d, such as 1.5s; a bare number is\n\
        seconds.\n\
        \n\
        Exit status:\n  \
          0   All is well.\n  \
          3   It is not.\n";
    assert_eq!(TABLE.shown().help(80), help);
}
