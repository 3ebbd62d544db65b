//! The flags that `tail` and `record` share.
//!
//! The options of both hold a [`Follow`], which the flags reach through `AsMut`. [`via`] is in the
//! tables of `bench` and `doctor` too.

use tidings::EventId;
use tidings::client::StreamRequest;

use super::carrier::command;
use super::follow::{Follow, NO_CONNECTION, NO_MORE, NO_STREAM, TOO_LONG};
use crate::cli::duration::{LONGEST, SHORTEST};
use crate::cli::flags::{Flag, MOST, flags};

pub(crate) const fn all<O: AsMut<Follow>>() -> [Flag<O>; 9] {
    flags![O,
        /// Ends after N events.
        number("count", "N", 1..=MOST, |o, n| o.as_mut().count = Some(n)).otherwise("no end"),
        /// Asks for the events after the one with this id.
        checked("last-event-id", "ID", |o, id| {
            let id = EventId::new(id).map_err(|error| error.to_string())?;
            o.as_mut().last_event_id = Some(id);
            Ok(())
        }).otherwise("none: the server decides where to begin"),
        /// Sends this field, but not to another server that a redirect leads to.
        checked("header", "'NAME: VALUE'", |o, line| add_field(o.as_mut(), line)).repeats()
            .otherwise("those that every event source sends"),
        /// Sends a POST with this text, or with the content of the file (@- is standard input),
        /// unchanged. Its type is application/json, unless --header names a Content-Type. A
        /// repeated POST could repeat its effect, so it isn't sent again when the connection ends.
        text("data", "TEXT|@FILE", |o, data| o.as_mut().data = Some(data.into()))
            .otherwise("a GET"),
        /// Ends when the connection ends.
        switch("no-reconnect", |o| o.as_mut().no_reconnect = true),
        /// Reconnects after a response of 429, 502, 503 or 504 too: after the time that its
        /// Retry-After names, and else after longer and longer pauses.
        switch("keep-trying", |o| o.as_mut().keep_trying = true),
        /// Gives up after N attempts in a row that brought no stream.
        number("attempts", "N", 1..=MOST, |o, n| o.as_mut().attempts = Some(n)).otherwise("no end"),
        /// Treats the connection as dead if nothing, not even a comment, comes for so long. The
        /// response must begin within this time too, and within 30s at most.
        duration("silence", SHORTEST..=LONGEST, |o, time| o.as_mut().silence = Some(time))
            .otherwise("no limit"),
        /// Prints no notes about connections.
        switch("quiet", |o| o.as_mut().quiet = true),
    ]
}

/// Options with a command that leads to the server.
pub(crate) trait HasVia {
    fn via(&mut self) -> &mut Option<String>;
}

impl<O: AsMut<Follow>> HasVia for O {
    fn via(&mut self) -> &mut Option<String> {
        &mut self.as_mut().via
    }
}

pub(crate) const fn via<O: HasVia>() -> [Flag<O>; 1] {
    flags![O,
        /// Connects to the URL's server with this command, which a shell executes for each
        /// connection: it reads what goes to the server and prints what comes from there. With
        /// 'openssl s_client -quiet -verify_return_error -connect HOST:443' the URL may be one of
        /// https. A pipeline, or more than one command, needs sh -c '...' around it.
        checked("via", "'COMMAND'", |o, line| {
            *o.via() = Some(command(line)?);
            Ok(())
        }).otherwise("TCP to the URL's host, or the URL's unix socket"),
    ]
}

/// The exit status of a command that has `--via`, where its command line is wrong.
pub(crate) const NOT_UNDERSTOOD: (u8, &str) =
    (2, "The options or the URL can't be understood, or the URL needs TLS and there is no --via.");

/// What the exit statuses mean. The command says what its success is.
pub(crate) const fn exits(well: &'static str) -> [(u8, &'static str); 7] {
    [
        (0, well),
        (1, "A file or standard output can't be read or written."),
        NOT_UNDERSTOOD,
        (NO_MORE, "The server says that there is no more: 204."),
        (
            NO_STREAM,
            "The response is no event stream (another status, another type), or it breaks the \
             rules of HTTP, even in the middle of the stream.",
        ),
        (
            NO_CONNECTION,
            "The connection could not be made, was cut or fell silent, and no retry is allowed.",
        ),
        (TOO_LONG, "A line or an event is longer than its limit."),
    ]
}

fn add_field(options: &mut Follow, line: &str) -> Result<(), String> {
    let (name, value) = parts(line)?;
    let is_type = name.eq_ignore_ascii_case("content-type");
    let given = |(other, _): &(String, String)| other.eq_ignore_ascii_case(name);
    if options.fields.iter().any(given) || is_type && options.content_type.is_some() {
        return Err(format!("{name} is given twice, and goes out once"));
    }
    if name.eq_ignore_ascii_case("last-event-id") {
        return Err("give --last-event-id in its place".into());
    }
    match is_type {
        true => options.content_type = Some(value.into()),
        false => options.fields.push(field(line)?),
    }
    Ok(())
}

/// A field line that a request can carry.
pub(crate) fn field(line: &str) -> Result<(String, String), String> {
    let (name, value) = parts(line)?;
    // Any request can tell whether the field is valid.
    let any = StreamRequest::get("http://localhost/");
    any.and_then(|any| any.with_field(name, value)).map_err(|error| error.to_string())?;
    Ok((name.into(), value.into()))
}

/// `field-line = field-name ":" OWS field-value OWS`
fn parts(line: &str) -> Result<(&str, &str), String> {
    let (name, value) = line.split_once(':').ok_or("it must be of the form 'Name: value'")?;
    Ok((name, value.trim_matches([' ', '\t'])))
}
