//! What is in a journal: counts by segment, by epoch and by channel, and the table of them.
//!
//! ```text
//! what     events   bytes  oldest                newest                name
//! segment    1203  188123  2026-11-28T07:17:55Z  2026-11-28T08:00:01Z  1795849075123-1.sse
//! epoch      1203  188123  2026-11-28T07:17:55Z  2026-11-28T08:00:01Z  1795849075123
//! channel    1200  187654  2026-11-28T07:17:55Z  2026-11-28T08:00:01Z  news
//! journal    1203  188123  2026-11-28T07:17:55Z  2026-11-28T08:00:01Z  /var/lib/tidings
//! ```
//!
//! A script finds a line by its first word. The name comes last, as it alone may have spaces.

use std::collections::BTreeMap;
use std::fmt::Write;

use tidings::{HttpDate, JournalReader};

use super::{failed, since_1970};
use crate::cli::{Outcome, print, visible};

/// Prints the table of a journal whose folder has this name.
pub(super) fn survey(reader: &JournalReader, folder: &str) -> Outcome {
    let mut survey = Survey::default();
    for segment in reader.segments() {
        survey.segment(&segment.file, segment.epoch, segment.bytes);
    }
    for found in reader.records(None).map_err(failed)? {
        match found {
            Ok(record) => {
                let time = since_1970(&record).as_secs();
                survey.event(record.segment, record.epoch, &record.channel, time, record.len);
            }
            Err(end) if end.is_unfinished => {}
            Err(damage) => survey.damaged(damage.bytes),
        }
    }
    print(&survey.table(folder))
}

/// How many channels are counted one by one. A journal may have any number of them, and this
/// command must not take more memory for that. Those past it are counted together.
const MOST_CHANNELS: usize = 20_000;

/// How many events there are of something, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    events: u64,
    bytes: u64,
    /// When the oldest and the newest were published, in seconds since 1970.
    times: Option<(u64, u64)>,
}

impl Count {
    /// Counts an event: when it was published, and how many bytes it takes.
    fn add(&mut self, time: u64, bytes: u64) {
        self.events += 1;
        self.bytes += bytes;
        let (oldest, newest) = self.times.unwrap_or((time, time));
        // A clock that was set back makes a later event an older one.
        self.times = Some((oldest.min(time), newest.max(time)));
    }

    /// Counts all of these too.
    fn add_all(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
        self.times = match (self.times, other.times) {
            (Some(own), Some(other)) => Some((own.0.min(other.0), own.1.max(other.1))),
            (own, other) => own.or(other),
        };
    }
}

/// A line of the table.
type Row = (&'static str, Count, String);

/// What has been found so far.
#[derive(Debug, Default)]
struct Survey {
    segments: Vec<(String, Count)>,
    epochs: BTreeMap<u64, Count>,
    channels: BTreeMap<String, Count>,
    /// Of channels past the bound.
    others: Count,
    damaged: Count,
}

impl Survey {
    /// The next segment: its file's name, its epoch and its size.
    fn segment(&mut self, file: &str, epoch: u64, bytes: u64) {
        self.segments.push((file.to_owned(), Count { bytes, ..Count::default() }));
        self.epochs.entry(epoch).or_default().bytes += bytes;
    }

    /// An event: the segment's place, the epoch and the channel that it is of, when it was
    /// published, in seconds since 1970, and how many bytes it takes.
    fn event(&mut self, segment: usize, epoch: u64, channel: &str, time: u64, bytes: u64) {
        if let Some((_, segment)) = self.segments.get_mut(segment) {
            segment.add(time, 0);
        }
        self.epochs.entry(epoch).or_default().add(time, 0);
        if let Some(count) = self.channels.get_mut(channel) {
            count.add(time, bytes);
        } else if self.channels.len() < MOST_CHANNELS {
            self.channels.entry(channel.to_owned()).or_default().add(time, bytes);
        } else {
            self.others.add(time, bytes);
        }
    }

    /// Bytes that are no event.
    fn damaged(&mut self, bytes: u64) {
        self.damaged.bytes += bytes;
    }

    /// The table; `folder` is the name of the whole.
    fn table(&self, folder: &str) -> String {
        let mut all = Count::default();
        self.segments.iter().for_each(|(_, count)| all.add_all(*count));
        let mut rows: Vec<Row> = Vec::new();
        let segments = self.segments.iter();
        rows.extend(segments.map(|(file, count)| ("segment", *count, file.clone())));
        rows.extend(self.epochs.iter().map(|(epoch, count)| ("epoch", *count, epoch.to_string())));
        let channels = self.channels.iter();
        rows.extend(channels.map(|(name, count)| ("channel", *count, visible::line(name))));
        if self.others != Count::default() {
            rows.push(("others", self.others, format!("all but {MOST_CHANNELS} channels")));
        }
        if self.damaged != Count::default() {
            rows.push(("damaged", self.damaged, "see --check".into()));
        }
        rows.push(("journal", all, visible::line(folder)));
        written(&rows)
    }
}

fn written(rows: &[Row]) -> String {
    let width = |name: &str, of: fn(&Count) -> u64| {
        let widest = rows.iter().map(|(_, count, _)| of(count)).max().unwrap_or_default();
        widest.to_string().len().max(name.len())
    };
    let events = width("events", |count| count.events);
    let bytes = width("bytes", |count| count.bytes);
    let mut text = String::new();
    let mut line = |what: &str, [n, size, oldest, newest]: [&str; 4], name: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{what:<7}  {n:>events$}  {size:>bytes$}  {oldest:<20}  {newest:<20}  {name}"
        );
    };
    line("what", ["events", "bytes", "oldest", "newest"], "name");
    for (what, count, name) in rows {
        let [oldest, newest] = match count.times {
            Some((oldest, newest)) => [oldest, newest].map(date),
            None => ["-", "-"].map(String::from),
        };
        let numbers = [count.events, count.bytes].map(|number| number.to_string());
        line(what, [&numbers[0], &numbers[1], &oldest, &newest], name);
    }
    text
}

fn date(seconds: u64) -> String {
    HttpDate::from_unix(seconds).iso_8601()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_counted_by_segment_by_epoch_and_by_channel() {
        let mut survey = Survey::default();
        let epoch = 1_795_849_075_123;
        survey.segment("1795849075123-1.sse", epoch, 1_048_576);
        survey.segment("1795849075123-3.sse", epoch, 400);
        survey.segment("1795849090000-1.sse", 1_795_849_090_000, 20);
        survey.event(0, epoch, "news", 1_795_849_076, 1_000_000);
        survey.event(0, epoch, "a b\u{1b}", 1_795_849_075, 48_000);
        survey.event(1, epoch, "news", 1_795_849_077, 380);
        survey.damaged(576);
        let table = survey.table("/var/lib/tidings");
        let expected = "\
what     events    bytes  oldest                newest                name
segment       2  1048576  2026-11-28T06:57:55Z  2026-11-28T06:57:56Z  1795849075123-1.sse
segment       1      400  2026-11-28T06:57:57Z  2026-11-28T06:57:57Z  1795849075123-3.sse
segment       0       20  -                     -                     1795849090000-1.sse
epoch         3  1048976  2026-11-28T06:57:55Z  2026-11-28T06:57:57Z  1795849075123
epoch         0       20  -                     -                     1795849090000
channel       1    48000  2026-11-28T06:57:55Z  2026-11-28T06:57:55Z  a b\\u{1b}
channel       2  1000380  2026-11-28T06:57:56Z  2026-11-28T06:57:57Z  news
damaged       0      576  -                     -                     see --check
journal       3  1048996  2026-11-28T06:57:55Z  2026-11-28T06:57:57Z  /var/lib/tidings
";
        assert_eq!(table, expected);
    }

    #[test]
    fn an_empty_journal_is_a_line() {
        let table = Survey::default().table(".");
        assert_eq!(table.lines().nth(1).map(|line| line.split_whitespace().count()), Some(6));
        assert_eq!(table.lines().count(), 2);
    }

    #[test]
    fn names_past_the_bound_are_counted_together() {
        let mut survey = Survey::default();
        for n in 0..MOST_CHANNELS + 2 {
            survey.event(0, 1, &n.to_string(), 1, 10);
        }
        survey.event(0, 1, "0", 2, 10);
        let table = survey.table(".");
        let others: Vec<_> = table.lines().filter(|line| line.starts_with("others ")).collect();
        let expected = "others        2     20  1970-01-01T00:00:01Z  1970-01-01T00:00:01Z  \
                        all but 20000 channels";
        assert_eq!(others, [expected]);
        assert_eq!(survey.channels["0"].events, 2);
    }
}
