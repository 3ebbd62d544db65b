//! What can be asked of the bench.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tidings::client::StreamRequest;

use super::values::churn::Churn;
use super::values::way::{Template, Way};
use crate::cli::flags::{Flag, Preset, Table, Takes};

/// What the command line says.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) publish: Option<Way>,
    pub(super) listen_only: bool,
    pub(super) streams: u32,
    pub(super) rate: u32,
    pub(super) publishers: u32,
    pub(super) duration: Duration,
    pub(super) warm_up: Duration,
    pub(super) drain: Duration,
    pub(super) size: u32,
    pub(super) churn: Option<Churn>,
    pub(super) resume: bool,
    pub(super) slow: u32,
    /// What stands around an event's data in a publish.
    pub(super) body: Template,
    /// Fit for a request.
    pub(super) content_type: String,
    /// Names and values, each fit for a request.
    pub(super) publish_fields: Vec<(String, String)>,
    /// The same for the stream's server.
    pub(super) fields: Vec<(String, String)>,
    pub(super) json: bool,
    pub(super) html: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            publish: None,
            listen_only: false,
            streams: 100,
            rate: 100,
            publishers: 1,
            duration: Duration::from_secs(10),
            warm_up: Duration::from_secs(1),
            drain: Duration::from_secs(2),
            size: 0,
            churn: None,
            resume: false,
            slow: 0,
            body: Template::default(),
            content_type: TEXT.into(),
            publish_fields: Vec::new(),
            fields: Vec::new(),
            json: false,
            html: None,
        }
    }
}

impl Options {
    /// Fails where two options speak against each other: such as if nothing is to be published, and
    /// something is said of how.
    pub(super) fn check(&self) -> Result<(), String> {
        let to_output = self.html.as_deref() == Some(Path::new(STANDARD_OUTPUT));
        if to_output && self.json {
            return Err("--json and --html - both print the report: give one of them".into());
        }
        let untold = Self::default();
        let said = [
            ("publish", self.publish.is_some()),
            ("body", self.body != untold.body),
            ("content-type", self.content_type != untold.content_type),
            ("publish-header", !self.publish_fields.is_empty()),
            ("rate", self.rate != untold.rate),
            ("publishers", self.publishers != untold.publishers),
            ("size", self.size != untold.size),
        ];
        match said.iter().find(|(_, said)| *said && self.listen_only) {
            Some((name, _)) => {
                Err(format!("--listen-only publishes nothing, so --{name} has nothing to say"))
            }
            None => Ok(()),
        }
    }
}

/// In place of a file.
pub(super) const STANDARD_OUTPUT: &str = "-";

/// What content is, as long as nobody says otherwise.
const TEXT: &str = "text/plain; charset=utf-8";

/// All the options, those of one concern together.
pub(super) static TABLE: Table<Options> = Table {
    command: "bench",
    usage: "tidings bench URL [options]",
    about: "Opens many streams of an event stream, publishes events on it, and reports what \
            counts: which events were lost, doubled or out of order, and how long they took.",
    operands: &["URL"],
    flags: &[
        Flag {
            name: "publish",
            takes: text("WAY", |o, way| Way::parse(way).map(|way| o.publish = Some(way))),
            repeats: false,
            default: Preset::Words("a POST to the same URL, as a tidings hub has it"),
            doc: "Publishes this way: a path or a URL, and before it a method other than POST, \
                  such as 'PUT /topics/a'.",
        },
        Flag {
            name: "body",
            takes: text("TEMPLATE", |o, body| Template::parse(body).map(|body| o.body = body)),
            repeats: false,
            default: Preset::Value("{}"),
            doc: "Sends this with each publish; {} stands for the event's data. A form would be \
                  'topic=a&data={}', and JSON '{\"data\":\"{}\"}'.",
        },
        Flag {
            name: "content-type",
            takes: text("TYPE", |o, content_type| {
                let probe = StreamRequest::post("http://localhost/", content_type, "");
                probe.map_err(|error| error.to_string())?;
                o.content_type = content_type.into();
                Ok(())
            }),
            repeats: false,
            default: Preset::Value(TEXT),
            doc: "Sends the body as this type, such as application/x-www-form-urlencoded or \
                  application/json.",
        },
        Flag {
            name: "publish-header",
            takes: text("'NAME: VALUE'", |o, field| {
                parse(field).map(|field| o.publish_fields.push(field))
            }),
            repeats: true,
            default: Preset::Words("none"),
            doc: "Sends this field with publishes alone, to whatever server, such as \
                  'Authorization: Bearer TOKEN'.",
        },
        Flag {
            name: "listen-only",
            takes: Takes::Nothing(|o| o.listen_only = true),
            repeats: false,
            default: Preset::None,
            doc: "Publishes nothing. The ids of events then tell what is doubled or out of order, \
                  and only the server tells what is lost.",
        },
        Flag {
            name: "streams",
            takes: number("N", 1, 20_000, |o, n| o.streams = n),
            repeats: false,
            default: Preset::Value("100"),
            doc: "Opens N streams. Each takes a descriptor and a thread.",
        },
        Flag {
            name: "rate",
            takes: number("N", 1, 1_000_000, |o, n| o.rate = n),
            repeats: false,
            default: Preset::Value("100"),
            doc: "Publishes N events each second, all publishers together. Latency counts from \
                  when an event was due, whether or not the server kept up.",
        },
        Flag {
            name: "publishers",
            takes: number("N", 1, 1_000, |o, n| o.publishers = n),
            repeats: false,
            default: Preset::Value("1"),
            doc: "Publishes on N connections, which take turns. Each waits for its response; order \
                  is expected within each alone.",
        },
        Flag {
            name: "duration",
            takes: duration(1, 1_000_000, |o, time| o.duration = time),
            repeats: false,
            default: Preset::Value("10s"),
            doc: "Publishes for this long, after the warm-up. An interrupted run gives no report.",
        },
        Flag {
            name: "warm-up",
            takes: duration(0, 1_000_000, |o, time| o.warm_up = time),
            repeats: false,
            default: Preset::Value("1s"),
            doc: "Publishes for this long before that. These events count, but are not timed.",
        },
        Flag {
            name: "drain",
            takes: duration(1, 3_600, |o, time| o.drain = time),
            repeats: false,
            default: Preset::Value("2s"),
            doc: "Waits this long after the last new event for missing events, and for streams to \
                  be let in again. A stream that the server told to stay away gets up to 10s more. \
                  The whole wait is no longer than the run took and a minute.",
        },
        Flag {
            name: "size",
            takes: number("BYTES", 0, 16_000_000, |o, n| o.size = n),
            repeats: false,
            default: Preset::Value("0"),
            doc: "Makes each event's data at least this long. The data names its run, number and \
                  due time, which take some 80 bytes.",
        },
        Flag {
            name: "churn",
            takes: text("RATE", |o, rate| Churn::parse(rate).map(|rate| o.churn = Some(rate))),
            repeats: false,
            default: Preset::Words("none, and 20%/s with --resume"),
            doc: "Replaces this many streams each second: a share, such as 5%/s, or a number, such \
                  as 20/s.",
        },
        Flag {
            name: "resume",
            takes: Takes::Nothing(|o| o.resume = true),
            repeats: false,
            default: Preset::None,
            doc: "Reconnects the streams of --churn after 100 ms with their last event ID. They \
                  are owed what they missed: nothing may be lost.",
        },
        Flag {
            name: "slow",
            takes: number("N", 0, 20_000, |o, n| o.slow = n),
            repeats: false,
            default: Preset::Value("0"),
            doc: "Makes N of the streams, or all if N is more, read slowly, 4 KiB a second, until \
                  publishing ends. They are not timed. The system buffers some MiB for each before \
                  the server feels it: publish more, such as with --size 20000.",
        },
        Flag {
            name: "header",
            takes: text("'NAME: VALUE'", |o, field| parse(field).map(|field| o.fields.push(field))),
            repeats: true,
            default: Preset::Words("none"),
            doc: "Sends this field with all requests to the stream's server, such as \
                  'Authorization: Bearer TOKEN'. No other server gets it.",
        },
        Flag {
            name: "json",
            takes: Takes::Nothing(|o| o.json = true),
            repeats: false,
            default: Preset::None,
            doc: "Prints the report as one JSON object.",
        },
        Flag {
            name: "html",
            takes: text("FILE", |o, path| {
                o.html = Some(path.into());
                Ok(())
            }),
            repeats: false,
            default: Preset::Words("none is written"),
            doc: "Writes the report with its curves as one page that needs nothing else. An \
                  existing file stays until there is a report. - prints the page in place of the \
                  text.",
        },
        Flag::help(),
        Flag::version(),
    ],
    exits: &[
        (
            0,
            "No event was lost, doubled or out of order. Events that the server itself reports as \
             missed (tidings.gap) are counted apart, and no fault. Nor is it a fault that a run is \
             doubtful, as the server did not take many events.",
        ),
        (
            1,
            "Events were lost, doubled or out of order, or a stream was not let in again. This \
             holds whatever becomes of the report.",
        ),
        (2, "The options or the URL can't be understood."),
        (
            NOT_MEASURED,
            "There is nothing to report: no stream, no event that was taken or that came, or too \
             little of this machine. Or the report can't be written.",
        ),
    ],
};

/// The exit status of a bench that could not run.
pub(super) const NOT_MEASURED: u8 = 3;

const fn number(
    name: &'static str,
    least: u32,
    most: u32,
    set: fn(&mut Options, u32),
) -> Takes<Options> {
    Takes::Number { name, least, most, set }
}

/// At least so many milliseconds, at most so many seconds.
const fn duration(least: u64, most: u64, set: fn(&mut Options, Duration)) -> Takes<Options> {
    Takes::Duration { least: Duration::from_millis(least), most: Duration::from_secs(most), set }
}

const fn text(
    name: &'static str,
    set: fn(&mut Options, &str) -> Result<(), String>,
) -> Takes<Options> {
    Takes::Text { name, set }
}

/// A field line for a request.
fn parse(field: &str) -> Result<(String, String), String> {
    let (name, value) = field.split_once(':').ok_or("it must be of the form 'Name: value'")?;
    let value = value.trim();
    let probe = StreamRequest::get("http://localhost/");
    let probe = probe.and_then(|probe| probe.with_field(name, value));
    probe.map_err(|error| error.to_string())?;
    Ok((name.into(), value.into()))
}

#[cfg(test)]
mod tests;
