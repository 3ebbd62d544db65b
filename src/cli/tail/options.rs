//! What can be asked of `tail`, and what it does unasked.

use crate::cli::client::{Follow, rows};
use crate::cli::flags::{Flag, Preset, Table, Takes};

/// What the command line says.
#[derive(Debug, Default)]
pub(super) struct Options {
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

/// All the options, those of one concern together.
pub(super) static TABLE: Table<Options> = Table {
    command: "tail",
    usage: "tidings tail [options] URL|-",
    about: "Prints the events of a stream as they come. When the connection ends, tail connects \
            again and resumes after the last event ID. Its output is safe for a terminal, whatever \
            the stream brings. Notes about the connection go to standard error. With - it reads an \
            event stream from standard input.",
    operands: &["URL"],
    flags: &[
        Flag {
            name: "json",
            takes: Takes::Nothing(|o| o.json = true),
            repeats: false,
            default: Preset::None,
            doc: "Prints each event as a JSON object on a line: event, data, id (the last event \
                  ID), and retry in milliseconds, at most a day, where it was set since the event \
                  before.",
        },
        Flag {
            name: "raw",
            takes: Takes::Nothing(|o| o.raw = true),
            repeats: false,
            default: Preset::None,
            doc: "Shows what goes over the wire: each write and each read with its time, where \
                  chunks begin and end, and what each line means.",
        },
        Flag {
            name: "event",
            takes: Takes::Text {
                name: "TYPE",
                set: |o, event_type| {
                    o.types.push(event_type.into());
                    Ok(())
                },
            },
            repeats: true,
            default: Preset::Words("events of every type"),
            doc: "Prints, and counts, only events of this type. Events without a type are of the \
                  type message. With --raw, which shows everything, it only counts.",
        },
        rows::count(),
        rows::last_event_id(),
        rows::header(),
        rows::data(),
        rows::no_reconnect(),
        rows::keep_trying(),
        rows::attempts(),
        rows::silence(),
        Flag {
            name: "max-event",
            takes: Takes::Number {
                name: "BYTES",
                least: 1,
                most: u32::MAX,
                set: |o, n| o.max_event = Some(n),
            },
            repeats: false,
            default: Preset::Words("4194304 in a line, 16777216 in all"),
            doc: "Limits how much data an event may have, in one line or in all its lines. Past it \
                  tail ends.",
        },
        rows::quiet(),
        Flag::help(),
        Flag::version(),
    ],
    exits: &rows::exits(
        "The events of --count are printed, or with --no-reconnect or --data the stream has \
         ended, or nobody reads the output any more.",
    ),
};

#[cfg(test)]
mod tests;
