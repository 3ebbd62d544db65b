//! The options of `tail`.

use crate::cli::client::{Follow, rows};
use crate::cli::flags::{Flag, MOST, Table, flags};

/// What the command line says.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Or `-`, which is standard input.
    pub(super) url: String,
    pub(super) json: bool,
    pub(super) raw: bool,
    /// Only events of these types, if there are any.
    pub(super) types: Vec<String>,
    /// How many bytes of data an event may have, if not as many as by default.
    pub(super) max_event: Option<u32>,
    pub(super) follow: Follow,
}

impl AsMut<Follow> for Options {
    fn as_mut(&mut self) -> &mut Follow {
        &mut self.follow
    }
}

pub(crate) static TABLE: Table<Options> = Table {
    name: "tail",
    summary: "prints the events of a stream as they arrive",
    usage: "tidings tail [options] URL|-",
    about: &["Prints the events of a stream as they arrive. When the connection ends, tail \
              reconnects and resumes after the last event ID. Its output is safe for a terminal, \
              whatever the stream contains. Notes about the connection go to standard error. A URL \
              of the form unix:PATH:/TARGET asks a server on a unix socket. With - tail reads an \
              event stream from standard input."],
    operands: &[Flag::<Options>::text("a URL", "URL", |o, url| o.url = url.into())],
    flags: &[
        &flags![Options,
            /// Prints each event as a JSON object on a line: event, data, id (the last event ID),
            /// and retry in milliseconds, at most a day, if it was set since the event before.
            switch("json", |o| o.json = true),
            /// Shows what goes over the wire: each write and each read with its time, where chunks
            /// begin and end, and what each line means.
            switch("raw", |o| o.raw = true),
            /// Prints and counts only events of this type. Events without a type have the type
            /// message. --raw shows everything, so there this only decides what --count counts.
            text("event", "TYPE", |o, event_type| o.types.push(event_type.into())).repeats()
                .otherwise("events of every type"),
            /// Limits how much data an event may have, in one line and in all its lines. A larger
            /// event ends tail.
            number("max-event", "BYTES", 1..=MOST, |o, n| o.max_event = Some(n))
                .otherwise("4194304 in a line, 16777216 in all"),
        ],
        &rows::all(),
        &rows::via(),
    ],
    exits: &rows::exits(
        "The events of --count are printed, or with --no-reconnect or --data the stream has \
         ended, or a signal such as Ctrl-C ended tail, or nobody reads the output any more.",
    ),
    more: Vec::new,
    run: |options| super::tail(&options),
};

#[cfg(test)]
mod tests;
