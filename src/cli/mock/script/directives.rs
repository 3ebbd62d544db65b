//! Directives: what a comment can ask for, a row for each.
//!
//! From this table scripts are parsed and the help is made.

use tidings::Status;

use crate::cli::mock::step::{Ending, Head, Step};
use crate::cli::{digits, duration};

pub(in super::super) struct Directive {
    pub(in super::super) name: &'static str,
    /// What it takes, as the help shows it; empty if nothing.
    pub(in super::super) takes: &'static str,
    pub(in super::super) doc: &'static str,
    /// Reads the text after the name; the error says what was expected.
    pub(super) read: Read,
}

type Read = fn(&str) -> Result<Meaning, String>;

pub(super) enum Meaning {
    Steps(Vec<Step>),
    /// Everything since the last `repeat`, so many times in all; `None` for ever.
    Repeat(Option<u32>),
}

const fn row(name: &'static str, takes: &'static str, doc: &'static str, read: Read) -> Directive {
    Directive { name, takes, doc, read }
}

/// All of them, in the order of the alphabet.
pub(in super::super) static DIRECTIVES: [Directive; 11] = [
    row("close", "", "ends the stream with its last chunk", |_| steps([Step::End(Ending::Close)])),
    row("cut", "", "ends the connection without the last chunk", |_| {
        steps([Step::End(Ending::Cut)])
    }),
    row("end", "", "ends the stream, and the mock with its report card", |_| {
        steps([Step::End(Ending::Finish)])
    }),
    row("flush", "", "ends the chunk here", |_| steps([Step::Flush])),
    row("no-content", "", "responds with 204, which tells the client to stop", |_| no_content()),
    row("repeat", "[N]", "repeats all since the last repeat N times, or for ever", repeat),
    row("reset", "", "resets the connection", |_| steps([Step::End(Ending::Reset)])),
    row("stall", "", "sends nothing more, and waits for the client to go", |_| {
        steps([Step::End(Ending::Stall)])
    }),
    row("status", "N [LOCATION]", "responds with this status in place of a stream", status),
    row("type", "TYPE", "gives the stream that begins here this type", content_type),
    row("wait", "DURATION", "sends nothing for this long: 200ms, 1.5s, 2m", |text| {
        let time = duration::parse(text).ok_or_else(|| duration::FORM.to_owned())?;
        steps([Step::Wait(time)])
    }),
];

fn steps<const N: usize>(steps: [Step; N]) -> Result<Meaning, String> {
    Ok(Meaning::Steps(steps.into()))
}

fn no_content() -> Result<Meaning, String> {
    steps([Step::Head(Head::no_content()), Step::End(Ending::Close)])
}

fn repeat(text: &str) -> Result<Meaning, String> {
    match digits(text) {
        None if text.is_empty() => Ok(Meaning::Repeat(None)),
        Some(times @ 1..) => Ok(Meaning::Repeat(Some(times))),
        _ => Err("how many times in all, or nothing, for ever".into()),
    }
}

fn status(text: &str) -> Result<Meaning, String> {
    let (code, location) = match text.split_once(char::is_whitespace) {
        Some((code, location)) => (code, Some(location.trim_start())),
        None => (text, None),
    };
    let code = code.parse().ok().filter(|code| *code != 200);
    let Some(status) = code.and_then(|code| Status::new(code).ok()) else {
        return Err("a status from 201 to 599".into());
    };
    if status == Status::NO_CONTENT {
        return no_content();
    }
    if location.is_some() && !status.is_redirect() {
        return Err("a status alone, or 301, 302, 303, 307 or 308 and a location".into());
    }
    let location = location.map(field_text).transpose()?;
    let head = Head { status, content_type: "text/plain".into(), location };
    let body = format!("{status}\n").into_bytes();
    steps([Step::Head(head), Step::Bytes(body), Step::End(Ending::Close)])
}

fn content_type(text: &str) -> Result<Meaning, String> {
    match text {
        "" => Err("a content type such as text/html".into()),
        text => steps([Step::Head(Head::stream(field_text(text)?))]),
    }
}

/// What may stand in a head: visible ASCII and spaces.
fn field_text(text: &str) -> Result<String, String> {
    let good = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    good.then(|| text.to_owned()).ok_or_else(|| "visible ASCII alone".to_owned())
}
