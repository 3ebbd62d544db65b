//! The options of `journal`.

use std::path::PathBuf;

use crate::cli::flags::{Flag, Table, flags};

/// What the command line says.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(super) folder: PathBuf,
    pub(super) check: bool,
    pub(super) cat: bool,
    /// Only events of these channels, if there are any.
    pub(super) channels: Vec<String>,
    /// Only events after the one with this id.
    pub(super) after: Option<String>,
}

pub(crate) static TABLE: Table<Options> = Table {
    name: "journal",
    summary: "shows what a hub has kept in a folder (--journal)",
    usage: "tidings journal [--check | --cat [--channel NAME]... [--after ID]] DIR",
    about: &[
        "Shows what is in the journal of a hub: a line for each segment (a file), each epoch (a \
         start of the hub), each channel, and the whole. The columns are what the line is about; \
         how many events it has, and how many bytes; when the oldest and the newest of them were \
         published, in UTC; and its name. 'damaged' counts the bytes that can't be read as events.",
        "Reads the journal, and changes nothing in it. A hub may be running on it.",
    ],
    operands: &[Flag::<Options>::text("a folder", "DIR", |o, folder| o.folder = folder.into())],
    flags: &[&flags![Options,
        /// Checks every checksum, that the ids rise without a hole, and that batches are whole.
        /// Prints a line for each place where something is wrong.
        switch("check", |o| o.check = true),
        /// Prints the events as an event stream, with the channel and the time of each, for
        /// 'tidings tail -', 'tidings mock' or grep. Leaves out what is damaged, and says so on
        /// standard error.
        switch("cat", |o| o.cat = true),
        /// Prints only events of this channel.
        text("channel", "NAME", |o, name| o.channels.push(name.into())).repeats()
            .otherwise("events of every channel"),
        /// Prints only events after the one with this id.
        text("after", "ID", |o, id| o.after = Some(id.into())).otherwise("from the oldest on"),
    ]],
    exits: &[
        (
            0,
            "The journal was read, or nobody reads the output any more. With --check: nothing is \
             wrong in it.",
        ),
        (
            1,
            "With --check or --cat: something in it is damaged or missing. Or it can't be read: \
             standard error says why.",
        ),
        (2, "The options can't be understood."),
    ],
    more: Vec::new,
    run: |options| super::journal(&options),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flags::support;

    #[test]
    fn the_table_keeps_the_rules_of_tables() {
        support::check(&TABLE);
    }
}
