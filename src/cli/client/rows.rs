//! The rows that the tables of `tail` and `record` share.
//!
//! A table's options hold a [`Follow`], and its rows reach it by `AsMut`.

use std::time::Duration;

use tidings::EventId;
use tidings::client::StreamRequest;

use super::follow::{Follow, NO_CONNECTION, NO_MORE, NO_STREAM, TOO_LONG};
use crate::cli::duration;
use crate::cli::flags::{Flag, Preset, Takes};

pub(crate) const fn count<O: AsMut<Follow>>() -> Flag<O> {
    Flag {
        name: "count",
        takes: number("N", |o, n| o.as_mut().count = Some(n)),
        repeats: false,
        default: Preset::Words("no end"),
        doc: "Ends after N events.",
    }
}

pub(crate) const fn last_event_id<O: AsMut<Follow>>() -> Flag<O> {
    Flag {
        name: "last-event-id",
        takes: text("ID", |o, id| {
            let id = EventId::new(id).map_err(|error| error.to_string())?;
            o.as_mut().last_event_id = Some(id);
            Ok(())
        }),
        repeats: false,
        default: Preset::Words("none: the server begins where it likes"),
        doc: "Asks for what came after the event with this id.",
    }
}

pub(crate) const fn header<O: AsMut<Follow>>() -> Flag<O> {
    Flag {
        name: "header",
        takes: text("'NAME: VALUE'", |o, line| add_field(o.as_mut(), line)),
        repeats: true,
        default: Preset::Words("those that every event source sends"),
        doc: "Sends this field, but not to another server that a redirect leads to.",
    }
}

pub(crate) const fn data<O: AsMut<Follow>>() -> Flag<O> {
    Flag {
        name: "data",
        takes: text("TEXT|@FILE", |o, data| {
            o.as_mut().data = Some(data.into());
            Ok(())
        }),
        repeats: false,
        default: Preset::Words("a GET"),
        doc: "Sends a POST with this text, or with what the file contains (@- is standard input), \
              unchanged. It is sent as application/json, unless --header names a Content-Type. \
              Since it might do something twice, it is not sent again when the connection ends.",
    }
}

pub(crate) const fn no_reconnect<O: AsMut<Follow>>() -> Flag<O> {
    Flag {
        name: "no-reconnect",
        takes: Takes::Nothing(|o| o.as_mut().no_reconnect = true),
        repeats: false,
        default: Preset::None,
        doc: "Ends when the connection ends.",
    }
}

pub(crate) const fn keep_trying<O: AsMut<Follow>>() -> Flag<O> {
    Flag {
        name: "keep-trying",
        takes: Takes::Nothing(|o| o.as_mut().keep_trying = true),
        repeats: false,
        default: Preset::None,
        doc: "Tries again after a response of 429, 502, 503 or 504 as well: after the time that \
              its Retry-After names, and else after longer and longer pauses.",
    }
}

pub(crate) const fn attempts<O: AsMut<Follow>>() -> Flag<O> {
    Flag {
        name: "attempts",
        takes: number("N", |o, n| o.as_mut().attempts = Some(n)),
        repeats: false,
        default: Preset::Words("no end"),
        doc: "Gives up when so many attempts in a row have brought no stream.",
    }
}

pub(crate) const fn silence<O: AsMut<Follow>>() -> Flag<O> {
    Flag {
        name: "silence",
        takes: Takes::Duration {
            least: Duration::from_millis(1),
            most: duration::LONGEST,
            set: |o, time| o.as_mut().silence = Some(time),
        },
        repeats: false,
        default: Preset::Words("no limit"),
        doc: "Treats the connection as dead after this much silence: not even a comment. The \
              response must begin within this time too, and within 30s at most.",
    }
}

pub(crate) const fn quiet<O: AsMut<Follow>>() -> Flag<O> {
    Flag {
        name: "quiet",
        takes: Takes::Nothing(|o| o.as_mut().quiet = true),
        repeats: false,
        default: Preset::None,
        doc: "Prints no notes about connections.",
    }
}

/// What the exit statuses mean; when all went well is for the command to say.
pub(crate) const fn exits(well: &'static str) -> [(u8, &'static str); 7] {
    [
        (0, well),
        (1, "A file or standard output can't be read or written."),
        (2, "The options or the URL can't be understood."),
        (NO_MORE, "The server says that there is no more: 204."),
        (
            NO_STREAM,
            "The response is no event stream: another status, another type; or it breaks the \
             rules of HTTP, be it in the middle of the stream.",
        ),
        (
            NO_CONNECTION,
            "The connection could not be made, was cut or fell silent, and is not tried again.",
        ),
        (TOO_LONG, "A line or an event is longer than its limit."),
    ]
}

const fn number<O>(name: &'static str, set: fn(&mut O, u32)) -> Takes<O> {
    Takes::Number { name, least: 1, most: u32::MAX, set }
}

const fn text<O>(name: &'static str, set: fn(&mut O, &str) -> Result<(), String>) -> Takes<O> {
    Takes::Text { name, set }
}

/// `field-line = field-name ":" OWS field-value OWS`
fn add_field(options: &mut Follow, line: &str) -> Result<(), String> {
    let Some((name, value)) = line.split_once(':') else {
        return Err("it must be of the form 'Name: value'".into());
    };
    let value = value.trim_matches([' ', '\t']);
    let is_type = name.eq_ignore_ascii_case("content-type");
    let given = |(other, _): &(String, String)| other.eq_ignore_ascii_case(name);
    if options.fields.iter().any(given) || is_type && options.content_type.is_some() {
        return Err(format!("{name} is given twice, and goes out once"));
    }
    if is_type {
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
