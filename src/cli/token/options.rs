//! The options of `token`.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::access::Claims;
use crate::cli::duration::LONGEST;
use crate::cli::flags::{Table, flags};

/// What the command line says.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(super) key_file: Option<PathBuf>,
    /// Those of a new token, without its times.
    pub(super) claims: Claims,
    /// From now on.
    pub(super) lasts: Duration,
    pub(super) url: Option<String>,
    /// A token, or `-`, which is standard input.
    pub(super) show: Option<String>,
}

/// The end of a token is a whole second.
const SHORTEST: Duration = Duration::from_secs(1);

/// What a token can't be made without.
pub(super) const NO_KEYS: &str = "--key-file is missing: give the file that the hub was started \
                                  with, or make one with '(umask 077; openssl rand -hex 32 > \
                                  FILE)'";

pub(crate) static TABLE: Table<Options> = Table {
    name: "token",
    summary: "makes a token for a hub with --key-file, or shows one",
    usage: "tidings token --key-file FILE [--subscribe NAME]... [--publish NAME]... [options]",
    about: &[
        "Prints a token that is signed with the first key of the file. A hub that was started \
         with this file lets its bearer follow and publish what the token says. Clients send it \
         as 'Authorization: Bearer TOKEN', as a cookie of the name tidings, or in a URL as \
         ?token=TOKEN. It is a JSON Web Token with HS256, so any other program with the key can \
         make one too. A NAME is a channel's, or NAME.* for all below it, or * for all: quote \
         these two in a shell. Without a NAME, the token is good for the /metrics of a private \
         hub.",
        "Nobody can take a token back before its time is over, except by a change of the key: \
         keep --for short.",
    ],
    operands: &[],
    flags: &[&flags![Options,
        /// Reads the key from this file: a line of 32 bytes or more, as 'openssl rand -hex 32'
        /// prints it. The key is the line as it stands, not what its digits stand for. Of several
        /// lines, the first signs, and a hub accepts each.
        text("key-file", "FILE", |o, file| o.key_file = Some(file.into()))
            .otherwise("none, which only --show can do without"),
        /// Lets the bearer follow this channel, or all that match a pattern.
        checked("subscribe", "NAME", |o, name| o.claims.subscribe.push(name)).repeats()
            .otherwise("nothing of a private hub"),
        /// Lets the bearer publish on this channel, or on all that match a pattern.
        checked("publish", "NAME", |o, name| o.claims.publish.push(name)).repeats()
            .otherwise("nothing"),
        /// Lets the token hold for this long, such as 10m or 30d. Streams that were opened with it
        /// end with it.
        duration("for", SHORTEST..=LONGEST, |o, time| o.lasts = time).default("1h"),
        /// Says whose token it is, for the log of the hub.
        text("sub", "WHO", |o, who| o.claims.subject = Some(who.into())).otherwise("nobody's"),
        /// Prints this URL with the token in its query, and not the token alone.
        text("url", "URL", |o, url| o.url = Some(url.into())).otherwise("the token alone"),
        /// Shows what a token claims, when it ends and whether it holds, and makes none. Checks the
        /// signature if there is --key-file. With - it reads tokens from standard input, one a
        /// line, and prints 'ok' or 'refused: ' and the reason for each: so no token stands on a
        /// command line, where every user of the machine can read it.
        text("show", "TOKEN", |o, token| o.show = Some(token.into())).otherwise("makes a token"),
    ]],
    exits: &[
        (0, "The token is made. With --show: it holds, or all do."),
        (1, "The key file can't be used: standard error says why."),
        (2, "The options can't be understood."),
        (REFUSED, "With --show: a token does not hold."),
    ],
    more: Vec::new,
    run: |options| super::token(&options),
};

/// The exit status if a token does not hold.
pub(super) const REFUSED: u8 = 3;

impl Options {
    /// Fails if an option could have no effect beside another.
    pub(super) fn check(&self) -> Result<(), String> {
        let claims = &self.claims;
        let said = [
            ("subscribe", claims.subscribe.iter().next().is_some()),
            ("publish", claims.publish.iter().next().is_some()),
            ("for", self.lasts != TABLE.defaults().lasts),
            ("sub", claims.subject.is_some()),
            ("url", self.url.is_some()),
        ];
        match said.iter().find(|(_, said)| *said && self.show.is_some()) {
            Some((name, _)) => Err(format!(
                "--show makes no token, so --{name} has no effect: leave one of them out"
            )),
            None => Ok(()),
        }
    }
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
        let given = ["--subscribe=a", "--subscribe=b.*", "--publish=*", "--for=90s", "--sub=ann"];
        let options = parse(&TABLE, &given).expect("it is right");
        let claims = &options.claims;
        assert!(claims.subscribe.iter().eq(["a", "b.*"]) && claims.publish.iter().eq(["*"]));
        assert_eq!(claims.subject.as_deref(), Some("ann"));
        assert_eq!(options.lasts, Duration::from_secs(90));
        assert_eq!(parse(&TABLE, &[]).expect("it is right").lasts, Duration::from_secs(3600));
        let wrong = parse(&TABLE, &["--publish=a b"]).expect_err("it is no name");
        assert!(wrong.starts_with("--publish: \"a b\" is not a channel's name"), "{wrong}");
    }

    #[test]
    fn what_could_have_no_effect_is_refused() {
        for given in ["subscribe=a", "publish=a", "for=2h", "sub=ann", "url=/"] {
            let given = format!("--{given}");
            let name = given.split('=').next().unwrap_or_default();
            let options = parse(&TABLE, &["--show=T", &given]).expect("it is right");
            let why =
                format!("--show makes no token, so {name} has no effect: leave one of them out");
            assert_eq!(options.check(), Err(why));
        }
    }
}
