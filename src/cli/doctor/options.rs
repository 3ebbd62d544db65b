//! The options of `doctor`.

use std::time::Duration;

use crate::cli::client::rows::{self, HasVia, NOT_UNDERSTOOD, field};
use crate::cli::duration::{LONGEST, SHORTEST};
use crate::cli::flags::{Flag, Table, flags};

/// What the command line says.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(super) url: String,
    pub(super) wait: Duration,
    /// Names and values, each fit for a request.
    pub(super) fields: Vec<(String, String)>,
    /// The origin of a page that is to read the stream.
    pub(super) origin: Option<String>,
    pub(super) publish: bool,
    /// A command that leads to the server.
    pub(super) via: Option<String>,
}

impl HasVia for Options {
    fn via(&mut self) -> &mut Option<String> {
        &mut self.via
    }
}

pub(crate) static TABLE: Table<Options> = Table {
    name: "doctor",
    summary: "finds what stands in the way of a stream",
    usage: "tidings doctor [options] URL",
    about: &[
        "Asks for a stream, whoever serves it, and finds what stands in its way: its head and \
         type, when the first byte comes, buffers, compression, chunks, heartbeats, what closes \
         it, whether a client that was away receives what it missed, whether pages of other \
         origins may read it, caches and proxies. Each finding comes with its remedy: the lines \
         for the proxies that the response names, or for all that the doctor knows.",
        "It watches the stream for --wait, or until a signal such as Ctrl-C, and asks for it a \
         few times more. That takes some 5 s, and longer only if the server is slow to respond or \
         doesn't. A URL of the form unix:PATH:/TARGET asks a server on a unix socket.",
    ],
    operands: &[Flag::<Options>::text("a URL", "URL", |o, url| o.url = url.into())],
    flags: &[
        &flags![Options,
            /// Watches the stream for this long. What is closed after a longer silence isn't found:
            /// most proxies wait for 60s, so 70s would show what becomes of a stream that is
            /// silent.
            duration("wait", SHORTEST..=LONGEST, |o, time| o.wait = time).default("20s"),
            /// Sends this field, but not to another server that a redirect leads to.
            checked("header", "'NAME: VALUE'", |o, line| {
                field(line).map(|field| o.fields.push(field))
            }).repeats().otherwise("those that every event source sends"),
            /// Asks whether pages of this origin may read the stream, such as https://app.example.
            checked("origin", "ORIGIN", |o, origin| {
                field(&format!("Origin: {origin}"))?;
                o.origin = Some(origin.into());
                Ok(())
            }).otherwise("an origin that no server knows"),
            /// Publishes five events on the stream's URL, as a tidings hub takes them, to see how
            /// long each takes. They have the type doctor.
            switch("publish", |o| o.publish = true),
        ],
        &rows::via(),
    ],
    exits: &[
        (0, "Nothing stands in the way of the stream, though there may be notes."),
        (1, "The report can't be written."),
        NOT_UNDERSTOOD,
        (FAULTS, "There is a fault: something stands in the way, or there is no stream."),
    ],
    more: Vec::new,
    run: |options| super::doctor(&options),
};

/// The exit status where there is a fault.
pub(super) const FAULTS: u8 = 3;

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
        let given = ["--wait=2", "--origin=https://a.example", "--header", "A: b", "--publish"];
        let options = parse(&TABLE, &given).unwrap();
        assert_eq!((options.wait, options.publish), (Duration::from_secs(2), true));
        assert_eq!(options.fields, [("A".into(), "b".into())]);
        assert_eq!(options.origin.as_deref(), Some("https://a.example"));
        assert!(parse(&TABLE, &["--origin=a\nb"]).unwrap_err().starts_with("--origin: "));
    }
}
