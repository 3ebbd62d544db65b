//! What can be asked of `tail`, and what it does unasked.

use std::time::Duration;

use tidings::EventId;
use tidings::client::StreamRequest;

use crate::cli::flags::{Flag, Preset, Table, Takes};

/// What the command line says.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) json: bool,
    pub(super) raw: bool,
    pub(super) last_event_id: Option<EventId>,
    /// Only events of these types, if there are any.
    pub(super) types: Vec<String>,
    pub(super) count: Option<u32>,
    /// Names and values that a request can carry.
    pub(super) fields: Vec<(String, String)>,
    /// The media type of what is sent, where a field names it.
    pub(super) content_type: Option<String>,
    /// What is sent, or `@` and the name of the file that contains it.
    pub(super) data: Option<String>,
    pub(super) no_reconnect: bool,
    pub(super) attempts: Option<u32>,
    pub(super) silence: Option<Duration>,
    pub(super) quiet: bool,
}

/// How it ends, beside what every command can end with.
pub(super) const NO_MORE: u8 = 3;
pub(super) const NO_STREAM: u8 = 4;
pub(super) const NO_CONNECTION: u8 = 5;
pub(super) const TOO_LONG: u8 = 6;

/// All the options, those of one concern together.
pub(super) static TABLE: Table<Options> = Table {
    command: "tail",
    usage: "tidings tail [options] URL",
    about: "Prints the events of a stream as they come. When the connection ends it connects \
            again, and goes on behind the last event ID. What it prints of a stream is safe for \
            a terminal. Of connections it tells on standard error.",
    operands: &["URL"],
    flags: &[
        Flag {
            name: "json",
            takes: Takes::Nothing(|o| o.json = true),
            repeats: false,
            default: Preset::None,
            doc: "Prints each event as a JSON object on a line: event, data, id (the last event \
                  ID), and retry in milliseconds where the event set it.",
        },
        Flag {
            name: "raw",
            takes: Takes::Nothing(|o| o.raw = true),
            repeats: false,
            default: Preset::None,
            doc: "Shows what goes over the wire: every write and every read with its time, where \
                  chunks begin and end, and what each line means.",
        },
        Flag {
            name: "event",
            takes: text("TYPE", |o, event_type| {
                o.types.push(event_type.into());
                Ok(())
            }),
            repeats: true,
            default: Preset::Words("events of every type"),
            doc: "Prints, and counts, only events of this type. Those without one are of the \
                  type message.",
        },
        Flag {
            name: "count",
            takes: Takes::Number {
                name: "N",
                least: 1,
                most: u32::MAX,
                set: |o, n| o.count = Some(n),
            },
            repeats: false,
            default: Preset::Words("no end"),
            doc: "Ends after so many events.",
        },
        Flag {
            name: "last-event-id",
            takes: text("ID", |o, id| {
                o.last_event_id = Some(EventId::new(id).map_err(|error| error.to_string())?);
                Ok(())
            }),
            repeats: false,
            default: Preset::Words("none: the server begins where it likes"),
            doc: "Asks for what came behind this event.",
        },
        Flag {
            name: "header",
            takes: text("'NAME: VALUE'", add_field),
            repeats: true,
            default: Preset::Words("those that every event source sends"),
            doc: "Sends this field. It is not sent to another server, should a redirect lead \
                  there.",
        },
        Flag {
            name: "data",
            takes: text("TEXT|@FILE", |o, data| {
                o.data = Some(data.into());
                Ok(())
            }),
            repeats: false,
            default: Preset::Words("a GET"),
            doc: "Asks with a POST that sends this text, or what the file contains (@- is \
                  standard input); as application/json, unless --header names a Content-Type. \
                  As it might do something twice, it is not sent again when the connection ends.",
        },
        Flag {
            name: "no-reconnect",
            takes: Takes::Nothing(|o| o.no_reconnect = true),
            repeats: false,
            default: Preset::None,
            doc: "Ends when the connection ends.",
        },
        Flag {
            name: "attempts",
            takes: Takes::Number {
                name: "N",
                least: 1,
                most: u32::MAX,
                set: |o, n| o.attempts = Some(n),
            },
            repeats: false,
            default: Preset::Words("no end"),
            doc: "Gives up when so many connections in a row could not be made.",
        },
        Flag {
            name: "silence",
            takes: Takes::Number {
                name: "SECONDS",
                least: 1,
                most: u32::MAX,
                set: |o, n| o.silence = Some(Duration::from_secs(n.into())),
            },
            repeats: false,
            default: Preset::Words("for ever"),
            doc: "For how long the server may send nothing, not even a comment, before the \
                  connection is taken for dead.",
        },
        Flag {
            name: "quiet",
            takes: Takes::Nothing(|o| o.quiet = true),
            repeats: false,
            default: Preset::None,
            doc: "Does not tell of connections that come and go.",
        },
        Flag::help(),
        Flag::version(),
    ],
    exits: &[
        (
            0,
            "The events of --count are printed, or with --no-reconnect or --data the stream has \
             ended, or nobody reads the output any more.",
        ),
        (1, "Something is wrong on this side: a file or the output."),
        (2, "The options or the URL can't be understood."),
        (NO_MORE, "The server says that there is no more: 204."),
        (NO_STREAM, "The answer is no event stream: another status, another type."),
        (NO_CONNECTION, "The connection could not be made or was cut, and is not tried again."),
        (TOO_LONG, "A line or an event is longer than what is taken."),
    ],
};

const fn text(
    name: &'static str,
    set: fn(&mut Options, &str) -> Result<(), String>,
) -> Takes<Options> {
    Takes::Text { name, set }
}

/// `field-line = field-name ":" OWS field-value OWS`
fn add_field(options: &mut Options, line: &str) -> Result<(), String> {
    let Some((name, value)) = line.split_once(':') else {
        return Err(format!("{line:?} is not of the form 'Name: value'"));
    };
    let value = value.trim_matches([' ', '\t']);
    if name.eq_ignore_ascii_case("content-type") {
        options.content_type = Some(value.into());
        return Ok(());
    }
    if name.eq_ignore_ascii_case("last-event-id") {
        return Err("give --last-event-id in its place".into());
    }
    // Any request will do to find out whether it can carry the field.
    let any = StreamRequest::get("http://localhost/");
    any.and_then(|any| any.with_field(name, value)).map_err(|error| error.to_string())?;
    options.fields.push((name.into(), value.into()));
    Ok(())
}

#[cfg(test)]
mod tests;
