//! The options of `record`.

use std::time::Duration;

use crate::cli::client::{Follow, rows};
use crate::cli::duration::{LONGEST, SHORTEST};
use crate::cli::flags::{Flag, Table, flags};

/// What the command line says.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(super) url: String,
    /// Or `-`, which is standard output.
    pub(super) file: String,
    pub(super) follow: Follow,
    pub(super) duration: Option<Duration>,
    pub(super) force: bool,
}

impl AsMut<Follow> for Options {
    fn as_mut(&mut self) -> &mut Follow {
        &mut self.follow
    }
}

pub(crate) static TABLE: Table<Options> = Table {
    name: "record",
    summary: "records a stream to a file, chunk by chunk",
    usage: "tidings record [options] URL FILE|-",
    about: &["Records a stream in a file, or with - on standard output, as a cassette: an event \
              stream with the same events, whose comments say where each chunk began, when it \
              arrived, and how connections ended. 'tidings mock FILE' plays all of that back. \
              record writes each chunk as soon as it has arrived and its events are whole, and \
              Ctrl-C ends it at any time. A URL of the form unix:PATH:/TARGET asks a server on a \
              unix socket. Of the URL it keeps host and path; of the query and of \
              fields it keeps only values that are known to hold no secret. A secret in the path \
              or in the stream itself is kept in the file. When the recording ends, record prints \
              on standard error what it has recorded."],
    operands: &[
        Flag::<Options>::text("a URL", "URL", |o, url| o.url = url.into()),
        Flag::<Options>::text("a file", "FILE", |o, file| o.file = file.into()),
    ],
    flags: &[
        &flags![Options,
            /// Ends after this time.
            duration("duration", SHORTEST..=LONGEST, |o, time| o.duration = Some(time))
                .otherwise("no end"),
            /// Overwrites an existing file, as soon as there is a response to record.
            switch("force", |o| o.force = true),
        ],
        &rows::all(),
        &rows::via(),
    ],
    exits: &rows::exits(
        "The chunk with the last event of --count is recorded, or --duration is over, or with \
         --no-reconnect or --data the stream has ended, or a signal such as Ctrl-C ended the \
         recording, or nobody reads the output any more.",
    ),
    more: Vec::new,
    run: |options| super::record(&options),
};

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
        let options = parse(&TABLE, &["--duration=2", "--force", "--count=3", "u", "f"]).unwrap();
        assert_eq!((options.duration, options.force), (Some(Duration::from_secs(2)), true));
        assert_eq!(options.follow.count, Some(3));
    }
}
