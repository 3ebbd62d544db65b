//! The mock's options.

use std::time::Duration;

use super::load;
use crate::cli::duration::{LONGEST, SHORTEST};
use crate::cli::flags::{Flag, MOST, Table, flags};
use crate::cli::listen::Place;

/// What the command line says.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// A file's name, or `-`, which is standard input.
    pub(super) script: String,
    /// `HOST:PORT`, not yet resolved.
    pub(super) listen: String,
    /// The script is a text, whatever its name.
    pub(super) tokens: bool,
    /// Tokens for each second; finite and over zero.
    pub(super) rate: f64,
    /// How many times as fast; finite and over zero.
    pub(super) speed: f64,
    pub(super) chaos: Option<u64>,
    pub(super) stall: Option<Duration>,
    pub(super) connections: Option<u64>,
    pub(super) until_idle: Option<Duration>,
    pub(super) until_eof: bool,
    pub(super) print: bool,
}

pub(crate) static TABLE: Table<Options> = Table {
    name: "mock",
    summary: "serves the streams that a script describes, with their faults",
    usage: "tidings mock SCRIPT|- [--listen 127.0.0.1:0] [options]",
    about: &["Serves event streams from a script: an event stream as it goes over the wire, with \
              comments that direct the mock; or from a cassette; or from a .txt file, token by \
              token, as a language model would. With - the script is standard input. The mock \
              serves the script from its beginning on every path and to every method, and pages of \
              every origin may read it. A client that reconnects to a path is sent what follows. \
              The mock prints a line for each connection, and when it ends, a report card of the \
              client."],
    operands: &[Flag::<Options>::text("a script", "SCRIPT", |o, script| o.script = script.into())],
    flags: &[&flags![Options,
        /// Listens on this address, or on this port for this machine alone. Port 0 picks a free
        /// port, which the first line of standard output names.
        checked("listen", "HOST:PORT", |o, place| {
            Place::parse_tcp_alone(place).map(|address| o.listen = address)
        }).default("127.0.0.1:0"),
        /// Sends the stream as badly as the standard allows: split anywhere, late, with comments,
        /// byte order marks and line ends of all kinds, and with connections that end or stall
        /// (except for a text, which no client resumes). A correct client sees the same events. The
        /// same seed sends the same bytes.
        number("chaos", "SEED", 0..=MOST, |o, seed| o.chaos = Some(seed.into()))
            .otherwise("as the script says"),
        /// Closes a stalled connection after the client has stayed this long. --speed shortens
        /// this, like all waits. Some seeds of --chaos stall a connection.
        duration("stall", SHORTEST..=LONGEST, |o, time| o.stall = Some(time))
            .otherwise("10s with --chaos, else no limit"),
        /// Plays everything N times as fast.
        checked("speed", "N", |o, value| {
            o.speed = positive(value).ok_or_else(|| {
                format!("give how many times as fast, such as 10 or 0.5, and not {value:?}")
            })?;
            Ok(())
        }).default("1"),
        /// Sends the script as text, token by token, whatever its file name.
        switch("tokens", |o| o.tokens = true),
        /// Sends N tokens of a text each second.
        checked("rate", "N/s", |o, value| {
            let number = value.strip_suffix("/s").unwrap_or(value);
            o.rate = positive(number).ok_or_else(|| {
                format!("give tokens per second, such as 20/s, and not {value:?}")
            })?;
            Ok(())
        }).default("20/s"),
        /// Ends after N connections, with the report card. The mock doesn't see what the client
        /// does after the last of them.
        number("connections", "N", 1..=MOST, |o, n| o.connections = Some(n.into()))
            .otherwise("no limit"),
        /// Ends after this long without a connection, with the report card, once there has been a
        /// connection. A missing reconnect is only noticed after twice the client's reconnection
        /// time: after 500ms at least, and after 6s if the script sets none.
        duration("until-idle", SHORTEST..=LONGEST, |o, time| o.until_idle = Some(time))
            .otherwise("no end"),
        /// Ends when standard input ends, with the report card. SIGINT (Ctrl-C), SIGTERM and SIGHUP
        /// do this too; a second signal ends the mock at once.
        switch("until-eof", |o| o.until_eof = true),
        /// Prints what the mock would send, as a cassette, and serves nothing.
        switch("print", |o| o.print = true),
    ]],
    exits: &[
        (0, "The report card has no NO, or --print has printed everything."),
        (1, "The mock can't run: standard error says why."),
        (2, "The options can't be understood."),
        (BAD_CLIENT, "The report card has a NO."),
    ],
    more: super::directives,
    run: super::mock,
};

/// How long a stall lasts under chaos: longer than most deadlines for silence in tests.
const STALL: Duration = Duration::from_secs(10);

impl Options {
    /// Fails if an option could have no effect beside another, or on this script.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.script == load::STANDARD_INPUT && self.until_eof {
            let what = "--until-eof waits for the end of standard input, which is the script here";
            return Err(what.into());
        }
        let unsaid = TABLE.defaults();
        if self.rate != unsaid.rate && !self.is_text() {
            return Err(format!(
                "--rate is how fast a text is sent, and {} is none: leave --rate out, or send it \
                 as text with --tokens",
                load::name(&self.script)
            ));
        }
        let said = [
            ("listen", self.listen != unsaid.listen),
            ("stall", self.stall.is_some()),
            ("speed", self.speed != unsaid.speed),
            ("connections", self.connections.is_some()),
            ("until-idle", self.until_idle.is_some()),
            ("until-eof", self.until_eof),
        ];
        match said.iter().find(|(_, said)| *said && self.print) {
            Some((name, _)) => Err(format!(
                "--print serves nothing, so --{name} has no effect: leave one of them out"
            )),
            None => Ok(()),
        }
    }

    /// Whether the script is sent as a text, token by token.
    pub(super) fn is_text(&self) -> bool {
        self.tokens || self.script.ends_with(".txt")
    }

    /// How long a stall lasts at most, at the speed that was asked for.
    pub(super) fn longest_stall(&self) -> Option<Duration> {
        let most = self.stall.or(self.chaos.map(|_| STALL));
        most.map(|most| most.div_f64(self.speed))
    }
}

/// The exit status if the client did not do as it should.
pub(super) const BAD_CLIENT: u8 = 3;

/// A number that can be divided by, and not so large or small that nothing would be left.
fn positive(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|number| plain && (0.001..=1e6).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flags::support::{check, parse};

    #[test]
    fn the_table_keeps_the_rules_of_all_tables() {
        check(&TABLE);
    }

    #[test]
    fn what_is_given_is_what_holds() {
        let given = ["--rate=2.5/s", "--speed=10", "--chaos=0", "--until-idle=2s", "x"];
        let options = parse(&TABLE, &given).expect("it is right");
        assert_eq!((options.rate, options.speed, options.chaos), (2.5, 10.0, Some(0)));
        assert_eq!(options.until_idle, Some(Duration::from_secs(2)));
        assert_eq!(parse(&TABLE, &["--rate=7"]).expect("it is right").rate, 7.0);
    }

    #[test]
    fn what_could_have_no_effect_is_refused() {
        let check = |given: &[&str]| parse(&TABLE, given).expect("it is right").check();
        let text = "--rate is how fast a text is sent, and a.sse is none: leave --rate out, or \
                    send it as text with --tokens";
        assert_eq!(check(&["a.sse", "--rate=9/s"]), Err(text.into()));
        assert_eq!(check(&["a.sse", "--rate=9/s", "--tokens"]), Ok(()));
        assert_eq!(check(&["a.txt", "--rate=9/s", "--print"]), Ok(()));
        for given in
            ["listen=1", "stall=1", "speed=2", "connections=1", "until-idle=1", "until-eof"]
        {
            let given = format!("--{given}");
            let name = given.split('=').next().unwrap_or_default();
            let why =
                format!("--print serves nothing, so {name} has no effect: leave one of them out");
            assert_eq!(check(&["a.sse", "--print", &given]), Err(why));
            assert_eq!(check(&["a.sse", &given]), Ok(()));
        }
    }

    #[test]
    fn a_stall_has_a_limit_where_one_is_given_or_chaos_stalls() {
        let stall = |given: &[&str]| {
            let options = parse(&TABLE, given).expect("it is right");
            options.longest_stall().map(|time| time.as_millis())
        };
        assert_eq!(stall(&["x"]), None);
        assert_eq!(stall(&["x", "--stall=3"]), Some(3000));
        assert_eq!(stall(&["x", "--chaos=1"]), Some(10_000));
        assert_eq!(stall(&["x", "--chaos=1", "--stall=3", "--speed=100"]), Some(30));
        let longest = stall(&["x", "--stall=4294967295", "--speed=0.001"]);
        assert_eq!(longest, Some(4_294_967_295_000_000));
    }

    #[test]
    fn a_speed_that_nothing_could_have_is_refused() {
        for value in ["0", "-1", "+1", "inf", "NaN", "1e3", "", "0.0001", "1000001", "."] {
            let wrong = parse(&TABLE, &[&format!("--speed={value}")]).expect_err("it is wrong");
            let why = format!(
                "--speed: give how many times as fast, such as 10 or 0.5, and not {value:?}"
            );
            assert_eq!(wrong, why);
            parse(&TABLE, &[&format!("--rate={value}/s")]).expect_err("it is wrong");
        }
    }
}
