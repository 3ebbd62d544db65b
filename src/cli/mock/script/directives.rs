//! Directives: what a comment can ask for, a row for each.
//!
//! From this table scripts are parsed and the help is made.

use tidings::Status;

use crate::cli::duration;
use crate::cli::mock::step::{Ending, Head, Step};

/// What a comment can ask for.
pub(in super::super) struct Directive {
    pub(in super::super) name: &'static str,
    /// What it takes, as the help shows it; empty if nothing.
    pub(in super::super) takes: &'static str,
    pub(in super::super) doc: &'static str,
    /// What it comes to; the error says what was expected.
    pub(super) steps: fn(&str) -> Result<Vec<Step>, String>,
}

/// All of them, in the order of the alphabet.
pub(in super::super) static DIRECTIVES: [Directive; 11] = [
    Directive {
        name: "close",
        takes: "",
        doc: "ends the stream well, with the last chunk",
        steps: |_| Ok(vec![Step::End(Ending::Close)]),
    },
    Directive {
        name: "cut",
        takes: "",
        doc: "ends the connection without the last chunk",
        steps: |_| Ok(vec![Step::End(Ending::Cut)]),
    },
    Directive {
        name: "end",
        takes: "",
        doc: "ends the stream, and the mock with its report card",
        steps: |_| Ok(vec![Step::End(Ending::Finish)]),
    },
    Directive {
        name: "flush",
        takes: "",
        doc: "ends the chunk here",
        steps: |_| Ok(vec![Step::Flush]),
    },
    Directive {
        name: "no-content",
        takes: "",
        doc: "responds with 204, which tells the client to stop",
        steps: |_| Ok(vec![Step::Head(Head::no_content()), Step::End(Ending::Close)]),
    },
    Directive {
        name: "repeat",
        takes: "[N]",
        doc: "plays all since the last repeat N times, or for ever",
        steps: repeat,
    },
    Directive {
        name: "reset",
        takes: "",
        doc: "resets the connection",
        steps: |_| Ok(vec![Step::End(Ending::Reset)]),
    },
    Directive {
        name: "stall",
        takes: "",
        doc: "sends nothing more, and waits for the client to go",
        steps: |_| Ok(vec![Step::End(Ending::Stall)]),
    },
    Directive {
        name: "status",
        takes: "N [LOCATION]",
        doc: "responds with this status in place of a stream",
        steps: status,
    },
    Directive {
        name: "type",
        takes: "TYPE",
        doc: "gives the stream that begins here this type",
        steps: content_type,
    },
    Directive {
        name: "wait",
        takes: "DURATION",
        doc: "sends nothing for this long: 200ms, 1.5s, 2m",
        steps: |text| {
            let time = duration::parse(text).ok_or_else(|| duration::FORM.to_owned())?;
            Ok(vec![Step::Wait(time)])
        },
    },
];

fn repeat(text: &str) -> Result<Vec<Step>, String> {
    let times = match text {
        "" => None,
        text => match text.parse() {
            Ok(times @ 1..) if !text.starts_with('+') => Some(times),
            _ => return Err("how many times in all, or nothing, for ever".into()),
        },
    };
    Ok(vec![Step::Repeat(times)])
}

fn status(text: &str) -> Result<Vec<Step>, String> {
    let (code, location) = match text.split_once(char::is_whitespace) {
        Some((code, location)) => (code, Some(location.trim_start())),
        None => (text, None),
    };
    let code = code.parse().ok().filter(|code| *code != 200);
    let Some(status) = code.and_then(|code| Status::new(code).ok()) else {
        return Err("a status from 201 to 599".into());
    };
    if status == Status::NO_CONTENT {
        return Ok(vec![Step::Head(Head::no_content()), Step::End(Ending::Close)]);
    }
    if location.is_some() && !status.is_redirect() {
        return Err("a status alone, or 301, 302, 303, 307 or 308 and a location".into());
    }
    let location = location.map(field_text).transpose()?;
    let head = Head { status, content_type: "text/plain".into(), location };
    let body = format!("{status}\n").into_bytes();
    Ok(vec![Step::Head(head), Step::Bytes(body), Step::End(Ending::Close)])
}

fn content_type(text: &str) -> Result<Vec<Step>, String> {
    match text {
        "" => Err("a content type such as text/html".into()),
        text => Ok(vec![Step::Head(Head::stream(field_text(text)?))]),
    }
}

/// What may stand in a head: visible ASCII and spaces.
fn field_text(text: &str) -> Result<String, String> {
    let good = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    good.then(|| text.to_owned()).ok_or_else(|| "visible ASCII alone".to_owned())
}
