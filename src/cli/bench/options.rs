//! The bench's options.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tidings::client::StreamRequest;

use super::values::churn::Churn;
use super::values::way::{Template, Way};
use crate::cli::client::rows::{self, HasVia, NOT_UNDERSTOOD, field};
use crate::cli::duration::SHORTEST;
use crate::cli::flags::{Flag, Table, flags};

/// What the command line says.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(super) url: String,
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
    pub(super) body: Template,
    /// Fit for a request.
    pub(super) content_type: String,
    /// Names and values, each fit for a request.
    pub(super) publish_fields: Vec<(String, String)>,
    /// The same for the stream's server.
    pub(super) fields: Vec<(String, String)>,
    /// A command that leads to the stream's server.
    pub(super) via: Option<String>,
    pub(super) json: bool,
    pub(super) html: Option<PathBuf>,
}

impl HasVia for Options {
    fn via(&mut self) -> &mut Option<String> {
        &mut self.via
    }
}

impl Options {
    /// Fails if two options contradict each other, such as one that publishes nothing and one that
    /// says how to publish.
    pub(super) fn check(&self) -> Result<(), String> {
        let to_output = self.html.as_deref() == Some(Path::new(STANDARD_OUTPUT));
        if to_output && self.json {
            return Err("--json and --html - both print the report: give one of them".into());
        }
        let untold = TABLE.defaults();
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
            Some((name, _)) => Err(format!(
                "--listen-only publishes nothing, so --{name} has no effect: leave one of them out"
            )),
            None => Ok(()),
        }
    }
}

/// In place of a file.
pub(super) const STANDARD_OUTPUT: &str = "-";

pub(crate) static TABLE: Table<Options> = Table {
    name: "bench",
    summary: "measures how well a server delivers",
    usage: "tidings bench URL [options]",
    about: &["Opens many connections to one event stream, publishes events on it, and reports \
              which events were lost, doubled or out of order, and how long they took. A URL of \
              the form unix:PATH:/TARGET asks a server on a unix socket."],
    operands: &[Flag::<Options>::text("a URL", "URL", |o, url| o.url = url.into())],
    flags: &[
        &flags![Options,
            /// Publishes this way: a path or a URL, after a method if that is not POST, such as
            /// 'PUT /topics/a'.
            checked("publish", "WAY", |o, way| Way::parse(way).map(|way| o.publish = Some(way)))
                .otherwise("a POST to the same URL, as a tidings hub has it"),
            /// Sends this with each publish; {} stands for the event's data. A form is
            /// 'topic=a&data={}', and JSON is '{"data":"{}"}'.
            checked("body", "TEMPLATE", |o, body|Template::parse(body).map(|body| o.body = body))
                .default("{}"),
            /// Sends the body as this type, such as application/x-www-form-urlencoded or
            /// application/json.
            checked("content-type", "TYPE", |o, content_type| {
                let probe = StreamRequest::post("http://localhost/", content_type, "");
                probe.map_err(|error| error.to_string())?;
                o.content_type = content_type.into();
                Ok(())
            }).default("text/plain; charset=utf-8"),
            /// Sends this field with publishes only, to any server, such as 'Authorization: Bearer
            /// TOKEN'.
            checked("publish-header", "'NAME: VALUE'", |o, line| {
                field(line).map(|field| o.publish_fields.push(field))
            }).repeats().otherwise("none"),
            /// Publishes nothing. The ids of events then show what is doubled or out of order, and
            /// only the server can report what is lost.
            switch("listen-only", |o| o.listen_only = true),
            /// Opens N streams. Each takes a descriptor and a thread.
            number("streams", "N", 1..=20_000, |o, n| o.streams = n).default("100"),
            /// Publishes N events each second, over all publishers. Latency counts from when an
            /// event was due, whether or not the server kept up.
            number("rate", "N", 1..=1_000_000, |o, n| o.rate = n).default("100"),
            /// Publishes on N connections in turn. Each waits for its response, and order is
            /// expected only within each.
            number("publishers", "N", 1..=1_000, |o, n| o.publishers = n).default("1"),
            /// Publishes for this long after the warm-up. SIGINT (Ctrl-C), SIGTERM or SIGHUP ends
            /// this early, and the report says so; a second one ends the bench without a report.
            duration("duration", SHORTEST..=DAYS, |o, time| o.duration = time).default("10s"),
            /// Publishes for this long first. These events are counted, but not timed.
            duration("warm-up", Duration::ZERO..=DAYS, |o, time| o.warm_up = time).default("1s"),
            /// Waits this long after the last new event for missing events, and for streams to
            /// reconnect. A stream that the server told to stay away gets up to 10s more. The whole
            /// wait is at most a minute longer than the run.
            duration("drain", SHORTEST..=HOUR, |o, time| o.drain = time).default("2s"),
            /// Makes each event's data at least this long. The data names its run, number and due
            /// time, which take some 80 bytes.
            number("size", "BYTES", 0..=16_000_000, |o, n| o.size = n).default("0"),
            /// Replaces this many streams each second: a share, such as 5%/s, or a number, such as
            /// 20/s.
            checked("churn", "RATE", |o, rate| Churn::parse(rate).map(|rate| o.churn = Some(rate)))
                .otherwise("none, and 20%/s with --resume"),
            /// Reconnects the streams of --churn after 100 ms with their last event ID. The server
            /// owes them what they missed: nothing may be lost.
            switch("resume", |o| o.resume = true),
            /// Makes N of the streams (all, if N is more) read slowly, 4 KiB a second, until
            /// publishing ends. They are not timed. The system buffers some MiB for each before the
            /// server notices, so publish more, such as with --size 20000.
            number("slow", "N", 0..=20_000, |o, n| o.slow = n).default("0"),
            /// Sends this field with all requests to the stream's server, such as 'Authorization:
            /// Bearer TOKEN'. No other server receives it.
            checked("header", "'NAME: VALUE'", |o, line| {
                field(line).map(|field| o.fields.push(field))
            }).repeats().otherwise("none"),
            /// Prints the report as one JSON object.
            switch("json", |o| o.json = true),
            /// Writes the report with its curves as one page that needs no other file. An existing
            /// file is replaced only once there is a report. - prints the page in place of the
            /// text.
            text("html", "FILE", |o, path| o.html = Some(path.into())).otherwise("none is written"),
        ],
        &rows::via(),
    ],
    exits: &[
        (
            0,
            "No event was lost, doubled or out of order. Events that the server itself reports as \
             missed (tidings.gap) are counted separately and are no fault. Nor is it a fault if \
             the run is doubtful because the server did not accept many events.",
        ),
        (
            1,
            "Events were lost, doubled or out of order, or the server did not let a stream \
             reconnect. This also holds if the report can't be written.",
        ),
        NOT_UNDERSTOOD,
        (
            NOT_MEASURED,
            "There is nothing to report: no stream, no event that was accepted or received, or \
             too few resources on this machine. Or the report can't be written.",
        ),
    ],
    more: Vec::new,
    run: |options| super::bench(&options),
};

/// The exit status of a bench that could not run.
pub(super) const NOT_MEASURED: u8 = 3;

/// The longest run: some eleven days.
const DAYS: Duration = Duration::from_secs(1_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests;
